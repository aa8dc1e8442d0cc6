/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/erratum.h"

#include <errno.h>
#include <string.h>

#include "data.h"

static enum erratum_status status_of_file(const char *name) {
        AUTO_HOST_FACTS struct host_facts *facts = NULL;
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *path = NULL, *text = NULL;
        size_t length;

        assert_int_equal(format_to(&path, "host/erratum/%s", name), 0);
        text = data_read(path, &length);
        if (host_facts_parse(name, text, length, &problems, &facts) != 0)
                fail_msg("%s is no facts file", name);
        return erratum_1386_status(facts);
}

/* The name ends in `.STATUS.facts`. */
static enum erratum_status status_in_name(const char *name) {
        AUTO_FREE char *stem = strndup(name, strlen(name) - strlen(".facts"));
        enum erratum_status status;

        assert_non_null(stem);
        assert_int_equal(erratum_status_from_string(strrchr(stem, '.') + 1, &status), 0);
        return status;
}

static void status_is_the_one_in_the_file_name(void **state UNUSED) {
        AUTO_STRV char **names = data_list("host/erratum", ".facts");

        STRV_FOREACH (name, names) {
                enum erratum_status status = status_of_file(*name);

                if (status != status_in_name(*name))
                        fail_msg("%s: %s", *name, erratum_status_to_string(status));
        }
}

/* Models of a family, a word for each value of the high digit, a bit for each of the low digit. */
static void check_models(const char *vendor, unsigned family, const uint16_t affected[16]) {
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();

        assert_non_null(facts);
        assert_int_equal(strdup_to(&facts->vendor, vendor), 0);
        facts->family = family;
        for (unsigned model = 0; model < 256; model++) {
                enum erratum_status expected =
                        affected[model >> 4] >> (model & 0xf) & 1 ? ERRATUM_LIVE : ERRATUM_ABSENT;

                facts->model = model;
                if (erratum_1386_status(facts) != expected)
                        fail_msg("%s family %u model 0x%02x: %s", vendor, family, model,
                                 erratum_status_to_string(erratum_1386_status(facts)));
        }
}

static void all_of_amd_family_17h_is_affected(void **state UNUSED) {
        uint16_t all[16];

        memset(all, 0xff, sizeof(all));
        check_models("AuthenticAMD", 0x17, all);
}

static void all_of_hygon_family_18h_is_affected(void **state UNUSED) {
        uint16_t all[16];

        memset(all, 0xff, sizeof(all));
        check_models("HygonGenuine", 0x18, all);
}

static void no_other_family_is_affected(void **state UNUSED) {
        static const char *const vendors[] = {"AuthenticAMD", "HygonGenuine", "GenuineIntel",
                                              "CentaurHauls", "Shanghai",     ""};
        static const uint16_t none[16];

        for (size_t i = 0; i < ELEMENTS_OF(vendors); i++)
                for (unsigned family = 0; family <= 0xf + 0xff; family++)
                        if ((i != 0 || family != 0x17) && (i != 1 || family != 0x18))
                                check_models(vendors[i], family, none);
}

static void vendor_unknown_is_not_affected(void **state UNUSED) {
        struct host_facts facts = {.family = 0x17, .model = 0x31};

        assert_int_equal(erratum_1386_status(&facts), ERRATUM_ABSENT);
}

static void status_has_a_name_both_ways(void **state UNUSED) {
        static const enum erratum_status all[] = {ERRATUM_ABSENT, ERRATUM_FIXED, ERRATUM_LIVE};
        enum erratum_status status = ERRATUM_LIVE;

        for (size_t i = 0; i < ELEMENTS_OF(all); i++) {
                assert_int_equal(
                        erratum_status_from_string(erratum_status_to_string(all[i]), &status), 0);
                assert_int_equal(status, all[i]);
        }
        assert_int_equal(erratum_status_from_string("", &status), -EINVAL);
        assert_int_equal(erratum_status_from_string("Live", &status), -EINVAL);
        assert_int_equal(erratum_status_from_string("live ", &status), -EINVAL);
        assert_int_equal(status, ERRATUM_LIVE);
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(status_is_the_one_in_the_file_name),
                cmocka_unit_test(all_of_amd_family_17h_is_affected),
                cmocka_unit_test(all_of_hygon_family_18h_is_affected),
                cmocka_unit_test(no_other_family_is_affected),
                cmocka_unit_test(vendor_unknown_is_not_affected),
                cmocka_unit_test(status_has_a_name_both_ways),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
