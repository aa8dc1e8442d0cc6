/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guest_counts.h"

static enum verdict verdict_of(const json_t *guest) {
        for (enum verdict i = VERDICT_KEEP; i <= VERDICT_UNJUDGED; i++)
                if (streq(verdict_to_string(i), json_text(guest, "verdict")))
                        return i;
        return VERDICT_KEEP;
}

static void count(struct guest_counts *counts, const json_t *guest) {
        const char *reason = json_text(guest, "reason");
        const char *definition = json_text(guest, "definition");
        enum verdict verdict = verdict_of(guest);

        counts->total++;
        counts->verdicts[verdict]++;
        for (enum reason i = 0; i < N_REASONS; i++)
                if (streq(reason_to_string(i), reason)) {
                        counts->reasons[i]++;
                        counts->verdict_of[i] = verdict;
                }
        counts->running += streq(json_text(guest, "state"), "running");
        counts->failed += streq(definition, "failed");
        counts->pending += streq(definition, "pending");
        counts->transient += streq(definition, "transient");
        counts->needs_restart += json_flag(guest, "needs-restart");
        counts->runs_xsaves += streq(json_text(guest, "runs-xsaves"), "yes");
}

struct guest_counts guest_counts(const json_t *guests) {
        struct guest_counts counts = {};
        const json_t *guest;
        size_t i;

        json_array_foreach(guests, i, guest) count(&counts, guest);
        return counts;
}
