/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/host.h"

#include <errno.h>
#include <string.h>

#include "data.h"

/* Returns the path of FOLDER/NAME with `.facts` replaced by `suffix`. */
static char *sibling(const char *folder, const char *name, const char *suffix) {
        int stem = (int)(strlen(name) - strlen(".facts"));
        char *path;

        assert_int_equal(format_to(&path, "host/%s/%.*s%s", folder, stem, name, suffix), 0);
        return path;
}

static struct host_facts *parse(const char *name, const char *text, size_t length) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *told = NULL;
        struct host_facts *facts = NULL;

        if (host_facts_parse(name, text, length, &problems, &facts) == 0) {
                assert_int_equal(problems.count, 0);
                return facts;
        }
        told = problems_format(&problems, SEVERITY_ERROR);
        fail_msg("%s", told);
        return NULL;
}

static struct host_facts *parse_file(const char *folder, const char *name) {
        AUTO_FREE char *path = sibling(folder, name, ".facts");
        AUTO_FREE char *text = NULL;
        size_t length;

        text = data_read(path, &length);
        return parse(name, text, length);
}

static char *format(const struct host_facts *facts) {
        char *text = NULL;

        assert_int_equal(host_facts_format(facts, &text), 0);
        return text;
}

static void canonical_file_comes_out_as_it_went_in(void **state UNUSED) {
        AUTO_STRV char **names = data_list("host/canonical", ".facts");

        STRV_FOREACH (name, names) {
                AUTO_HOST_FACTS struct host_facts *facts = parse_file("canonical", *name);
                AUTO_FREE char *path = sibling("canonical", *name, ".facts");
                AUTO_FREE char *text = data_read(path, NULL);
                AUTO_FREE char *formatted = format(facts);

                assert_string_equal(formatted, text);
        }
}

static void good_file_comes_out_canonical(void **state UNUSED) {
        AUTO_STRV char **names = data_list("host/good", ".facts");

        STRV_FOREACH (name, names) {
                AUTO_HOST_FACTS struct host_facts *facts = parse_file("good", *name);
                AUTO_FREE char *path = sibling("good", *name, ".canonical");
                AUTO_FREE char *canonical = data_read(path, NULL);
                AUTO_FREE char *formatted = format(facts);

                assert_string_equal(formatted, canonical);
        }
}

static void bad_file_is_refused_with_all_its_problems(void **state UNUSED) {
        AUTO_STRV char **names = data_list("host/bad", ".facts");

        STRV_FOREACH (name, names) {
                AUTO_FREE char *path = sibling("bad", *name, ".facts");
                AUTO_FREE char *problems_path = sibling("bad", *name, ".problems");
                AUTO_FREE char *expected = data_read(problems_path, NULL);
                AUTO_FREE char *text = NULL, *told = NULL, *told_lines = NULL;
                AUTO_PROBLEMS struct problems problems = {};
                struct host_facts *facts = NULL;
                size_t length;

                text = data_read(path, &length);
                assert_int_equal(host_facts_parse(*name, text, length, &problems, &facts), 1);
                assert_null(facts);
                told = problems_format(&problems, SEVERITY_ERROR);
                assert_int_equal(format_to(&told_lines, "%s\n", told), 0);
                assert_string_equal(told_lines, expected);
        }
}

/* What ini_read() refuses is refused here too. */
static void key_given_twice_is_refused_with_its_line(void **state UNUSED) {
        static const char text[] = "[host]\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\n"
                                   "stepping = 0\nfamily = 23\n";
        AUTO_PROBLEMS struct problems problems = {};
        struct host_facts *facts = NULL;

        assert_int_equal(host_facts_parse("x", text, strlen(text), &problems, &facts), 1);
        assert_int_equal(problems.errors, 1);
        assert_int_equal(problems.items[0].line, 6);
}

static void earlier_problems_do_not_count(void **state UNUSED) {
        AUTO_FREE char *text = data_read("host/canonical/zen2-masked.facts", NULL);
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_HOST_FACTS struct host_facts *facts = NULL;

        problems_add(&problems, SEVERITY_ERROR, "another", 1, "bad");
        assert_int_equal(host_facts_parse("x", text, strlen(text), &problems, &facts), 0);
        assert_non_null(facts);
}

