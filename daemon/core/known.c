/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/known.h"

/* FNV-1a */
static uint64_t hash_of(const char *text, size_t length) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (size_t i = 0; i < length; i++)
                hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
        return hash;
}

void known_clear(struct known *known) {
        guest_clear(&known->guest);
        free(known->rule);
        *known = (struct known){};
}

static const char *rule_of(const struct decision *decision) {
        return decision->guest_rule ? decision->guest_rule->name : NULL;
}

int known_set(struct known *known, const struct judge *judge, const char *xml, size_t length,
              const struct rewritten *rewritten) {
        const struct decision *decision = &rewritten->decision;
        int r;

        known_clear(known);
        if (rewritten->changed)
                return 0;
        r = guest_copy(&rewritten->guest, &known->guest);
        if (r >= 0)
                r = strdup_to(&known->rule, rule_of(decision));
        if (r < 0) {
                known_clear(known);
                return r;
        }
        known->plan = plan_make(judge, &known->guest, decision);
        known->decision = *decision;
        known->decision.guest_rule = NULL;
        known->decision.host_rule = NULL;
        known->decision.forced_along = NULL;
        known->offers_xsaves = judge_may_offer(judge, &known->guest, CPU_XSAVES);
        known->offers_xsavec = judge_may_offer(judge, &known->guest, CPU_XSAVEC);
        known->hash = hash_of(xml, length);
        known->length = length;
        return 0;
}

/* All that the record and the plan of a guest are made from. */
static bool is_decided_alike(const struct known *known, const struct judge *judge,
                             const struct decision *decision) {
        return decision->verdict == known->decision.verdict &&
               decision->means == known->decision.means &&
               decision->reason == known->decision.reason &&
               decision->hide_xsavec == known->decision.hide_xsavec &&
               streq_null(rule_of(decision), known->rule) &&
               judge_may_offer(judge, &known->guest, CPU_XSAVES) == known->offers_xsaves &&
               judge_may_offer(judge, &known->guest, CPU_XSAVEC) == known->offers_xsavec;
}

/* A text in which nothing is carried out has no record: it is left as it is by every decision that has nothing
 * to carry out either. */
bool known_is_in_line(const struct known *known, const struct judge *judge, const char *xml,
                      size_t length, struct decision *ret) {
        struct decision decision;
        struct plan plan;

        if (length == 0 || length != known->length || hash_of(xml, length) != known->hash)
                return false;
        decision = judge_decide(judge, &known->guest);
        plan = plan_make(judge, &known->guest, &decision);
        if (!plan_is_empty(&plan) || !plan_is_empty(&known->plan))
                if (!is_decided_alike(known, judge, &decision))
                        return false;
        *ret = decision;
        return true;
}
