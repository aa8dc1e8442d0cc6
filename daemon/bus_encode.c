/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus_encode.h"

#include <errno.h>

#include "core/advice.h"

static int append_string(sd_bus_message *m, const char *key, const char *value) {
        return value ? sd_bus_message_append(m, "{sv}", key, "s", value) : 0;
}

static int append_boolean(sd_bus_message *m, const char *key, bool value) {
        return sd_bus_message_append(m, "{sv}", key, "b", (int)value);
}

static int append_fact(const char *key, const char *value, void *userdata) {
        int r = sd_bus_message_append(userdata, "{ss}", key, value);

        /* Success is positive there, which would end the visit. */
        return r < 0 ? r : 0;
}

int encode_host(sd_bus_message *m, const struct ruleset *ruleset) {
        const struct host_rule *rule = ruleset->judge.host_rule;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{ss}");
        if (r >= 0)
                r = host_facts_visit(ruleset->host, append_fact, m);
        if (r >= 0)
                r = append_fact("erratum-1386", erratum_status_to_string(ruleset->judge.erratum),
                                m);
        if (r >= 0 && rule)
                r = append_fact("host-rule", rule->name, m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_strv(sd_bus_message *m, const char *key, char *const *list) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", key);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **)list);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int encode_policy(sd_bus_message *m, const struct manager *manager) {
        const struct policy *policy = manager->ruleset->policy;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_string(m, "folder", policy_store_folder(manager->store));
        if (r >= 0)
                r = append_strv(m, "files", policy_store_files(manager->store));
        if (r >= 0)
                r = append_string(m, "warnings", policy_store_warnings(manager->store));
        if (r >= 0)
                r = append_string(m, "default", policy_default_to_string(policy->default_verdict));
        if (r >= 0)
                r = append_boolean(m, "enforce", policy->enforce);
        if (r >= 0)
                r = append_string(m, "on-drift", on_drift_to_string(policy->on_drift));
        if (r >= 0)
                r = append_strv(m, "virt-types", policy->virt_types);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}{sv}", "host-rules", "u",
                                          (uint32_t)policy->n_host_rules, "guest-rules", "u",
                                          (uint32_t)policy->n_guest_rules);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_decision(sd_bus_message *m, enum verdict verdict, enum means means,
                           enum reason reason) {
        return sd_bus_message_append(m, "{sv}{sv}{sv}", "verdict", "s", verdict_to_string(verdict),
                                     "means", "s", means_to_string(means), "reason", "s",
                                     reason_to_string(reason));
}

/* What is known of a guest besides the decision on it. */
static int append_state(sd_bus_message *m, const struct guest_entry *entry) {
        const struct virt_guest *seen = &entry->seen;
        int r;

        r = append_string(m, "guest", seen->name ? seen->name : "");
        if (r >= 0)
                r = append_string(m, "uuid", seen->uuid);
        if (r >= 0)
                r = append_string(m, "state", seen->active ? "running" : "shutoff");
        if (r >= 0)
                r = append_string(m, "definition", definition_state_to_string(seen->definition));
        if (r >= 0)
                r = append_string(m, "error", seen->error);
        if (r >= 0)
                r = append_string(m, "runs-xsaves",
                                  tristate_to_string(guest_entry_runs_xsaves(entry)));
        if (r >= 0)
                r = append_boolean(m, "next-xsaves", seen->next_xsaves);
        if (r >= 0)
                r = append_boolean(m, "needs-restart", guest_entry_needs_restart(entry));
        return r;
}

