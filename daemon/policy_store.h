/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The policy in force: read from its folder, watched, never half replaced. */

#include <systemd/sd-event.h>

#include "core/policy/policy.h"

struct policy_store;

/* The files may have changed: time for policy_store_load(). */
typedef void (*policy_store_callback)(void *userdata);

/* Watches from the start; reads nothing yet. Where it cannot watch, it calls back every 10 seconds. Returns 0 or a negative
 * errno. */
int policy_store_new(const char *folder, sd_event *event, policy_store_callback callback,
                     void *userdata, struct policy_store **ret);
struct policy_store *policy_store_free(struct policy_store *store);
DEFINE_CLEANUP(struct policy_store *, policy_store_free);

/*
 * Read the folder now. Returns 0 with the new policy in *ret (owned by the caller); 1 when it is refused
 * (policy_store_error() then says why, and the caller's last policy stays in force); or -ENOMEM.
 */
int policy_store_load(struct policy_store *store, struct policy **ret);

/*
 * Is there anything in the last load that was not in the one before it, or that is not in force? Else nobody need hear
 * of it.
 */
bool policy_store_has_news(const struct policy_store *store);

/* Is what the last load read the text of the policy in force? */
bool policy_store_is_in_force(const struct policy_store *store);

/* The policy that the last load gave is put in force. Returns 0 or -ENOMEM. */
int policy_store_set_in_force(struct policy_store *store);

/* Of the last load. "" for none. Lines `file:line: message`. Borrowed until the next load. */
const char *policy_store_error(const struct policy_store *store);
const char *policy_store_warnings(const struct policy_store *store);
/* The files that the last load found. Borrowed until the next load. */
char *const *policy_store_files(const struct policy_store *store);
const char *policy_store_folder(const struct policy_store *store);
