/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy.h"

#include <fnmatch.h>
#include <string.h>

#include "core/memory.h"

static void host_rule_clear(struct host_rule *rule) {
        free(rule->name);
        free(rule->file);
        strv_free(rule->hostname);
        strv_free(rule->machine_id);
        strv_free(rule->cpu);
}

static void guest_rule_clear(struct guest_rule *rule) {
        free(rule->name);
        free(rule->file);
        strv_free(rule->guest_name);
        strv_free(rule->uuid);
        strv_free(rule->os);
}

struct policy *policy_free(struct policy *policy) {
        if (!policy)
                return NULL;
        for (size_t i = 0; i < policy->n_host_rules; i++)
                host_rule_clear(&policy->host_rules[i]);
        for (size_t i = 0; i < policy->n_guest_rules; i++)
                guest_rule_clear(&policy->guest_rules[i]);
        free(policy->literals);
        free(policy->glob_rules);
        free(policy->host_rules);
        free(policy->guest_rules);
        strv_free(policy->virt_types);
        free(policy);
        return NULL;
}

struct policy *policy_new_builtin(void) {
        struct policy *policy = xcalloc(1, sizeof(*policy));

        policy->enforce = true;
        need_memory(strv_append(&policy->virt_types, "kvm", strlen("kvm")) == 0);
        return policy;
}

bool policy_governs_type(const struct policy *policy, const char *domain_type) {
        return domain_type && strv_contains(policy->virt_types, domain_type);
}

/*
 * Does one of the globs match? A value of NULL matches no glob; no list (NULL) matches any value. A character is a byte, as
 * long as no program calls setlocale(). Many stars cost no more than others: glibc's fnmatch() tries no other place for
 * a star once the text up to the next one matched, so that it takes the product of both lengths at most.
 */
static bool globs_match(char *const *globs, const char *value) {
        if (!globs)
                return true;
        if (!value)
                return false;
        STRV_FOREACH (glob, globs)
                if (fnmatch(*glob, value, 0) == 0)
                        return true;
        return false;
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

static bool guest_rule_matches(const struct guest_rule *rule, const char *name, const char *uuid,
                               const char *os) {
        return globs_match(rule->guest_name, name) && globs_match(rule->uuid, uuid) &&
               globs_match(rule->os, os);
}

static bool are_literals(char *const *globs) {
        STRV_FOREACH (glob, globs)
                if (strpbrk(*glob, "*?[\\"))
                        return false;
        return globs != NULL;
}

static int compare_texts(const void *a, const void *b) {
        return strcmp(((const struct policy_literal *)a)->text,
                      ((const struct policy_literal *)b)->text);
}

static int compare_literals(const void *a, const void *b) {
        size_t rule_a = ((const struct policy_literal *)a)->rule,
               rule_b = ((const struct policy_literal *)b)->rule;
        int texts = compare_texts(a, b);

        return texts != 0 ? texts : (rule_a > rule_b) - (rule_a < rule_b);
}

static void add_literals(struct policy *policy, char *const *texts, size_t rule) {
        STRV_FOREACH (text, texts) {
                xgrow(&policy->literals, policy->n_literals, sizeof(*policy->literals));
                policy->literals[policy->n_literals++] = (struct policy_literal){*text, rule};
        }
}

void policy_sort_guest_rules(struct policy *policy) {
        for (size_t i = 0; i < policy->n_guest_rules; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i];

                if (are_literals(rule->guest_name)) {
                        add_literals(policy, rule->guest_name, i);
                } else if (are_literals(rule->uuid)) {
                        add_literals(policy, rule->uuid, i);
                } else {
                        xgrow(&policy->glob_rules, policy->n_glob_rules,
                              sizeof(*policy->glob_rules));
                        policy->glob_rules[policy->n_glob_rules++] = i;
                }
        }
        if (policy->n_literals > 0)
                qsort(policy->literals, policy->n_literals, sizeof(*policy->literals),
                      compare_literals);
}

/* The first rule filed under this text that matches; n_guest_rules: none does. */
static size_t find_by_literal(const struct policy *policy, const char *text, const char *name,
                              const char *uuid, const char *os) {
        const struct policy_literal wanted = {.text = text}, *literals = policy->literals, *found,
                                    *end;

        if (!text || !literals)
                return policy->n_guest_rules;
        found = bsearch(&wanted, literals, policy->n_literals, sizeof(wanted), compare_texts);
        if (!found)
                return policy->n_guest_rules;
        end = literals + policy->n_literals;
        while (found > literals && streq(found[-1].text, text))
                found--;
        for (; found < end && streq(found->text, text); found++)
                if (guest_rule_matches(&policy->guest_rules[found->rule], name, uuid, os))
                        return found->rule;
        return policy->n_guest_rules;
}

/* The beginning of a long value is put into `buffer`. */
static const char *shorten(const char *value, char buffer[POLICY_VALUE_MAX + 1]) {
        if (!value || strnlen(value, POLICY_VALUE_MAX + 1) <= POLICY_VALUE_MAX)
                return value;
        memcpy(buffer, value, POLICY_VALUE_MAX);
        buffer[POLICY_VALUE_MAX] = '\0';
        return buffer;
}

const struct guest_rule *policy_match_guest(const struct policy *policy, const char *name,
                                            const char *uuid, const char *os) {
        char buffers[3][POLICY_VALUE_MAX + 1];
        size_t first, other;

        name = shorten(name, buffers[0]);
        uuid = shorten(uuid, buffers[1]);
        os = shorten(os, buffers[2]);
        first = find_by_literal(policy, name, name, uuid, os);
        other = find_by_literal(policy, uuid, name, uuid, os);
        if (other < first)
                first = other;
        for (size_t i = 0; i < policy->n_glob_rules && policy->glob_rules[i] < first; i++)
                if (guest_rule_matches(&policy->guest_rules[policy->glob_rules[i]], name, uuid, os))
                        first = policy->glob_rules[i];
        return first < policy->n_guest_rules ? &policy->guest_rules[first] : NULL;
}
