/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What decisions are made by: one policy on one host, never changed once made. Both threads hold
 * references to the one that is in force; a new policy or a new fact makes a new ruleset.
 */

#include <stdint.h>

#include "core/decision.h"

struct ruleset {
        struct policy *policy;
        struct host_facts *host;
        const struct cpu_map *map; /* borrowed: loaded once, lives as long as the process */
        struct judge judge;
        uint64_t policy_generation; /* 1 is the first policy; the built-in one counts */
        /* Private to ruleset.c: the ruleset that owns the policy, if it is not this one. */
        struct ruleset *policy_owner;
        unsigned n_references; /* atomic */
};

/* Takes the policy and the facts over, also on failure. Returns 0 or -ENOMEM. */
int ruleset_new(struct policy *policy, struct host_facts *host, const struct cpu_map *map,
                uint64_t policy_generation, struct ruleset **ret);

/* The same policy on other facts, which are taken over, also on failure. Returns 0 or -ENOMEM. */
int ruleset_new_with_host(struct ruleset *ruleset, struct host_facts *host, struct ruleset **ret);

struct ruleset *ruleset_ref(struct ruleset *ruleset);
/* Accepts NULL; returns NULL. */
struct ruleset *ruleset_unref(struct ruleset *ruleset);
DEFINE_CLEANUP(struct ruleset *, ruleset_unref);
#define AUTO_RULESET CLEANUP(ruleset_unref_p)
