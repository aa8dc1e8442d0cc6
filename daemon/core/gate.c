/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/gate.h"

#include <errno.h>

#include "core/plan.h"
#include "core/record.h"
#include "core/xml.h"

static const char *const operations[] = {
        [GATE_PREPARE] = "prepare", [GATE_START] = "start",     [GATE_STARTED] = "started",
        [GATE_MIGRATE] = "migrate", [GATE_RESTORE] = "restore",
};

int gate_operation_from_string(const char *text, enum gate_operation *ret) {
        for (size_t i = 0; i < ELEMENTS_OF(operations); i++)
                if (streq(text, operations[i])) {
                        *ret = (enum gate_operation)i;
                        return 0;
                }
        return -EINVAL;
}

const char *gate_operation_to_string(enum gate_operation operation) {
        return operations[operation];
}

void gate_answer_clear(struct gate_answer *answer) {
        guest_clear(&answer->guest);
        free(answer->message);
        *answer = (struct gate_answer){};
}

/* What comes to the gate. */
struct arrival {
        struct guest actual; /* as it would start; as its owner wrote it, it is in the answer */
        bool has_record;     /* of earlier changes by xsavesd */
        bool incoming;
};

static void arrival_clear(struct arrival *arrival) {
        guest_clear(&arrival->actual);
}

static int read_arrival(const char *xml, size_t length, struct arrival *arrival,
                        struct guest *owned, char **ret_reason) {
        AUTO_XML struct xml_document *document = NULL;
        struct xml_element *domain;
        int r;

        r = xml_parse(xml, length, &document, ret_reason);
        if (r != 0)
                return r;
        domain = xml_root(document);
        arrival->has_record = record_find(domain);
        r = guest_read(&arrival->actual, domain, ret_reason);
        if (r == 0)
                r = record_revert(domain);
        if (r == 0)
                r = guest_read(owned, domain, ret_reason);
        return r;
}

static int refuse_unsafe(struct gate_answer *answer, bool incoming) {
        const char *advice = incoming ? "start it cold, or run it where the policy allows XSAVES"
                                      : reason_advice(answer->decision.reason);

        answer->accept = false;
        return format_to(&answer->message, "domain '%s' would see XSAVES: %s: %s; %s",
                         answer->guest.name ? answer->guest.name : "",
                         reason_to_string(answer->decision.reason),
                         reason_explanation(answer->decision.reason), advice);
}

/* The gate does not know whether the domain is transient: then there is nothing that could be re-defined. */
static int answer_missing_grant(struct gate_answer *answer, const struct policy *policy) {
        static const char *const remedies[] = {
                [ON_DRIFT_REFUSE] = "it is being re-defined: start it again",
                [ON_DRIFT_RESTART] = "it is being re-defined and will be started again",
                [ON_DRIFT_ACCEPT] = "it gets it at its next start",
        };
        const char *remedy = remedies[policy->on_drift],
                   *transient = " (a transient domain: pass its XML through `xsavesctl rewrite`)";

        if (!policy->enforce) {
                remedy = "the policy does not enforce, nothing is changed";
                transient = "";
        }
        answer->accept = policy->on_drift == ON_DRIFT_ACCEPT;
        return format_to(&answer->message, "domain '%s' misses its grant of XSAVES: %s: %s%s",
                         answer->guest.name ? answer->guest.name : "",
                         reason_to_string(answer->decision.reason), remedy, transient);
}

static int judge_start(const struct judge *judge, const struct arrival *arrival,
                       struct gate_answer *answer) {
        struct plan missing = plan_make(judge, &arrival->actual, &answer->decision);
        struct plan all = plan_make(judge, &answer->guest, &answer->decision);
        enum verdict verdict = answer->decision.verdict;

        /* Something is to be done, or what was done earlier is to be taken back. */
        answer->drift = !plan_is_empty(&missing) || (arrival->has_record && plan_is_empty(&all));
        if (verdict == VERDICT_DENY && answer->has_xsaves)
                return refuse_unsafe(answer, arrival->incoming);
        if (verdict == VERDICT_GRANT && plan_touches_xsaves(&missing) && !arrival->incoming)
                return answer_missing_grant(answer, judge->policy);
        return 0;
}

int gate_judge(const struct judge *judge, enum gate_operation operation, bool incoming,
               const char *xml, size_t length, struct gate_answer *ret, char **ret_reason) {
        AUTO_GATE_ANSWER struct gate_answer answer = {.accept = true};
        CLEANUP(arrival_clear) struct arrival arrival = {};
        int r;

        r = read_arrival(xml, length, &arrival, &answer.guest, ret_reason);
        if (r != 0)
                return r;
        answer.decision = judge_decide(judge, &answer.guest);
        answer.has_xsaves = guest_would_see_xsaves(&arrival.actual,
                                                   judge_offers_xsaves(judge, &arrival.actual));

        arrival.incoming = incoming || operation == GATE_MIGRATE || operation == GATE_RESTORE;
        if (operation != GATE_STARTED)
                r = judge_start(judge, &arrival, &answer);
        if (r >= 0 && !answer.message)
                r = strdup_to(&answer.message, "");
        if (r < 0)
                return r;
        /* Decided and reported, never enforced. */
        if (!judge->enforce) {
                answer.accept = true;
                answer.drift = false;
        }
        make_one_line(answer.message);

        *ret = answer;
        answer = (struct gate_answer){};
        return 0;
}

bool gate_answer_is_news(enum gate_operation operation, const struct gate_answer *answer) {
        return operation != GATE_STARTED && (operation != GATE_START || !answer->accept);
}
