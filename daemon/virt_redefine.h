/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Read a definition, rewrite it, define it: back to back. */

#include "core/definition.h"
#include "virt_agent.h"

/* A domain as it was found and left. Zero-initialize; release with redefinition_clear(). */
struct redefinition {
        char *xml; /* as it was read; NULL: it could not be */
        size_t length;
        struct rewritten rewritten; /* as enforcing the policy would have it; see `judged` */
        bool judged;                /* false: it could not be read, or the core refuses it */
        bool defined;               /* it was re-defined */
        bool in_line;               /* its definition is what the policy makes of it */
        char *error;                /* why not, where that failed */
};

void redefinition_clear(struct redefinition *redefinition);
#define AUTO_REDEFINITION CLEANUP(redefinition_clear)

/*
 * Bring the definition in line, where it is persistent and the policy enforces. Returns 0 (also for a
 * failure that `error` tells of), VIRT_GONE, VIRT_AGAIN or -ENOMEM.
 */
int redefine_domain(struct agent *agent, struct domain *domain, struct redefinition *ret);

/* Take back what was done to it; the same returns, and VIRT_REFUSED with *ret_error. */
int revert_domain(struct agent *agent, struct domain *domain, char **ret_error);

/* Its definition, secrets left out. Returns 0, VIRT_GONE, VIRT_REFUSED (with *ret_error) or -ENOMEM. */
int read_for_show(struct domain *domain, char **ret, char **ret_error);

/* The facts of its live XML, in domain->live; not where it cannot be read. Returns 0 or -ENOMEM. */
int read_live(struct domain *domain);
