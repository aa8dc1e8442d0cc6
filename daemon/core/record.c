/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/record.h"

#include <errno.h>
#include <stdint.h>

#include "core/qemu_args.h"
#include "core/xml.h"

/* What a container was before something was added to it. */
static const char WAS_CREATED[] = "created"; /* not there */
static const char WAS_EMPTY[] = "empty";     /* there, without any content */

/* The two arguments of the pair, by other names than their own: who looks for x-force-features in a
 * definition is not to find it in the record of its removal. */
static const char HALF_OPTION[] = "option";
static const char HALF_VALUE[] = "value";

/* The parts of a domain that are ever changed, found once; NULL where there is none. */
struct definition {
        struct xml_element *domain, *cpu, *commandline, *metadata;
};

static struct definition definition_of(struct xml_element *domain) {
        return (struct definition){
                .domain = domain,
                .cpu = xml_child(domain, NULL, "cpu"),
                .commandline = xml_child(domain, QEMU_NAMESPACE, "commandline"),
                .metadata = xml_child(domain, NULL, "metadata"),
        };
}

/* --- the record's own elements --- */

static int append_entry(struct xml_element *record, const char *name, struct xml_element **ret) {
        return xml_append_child(record, RECORD_NAMESPACE, RECORD_PREFIX, name, ret, NULL);
}

/* Add a child, and note on `entry` under `key` if the parent was empty before. */
static int append_noted(struct xml_element *parent, const char *ns, const char *prefix,
                        const char *name, struct xml_element *entry, const char *key,
                        struct xml_element **ret) {
        bool was_empty;
        int r;

        r = xml_append_child(parent, ns, prefix, name, ret, &was_empty);
        if (r < 0 || !was_empty || xml_attribute(entry, key))
                return r;
        return xml_set_attribute(entry, key, WAS_EMPTY);
}

static bool was(const struct xml_element *entry, const char *key, const char *state) {
        return streq_null(xml_attribute(entry, key), state);
}

/* --- CPU features --- */

static struct xml_element *find_feature(const struct definition *definition, const char *name) {
        if (definition->cpu)
                XML_FOREACH_CHILD (feature, definition->cpu)
                        if (xml_is(feature, NULL, "feature") &&
                            streq_null(xml_attribute(feature, "name"), name))
                                return feature;
        return NULL;
}

/* The feature's policy; an absent one is added, without a policy yet. */
static int open_feature(const struct definition *definition, const char *name,
                        struct xml_element *entry, struct xml_element **ret_feature,
                        enum feature_policy *ret_policy) {
        struct xml_element *feature = find_feature(definition, name);
        const char *text;
        int r;

        if (!feature) {
                *ret_policy = FEATURE_ABSENT;
                r = append_noted(definition->cpu, NULL, NULL, "feature", entry, "cpu", ret_feature);
                return r < 0 ? r : xml_set_attribute(*ret_feature, "name", name);
        }

        *ret_feature = feature;
        *ret_policy = FEATURE_UNSET;
        text = xml_attribute(feature, "policy");
        return text ? feature_policy_from_string(text, ret_policy) : 0;
}

static int set_feature(const struct definition *definition, struct xml_element *record,
                       const char *name, enum feature_policy policy) {
        const char *set = feature_policy_to_string(policy);
        struct xml_element *feature, *entry;
        enum feature_policy before;
        int r;

        r = append_entry(record, "feature", &entry);
        if (r >= 0)
                r = open_feature(definition, name, entry, &feature, &before);
        if (r >= 0)
                r = xml_set_attribute(feature, "policy", set);
        if (r >= 0)
                r = xml_set_attribute(entry, "name", name);
        if (r >= 0)
                r = xml_set_attribute(entry, "set", set);
        if (r >= 0)
                r = xml_set_attribute(entry, "was", feature_policy_to_string(before));
        return r;
}

static int revert_feature(const struct definition *definition, const struct xml_element *entry,
                          const char *name, enum feature_policy before) {
        struct xml_element *feature = find_feature(definition, name);

        if (!feature || !streq_null(xml_attribute(feature, "policy"), xml_attribute(entry, "set")))
                return 0;

        if (before == FEATURE_ABSENT)
                xml_remove_child(feature, was(entry, "cpu", WAS_EMPTY));
        else if (before == FEATURE_UNSET)
                xml_remove_attribute(feature, "policy");
        else
                return xml_set_attribute(feature, "policy", feature_policy_to_string(before));
        return 0;
}

/* --- the pair of arguments that forces features --- */

static bool is_arg(const struct xml_element *element, const char *value) {
        return xml_is(element, QEMU_NAMESPACE, "arg") &&
               (!value || streq_null(xml_attribute(element, "value"), value));
}

