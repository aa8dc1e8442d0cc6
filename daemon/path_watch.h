/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tells when something happens to any of a set of paths: written, replaced, renamed, removed, created. A
 * path counts with every symbolic link on its way, so that swapping a link (as Kubernetes does with
 * `..data`) is seen, and a path need not exist yet.
 */

#include <systemd/sd-event.h>

#include "core/util.h"

struct path_watch;

/* Called some 100 ms after the last of a burst of changes: one swap of a folder is one call. However long a burst, within
 * a second of its first change. */
typedef void (*path_watch_callback)(void *userdata);

int path_watch_new(sd_event *event, path_watch_callback callback, void *userdata,
                   struct path_watch **ret);
struct path_watch *path_watch_free(struct path_watch *watch);
DEFINE_CLEANUP(struct path_watch *, path_watch_free);

/*
 * Watch these absolute paths instead of those before. A path that ends in `/`PATTERN with a `*` in the last
 * component means every name in its folder that matches it. A change that was not yet told of is told of all the same, where
 * its path stays. Returns 1 when what is to be watched changed, 0 when it is the same, or a negative errno: then not all
 * of it is watched.
 */
int path_watch_set(struct path_watch *watch, char *const *paths);
