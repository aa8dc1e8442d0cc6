/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the gate answers libvirt's hook: tests/data/gate/table. */

#include <string.h>

#include "bench.h"
#include "core/gate.h"
#include "table.h"

enum column { NAME, POLICY, HOST, OPERATION, DOMAIN, ANSWER, FLAGS, REASON, N_COLUMNS };

/* "start+" is a start that follows a restore or a migration, "start*" one whose stored definition has its grant. */
static enum gate_operation read_operation(const char *text, enum start_kind *ret_kind) {
        AUTO_FREE char *name = strndup(text, strcspn(text, "+*"));
        enum gate_operation operation;

        assert_int_equal(gate_operation_from_string(name, &operation), 0);
        assert_string_equal(gate_operation_to_string(operation), name);
        *ret_kind = strchr(text, '+')   ? START_INCOMING
                    : strchr(text, '*') ? START_OF_GRANTED
                                        : START_COLD;
        return operation;
}

/* One line: the domain, the reason's code, what to do. None where there is nothing to say. */
static void check_message(const struct gate_answer *answer, const char *reason) {
        const char *message = answer->message;

        assert_non_null(message);
        assert_null(strpbrk(message, "\r\n\t"));
        if (!answer->accept)
                assert_true(*message);
        if (!*message)
                return;
        assert_true(strncmp(message, "domain '", strlen("domain '")) == 0);
        if (answer->guest.name && streq(answer->guest.name, "guest"))
                assert_non_null(strstr(message, "domain 'guest' "));
        assert_non_null(strstr(message, reason));
        assert_true(strlen(strstr(message, reason)) > strlen(reason) + strlen(": "));
        assert_true(strlen(message) < 512);
}

static void test_row(void **state) {
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);
        AUTO_FREE char *xml = bench_domain(row[DOMAIN]), *reason = NULL;
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        char flags[3] = "";
        enum start_kind kind;
        enum gate_operation operation = read_operation(row[OPERATION], &kind);

        assert_int_equal(
                gate_judge(&bench->judge, operation, kind, xml, strlen(xml), &answer, &reason), 0);
        if (answer.has_xsaves)
                strcat(flags, "x");
        if (answer.drift)
                strcat(flags, "d");
        assert_string_equal(answer.accept ? "accept" : "refuse", row[ANSWER]);
        assert_string_equal(*flags ? flags : "-", row[FLAGS]);
        assert_string_equal(reason_to_string(answer.decision.reason), row[REASON]);
        check_message(&answer, row[REASON]);
}

static void test_operations(void **state UNUSED) {
        static const char *const others[] = {"stopped",   "release", "reconnect", "attach",
                                             "undefined", "",        "Prepare",   "prepare "};
        enum gate_operation operation;

        for (size_t i = 0; i < ELEMENTS_OF(others); i++)
                assert_true(gate_operation_from_string(others[i], &operation) < 0);
}

static void test_news(void **state UNUSED) {
        const struct gate_answer accepted = {.accept = true}, refused = {};

        assert_true(gate_answer_is_news(GATE_PREPARE, &accepted));
        assert_true(gate_answer_is_news(GATE_PREPARE, &refused));
        assert_false(gate_answer_is_news(GATE_START, &accepted));
        assert_true(gate_answer_is_news(GATE_START, &refused));
        assert_false(gate_answer_is_news(GATE_STARTED, &accepted));
        assert_true(gate_answer_is_news(GATE_MIGRATE, &accepted));
}

/* What is said is what happens, to a transient domain as well. */
static void test_remedies(void **state UNUSED) {
        static const struct {
                const char *policy;
                enum start_kind kind;
                const char *said;
        } cases[] = {
                {"never-on-drift-refuse", START_COLD, "start it again (a transient domain: "},
                {"never-on-drift-accept", START_COLD, "at its next start (a transient domain: "},
                {"never", START_OF_GRANTED, "it gets it when it is shut down and started"},
                {"never-report-only", START_COLD,
                 "granted-forced: the policy does not enforce, nothing is changed"},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_BENCH struct bench *bench = bench_new(cases[i].policy, "zen2-masked");
                AUTO_FREE char *xml = bench_domain("passthrough"), *reason = NULL;
                AUTO_GATE_ANSWER struct gate_answer answer = {};

                assert_int_equal(gate_judge(&bench->judge, GATE_PREPARE, cases[i].kind, xml,
                                            strlen(xml), &answer, &reason),
                                 0);
                assert_true(answer.misses_grant);
                assert_non_null(strstr(answer.message, cases[i].said));
        }
}

