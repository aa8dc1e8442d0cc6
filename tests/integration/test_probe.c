/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The probe on trees of files, and on the running machine against what that says elsewhere. */

#include "probe.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "../unit/data.h"
#include "kernel_facts.h"

static struct host_facts *probe(const char *root) {
        const struct probe_paths paths = {.root = root};
        struct host_facts *facts = NULL;

        assert_int_equal(probe_host(root ? &paths : NULL, &facts), 0);
        assert_non_null(facts);
        return facts;
}

static char **read_lines(const char *relative) {
        AUTO_FREE char *text = data_read(relative, NULL);
        char **lines = NULL;

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        assert_int_equal(strv_append(&lines, line, strlen(line)), 0);
        assert_non_null(lines);
        return lines;
}

static void check_tree(const char *name, const struct host_facts *facts, char *const *expected) {
        AUTO_FREE char *text = NULL;

        assert_int_equal(host_facts_format(facts, &text), 0);
        STRV_FOREACH (line, expected) {
                AUTO_FREE char *whole = NULL;

                assert_int_equal(format_to(&whole, "\n%s\n", *line), 0);
                if (!strstr(text, whole))
                        fail_msg("%s: not %s but\n%s", name, *line, text);
        }
}

/* What stands in TREE.expected stands in the facts file of that tree. */
static void tree_gives_the_expected_facts(void **state UNUSED) {
        AUTO_STRV char **names = data_list("host/trees", ".expected");

        STRV_FOREACH (name, names) {
                int stem = (int)(strlen(*name) - strlen(".expected"));
                AUTO_HOST_FACTS struct host_facts *facts = NULL;
                AUTO_FREE char *expected_path = NULL, *tree_path = NULL, *tree = NULL;
                AUTO_STRV char **expected = NULL;

                assert_int_equal(format_to(&expected_path, "host/trees/%s", *name), 0);
                assert_int_equal(format_to(&tree_path, "host/trees/%.*s", stem, *name), 0);
                tree = data_path(tree_path);
                assert_int_equal(access(tree, X_OK), 0);
                expected = read_lines(expected_path);
                facts = probe(tree);
                check_tree(*name, facts, expected);
        }
}

static void nothing_is_known_where_nothing_is(void **state UNUSED) {
        AUTO_FREE char *root = data_path("host/trees/no-such-tree");
        AUTO_HOST_FACTS struct host_facts *facts = probe(root);

        assert_null(facts->machine_id);
        assert_false(facts->microcode_known);
        assert_int_equal(facts->kernel_xsaves, TRISTATE_UNKNOWN);
        assert_int_equal(facts->hypervisor_xsaves, TRISTATE_UNKNOWN);
        assert_int_equal(facts->n_hypervisor_cpuid, 0);
        assert_null(facts->host_model);
}

/* In an outage: by /proc/cpuinfo alone. */
static void faulty_xsaves_may_be_offered_unless_linux_says_no(void **state UNUSED) {
        static const struct {
                const char *tree;
                bool may_offer;
        } cases[] = {
                {"cpuinfo-alone", true}, /* Zen 2, not masked */
                {"zen2-masked", false},
                {"cpuinfo-hygon", true},
                {"cpuinfo-zen3", false},
                {"not-x86", false},
                {"cpuinfo-one-cpu-without-xsaves", false},
                {"cpuinfo-cut-in-flags", true},
                {"cpuinfo-cut-in-microcode", true},
                {"cpuinfo-empty", true},
                {"cpuinfo-is-a-folder", true},
                {"no-such-tree", true},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_FREE char *relative = NULL, *root = NULL;

                assert_int_equal(format_to(&relative, "host/trees/%s", cases[i].tree), 0);
                root = data_path(relative);
                if (kernel_may_offer_faulty_xsaves(root) != cases[i].may_offer)
                        fail_msg("%s: %d", cases[i].tree, !cases[i].may_offer);
        }
}

/* The value of the first line of that key in /proc/cpuinfo; NULL: none. */
static char *cpuinfo_value(const char *key) {
        AUTO_FCLOSE FILE *file = fopen("/proc/cpuinfo", "re");
        AUTO_FREE char *line = NULL;
        size_t size = 0;

        assert_non_null(file);
        while (getline(&line, &size, file) > 0) {
                char *value = strchr(line, ':');

                if (!value)
                        continue;
                *value++ = '\0';
                line[strcspn(line, "\t")] = '\0';
                value[strcspn(value, "\n")] = '\0';
                if (streq(line, key))
                        return strdup(*value == ' ' ? value + 1 : value);
        }
        return NULL;
}

