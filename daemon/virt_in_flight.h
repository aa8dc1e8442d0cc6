/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The domains that are being re-defined at this moment, until libvirt's events of that moment are in: those that say
 * whether somebody else edited one at the same time (virt_races.h). If we are killed, nobody hears these events,
 * so the list is in a file, whose memory outlives us, and our successor can say which domains to look at.
 * Nothing is written to a disk: the file is in /run.
 */

#include <stddef.h>
#include <stdint.h>

#include "virt_libvirt.h"

/* More at once than a pass has in the time that an event takes; the oldest makes room. */
#define IN_FLIGHT_MAX 64

typedef char domain_uuid[VIR_UUID_STRING_BUFLEN];

struct in_flight {
        domain_uuid *slots; /* IN_FLIGHT_MAX of them, a ring; empty string: free */
        uint64_t since[IN_FLIGHT_MAX];
        unsigned first, n;
        domain_uuid left[IN_FLIGHT_MAX]; /* by a process that was killed */
        unsigned n_left;
};

/* `folder`: where the file is; NULL: nowhere, so that the list ends with us. Where the file cannot be used, that
 * is logged, and the list is as without. Returns 0 or -ENOMEM. */
int in_flight_open(struct in_flight *in_flight, const char *folder);
void in_flight_close(struct in_flight *in_flight);

/* `now`: of the monotonic clock, in microseconds. A domain may be in the list more than once. */
void in_flight_add(struct in_flight *in_flight, const char *uuid, uint64_t now);
/* NULL: the list is empty. Borrowed, until it is dropped. */
const char *in_flight_oldest(const struct in_flight *in_flight, uint64_t *ret_since);
void in_flight_drop_oldest(struct in_flight *in_flight);
