/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The libvirt thread: turns of libvirt's event loop, and one piece of work between two of them. */

#include <errno.h>
#include <string.h>

#include "log.h"
#include "virt_connection.h"
#include "virt_converge.h"
#include "virt_jobs.h"
#include "virt_races.h"

/*
 * While there is work, events and commands are looked for, and reports handed over, so often: each time costs
 * as much as a tenth of a call to libvirt. Right before a definition, events are looked for anyway.
 */
#define SLICE_USEC 2000

/* Events come before work, but so many turns of the loop with events do not keep all work waiting. */
#define TURNS_MAX 16

/* --- reports --- */

/* Each time, the main loop is woken. */
static void flush_reports(struct agent *agent) {
        if (agent->first_report)
                queue_push_chain(agent->virt->reports, agent->first_report, agent->last_report);
        agent->first_report = agent->last_report = NULL;
        agent->reported_at = monotonic_usec();
}

void agent_report(struct agent *agent, struct report *report) {
        if (agent->last_report)
                agent->last_report->next = &report->item;
        else
                agent->first_report = &report->item;
        agent->last_report = &report->item;
        if (!agent->pass.running || monotonic_usec() - agent->reported_at >= SLICE_USEC)
                flush_reports(agent);
}

struct report *agent_new_report(enum report_kind kind) {
        struct report *report = calloc(1, sizeof(*report));

        if (report)
                report->kind = kind;
        else
                log_error("Out of memory, the libvirt thread cannot report");
        return report;
}

void agent_report_text(struct agent *agent, enum report_kind kind, const char *text) {
        struct report *report = agent_new_report(kind);

        if (!report)
                return;
        if (strdup_to(&report->text, text) < 0) {
                log_error("Out of memory, the libvirt thread cannot report");
                report_free(report);
                return;
        }
        agent_report(agent, report);
}

/* The gate goes by what was reported last: this one does not wait for others. */
void agent_report_edit(struct agent *agent, const struct domain *domain) {
        agent_report_text(agent, REPORT_EDITED, domain->uuid);
        flush_reports(agent);
}

/* --- turns of the event loop --- */

static void on_timer(int timer UNUSED, void *userdata UNUSED) {
        /* Only its being due matters: the loop does not wait. */
}

static void on_commands(int watch UNUSED, int fd UNUSED, int events UNUSED, void *userdata) {
        struct agent *agent = userdata;

        agent->commands_waiting = true;
}

static void set_timer(struct agent *agent, int ms) {
        /* A timer that is due stays so, turn after turn. */
        if (ms == 0 && agent->timer_ms == 0)
                return;
        virEventUpdateTimeout(agent->timer, ms);
        agent->timer_ms = ms;
}

/*
 * One turn, waiting for `ms` at most. An event takes two: one reads it from the socket (one at a time:
 * virNetClientIOHandleInput()) and queues it, and the next dispatches it (virObjectEventTimer()). So
 * after two turns in a row without any, all that had come before the first has been dispatched.
 */
static void turn(struct agent *agent, int ms) {
        unsigned long before = agent->n_events;
        uint64_t started;
        bool quiet;

        set_timer(agent, ms);
        started = monotonic_usec();
        virEventRunDefaultImpl();
        quiet = agent->n_events == before;
        if (quiet && agent->was_quiet)
                agent->drained_at = agent->turn_started;
        agent->was_quiet = quiet;
        agent->turn_started = started;
        races_drained(agent);
        __atomic_store_n(&agent->virt->last_alive, monotonic_usec(), __ATOMIC_RELAXED);
}

void agent_look(struct agent *agent) {
        uint64_t now = monotonic_usec();

        for (unsigned n = 0; n < TURNS_MAX && agent->drained_at < now; n++)
                turn(agent, 0);
}

/* --- passes --- */

void agent_forget(struct agent *agent, struct domain *domain) {
        agent_report_text(agent, REPORT_GONE, domain->uuid);
        agent_account(agent, domain, false, false);
        domains_remove(&agent->domains, domain);
}

void agent_account(struct agent *agent, struct domain *domain, bool changed, bool failed) {
        if (!domain->in_pass)
                return;
        domain->in_pass = false;
        agent->pass.remaining--;
        agent->pass.n_changed += changed;
        agent->pass.n_failed += failed;
}

/* Who is not listed any more is gone. */
static void forget_unlisted(struct agent *agent) {
        struct domain *domain = TAILQ_FIRST(&agent->domains.all);

        while (domain) {
                struct domain *next = TAILQ_NEXT(domain, in_all);

                if (domain->listed != agent->domains.listings)
                        agent_forget(agent, domain);
                domain = next;
        }
}

static void disconnect(struct agent *agent, const char *error) {
        jobs_clear(agent, error);
        connection_close(agent, error);
}

