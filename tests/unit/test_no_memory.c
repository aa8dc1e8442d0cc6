/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Memory runs out at each allocation of each function of the core in turn: -ENOMEM or the same answer, nothing
 * leaked, no output set half-way. And what takes its memory from core/memory.h ends the process with one line.
 */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alloc_fault.h"
#include "bench.h"
#include "core/definition.h"
#include "core/domcaps.h"
#include "core/gate.h"
#include "core/known.h"
#include "core/memory.h"
#include "core/rewrite.h"
#include "core/xml.h"
#include "data.h"

/* More than any of these ever makes. */
#define ALLOCATIONS_MAX 20000

/* One call of the core. What it gives, as text (owned), goes to *ret; without memory that stays NULL. */
struct attempt {
        int (*call)(const struct attempt *attempt, char **ret);
        const struct bench *bench;
        const char *text, *other; /* inputs */
        size_t length, other_length;
        int number;
};

/* Memory is back: what was answered is put into words. */
static int told(int r, char **ret, const char *format, ...) PRINTF_FORMAT(3, 4);
static int told(int r, char **ret, const char *format, ...) {
        va_list arguments;

        alloc_fault_disarm();
        if (r < 0)
                return r;
        va_start(arguments, format);
        assert_true(vasprintf(ret, format, arguments) >= 0);
        va_end(arguments);
        return r;
}

static const char *or_none(const char *text) {
        return text ? text : "(none)";
}

static void must_be_same(const char *wanted, int wanted_r, const char *got, int r, unsigned n) {
        if (r == -ENOMEM && !got)
                return;
        if (r != wanted_r || !streq_null(wanted, got))
                fail_msg("allocation %u fails: %d, wanted %d or -ENOMEM; says '%s', wanted '%s'", n,
                         r, wanted_r, or_none(got), or_none(wanted));
}

/* Fail each allocation of the call, alone or with all behind it, until it makes no more. */
static void exhaust_in(const struct attempt *attempt, bool persistent) {
        AUTO_FREE char *wanted = NULL;
        int wanted_r = attempt->call(attempt, &wanted);
        unsigned n;

        assert_true(wanted_r >= 0);
        for (n = 1; n < ALLOCATIONS_MAX; n++) {
                long before = alloc_fault_balance();
                AUTO_FREE char *got = NULL;
                bool failed;
                int r;

                alloc_fault_arm(n, persistent);
                r = attempt->call(attempt, &got);
                failed = alloc_fault_disarm();
                must_be_same(wanted, wanted_r, got, r, n);
                if (alloc_fault_balance() - before != (got ? 1 : 0))
                        fail_msg("allocation %u fails: %ld blocks leak", n,
                                 alloc_fault_balance() - before - (got ? 1 : 0));
                if (!failed)
                        break;
        }
        assert_true(n > 1 && n < ALLOCATIONS_MAX);
}

static void exhaust(const struct attempt *attempt) {
        exhaust_in(attempt, false);
        exhaust_in(attempt, true);
}

/* --- what is called --- */

static int copy_facts(const struct attempt *attempt, char **ret) {
        AUTO_HOST_FACTS struct host_facts *copy = NULL;
        AUTO_FREE char *text = NULL;
        int r;

        r = host_facts_copy(attempt->bench->host, &copy);
        if (r >= 0)
                r = host_facts_format(copy, &text);
        return told(r, ret, "%s", text);
}

static int fill_facts(const struct attempt *attempt, char **ret) {
        static const struct cpuid_leaf leaves[] = {
                {.leaf = 0, .eax = 13, .ebx = 0x68747541, .ecx = 0x444d4163, .edx = 0x69746e65},
                {.leaf = 1, .eax = 0x00830f10},
                {.leaf = 13, .subleaf = 1, .eax = 0xf},
        };
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        char id[HOST_CPU_ID_SIZE] = "";
        int r = facts ? 0 : -ENOMEM;

        (void)attempt;
        if (r >= 0)
                r = host_facts_set_cpu(facts, leaves, ELEMENTS_OF(leaves));
        if (r >= 0)
                r = host_facts_set_hypervisor(facts, leaves, ELEMENTS_OF(leaves));
        if (r >= 0)
                host_facts_cpu_id(facts, id);
        return told(r, ret, "%s %zu", id, facts ? facts->n_hypervisor_cpuid : 0);
}

