/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "core/policy/policy.h"

/*
 * Warn of rules that are valid each but probably mistakes together: rules that are never reached, guest rules that allow
 * without an assertion, or that allow while no host rule does.
 */
void policy_check(const struct policy *policy, struct problems *problems);
