/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A facts file: read, written, read again; and judged by. */

#include <string.h>

#include "fuzz.h"

static void check_problems(const struct problems *problems) {
        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *text = NULL;

                text = problem_format(&problems->items[i]);
                MUST(fuzz_is_message(text), "a problem is one line");
        }
}

static struct host_facts *parse(const char *text, size_t length) {
        CLEANUP(problems_clear) struct problems problems = {};
        struct host_facts *facts = NULL;
        int r;

        r = host_facts_parse("facts", text, length, &problems, &facts);
        MUST((r == 0) == (facts != NULL), "facts are set without an error, and only then");
        MUST((r == 1) == (problems.errors > 0), "what is refused has a problem");
        check_problems(&problems);
        return facts;
}

static void decide(const struct host_facts *facts) {
        static char kvm[] = "kvm", name[] = "guest", model[] = "EPYC-Rome", aes[] = "aes";
        char *features[] = {aes};
        struct judge judge;

        for (unsigned i = 0; i < 12; i++) {
                const struct bench *bench = fuzz_bench(i);
                struct guest guest = {
                        .name = name,
                        .type = kvm,
                        .cpu_mode = (enum cpu_mode)(i % (CPU_MODE_MAXIMUM + 1)),
                        .cpu_model = model,
                        .other_features = features,
                        .n_other_features = 1,
                };
                struct decision decision;

                judge_init(&judge, bench->policy, facts, bench->map);
                decision = judge_decide(&judge, &guest);
                MUST(decision.verdict != VERDICT_GRANT || decision.means != MEANS_FORCED ||
                             !judge_offers_xsaves(&judge, &guest),
                     "nothing is forced that is offered");
                MUST(decision.verdict != VERDICT_GRANT || facts->cpu_xsaves == TRISTATE_YES,
                     "nothing is granted that the CPU has not");
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AUTO_HOST_FACTS struct host_facts *facts = parse((const char *)data, size);
        AUTO_HOST_FACTS struct host_facts *again = NULL;
        AUTO_FREE char *text = NULL, *text_again = NULL;

        if (!facts)
                return 0;
        decide(facts);
        MUST(host_facts_format(facts, &text) == 0, "memory");
        again = parse(text, strlen(text));
        MUST(again, "facts that were written can be read");
        MUST(host_facts_format(again, &text_again) == 0, "memory");
        MUST(streq(text, text_again), "facts that were read again are the same");
        return 0;
}
