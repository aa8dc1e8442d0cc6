/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts of a guest, and the domains that are refused: tests/data/xml. */

#include <string.h>

#include "bench.h"
#include "core/guest.h"
#include "core/qemu_args.h"
#include "core/rewrite.h"
#include "core/xml.h"
#include "table.h"

static char *read_file(const char *folder, const char *name, const char *suffix,
                       size_t *ret_length) {
        AUTO_FREE char *path = NULL;

        assert_int_equal(format_to(&path, "xml/%s/%s%s", folder, name, suffix), 0);
        return data_read(path, ret_length);
}

/* --- refused --- */

/* Every way in refuses NAME.xml with the reason that NAME.reason begins. */
static void test_refused(void **state) {
        const char *name = *state;
        AUTO_BENCH struct bench *bench = bench_new("never", "zen2-masked");
        AUTO_FREE char *text = NULL, *reason = NULL, *expected = NULL, *xml = NULL;
        AUTO_REWRITTEN struct rewritten rewritten = {};
        size_t length, xml_length;
        bool changed;

        text = read_file("refused", name, ".xml", &length);
        expected = read_file("refused", name, ".reason", NULL);
        expected[strcspn(expected, "\n")] = '\0';

        assert_int_equal(rewrite_xml(&bench->judge, text, length, &rewritten, &reason), 1);
        if (strncmp(reason, expected, strlen(expected)) != 0)
                fail_msg("refused for: %s\nnot for: %s", reason, expected);
        assert_null(strpbrk(reason, "\r\n"));
        free(STEAL(reason));
        assert_int_equal(revert_xml(text, length, &changed, &xml, &xml_length, &reason), 1);
        assert_true(strncmp(reason, expected, strlen(expected)) == 0);
}

/* --- facts --- */

static void print_text(FILE *file, const char *key, const char *value) {
        if (value)
                fprintf(file, "%s = %s\n", key, value);
}

static void print_flag(FILE *file, const char *key, bool value) {
        if (value)
                fprintf(file, "%s\n", key);
}

/* What there is of the facts, one a line. */
static char *print_guest(const struct guest *guest, const struct cpu_map *map) {
        static const char *const arches[] = {"x86_64", "i686", "other"};
        char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);

        assert_non_null(file);
        print_text(file, "name", guest->name);
        print_text(file, "uuid", guest->uuid);
        print_text(file, "os", guest->os_id);
        print_text(file, "type", guest->type);
        print_text(file, "arch", arches[guest->arch]);
        print_text(file, "cpu-mode", cpu_mode_to_string(guest->cpu_mode));
        print_text(file, "cpu-model", guest->cpu_model);
        print_flag(file, "cpu-at-least", guest->cpu_at_least);
        print_text(file, "vendor-id", guest->vendor_id);
        print_text(file, "xsaves", feature_policy_to_string(guest->xsaves));
        print_text(file, "xsavec", feature_policy_to_string(guest->xsavec));
        for (size_t i = 0; i < guest->n_other_features; i++)
                print_text(file, "feature", guest->other_features[i]);
        print_flag(file, "check-full", guest->check_full);
        print_flag(file, "force-pair", guest->force_pair);
        print_flag(file, "custom-cpu-args", guest->custom_cpu_args);
        print_flag(file, "unreadable-args", guest->unreadable_args);
        print_flag(file, "latest-models", guest->latest_models);
        print_text(file, "args-model", guest->args_model);
        print_flag(file, "insists", guest_insists_on_xsaves(guest));
        print_flag(file, "asks", guest_asks_for_xsaves(guest));
        print_flag(file, "sees-if-offered", guest_would_see(guest, CPU_XSAVES, map, true));
        print_flag(file, "sees-if-masked", guest_would_see(guest, CPU_XSAVES, map, false));
        print_flag(file, "sees-xsavec-if-offered", guest_would_see(guest, CPU_XSAVEC, map, true));
        assert_int_equal(fclose(file), 0);
        return text;
}

