/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy_value.h"

#include <string.h>

#include "core/memory.h"
#include "core/policy/policy.h"
#include "core/policy/policy_words.h"

#define refuse(place, item, ...)                                                                   \
        problems_add((place)->problems, SEVERITY_ERROR, (place)->file, (item)->line, __VA_ARGS__)
#define warn(place, item, ...)                                                                     \
        problems_add((place)->problems, SEVERITY_WARNING, (place)->file, (item)->line, __VA_ARGS__)

/* The number of the value's word, or -1. */
static int read_word(struct place *place, const struct ini_item *item, const struct words *words) {
        AUTO_FREE char *known = words_join(words);
        int word = words_find(words, item->value);

        if (word < 0)
                refuse(place, item, "\"%s\" for %s in [%s]; expected %s", item->value, item->key,
                       item->section, known);
        return word;
}

void policy_read_default(struct place *place, const struct ini_item *item, void *field) {
        int word = read_word(place, item, &policy_default_words);

        if (word >= 0)
                *(enum policy_default *)field = (enum policy_default)word;
}

void policy_read_on_drift(struct place *place, const struct ini_item *item, void *field) {
        int word;

        /* A word of earlier versions, for which an upgrade is not to refuse the whole policy. */
        if (streq(item->value, "restart")) {
                *(enum on_drift *)field = ON_DRIFT_REFUSE;
                warn(place, item,
                     "\"restart\" for %s in [%s] is read as refuse: no guest is started again any "
                     "more; expected refuse or accept",
                     item->key, item->section);
                return;
        }
        word = read_word(place, item, &on_drift_words);
        if (word >= 0)
                *(enum on_drift *)field = (enum on_drift)word;
}

void policy_read_yes_no(struct place *place, const struct ini_item *item, void *field) {
        static const char *const names[] = {"yes", "no"};
        static const struct words words = {names, ELEMENTS_OF(names)};
        int word = read_word(place, item, &words);

        if (word >= 0)
                *(bool *)field = word == 0;
}

void policy_read_xsaves(struct place *place, const struct ini_item *item, void *field) {
        int word = read_word(place, item, &rule_xsaves_words);

        if (word >= 0)
                *(enum rule_xsaves *)field = (enum rule_xsaves)word;
}

/* A host has no definition to be kept as it is. */
void policy_read_host_xsaves(struct place *place, const struct ini_item *item, void *field) {
        struct words words = {rule_xsaves_words.names, RULE_XSAVES_DENY + 1};
        int word = read_word(place, item, &words);

        if (word >= 0)
                *(enum rule_xsaves *)field = (enum rule_xsaves)word;
}

void policy_read_assertion(struct place *place, const struct ini_item *item, void *field) {
        /* Without the first, "none": who has nothing to assert leaves the key out. */
        struct words words = {assertion_words.names + 1, assertion_words.count - 1};
        int word = read_word(place, item, &words);

        if (word >= 0)
                *(enum assertion *)field = (enum assertion)(word + 1);
}

static void check_glob(struct place *place, const struct ini_item *item, const char *glob) {
        if (*glob == '#')
                refuse(place, item,
                       "\"#\" begins no comment behind a value (%s in [%s]); begin it with \" ;\"",
                       item->key, item->section);
        else if (*glob == '"' || *glob == '\'')
                warn(place, item,
                     "%s in [%s]: the quote is taken as part of the glob %s; write no quotes, and "
                     "'?' for a blank",
                     item->key, item->section, glob);
        else if (strchr(glob, ','))
                warn(place, item,
                     "%s in [%s]: the comma is taken as part of the glob %s; separate by blanks "
                     "only",
                     item->key, item->section, glob);
}

/* Add the words of the line to the list. Returns where they begin in it. */
static char **append_words(char ***list, const char *line) {
        AUTO_STRV char **words = NULL;
        size_t n = strv_length(*list);

        need_memory(strv_split(&words, line) == 0);
        STRV_FOREACH (word, words)
                need_memory(strv_append(list, *word, strlen(*word)) == 0);
        return *list ? *list + n : NULL;
}

