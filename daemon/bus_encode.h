/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The daemon's values as D-Bus values. Each appends to a message and returns 0 or a negative errno. */

#include <systemd/sd-bus.h>

#include "manager.h"

/* a{ss}: the facts file's keys, erratum-1386, and host-rule where one matches. */
int encode_host(sd_bus_message *message, const struct ruleset *ruleset);
/* a{sv}: folder, files (as), warnings, default, enforce, on-drift, virt-types, host-rules, guest-rules (u). */
int encode_policy(sd_bus_message *message, const struct manager *manager);
/* a{sv}: guest, uuid, state, definition, error, verdict, means, reason, guest-rule, host-rule, runs-xsaves,
 * next-xsaves, needs-restart, policy-generation. Keys of rules and error are left out where there is none. */
int encode_guest(sd_bus_message *message, const struct guest_entry *entry);
/* The same, decided anew by the ruleset in force, with steps (aa{sv}: reason, condition, value, applied). */
int encode_explanation(sd_bus_message *message, const struct ruleset *ruleset,
                       const struct guest_entry *entry);
/* aa{sv}: guest, uuid, verdict, means, reason, changed, before, after, error. */
int encode_changes(sd_bus_message *message, const struct virt_change *changes, size_t n_changes);