static int rewrite(const struct attempt *attempt, char **ret) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = rewrite_xml(&attempt->bench->judge, attempt->text, attempt->length, &rewritten,
                        &reason);
        assert_true((r == 0) == (rewritten.xml != NULL));
        return told(r, ret, "%d %s\n%s", rewritten.changed,
                    reason_to_string(rewritten.decision.reason),
                    or_none(r == 1 ? reason : rewritten.xml));
}

static int revert(const struct attempt *attempt, char **ret) {
        AUTO_FREE char *reason = NULL, *xml = NULL;
        bool changed = false;
        size_t length;
        int r;

        r = revert_xml(attempt->text, attempt->length, &changed, &xml, &length, &reason);
        assert_true((r == 0) == (xml != NULL));
        return told(r, ret, "%d\n%s", changed, or_none(r == 1 ? reason : xml));
}

static int pass_gate(const struct attempt *attempt, char **ret) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = gate_judge(&attempt->bench->judge, (enum gate_operation)attempt->number, START_COLD,
                       attempt->text, attempt->length, &answer, &reason);
        assert_true(r == 0 || !answer.accept);
        return told(r, ret, "%d %d %d %s %s", answer.accept, answer.drift, answer.has_xsaves,
                    or_none(answer.message), or_none(r == 1 ? reason : NULL));
}

static int read_definition(const struct attempt *attempt, char **ret) {
        AUTO_GUEST struct guest guest = {}, copy = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = guest_parse(&guest, attempt->text, attempt->length, &reason);
        if (r == 0)
                r = guest_copy(&guest, &copy);
        return told(r, ret, "%s %s %s %d %zu %s", or_none(copy.name), or_none(copy.uuid),
                    or_none(copy.cpu_model), copy.xsaves, copy.n_other_features, or_none(reason));
}

static int compare_stored(const struct attempt *attempt, char **ret) {
        int r = definition_is_stored(attempt->text, attempt->length, attempt->other,
                                     attempt->other_length);

        return told(r, ret, "%d", r);
}

static int remember(const struct attempt *attempt, char **ret) {
        CLEANUP(known_clear) struct known known = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;
        struct decision decision;
        bool in_line;
        int r;

        r = rewrite_xml(&attempt->bench->judge, attempt->text, attempt->length, &rewritten,
                        &reason);
        assert_true(r <= 0);
        if (r == 0)
                r = known_set(&known, &attempt->bench->judge, attempt->text, attempt->length,
                              &rewritten);
        in_line = known_is_in_line(&known, &attempt->bench->judge, attempt->text, attempt->length,
                                   &decision);
        assert_true(r == 0 || !in_line);
        return told(r, ret, "%d", in_line);
}

static int find_host_model(const struct attempt *attempt, char **ret) {
        AUTO_FREE char *model = NULL, *reason = NULL;
        int r;

        r = domcaps_host_model(attempt->text, attempt->length, &model, &reason);
        return told(r, ret, "%s %s", or_none(model), or_none(reason));
}

static int load_map(const struct attempt *attempt, char **ret) {
        AUTO_CPU_MAP struct cpu_map *map = cpu_map_new();
        int r = map ? cpu_map_add(map, attempt->text, attempt->length) : -ENOMEM;

        alloc_fault_disarm();
        /* Models that were read stay, each whole or not at all. */
        return told(r, ret, "%d", map && cpu_map_model_has_signature(map, "EPYC-Rome", 23, 49));
}

static int explain(const struct attempt *attempt, char **ret) {
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        struct decision_step *steps;
        int r;

        r = guest_parse(&guest, attempt->text, attempt->length, &reason);
        if (r != 0)
                return r;
        r = judge_explain(&attempt->bench->judge, &guest, &steps);
        if (r > 0) {
                alloc_fault_disarm();
                told(0, ret, "%s %s", steps[r - 1].condition, steps[r - 1].value);
                decision_steps_free(steps, (size_t)r);
        }
        return r;
}