void policy_read_globs(struct place *place, const struct ini_item *item, void *field) {
        STRV_FOREACH (glob, append_words(field, item->value))
                check_glob(place, item, *glob);
}

/* What one of a few common mistakes makes of a glob. Brackets are not looked into. */
static bool may_match_cpu(const char *glob) {
        const char *numbers = strchr(glob, '-');
        size_t n_dashes = 0;

        if (strpbrk(glob, "[\\"))
                return true;
        if (numbers && (numbers == glob || numbers[strspn(numbers, "-0123456789*?")]))
                return false;
        for (const char *c = glob; *c; c++)
                n_dashes += *c == '-';
        return n_dashes == 3 || (n_dashes < 3 && strpbrk(glob, "*?"));
}

static bool may_match_uuid(const char *glob) {
        if (strpbrk(glob, "[\\"))
                return true;
        return glob[strspn(glob, "-0123456789abcdef*?")] == '\0' &&
               (strchr(glob, '*') || strlen(glob) == 36);
}

/* Read globs of a thing whose form is known, and warn of those that match no such thing. */
static void read_checked_globs(struct place *place, const struct ini_item *item, void *field,
                               bool (*may_match)(const char *glob), const char *form) {
        STRV_FOREACH (glob, append_words(field, item->value)) {
                check_glob(place, item, *glob);
                if (!may_match(*glob))
                        warn(place, item, "%s in [%s]: nothing matches %s; the form is %s",
                             item->key, item->section, *glob, form);
        }
}

void policy_read_cpu_globs(struct place *place, const struct ini_item *item, void *field) {
        read_checked_globs(place, item, field, may_match_cpu,
                           "VENDOR-FAMILY-MODEL-STEPPING, decimal");
}

void policy_read_uuid_globs(struct place *place, const struct ini_item *item, void *field) {
        AUTO_FREE char *value = xstrdup(item->value);
        struct ini_item lower = *item;

        /* As libvirt prints UUIDs. Not tolower(): this depends on no locale. */
        for (char *c = value; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        lower.value = value;
        read_checked_globs(place, &lower, field, may_match_uuid,
                           "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, hexadecimal");
}

/* virDomainVirtTypeToString(), now or once. A word that is none of them, let through, would leave all guests
 * ungoverned silently. */
static bool is_virt_type(const char *word) {
        static const char *const types[] = {"bhyve", "hvf",    "hyperv",    "kqemu", "kvm",  "lxc",
                                            "none",  "openvz", "parallels", "phyp",  "qemu", "test",
                                            "uml",   "vbox",   "vmware",    "vz",    "xen"};

        return is_among(word, types, ELEMENTS_OF(types));
}

void policy_read_virt_types(struct place *place, const struct ini_item *item, void *field) {
        char ***list = field;

        /* The built-in one, which this replaces. */
        if (!item->continues)
                *list = strv_free(*list);
        STRV_FOREACH (type, append_words(list, item->value))
                if (!is_virt_type(*type))
                        refuse(place, item,
                               "\"%s\" for %s in [%s]; expected domain types as libvirt names "
                               "them, "
                               "such "
                               "as kvm or qemu",
                               *type, item->key, item->section);
}

void policy_read_errata(struct place *place, const struct ini_item *item, void *field) {
        AUTO_STRV char **names = NULL;
        unsigned *errata = field;

        append_words(&names, item->value);
        STRV_FOREACH (name, names) {
                enum erratum_status status;

                if (erratum_status_from_string(*name, &status) == 0)
                        *errata |= 1U << status;
                else
                        refuse(place, item,
                               "\"%s\" for %s in [%s]; expected one or more of absent, fixed, live",
                               *name, item->key, item->section);
        }
}
