/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_redefine.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "log.h"
#include "virt_races.h"

const char *(*virt_test_before_define)(const char *name);

void redefinition_clear(struct redefinition *redefinition) {
        free(redefinition->xml);
        free(redefinition->error);
        rewritten_clear(&redefinition->rewritten);
        *redefinition = (struct redefinition){};
}

/* --- reading --- */

static int read_xml(struct domain *domain, unsigned flags, char **ret, char **ret_error) {
        char *xml = virDomainGetXMLDesc(domain->handle, flags);

        if (!xml)
                return virt_last_error("Its definition cannot be read", ret_error);
        *ret = xml;
        return 0;
}

int read_for_show(struct domain *domain, char **ret, char **ret_error) {
        return read_xml(domain, VIR_DOMAIN_XML_INACTIVE, ret, ret_error);
}

/* With secrets: what is not in it is lost when it is defined. */
static int read_definition(struct domain *domain, char **ret, char **ret_error) {
        char *xml = NULL;
        int r;

        domain->touched = false;
        r = read_xml(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE, &xml, ret_error);
        if (!xml)
                return r;
        *ret = xml;
        return races_check_edits(domain, xml, strlen(xml));
}

int read_live(struct domain *domain) {
        AUTO_FREE char *xml = NULL, *error = NULL;
        int r;

        if (!domain->active || domain->live_known)
                return 0;
        r = read_xml(domain, 0, &xml, &error);
        if (xml) {
                guest_clear(&domain->live);
                r = guest_parse(&domain->live, xml, strlen(xml), &error);
                domain->live_known = r == 0;
        }
        return r < 0 ? r : 0;
}

/* --- defining --- */

/* `xml` is taken over where it was defined. Returns as redefine_domain(), and VIRT_REFUSED. */
static int define(struct agent *agent, struct domain *domain, char **xml, size_t length,
                  char **ret_error) {
        AUTO_VIRT_DOMAIN virDomainPtr defined = NULL;
        const char *other = NULL;

        /* What an event says of the domain by now is newer than what was read. */
        agent_look(agent);
        if (domain->touched)
                return VIRT_AGAIN;
        if (virt_test_before_define)
                other = virt_test_before_define(domain_name(domain));
        in_flight_add(&agent->in_flight, domain->uuid, monotonic_usec());
        defined = virDomainDefineXMLFlags(agent->connection, other ? other : *xml, 0);
        if (!defined)
                return virt_last_error("libvirt refuses the re-definition", ret_error);
        races_defined(agent, domain, STEAL(*xml), length);
        return 0;
}

static void log_redefined(const struct agent *agent, const struct domain *domain,
                          const struct decision *decision) {
        const char *rule = decision->guest_rule ? decision->guest_rule->name : NULL;
        char generation[24];
        const struct log_field fields[] = {
                {"XSAVESD_GUEST", domain_name(domain)},
                {"XSAVESD_UUID", domain->uuid},
                {"XSAVESD_VERDICT", verdict_to_string(decision->verdict)},
                {"XSAVESD_REASON", reason_to_string(decision->reason)},
                {"XSAVESD_RULE", rule},
                {"XSAVESD_POLICY_GENERATION", generation},
                {},
        };

        snprintf(generation, sizeof(generation), "%" PRIu64, agent->ruleset->policy_generation);
        log_entry(LOG_INFO, LOG_ID_REDEFINED, fields, "Re-defined domain '%s': %s: %s%s%s",
                  domain_name(domain), verdict_to_string(decision->verdict),
                  reason_to_string(decision->reason), rule ? ", rule " : "", rule ? rule : "");
}

static bool may_define(const struct agent *agent, const struct domain *domain) {
        return agent->ruleset->judge.enforce && domain->persistent && !domain->reverted;
}

/* Most definitions are those that they were at the last pass. Returns as rewrite_xml(). */
static int rewrite(const struct judge *judge, struct domain *domain, struct redefinition *ret) {
        struct rewritten *rewritten = &ret->rewritten;
        int r;

        if (known_is_in_line(&domain->known, judge, ret->xml, ret->length, &rewritten->decision))
                return guest_copy(&domain->known.guest, &rewritten->guest);

        known_clear(&domain->known);
        r = rewrite_xml(judge, ret->xml, ret->length, rewritten, &ret->error);
        return r == 0 ? known_set(&domain->known, judge, ret->xml, ret->length, rewritten) : r;
}

/* Read and judged: is there anything to define? */
static int judge_domain(struct agent *agent, struct domain *domain, struct redefinition *ret) {
        struct judge judge = agent->ruleset->judge;
        int r;

        judge.enforce = true;
        r = read_definition(domain, &ret->xml, &ret->error);
        if (r != 0)
                return r;
        ret->length = strlen(ret->xml);
        r = rewrite(&judge, domain, ret);
        ret->judged = r == 0;
        return r;
}

int redefine_domain(struct agent *agent, struct domain *domain, struct redefinition *ret) {
        struct rewritten *rewritten = &ret->rewritten;
        int r;

        rewritten->decision = decision_unjudged();
        r = judge_domain(agent, domain, ret);
        if (r == 0 && rewritten->changed && may_define(agent, domain)) {
                r = define(agent, domain, &rewritten->xml, rewritten->length, &ret->error);
                ret->defined = r == 0;
        }
        if (r < 0 || r == VIRT_GONE || r == VIRT_AGAIN)
                return r;

        ret->in_line = ret->judged && (!rewritten->changed || ret->defined);
        if (ret->defined)
                log_redefined(agent, domain, &rewritten->decision);
        return 0;
}

int revert_domain(struct agent *agent, struct domain *domain, char **ret_error) {
        AUTO_FREE char *xml = NULL, *reverted = NULL;
        bool changed = false;
        size_t length;
        int r;

        r = read_definition(domain, &xml, ret_error);
        if (r == 0)
                /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): read, since r is 0. */
                r = revert_xml(xml, strlen(xml), &changed, &reverted, &length, ret_error);
        if (r == 0 && changed)
                r = define(agent, domain, &reverted, length, ret_error);
        if (r != 0)
                return r;
        domain->reverted = true;
        if (changed)
                log_info("Re-defined domain '%s' as its owner wrote it", domain_name(domain));
        return 0;
}
