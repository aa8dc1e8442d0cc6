/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "core/policy/policy_parse.h"

/* One that must be accepted without a warning. */
static struct policy *parse_good(const char *text) {
        const struct policy_text one = {"policy.ini", text, strlen(text)};
        AUTO_PROBLEMS struct problems problems = {};
        struct policy *policy = NULL;

        policy = policy_parse(&one, 1, &problems);
        assert_non_null(policy);
        assert_int_equal(problems.count, 0);
        return policy;
}

static const char *host_match(const struct policy *policy, const char *hostname,
                              const char *machine_id, unsigned model, enum erratum_status erratum) {
        struct host_facts facts = {
                .hostname = (char *)hostname,
                .machine_id = (char *)machine_id,
                .vendor = (char *)"AuthenticAMD",
                .family = 23,
                .model = model,
        };
        const struct host_rule *rule = policy_match_host(policy, &facts, erratum);

        return rule ? rule->name : "none";
}

static void the_first_host_rule_matches_whose_matchers_all_do(UNUSED void **state) {
        AUTO_POLICY struct policy *policy = parse_good("[host all]\n"
                                                       "hostname = lab-* bench\n"
                                                       "machine-id = abc*\n"
                                                       "cpu = AuthenticAMD-23-49-*\n"
                                                       "erratum-1386 = live fixed\n"
                                                       "xsaves = allow\n"
                                                       "[host live]\n"
                                                       "erratum-1386 = live\n"
                                                       "xsaves = deny\n"
                                                       "[host lab]\n"
                                                       "hostname = lab*\n"
                                                       "xsaves = deny\n");

        assert_string_equal(host_match(policy, "lab-1", "abcd", 49, ERRATUM_FIXED), "all");
        assert_string_equal(host_match(policy, "bench", "abc", 49, ERRATUM_LIVE), "all");
        assert_string_equal(host_match(policy, "lab-1", "abcd", 49, ERRATUM_ABSENT), "lab");
        assert_string_equal(host_match(policy, "lab-1", "abcd", 4, ERRATUM_FIXED), "lab");
        assert_string_equal(host_match(policy, "lab-1", "ab", 49, ERRATUM_FIXED), "lab");
        assert_string_equal(host_match(policy, "lab-1", NULL, 49, ERRATUM_FIXED), "lab");
        assert_string_equal(host_match(policy, NULL, "abc", 49, ERRATUM_FIXED), "none");
        assert_string_equal(host_match(policy, "bench-2", "abc", 49, ERRATUM_LIVE), "live");
        assert_string_equal(host_match(policy, "bench-2", "abc", 49, ERRATUM_FIXED), "none");
}

static const char *guest_match(const struct policy *policy, const char *name, const char *uuid,
                               const char *os) {
        const struct guest_rule *rule = policy_match_guest(policy, name, uuid, os);

        return rule ? rule->name : "none";
}

static void the_first_guest_rule_matches_whose_matchers_all_do(UNUSED void **state) {
        AUTO_POLICY struct policy *policy = parse_good("[guest 1]\n"
                                                       "name = win2016-* hv\n"
                                                       "uuid = AA*\n"
                                                       "os = http://microsoft.com/*\n"
                                                       "xsaves = deny\n"
                                                       "[guest 2]\n"
                                                       "uuid = aa*\n"
                                                       "xsaves = deny\n"
                                                       "[guest 3]\n"
                                                       "os = *\n"
                                                       "xsaves = deny\n"
                                                       "[guest 4]\n"
                                                       "name = *-test\n"
                                                       "xsaves = deny\n"
                                                       "[guest 5]\n"
                                                       "name = h? [a-c]x\n"
                                                       "xsaves = deny\n");
        static const char w[] = "http://microsoft.com/win/2k16";

        assert_string_equal(guest_match(policy, "win2016-a", "aa1", w), "1");
        assert_string_equal(guest_match(policy, "hv", "aa", w), "1");
        assert_string_equal(guest_match(policy, "win2016", "aa1", w), "2");
        assert_string_equal(guest_match(policy, "win2016-a", "aa1", "http://x"), "2");
        assert_string_equal(guest_match(policy, "win2016-a", "aa1", NULL), "2");
        assert_string_equal(guest_match(policy, "win2016-a", "ab", w), "3");
        assert_string_equal(guest_match(policy, "win2016-a", NULL, ""), "3");
        assert_string_equal(guest_match(policy, "win2016-a", NULL, NULL), "none");
        assert_string_equal(guest_match(policy, "win2016-test", NULL, NULL), "4");
        assert_string_equal(guest_match(policy, "hv", NULL, NULL), "5");
        assert_string_equal(guest_match(policy, "bx", NULL, NULL), "5");
        assert_string_equal(guest_match(policy, "dx", NULL, NULL), "none");
        assert_string_equal(guest_match(policy, "", NULL, NULL), "none");
        assert_string_equal(guest_match(policy, NULL, NULL, NULL), "none");
}

