/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the libvirt thread knows of each domain, and which are yet to be converged. */

#include <stdint.h>
#include <sys/queue.h>

#include "core/known.h"
#include "virt_libvirt.h"

enum domain_todo {
        TODO_NOTHING,
        TODO_LATER, /* in its turn of a pass */
        TODO_SOON,  /* it changed */
};

/* Our last definition of a domain, until all events of that time are in: see virt_races.h. */
struct own_definition {
        char *xml; /* as it was handed to libvirt, or read after another edit; NULL: settled */
        size_t length;
        uint64_t time;         /* when libvirt had taken it */
        unsigned echoes;       /* DEFINED events that it owes us */
        unsigned edits;        /* events of other edits since */
        unsigned edits_to_see; /* of those, the ones that the definition was not yet read after */
        bool undefined;        /* an UNDEFINED event since */
};

struct domain {
        char uuid[VIR_UUID_STRING_BUFLEN]; /* the key */
        virDomainPtr handle;               /* owned; the newest that libvirt gave us */
        TAILQ_ENTRY(domain) in_all, in_todo, in_unsettled;
        enum domain_todo todo;
        unsigned listed; /* the listing that had it last */
        bool in_pass;

        bool state_known; /* the three below are libvirt's newest */
        bool active, persistent, autostart;
        bool touched; /* an event of an edit since its definition was read */

        bool reverted; /* by request: stays so until it is edited */
        struct own_definition own;
        bool unheard_reported; /* see races_abandon() */
        char *logged_error;

        struct known known; /* of the definition, if it was in line */
        struct guest live;  /* of the live XML, which has the same CPU from start to stop */
        bool live_known;
};

TAILQ_HEAD(domain_list, domain);

struct domain_table {
        void *by_uuid; /* tsearch(3) */
        struct domain_list all, soon, later, unsettled;
        size_t count, n_unsettled;
        unsigned listings;
};

void domains_init(struct domain_table *table);
/* Forget all of them. */
void domains_clear(struct domain_table *table);

/* NULL: not known. */
struct domain *domains_find(struct domain_table *table, const char *uuid);

/* The domain of a handle, added if it is new; the handle is referenced, and kept. Returns 0, or -ENOMEM. */
int domains_see(struct domain_table *table, virDomainPtr handle, struct domain **ret);
/* Ends its life. */
void domains_remove(struct domain_table *table, struct domain *domain);

/* Put it on the list of what is to be converged, unless it is there with the same or a higher urgency. */
void domains_todo(struct domain_table *table, struct domain *domain, enum domain_todo todo);
/* The next on the lists, which stays there; `in_turn`: what is urgent comes last for once. NULL: none. */
struct domain *domains_next(struct domain_table *table, bool in_turn);
/* It is being converged: take it off the list. */
void domains_done(struct domain_table *table, struct domain *domain);
bool domains_have_todo(const struct domain_table *table);
bool domains_have_urgent(const struct domain_table *table);

/* Only local: the name that its handle has. Borrowed. */
const char *domain_name(const struct domain *domain);

/* Ask libvirt for active, persistent and autostart, unless they are known. Returns 0, VIRT_GONE,
 * VIRT_REFUSED (then with *ret_error) or -ENOMEM. */
int domain_refresh(struct domain *domain, char **ret_error);

/*
 * List all domains, to converge each later. A domain that is gone is one with an older `listed` than the
 * table's `listings`. Returns 0, VIRT_REFUSED (with *ret_error) or -ENOMEM.
 */
int domains_list(struct domain_table *table, virConnectPtr connection, char **ret_error);
