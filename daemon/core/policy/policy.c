/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy.h"

#include "core/glob.h"
#include "core/policy/policy_rules.h"
#include "core/rule_index.h"

void host_rule_clear(struct host_rule *rule) {
        free(rule->name);
        free(rule->file);
        strv_free(rule->hostname);
        strv_free(rule->machine_id);
        strv_free(rule->cpu);
        *rule = (struct host_rule){};
}

void guest_rule_clear(struct guest_rule *rule) {
        free(rule->name);
        free(rule->file);
        strv_free(rule->guest_name);
        strv_free(rule->uuid);
        strv_free(rule->os);
        *rule = (struct guest_rule){};
}

struct policy *policy_free(struct policy *policy) {
        if (!policy)
                return NULL;
        for (size_t i = 0; i < policy->n_host_rules; i++)
                host_rule_clear(&policy->host_rules[i]);
        for (size_t i = 0; i < policy->n_guest_rules; i++)
                guest_rule_clear(&policy->guest_rules[i]);
        rule_index_free(policy->index);
        free(policy->host_rules);
        free(policy->guest_rules);
        strv_free(policy->virt_types);
        free(policy);
        return NULL;
}

int policy_new_builtin(struct policy **ret) {
        AUTO_PROBLEMS struct problems problems = {};

        return policy_parse(NULL, 0, &problems, ret);
}

bool policy_governs_type(const struct policy *policy, const char *domain_type) {
        return domain_type && strv_contains(policy->virt_types, domain_type);
}

static bool host_rule_matches(const struct host_rule *rule, const struct host_facts *facts,
                              const char *cpu, enum erratum_status erratum) {
        return globs_match(rule->hostname, facts->hostname) &&
               globs_match(rule->machine_id, facts->machine_id) && globs_match(rule->cpu, cpu) &&
               (rule->errata == 0 || rule->errata & 1U << erratum);
}

const struct host_rule *policy_match_host(const struct policy *policy,
                                          const struct host_facts *facts,
                                          enum erratum_status erratum) {
        char cpu[HOST_CPU_ID_SIZE];

        host_facts_cpu_id(facts, cpu);
        for (size_t i = 0; i < policy->n_host_rules; i++)
                if (host_rule_matches(&policy->host_rules[i], facts, cpu, erratum))
                        return &policy->host_rules[i];
        return NULL;
}

static bool guest_rule_matches(const struct guest_rule *rule, void *userdata) {
        const char *const *values = userdata;

        for (enum rule_matcher i = RULE_NAME; i < N_RULE_MATCHERS; i++)
                if (!globs_match(guest_rule_globs(rule, i), values[i]))
                        return false;
        return true;
}

const struct guest_rule *policy_match_guest(const struct policy *policy, const char *name,
                                            const char *uuid, const char *os) {
        const char *values[] = {[RULE_NAME] = name, [RULE_UUID] = uuid, [RULE_OS] = os};
        size_t i = rule_index_find(policy->index, values, policy->n_guest_rules, SIZE_MAX,
                                   guest_rule_matches, values);

        return i < policy->n_guest_rules ? &policy->guest_rules[i] : NULL;
}