static void unknown_is_no_value(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = parse_file("canonical", "all-unknown.facts");

        assert_null(facts->hostname);
        assert_null(facts->machine_id);
        assert_null(facts->vendor);
        assert_null(facts->host_model);
        assert_false(facts->microcode_known);
        assert_int_equal(facts->virtualized, TRISTATE_UNKNOWN);
        assert_int_equal(facts->hypervisor_xsavec, TRISTATE_UNKNOWN);
        assert_int_equal(facts->n_hypervisor_cpuid, 0);
}

static void values_land_in_their_fields(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts =
                parse_file("canonical", "hypervisor-cpuid.facts");
        const struct cpuid_leaf *leaf;

        assert_string_equal(facts->hostname, "rome-lab");
        assert_string_equal(facts->machine_id, "5f0c1c1b6f2b4a3c9d7e8f9a0b1c2d3e");
        assert_string_equal(facts->vendor, "AuthenticAMD");
        assert_int_equal(facts->family, 23);
        assert_int_equal(facts->model, 49);
        assert_int_equal(facts->stepping, 0);
        assert_true(facts->microcode_known);
        assert_int_equal(facts->microcode, 0x0830104d);
        assert_int_equal(facts->virtualized, TRISTATE_NO);
        assert_int_equal(facts->cpu_xsaves, TRISTATE_YES);
        assert_int_equal(facts->cpu_xsavec, TRISTATE_YES);
        assert_int_equal(facts->kernel_xsaves, TRISTATE_NO);
        assert_int_equal(facts->hypervisor_xsaves, TRISTATE_NO);
        assert_int_equal(facts->hypervisor_xsavec, TRISTATE_YES);
        assert_string_equal(facts->host_model, "EPYC-Rome");
        assert_int_equal(facts->n_hypervisor_cpuid, 4);
        leaf = cpuid_find(facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, 0xd, 62);
        assert_ptr_equal(leaf, &facts->hypervisor_cpuid[2]);
        assert_null(cpuid_find(facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, 0xd, 0));
        assert_int_equal(facts->hypervisor_cpuid[3].eax, 0xffffffff);
        assert_int_equal(facts->hypervisor_cpuid[3].ebx, 1);
        assert_int_equal(facts->hypervisor_cpuid[3].ecx, 0x80000000);
        assert_int_equal(facts->hypervisor_cpuid[3].edx, 0xa);
}

static void cpu_id_is_vendor_family_model_stepping(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *zen2 = parse_file("canonical", "zen2-masked.facts");
        AUTO_HOST_FACTS struct host_facts *unknown = parse_file("canonical", "all-unknown.facts");
        char id[HOST_CPU_ID_SIZE];

        host_facts_cpu_id(zen2, id);
        assert_string_equal(id, "AuthenticAMD-23-49-0");
        host_facts_cpu_id(unknown, id);
        assert_string_equal(id, "unknown-0-0-0");
}

static int collect_key(const char *key, const char *value UNUSED, void *userdata) {
        return strv_append(userdata, key, strlen(key));
}

static int stop_at_family(const char *key, const char *value UNUSED, void *userdata) {
        unsigned *n_calls = userdata;

        (*n_calls)++;
        return streq(key, "family") ? 42 : 0;
}

static void keys_are_visited_in_their_documented_order(void **state UNUSED) {
        static const char documented[] =
                "hostname machine-id vendor family model stepping microcode virtualized cpu-xsaves "
                "cpu-xsavec kernel-xsaves hypervisor-xsaves hypervisor-xsavec host-model";
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        AUTO_STRV char **keys = NULL;
        AUTO_FREE char *joined = NULL;
        unsigned n_calls = 0;

        assert_int_equal(host_facts_visit(facts, collect_key, &keys), 0);
        assert_int_equal(strv_join(&joined, keys, " "), 0);
        assert_string_equal(joined, documented);
        assert_int_equal(host_facts_visit(facts, stop_at_family, &n_calls), 42);
        assert_int_equal(n_calls, 4);
}

static char *random_text(void) {
        static const char letters[] = "abcXYZ019-_.=#[]'\"\\$% ";
        char text[129];
        int length;

        do {
                length = 1 + rand() % 128;
                for (int i = 0; i < length; i++)
                        text[i] = letters[(size_t)rand() % (sizeof(letters) - 1)];
                text[length] = '\0';
        } while (!host_text_valid(text));
        return rand() % 4 == 0 ? NULL : strdup(text);
}

static uint32_t random32(void) {
        return (uint32_t)rand() << 16 ^ (uint32_t)rand();
}

