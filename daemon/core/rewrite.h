/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Domain XML in, domain XML out: as the policy says (rewrite), or as its owner wrote it (revert). */

#include "core/decision.h"

/* Zero-initialize; release with rewritten_clear(). */
struct rewritten {
        struct guest guest;       /* as its owner wrote it, without what xsavesd did earlier */
        struct decision decision; /* borrows from the judge's policy */
        bool changed;             /* xml differs from the input */
        char *xml;                /* owned; NUL behind its `length` bytes */
        size_t length;
};

void rewritten_clear(struct rewritten *rewritten);
#define AUTO_REWRITTEN CLEANUP(rewritten_clear)

/*
 * Decide on a domain and make its XML say so. What cannot be improved comes back byte for byte: so does
 * everything under a policy that does not enforce. rewrite_xml() of its own output changes
 * nothing. Returns 0; -ENOMEM; or 1 with *ret_reason set (owned, one line) for XML that is refused.
 */
int rewrite_xml(const struct judge *judge, const char *xml, size_t length, struct rewritten *ret,
                char **ret_reason);

/*
 * Take back what xsavesd did to a domain: canonically, revert_xml() of rewrite_xml()'s output is
 * rewrite_xml()'s input. Returns as rewrite_xml() does.
 */
int revert_xml(const char *xml, size_t length, bool *ret_changed, char **ret_xml,
               size_t *ret_length, char **ret_reason);
