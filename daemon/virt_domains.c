/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_domains.h"

#include <errno.h>
#include <search.h>
#include <string.h>

void domains_init(struct domain_table *table) {
        *table = (struct domain_table){};
        TAILQ_INIT(&table->all);
        TAILQ_INIT(&table->soon);
        TAILQ_INIT(&table->later);
        TAILQ_INIT(&table->unsettled);
}

static int compare_uuid(const void *a, const void *b) {
        const struct domain *x = a, *y = b;

        return strcmp(x->uuid, y->uuid);
}

static void domain_free(void *pointer) {
        struct domain *domain = pointer;

        virDomainFree(domain->handle);
        free(domain->own.xml);
        free(domain->logged_error);
        known_clear(&domain->known);
        guest_clear(&domain->live);
        free(domain);
}

void domains_clear(struct domain_table *table) {
        tdestroy(table->by_uuid, domain_free);
        domains_init(table);
}

struct domain *domains_find(struct domain_table *table, const char *uuid) {
        struct domain key = {}, **found;

        if (strlen(uuid) >= sizeof(key.uuid))
                return NULL;
        strcpy(key.uuid, uuid);
        found = tfind(&key, &table->by_uuid, compare_uuid);
        return found ? *found : NULL;
}

static int add(struct domain_table *table, const char *uuid, virDomainPtr handle,
               struct domain **ret) {
        struct domain *domain = calloc(1, sizeof(*domain));

        if (!domain)
                return -ENOMEM;
        strcpy(domain->uuid, uuid);
        if (!tsearch(domain, &table->by_uuid, compare_uuid)) {
                free(domain);
                return -ENOMEM;
        }
        virDomainRef(handle);
        domain->handle = handle;
        TAILQ_INSERT_TAIL(&table->all, domain, in_all);
        table->count++;
        *ret = domain;
        return 0;
}

int domains_see(struct domain_table *table, virDomainPtr handle, struct domain **ret) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        struct domain *domain;

        if (virDomainGetUUIDString(handle, uuid) < 0)
                return -ENOMEM;
        domain = domains_find(table, uuid);
        if (!domain)
                return add(table, uuid, handle, ret);

        /* libvirt finds a domain by the UUID of a handle, but names it as the handle does. */
        virDomainRef(handle);
        virDomainFree(domain->handle);
        domain->handle = handle;
        *ret = domain;
        return 0;
}

static struct domain_list *list_of(struct domain_table *table, enum domain_todo todo) {
        return todo == TODO_SOON ? &table->soon : &table->later;
}

void domains_done(struct domain_table *table, struct domain *domain) {
        if (domain->todo != TODO_NOTHING)
                TAILQ_REMOVE(list_of(table, domain->todo), domain, in_todo);
        domain->todo = TODO_NOTHING;
}

void domains_remove(struct domain_table *table, struct domain *domain) {
        domains_done(table, domain);
        if (domain->own.xml) {
                TAILQ_REMOVE(&table->unsettled, domain, in_unsettled);
                table->n_unsettled--;
        }
        TAILQ_REMOVE(&table->all, domain, in_all);
        tdelete(domain, &table->by_uuid, compare_uuid);
        table->count--;
        domain_free(domain);
}

void domains_todo(struct domain_table *table, struct domain *domain, enum domain_todo todo) {
        if (domain->todo >= todo)
                return;
        domains_done(table, domain);
        domain->todo = todo;
        TAILQ_INSERT_TAIL(list_of(table, todo), domain, in_todo);
}

struct domain *domains_next(struct domain_table *table, bool in_turn) {
        struct domain *soon = TAILQ_FIRST(&table->soon), *later = TAILQ_FIRST(&table->later);

        return soon && !(in_turn && later) ? soon : later;
}

bool domains_have_urgent(const struct domain_table *table) {
        return !TAILQ_EMPTY(&table->soon);
}

bool domains_have_todo(const struct domain_table *table) {
        return domains_have_urgent(table) || !TAILQ_EMPTY(&table->later);
}

const char *domain_name(const struct domain *domain) {
        return virDomainGetName(domain->handle);
}

int domain_refresh(struct domain *domain, char **ret_error) {
        int persistent, active, autostart = 0;

        if (domain->state_known)
                return 0;
        persistent = virDomainIsPersistent(domain->handle);
        active = persistent < 0 ? -1 : virDomainIsActive(domain->handle);
        if (active < 0)
                return virt_last_error("Cannot ask for its state", ret_error);
        if (persistent && virDomainGetAutostart(domain->handle, &autostart) < 0)
                return virt_last_error("Cannot ask for its autostart", ret_error);

        domain->persistent = persistent;
        domain->active = active;
        domain->autostart = autostart;
        domain->state_known = true;
        return 0;
}

/* --- listing --- */

static void free_handles(virDomainPtr *handles, int n) {
        for (int i = 0; i < n; i++)
                virDomainFree(handles[i]);
        free(handles);
}

enum listing { LISTING_ALL, LISTING_TRANSIENT, LISTING_AUTOSTART };

static int take_in(struct domain_table *table, virDomainPtr handle, enum listing listing) {
        struct domain *domain;
        int r;

        r = domains_see(table, handle, &domain);
        if (r < 0)
                return r;
        domain->listed = table->listings;
        switch (listing) {
        case LISTING_ALL:
                domain->persistent = true;
                domain->autostart = false;
                /* A domain that does not run has no ID. */
                domain->active = virDomainGetID(handle) != (unsigned)-1;
                domain->state_known = true;
                domains_todo(table, domain, TODO_LATER);
                break;
        case LISTING_TRANSIENT:
                domain->persistent = false;
                break;
        case LISTING_AUTOSTART:
                domain->autostart = true;
                break;
        }
        return 0;
}

static int list(struct domain_table *table, virConnectPtr connection, enum listing listing,
                char **ret_error) {
        static const unsigned flags[] = {
                [LISTING_TRANSIENT] = VIR_CONNECT_LIST_DOMAINS_TRANSIENT,
                [LISTING_AUTOSTART] = VIR_CONNECT_LIST_DOMAINS_AUTOSTART,
        };
        virDomainPtr *handles = NULL;
        int n, r = 0;

        n = virConnectListAllDomains(connection, &handles, flags[listing]);
        if (n < 0)
                return virt_last_error("Cannot list the domains", ret_error);
        for (int i = 0; i < n && r == 0; i++)
                r = take_in(table, handles[i], listing);
        free_handles(handles, n);
        return r;
}

/*
 * Three lists, of which two are short as a rule, tell of every domain what else were three calls each. They
 * are not of one moment, but whatever changes after the first has its event, and is then asked for.
 */
int domains_list(struct domain_table *table, virConnectPtr connection, char **ret_error) {
        int r;

        table->listings++;
        r = list(table, connection, LISTING_ALL, ret_error);
        if (r == 0)
                r = list(table, connection, LISTING_TRANSIENT, ret_error);
        if (r == 0)
                r = list(table, connection, LISTING_AUTOSTART, ret_error);
        return r;
}
