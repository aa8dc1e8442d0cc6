/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_races.h"

#include <errno.h>
#include <string.h>

#include "core/definition.h"
#include "log.h"

/* How late an event may be. A few ms in practice; where it takes longer, a change is read once more than
 * it had to be, or an edit that is lost is not reported. */
#define SETTLE_USEC 1000000

/* How late it may be for what is told of domains whose events nobody hears any more: a pass that is cut short is to
 * name the few that it was at, and not all of the last second. */
#define IN_FLIGHT_USEC 20000

/* So many definitions are kept in memory; more make the oldest settle early. */
#define UNSETTLED_MAX 2048

/* No event is waited for any more. Returns our definition, for the caller to own; NULL: there was none. */
static char *stop_waiting(struct agent *agent, struct domain *domain) {
        char *xml = domain->own.xml;

        if (xml) {
                TAILQ_REMOVE(&agent->domains.unsettled, domain, in_unsettled);
                agent->domains.n_unsettled--;
        }
        domain->own = (struct own_definition){};
        return xml;
}

void races_defined(struct agent *agent, struct domain *domain, char *xml, size_t length) {
        unsigned echoes = domain->own.echoes;
        bool undefined = domain->own.undefined && domain->own.edits == 0;

        free(stop_waiting(agent, domain));
        domain->own = (struct own_definition){
                .xml = xml,
                .length = length,
                .time = monotonic_usec(),
                .echoes = echoes + 1,
                .undefined = undefined,
        };
        TAILQ_INSERT_TAIL(&agent->domains.unsettled, domain, in_unsettled);
        agent->domains.n_unsettled++;
        /* From now on, and no longer from when libvirt was asked. */
        in_flight_add(&agent->in_flight, domain->uuid, domain->own.time);
}

/* --- events --- */

void races_saw_edit(struct domain *domain) {
        domain->touched = true;
        if (!domain->own.xml)
                return;
        domain->own.edits++;
        domain->own.edits_to_see++;
}

bool races_saw_defined(struct domain *domain, int detail) {
        bool by_define = detail == VIR_DOMAIN_EVENT_DEFINED_ADDED ||
                         detail == VIR_DOMAIN_EVENT_DEFINED_UPDATED;

        if (by_define && domain->own.echoes > 0) {
                domain->own.echoes--;
                return false;
        }
        races_saw_edit(domain);
        return true;
}

void races_saw_undefined(struct domain *domain) {
        domain->touched = true;
        domain->own.undefined = domain->own.xml;
}

/* --- between events --- */

static void report_lost(const struct domain *domain, unsigned n) {
        const struct log_field fields[] = {
                {"XSAVESD_GUEST", domain_name(domain)},
                {"XSAVESD_UUID", domain->uuid},
                {},
        };

        log_entry(
                LOG_WARNING, LOG_ID_LOST_EDIT, fields,
                "Domain '%s' was edited while it was being re-defined, and what was changed may be "
                "lost: look at it, and change it again (edits: %u)",
                domain_name(domain), n);
}

int races_check_edits(struct domain *domain, const char *xml, size_t length) {
        struct own_definition *own = &domain->own;
        unsigned n = own->edits_to_see;
        int r;

        own->edits_to_see = 0;
        if (n == 0)
                return 0;
        r = definition_is_stored(own->xml, own->length, xml, length);
        if (r < 0)
                return r;
        if (r == 0) {
                /* One of them made it what it is now, and was based on whatever its author had read. */
                char *copy = strdup(xml);

                if (!copy)
                        return -ENOMEM;
                free(own->xml);
                own->xml = copy;
                own->length = length;
                n--;
        }
        if (n > 0)
                report_lost(domain, n);
        return 0;
}

uint64_t races_due(const struct agent *agent) {
        const struct domain *oldest = TAILQ_FIRST(&agent->domains.unsettled);

        if (!oldest)
                return UINT64_MAX;
        return agent->domains.n_unsettled > UNSETTLED_MAX ? 0 : oldest->own.time + SETTLE_USEC;
}

/* In a shell it is one word that means itself; else its UUID is named. */
static bool is_plain_word(const char *name) {
        return *name && *name != '-' &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-") ==
                       strlen(name);
}

/*
 * Somebody undefined it, nobody else has defined it since, and still it is defined as we did. Whether to undefine it is not
 * for us to say: that would be by inference, and a definition that is gone cannot be had back.
 */
static int report_back(struct domain *domain, const char *written, size_t length) {
        const char *name = domain_name(domain);
        const struct log_field fields[] = {
                {"XSAVESD_GUEST", name},
                {"XSAVESD_UUID", domain->uuid},
                {},
        };
        AUTO_FREE char *stored = NULL;
        int r;

        if (virDomainIsPersistent(domain->handle) <= 0)
                return 0;
        stored = virDomainGetXMLDesc(domain->handle,
                                     VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
        if (!stored)
                return 0;
        r = definition_is_stored(written, length, stored, strlen(stored));
        if (r <= 0)
                return r;
        log_entry(LOG_ERR, NULL, fields,
                  "Domain '%s' was undefined while it was being re-defined, which brought it back: "
                  "it stays; to remove it: virsh undefine %s",
                  name, is_plain_word(name) ? name : domain->uuid);
        return 0;
}

int races_settle(struct agent *agent) {
        struct domain *domain = TAILQ_FIRST(&agent->domains.unsettled);
        const struct own_definition own = domain->own;
        AUTO_FREE char *written = stop_waiting(agent, domain);

        return own.undefined && own.edits == 0 ? report_back(domain, written, own.length) : 0;
}

/* --- events that nobody will hear any more --- */

/* An edit that was heard of, but not yet looked at? */
static bool has_edits_to_see(struct agent *agent, const char *uuid) {
        const struct domain *domain = domains_find(&agent->domains, uuid);

        return domain && domain->own.edits_to_see > 0;
}

void races_drained(struct agent *agent) {
        const char *uuid;
        uint64_t since;

        while ((uuid = in_flight_oldest(&agent->in_flight, &since)) &&
               since + IN_FLIGHT_USEC <= agent->drained_at && !has_edits_to_see(agent, uuid))
                in_flight_drop_oldest(&agent->in_flight);
}

/* The same domain may be there more than once: it is reported once. */
static void report_unheard(struct agent *agent, const char *uuid, const char *when) {
        struct domain *domain = domains_find(&agent->domains, uuid);
        struct log_field fields[] = {
                {"XSAVESD_GUEST", NULL},
                {"XSAVESD_UUID", uuid},
                {},
        };

        /* Where it is gone, so is the edit. */
        if (!domain || domain->unheard_reported)
                return;
        domain->unheard_reported = true;
        fields[0].value = domain_name(domain);
        log_entry(LOG_WARNING, LOG_ID_LOST_EDIT, fields,
                  "Domain '%s' was being re-defined when %s: if it was edited at that moment, what "
                  "was changed may be lost: look at it, and change it again",
                  domain_name(domain), when);
}

void races_abandon(struct agent *agent) {
        const char *uuid;
        uint64_t since;

        while ((uuid = in_flight_oldest(&agent->in_flight, &since))) {
                report_unheard(agent, uuid, "the connection to libvirt was lost");
                in_flight_drop_oldest(&agent->in_flight);
        }
}

void races_report_left(struct agent *agent) {
        struct in_flight *in_flight = &agent->in_flight;

        for (unsigned i = 0; i < in_flight->n_left; i++)
                report_unheard(agent, in_flight->left[i], "xsavesd was killed");
        in_flight->n_left = 0;
}