static void test_facts(void **state) {
        const char *name = *state;
        AUTO_XML struct xml_document *document = NULL;
        AUTO_BENCH struct bench *bench = bench_new("never", "zen2-masked");
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *text = NULL, *reason = NULL, *expected = NULL, *found = NULL;
        size_t length;

        text = read_file("facts", name, ".xml", &length);
        expected = read_file("facts", name, ".facts", NULL);
        assert_int_equal(xml_parse(text, length, &document, &reason), 0);
        assert_int_equal(guest_read(&guest, xml_root(document), &reason), 0);
        found = print_guest(&guest, bench->map);
        assert_string_equal(found, expected);
}

/* --- arguments --- */

/* "+pair+cpu+unreadable+latest=MODEL", and with their signs the properties that are set by -cpu, or else by -global. */
static void print_args(FILE *file, const struct qemu_args *args) {
        static const char *const names[] = {"xsaves", "xsavec", "force"};

        fprintf(file, "%s%s%s%s", args->force_pair ? "+pair" : "", args->sets_cpu ? "+cpu" : "",
                args->unreadable ? "+unreadable" : "", args->latest_models ? "+latest" : "");
        if (args->model)
                fprintf(file, "=%s", args->model);
        for (enum cpu_property p = 0; p < N_CPU_PROPERTIES; p++) {
                enum setting setting = args->cpu[p];

                if (setting == SETTING_NONE)
                        setting = qemu_args_global(args, p, args->model, "x86_64-cpu");
                if (setting != SETTING_NONE)
                        fprintf(file, "%c%s", setting == SETTING_ON ? '+' : '-', names[p]);
        }
}

/* The arguments in the row's last column are parted by `|`. */
static void test_args(void **state) {
        enum { NAME, EXPECTED, ARGS };
        char **row = *state;
        CLEANUP(qemu_args_clear) struct qemu_args args = {};
        AUTO_FREE char *copy = strdup(row[ARGS]), *found = NULL;
        const char *argv[16], *argument;
        char *rest = copy;
        size_t n = 0, length;
        FILE *file;

        while ((argument = strsep(&rest, "|"))) {
                assert_true(n < ELEMENTS_OF(argv));
                argv[n++] = argument;
        }
        assert_int_equal(qemu_args_read(&args, argv, n), 0);
        file = open_memstream(&found, &length);
        print_args(file, &args);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(*found ? found : "none", row[EXPECTED]);
}

/* --- one test a file or row --- */

struct tests {
        struct CMUnitTest *items;
        size_t count;
};

static void add_test(struct tests *tests, const char *name, CMUnitTestFunction test, void *state) {
        if (array_grow(&tests->items, tests->count, sizeof(*tests->items)) < 0)
                exit(99);
        tests->items[tests->count++] = (struct CMUnitTest){
                .name = name,
                .test_func = test,
                .initial_state = state,
        };
}

static void add_files(struct tests *tests, char **names, CMUnitTestFunction test) {
        STRV_FOREACH (name, names) {
                (*name)[strlen(*name) - strlen(".xml")] = '\0';
                add_test(tests, *name, test, *name);
        }
}

int main(int argc, char **argv) {
        AUTO_TABLE struct table *args = NULL;
        AUTO_STRV char **refused = NULL, **facts = NULL;
        struct tests tests = {};
        int failed;

        data_init(argc, argv);
        refused = data_list("xml/refused", ".xml");
        facts = data_list("xml/facts", ".xml");
        args = table_read("xml/args", 3);
        add_files(&tests, refused, test_refused);
        add_files(&tests, facts, test_facts);
        for (size_t i = 0; i < args->n_rows; i++)
                add_test(&tests, args->rows[i][0], test_args, args->rows[i]);
        failed = _cmocka_run_group_tests("guest", tests.items, tests.count, NULL, NULL);
        free(tests.items);
        return failed;
}