int encode_guest(sd_bus_message *m, const struct guest_entry *entry) {
        const struct virt_guest *seen = &entry->seen;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_state(m, entry);
        if (r >= 0)
                r = append_decision(m, seen->verdict, seen->means, seen->reason);
        if (r >= 0)
                r = append_string(m, "guest-rule", seen->guest_rule);
        if (r >= 0)
                r = append_string(m, "host-rule", seen->host_rule);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "policy-generation", "t",
                                          seen->policy_generation);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_step(sd_bus_message *m, const struct decision_step *step) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_string(m, "reason", reason_to_string(step->reason));
        if (r >= 0)
                r = append_string(m, "condition", step->condition);
        if (r >= 0)
                r = append_string(m, "value", step->value);
        if (r >= 0)
                r = append_boolean(m, "applied", step->applied);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* `guest`: NULL where there was nothing to judge. */
static int append_steps(sd_bus_message *m, const struct judge *judge, const struct guest *guest) {
        struct decision_step *steps = NULL;
        int n = 0, r;

        if (guest)
                n = judge_explain(judge, guest, &steps);
        if (n < 0)
                return n;
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "steps");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "aa{sv}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "a{sv}");
        for (int i = 0; r >= 0 && i < n; i++)
                r = append_step(m, &steps[i]);
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        decision_steps_free(steps, (size_t)n);
        return r;
}

static int append_words(sd_bus_message *m, const struct judge *judge, const struct guest *guest,
                        const struct decision *decision) {
        AUTO_FREE char *why = NULL, *advice = NULL;
        int r;

        r = decision_explanation(decision, &why);
        if (r >= 0)
                r = decision_advice(judge, guest, decision, &advice);
        if (r >= 0)
                r = append_string(m, "explanation", why);
        if (r >= 0)
                r = append_string(m, "advice", advice);
        return r < 0 ? r : append_string(m, "note", decision_note(judge, guest, decision));
}

static int append_judgement(sd_bus_message *m, const struct judge *judge, const struct guest *guest,
                            const struct decision *decision) {
        int r;

        r = append_words(m, judge, guest, decision);
        return r < 0 ? r : append_steps(m, judge, guest);
}

static int append_no_judgement(sd_bus_message *m, const struct judge *judge,
                               const struct decision *decision) {
        int r;

        r = append_string(m, "explanation", reason_explanation(decision->reason));
        if (r >= 0)
                r = append_string(m, "advice", reason_advice(decision->reason));
        return r < 0 ? r : append_steps(m, judge, NULL);
}

int encode_explanation(sd_bus_message *m, const struct ruleset *ruleset,
                       const struct guest_entry *entry) {
        const struct judge *judge = &ruleset->judge;
        const struct guest *facts = &entry->seen.facts;
        bool judged = entry->seen.verdict != VERDICT_UNJUDGED;
        struct decision decision = judged ? judge_decide(judge, facts) : decision_unjudged();
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_state(m, entry);
        if (r >= 0)
                r = append_decision(m, decision.verdict, decision.means, decision.reason);
        if (r >= 0 && decision.guest_rule)
                r = append_string(m, "guest-rule", decision.guest_rule->name);
        if (r >= 0 && decision.host_rule)
                r = append_string(m, "host-rule", decision.host_rule->name);
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "policy-generation", "t",
                                          ruleset->policy_generation);
        if (r >= 0)
                r = judged ? append_judgement(m, judge, facts, &decision)
                           : append_no_judgement(m, judge, &decision);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_change(sd_bus_message *m, const struct virt_change *change) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_string(m, "guest", change->name);
        if (r >= 0)
                r = append_string(m, "uuid", change->uuid);
        if (r >= 0 && change->decided)
                r = append_decision(m, change->verdict, change->means, change->reason);
        if (r >= 0)
                r = append_boolean(m, "changed", change->changed);
        if (r >= 0)
                r = append_string(m, "before", change->before);
        if (r >= 0)
                r = append_string(m, "after", change->after);
        if (r >= 0)
                r = append_string(m, "error", change->error);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int encode_changes(sd_bus_message *m, const struct virt_change *changes, size_t n_changes) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "a{sv}");
        for (size_t i = 0; r >= 0 && i < n_changes; i++)
                r = append_change(m, &changes[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}
