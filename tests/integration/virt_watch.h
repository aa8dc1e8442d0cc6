/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The main loop's side of daemon/virt.h, for tests: keeps what the libvirt thread says. */

#include "../unit/data.h"

#include <libvirt/libvirt.h>

#include "private_libvirtd.h"
#include "virt.h"

#define WATCH_GUESTS_MAX 64

/* What was last said of one guest. */
struct watch_guest {
        char *name, *uuid, *error;
        enum definition_state definition;
        enum verdict verdict;
        enum reason reason;
        bool active, autostart, next_xsaves, next_xsavec;
        enum tristate runs_xsaves;
        uint64_t policy_generation;
        unsigned n_reports, n_edits;
        bool edited; /* since the last report */
};

struct watch {
        struct virt *virt;
        const char *runtime_folder; /* of virt_new() */
        struct ruleset *ruleset;    /* the answer to `connected` */
        uint64_t generation;
        struct watch_guest guests[WATCH_GUESTS_MAX];
        size_t n_guests;
        unsigned n_connected, n_disconnected, n_passes;
        char *host_model;
        size_t n_domains, n_changed, n_failed; /* of the last pass */

        uint64_t request; /* the last that was answered */
        struct virt_change *changes;
        size_t n_changes;
        char *error;
};

/* A policy, decided by on a Zen 2 host whose hypervisor masks XSAVES or not. */
void watch_policy(struct watch *watch, const char *policy, bool masked);

/* Start to watch a libvirt, with that policy. */
void watch_begin(struct watch *watch, const char *uri);
/* ... until its first pass is over. */
void watch_start(struct watch *watch, const char *uri);
/* The thread ends; what it said is forgotten, and the policy stays. */
void watch_stop(struct watch *watch);
void watch_clear(struct watch *watch);

/* Take in what the thread says for so long. */
void watch_for(struct watch *watch, unsigned ms);
/* ... until `condition` holds, which it must within 20 s. */
#define watch_until(watch, condition)                                                              \
        do {                                                                                       \
                for (unsigned left = 2000; !(condition); left--) {                                 \
                        if (left == 0)                                                             \
                                fail_msg("not within 20 s: %s", #condition);                       \
                        watch_for(watch, 10);                                                      \
                }                                                                                  \
        } while (0)

/* The guest of that name, or an empty one. */
const struct watch_guest *watch_guest(const struct watch *watch, const char *name);
bool watch_knows(const struct watch *watch, const char *name);
/* The change of that guest in the last answer. */
const struct virt_change *watch_change(const struct watch *watch, const char *name);

/* --- another client --- */

/* A domain of the test driver; `cpu` is the content of its <cpu>. */
char *domain_xml(const char *name, const char *cpu);
void client_define(virConnectPtr client, const char *name, const char *cpu);
void client_undefine(virConnectPtr client, const char *name);
void client_start(virConnectPtr client, const char *name);
/* Owned by the caller; NULL: there is no such domain. */
char *client_definition(virConnectPtr client, const char *name);
bool client_has(virConnectPtr client, const char *name, const char *text);

/* What the daemon logs goes to a file, from here on. */
void log_capture(void);
/* It goes to stderr again, with what was captured. */
void log_release(void);
/* How many lines of it have both texts? */
unsigned log_count(const char *a, const char *b);

/* What a group's setup made; the test is skipped where it could not, since there can be no private libvirtd. */
void *fixture_or_skip(void **state);
