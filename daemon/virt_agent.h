/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The libvirt thread's own state: nothing here is seen by another thread. */

#include "virt_autostart.h"
#include "virt_domains.h"
#include "virt_in_flight.h"
#include "virt_thread.h"

struct job; /* virt_jobs.c */

struct agent {
        struct virt *virt;
        struct ruleset *ruleset; /* NULL: none yet */
        struct domain_table domains;
        struct in_flight in_flight;   /* virt_races.c */
        struct autostarts autostarts; /* virt_autostart.c */

        /* virt_connection.c */
        virConnectPtr connection; /* NULL: none */
        int lifecycle_callback, metadata_callback;
        bool closed; /* by the other side */
        uint64_t retry_at;
        unsigned retry_seconds;
        bool list_wanted; /* an event could not be taken in */

        /* virt_loop.c */
        int timer;    /* wakes the event loop */
        int timer_ms; /* as it is set; -1: not */
        int commands_watch;
        bool commands_waiting;
        unsigned long n_events; /* of libvirt, ever */
        bool was_quiet;         /* the last turn of the event loop had no event */
        uint64_t turn_started;
        uint64_t drained_at; /* all events that had arrived by then have been dispatched */

        struct {
                bool wanted, running;
                size_t remaining, n_domains, n_changed, n_failed;
        } pass;

        struct queue_item *first_report, *last_report; /* not handed over yet */
        uint64_t reported_at;

        struct job *jobs; /* the first is being worked on */
        unsigned n_steps; /* of work, ever */
};

/* --- virt_loop.c --- */

/* Let all events in that have arrived; nothing but their callbacks runs. */
void agent_look(struct agent *agent);

/* Hand a report over to the main loop; the agent gives it up. */
void agent_report(struct agent *agent, struct report *report);
/* A report of this kind, or NULL with a log entry. */
struct report *agent_new_report(enum report_kind kind);
/* One that has nothing but a text, which may be NULL. */
void agent_report_text(struct agent *agent, enum report_kind kind, const char *text);

/* Somebody else changed its definition: report that at once. */
void agent_report_edit(struct agent *agent, const struct domain *domain);
/* The domain is no more: report it, and forget it. */
void agent_forget(struct agent *agent, struct domain *domain);
/* The domain has been converged: count it, if a pass waits for it. */
void agent_account(struct agent *agent, struct domain *domain, bool changed, bool failed);
