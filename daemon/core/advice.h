/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is said to an administrator of a decision on one guest: why, and what to do for another one. */

#include "core/plan.h"

/* One clause: why. *ret is owned. Returns 0 or -ENOMEM. */
int decision_explanation(const struct decision *decision, char **ret);

/* One or more clauses: what to change, what is safe first. The same returns. */
int decision_advice(const struct judge *judge, const struct guest *guest,
                    const struct decision *decision, char **ret);

/*
 * Once this decision is carried out: would the guest see XSAVEC without XSAVES? Windows Server 2016 with Hyper-V and
 * two or more vCPUs does not boot then (Linux commit d52734d00b8e).
 */
bool decision_leaves_xsavec_alone(const struct judge *judge, const struct guest *guest,
                                  const struct decision *decision);
/* What is said of that; NULL where it is not so. Borrowed. */
const char *decision_note(const struct judge *judge, const struct guest *guest,
                          const struct decision *decision);
