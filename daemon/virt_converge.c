/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_converge.h"

#include <string.h>

#include "log.h"
#include "virt_connection.h"

/* --- the report --- */

static enum definition_state state_of(const struct domain *domain,
                                      const struct redefinition *redefinition) {
        if (!domain->persistent)
                return DEFINITION_TRANSIENT;
        if (redefinition->error)
                return DEFINITION_FAILED;
        return redefinition->in_line ? DEFINITION_CONVERGED : DEFINITION_PENDING;
}

/* Of a definition that is not in line. */
static int foretell(const struct judge *judge, const struct redefinition *redefinition,
                    struct next_start *ret) {
        AUTO_GUEST struct guest actual = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = guest_parse(&actual, redefinition->xml, redefinition->length, &reason);
        if (r != 0)
                return r;
        *ret = next_start_past_gate(judge, &actual, &redefinition->rewritten);
        /* Where it cannot be brought in line, what the gate refuses it refuses again. */
        if (redefinition->error && !next_start_of(judge, &actual).xsaves)
                ret->xsaves = false;
        return 0;
}

static int describe_next_start(const struct judge *judge, const struct redefinition *redefinition,
                               struct virt_guest *guest) {
        struct next_start next = {};
        int r = 0;

        if (redefinition->in_line)
                next = next_start_rewritten(judge, &redefinition->rewritten);
        else if (redefinition->judged)
                r = foretell(judge, redefinition, &next);
        guest->next_xsaves = next.xsaves;
        guest->next_xsavec = next.xsavec;
        return r < 0 ? r : 0;
}

static int describe_decision(const struct decision *decision, struct virt_guest *guest) {
        int r = 0;

        guest->verdict = decision->verdict;
        guest->means = decision->means;
        guest->reason = decision->reason;
        guest->hides_xsavec = decision->hide_xsavec;
        if (decision->guest_rule)
                r = strdup_to(&guest->guest_rule, decision->guest_rule->name);
        if (r >= 0 && decision->host_rule)
                r = strdup_to(&guest->host_rule, decision->host_rule->name);
        return r;
}

/* Takes the facts of the guest over. */
static int describe(const struct agent *agent, const struct domain *domain,
                    struct redefinition *redefinition, struct virt_guest *guest) {
        const struct judge *judge = &agent->ruleset->judge;
        int r;

        memcpy(guest->uuid, domain->uuid, sizeof(guest->uuid));
        guest->active = domain->active;
        guest->autostart = domain->autostart;
        guest->definition = state_of(domain, redefinition);
        guest->policy_generation = agent->ruleset->policy_generation;
        if (domain->active && domain->live_known) {
                struct next_start live = next_start_of(judge, &domain->live);

                guest->runs_xsaves = live.xsaves ? TRISTATE_YES : TRISTATE_NO;
                guest->runs_xsavec = live.xsavec ? TRISTATE_YES : TRISTATE_NO;
        }

        r = strdup_to(&guest->name, domain_name(domain));
        if (r >= 0)
                r = strdup_to(&guest->error, redefinition->error);
        if (r >= 0)
                r = describe_decision(&redefinition->rewritten.decision, guest);
        if (r >= 0)
                r = describe_next_start(judge, redefinition, guest);
        guest->facts = redefinition->rewritten.guest;
        redefinition->rewritten.guest = (struct guest){};
        return r;
}

static int report_domain(struct agent *agent, const struct domain *domain,
                         struct redefinition *redefinition) {
        struct report *report = agent_new_report(REPORT_GUEST);
        int r;

        if (!report)
                return 0;
        r = describe(agent, domain, redefinition, &report->guest);
        if (r < 0) {
                report_free(report);
                return r;
        }
        agent_report(agent, report);
        return 0;
}

/* Once for each new error, however often it is tried. */
static void log_failed(struct domain *domain, const char *error) {
        const struct log_field fields[] = {
                {"XSAVESD_GUEST", domain_name(domain)},
                {"XSAVESD_UUID", domain->uuid},
                {},
        };

        if (streq_null(domain->logged_error, error))
                return;
        free(domain->logged_error);
        domain->logged_error = error ? strdup(error) : NULL;
        if (error)
                log_entry(LOG_WARNING, NULL, fields, "Domain '%s' is not in line: %s",
                          domain_name(domain), error);
}

/* --- the whole --- */

static int look_at(struct agent *agent, struct domain *domain, struct redefinition *ret) {
        int r;

        r = domain_refresh(domain, &ret->error);
        if (r == 0)
                r = redefine_domain(agent, domain, ret);
        if (r == 0)
                r = read_live(domain);
        return r;
}

int converge_domain(struct agent *agent, struct domain *domain, struct redefinition *ret) {
        int r;

        domains_done(&agent->domains, domain);
        r = look_at(agent, domain, ret);
        if ((ret->error || r == VIRT_GONE) && connection_is_lost(agent))
                return VIRT_REFUSED;
        if (r < 0 || r == VIRT_AGAIN)
                return r;
        if (r == VIRT_GONE) {
                agent_forget(agent, domain);
                return VIRT_GONE;
        }

        log_failed(domain, ret->error);
        agent_account(agent, domain, ret->defined, ret->error);
        return report_domain(agent, domain, ret);
}
