/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/gate.h"

#include <errno.h>
#include <string.h>

#include "core/advice.h"
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

/* The gate does not know whether the domain is transient: then there is nothing that could be re-defined. */
#define TRANSIENT_ADVICE " (a transient domain: pass its XML through `xsavesctl rewrite`)"

/* What comes to the gate. */
struct arrival {
        struct guest actual; /* as it would start; as its owner wrote it, it is in the answer */
        bool has_record;     /* of earlier changes by xsavesd */
        bool incoming;
        bool may_resume; /* a snapshot's memory */
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

/*
 * The guest shows XSAVES. One that comes in has been shown it where its definition turns it on, also where nothing here
 * would have: its CPU cannot change under it.
 */
static bool has_xsaves(const struct judge *judge, const struct guest *actual, bool incoming) {
        return judge_would_see(judge, actual, CPU_XSAVES) ||
               (incoming && guest_turns_xsaves_on(actual));
}

/* What makes it start, the safe way first. */
static int advise_refused(const struct judge *judge, const struct gate_answer *answer,
                          bool incoming, char **ret) {
        struct guest planned = guest_as_planned(judge, &answer->guest, &answer->decision);
        const char *other = reason_advice(answer->decision.reason);

        if (!judge->enforce)
                return strdup_to(ret, "the policy does not enforce, nothing is changed");
        if (incoming)
                return strdup_to(ret, "start it cold, or run it where the policy allows XSAVES");
        if (answer->decision.reason == REASON_DENIED_CUSTOM_CPU_ARGS)
                return strdup_to(ret, other);
        if (judge_would_see(judge, &planned, CPU_XSAVES))
                return format_to(ret, "remove its QEMU arguments that set the CPU, or %s", other);
        return format_to(
                ret, "it is being re-defined without: start it again" TRANSIENT_ADVICE ", or %s",
                other);
}

static int refuse_unsafe(const struct judge *judge, bool incoming, struct gate_answer *answer) {
        AUTO_FREE char *why = NULL, *advice = NULL;
        int r;

        answer->accept = false;
        r = decision_explanation(&answer->decision, &why);
        if (r >= 0)
                r = advise_refused(judge, answer, incoming, &advice);
        if (r < 0)
                return r;
        return format_to(&answer->message, "domain '%s' would see XSAVES: %s: %s; %s",
                         guest_name(&answer->guest), reason_to_string(answer->decision.reason), why,
                         advice);
}

/*
 * Reverting to a snapshot with memory calls the hook as a cold start does. The XML of a guest with a CPU model has
 * check='full' once it runs, and not before (qemuProcessUpdateLiveGuestCPU()); and where the stored definition has the
 * grant already, nothing that is re-defined would help.
 */
static bool may_resume_memory(enum gate_operation operation, enum start_kind kind,
                              const struct guest *actual) {
        return (operation == GATE_PREPARE || operation == GATE_START) &&
               (kind == START_OF_GRANTED || actual->check_full);
}

static int answer_missing_grant(struct gate_answer *answer, const struct policy *policy,
                                bool may_resume) {
        static const char *const remedies[] = {
                [ON_DRIFT_REFUSE] = "it is being re-defined: start it again",
                [ON_DRIFT_ACCEPT] = "it gets it at its next start",
        };
        const char *remedy = remedies[policy->on_drift], *transient = TRANSIENT_ADVICE;

        if (!policy->enforce) {
                remedy = "the policy does not enforce, nothing is changed";
                transient = "";
        } else if (may_resume) {
                remedy = "it may resume a snapshot's memory, whose CPU cannot change; it gets it "
                         "when it is shut down and started";
                transient = "";
        }
        answer->misses_grant = true;
        answer->accept = may_resume || policy->on_drift == ON_DRIFT_ACCEPT;
        return format_to(&answer->message, "domain '%s' misses its grant of XSAVES: %s: %s%s",
                         guest_name(&answer->guest), reason_to_string(answer->decision.reason),
                         remedy, transient);
}

static int judge_start(const struct judge *judge, const struct arrival *arrival,
                       struct gate_answer *answer) {
        struct plan missing = plan_make(judge, &arrival->actual, &answer->decision);
        struct plan all = plan_make(judge, &answer->guest, &answer->decision);
        enum verdict verdict = answer->decision.verdict;

