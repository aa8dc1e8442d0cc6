/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_jobs.h"

#include <errno.h>
#include <string.h>

#include "virt_connection.h"
#include "virt_converge.h"

/* How often a domain is tried that somebody else edits all the while. */
#define TRIES 5

struct job {
        struct job *next;
        struct command *command;
        char **targets; /* names or UUIDs */
        size_t n_targets, n_done;
        struct virt_change *changes; /* one for each target done */
};

static struct job *job_free(struct job *job) {
        if (!job)
                return NULL;
        command_free(job->command);
        for (size_t i = 0; i < job->n_targets; i++)
                free(job->targets[i]);
        free(job->targets);
        virt_changes_free(job->changes, job->n_done);
        free(job);
        return NULL;
}

/* --- the beginning and the end --- */

void jobs_refuse(struct agent *agent, struct command *command, const char *error) {
        struct report *report = agent_new_report(REPORT_CONVERGED);

        if (report) {
                report->request = command->request;
                if (strdup_to(&report->text, error) >= 0)
                        agent_report(agent, report);
                else
                        report_free(report);
        }
        command_free(command);
}

static int add_target(struct job *job, const char *target) {
        int r;

        r = strdup_to(&job->targets[job->n_targets], target);
        if (r >= 0)
                job->n_targets++;
        return r;
}

static int find_targets(struct agent *agent, struct job *job) {
        const struct command *command = job->command;
        size_t n = command->all ? agent->domains.count : strv_length(command->guests);
        struct domain *domain;
        int r = 0;

        job->targets = calloc(n + 1, sizeof(*job->targets));
        job->changes = calloc(n + 1, sizeof(*job->changes));
        if (!job->targets || !job->changes)
                return -ENOMEM;
        if (command->all)
                TAILQ_FOREACH(domain, &agent->domains.all, in_all) {
                        r = add_target(job, domain->uuid);
                        if (r < 0)
                                return r;
                }
        STRV_FOREACH (guest, command->guests) {
                r = add_target(job, *guest);
                if (r < 0)
                        return r;
        }
        return 0;
}

int jobs_add(struct agent *agent, struct command *command) {
        struct job *job = calloc(1, sizeof(*job)), **end = &agent->jobs;

        if (!job) {
                jobs_refuse(agent, command, "Out of memory");
                return -ENOMEM;
        }
        job->command = command;
        while (*end)
                end = &(*end)->next;
        *end = job;
        return 0;
}

static void finish(struct agent *agent, struct job *job) {
        struct report *report = agent_new_report(REPORT_CONVERGED);

        agent->jobs = job->next;
        if (report) {
                report->request = job->command->request;
                report->changes = STEAL(job->changes);
                report->n_changes = job->n_done;
                job->n_done = 0;
                agent_report(agent, report);
        }
        job_free(job);
}

void jobs_clear(struct agent *agent, const char *error) {
        while (agent->jobs) {
                struct job *job = agent->jobs;

                agent->jobs = job->next;
                if (error)
                        jobs_refuse(agent, STEAL(job->command), error);
                job_free(job);
        }
}

/* --- one domain --- */

/* By UUID where there is one like that, else by name. Returns 0, VIRT_GONE, VIRT_REFUSED (with
 * *ret_error) or -ENOMEM. */
static int find_domain(struct agent *agent, const char *target, struct domain **ret,
                       char **ret_error) {
        AUTO_VIRT_DOMAIN virDomainPtr handle = NULL;

        *ret = domains_find(&agent->domains, target);
        if (*ret)
                return 0;
        handle = virDomainLookupByUUIDString(agent->connection, target);
        if (!handle)
                handle = virDomainLookupByName(agent->connection, target);
        if (!handle)
                return virt_last_error("It cannot be looked up", ret_error);
        return domains_see(&agent->domains, handle, ret);
}

static void set_decision(struct virt_change *change, const struct decision *decision) {
        change->decided = true;
        change->verdict = decision->verdict;
        change->means = decision->means;
        change->reason = decision->reason;
}

/* Of what the core said to a definition: it refuses one that it cannot judge. Returns r. */
static int note_unjudged(struct virt_change *change, int r) {
        const struct decision unjudged = decision_unjudged();

        if (r == VIRT_REFUSED)
                set_decision(change, &unjudged);
        return r;
}

