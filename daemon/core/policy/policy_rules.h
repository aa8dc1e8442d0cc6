/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the policy's own files share: policy.c and policy_parse.c. */

#include "core/policy/policy.h"

void host_rule_clear(struct host_rule *rule);
void guest_rule_clear(struct guest_rule *rule);

/* Once all guest rules are there, and where they stay: prepare policy_match_guest(). */
void policy_sort_guest_rules(struct policy *policy);
