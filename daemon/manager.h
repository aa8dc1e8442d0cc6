/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The daemon as a whole: the ruleset in force, the guests, and what happens between the bus, the
 * policy's files and the libvirt thread. Everything here runs in the main loop and blocks nowhere.
 */

#include <systemd/sd-event.h>

#include "gatekeeper.h"
#include "guests.h"
#include "host_watch.h"
#include "policy_store.h"
#include "probe.h"
#include "ruleset.h"
#include "virt.h"

struct manager_options {
        const char *policy_folder;
        const char *facts_file; /* NULL: probe this host */
        const char *libvirt_uri;
        const char *runtime_folder; /* NULL: none */
};

struct converge_waiter;
typedef void (*converge_callback)(const struct virt_change *changes, size_t n_changes,
                                  const char *error, void *userdata);

struct manager {
        sd_event *event;
        struct policy_store *store;
        struct host_facts *host; /* as probed or read; host_model filled in by libvirt */
        bool host_is_file;
        struct host_watch *host_watch; /* NULL: they are a file's */
        struct probe_stamp stamp;
        struct cpu_map *map;
        struct ruleset *ruleset; /* in force */
        struct gatekeeper *gatekeeper;
        struct guests *guests;
        struct virt *virt;
        sd_event_source *virt_source, *exit_source;
        bool libvirt_connected;
        char *libvirt_error; /* NULL: none */

        struct converge_waiter *waiters;
        uint64_t last_request;

        /* The bus listens: told of each after it happened. May be NULL. */
        void (*on_policy)(void *userdata);
        void (*on_host)(void *userdata);
        void (*on_libvirt)(void *userdata);
        void *userdata;
};

/* Loads the policy (or falls back to the built-in one), probes the host, starts the libvirt thread.
 * Returns 0 or a negative errno; what went wrong is logged. */
int manager_new(const struct manager_options *options, sd_event *event, struct manager **ret);
struct manager *manager_free(struct manager *manager);
DEFINE_CLEANUP(struct manager *, manager_free);

/* Read the policy again, and look at the host again. Returns 0, 1 when it is refused (policy_store_error()), or -ENOMEM. */
int manager_reload(struct manager *manager);

/* Answer libvirt's hook. Returns as gate_judge() does. */
int manager_gate(struct manager *manager, enum gate_operation operation, const char *xml,
                 struct gate_answer *ret, char **ret_reason);

/* Ask the libvirt thread; `callback` is called once, later. Returns 0 or a negative errno. */
int manager_converge(struct manager *manager, bool dry_run, char *const *guests,
                     converge_callback callback, void *userdata);
int manager_revert(struct manager *manager, char *const *guests, converge_callback callback,
                   void *userdata);
