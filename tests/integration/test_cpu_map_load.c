/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu_map_load.h"

#include <string.h>
#include <unistd.h>

#include "../unit/data.h"

/*
 * Load a folder of tests/data/cpu_map; the reason must contain `reason` (NULL: there must be
 * none).
 */
static struct cpu_map *load(const char *name, const char *reason) {
        AUTO_FREE char *relative = NULL, *folder = NULL, *told = NULL;
        struct cpu_map *map = NULL;

        assert_int_equal(format_to(&relative, "cpu_map/%s", name), 0);
        folder = data_path(relative);
        assert_int_equal(cpu_map_load(folder, &map, &told), reason ? 1 : 0);
        assert_non_null(map);
        if (!reason)
                assert_null(told);
        else if (!told || !strstr(told, reason))
                fail_msg("%s: %s", name, told);
        return map;
}

static void map_is_loaded_by_its_index(void **state UNUSED) {
        static const struct cpuid_leaf leaf = {0x1, 0, 0, 0, 0x02000000, 0};
        AUTO_CPU_MAP struct cpu_map *map = load("map", NULL);

        assert_true(cpu_map_model_has_signature(map, "Parent", 23, 49));
        assert_true(cpu_map_model_has_signature(map, "Grandchild", 23, 49));
        /* The x86 feature, not the ARM one of the same name. */
        assert_int_equal(cpu_map_feature_offered(map, "aes", &leaf, 1), TRISTATE_YES);
}

static void missing_folder_gives_an_empty_map(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = load("no-such-folder", "index.xml: No such file");

        assert_false(cpu_map_model_has_signature(map, "Parent", 23, 49));
}

static void what_can_be_read_counts(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map =
                load("index-of-missing-files", "x86_missing.xml: No such file");

        assert_true(cpu_map_model_has_signature(map, "Parent", 23, 49));
}

static void broken_index_gives_an_empty_map(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = load("index-broken", "index.xml: ");

        assert_false(cpu_map_model_has_signature(map, "Parent", 23, 49));
}

static void index_leads_to_no_other_folder(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = load("index-escapes", "outside the folder");

        assert_false(cpu_map_model_has_signature(map, "Parent", 23, 49));
}

static void index_is_not_followed_without_end(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = load("index-includes-itself", "too many files");

        assert_false(cpu_map_model_has_signature(map, "Parent", 23, 49));
}

/* libvirt's own: the folder in XSAVESD_CPU_MAP, or where libvirt is installed. */
static void libvirts_map_is_understood(void **state UNUSED) {
        static const struct cpuid_leaf leaf = {0xd, 1, 0x8, 0, 0, 0};
        const char *folder = getenv("XSAVESD_CPU_MAP");
        AUTO_CPU_MAP struct cpu_map *map = NULL;
        AUTO_FREE char *reason = NULL;

        if (!folder)
                folder = CPU_MAP_FOLDER;
        if (access(folder, F_OK) != 0) {
                print_message("no CPU map of libvirt in %s\n", folder);
                skip();
        }

        assert_int_equal(cpu_map_load(folder, &map, &reason), 0);
        assert_true(cpu_map_model_has_signature(map, "EPYC-Rome", 23, 49));
        assert_false(cpu_map_model_has_signature(map, "EPYC-Rome", 23, 1));
        assert_true(cpu_map_model_has_signature(map, "EPYC", 23, 1));
        assert_true(cpu_map_model_has_signature(map, "EPYC-IBPB", 23, 1));
        assert_true(cpu_map_model_has_signature(map, "EPYC-Milan", 25, 1));
        assert_true(cpu_map_model_has_signature(map, "Dhyana", 24, 0));
        assert_true(cpu_map_model_has_signature(map, "Skylake-Server", 6, 85));
        assert_false(cpu_map_model_has_signature(map, "qemu64", 23, 49));
        assert_int_equal(cpu_map_feature_offered(map, "xsaves", &leaf, 1), TRISTATE_YES);
        assert_int_equal(cpu_map_feature_offered(map, "xsavec", &leaf, 1), TRISTATE_NO);
        assert_int_equal(cpu_map_feature_offered(map, "topoext", &leaf, 1), TRISTATE_NO);
        assert_int_equal(cpu_map_feature_offered(map, "rdctl-no", &leaf, 1), TRISTATE_UNKNOWN);
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(map_is_loaded_by_its_index),
                cmocka_unit_test(missing_folder_gives_an_empty_map),
                cmocka_unit_test(what_can_be_read_counts),
                cmocka_unit_test(broken_index_gives_an_empty_map),
                cmocka_unit_test(index_leads_to_no_other_folder),
                cmocka_unit_test(index_is_not_followed_without_end),
                cmocka_unit_test(libvirts_map_is_understood),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
