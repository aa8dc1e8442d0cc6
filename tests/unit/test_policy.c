/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <fnmatch.h>
#include <string.h>
#include <time.h>

#include "core/glob.h"
#include "core/policy.h"

/* A policy as text */

static void print_globs(FILE *stream, const char *key, char *const *globs) {
        if (!globs)
                return;
        fprintf(stream, "%s =", key);
        STRV_FOREACH (glob, globs)
                fprintf(stream, " <%s>", *glob);
        fputc('\n', stream);
}

static void print_host_rule(FILE *stream, const struct host_rule *rule) {
        fprintf(stream, "%s:%u host <%s>\n", rule->file, rule->line, rule->name);
        print_globs(stream, "hostname", rule->hostname);
        print_globs(stream, "machine-id", rule->machine_id);
        print_globs(stream, "cpu", rule->cpu);
        for (enum erratum_status status = ERRATUM_ABSENT; status <= ERRATUM_LIVE; status++)
                if (rule->errata & 1U << status)
                        fprintf(stream, "erratum-1386 = %s\n", erratum_status_to_string(status));
        fprintf(stream, "xsaves = %s\n", rule_xsaves_to_string(rule->xsaves));
}

static void print_guest_rule(FILE *stream, const struct guest_rule *rule) {
        fprintf(stream, "%s:%u guest <%s>\n", rule->file, rule->line, rule->name);
        print_globs(stream, "name", rule->guest_name);
        print_globs(stream, "uuid", rule->uuid);
        print_globs(stream, "os", rule->os);
        fprintf(stream, "xsaves = %s\nguest = %s\nhide-xsavec = %s\n",
                rule_xsaves_to_string(rule->xsaves), assertion_to_string(rule->assertion),
                rule->hide_xsavec ? "yes" : "no");
}

static char *policy_text(const struct policy *policy) {
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        assert_non_null(stream);
        fprintf(stream, "default = %s\nenforce = %s\non-drift = %s\n",
                policy_default_to_string(policy->default_verdict), policy->enforce ? "yes" : "no",
                on_drift_to_string(policy->on_drift));
        print_globs(stream, "virt-types", policy->virt_types);
        for (size_t i = 0; i < policy->n_host_rules; i++)
                print_host_rule(stream, &policy->host_rules[i]);
        for (size_t i = 0; i < policy->n_guest_rules; i++)
                print_guest_rule(stream, &policy->guest_rules[i]);
        fclose(stream);
        return text;
}

/* The problems, a line each, in the order in which they were found. */
static char *problems_text(const struct problems *problems) {
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        assert_non_null(stream);
        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *line = NULL;

                assert_int_equal(problem_format(&problems->items[i], &line), 0);
                fprintf(stream, "%s\n", line);
        }
        fclose(stream);
        return text;
}

static int parse(const struct policy_text *texts, size_t n, struct policy **ret,
                 char **ret_problems) {
        AUTO_PROBLEMS struct problems problems = {};
        int r;

        r = policy_parse(texts, n, &problems, ret);
        *ret_problems = problems_text(&problems);
        if (r == 0)
                assert_int_equal(problems.errors, 0);
        else
                assert_true(r == 1 && problems.errors > 0);
        return r;
}

/* Parse a policy that must be accepted without a warning. */
static struct policy *parse_good(const char *text) {
        struct policy_text one = {"policy.ini", text, strlen(text)};
        AUTO_FREE char *problems = NULL;
        struct policy *policy = NULL;

        assert_int_equal(parse(&one, 1, &policy, &problems), 0);
        assert_string_equal(problems, "");
        return policy;
}

/* Files: NAME.ini, and beside it what is expected of it */

static char *expected(const char *folder, const char *ini, const char *suffix) {
        AUTO_FREE char *relative = NULL, *path = NULL;
        FILE *file;

        assert_int_equal(
                format_to(&relative, "policy/%s/%.*s%s", folder, (int)strlen(ini) - 4, ini, suffix),
                0);
        path = data_path(relative);
        file = fopen(path, "re");
        if (!file)
                return strdup("");
        fclose(file);
        return data_read(relative, NULL);
}

static int parse_file(const char *folder, const char *ini, struct policy **ret,
                      char **ret_problems) {
        AUTO_FREE char *relative = NULL, *text = NULL;
        struct policy_text one = {.file = ini};

        assert_int_equal(format_to(&relative, "policy/%s/%s", folder, ini), 0);
        text = data_read(relative, &one.length);
        one.text = text;
        return parse(&one, 1, ret, ret_problems);
}