        /* Something is to be done, or what was done earlier is to be taken back. */
        answer->drift = !plan_is_empty(&missing) || (arrival->has_record && plan_is_empty(&all));
        if (verdict == VERDICT_DENY && answer->has_xsaves)
                return refuse_unsafe(judge, arrival->incoming || arrival->may_resume, answer);
        if (arrival->incoming)
                return 0;
        if (verdict == VERDICT_GRANT && plan_touches_xsaves(&missing))
                return answer_missing_grant(answer, judge->policy, arrival->may_resume);
        if (answer->decision.hide_xsavec && judge_would_see(judge, &arrival->actual, CPU_XSAVEC))
                return format_to(
                        &answer->message, "domain '%s' sees XSAVEC, which is to be hidden: %s: %s",
                        guest_name(&answer->guest), reason_to_string(answer->decision.reason),
                        missing.xsavec != FEATURE_ABSENT
                                ? "its next start hides it"
                                : "its own QEMU arguments set the CPU, remove them");
        return 0;
}

/* For messages alone: libvirt writes the name right behind the root's tag, as text. */
static int find_name(const char *xml, size_t length, char **ret) {
        static const char begin[] = "<name>";
        const char *name = memmem(xml, length, begin, strlen(begin)), *end = NULL;

        if (name) {
                name += strlen(begin);
                end = memchr(name, '<', length - (size_t)(name - xml));
        }
        return format_to(ret, "%.*s", end ? (int)(end - name) : 0, end ? name : "");
}

/* A definition that cannot be judged is refused where the policy enforces and governs its type, or may do so. */
static int answer_unjudged(const struct judge *judge, enum gate_operation operation,
                           const char *xml, size_t length, struct gate_answer *ret,
                           char **ret_reason) {
        struct decision decision = decision_unjudged();
        AUTO_FREE char *type = NULL, *name = NULL, *message = NULL;
        bool governed;
        int r;

        r = xml_root_attribute(xml, length, "type", &type);
        if (r < 0)
                return r;
        governed = judge->host->vendor && (!type || policy_governs_type(judge->policy, type));
        if (judge->enforce && governed && operation != GATE_STARTED)
                return 1;

        r = find_name(xml, length, &name);
        if (r >= 0)
                r = format_to(&message, "domain '%s' cannot be judged: %s: %s; %s", name,
                              reason_to_string(decision.reason), *ret_reason,
                              governed ? "the policy does not enforce, nothing is refused"
                                       : "its domain type is not governed");
        if (r < 0)
                return r;
        make_one_line(message);
        free(STEAL(*ret_reason));

        *ret = (struct gate_answer){
                .accept = true,
                .decision = decision,
                .guest.name = STEAL(name),
                .message = STEAL(message),
        };
        return 0;
}

int gate_judge(const struct judge *judge, enum gate_operation operation, enum start_kind kind,
               const char *xml, size_t length, struct gate_answer *ret, char **ret_reason) {
        AUTO_GATE_ANSWER struct gate_answer answer = {.accept = true};
        CLEANUP(arrival_clear) struct arrival arrival = {};
        bool in_memory; /* what starts may go on from memory, in which the CPU cannot change */
        int r;

        r = read_arrival(xml, length, &arrival, &answer.guest, ret_reason);
        if (r > 0)
                return answer_unjudged(judge, operation, xml, length, ret, ret_reason);
        if (r < 0)
                return r;
        arrival.incoming =
                kind == START_INCOMING || operation == GATE_MIGRATE || operation == GATE_RESTORE;
        arrival.may_resume = may_resume_memory(operation, kind, &arrival.actual);
        in_memory = arrival.incoming || arrival.may_resume;
        answer.guest.live = arrival.actual.live = in_memory || operation == GATE_STARTED;
        answer.decision = judge_decide_start(judge, &answer.guest, &arrival.actual);
        answer.has_xsaves = has_xsaves(judge, &arrival.actual, in_memory);

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
        answer.decision.forced_along = NULL; /* it may be the arrival's */

        *ret = answer;
        answer = (struct gate_answer){};
        return 0;
}

bool gate_answer_is_news(enum gate_operation operation, const struct gate_answer *answer) {
        return operation != GATE_STARTED && (operation != GATE_START || !answer->accept);
}