static struct host_facts *random_facts(void) {
        struct host_facts *facts = host_facts_new();
        enum tristate *const tristates[] = {
                &facts->virtualized,   &facts->cpu_xsaves,        &facts->cpu_xsavec,
                &facts->kernel_xsaves, &facts->hypervisor_xsaves, &facts->hypervisor_xsavec,
        };
        struct cpuid_leaf leaves[8];

        facts->hostname = random_text();
        facts->machine_id = random_text();
        facts->vendor = random_text();
        facts->host_model = random_text();
        facts->family = (unsigned)rand() % 271;
        facts->model = (unsigned)rand() % 256;
        facts->stepping = (unsigned)rand() % 16;
        facts->microcode_known = rand() % 2;
        facts->microcode = facts->microcode_known ? random32() : 0;
        for (size_t i = 0; i < ELEMENTS_OF(leaves); i++)
                leaves[i] = (struct cpuid_leaf){random32(), (uint32_t)rand() % 256,
                                                random32(), random32(),
                                                random32(), random32()};
        assert_int_equal(host_facts_set_hypervisor(facts, leaves, (size_t)rand() % 9), 0);
        for (size_t i = 0; i < ELEMENTS_OF(tristates); i++)
                *tristates[i] = (enum tristate)(rand() % 3);
        return facts;
}

static void assert_equal(const struct host_facts *a, const struct host_facts *b) {
        AUTO_FREE char *text_a = format(a), *text_b = format(b);

        assert_string_equal(text_a, text_b);
        assert_true(streq_null(a->hostname, b->hostname));
        assert_true(streq_null(a->vendor, b->vendor));
        assert_int_equal(a->microcode_known, b->microcode_known);
        assert_int_equal(a->microcode, b->microcode);
        assert_int_equal(a->n_hypervisor_cpuid, b->n_hypervisor_cpuid);
        if (a->n_hypervisor_cpuid > 0)
                assert_memory_equal(a->hypervisor_cpuid, b->hypervisor_cpuid,
                                    a->n_hypervisor_cpuid * sizeof(struct cpuid_leaf));
}

static void any_facts_survive_their_file_and_a_copy(void **state UNUSED) {
        srand(1386);
        for (int i = 0; i < 2000; i++) {
                AUTO_HOST_FACTS struct host_facts *facts = random_facts();
                AUTO_HOST_FACTS struct host_facts *copy = NULL, *parsed = NULL;
                AUTO_FREE char *text = format(facts);

                parsed = parse("random", text, strlen(text));
                assert_equal(facts, parsed);
                assert_int_equal(host_facts_copy(facts, &copy), 0);
                assert_equal(facts, copy);
        }
        assert_null(host_facts_free(NULL));
}

/* Texts cut anywhere must be refused or read, and never more than that. */
static void cut_file_does_no_harm(void **state UNUSED) {
        AUTO_FREE char *text = data_read("host/canonical/hypervisor-cpuid.facts", NULL);

        for (size_t length = 0; length < strlen(text); length++) {
                AUTO_FREE char *cut = strndup(text, length);
                AUTO_PROBLEMS struct problems problems = {};
                AUTO_HOST_FACTS struct host_facts *facts = NULL;
                int r = host_facts_parse("cut", cut, length, &problems, &facts);

                assert_true(r == 0 || r == 1);
                assert_int_equal(r == 1, facts == NULL);
                assert_int_equal(r == 1, problems.errors > 0);
        }
}

static void text_of_a_facts_file_is_plain(void **state UNUSED) {
        static const char *const good[] = {"a", "rome-lab.example.org", "VIA VIA VIA", "#1", "="};
        static const char *const bad[] = {"",    "unknown", " a",   "a ",         "a\tb",
                                          "a\n", "a;b",     "\x7f", "r\xc3\xb6m", "\x01"};
        char longest[130] = "";

        for (size_t i = 0; i < ELEMENTS_OF(good); i++)
                assert_true(host_text_valid(good[i]));
        for (size_t i = 0; i < ELEMENTS_OF(bad); i++)
                assert_false(host_text_valid(bad[i]));
        memset(longest, 'x', 128);
        assert_true(host_text_valid(longest));
        longest[128] = 'x';
        assert_false(host_text_valid(longest));
}