static void good_files_give_their_policy_and_warnings(UNUSED void **state) {
        AUTO_STRV char **names = data_list("policy/good", ".ini");

        STRV_FOREACH (name, names) {
                AUTO_POLICY struct policy *policy = NULL;
                AUTO_FREE char *problems = NULL, *text = NULL;
                AUTO_FREE char *policy_expected = expected("good", *name, ".policy");
                AUTO_FREE char *warnings = expected("good", *name, ".warnings");
                int r = parse_file("good", *name, &policy, &problems);

                assert_string_equal(problems, warnings);
                assert_int_equal(r, 0);
                text = policy_text(policy);
                assert_string_equal(text, policy_expected);
        }
}

static void bad_files_give_all_their_problems(UNUSED void **state) {
        AUTO_STRV char **names = data_list("policy/bad", ".ini");

        STRV_FOREACH (name, names) {
                struct policy *policy = NULL;
                AUTO_FREE char *problems = NULL;
                AUTO_FREE char *problems_expected = expected("bad", *name, ".problems");
                int r = parse_file("bad", *name, &policy, &problems);

                assert_string_equal(problems, problems_expected);
                assert_int_equal(r, 1);
                assert_null(policy);
        }
}

/* The policy as installed */

static void the_default_policy_grants_nothing(UNUSED void **state) {
        AUTO_FREE char *text = data_read("../../conf/policy.ini", NULL);
        AUTO_POLICY struct policy *policy = parse_good(text);
        AUTO_POLICY struct policy *builtin = NULL;
        AUTO_FREE char *ours = policy_text(policy), *theirs = NULL;

        assert_int_equal(policy_new_builtin(&builtin), 0);
        theirs = policy_text(builtin);
        assert_string_equal(ours, theirs);
}

/* In conf/policy.ini "# " begins prose and ";" stands before what may be put in force. */
static char *uncomment(const char *text) {
        char *all = NULL;
        size_t length;
        FILE *stream = open_memstream(&all, &length);

        assert_non_null(stream);
        for (const char *line = text; *line;) {
                size_t n = strcspn(line, "\n");

                if (*line == ';')
                        fprintf(stream, "%.*s\n", (int)n - 1, line + 1);
                line += n + (line[n] == '\n');
        }
        fclose(stream);
        return all;
}

static void the_examples_of_the_default_policy_show_every_key(UNUSED void **state) {
        static const char *const keys[] = {
                "\ndefault =",  "\nenforce =",    "\non-drift =", "\nvirt-types =",
                "\nhostname =", "\nmachine-id =", "\ncpu =",      "\nerratum-1386 =",
                "\nname =",     "\nuuid =",       "\nos =",       "\nxsaves =",
                "\nguest =",    "\nhide-xsavec ="};
        AUTO_FREE char *text = data_read("../../conf/policy.ini", NULL);
        AUTO_FREE char *examples = uncomment(text);
        AUTO_POLICY struct policy *policy = parse_good(examples);

        assert_true(policy->n_host_rules > 0);
        assert_true(policy->n_guest_rules > 0);
        for (size_t i = 0; i < ELEMENTS_OF(keys); i++)
                assert_non_null(strstr(examples, keys[i]));
}

/* More than one file */

#define TEXT(file, text)                                                                           \
        { file, text, sizeof(text) - 1 }

static void the_first_file_wins(UNUSED void **state) {
        static const struct policy_text texts[] = {
                TEXT("10.ini", "[policy]\ndefault = deny\n"
                               "[guest a]\nname = a\nxsaves = keep\n"
                               "[host h]\nhostname = h\nxsaves = deny\n"),
                TEXT("20.ini", "[guest b]\nname = b\nxsaves = keep\n"
                               "[guest a]\nname = b*\nxsaves = deny\n"
                               "[host h]\nhostname = *\nxsaves = allow\n"
                               "[policy]\ndefault = keep\nvirt-types = qemu\n"),
                TEXT("policy.ini", "[policy]\nvirt-types = lxc\nenforce = no\non-drift = accept\n"
                                   "[guest b]\nname = c\nxsaves = deny\n"
                                   "[guest c]\nname = c\nxsaves = keep\n"),
        };
        AUTO_POLICY struct policy *policy = NULL;
        AUTO_FREE char *problems = NULL, *text = NULL;

        assert_int_equal(parse(texts, ELEMENTS_OF(texts), &policy, &problems), 0);
        assert_string_equal(
                problems,
                "20.ini:4: warning: [guest a] has no effect: 10.ini:3 gives it already\n"
                "20.ini:7: warning: [host h] has no effect: 10.ini:6 gives it already\n"
                "20.ini:11: warning: default in [policy] has no effect: 10.ini:2 gives it already\n"
                "policy.ini:2: warning: virt-types in [policy] has no effect: 20.ini:12 gives it "
                "already\n"
                "policy.ini:5: warning: [guest b] has no effect: 20.ini:1 gives it already\n");
        text = policy_text(policy);
        assert_string_equal(text, "default = deny\nenforce = no\non-drift = accept\n"
                                  "virt-types = <qemu>\n"
                                  "10.ini:6 host <h>\nhostname = <h>\nxsaves = deny\n"
                                  "10.ini:3 guest <a>\nname = <a>\nxsaves = keep\nguest = none\n"
                                  "hide-xsavec = no\n"
                                  "20.ini:1 guest <b>\nname = <b>\nxsaves = keep\nguest = none\n"
                                  "hide-xsavec = no\n"
                                  "policy.ini:8 guest <c>\nname = <c>\nxsaves = keep\n"
                                  "guest = none\nhide-xsavec = no\n");
}