static bool cpuinfo_flag(const char *flag) {
        AUTO_FREE char *flags = cpuinfo_value("flags");
        AUTO_STRV char **list = NULL;

        assert_non_null(flags);
        assert_int_equal(strv_split(&list, flags), 0);
        return strv_contains(list, flag);
}

static unsigned cpuinfo_number(const char *key) {
        AUTO_FREE char *value = cpuinfo_value(key);

        assert_non_null(value);
        return (unsigned)strtoul(value, NULL, 10);
}

/* Before anything is allocated: skip() does not come back. */
static void skip_unless_x86(void) {
        struct utsname machine;

        assert_int_equal(uname(&machine), 0);
        if (!streq(machine.machine, "x86_64"))
                skip();
}

static void vendor_and_signature_are_the_kernels(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = NULL;
        AUTO_FREE char *vendor = NULL;

        skip_unless_x86();
        facts = probe(NULL);
        vendor = cpuinfo_value("vendor_id");
        assert_string_equal(facts->vendor, vendor);
        assert_int_equal(facts->family, cpuinfo_number("cpu family"));
        assert_int_equal(facts->model, cpuinfo_number("model"));
        assert_int_equal(facts->stepping, cpuinfo_number("stepping"));
}

/* The kernel takes flags away, and adds none of these. */
static void features_agree_with_the_kernels_flags(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = NULL;

        skip_unless_x86();
        facts = probe(NULL);
        assert_int_equal(facts->virtualized == TRISTATE_YES, cpuinfo_flag("hypervisor"));
        assert_int_equal(facts->kernel_xsaves == TRISTATE_YES, cpuinfo_flag("xsaves"));
        if (cpuinfo_flag("xsaves"))
                assert_int_equal(facts->cpu_xsaves, TRISTATE_YES);
        if (cpuinfo_flag("xsavec"))
                assert_int_equal(facts->cpu_xsavec, TRISTATE_YES);
        assert_int_not_equal(facts->cpu_xsaves, TRISTATE_UNKNOWN);
        assert_int_not_equal(facts->cpu_xsavec, TRISTATE_UNKNOWN);
        assert_int_not_equal(facts->virtualized, TRISTATE_UNKNOWN);
}

static void microcode_is_not_above_the_first_cpus(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = probe(NULL);
        AUTO_FREE char *revision = cpuinfo_value("microcode");

        /* A virtual machine may have none. */
        if (revision && facts->microcode_known)
                assert_true(facts->microcode <= strtoul(revision, NULL, 16));
        if (!revision && access("/sys/devices/system/cpu/cpu0/microcode/version", F_OK) != 0)
                assert_false(facts->microcode_known);
}

static void names_are_the_systems(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = probe(NULL);
        AUTO_FCLOSE FILE *file = fopen("/etc/machine-id", "re");
        struct utsname machine;
        char id[34] = "";

        assert_int_equal(uname(&machine), 0);
        if (host_text_valid(machine.nodename))
                assert_string_equal(facts->hostname, machine.nodename);
        if (file && fscanf(file, "%33[0-9a-f]", id) == 1 && strlen(id) == 32)
                assert_string_equal(facts->machine_id, id);
        else
                assert_null(facts->machine_id);
        assert_null(facts->host_model);
}

static void hypervisor_is_known_where_kvm_may_be_asked(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = probe(NULL);
        bool may_ask = access("/dev/kvm", R_OK | W_OK) == 0;

        assert_int_equal(facts->hypervisor_xsaves != TRISTATE_UNKNOWN, may_ask);
        assert_int_equal(facts->hypervisor_xsavec != TRISTATE_UNKNOWN, may_ask);
        assert_int_equal(facts->n_hypervisor_cpuid > 0, may_ask);
        if (!may_ask)
                return;
        /* KVM offers nothing that the CPU has not, of what it does not emulate. */
        if (facts->cpu_xsaves == TRISTATE_NO)
                assert_int_equal(facts->hypervisor_xsaves, TRISTATE_NO);
        assert_non_null(cpuid_find(facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, 0x1, 0));
}