/* Leaf 1's EAX, and what Linux and the vendors' manuals make of it. */
static const struct {
        uint32_t eax;
        unsigned family, model, stepping;
} signatures[] = {
        {0x00830f10, 23, 49, 0},  /* EPYC 7002 */
        {0x00800f12, 23, 1, 2},   /* EPYC 7001 */
        {0x00870f10, 23, 113, 0}, /* Ryzen 3000 */
        {0x00890f02, 23, 144, 2}, /* Van Gogh */
        {0x00a00f11, 25, 1, 1},   /* EPYC 7003 */
        {0x00900f01, 24, 0, 1},   /* Dhyana */
        {0x00100f23, 16, 2, 3},   /* Opteron 2350 */
        {0x00000f4a, 15, 4, 10},  /* K8 */
        {0x00050657, 6, 85, 7},   /* Cascade Lake */
        {0x00000633, 6, 3, 3},    /* Pentium II */
        {0x000f0543, 5, 4, 3},    /* no extended model below family 6 */
        {0x0fffffff, 270, 255, 15},
};

static void signature_is_read_as_the_architecture_defines_it(void **state UNUSED) {
        for (size_t i = 0; i < ELEMENTS_OF(signatures); i++) {
                const struct cpuid_leaf leaves[] = {
                        {0x0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65},
                        {0x1, 0, signatures[i].eax, 0, 0, 0},
                };
                AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();

                assert_int_equal(host_facts_set_cpu(facts, leaves, ELEMENTS_OF(leaves)), 0);
                assert_string_equal(facts->vendor, "AuthenticAMD");
                assert_int_equal(facts->family, signatures[i].family);
                assert_int_equal(facts->model, signatures[i].model);
                assert_int_equal(facts->stepping, signatures[i].stepping);
        }
}

/* Leaf 0's EBX, ECX, EDX. */
static const struct {
        uint32_t ebx, ecx, edx;
        const char *vendor;
} vendors[] = {
        {0x68747541, 0x444d4163, 0x69746e65, "AuthenticAMD"},
        {0x6f677948, 0x656e6975, 0x6e65476e, "HygonGenuine"},
        {0x756e6547, 0x6c65746e, 0x49656e69, "GenuineIntel"},
        {0x68532020, 0x20206961, 0x68676e61, "Shanghai"},
        {0x20414956, 0x20414956, 0x20414956, "VIA VIA VIA"},
        {0x00000000, 0x00000000, 0x00000000, NULL},
        {0x20202020, 0x20202020, 0x20202020, NULL},
        {0x3b3b3b3b, 0x3b3b3b3b, 0x3b3b3b3b, NULL},
        {0xffffffff, 0xffffffff, 0xffffffff, NULL},
};

static void vendor_is_read_without_blanks_around_it(void **state UNUSED) {
        for (size_t i = 0; i < ELEMENTS_OF(vendors); i++) {
                const struct cpuid_leaf leaves[] = {
                        {0x0, 0, 1, vendors[i].ebx, vendors[i].ecx, vendors[i].edx},
                        {0x1, 0, 0x00000633, 0, 0, 0},
                };
                AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();

                /* Twice: what was there before is replaced. */
                assert_int_equal(host_facts_set_cpu(facts, leaves, ELEMENTS_OF(leaves)), 0);
                assert_int_equal(host_facts_set_cpu(facts, leaves, ELEMENTS_OF(leaves)), 0);
                assert_true(streq_null(facts->vendor, vendors[i].vendor));
        }
}

static void cpu_features_are_read_from_their_bits(void **state UNUSED) {
        struct cpuid_leaf leaves[] = {
                {0x0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65},
                {0x1, 0, 0x00830f10, 0, 0x80000000, 0},
                {0xd, 0, 0x00000207, 0x340, 0x380, 0},
                {0xd, 1, 0x0000000f, 0x340, 0, 0},
        };
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();

        assert_int_equal(host_facts_set_cpu(facts, leaves, 4), 0);
        assert_int_equal(facts->virtualized, TRISTATE_YES);
        assert_int_equal(facts->cpu_xsaves, TRISTATE_YES);
        assert_int_equal(facts->cpu_xsavec, TRISTATE_YES);

        leaves[1].ecx = 0x7fffffff;
        leaves[3].eax = 0x7;
        assert_int_equal(host_facts_set_cpu(facts, leaves, 4), 0);
        assert_int_equal(facts->virtualized, TRISTATE_NO);
        assert_int_equal(facts->cpu_xsaves, TRISTATE_NO);
        assert_int_equal(facts->cpu_xsavec, TRISTATE_YES);

        leaves[3].eax = 0xfffffffd;
        assert_int_equal(host_facts_set_cpu(facts, leaves, 4), 0);
        assert_int_equal(facts->cpu_xsaves, TRISTATE_YES);
        assert_int_equal(facts->cpu_xsavec, TRISTATE_NO);

        /* A CPU from before XSAVE. */
        assert_int_equal(host_facts_set_cpu(facts, leaves, 2), 0);
        assert_int_equal(facts->cpu_xsaves, TRISTATE_NO);
        assert_int_equal(facts->cpu_xsavec, TRISTATE_NO);
}