static void errors_in_what_an_earlier_file_overrides_still_count(UNUSED void **state) {
        static const struct policy_text texts[] = {
                TEXT("a", "[policy]\ndefault = deny\n[guest a]\nname = a\nxsaves = keep\n"),
                TEXT("b", "[policy]\ndefault = dany\n[guest a]\nnam = a\nxsaves = keep\n"),
        };
        struct policy *policy = NULL;
        AUTO_FREE char *problems = NULL;

        assert_int_equal(parse(texts, ELEMENTS_OF(texts), &policy, &problems), 1);
        assert_string_equal(
                problems,
                "b:2: warning: default in [policy] has no effect: a:2 gives it already\n"
                "b:2: \"dany\" for default in [policy]; say auto, deny or keep\n"
                "b:3: [guest a] has no matcher; give one or more of name, uuid, os (name = * for "
                "every guest)\n"
                "b:3: warning: [guest a] has no effect: a:3 gives it already\n"
                "b:4: unknown key \"nam\" in [guest a]; known keys: name, uuid, os, xsaves, guest, "
                "hide-xsavec\n");
}

static void problems_of_all_files_are_told(UNUSED void **state) {
        static const struct policy_text texts[] = {
                TEXT("a", "[x]\n"),
                TEXT("b", "junk\n"),
                TEXT("c", "[guest a]"),
        };
        struct policy *policy = NULL;
        AUTO_FREE char *problems = NULL;

        assert_int_equal(parse(texts, ELEMENTS_OF(texts), &policy, &problems), 1);
        assert_string_equal(
                problems,
                "a:1: unknown section [x]; known sections: [policy], [host NAME], [guest NAME]\n"
                "b:1: neither [SECTION], nor key = value, nor a comment: junk\n"
                "c:1: [guest a] has no matcher; give one or more of name, uuid, os (name = * for "
                "every guest)\n"
                "c:1: [guest a] has no xsaves; say xsaves = allow, deny or keep\n");
}

static void a_file_over_16_mib_is_a_problem_of_the_file(UNUSED void **state) {
        struct policy_text text = {.file = "policy.ini", .length = (16 << 20) + 1};
        AUTO_FREE char *blanks = malloc(text.length), *problems = NULL;
        struct policy *policy = NULL;

        assert_non_null(blanks);
        memset(blanks, '\n', text.length);
        text.text = blanks;
        assert_int_equal(parse(&text, 1, &policy, &problems), 1);
        assert_string_equal(problems, "policy.ini: larger than 16 MiB; shorten or divide it\n");
}

static void earlier_problems_of_the_caller_do_not_count(UNUSED void **state) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_POLICY struct policy *policy = NULL;

        assert_int_equal(problems_add(&problems, SEVERITY_ERROR, "other", 0, "bad"), 0);
        assert_int_equal(policy_parse(NULL, 0, &problems, &policy), 0);
        assert_non_null(policy);
}

/* Matching */

static void the_types_of_domains_governed_are_the_listed_ones(UNUSED void **state) {
        AUTO_POLICY struct policy *both = parse_good("[policy]\nvirt-types = kvm qemu\n");
        AUTO_POLICY struct policy *builtin = parse_good("");

        assert_true(policy_governs_type(builtin, "kvm"));
        assert_false(policy_governs_type(builtin, "qemu"));
        assert_false(policy_governs_type(builtin, NULL));
        assert_true(policy_governs_type(both, "qemu"));
        assert_false(policy_governs_type(both, "kv"));
        assert_false(policy_governs_type(both, "kvm qemu"));
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
                cmocka_unit_test(good_files_give_their_policy_and_warnings),
                cmocka_unit_test(bad_files_give_all_their_problems),
                cmocka_unit_test(the_default_policy_grants_nothing),
                cmocka_unit_test(the_examples_of_the_default_policy_show_every_key),
                cmocka_unit_test(the_first_file_wins),
                cmocka_unit_test(errors_in_what_an_earlier_file_overrides_still_count),
                cmocka_unit_test(problems_of_all_files_are_told),
                cmocka_unit_test(a_file_over_16_mib_is_a_problem_of_the_file),
                cmocka_unit_test(earlier_problems_of_the_caller_do_not_count),
                cmocka_unit_test(the_types_of_domains_governed_are_the_listed_ones),
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