static void no_rules_match_no_guest(UNUSED void **state) {
        AUTO_POLICY struct policy *policy = NULL;

        policy = policy_new_builtin();
        assert_string_equal(guest_match(policy, "a", "b", "c"), "none");
        assert_string_equal(host_match(policy, "a", "b", 49, ERRATUM_LIVE), "none");
}

/* Against trying each rule */

static uint32_t random_state = 1386;

static uint32_t random_below(uint32_t n) {
        random_state = random_state * 1664525 + 1013904223;
        return (random_state >> 8) % n;
}

static void random_text(char *text, size_t size, const char *alphabet) {
        size_t length = random_below(random_below(8) ? 6 : (uint32_t)size);

        for (size_t i = 0; i < length; i++)
                text[i] = alphabet[random_below((uint32_t)strlen(alphabet))];
        text[length] = '\0';
}

static void print_random_matcher(FILE *stream, const char *key) {
        fprintf(stream, "%s =", key);
        for (uint32_t n = 1 + random_below(3); n > 0; n--) {
                char glob[50];

                random_text(glob, sizeof(glob), random_below(2) ? "aab-" : "aab-*?[]!\\*");
                fprintf(stream, " %s%s", *glob ? glob : "*", random_below(4) ? "" : "*");
        }
        fputc('\n', stream);
}

static struct policy *random_policy(unsigned n_rules) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *text = NULL;
        struct policy_text one = {.file = "f"};
        FILE *stream = open_memstream(&text, &one.length);
        struct policy *policy = NULL;

        assert_non_null(stream);
        for (unsigned i = 0; i < n_rules; i++) {
                uint32_t matchers = 1 + random_below(7);

                fprintf(stream, "[guest %u]\nxsaves = deny\n", i);
                if (matchers & 1)
                        print_random_matcher(stream, "name");
                if (matchers & 2)
                        print_random_matcher(stream, "uuid");
                if (matchers & 4)
                        print_random_matcher(stream, "os");
        }
        fclose(stream);
        one.text = text;
        policy = policy_parse(&one, 1, &problems);
        assert_non_null(policy);
        return policy;
}

static bool one_matches(char *const *globs, const char *value) {
        bool matches = !globs;

        STRV_FOREACH (glob, globs)
                matches = matches || (value && fnmatch(*glob, value, 0) == 0);
        return matches;
}

static size_t first_match(const struct policy *policy, const char *name, const char *uuid,
                          const char *os) {
        size_t i;

        for (i = 0; i < policy->n_guest_rules; i++)
                if (one_matches(policy->guest_rules[i].guest_name, name) &&
                    one_matches(policy->guest_rules[i].uuid, uuid) &&
                    one_matches(policy->guest_rules[i].os, os))
                        break;
        return i;
}

static void the_first_rule_is_found_as_by_trying_each(UNUSED void **state) {
        size_t found = 0;

        for (unsigned round = 0; round < 1500; round++) {
                AUTO_POLICY struct policy *policy = random_policy(round % 40);

                for (unsigned i = 0; i < 40; i++) {
                        char text[3][100];
                        const char *values[3];
                        const struct guest_rule *rule;
                        size_t first;

                        for (size_t k = 0; k < 3; k++) {
                                random_text(text[k], sizeof(text[k]),
                                            random_below(4) ? "aab-" : "ab-*?[]\\");
                                values[k] = random_below(8) ? text[k] : NULL;
                        }
                        rule = policy_match_guest(policy, values[0], values[1], values[2]);
                        first = first_match(policy, values[0], values[1], values[2]);
                        assert_int_equal(rule ? (size_t)(rule - policy->guest_rules)
                                              : policy->n_guest_rules,
                                         first);
                        found += rule ? 1 : 0;
                }
        }
        assert_true(found > 10000);
}

static void rules_that_spell_out_names_and_globs_keep_their_order(UNUSED void **state) {
        static const char uuid[] = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
        AUTO_POLICY struct policy *policy =
                parse_good("[guest 1]\nname = b a\nos = x\nxsaves = deny\n"
                           "[guest 2]\nname = a*b\nxsaves = deny\n"
                           "[guest 3]\nname = a ab\nuuid = 4dea*\nxsaves = deny\n"
                           "[guest 4]\nuuid = 4DEA22B3-1D52-D8F3-2516-782E98AB3FA0\n"
                           "name = *c\nxsaves = deny\n"
                           "[guest 5]\nname = a abc\nxsaves = deny\n"
                           "[guest 6]\nos = y\nxsaves = deny\n"
                           "[guest 7]\nname = a\nos = *\nxsaves = deny\n");

        assert_string_equal(guest_match(policy, "a", uuid, "x"), "1");
        assert_string_equal(guest_match(policy, "ab", uuid, "x"), "2");
        assert_string_equal(guest_match(policy, "a", uuid, NULL), "3");
        assert_string_equal(guest_match(policy, "abc", uuid, NULL), "4");
        assert_string_equal(guest_match(policy, "abc", NULL, NULL), "5");
        assert_string_equal(guest_match(policy, "a", NULL, "y"), "5");
        assert_string_equal(guest_match(policy, "b", uuid, "y"), "6");
        assert_string_equal(guest_match(policy, uuid, "a", NULL), "none");
}

