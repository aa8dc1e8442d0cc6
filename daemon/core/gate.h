/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* May this guest start here, as it is? Asked by libvirt's qemu hook. */

#include "core/decision.h"

enum gate_operation {
        GATE_PREPARE,
        GATE_START,
        GATE_STARTED,
        GATE_MIGRATE,
        GATE_RESTORE,
};

/* libvirt's names of hook operations. Returns 0, or -EINVAL for one that is not judged. */
int gate_operation_from_string(const char *text, enum gate_operation *ret);
const char *gate_operation_to_string(enum gate_operation operation);

/* What is known of a start beside its XML. */
enum start_kind {
        START_COLD,
        START_INCOMING, /* after a restore or an incoming migration: the guest's CPU cannot change under it */
        START_OF_GRANTED, /* the stored definition has the grant: what misses it is a snapshot's */
};

/* Zero-initialize; release with gate_answer_clear(). */
struct gate_answer {
        bool accept;
        bool misses_grant; /* the start is not incoming, and what starts has not what was granted */
        bool drift;        /* the definition is not what the policy makes of it: converge */
        bool has_xsaves;   /* what starts would see XSAVES */
        struct guest guest; /* as its owner wrote it */
        struct decision decision;
        char *message; /* owned, one line without the name of the agent; "" where there is nothing to say */
};

void gate_answer_clear(struct gate_answer *answer);
#define AUTO_GATE_ANSWER CLEANUP(gate_answer_clear)

/*
 * Judge the domain XML that libvirt hands to its hook. GATE_STARTED is always accepted. Returns 0; -ENOMEM; or
 * 1 with *ret_reason set (owned, one line) for XML that cannot be judged, where the policy enforces and governs its
 * domain type. Elsewhere that is accepted too, with VERDICT_UNJUDGED and no facts of the guest but its name.
 */
int gate_judge(const struct judge *judge, enum gate_operation operation, enum start_kind kind,
               const char *xml, size_t length, struct gate_answer *ret, char **ret_reason);

/* Worth being told? `start` follows `prepare` with the same guest: what is accepted twice is told once. */
bool gate_answer_is_news(enum gate_operation operation, const struct gate_answer *answer);
