/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the main loop knows of every guest, so that it answers without libvirt. */

#include "virt.h"

struct guests;

struct guest_entry {
        struct virt_guest seen;       /* by the libvirt thread; name NULL: not seen yet */
        bool definition_known;        /* nobody is known to have changed it since it was seen */
        enum tristate started_xsaves; /* what the hook saw start; unknown when it does not run */
        unsigned pass;                /* private: the pass that saw it last */
};

int guests_new(struct guests **ret);
struct guests *guests_free(struct guests *guests);
DEFINE_CLEANUP(struct guests *, guests_free);

/* Borrowed until the table changes; NULL: not known. By UUID, or by name where no UUID is like that. */
struct guest_entry *guests_find(struct guests *guests, const char *uuid);
struct guest_entry *guests_find_by_name(struct guests *guests, const char *name_or_uuid);

/* Take in what the libvirt thread saw (copied). Returns 0 or -ENOMEM. */
int guests_see(struct guests *guests, const struct virt_guest *seen);
/* Its definition was changed, and was not looked at yet. */
void guests_edited(struct guests *guests, const char *uuid);
/* Take in what started. Returns 0 or -ENOMEM. */
int guests_started(struct guests *guests, const char *uuid, bool has_xsaves);
void guests_remove(struct guests *guests, const char *uuid);

/* Forget the guests that were neither seen nor started since the last call of this, or of guests_begin_anew(). */
void guests_end_pass(struct guests *guests);
/* libvirt is another one, perhaps: what was seen before this counts no more at the end of the next pass. */
void guests_begin_anew(struct guests *guests);

size_t guests_count(const struct guests *guests);
/* Borrowed pointers, sorted by name; *ret is owned. Returns their number or -ENOMEM. */
int guests_sorted(struct guests *guests, struct guest_entry ***ret);

/* By which means its definition, as far as that is known, has the grant of this policy; MEANS_NONE: not. */
enum means guest_entry_stored_grant(const struct guest_entry *entry, uint64_t policy_generation);
/* What the guest sees now: what started, else what its live XML says. */
enum tristate guest_entry_runs_xsaves(const struct guest_entry *entry);
/* Would a stop and a start give it something else than it has now? */
bool guest_entry_needs_restart(const struct guest_entry *entry);
