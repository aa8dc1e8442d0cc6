/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The gate: two bytes for the operation, what came before it, and the judge; then domain XML. */

#include <string.h>

#include "core/gate.h"
#include "fuzz.h"

static void check_answer(const struct judge *judge, enum gate_operation operation,
                         enum start_kind kind, const struct gate_answer *answer) {
        enum verdict verdict = answer->decision.verdict;

        MUST(answer->message, "an answer has a message");
        MUST(!*answer->message || fuzz_is_message(answer->message), "a message is one line");
        MUST(answer->accept || *answer->message, "a refusal says why");
        MUST(answer->accept || judge->enforce, "nothing is refused that is not enforced");
        MUST(answer->accept || operation != GATE_STARTED, "what has started is not refused");
        MUST(answer->accept || verdict != VERDICT_KEEP, "what is kept is not refused");
        if (!judge->enforce || operation == GATE_STARTED)
                return;
        MUST(!answer->accept || verdict != VERDICT_DENY || !answer->has_xsaves,
             "nothing starts that sees XSAVES against the policy");
        MUST(answer->accept || verdict == VERDICT_DENY || kind == START_COLD,
             "what comes in, or is a snapshot's, is not refused for a missing grant");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *reason = NULL;
        enum gate_operation operation;
        const struct judge *judge;
        enum start_kind kind;
        int r;

        if (size < 2)
                return 0;
        operation = (enum gate_operation)(data[0] % (GATE_RESTORE + 1));
        kind = data[0] & 0x80 ? START_INCOMING : data[0] & 0x40 ? START_OF_GRANTED : START_COLD;
        if (operation == GATE_MIGRATE || operation == GATE_RESTORE)
                kind = START_INCOMING;
        judge = &fuzz_bench(data[1])->judge;
        r = gate_judge(judge, operation, kind, (const char *)data + 2, size - 2, &answer, &reason);
        MUST(r == 0 || r == 1, "there is memory enough");
        if (r == 1)
                MUST(fuzz_is_message(reason) && judge->enforce && operation != GATE_STARTED,
                     "what is refused has a reason of one line, and may be refused");
        else
                check_answer(judge, operation, kind, &answer);
        return 0;
}