static void nothing_is_known_of_a_cpu_without_leaves(void **state UNUSED) {
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();

        assert_int_equal(host_facts_set_cpu(facts, NULL, 0), 0);
        assert_null(facts->vendor);
        assert_int_equal(facts->virtualized, TRISTATE_UNKNOWN);
        assert_int_equal(facts->cpu_xsaves, TRISTATE_UNKNOWN);
        assert_int_equal(facts->cpu_xsavec, TRISTATE_UNKNOWN);
}

static void hypervisor_offers_what_its_leaves_say(void **state UNUSED) {
        static const struct cpuid_leaf leaves[] = {
                {0x1, 0, 0x00830f10, 0, 0, 0},
                {0xd, 1, 0x0000000f, 0x340, 0, 0},
        };
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();

        assert_int_equal(host_facts_set_hypervisor(facts, leaves, 2), 0);
        assert_int_equal(facts->n_hypervisor_cpuid, 2);
        assert_int_equal(facts->hypervisor_xsaves, TRISTATE_YES);
        assert_int_equal(facts->hypervisor_xsavec, TRISTATE_YES);

        /* Known, and without leaf 0DH. */
        assert_int_equal(host_facts_set_hypervisor(facts, leaves, 1), 0);
        assert_int_equal(facts->hypervisor_xsaves, TRISTATE_NO);
        assert_int_equal(facts->hypervisor_xsavec, TRISTATE_NO);

        assert_int_equal(host_facts_set_hypervisor(facts, NULL, 0), 0);
        assert_int_equal(facts->n_hypervisor_cpuid, 0);
        assert_int_equal(facts->hypervisor_xsaves, TRISTATE_UNKNOWN);
        assert_int_equal(facts->hypervisor_xsavec, TRISTATE_UNKNOWN);
}

static void hypervisor_leaves_are_kept_once_and_not_without_end(void **state UNUSED) {
        struct cpuid_leaf leaves[600] = {};
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        AUTO_HOST_FACTS struct host_facts *parsed = NULL;
        AUTO_FREE char *text = NULL;

        for (size_t i = 0; i < ELEMENTS_OF(leaves); i++) {
                leaves[i].leaf = (uint32_t)(i / 2);
                leaves[i].eax = (uint32_t)i;
        }
        assert_int_equal(host_facts_set_hypervisor(facts, leaves, ELEMENTS_OF(leaves)), 0);
        assert_int_equal(facts->n_hypervisor_cpuid, CPUID_LEAVES_MAX);
        assert_int_equal(facts->hypervisor_cpuid[1].leaf, 1);
        assert_int_equal(facts->hypervisor_cpuid[1].eax, 2);

        text = format(facts);
        parsed = parse("largest", text, strlen(text));
        assert_equal(facts, parsed);
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(canonical_file_comes_out_as_it_went_in),
                cmocka_unit_test(good_file_comes_out_canonical),
                cmocka_unit_test(bad_file_is_refused_with_all_its_problems),
                cmocka_unit_test(key_given_twice_is_refused_with_its_line),
                cmocka_unit_test(earlier_problems_do_not_count),
                cmocka_unit_test(unknown_is_no_value),
                cmocka_unit_test(values_land_in_their_fields),
                cmocka_unit_test(cpu_id_is_vendor_family_model_stepping),
                cmocka_unit_test(keys_are_visited_in_their_documented_order),
                cmocka_unit_test(any_facts_survive_their_file_and_a_copy),
                cmocka_unit_test(cut_file_does_no_harm),
                cmocka_unit_test(text_of_a_facts_file_is_plain),
                cmocka_unit_test(signature_is_read_as_the_architecture_defines_it),
                cmocka_unit_test(vendor_is_read_without_blanks_around_it),
                cmocka_unit_test(cpu_features_are_read_from_their_bits),
                cmocka_unit_test(nothing_is_known_of_a_cpu_without_leaves),
                cmocka_unit_test(hypervisor_offers_what_its_leaves_say),
                cmocka_unit_test(hypervisor_leaves_are_kept_once_and_not_without_end),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
