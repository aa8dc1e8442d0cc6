/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "core/glob.h"
#include "core/policy/policy.h"

/* One that must be accepted without a warning. */
static struct policy *parse_good(const char *text) {
        const struct policy_text one = {"policy.ini", text, strlen(text)};
        AUTO_PROBLEMS struct problems problems = {};
        struct policy *policy = NULL;

        assert_int_equal(policy_parse(&one, 1, &problems, &policy), 0);
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

        assert_int_equal(policy_new_builtin(&policy), 0);
        assert_string_equal(guest_match(policy, "a", "b", "c"), "none");
        assert_string_equal(host_match(policy, "a", "b", 49, ERRATUM_LIVE), "none");
}

/* The index against trying each rule */

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
        assert_int_equal(policy_parse(&one, 1, &problems, &policy), 0);
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

static void the_index_finds_what_trying_each_rule_finds(UNUSED void **state) {
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

static void globs_longer_than_the_index_keeps_are_found(UNUSED void **state) {
        AUTO_FREE char *text = NULL, *long_name = NULL;
        AUTO_POLICY struct policy *policy = NULL;

        assert_int_equal(format_to(&text,
                                   "[guest 1]\nname = %0100d1*\nxsaves = deny\n"
                                   "[guest 2]\nname = *1%0100d\nxsaves = deny\n"
                                   "[guest 3]\nname = %0100d\nxsaves = deny\n",
                                   0, 0, 0),
                         0);
        assert_int_equal(format_to(&long_name, "%0100d", 0), 0);
        policy = parse_good(text);
        assert_string_equal(guest_match(policy, long_name, NULL, NULL), "3");
        assert_string_equal(guest_match(policy, long_name + 1, NULL, NULL), "none");
        long_name[0] = '1';
        assert_string_equal(guest_match(policy, long_name, NULL, NULL), "none");
}

/* A glob that covers another matches all that the other matches; and never-matching globs match none. */
static void what_is_told_of_globs_holds_for_random_values(UNUSED void **state) {
        size_t covered = 0;

        for (unsigned round = 0; round < 200000; round++) {
                char wide[8], narrow[8], value[8];

                random_text(wide, sizeof(wide), "ab**?[]!");
                random_text(narrow, sizeof(narrow), "ab**?[]!");
                if (!glob_covers(wide, narrow))
                        continue;
                for (unsigned i = 0; i < 20; i++) {
                        random_text(value, sizeof(value), "ab[]");
                        if (fnmatch(narrow, value, 0) != 0)
                                continue;
                        covered++;
                        assert_int_equal(fnmatch(wide, value, 0), 0);
                }
        }
        assert_true(covered > 1000);
        for (unsigned round = 0; round < 200000; round++) {
                char glob[8];

                random_text(glob, sizeof(glob), "A1-**?[]!-");
                if (!glob_may_match_cpu_id(glob)) {
                        assert_int_not_equal(fnmatch(glob, "A-1-11-1", 0), 0);
                        assert_int_not_equal(fnmatch(glob, "1A-11-1-1", 0), 0);
                        assert_int_not_equal(fnmatch(glob, "AA-1-1-11", 0), 0);
                }
        }
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

static double seconds(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Some twenty times what it takes without sanitizers; what grows with the square takes longer. */
static void ten_thousand_rules_load_and_match_quickly(UNUSED void **state) {
        static const struct {
                const char *start, *end;
                unsigned matches; /* to be tried */
        } cases[] = {
                {"vm-", "", 10000},
                {"vm-", "-*", 10000},
                {"*-", "-prod", 10000},
                {"*-", "-*", 100}, /* the index cannot help here */
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
                cmocka_unit_test(the_index_finds_what_trying_each_rule_finds),
                cmocka_unit_test(globs_longer_than_the_index_keeps_are_found),
                cmocka_unit_test(what_is_told_of_globs_holds_for_random_values),
                cmocka_unit_test(ten_thousand_rules_load_and_match_quickly),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