static int split_and_join(const struct attempt *attempt, char **ret) {
        AUTO_STRV char **list = NULL;
        AUTO_FREE char *joined = NULL;
        int r;

        r = strv_split(&list, attempt->text);
        if (r >= 0)
                r = strv_join(&joined, list, "+");
        return told(r, ret, "%s", joined);
}

/* --- with what --- */

static struct attempt of_text(int (*call)(const struct attempt *, char **), const char *text) {
        return (struct attempt){.call = call, .text = text, .length = strlen(text), .other = ""};
}

/* --- what ends the process --- */

static sigjmp_buf before_the_end;

static void survive(int signal UNUSED) {
        siglongjmp(before_the_end, 1);
}

static void call_xstrdup(void) {
        free(xstrdup("a"));
}

static void call_xformat(void) {
        free(xformat("%d", 1));
}

static void call_xcalloc(void) {
        free(xcalloc(1, 1));
}

static void call_xgrow(void) {
        AUTO_FREE int *array = NULL;

        xgrow(&array, 0, sizeof(*array));
}

static void memory_that_must_be_there_ends_the_process(void **state UNUSED) {
        static void (*const calls[])(void) = {call_xstrdup, call_xformat, call_xcalloc, call_xgrow};

        for (volatile size_t i = 0; i < ELEMENTS_OF(calls); i++) {
                int stderr_fd = dup(STDERR_FILENO), memory = memfd_create("stderr", 0);
                volatile bool ended = false;
                char text[100] = "";

                calls[i]();
                assert_int_equal(dup2(memory, STDERR_FILENO), STDERR_FILENO);
                signal(SIGABRT, survive);
                alloc_fault_arm(1, true);
                if (sigsetjmp(before_the_end, 1) == 0)
                        calls[i]();
                else
                        ended = true;
                alloc_fault_disarm();
                signal(SIGABRT, SIG_DFL);
                dup2(stderr_fd, STDERR_FILENO);
                assert_true(ended);
                assert_true(pread(memory, text, sizeof(text) - 1, 0) > 0);
                assert_string_equal(text, "test-no_memory: out of memory\n");
                close(stderr_fd);
                close(memory);
        }
}

static void facts(void **state UNUSED) {
        AUTO_BENCH struct bench *bench = bench_new("never", "zen2-masked");

        exhaust(&(struct attempt){.call = copy_facts, .bench = bench});
        exhaust(&(struct attempt){.call = fill_facts});
}

static void maps(void **state UNUSED) {
        AUTO_FREE char *text = data_read("judge/cpu_map.xml", NULL);
        struct attempt attempt = of_text(load_map, text);

        exhaust(&attempt);
}

#define CAPABILITIES                                                                               \
        "<domainCapabilities><cpu><mode name='host-model' supported='yes'>"                        \
        "<model fallback='forbid'>EPYC</model></mode></cpu></domainCapabilities>"

static void capabilities(void **state UNUSED) {
        struct attempt attempt = of_text(find_host_model, CAPABILITIES);

        exhaust(&attempt);
}

static void lists(void **state UNUSED) {
        struct attempt attempt = of_text(split_and_join, " a bc\tdef  ");

        exhaust(&attempt);
}

static const struct {
        const char *policy, *host;
} benches[] = {
        {"never-hide", "zen2-masked"},  {"rule-deny-hide", "zen2-offering"},
        {"allow", "zen3-offering"},     {"empty", "zen2-masked"},
        {"by-os", "zen2-fixed-masked"}, {"deny-report-only", "zen2-masked"},
};

static const char *const domains[] = {
        "passthrough.xml",
        "custom-EPYC-Rome.xml",
        "args-pair.xml",
        "args-cpu.xml",
        "forced.xml",
        "denied.xml",
        "with-os.xml",
        "host-model-expanded.xml",
        "passthrough-require-aes-monitor.xml",
        "none.xml",
};

/* Documents with all that a rewrite has to step around; refused ones as well. None in another encoding: there libxml2
 * itself leaks the converter when memory runs out. */