static void probed_facts_survive_their_file(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = probe(NULL), *parsed = NULL;
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *text = NULL, *again = NULL;

        assert_int_equal(host_facts_format(facts, &text), 0);
        assert_int_equal(host_facts_parse("probed", text, strlen(text), &problems, &parsed), 0);
        assert_int_equal(host_facts_format(parsed, &again), 0);
        assert_string_equal(again, text);
}

/* --- again --- */

/* A tree that is changed while it is looked at. */
struct tree {
        char root[64];
        struct probe_stamp stamp;
        struct host_facts *known;
        char *changes; /* of the last look */
};

static void write_file(const struct tree *tree, const char *name, const char *text) {
        AUTO_FREE char *path = NULL;
        AUTO_FCLOSE FILE *file = NULL;

        assert_int_equal(format_to(&path, "%s/%s", tree->root, name), 0);
        file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
}

static void make_folder(const struct tree *tree, const char *name) {
        AUTO_FREE char *path = NULL;

        assert_int_equal(format_to(&path, "%s/%s", tree->root, name), 0);
        assert_int_equal(mkdir(path, 0755), 0);
}

static int setup_tree(void **state) {
        struct tree *tree = calloc(1, sizeof(*tree));
        const struct probe_paths paths = {.root = tree->root};

        assert_non_null(tree);
        strcpy(tree->root, "/tmp/xsavesd-probe.XXXXXX");
        assert_non_null(mkdtemp(tree->root));
        make_folder(tree, "etc");
        make_folder(tree, "dev");
        make_folder(tree, "proc");
        make_folder(tree, "sys");
        make_folder(tree, "sys/module");
        write_file(tree, "etc/machine-id", "0123456789abcdef0123456789abcde0\n");
        write_file(tree, "proc/cpuinfo", "processor : 0\nmicrocode : 0x1\nflags : fpu xsaves\n");
        assert_int_equal(probe_host(&paths, &tree->known), 0);
        *state = tree;
        return 0;
}

static int teardown_tree(void **state) {
        static const char *const names[] = {"etc/machine-id",
                                            "proc/cpuinfo",
                                            "dev/kvm",
                                            "sys/module/kvm_amd",
                                            "sys/module",
                                            "sys",
                                            "etc",
                                            "dev",
                                            "proc"};
        struct tree *tree = *state;

        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                AUTO_FREE char *path = NULL;

                assert_int_equal(format_to(&path, "%s/%s", tree->root, names[i]), 0);
                remove(path);
        }
        assert_int_equal(rmdir(tree->root), 0);
        host_facts_free(tree->known);
        free(tree->changes);
        free(tree);
        return 0;
}

/* What is new, "" for nothing; the tree's facts are these from then on. */
static const char *look_again(struct tree *tree, bool all) {
        const struct probe_paths paths = {.root = tree->root};
        struct host_facts *facts = NULL;
        int r;

        free(STEAL(tree->changes));
        r = probe_host_again(&paths, all, &tree->stamp, tree->known, &facts, &tree->changes);
        assert_in_range(r, 0, 1);
        if (r == 0)
                return "";
        host_facts_free(tree->known);
        tree->known = facts;
        return tree->changes;
}

/* This machine's KVM, in the tree. */
static void kvm_comes(const struct tree *tree) {
        AUTO_FREE char *path = NULL;

        assert_int_equal(format_to(&path, "%s/dev/kvm", tree->root), 0);
        assert_int_equal(symlink("/dev/kvm", path), 0);
}

static void kvm_goes(const struct tree *tree) {
        AUTO_FREE char *path = NULL;

        assert_int_equal(format_to(&path, "%s/dev/kvm", tree->root), 0);
        assert_int_equal(unlink(path), 0);
}

static void nothing_new_is_told_where_nothing_is(void **state) {
        struct tree *tree = *state;

        for (int i = 0; i < 4; i++)
                assert_string_equal(look_again(tree, i % 2 == 1), "");
}

