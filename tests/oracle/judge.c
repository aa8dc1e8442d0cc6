/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the core says of definitions: `judge FACTS POLICY [FACTS POLICY]…`.
 *
 * Standard input is definitions, each with its length in bytes and a newline before it. Each is answered with one line
 * of JSON: an array with an answer for each pair of a facts file and a policy file, in their order.
 *
 * Everything that the oracle asks of the core is asked in ask(), and nowhere else.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/definition.h"
#include "core/gate.h"
#include "core/policy/policy_parse.h"
#include "core/rewrite.h"
#include "cpu_map_load.h"
#include "read_file.h"

#define SIZE_MAX_READ (64u << 20)

struct bench {
        struct host_facts *host;
        struct policy *policy;
        struct judge judge;
};

static void must(bool good, const char *what) {
        if (good)
                return;
        fprintf(stderr, "judge: %s\n", what);
        exit(2);
}

/* NULL, and not a failure, for a definition that is not taken: `answer` then says why. */
static char *untaken(int r, char *reason, json_t *answer) {
        must(r >= 0, "out of memory");
        if (r > 0)
                json_object_set_new(answer, "untaken", json_string(reason));
        return reason;
}

/* The core cannot read what its arguments do, or does not know its model: libvirt is yet to choose it, say. */
static bool is_unreadable(const struct judge *judge, const struct guest *guest) {
        const char *model = guest->args_model ? guest->args_model : guest->cpu_model;

        if (guest->unreadable_args)
                return true;
        if (!guest->args_model && (guest->cpu_mode == CPU_MODE_HOST_MODEL || guest->cpu_at_least))
                return true;
        return model && !streq(model, "host") && !streq(model, "max") &&
               cpu_model_has(judge->map, model, CPU_XSAVES, guest->latest_models) ==
                       TRISTATE_UNKNOWN;
}

static bool ask_guest(const struct judge *judge, const char *xml, size_t length, json_t *answer) {
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        int r = guest_parse(&guest, xml, length, &reason);

        untaken(r, reason, answer);
        if (r != 0)
                return false;
        json_object_set_new(answer, "sees-xsaves",
                            json_boolean(judge_would_see(judge, &guest, CPU_XSAVES)));
        json_object_set_new(answer, "sees-xsavec",
                            json_boolean(judge_would_see(judge, &guest, CPU_XSAVEC)));
        json_object_set_new(answer, "unreadable", json_boolean(is_unreadable(judge, &guest)));
        return true;
}

static void ask_gate(const struct judge *judge, const char *xml, size_t length, json_t *answer) {
        AUTO_GATE_ANSWER struct gate_answer gate = {};
        AUTO_FREE char *reason = NULL;
        int r = gate_judge(judge, GATE_PREPARE, START_COLD, xml, length, &gate, &reason);

        untaken(r, reason, answer);
        if (r != 0)
                return;
        json_object_set_new(answer, "accept", json_boolean(gate.accept));
        json_object_set_new(answer, "verdict",
                            json_string(verdict_to_string(gate.decision.verdict)));
        json_object_set_new(answer, "means", json_string(means_to_string(gate.decision.means)));
        json_object_set_new(answer, "reason", json_string(reason_to_string(gate.decision.reason)));
}

static void ask_rewrite(const struct judge *judge, const char *xml, size_t length, json_t *answer) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;
        int r = rewrite_xml(judge, xml, length, &rewritten, &reason);

        untaken(r, reason, answer);
        if (r == 0)
                json_object_set_new(answer, "rewritten",
                                    json_stringn(rewritten.xml, rewritten.length));
}

static json_t *ask(const struct judge *judge, const char *xml, size_t length) {
        json_t *answer = json_object();

        if (ask_guest(judge, xml, length, answer)) {
                ask_gate(judge, xml, length, answer);
                ask_rewrite(judge, xml, length, answer);
        }
        return answer;
}

static void bench_load(struct bench *bench, const struct cpu_map *map, const char *facts,
                       const char *policy) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *text = NULL, *policy_text = NULL;
        struct policy_text file = {.file = policy};
        size_t length;

        must(read_file(facts, SIZE_MAX_READ, &text, &length) == 0, facts);
        must(host_facts_parse(facts, text, length, &problems, &bench->host) == 0, facts);
        must(read_file(policy, SIZE_MAX_READ, &policy_text, &file.length) == 0, policy);
        file.text = policy_text;
        bench->policy = policy_parse(&file, 1, &problems);
        must(bench->policy != NULL, policy);
        judge_init(&bench->judge, bench->policy, bench->host, map);
}

static void answer_all(const struct bench *benches, size_t n_benches) {
        AUTO_FREE char *xml = NULL;
        size_t length;

        while (scanf("%zu", &length) == 1 && getchar() == '\n') {
                json_t *answers = json_array();

                must(length <= SIZE_MAX_READ, "a definition is too large");
                free(STEAL(xml));
                xml = malloc(length + 1);
                must(xml && fread(xml, 1, length, stdin) == length, "a definition is cut");
                xml[length] = '\0';
                for (size_t i = 0; i < n_benches; i++)
                        json_array_append_new(answers, ask(&benches[i].judge, xml, length));
                must(json_dumpf(answers, stdout, JSON_COMPACT) == 0, "out of memory");
                putchar('\n');
                fflush(stdout);
                json_decref(answers);
        }
}

int main(int argc, char **argv) {
        size_t n_benches = argc > 1 ? (size_t)(argc - 1) / 2 : 0;
        struct bench *benches = calloc(n_benches + 1, sizeof(*benches));
        AUTO_CPU_MAP struct cpu_map *map = NULL;
        AUTO_FREE char *reason = NULL;

        must(benches != NULL, "out of memory");
        must(cpu_map_load(NULL, &map, &reason) == 0, reason ? reason : "no CPU map");
        for (size_t i = 0; i < n_benches; i++)
                bench_load(&benches[i], map, argv[2 * i + 1], argv[2 * i + 2]);
        answer_all(benches, n_benches);
        for (size_t i = 0; i < n_benches; i++) {
                host_facts_free(benches[i].host);
                policy_free(benches[i].policy);
        }
        free(benches);
        return 0;
}