/* Converge it until nobody comes in between. As converge_domain(). */
static int converge_with_retries(struct agent *agent, struct domain *domain,
                                 struct redefinition *ret) {
        int r = VIRT_AGAIN;

        for (unsigned n = 0; n < TRIES && r == VIRT_AGAIN; n++) {
                redefinition_clear(ret);
                r = converge_domain(agent, domain, ret);
        }
        if (r == VIRT_AGAIN && !ret->error)
                r = strdup_to(&ret->error, "somebody else edits it all the while");
        return r;
}

static int converge(struct agent *agent, struct domain *domain, bool dry_run,
                    struct virt_change *change) {
        struct judge judge = agent->ruleset->judge;
        AUTO_REDEFINITION struct redefinition redefinition = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *before = NULL;
        int r;

        judge.enforce = judge.enforce || dry_run;
        r = domain_refresh(domain, &change->error);
        if (r == 0)
                r = read_for_show(domain, &before, &change->error);
        if (r == 0)
                r = note_unjudged(change, rewrite_xml(&judge, before, strlen(before), &rewritten,
                                                      &change->error));
        if (r != 0)
                return r;
        set_decision(change, &rewritten.decision);
        if (!dry_run)
                domain->reverted = false;
        if (!rewritten.changed || !domain->persistent) {
                /* For whoever looks: what is in line may differ from what its owner wrote. */
                if (dry_run)
                        change->before = STEAL(before);
                return 0;
        }

        change->changed = true;
        if (!dry_run) {
                r = converge_with_retries(agent, domain, &redefinition);
                change->changed = redefinition.defined;
                change->error = STEAL(redefinition.error);
        }
        if (change->changed) {
                change->before = STEAL(before);
                change->after = STEAL(rewritten.xml);
        }
        return r;
}

static int revert(struct agent *agent, struct domain *domain, struct virt_change *change) {
        AUTO_REDEFINITION struct redefinition redefinition = {};
        AUTO_FREE char *before = NULL, *after = NULL;
        bool changed = false;
        size_t length;
        int r;

        r = domain_refresh(domain, &change->error);
        if (r == 0)
                r = read_for_show(domain, &before, &change->error);
        if (r == 0)
                r = note_unjudged(change, revert_xml(before, strlen(before), &changed, &after,
                                                     &length, &change->error));
        if (r != 0)
                return r;
        if (domain->persistent) {
                r = VIRT_AGAIN;
                for (unsigned n = 0; n < TRIES && r == VIRT_AGAIN; n++)
                        r = revert_domain(agent, domain, &change->error);
                if (r != 0)
                        return r;
                change->changed = changed;
        }
        if (change->changed) {
                change->before = STEAL(before);
                change->after = STEAL(after);
        }

        r = converge_with_retries(agent, domain, &redefinition);
        if (r == 0)
                set_decision(change, &redefinition.rewritten.decision);
        change->error = STEAL(redefinition.error);
        return r;
}

/* What went wrong with one domain is said in its change, unless it is the connection. */
static int conclude(const struct agent *agent, int r, struct virt_change *change) {
        static const char *const words[] = {
                [VIRT_GONE] = "no such domain",
                [VIRT_AGAIN] = "somebody else edits it all the while",
        };

        if (r <= 0)
                return r;
        if (connection_is_lost(agent))
                return VIRT_REFUSED;
        if (r == VIRT_REFUSED)
                return 0;
        free(STEAL(change->error));
        return strdup_to(&change->error, words[r]);
}

static int work_on(struct agent *agent, const struct job *job, const char *target,
                   struct virt_change *change) {
        const struct command *command = job->command;
        struct domain *domain;
        int r;

        r = find_domain(agent, target, &domain, &change->error);
        if (r == 0) {
                /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): found, since r is 0. */
                memcpy(change->uuid, domain->uuid, sizeof(change->uuid));
                r = strdup_to(&change->name, domain_name(domain));
        }
        if (r == 0)
                r = command->kind == COMMAND_REVERT
                            ? revert(agent, domain, change)
                            : converge(agent, domain, command->dry_run, change);
        r = conclude(agent, r, change);
        if (r == 0 && !change->name)
                r = strdup_to(&change->name, target);
        return r;
}

int jobs_step(struct agent *agent) {
        struct job *job = agent->jobs;
        int r = 0;

        if (!job->changes)
                r = find_targets(agent, job);
        if (r < 0) {
                agent->jobs = job->next;
                jobs_refuse(agent, STEAL(job->command), "Out of memory");
                job_free(job);
                return r;
        }
        if (job->n_done < job->n_targets) {
                struct virt_change *change = &job->changes[job->n_done++];

                r = work_on(agent, job, job->targets[job->n_done - 1], change);
        }
        if (r == 0 && job->n_done == job->n_targets)
                finish(agent, job);
        return r;
}
