/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a decision asks to change in a definition, and nothing that it has already. */

#include "core/decision.h"

enum pair_change { PAIR_LEAVE, PAIR_ADD, PAIR_REMOVE };

struct plan {
        enum feature_policy xsaves, xsavec; /* to be set; FEATURE_ABSENT: leave */
        enum pair_change pair;              /* x-force-features in <qemu:commandline> */
};

struct plan plan_make(const struct judge *judge, const struct guest *guest,
                      const struct decision *decision);

/* The guest once that is done. Shallow: its texts are those of `guest`. */
struct guest guest_as_planned(const struct judge *judge, const struct guest *guest,
                              const struct decision *decision);

bool plan_is_empty(const struct plan *plan);
/* Does it change what the guest sees of XSAVES itself? */
bool plan_touches_xsaves(const struct plan *plan);
