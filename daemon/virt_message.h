/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the main loop and the libvirt thread say to each other, each message once, owned by the queue. */

#include "queue.h"
#include "virt.h"

enum command_kind {
        COMMAND_RULESET,
        COMMAND_ATTEND,
        COMMAND_AUTOSTART,
        COMMAND_CONVERGE,
        COMMAND_REVERT,
};

/* To the thread. */
struct command {
        struct queue_item item;
        enum command_kind kind;
        struct ruleset *ruleset; /* COMMAND_RULESET */
        char uuid[37];           /* COMMAND_ATTEND, COMMAND_AUTOSTART */
        uint64_t request;        /* COMMAND_CONVERGE, COMMAND_REVERT */
        bool dry_run;
        char **guests; /* empty with `all` */
        bool all;
};

/* NULL: out of memory. */
struct command *command_new(enum command_kind kind);
struct command *command_free(struct command *command);
DEFINE_CLEANUP(struct command *, command_free);

void virt_guest_clear(struct virt_guest *guest);
void virt_change_clear(struct virt_change *change);
void virt_changes_free(struct virt_change *changes, size_t n_changes);

enum report_kind {
        REPORT_CONNECTED,
        REPORT_DISCONNECTED,
        REPORT_GUEST,
        REPORT_EDITED,
        REPORT_GONE,
        REPORT_PASS_FINISHED,
        REPORT_CONVERGED,
};

/* From the thread. */
struct report {
        struct queue_item item;
        enum report_kind kind;
        char *text;              /* host model, error or UUID */
        struct virt_guest guest; /* REPORT_GUEST */
        uint64_t policy_generation;
        size_t n_domains, n_changed, n_failed;
        uint64_t request; /* REPORT_CONVERGED */
        struct virt_change *changes;
        size_t n_changes;
};

struct report *report_free(struct report *report);

void command_free_item(struct queue_item *item);
void report_free_item(struct queue_item *item);
