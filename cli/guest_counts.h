/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What ListGuests() says, counted. */

#include "core/decision.h"
#include "json.h"

struct guest_counts {
        size_t total, running;
        size_t verdicts[VERDICT_UNJUDGED + 1];
        size_t reasons[N_REASONS];
        enum verdict verdict_of[N_REASONS]; /* where there is one of the reason */
        size_t failed, pending, transient, needs_restart, runs_xsaves;
};

struct guest_counts guest_counts(const json_t *guests);
