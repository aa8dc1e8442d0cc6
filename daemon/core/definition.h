/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Questions to a domain's XML as it is, beside what is to become of it (rewrite.h). */

#include "core/rewrite.h"

/* The guest of a definition that rewrite_xml() has been over with an enforcing judge. Its texts are those of `rewritten`. */
struct guest rewritten_guest(const struct judge *judge, const struct rewritten *rewritten);

/* What a start of a guest would give it. */
struct next_start {
        bool xsaves, xsavec; /* it would, or could, see them */
};

struct next_start next_start_of(const struct judge *judge, const struct guest *guest);
/* The same, of rewritten_guest(). */
struct next_start next_start_rewritten(const struct judge *judge,
                                       const struct rewritten *rewritten);
/*
 * Of a definition that is still as in `actual`: what the first start gives that the gate lets pass. One that it refuses
 * brings the definition in line.
 */
struct next_start next_start_past_gate(const struct judge *judge, const struct guest *actual,
                                       const struct rewritten *rewritten);

/*
 * Is `stored` what libvirt makes of `written`? libvirt formats anew, and puts what was added where its
 * schema has it; so this compares what the owner wrote, but for white space, and the policies of
 * xsaves and xsavec. Returns 1 for yes, 0 for no (also where the core refuses one), or -ENOMEM.
 */
int definition_is_stored(const char *written, size_t written_length, const char *stored,
                         size_t stored_length);
