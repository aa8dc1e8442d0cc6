/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Tells when the host may have become another: its name, its machine ID, its KVM. */

#include <systemd/sd-event.h>

#include "core/util.h"

struct host_watch;

/* Time for probe_host_again(). */
typedef void (*host_watch_callback)(void *userdata);

/* What cannot be watched is logged, and is no failure: whoever asks for it looks now and then by himself. Returns 0 or a
 * negative errno. */
int host_watch_new(sd_event *event, host_watch_callback callback, void *userdata,
                   struct host_watch **ret);
struct host_watch *host_watch_free(struct host_watch *watch);
DEFINE_CLEANUP(struct host_watch *, host_watch_free);
