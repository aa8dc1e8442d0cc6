/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The facts of the machine that this runs on. */

#include <sys/types.h>
#include <time.h>

#include "core/host.h"

struct probe_paths {
        const char *root; /* put before /proc, /sys, /etc and /dev; NULL: nothing */
};

/*
 * Probe the host; `paths` may be NULL. What cannot be found out is unknown: no privilege, no KVM
 * and no x86 is needed. host_model stays unknown, libvirt knows it. Returns 0 or -ENOMEM.
 */
int probe_host(const struct probe_paths *paths, struct host_facts **ret);

/* By what it is told cheaply that the machine ID or KVM may have become another. All zero: not looked at yet. */
#define PROBE_STAMPS 5
struct probe_stamp {
        struct probe_stamp_of_file {
                dev_t device;
                ino_t inode;
                struct timespec modified, changed;
        } files[PROBE_STAMPS];
        bool kvm_answered; /* when it was asked last: else it is asked each time */
};

/*
 * Probe what may change while the host runs: its name, the machine ID, what KVM offers; with `all`, which may take some
 * ms, also CPU, kernel and microcode. What cannot be found out any more stays as it is `known`: while KVM's modules are
 * loaded again, or for want of file descriptors. Without `all`, and where nothing has changed, this takes some system
 * calls that wait for nothing.
 *
 * Returns 1 with new facts, and what is new in them as one line; 0 where nothing is; or -ENOMEM.
 */
int probe_host_again(const struct probe_paths *paths, bool all, struct probe_stamp *stamp,
                     const struct host_facts *known, struct host_facts **ret, char **ret_changes);
