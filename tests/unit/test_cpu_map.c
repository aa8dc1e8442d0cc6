/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cpu_map.h"

#include <errno.h>
#include <string.h>

#include "data.h"

static int add_file(struct cpu_map *map, const char *relative) {
        AUTO_FREE char *text = NULL;
        size_t length;

        text = data_read(relative, &length);
        return cpu_map_add(map, text, length);
}

/* All files of tests/data/cpu_map/map/, in the order of their names or against it. */
static struct cpu_map *load(bool backwards) {
        AUTO_STRV char **names = data_list("cpu_map/map", ".xml");
        struct cpu_map *map = cpu_map_new();
        size_t n = strv_length(names);

        assert_non_null(map);
        for (size_t i = 0; i < n; i++) {
                const char *name = names[backwards ? n - 1 - i : i];
                AUTO_FREE char *path = NULL;

                /* Features of the same names; cpu_map_load() goes by the index. */
                if (strncmp(name, "arm_", 4) == 0)
                        continue;
                assert_int_equal(format_to(&path, "cpu_map/map/%s", name), 0);
                assert_int_equal(add_file(map, path), 0);
        }
        return map;
}

static const struct {
        const char *name;
        unsigned family, model;
        bool has;
} signatures[] = {
        {"Parent", 23, 49, true},
        {"Parent", 23, 96, true},
        {"Parent", 23, 50, false},
        {"Parent", 49, 23, false},
        {"Parent", 6, 85, false}, /* a second definition does not count */
        {"Child", 23, 49, true},
        {"Child", 23, 96, true},
        {"Grandchild", 23, 49, true},
        {"Own", 23, 113, true},
        {"Own", 23, 49, false}, /* what it has itself replaces what it would inherit */
        {"Broken", 23, 49, false},
        {"Broken", 0, 49, false},
        {"Orphan", 23, 49, false},
        {"Loop-A", 23, 49, false},
        {"Nameless-ancestor", 23, 49, false},
        {"Generic", 23, 49, false},
        {"Generic", 0, 0, false},
        {"AMD", 23, 49, false}, /* a vendor */
        {"parent", 23, 49, false},
        {"", 23, 49, false},
        {"Unheard-of", 23, 49, false},
};

static void check_signatures(bool backwards) {
        AUTO_CPU_MAP struct cpu_map *map = load(backwards);

        for (size_t i = 0; i < ELEMENTS_OF(signatures); i++)
                if (cpu_map_model_has_signature(map, signatures[i].name, signatures[i].family,
                                                signatures[i].model) != signatures[i].has)
                        fail_msg("%s %u/%u: expected %d", signatures[i].name, signatures[i].family,
                                 signatures[i].model, signatures[i].has);
}

static void model_has_own_or_inherited_signatures(void **state UNUSED) {
        check_signatures(false);
}

static void order_of_files_does_not_matter(void **state UNUSED) {
        check_signatures(true);
}

static const struct cpuid_leaf some_leaves[] = {
        {0x1, 0, 0x00830f10, 0, 0x02000000, 0x00000001},
        {0x7, 0, 0, 0x00000081, 0, 0x00000000},
        {0x7, 1, 0, 0, 0, 0x80000000},
        {0xd, 0, 0x00000008, 0, 0, 0},
        {0xd, 1, 0x00000007, 0, 0, 0},
};

static const struct {
        const char *name;
        enum tristate offered;
} features[] = {
        {"smep", TRISTATE_YES},
        {"aes", TRISTATE_YES},
        {"xsavec", TRISTATE_YES},
        {"xsaves", TRISTATE_NO},
        {"nodeid_msr", TRISTATE_NO},    /* no such leaf */
        {"two-leaves", TRISTATE_NO},    /* one of the two */
        {"rdctl-no", TRISTATE_UNKNOWN}, /* an MSR */
        {"both", TRISTATE_UNKNOWN},
        {"later-format", TRISTATE_UNKNOWN},
        {"no-leaf", TRISTATE_UNKNOWN},
        {"no-bits", TRISTATE_UNKNOWN},
        {"not-a-number", TRISTATE_UNKNOWN},
        {"negative", TRISTATE_UNKNOWN},
        {"empty", TRISTATE_UNKNOWN},
        {"Parent", TRISTATE_UNKNOWN}, /* a model */
        {"unheard-of", TRISTATE_UNKNOWN},
        {"", TRISTATE_UNKNOWN},
};

