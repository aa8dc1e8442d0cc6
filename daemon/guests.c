/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guests.h"

#include <errno.h>
#include <search.h>
#include <string.h>

struct guests {
        void *by_uuid; /* tsearch(3) of struct guest_entry */
        size_t count;
        unsigned pass;
};

static int compare_uuid(const void *a, const void *b) {
        const struct guest_entry *x = a, *y = b;

        return strcmp(x->seen.uuid, y->seen.uuid);
}

static void seen_clear(struct virt_guest *seen) {
        free(seen->name);
        free(seen->error);
        free(seen->guest_rule);
        free(seen->host_rule);
        guest_clear(&seen->facts);
}

static void entry_free(void *entry) {
        seen_clear(&((struct guest_entry *)entry)->seen);
        free(entry);
}

int guests_new(struct guests **ret) {
        struct guests *guests = calloc(1, sizeof(*guests));

        if (!guests)
                return -ENOMEM;
        *ret = guests;
        return 0;
}

struct guests *guests_free(struct guests *guests) {
        if (guests)
                tdestroy(guests->by_uuid, entry_free);
        free(guests);
        return NULL;
}

struct guest_entry *guests_find(struct guests *guests, const char *uuid) {
        struct guest_entry key = {}, **found;

        if (strlen(uuid) >= sizeof(key.seen.uuid))
                return NULL;
        strcpy(key.seen.uuid, uuid);
        found = tfind(&key, &guests->by_uuid, compare_uuid);
        return found ? *found : NULL;
}

static int find_or_add(struct guests *guests, const char *uuid, struct guest_entry **ret) {
        struct guest_entry *entry = guests_find(guests, uuid);

        if (!entry) {
                entry = calloc(1, sizeof(*entry));
                if (!entry)
                        return -ENOMEM;
                snprintf(entry->seen.uuid, sizeof(entry->seen.uuid), "%s", uuid);
                if (!tsearch(entry, &guests->by_uuid, compare_uuid)) {
                        free(entry);
                        return -ENOMEM;
                }
                guests->count++;
        }
        *ret = entry;
        return 0;
}

/* The strings of *target are the source's still: make them its own. */
static int own_strings(struct virt_guest *target) {
        const struct virt_guest source = *target;
        int r;

        target->name = target->error = target->guest_rule = target->host_rule = NULL;
        target->facts = (struct guest){};
        r = strdup_to(&target->name, source.name);
        if (r >= 0)
                r = strdup_to(&target->error, source.error);
        if (r >= 0)
                r = strdup_to(&target->guest_rule, source.guest_rule);
        if (r >= 0)
                r = strdup_to(&target->host_rule, source.host_rule);
        if (r >= 0)
                r = guest_copy(&source.facts, &target->facts);
        return r;
}

int guests_see(struct guests *guests, const struct virt_guest *seen) {
        struct virt_guest copy = *seen;
        struct guest_entry *entry;
        int r;

        r = own_strings(&copy);
        if (r >= 0)
                r = find_or_add(guests, seen->uuid, &entry);
        if (r < 0) {
                seen_clear(&copy);
                return r;
        }
        seen_clear(&entry->seen);
        entry->seen = copy;
        entry->definition_known = true;
        entry->pass = guests->pass;
        if (!seen->active)
                entry->started_xsaves = TRISTATE_UNKNOWN;
        return 0;
}

void guests_edited(struct guests *guests, const char *uuid) {
        struct guest_entry *entry = guests_find(guests, uuid);

        if (entry)
                entry->definition_known = false;
}

int guests_started(struct guests *guests, const char *uuid, bool has_xsaves) {
        struct guest_entry *entry;
        int r;

        r = find_or_add(guests, uuid, &entry);
        if (r < 0)
                return r;
        entry->started_xsaves = has_xsaves ? TRISTATE_YES : TRISTATE_NO;
        entry->pass = guests->pass;
        return 0;
}

void guests_remove(struct guests *guests, const char *uuid) {
        struct guest_entry *entry = guests_find(guests, uuid);

        if (!entry)
                return;
        tdelete(entry, &guests->by_uuid, compare_uuid);
        entry_free(entry);
        guests->count--;
}