static int begin_pass(struct agent *agent) {
        AUTO_FREE char *error = NULL;
        struct domain *domain;
        int r;

        agent->pass.wanted = agent->list_wanted = false;
        TAILQ_FOREACH(domain, &agent->domains.all, in_all)
        domain->in_pass = false;
        agent->pass.remaining = agent->pass.n_changed = agent->pass.n_failed = 0;
        r = domains_list(&agent->domains, agent->connection, &error);
        if (r != 0) {
                disconnect(agent, error ? error : "Out of memory while listing the domains");
                return r < 0 ? r : 0;
        }

        agent->retry_seconds = 1;
        races_report_left(agent);
        forget_unlisted(agent);
        agent->pass.running = true;
        agent->pass.n_domains = agent->pass.remaining = agent->domains.count;
        TAILQ_FOREACH(domain, &agent->domains.all, in_all) {
                domain->in_pass = true;
                domains_todo(&agent->domains, domain, TODO_LATER);
        }
        return 0;
}

static void end_pass(struct agent *agent) {
        struct report *report = agent_new_report(REPORT_PASS_FINISHED);

        agent->pass.running = false;
        if (!report)
                return;
        report->policy_generation = agent->ruleset->policy_generation;
        report->n_domains = agent->pass.n_domains;
        report->n_changed = agent->pass.n_changed;
        report->n_failed = agent->pass.n_failed;
        agent_report(agent, report);
}

/* --- commands --- */

static void take_ruleset(struct agent *agent, struct command *command) {
        struct domain *domain;

        ruleset_unref(agent->ruleset);
        agent->ruleset = STEAL(command->ruleset);
        agent->pass.wanted = true;
        TAILQ_FOREACH(domain, &agent->domains.all, in_all)
        domain->reverted = false;
        command_free(command);
}

static int find_by_uuid(struct agent *agent, const char *uuid, struct domain **ret) {
        AUTO_VIRT_DOMAIN virDomainPtr handle = NULL;

        *ret = domains_find(&agent->domains, uuid);
        if (*ret)
                return 0;
        handle = virDomainLookupByUUIDString(agent->connection, uuid);
        return handle ? domains_see(&agent->domains, handle, ret) : VIRT_GONE;
}

static int attend(struct agent *agent, struct command *owned) {
        CLEANUP(command_free_p) struct command *command = owned;
        struct domain *domain;
        int r;

        r = agent->connection ? find_by_uuid(agent, command->uuid, &domain) : VIRT_GONE;
        if (r != 0)
                return r < 0 ? r : 0;
        domain->reverted = false;
        domain->state_known = false;
        domains_todo(&agent->domains, domain, TODO_SOON);
        return 0;
}

static int take_autostart(struct agent *agent, struct command *owned) {
        CLEANUP(command_free_p) struct command *command = owned;

        return autostarts_add(&agent->autostarts, command->uuid);
}

static int take_command(struct agent *agent, struct command *command) {
        switch (command->kind) {
        case COMMAND_RULESET:
                take_ruleset(agent, command);
                return 0;
        case COMMAND_ATTEND:
                return attend(agent, command);
        case COMMAND_AUTOSTART:
                return take_autostart(agent, command);
        case COMMAND_CONVERGE:
        case COMMAND_REVERT:
                break;
        }
        if (!agent->connection)
                jobs_refuse(agent, command, "There is no connection to libvirt");
        else
                return jobs_add(agent, command);
        return 0;
}

static int take_commands(struct agent *agent) {
        struct queue_item *item;
        int r = 0;

        if (!agent->commands_waiting)
                return 0;
        agent->commands_waiting = false;
        item = queue_take(agent->virt->commands);
        while (item) {
                struct command *command = (struct command *)item;
                int k;

                item = item->next;
                k = take_command(agent, command);
                if (k < 0)
                        r = k;
        }
        return r;
}

/* --- work --- */

static int converge_next(struct agent *agent, bool in_turn) {
        AUTO_REDEFINITION struct redefinition redefinition = {};
        int r;

        r = converge_domain(agent, domains_next(&agent->domains, in_turn), &redefinition);
        return r < 0 || r == VIRT_REFUSED ? r : 0;
}

static bool settling_is_due(const struct agent *agent) {
        return races_due(agent) <= agent->drained_at;
}

static bool list_is_due(const struct agent *agent) {
        return agent->pass.wanted || (agent->list_wanted && !agent->pass.running);
}

/* A new connection has nothing listed until the main loop has said by which ruleset. */
static bool jobs_are_due(const struct agent *agent) {
        return agent->jobs && agent->domains.listings > 0;
}

static bool has_work(const struct agent *agent) {
        if (!agent->connection || agent->closed)
                return false;
        return settling_is_due(agent) ||
               (agent->ruleset &&
                (list_is_due(agent) || jobs_are_due(agent) || autostarts_are_due(agent) ||
                 domains_have_todo(&agent->domains)));
}

/*
 * One piece. A new list comes first: a newer ruleset ends the pass by the older one. Then what changed,
 * what somebody waits for, the guests to be started after the pass, and the rest of the pass; but who edits
 * a domain without end does not keep all others waiting.
 */
