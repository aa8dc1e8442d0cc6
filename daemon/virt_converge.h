/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Converge one domain: bring it in line, report it. */

#include "virt_redefine.h"

/*
 * Returns 0 (also for a failure that ret->error tells of); VIRT_GONE (the domain is forgotten, and its
 * memory is freed); VIRT_AGAIN (it is on the list again); VIRT_REFUSED: the connection is lost; -ENOMEM.
 */
int converge_domain(struct agent *agent, struct domain *domain, struct redefinition *ret);
