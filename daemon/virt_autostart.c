/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_autostart.h"

#include <string.h>

#include "log.h"
#include "virt_converge.h"

int autostarts_add(struct autostarts *autostarts, const char *uuid) {
        int r;

        for (size_t i = 0; i < autostarts->count; i++)
                if (streq(autostarts->uuids[i], uuid))
                        return 0;
        r = array_grow(&autostarts->uuids, autostarts->count, sizeof(*autostarts->uuids));
        if (r < 0)
                return r;
        snprintf(autostarts->uuids[autostarts->count++], sizeof(*autostarts->uuids), "%s", uuid);
        return 0;
}

void autostarts_clear(struct autostarts *autostarts) {
        free(autostarts->uuids);
        *autostarts = (struct autostarts){};
}

static void drop_first(struct autostarts *autostarts) {
        autostarts->count--;
        memmove(autostarts->uuids, autostarts->uuids + 1,
                autostarts->count * sizeof(*autostarts->uuids));
}

bool autostarts_are_due(const struct agent *agent) {
        return agent->autostarts.count > 0 && agent->domains.listings > 0 && !agent->pass.running;
}

/* With no flags: auto_start_bypass_cache of qemu.conf is not known here, and a guest with a managed save is restored, and
 * not refused for drift. */
static void start(struct domain *domain, const struct redefinition *redefinition) {
        const struct log_field fields[] = {
                {"XSAVESD_GUEST", domain_name(domain)},
                {"XSAVESD_UUID", domain->uuid},
                {},
        };
        const char *name = domain_name(domain);
        AUTO_FREE char *error = NULL;

        if (!domain->autostart || !domain->persistent || domain->active)
                return;
        if (!redefinition->in_line) {
                log_entry(LOG_WARNING, NULL, fields,
                          "Domain '%s' is to start with the host, was refused, and stays off: its "
                          "definition is not in line",
                          name);
                return;
        }
        domain->state_known = false;
        if (virDomainCreateWithFlags(domain->handle, 0) == 0)
                log_entry(LOG_NOTICE, NULL, fields,
                          "Started domain '%s', which is to start with the host and was refused "
                          "before its definition was in line",
                          name);
        else if (virt_last_error("libvirt", &error) > 0)
                log_entry(LOG_WARNING, NULL, fields,
                          "Domain '%s' is to start with the host, was refused, and could not be "
                          "started now: %s",
                          name, error);
}

int autostarts_step(struct agent *agent) {
        AUTO_REDEFINITION struct redefinition redefinition = {};
        struct domain *domain = domains_find(&agent->domains, agent->autostarts.uuids[0]);
        int r = VIRT_GONE;

        if (domain) {
                domain->state_known = false;
                r = converge_domain(agent, domain, &redefinition);
        }
        if (r == VIRT_REFUSED)
                return r;
        if (r == VIRT_AGAIN)
                return 0;
        drop_first(&agent->autostarts);
        if (r == 0)
                /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): found, since r is 0. */
                start(domain, &redefinition);
        return r < 0 ? r : 0;
}
