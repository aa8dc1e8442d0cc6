/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <string.h>

#include "core/policy/policy_parse.h"

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

                line = problem_format(&problems->items[i]);
                fprintf(stream, "%s\n", line);
        }
        fclose(stream);
        return text;
}

static int parse(const struct policy_text *texts, size_t n, struct policy **ret,
                 char **ret_problems) {
        AUTO_PROBLEMS struct problems problems = {};

        *ret = policy_parse(texts, n, &problems);
        *ret_problems = problems_text(&problems);
        assert_int_equal(*ret == NULL, problems.errors > 0);
        return *ret ? 0 : 1;
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
        AUTO_POLICY struct policy *builtin = policy_new_builtin();
        AUTO_FREE char *ours = policy_text(policy), *theirs = policy_text(builtin);

        assert_string_equal(ours, theirs);
}

/* In conf/policy.ini "# " begins prose and ";" stands before what may be activated. */
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
                "20.ini:4: warning: [guest a] has no effect: already set at 10.ini:3\n"
                "20.ini:7: warning: [host h] has no effect: already set at 10.ini:6\n"
                "20.ini:11: warning: default in [policy] has no effect: already set at 10.ini:2\n"
                "policy.ini:2: warning: virt-types in [policy] has no effect: already set at "
                "20.ini:12\n"
                "policy.ini:5: warning: [guest b] has no effect: already set at 20.ini:1\n");
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
                "b:2: warning: default in [policy] has no effect: already set at a:2\n"
                "b:2: \"dany\" for default in [policy]; expected auto, deny or keep\n"
                "b:3: warning: [guest a] has no effect: already set at a:3\n"
                "b:3: [guest a] has no matcher; give one or more of name, uuid, os (name = * for "
                "every guest)\n"
                "b:4: unknown key \"nam\" in [guest a]; known keys: name, uuid, os, xsaves, guest, "
                "hide-xsavec\n");
}

static void problems_of_all_files_are_reported(UNUSED void **state) {
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
                "c:1: [guest a] has no xsaves; expected xsaves = allow, deny or keep\n");
}

static void earlier_problems_of_the_caller_do_not_count(UNUSED void **state) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_POLICY struct policy *policy = NULL;

        problems_add(&problems, SEVERITY_ERROR, "other", 0, "bad");
        policy = policy_parse(NULL, 0, &problems);
        assert_non_null(policy);
}

/* More than a line */

static void a_rule_can_name_a_thousand_guests(UNUSED void **state) {
        AUTO_POLICY struct policy *policy = NULL;
        AUTO_FREE char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        assert_non_null(stream);
        fputs("[guest all]\nxsaves = keep\nuuid =\n", stream);
        for (unsigned i = 0; i < 1000; i++)
                fprintf(stream, "  4DEA22B3-1D52-D8F3-2516-%012u ; guest-%u\n", i, i);
        fclose(stream);
        policy = parse_good(text);
        assert_int_equal(strv_length(policy->guest_rules[0].uuid), 1000);
        for (unsigned i = 0; i < 1001; i++) {
                AUTO_FREE char *uuid = NULL;

                assert_int_equal(format_to(&uuid, "4dea22b3-1d52-d8f3-2516-%012u", i), 0);
                assert_int_equal(policy_match_guest(policy, NULL, uuid, NULL) != NULL, i < 1000);
        }
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

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_files_give_their_policy_and_warnings),
                cmocka_unit_test(bad_files_give_all_their_problems),
                cmocka_unit_test(the_default_policy_grants_nothing),
                cmocka_unit_test(the_examples_of_the_default_policy_show_every_key),
                cmocka_unit_test(the_first_file_wins),
                cmocka_unit_test(errors_in_what_an_earlier_file_overrides_still_count),
                cmocka_unit_test(problems_of_all_files_are_reported),
                cmocka_unit_test(earlier_problems_of_the_caller_do_not_count),
                cmocka_unit_test(a_rule_can_name_a_thousand_guests),
                cmocka_unit_test(the_types_of_domains_governed_are_the_listed_ones),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