/* Hostile values */

static double seconds(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static char *repeated(char c, size_t length) {
        char *text = malloc(length + 1);

        assert_non_null(text);
        memset(text, c, length);
        text[length] = '\0';
        return text;
}

/* Where each star tried all places for each place of those before it, one would take longer than the universe has. */
static void many_stars_take_no_time(UNUSED void **state) {
        AUTO_POLICY struct policy *policy =
                parse_good("[guest 1]\nname = a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n"
                           "os = *?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*?*b\n"
                           "xsaves = deny\n"
                           "[guest 2]\nos = *[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*[!b]*b\n"
                           "xsaves = deny\n");
        AUTO_FREE char *name = repeated('a', 8 << 20);
        double start = seconds();

        assert_string_equal(guest_match(policy, name, NULL, name), "none");
        assert_true(seconds() - start < 1);
}

/* And 8 MiB, which is what a definition may have, no more than a kilobyte. */
static void of_long_values_the_beginning_is_matched(UNUSED void **state) {
        AUTO_POLICY struct policy *policy = parse_good("[guest 1]\nname = *b\nxsaves = deny\n"
                                                       "[guest 2]\nos = aa*\nxsaves = deny\n"
                                                       "[guest 3]\nname = *\nxsaves = deny\n");
        AUTO_FREE char *text = repeated('a', 8 << 20);
        double start = seconds();

        for (unsigned i = 0; i < 1000; i++)
                assert_string_equal(guest_match(policy, text, NULL, text), "2");
        assert_true(seconds() - start < 1);
        assert_string_equal(guest_match(policy, text, NULL, NULL), "3");
        text[(8 << 20) - 1] = 'b';
        assert_string_equal(guest_match(policy, text, NULL, NULL), "3");
        text[POLICY_VALUE_MAX - 1] = 'b';
        assert_string_equal(guest_match(policy, text, NULL, NULL), "1");
        text[POLICY_VALUE_MAX] = '\0';
        assert_string_equal(guest_match(policy, text, NULL, NULL), "1");
}

/* Size */

/* Rules for names with a number between `start` and `end`. */
static char *large_policy(unsigned n_rules, const char *start, const char *end) {
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        assert_non_null(stream);
        fputs("[host any]\nhostname = *\nxsaves = allow\n", stream);
        for (unsigned i = 0; i < n_rules; i++) {
                fprintf(stream, "[guest team-%u]\nname = %s%06u%s\n", i, start, i, end);
                fprintf(stream, "xsaves = allow\nguest = never-uses-xsaves\nhide-xsavec = yes\n");
        }
        fclose(stream);
        return text;
}

/* Some twenty times what it takes without sanitizers; what grows with the square of the rules takes longer. */
static void ten_thousand_rules_load_and_match_quickly(UNUSED void **state) {
        static const struct {
                const char *start, *end;
                unsigned matches; /* to be tried */
        } cases[] = {
                {"vm-", "", 10000},
                {"vm-", "-*", 100},
                {"*-", "-prod", 100},
                {"*-", "-*", 100},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_FREE char *text = large_policy(10000, cases[i].start, cases[i].end);
                double start = seconds();
                AUTO_POLICY struct policy *policy = parse_good(text);

                assert_true(seconds() - start < 2);
                assert_int_equal(policy->n_guest_rules, 10000);
                start = seconds();
                for (unsigned n = 0; n < cases[i].matches; n++) {
                        AUTO_FREE char *name = NULL;

                        assert_int_equal(format_to(&name, "vm-%06u-x-%06u-prod", n, n), 0);
                        policy_match_guest(policy, name, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0",
                                           "http://microsoft.com/win/2k16");
                }
                assert_true(seconds() - start < 2);
        }
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_first_host_rule_matches_whose_matchers_all_do),
                cmocka_unit_test(the_first_guest_rule_matches_whose_matchers_all_do),
                cmocka_unit_test(no_rules_match_no_guest),
                cmocka_unit_test(the_first_rule_is_found_as_by_trying_each),
                cmocka_unit_test(rules_that_spell_out_names_and_globs_keep_their_order),
                cmocka_unit_test(many_stars_take_no_time),
                cmocka_unit_test(of_long_values_the_beginning_is_matched),
                cmocka_unit_test(ten_thousand_rules_load_and_match_quickly),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