size_t guests_count(const struct guests *guests) {
        return guests->count;
}

struct collection {
        struct guest_entry **entries;
        size_t n;
};

static void collect(const void *node, VISIT visit, void *closure) {
        struct collection *collection = closure;

        if (visit == postorder || visit == leaf)
                collection->entries[collection->n++] = *(struct guest_entry *const *)node;
}

static int compare_name(const void *a, const void *b) {
        const struct guest_entry *const *x = a, *const *y = b;
        const char *x_name = (*x)->seen.name, *y_name = (*y)->seen.name;

        return strcmp(x_name ? x_name : "", y_name ? y_name : "");
}

int guests_sorted(struct guests *guests, struct guest_entry ***ret) {
        struct collection collection = {};

        collection.entries = calloc(guests->count + 1, sizeof(struct guest_entry *));
        if (!collection.entries)
                return -ENOMEM;
        twalk_r(guests->by_uuid, collect, &collection);
        qsort(collection.entries, collection.n, sizeof(struct guest_entry *), compare_name);
        *ret = collection.entries;
        return (int)collection.n;
}

struct guest_entry *guests_find_by_name(struct guests *guests, const char *name_or_uuid) {
        struct guest_entry *found = guests_find(guests, name_or_uuid);
        AUTO_FREE struct guest_entry **entries = NULL;
        int n;

        if (found)
                return found;
        n = guests_sorted(guests, &entries);
        for (int i = 0; i < n; i++)
                if (streq_null(entries[i]->seen.name, name_or_uuid))
                        return entries[i];
        return NULL;
}

void guests_end_pass(struct guests *guests) {
        AUTO_FREE struct guest_entry **entries = NULL;
        int n = guests_sorted(guests, &entries);

        for (int i = 0; i < n; i++)
                if (entries[i]->pass != guests->pass)
                        guests_remove(guests, entries[i]->seen.uuid);
        guests->pass++;
}

static void forget_definition(const void *node, VISIT visit, void *closure UNUSED) {
        if (visit == postorder || visit == leaf)
                (*(struct guest_entry *const *)node)->definition_known = false;
}

void guests_begin_anew(struct guests *guests) {
        twalk_r(guests->by_uuid, forget_definition, NULL);
        guests->pass++;
}

enum means guest_entry_stored_grant(const struct guest_entry *entry, uint64_t policy_generation) {
        const struct virt_guest *seen = &entry->seen;

        if (!entry->definition_known || seen->definition != DEFINITION_CONVERGED ||
            seen->verdict != VERDICT_GRANT || seen->policy_generation != policy_generation)
                return MEANS_NONE;
        return seen->means;
}

enum tristate guest_entry_runs_xsaves(const struct guest_entry *entry) {
        return entry->started_xsaves != TRISTATE_UNKNOWN ? entry->started_xsaves
                                                         : entry->seen.runs_xsaves;
}

/*
 * Whether a model has XSAVEC need not be known to libvirt's CPU map, while its live XML has what QEMU says: that is no
 * difference, unless XSAVEC is to be hidden.
 */
static bool sees_other_xsavec(const struct virt_guest *seen) {
        if (seen->next_xsavec)
                return seen->runs_xsavec == TRISTATE_NO;
        return seen->hides_xsavec && seen->runs_xsavec == TRISTATE_YES;
}

bool guest_entry_needs_restart(const struct guest_entry *entry) {
        enum tristate runs = guest_entry_runs_xsaves(entry);

        /* Nor is it known of a definition that cannot be judged what a start would give. */
        if (!entry->seen.active || runs == TRISTATE_UNKNOWN ||
            entry->seen.verdict == VERDICT_UNJUDGED)
                return false;
        /* There is no definition that a start would go by: the gate would refuse this one. */
        if (entry->seen.definition == DEFINITION_TRANSIENT)
                return runs == TRISTATE_YES && entry->seen.verdict == VERDICT_DENY;
        return (runs == TRISTATE_YES) != entry->seen.next_xsaves || sees_other_xsavec(&entry->seen);
}
