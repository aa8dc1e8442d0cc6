/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What rewrite_xml() found of a definition that it left as it is: enough to tell, of the same text and under
 * another policy, that it would leave it again. Most of what a rewrite costs is the parsing.
 */

#include <stdint.h>

#include "core/plan.h"
#include "core/rewrite.h"

/* Zero-initialize: nothing is known. Release with known_clear(). */
struct known {
        uint64_t hash; /* of the text */
        size_t length;
        struct guest guest;
        struct plan plan;         /* that is carried out in it */
        struct decision decision; /* without its rules, which are the policy's */
        bool offers_xsaves, offers_xsavec;
        char *rule; /* NULL: none */
};

void known_clear(struct known *known);

/* Remember the outcome of rewrite_xml() by an enforcing judge: the text where it was left as it is, else
 * nothing. Returns 0 or -ENOMEM (nothing is known then). */
int known_set(struct known *known, const struct judge *judge, const char *xml, size_t length,
              const struct rewritten *rewritten);

/* Would rewrite_xml() leave this text as it is? Then the decision on it is in *ret. `false` is no answer. */
bool known_is_in_line(const struct known *known, const struct judge *judge, const char *xml,
                      size_t length, struct decision *ret);
