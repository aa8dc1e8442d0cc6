/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the policy's own files share: policy.c, policy_parse.c, policy_check.c. */

#include "core/policy/policy.h"

void host_rule_clear(struct host_rule *rule);
void guest_rule_clear(struct guest_rule *rule);

/*
 * Warn of what the rules as a whole hardly mean: guest rules that are never reached, that allow without
 * an assertion, or that allow while no host rule does. Needs the index. Returns 0 or -ENOMEM.
 */
int policy_check(const struct policy *policy, struct problems *problems);