static const char *const odd[] = {
        "<?xml version='1.0' encoding='UTF-8'?><!--u--><domain "
        "type='kvm'><name>u&amp;</name>"
        "<cpu mode='host-passthrough'/><![CDATA[x]]><q:commandline "
        "xmlns:q='http://libvirt.org/schemas/"
        "domain/qemu/1.0'> <q:arg value='-global'/> <q:arg value='x86_64-cpu.x-force-features=on'/>"
        "</q:commandline></domain>",
        "<domain type='kvm'><cpu mode='sideways'/></domain>",
        "<domain type='kvm'><cpu/><cpu/></domain>",
        "<domain type='kvm'><name>&lt;",
        "<!DOCTYPE a><a/>",
        "<a xmlns='urn:a'/>",
};

/* All that is done to a domain; the rewritten one as well. */
static void exhaust_domain(const struct bench *bench, const char *xml) {
        static int (*const calls[])(const struct attempt *, char **) = {rewrite, revert};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;

        for (size_t i = 0; i < ELEMENTS_OF(calls); i++) {
                struct attempt attempt = of_text(calls[i], xml);

                attempt.bench = bench;
                exhaust(&attempt);
        }
        for (int i = GATE_PREPARE; i <= GATE_RESTORE; i += GATE_MIGRATE - GATE_PREPARE) {
                struct attempt attempt = of_text(pass_gate, xml);

                attempt.bench = bench;
                attempt.number = i;
                exhaust(&attempt);
        }
        if (rewrite_xml(&bench->judge, xml, strlen(xml), &rewritten, &reason) != 0)
                return;

        struct attempt after[] = {of_text(rewrite, rewritten.xml),  of_text(revert, rewritten.xml),
                                  of_text(remember, rewritten.xml), of_text(remember, xml),
                                  of_text(read_definition, xml),    of_text(explain, xml),
                                  of_text(compare_stored, xml)};
        for (size_t i = 0; i < ELEMENTS_OF(after); i++) {
                after[i].bench = bench;
                after[i].other = rewritten.xml;
                after[i].other_length = rewritten.length;
                exhaust(&after[i]);
        }
}

static void *parse_first_thing(void *userdata UNUSED) {
        static const char text[] = "<domain/>";
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *reason = NULL;
        bool told;

        alloc_fault_arm(1, true);
        told = xml_parse(text, strlen(text), &document, &reason) == -ENOMEM;
        alloc_fault_disarm();
        return told && xml_parse(text, strlen(text), &document, &reason) == 0 ? document : NULL;
}

/* libxml2 makes something for each thread, and breaks where there is no memory for that. */
static void a_threads_first_document(void **state UNUSED) {
        pthread_t thread;
        void *parsed;

        assert_int_equal(pthread_create(&thread, NULL, parse_first_thing, NULL), 0);
        assert_int_equal(pthread_join(thread, &parsed), 0);
        assert_non_null(parsed);
}

static void domains_of_all_kinds(void **state UNUSED) {
        for (size_t i = 0; i < ELEMENTS_OF(benches); i++) {
                AUTO_BENCH struct bench *bench = bench_new(benches[i].policy, benches[i].host);

                for (size_t k = i % 2; k < ELEMENTS_OF(domains); k += 2) {
                        AUTO_FREE char *path = NULL, *xml = NULL;

                        assert_int_equal(format_to(&path, "judge/domains/%s", domains[k]), 0);
                        xml = data_read(path, NULL);
                        exhaust_domain(bench, xml);
                }
        }
}

/* The second policy does not enforce, so that what is refused has an answer. */
static void odd_documents(void **state UNUSED) {
        static const char *const policies[] = {"rule-deny-hide", "deny-report-only"};

        for (size_t k = 0; k < ELEMENTS_OF(policies); k++) {
                AUTO_BENCH struct bench *bench = bench_new(policies[k], "zen2-offering");

                for (size_t i = 0; i < ELEMENTS_OF(odd); i++)
                        exhaust_domain(bench, odd[i]);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists),
                cmocka_unit_test(memory_that_must_be_there_ends_the_process),
                cmocka_unit_test(facts),
                cmocka_unit_test(maps),
                cmocka_unit_test(capabilities),
                cmocka_unit_test(a_threads_first_document),
                cmocka_unit_test(domains_of_all_kinds),
                cmocka_unit_test(odd_documents),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