/* XML that is refused has no answer but a reason. */
static void test_refused(void **state UNUSED) {
        AUTO_BENCH struct bench *bench = bench_new("never", "zen2-masked");
        static const char *const texts[] = {"", "<domain", "<network/>",
                                            "<domain type='kvm'><cpu/><cpu/></domain>",
                                            "<!DOCTYPE domain><domain type='kvm'/>"};

        for (size_t i = 0; i < ELEMENTS_OF(texts); i++) {
                AUTO_GATE_ANSWER struct gate_answer answer = {};
                AUTO_FREE char *reason = NULL;

                assert_int_equal(gate_judge(&bench->judge, GATE_PREPARE, START_COLD, texts[i],
                                            strlen(texts[i]), &answer, &reason),
                                 1);
                assert_true(*reason);
                assert_null(answer.message);
        }
}

/* What cannot be judged is refused where the policy enforces and governs its type, as far as that can be read. */
static void test_unjudged(void **state UNUSED) {
#define TWO_CPUS(type) "<domain type='" type "'><name>guest</name><cpu/><cpu/></domain>"
        static const struct {
                const char *policy, *host, *xml;
                enum gate_operation operation;
                bool accept;
                const char *name, *said;
        } cases[] = {
                {"never", "zen2-masked", TWO_CPUS("kvm"), GATE_PREPARE, false, NULL, NULL},
                {"never", "zen2-masked", TWO_CPUS("kvm"), GATE_RESTORE, false, NULL, NULL},
                {"never", "zen2-masked", "<domain type='kvm'><name>a", GATE_START, false, NULL,
                 NULL},
                {"never", "zen2-masked", "<domain><cpu/><cpu/></domain>", GATE_START, false, NULL,
                 NULL},
                {"never", "zen2-masked", TWO_CPUS("kvm"), GATE_STARTED, true, "guest", ""},
                {"never", "zen2-masked", TWO_CPUS("qemu"), GATE_PREPARE, true, "guest",
                 "domain 'guest' cannot be judged: invalid-xml: more than one <cpu> in the domain; "
                 "its domain type is not governed"},
                {"never", "zen2-masked", "<domain type='xen'>\n<name>a</name>\n<cpu", GATE_PREPARE,
                 true, "a", "domain 'a' cannot be judged: invalid-xml: line 3: "},
                {"never", "zen2-masked", "<domain type='xen'>\n<name>a", GATE_MIGRATE, true, "",
                 "domain '' cannot be judged: invalid-xml: "},
                {"never-report-only", "zen2-masked", TWO_CPUS("kvm"), GATE_PREPARE, true, "guest",
                 "the policy does not enforce, nothing is refused"},
                {"never-report-only", "zen2-masked", "", GATE_PREPARE, true, "", "invalid-xml"},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_BENCH struct bench *bench = bench_new(cases[i].policy, cases[i].host);
                AUTO_GATE_ANSWER struct gate_answer answer = {};
                AUTO_FREE char *reason = NULL;
                int r;

                r = gate_judge(&bench->judge, cases[i].operation, START_COLD, cases[i].xml,
                               strlen(cases[i].xml), &answer, &reason);
                assert_int_equal(r, cases[i].accept ? 0 : 1);
                assert_int_equal(answer.accept, cases[i].accept);
                if (!cases[i].accept)
                        continue;
                assert_null(reason);
                assert_int_equal(answer.decision.verdict, VERDICT_UNJUDGED);
                assert_int_equal(answer.decision.reason, REASON_INVALID_XML);
                assert_false(answer.drift || answer.has_xsaves);
                assert_string_equal(answer.guest.name, cases[i].name);
                assert_non_null(strstr(answer.message, cases[i].said));
                assert_null(strpbrk(answer.message, "\r\n"));
        }
}

int main(int argc, char **argv) {
        char *no_row[] = {(char *)"operations-that-are-not-judged", NULL};
        char *no_row_either[] = {(char *)"xml-that-is-refused", NULL};
        char *no_third_row[] = {(char *)"answers-that-are-told", NULL};
        char *no_fourth_row[] = {(char *)"remedies-that-are-told", NULL};
        char *no_fifth_row[] = {(char *)"xml-that-cannot-be-judged", NULL};
        char **first[] = {no_row}, **second[] = {no_row_either}, **third[] = {no_third_row},
             **fourth[] = {no_fourth_row}, **fifth[] = {no_fifth_row};
        const struct table operations = {first, 1}, refused = {second, 1}, news = {third, 1},
                           remedies = {fourth, 1}, unjudged = {fifth, 1};
        AUTO_TABLE struct table *table = NULL;

        data_init(argc, argv);
        table = table_read("gate/table", N_COLUMNS);
        return table_run("gate",
                         (struct table_part[]){{table, test_row},
                                               {&operations, test_operations},
                                               {&refused, test_refused},
                                               {&news, test_news},
                                               {&remedies, test_remedies},
                                               {&unjudged, test_unjudged}},
                         6);
}
