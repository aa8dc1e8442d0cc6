/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The gate with its memory: which guests are incoming, and for how long that counts. */

#include <stdint.h>

#include "core/gate.h"

struct gatekeeper;

int gatekeeper_new(struct gatekeeper **ret);
struct gatekeeper *gatekeeper_free(struct gatekeeper *gatekeeper);
DEFINE_CLEANUP(struct gatekeeper *, gatekeeper_free);

/*
 * Answer the hook: gate_judge() with what the gatekeeper remembers. A guest whose `migrate` or `restore` was
 * accepted is incoming until its `start` has been judged, or for two minutes. `now` is monotonic time in
 * microseconds. Returns as gate_judge() does.
 */
int gatekeeper_ask(struct gatekeeper *gatekeeper, const struct judge *with,
                   enum gate_operation operation, const char *xml, size_t length, uint64_t now,
                   struct gate_answer *ret, char **ret_reason);