static int work(struct agent *agent) {
        bool in_turn = ++agent->n_steps % TURNS_MAX == 0;

        if (settling_is_due(agent))
                return races_settle(agent);
        if (!agent->ruleset)
                return 0;
        if (list_is_due(agent))
                return begin_pass(agent);
        if (domains_have_urgent(&agent->domains) && !in_turn)
                return converge_next(agent, false);
        if (jobs_are_due(agent))
                return jobs_step(agent);
        if (autostarts_are_due(agent))
                return autostarts_step(agent);
        return domains_have_todo(&agent->domains) ? converge_next(agent, in_turn) : 0;
}

/* How long the event loop may wait, in milliseconds; -1: until something happens. */
static int patience(const struct agent *agent) {
        uint64_t now = monotonic_usec(), due = UINT64_MAX;

        if (has_work(agent))
                return 0;
        if (agent->connection)
                due = races_due(agent);
        else
                due = agent->retry_at;
        if (due == UINT64_MAX)
                return -1;
        return due <= now ? 0 : (int)((due - now) / 1000 + 1);
}

static int work_connected(struct agent *agent) {
        int r;

        r = work(agent);
        if (r == VIRT_REFUSED || (agent->connection && agent->closed)) {
                disconnect(agent, "The connection to libvirt is lost");
                return 0;
        }
        if (agent->pass.running && agent->pass.remaining == 0)
                end_pass(agent);
        return r;
}

static int work_unconnected(struct agent *agent) {
        return monotonic_usec() >= agent->retry_at ? connection_open(agent) : 0;
}

/* --- the thread --- */

/* What is in flight lands within a moment, so that it need not be told of. */
#define LANDING_TURNS_MAX 40

static void let_land(struct agent *agent) {
        uint64_t since;

        for (unsigned n = 0; n < LANDING_TURNS_MAX && agent->connection && !agent->closed &&
                             in_flight_oldest(&agent->in_flight, &since);
             n++)
                turn(agent, 1);
}

static bool stopping(const struct agent *agent) {
        return __atomic_load_n(&agent->virt->stop, __ATOMIC_ACQUIRE);
}

static void let_events_in(struct agent *agent) {
        int ms = patience(agent);

        if (ms != 0)
                flush_reports(agent);
        turn(agent, ms);
        for (unsigned n = 0; n < TURNS_MAX && !agent->was_quiet; n++)
                turn(agent, 0);
}

static void run(struct agent *agent) {
        while (!stopping(agent)) {
                int r;

                if (!has_work(agent) || monotonic_usec() - agent->turn_started >= SLICE_USEC)
                        let_events_in(agent);
                r = take_commands(agent);
                if (r >= 0 && !stopping(agent))
                        r = agent->connection ? work_connected(agent) : work_unconnected(agent);
                if (r < 0)
                        log_error("The libvirt thread: %s", strerror(-r));
        }
}

static int agent_init(struct agent *agent, struct virt *virt) {
        *agent = (struct agent){
                .virt = virt,
                .lifecycle_callback = -1,
                .metadata_callback = -1,
                .retry_seconds = 1,
                .timer_ms = -1,
                .timer = -1,
                .commands_watch = -1,
        };
        domains_init(&agent->domains);
        if (in_flight_open(&agent->in_flight, virt->runtime_folder) < 0 || connection_prepare() < 0)
                return -ENOMEM;
        agent->timer = virEventAddTimeout(-1, on_timer, NULL, NULL);
        agent->commands_watch = virEventAddHandle(
                queue_fd(virt->commands), VIR_EVENT_HANDLE_READABLE, on_commands, agent, NULL);
        return agent->timer < 0 || agent->commands_watch < 0 ? -ENOMEM : 0;
}

/* libvirt's event loop frees in its next turns what was removed from it (virEventGLibHandleRemove()). */
static void agent_deinit(struct agent *agent) {
        if (agent->commands_watch >= 0)
                virEventRemoveHandle(agent->commands_watch);
        if (agent->timer < 0)
                return;
        for (unsigned n = 0; n < 3; n++)
                turn(agent, 0);
        virEventRemoveTimeout(agent->timer);
}

void *virt_thread_main(void *userdata) {
        CLEANUP(virt_unref_p) struct virt *virt = userdata;
        struct agent agent;

        pthread_setname_np(pthread_self(), "libvirt");
        if (agent_init(&agent, virt) == 0) {
                run(&agent);
                let_land(&agent);
                jobs_clear(&agent, NULL);
                connection_close(&agent, NULL);
                flush_reports(&agent);
        } else {
                log_error("libvirt's event loop cannot be set up, no domain is converged");
                __atomic_store_n(&virt->failed, true, __ATOMIC_RELEASE);
                queue_wake(virt->reports);
        }
        agent_deinit(&agent);
        in_flight_close(&agent.in_flight);
        autostarts_clear(&agent.autostarts);
        ruleset_unref(agent.ruleset);
        sem_post(&virt->ended);
        return NULL;
}