static struct xml_element *next_arg(struct xml_element *arg) {
        do
                arg = xml_next(arg);
        while (arg && !is_arg(arg, NULL));
        return arg;
}

static struct xml_element *first_arg(const struct xml_element *commandline) {
        struct xml_element *first = commandline ? xml_first_child(commandline) : NULL;

        return first && !is_arg(first, NULL) ? next_arg(first) : first;
}

/* The first pair from this argument on, which is to be an option: its value's element and, before that, the option's. */
static struct xml_element *find_pair_from(struct xml_element *arg,
                                          struct xml_element **ret_option) {
        while (arg) {
                const char *text = xml_attribute(arg, "value");
                struct xml_element *next = next_arg(arg);

                if (next && is_arg(arg, FORCE_OPTION) && is_arg(next, FORCE_VALUE)) {
                        *ret_option = arg;
                        return next;
                }
                /* As QEMU reads them, so that the value of another option is no half of a pair. */
                arg = next && text && qemu_option_length(text) == 2 ? next_arg(next) : next;
        }
        return NULL;
}

/* The last pair of a command line. */
static struct xml_element *find_pair(const struct xml_element *commandline,
                                     struct xml_element **ret_option) {
        struct xml_element *found = NULL, *value;

        for (value = find_pair_from(first_arg(commandline), ret_option); value;
             value = find_pair_from(next_arg(value), ret_option))
                found = value;
        return found;
}

static bool is_pair(const struct xml_element *commandline, const struct xml_element *option) {
        struct xml_element *found = NULL, *value;

        for (value = find_pair_from(first_arg(commandline), &found); value && found != option;)
                value = find_pair_from(next_arg(value), &found);
        return value != NULL;
}

static int add_arg(struct xml_element *commandline, struct xml_element *entry, const char *value) {
        struct xml_element *arg;
        int r;

        r = append_noted(commandline, QEMU_NAMESPACE, QEMU_PREFIX, "arg", entry, "commandline",
                         &arg);
        return r < 0 ? r : xml_set_attribute(arg, "value", value);
}

static int add_pair(struct definition *definition, struct xml_element *record) {
        struct xml_element *entry;
        int r;

        r = append_entry(record, "force-pair", &entry);
        if (r >= 0)
                r = xml_set_attribute(entry, "was", "absent");
        if (r >= 0 && !definition->commandline) {
                r = xml_set_attribute(entry, "commandline", WAS_CREATED);
                if (r >= 0)
                        r = xml_append_child(definition->domain, QEMU_NAMESPACE, QEMU_PREFIX,
                                             "commandline", &definition->commandline, NULL);
        }
        if (r >= 0)
                r = add_arg(definition->commandline, entry, FORCE_OPTION);
        if (r >= 0)
                r = add_arg(definition->commandline, entry, FORCE_VALUE);
        return r;
}

static void revert_added_pair(struct definition *definition, const struct xml_element *entry) {
        struct xml_element *option, *value = find_pair(definition->commandline, &option);

        if (!value)
                return;
        xml_remove_child(value, false);
        xml_remove_child(option, was(entry, "commandline", WAS_EMPTY));
        if (was(entry, "commandline", WAS_CREATED) && xml_is_blank(definition->commandline)) {
                xml_remove_child(definition->commandline, false);
                definition->commandline = NULL;
        }
}

static int set_number(struct xml_element *element, const char *name, unsigned number) {
        AUTO_FREE char *text = NULL;
        int r;

        r = format_to(&text, "%u", number);
        return r < 0 ? r : xml_set_attribute(element, name, text);
}

static unsigned get_number(const struct xml_element *element, const char *name) {
        const char *text = xml_attribute(element, name);
        unsigned long number = text ? strtoul(text, NULL, 10) : 0;

        return number < UINT16_MAX ? (unsigned)number : 0;
}

static void position_clear(struct xml_position *position) {
        free(position->before);
}

static int take_out_arg(struct xml_element *arg, struct xml_element *record, const char *half) {
        CLEANUP(position_clear) struct xml_position position = {};
        struct xml_element *entry;
        int r;

        r = xml_take_out(arg, &position);
        if (r >= 0)
                r = append_entry(record, "removed-arg", &entry);
        if (r >= 0)
                r = xml_set_attribute(entry, "half", half);
        if (r >= 0)
                r = set_number(entry, "at", position.ordinal);
        if (r >= 0)
                r = set_number(entry, "gap", position.gap);
        if (r >= 0)
                r = xml_set_attribute(entry, "before", position.before);
        return r;
}

