/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The gate with its memory: which guests are incoming, and for how long that counts. */

#include <stdint.h>

#include "core/gate.h"

struct gatekeeper;

/* By which means the stored definition of this guest has its grant; MEANS_NONE: it has none, or that is not known. */
typedef enum means (*stored_grant_finder)(const char *uuid, void *userdata);

int gatekeeper_new(stored_grant_finder find_grant, void *userdata, struct gatekeeper **ret);
struct gatekeeper *gatekeeper_free(struct gatekeeper *gatekeeper);
DEFINE_CLEANUP(struct gatekeeper *, gatekeeper_free);

/*
 * Answer the hook: gate_judge() with what the gatekeeper remembers. A guest whose `migrate` or `restore` was
 * accepted is incoming until its `start` has been judged, or for two minutes. A start that misses a grant which the
 * stored definition has is a snapshot's. `now` is monotonic time in microseconds. Returns as gate_judge()
 * does.
 */
int gatekeeper_ask(struct gatekeeper *gatekeeper, const struct judge *with,
                   enum gate_operation operation, const char *xml, size_t length, uint64_t now,
                   struct gate_answer *ret, char **ret_reason);
