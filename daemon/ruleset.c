/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ruleset.h"

#include <errno.h>

int ruleset_new(struct policy *policy, struct host_facts *host, const struct cpu_map *map,
                uint64_t policy_generation, struct ruleset **ret) {
        struct ruleset *ruleset = calloc(1, sizeof(*ruleset));

        if (!ruleset) {
                policy_free(policy);
                host_facts_free(host);
                return -ENOMEM;
        }
        *ruleset = (struct ruleset){
                .policy = policy,
                .host = host,
                .map = map,
                .policy_generation = policy_generation,
                .n_references = 1,
        };
        if (policy)
                judge_init(&ruleset->judge, policy, host, map);
        *ret = ruleset;
        return 0;
}

int ruleset_new_with_host(struct ruleset *ruleset, struct host_facts *host, struct ruleset **ret) {
        struct ruleset *owner = ruleset->policy_owner ? ruleset->policy_owner : ruleset;
        struct ruleset *derived;
        int r;

        r = ruleset_new(NULL, host, ruleset->map, ruleset->policy_generation, &derived);
        if (r < 0)
                return r;
        derived->policy_owner = ruleset_ref(owner);
        derived->policy = owner->policy;
        judge_init(&derived->judge, derived->policy, host, ruleset->map);
        *ret = derived;
        return 0;
}

struct ruleset *ruleset_ref(struct ruleset *ruleset) {
        __atomic_add_fetch(&ruleset->n_references, 1, __ATOMIC_RELAXED);
        return ruleset;
}

struct ruleset *ruleset_unref(struct ruleset *ruleset) {
        if (!ruleset || __atomic_sub_fetch(&ruleset->n_references, 1, __ATOMIC_ACQ_REL) > 0)
                return NULL;
        if (ruleset->policy_owner)
                ruleset_unref(ruleset->policy_owner);
        else
                policy_free(ruleset->policy);
        host_facts_free(ruleset->host);
        free(ruleset);
        return NULL;
}