static int remove_pairs(const struct definition *definition, struct xml_element *record) {
        struct xml_element *option, *value;
        int r;

        while ((value = find_pair(definition->commandline, &option))) {
                r = take_out_arg(value, record, HALF_VALUE);
                if (r >= 0)
                        r = take_out_arg(option, record, HALF_OPTION);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int put_back_arg(struct definition *definition, const struct xml_element *entry,
                        const char *value, struct xml_element **ret) {
        const char *before = xml_attribute(entry, "before");
        CLEANUP(position_clear)
        struct xml_position position = {
                .ordinal = get_number(entry, "at"),
                .gap = get_number(entry, "gap"),
        };
        int r = 0;

        /* libvirt drops a command line without arguments. */
        if (!definition->commandline)
                r = xml_append_child(definition->domain, QEMU_NAMESPACE, QEMU_PREFIX, "commandline",
                                     &definition->commandline, NULL);
        if (r >= 0)
                r = strdup_to(&position.before, before ? before : "");
        if (r >= 0)
                r = xml_put_back(definition->commandline, QEMU_NAMESPACE, QEMU_PREFIX, "arg",
                                 &position, ret);
        return r < 0 ? r : xml_set_attribute(*ret, "value", value);
}

/* Of all that a record may say, only whole pairs are ever put back, and only where QEMU takes them for one: half of
 * one would change the meaning of other arguments. */
static int put_back_pair(struct definition *definition, const struct xml_element *option_entry,
                         const struct xml_element *value_entry) {
        struct xml_element *option, *value;
        int r;

        r = put_back_arg(definition, option_entry, FORCE_OPTION, &option);
        if (r >= 0)
                r = put_back_arg(definition, value_entry, FORCE_VALUE, &value);
        if (r < 0 || is_pair(definition->commandline, option))
                return r;
        xml_remove_child(value, false);
        xml_remove_child(option, false);
        return 0;
}

/* --- the whole --- */

/* What a record may hold: the arguments of every pair that a command line has room for, and the rest. */
#define ENTRIES_MAX (QEMU_ARGS_MAX + 8)

struct xml_element *record_find(const struct xml_element *domain) {
        return xml_child(xml_child(domain, NULL, "metadata"), RECORD_NAMESPACE, "domain");
}

int record_describe(const struct xml_element *record, char **ret) {
        static const char *const attributes[] = {"verdict", "reason", "rule", "name",
                                                 "set",     "was",    "half"};
        size_t length;
        char *text = NULL;
        FILE *file = open_memstream(&text, &length);

        if (!file)
                return -ENOMEM;
        for (const struct xml_element *entry = record; entry;
             entry = entry == record ? xml_first_child(record) : xml_next(entry)) {
                fputs(xml_name(entry), file);
                for (size_t i = 0; i < ELEMENTS_OF(attributes); i++) {
                        const char *value = xml_attribute(entry, attributes[i]);

                        /* Control characters, which no XML has, part the words. */
                        fprintf(file, "\x1f%s%s", value ? "\x1e" : "", value ? value : "");
                }
                fputc('\x1d', file);
        }
        if (fclose(file) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}

struct revert {
        struct definition definition;
        enum verdict verdict; /* what the record says was decided */
        bool owner_has_pair;  /* put back by its owner since: twice would be once too many */
        bool xsaves_done, xsavec_done; /* one entry each; more are forged */
};

/* Would plan_make() have set a feature to `set`, with that verdict, where it was `was`? */
static bool is_planned(enum verdict verdict, enum cpu_property property, enum feature_policy set,
                       enum feature_policy was) {
        if (verdict == VERDICT_DENY)
                return set == FEATURE_DISABLE && !feature_policy_is_off(was);
        if (property != CPU_XSAVES)
                return false;
        if (set == FEATURE_FORCE)
                return was != FEATURE_FORCE;
        return set == FEATURE_REQUIRE && (was == FEATURE_ABSENT || feature_policy_is_off(was));
}

static int revert_feature_entry(struct revert *revert, const struct xml_element *entry) {
        const char *name = xml_attribute(entry, "name"), *set = xml_attribute(entry, "set"),
                   *was = xml_attribute(entry, "was");
        bool is_xsaves = streq_null(name, "xsaves");
        bool *done = is_xsaves ? &revert->xsaves_done : &revert->xsavec_done;
        enum feature_policy set_policy, was_policy;

        if (*done || !(is_xsaves || streq_null(name, "xsavec")) || !set || !was ||
            feature_policy_from_string(set, &set_policy) < 0 ||
            feature_policy_from_string(was, &was_policy) < 0 ||
            !is_planned(revert->verdict, is_xsaves ? CPU_XSAVES : CPU_XSAVEC, set_policy,
                        was_policy))
                return 0;
        *done = true;
        return revert_feature(&revert->definition, entry, name, was_policy);
}

static bool is_removed(const struct xml_element *entry, const char *half) {
        return entry && xml_is(entry, RECORD_NAMESPACE, "removed-arg") && was(entry, "half", half);
}

/* Takes back one entry, or two that belong together. *ret_next is the one to go on with. */
static int revert_entry(struct revert *revert, struct xml_element *entry,
                        struct xml_element **ret_next) {
        struct xml_element *previous = xml_previous(entry);

        *ret_next = previous;
        if (xml_is(entry, RECORD_NAMESPACE, "feature"))
                return revert_feature_entry(revert, entry);
        if (revert->verdict == VERDICT_GRANT && xml_is(entry, RECORD_NAMESPACE, "force-pair"))
                revert_added_pair(&revert->definition, entry);
        if (revert->verdict == VERDICT_DENY && is_removed(entry, HALF_OPTION) &&
            is_removed(previous, HALF_VALUE)) {
                *ret_next = xml_previous(previous);
                if (!revert->owner_has_pair)
                        return put_back_pair(&revert->definition, entry, previous);
        }
        return 0;
}

static int revert_record(struct xml_element *domain, const struct xml_element *record) {
        struct revert revert = {.definition = definition_of(domain)};
        struct xml_element *option, *entry = xml_last_child(record);
        int r = 0;

        /* Nothing is ever changed, and so recorded, with any other. */
        if (was(record, "verdict", verdict_to_string(VERDICT_GRANT)))
                revert.verdict = VERDICT_GRANT;
        else if (was(record, "verdict", verdict_to_string(VERDICT_DENY)))
                revert.verdict = VERDICT_DENY;
        else
                return 0;

        revert.owner_has_pair = find_pair(revert.definition.commandline, &option);
        for (unsigned n = 0; r >= 0 && entry && n < ENTRIES_MAX; n++)
                r = revert_entry(&revert, entry, &entry);
        return r;
}

int record_revert(struct xml_element *domain) {
        struct xml_element *metadata = xml_child(domain, NULL, "metadata");
        struct xml_element *record = record_find(domain), *next;
        bool created, empty;
        int r;

        if (!record)
                return 0;
        r = revert_record(domain, record);
        if (r < 0)
                return r;

        created = was(record, "metadata", WAS_CREATED);
        empty = was(record, "metadata", WAS_EMPTY);
        /* There is never a second one, unless it is forged. */
        for (; record; record = next, empty = false) {
                next = xml_next(record);
                if (xml_is(record, RECORD_NAMESPACE, "domain"))
                        xml_remove_child(record, empty);
        }
        if (created && xml_is_blank(metadata))
                xml_remove_child(metadata, false);
        return 0;
}

static int open_record(const struct definition *definition, const struct decision *decision,
                       struct xml_element **ret) {
        struct xml_element *metadata = definition->metadata, *record;
        bool created = !metadata, was_empty = false;
        int r = 0;

        if (created)
                r = xml_append_child(definition->domain, NULL, NULL, "metadata", &metadata, NULL);
        if (r >= 0)
                r = xml_append_child(metadata, RECORD_NAMESPACE, RECORD_PREFIX, "domain", &record,
                                     &was_empty);
        if (r >= 0)
                r = xml_set_attribute(record, "verdict", verdict_to_string(decision->verdict));
        if (r >= 0)
                r = xml_set_attribute(record, "reason", reason_to_string(decision->reason));
        if (r >= 0 && decision->guest_rule)
                r = xml_set_attribute(record, "rule", decision->guest_rule->name);
        if (r >= 0 && (created || was_empty))
                r = xml_set_attribute(record, "metadata", created ? WAS_CREATED : WAS_EMPTY);
        if (r < 0)
                return r;

        *ret = record;
        return 0;
}

int record_apply(struct xml_element *domain, const struct decision *decision,
                 const struct plan *plan) {
        struct definition definition = definition_of(domain);
        struct xml_element *record;
        int r;

        r = open_record(&definition, decision, &record);
        if (r >= 0 && plan->xsaves != FEATURE_ABSENT)
                r = set_feature(&definition, record, "xsaves", plan->xsaves);
        if (r >= 0 && plan->xsavec != FEATURE_ABSENT)
                r = set_feature(&definition, record, "xsavec", plan->xsavec);
        if (r >= 0 && plan->pair == PAIR_ADD)
                r = add_pair(&definition, record);
        if (r >= 0 && plan->pair == PAIR_REMOVE)
                r = remove_pairs(&definition, record);
        return r;
}