static void a_machine_id_that_changes_is_seen(void **state) {
        struct tree *tree = *state;

        kvm_comes(tree);
        look_again(tree, false);
        /* A file system's clock may tick every 10 ms only. */
        usleep(50000);
        write_file(tree, "etc/machine-id", "0123456789abcdef0123456789abcde1\n");
        assert_string_equal(look_again(tree, false),
                            "machine-id = 0123456789abcdef0123456789abcde1");
        /* Between two of them, the last counts. */
        write_file(tree, "etc/machine-id", "");
        assert_string_equal(look_again(tree, false), "");
        assert_string_equal(tree->known->machine_id, "0123456789abcdef0123456789abcde1");
}

static void what_the_kernel_has_is_read_where_all_is(void **state) {
        struct tree *tree = *state;

        free(tree->known->host_model);
        tree->known->host_model = strdup("EPYC-Rome");
        write_file(tree, "proc/cpuinfo", "processor : 0\nmicrocode : 0x2\nflags : fpu\n");
        assert_string_equal(look_again(tree, false), "");
        assert_string_equal(look_again(tree, true), "microcode = 0x00000002, kernel-xsaves = no");
        assert_string_equal(tree->known->host_model, "EPYC-Rome");
        /* As when there are no file descriptors. */
        write_file(tree, "proc/cpuinfo", "");
        assert_string_equal(look_again(tree, true), "");
}

static void kvm_that_comes_later_is_asked_then(void **state) {
        bool may_ask = access("/dev/kvm", R_OK | W_OK) == 0;
        struct tree *tree = *state;

        look_again(tree, false);
        assert_int_equal(tree->known->hypervisor_xsaves, TRISTATE_UNKNOWN);
        kvm_comes(tree);
        look_again(tree, false);
        assert_int_equal(tree->known->hypervisor_xsaves != TRISTATE_UNKNOWN, may_ask);
        assert_int_equal(strstr(tree->changes ? tree->changes : "", "hypervisor-cpuid") != NULL,
                         may_ask);
}

/*
 * KVM was asked, and what it said is made another thing, as it is after its module was loaded again with other parameters.
 * *ret is what it does say. False: it cannot be asked here.
 */
static bool know_wrong_of_kvm(struct tree *tree, enum tristate *ret) {
        if (access("/dev/kvm", R_OK | W_OK) != 0)
                return false;
        kvm_comes(tree);
        look_again(tree, false);
        *ret = tree->known->hypervisor_xsavec;
        tree->known->hypervisor_xsavec = *ret == TRISTATE_YES ? TRISTATE_NO : TRISTATE_YES;
        return true;
}

static void kvm_that_was_loaded_again_is_asked_again(void **state) {
        struct tree *tree = *state;
        enum tristate right;

        if (!know_wrong_of_kvm(tree, &right))
                return;
        assert_string_equal(look_again(tree, false), "");
        make_folder(tree, "sys/module/kvm_amd");
        look_again(tree, false);
        assert_int_equal(tree->known->hypervisor_xsavec, right);
}

static void what_kvm_said_counts_while_it_is_away(void **state) {
        struct tree *tree = *state;
        enum tristate right;

        if (!know_wrong_of_kvm(tree, &right))
                return;
        kvm_goes(tree);
        assert_string_equal(look_again(tree, false), "");
        assert_string_equal(look_again(tree, true), "");
        kvm_comes(tree);
        look_again(tree, false);
        assert_int_equal(tree->known->hypervisor_xsavec, right);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, setup_tree, teardown_tree)

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(tree_gives_the_expected_facts),
                cmocka_unit_test(nothing_is_known_where_nothing_is),
                cmocka_unit_test(faulty_xsaves_may_be_offered_unless_linux_says_no),
                cmocka_unit_test(vendor_and_signature_are_the_kernels),
                cmocka_unit_test(features_agree_with_the_kernels_flags),
                cmocka_unit_test(microcode_is_not_above_the_first_cpus),
                cmocka_unit_test(names_are_the_systems),
                cmocka_unit_test(hypervisor_is_known_where_kvm_may_be_asked),
                cmocka_unit_test(probed_facts_survive_their_file),
                IN_TREE(nothing_new_is_told_where_nothing_is),
                IN_TREE(a_machine_id_that_changes_is_seen),
                IN_TREE(what_the_kernel_has_is_read_where_all_is),
                IN_TREE(kvm_that_comes_later_is_asked_then),
                IN_TREE(kvm_that_was_loaded_again_is_asked_again),
                IN_TREE(what_kvm_said_counts_while_it_is_away),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
