/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_connection.h"

#include <errno.h>
#include <string.h>

#include "core/domcaps.h"
#include "log.h"
#include "virt_races.h"

#define RETRY_SECONDS_MAX 30

/* A libvirtd that answers nothing for so long is given up. It answers these while a call waits for a hook. */
#define KEEPALIVE_SECONDS 10
#define KEEPALIVE_COUNT 3

static void say_nothing(void *userdata UNUSED, virErrorPtr error UNUSED) {
}

static int prepared;

static void prepare(void) {
        virSetErrorFunc(NULL, say_nothing);
        /* Mandatory before anything but virConnectOpen(): else libvirt keeps its errors under another library's key. */
        if (virInitialize() < 0 || virEventRegisterDefaultImpl() < 0)
                prepared = -ENOMEM;
}

int connection_prepare(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, prepare);
        return prepared;
}

/* --- events: recorded here, handled between them; libvirt is not called from its own callbacks --- */

static struct domain *record_event(struct agent *agent, virDomainPtr handle) {
        struct domain *domain;

        agent->n_events++;
        if (domains_see(&agent->domains, handle, &domain) < 0) {
                agent->list_wanted = true;
                return NULL;
        }
        return domain;
}

static void has_changed(struct agent *agent, struct domain *domain) {
        domain->state_known = false;
        domains_todo(&agent->domains, domain, TODO_SOON);
}

static void was_edited(struct agent *agent, struct domain *domain) {
        agent_report_edit(agent, domain);
        known_clear(&domain->known);
        domain->reverted = false;
}

static int on_lifecycle(virConnectPtr connection UNUSED, virDomainPtr handle, int event, int detail,
                        void *userdata) {
        struct agent *agent = userdata;
        struct domain *domain = record_event(agent, handle);

        if (!domain)
                return 0;
        switch (event) {
        case VIR_DOMAIN_EVENT_DEFINED:
                if (!races_saw_defined(domain, detail))
                        return 0;
                was_edited(agent, domain);
                break;
        case VIR_DOMAIN_EVENT_UNDEFINED:
                /* Followed by DEFINED, with the new name. */
                if (detail == VIR_DOMAIN_EVENT_UNDEFINED_RENAMED)
                        return 0;
                races_saw_undefined(domain);
                agent_report_edit(agent, domain);
                break;
        case VIR_DOMAIN_EVENT_STARTED:
        case VIR_DOMAIN_EVENT_STOPPED:
        case VIR_DOMAIN_EVENT_CRASHED:
                guest_clear(&domain->live);
                domain->live_known = false;
                break;
        default: /* suspended, resumed and the like: neither definition nor CPU changes */
                return 0;
        }
        has_changed(agent, domain);
        return 0;
}

/* A rule may match the libosinfo ID that is kept there. */
static void on_metadata(virConnectPtr connection UNUSED, virDomainPtr handle, int type UNUSED,
                        const char *ns UNUSED, void *userdata) {
        struct agent *agent = userdata;
        struct domain *domain = record_event(agent, handle);

        if (!domain)
                return;
        races_saw_edit(domain);
        was_edited(agent, domain);
        has_changed(agent, domain);
}

static void on_close(virConnectPtr connection UNUSED, int reason UNUSED, void *userdata) {
        struct agent *agent = userdata;

        agent->closed = true;
}

static int subscribe(struct agent *agent, virConnectPtr connection) {
        agent->lifecycle_callback = virConnectDomainEventRegisterAny(
                connection, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), agent, NULL);
        if (agent->lifecycle_callback < 0)
                return -1;
        agent->metadata_callback = virConnectDomainEventRegisterAny(
                connection, NULL, VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
                VIR_DOMAIN_EVENT_CALLBACK(on_metadata), agent, NULL);
        return agent->metadata_callback < 0 ? -1 : 0;
}

/* A callback holds a reference to the connection until it is gone. */
static void unsubscribe(struct agent *agent, virConnectPtr connection) {
        if (agent->lifecycle_callback >= 0)
                virConnectDomainEventDeregisterAny(connection, agent->lifecycle_callback);
        if (agent->metadata_callback >= 0)
                virConnectDomainEventDeregisterAny(connection, agent->metadata_callback);
        agent->lifecycle_callback = agent->metadata_callback = -1;
        virConnectUnregisterCloseCallback(connection, on_close);
}

/* --- connecting --- */

/* NULL where there is no KVM, or libvirt does not know. Returns 0 or -ENOMEM. */
static int ask_host_model(virConnectPtr connection, char **ret) {
        AUTO_FREE char *xml = NULL, *reason = NULL;
        int r;

        *ret = NULL;
        xml = virConnectGetDomainCapabilities(connection, NULL, "x86_64", NULL, "kvm", 0);
        if (!xml)
                return 0;
        r = domcaps_host_model(xml, strlen(xml), ret, &reason);
        if (r > 0)
                log_warning("libvirt's domain capabilities are not understood: %s", reason);
        return r < 0 ? r : 0;
}

static void retry_later(struct agent *agent) {
        agent->retry_at = monotonic_usec() + (uint64_t)agent->retry_seconds * 1000000;
        agent->retry_seconds *= 2;
        if (agent->retry_seconds > RETRY_SECONDS_MAX)
                agent->retry_seconds = RETRY_SECONDS_MAX;
}

static int open_and_subscribe(struct agent *agent, char **ret_error) {
        virConnectPtr connection = virConnectOpen(agent->virt->uri);

        if (!connection)
                return virt_last_error("Cannot connect to libvirt", ret_error);

        /* The test driver in process has neither of these, and needs none. */
        virConnectSetKeepAlive(connection, KEEPALIVE_SECONDS, KEEPALIVE_COUNT);
        virConnectRegisterCloseCallback(connection, on_close, agent, NULL);
        if (subscribe(agent, connection) < 0) {
                int r = virt_last_error("Cannot subscribe to libvirt's events", ret_error);

                unsubscribe(agent, connection);
                virConnectClose(connection);
                return r;
        }
        agent->connection = connection;
        return 0;
}

int connection_open(struct agent *agent) {
        AUTO_FREE char *error = NULL, *host_model = NULL;
        int r;

        agent->closed = false;
        r = open_and_subscribe(agent, &error);
        if (r != 0) {
                agent_report_text(agent, REPORT_DISCONNECTED, error ? error : "Out of memory");
                retry_later(agent);
                return r < 0 ? r : 0;
        }
        r = ask_host_model(agent->connection, &host_model);
        if (r < 0) {
                connection_close(agent, "Out of memory");
                return r;
        }

        /* The main loop says when to begin, with the ruleset for this host model. */
        agent->pass.wanted = false;
        agent_report_text(agent, REPORT_CONNECTED, host_model);
        return 0;
}

bool connection_is_lost(const struct agent *agent) {
        return agent->closed || virConnectIsAlive(agent->connection) == 0;
}

void connection_close(struct agent *agent, const char *error) {
        races_abandon(agent);
        domains_clear(&agent->domains);
        if (!agent->connection)
                return;
        unsubscribe(agent, agent->connection);
        virConnectClose(agent->connection);
        agent->connection = NULL;
        agent->pass.running = agent->list_wanted = false;
        if (error) {
                agent_report_text(agent, REPORT_DISCONNECTED, error);
                retry_later(agent);
        }
}