static void feature_is_offered_when_all_its_bits_are(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = load(false);

        for (size_t i = 0; i < ELEMENTS_OF(features); i++) {
                enum tristate offered = cpu_map_feature_offered(map, features[i].name, some_leaves,
                                                                ELEMENTS_OF(some_leaves));

                if (offered != features[i].offered)
                        fail_msg("%s: %s, not %s", features[i].name, tristate_to_string(offered),
                                 tristate_to_string(features[i].offered));
        }
}

static void nothing_is_known_without_leaves(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = load(false);

        for (size_t i = 0; i < ELEMENTS_OF(features); i++)
                assert_int_equal(cpu_map_feature_offered(map, features[i].name, NULL, 0),
                                 TRISTATE_UNKNOWN);
}

static void every_bit_of_a_feature_counts(void **state UNUSED) {
        static const struct cpuid_leaf both[] = {
                {0x1, 0, 0, 0, 0, 0x00000001},
                {0x7, 0, 0, 0x00000001, 0, 0x80000000},
        };
        static const struct cpuid_leaf one_bit_short[] = {
                {0x1, 0, 0, 0, 0, 0x00000001},
                {0x7, 0, 0, 0x00000001, 0, 0x7fffffff},
        };
        AUTO_CPU_MAP struct cpu_map *map = load(false);

        assert_int_equal(cpu_map_feature_offered(map, "two-leaves", both, 2), TRISTATE_YES);
        assert_int_equal(cpu_map_feature_offered(map, "two-leaves", one_bit_short, 2), TRISTATE_NO);
}

static void bad_xml_adds_nothing(void **state UNUSED) {
        AUTO_STRV char **names = data_list("cpu_map/bad", ".xml");
        AUTO_CPU_MAP struct cpu_map *map = cpu_map_new();

        STRV_FOREACH (name, names) {
                AUTO_FREE char *path = NULL;

                assert_int_equal(format_to(&path, "cpu_map/bad/%s", *name), 0);
                assert_int_equal(add_file(map, path), -EBADMSG);
        }
        assert_false(cpu_map_model_has_signature(map, "Torn", 23, 49));
}

static void empty_map_knows_nothing(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = cpu_map_new();

        assert_false(cpu_map_model_has_signature(map, "Parent", 23, 49));
        assert_int_equal(cpu_map_feature_offered(map, "aes", some_leaves, ELEMENTS_OF(some_leaves)),
                         TRISTATE_UNKNOWN);
        assert_null(cpu_map_free(NULL));
}

/* A map as no libvirt has one must not make a lookup slow: a chain of ancestors over all of it. */
static void long_chain_of_ancestors_is_followed(void **state UNUSED) {
        AUTO_CPU_MAP struct cpu_map *map = cpu_map_new();
        AUTO_FREE char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);

        assert_non_null(file);
        fputs("<cpus><model name='0'><signature family='23' model='1'/></model>", file);
        for (int i = 1; i < 5000; i++)
                fprintf(file, "<model name='%d'><model name='%d'/></model>", i, i - 1);
        fputs("</cpus>", file);
        assert_int_equal(fclose(file), 0);

        assert_int_equal(cpu_map_add(map, text, length), 0);
        assert_true(cpu_map_model_has_signature(map, "4999", 23, 1));
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(model_has_own_or_inherited_signatures),
                cmocka_unit_test(order_of_files_does_not_matter),
                cmocka_unit_test(feature_is_offered_when_all_its_bits_are),
                cmocka_unit_test(nothing_is_known_without_leaves),
                cmocka_unit_test(every_bit_of_a_feature_counts),
                cmocka_unit_test(bad_xml_adds_nothing),
                cmocka_unit_test(empty_map_knows_nothing),
                cmocka_unit_test(long_chain_of_ancestors_is_followed),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
