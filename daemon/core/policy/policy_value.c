/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy_value.h"

#include <errno.h>
#include <string.h>

#include "core/policy/policy.h"
#include "core/policy/policy_words.h"

/* Both give 0 or -ENOMEM. */
#define refuse(place, item, ...)                                                                   \
        problems_add((place)->problems, SEVERITY_ERROR, (place)->file, (item)->line, __VA_ARGS__)
#define warn(place, item, ...)                                                                     \
        problems_add((place)->problems, SEVERITY_WARNING, (place)->file, (item)->line, __VA_ARGS__)

/* Set *ret to the number of the value's word; -1: it is none, and that was told. */
static int read_word(struct place *place, const struct ini_item *item, const struct words *words,
                     int *ret) {
        AUTO_FREE char *known = NULL;
        int r;

        *ret = words_find(words, item->value);
        if (*ret >= 0)
                return 0;
        r = words_join(words, &known);
        if (r < 0)
                return r;
        return refuse(place, item, "\"%s\" for %s in [%s]; say %s", item->value, item->key,
                      item->section, known);
}

int policy_read_default(struct place *place, const struct ini_item *item, void *field) {
        int word, r = read_word(place, item, &policy_default_words, &word);

        if (r == 0 && word >= 0)
                *(enum policy_default *)field = (enum policy_default)word;
        return r;
}

int policy_read_on_drift(struct place *place, const struct ini_item *item, void *field) {
        int word, r;

        /* A word of earlier versions, for which an upgrade is not to refuse the whole policy. */
        if (streq(item->value, "restart")) {
                *(enum on_drift *)field = ON_DRIFT_REFUSE;
                return warn(place, item,
                            "\"restart\" for %s in [%s] is read as refuse: no guest is started "
                            "again any more; say refuse or accept",
                            item->key, item->section);
        }
        r = read_word(place, item, &on_drift_words, &word);
        if (r == 0 && word >= 0)
                *(enum on_drift *)field = (enum on_drift)word;
        return r;
}

int policy_read_yes_no(struct place *place, const struct ini_item *item, void *field) {
        static const char *const names[] = {"yes", "no"};
        static const struct words words = {names, ELEMENTS_OF(names)};
        int word, r = read_word(place, item, &words, &word);

        if (r == 0 && word >= 0)
                *(bool *)field = word == 0;
        return r;
}

int policy_read_xsaves(struct place *place, const struct ini_item *item, void *field) {
        int word, r = read_word(place, item, &rule_xsaves_words, &word);

        if (r == 0 && word >= 0)
                *(enum rule_xsaves *)field = (enum rule_xsaves)word;
        return r;
}

/* A host has no definition to be kept as it is. */
int policy_read_host_xsaves(struct place *place, const struct ini_item *item, void *field) {
        struct words words = {rule_xsaves_words.names, RULE_XSAVES_DENY + 1};
        int word, r = read_word(place, item, &words, &word);

        if (r == 0 && word >= 0)
                *(enum rule_xsaves *)field = (enum rule_xsaves)word;
        return r;
}

int policy_read_assertion(struct place *place, const struct ini_item *item, void *field) {
        /* Without the first, "none": who has nothing to assert leaves the key out. */
        struct words words = {assertion_words.names + 1, assertion_words.count - 1};
        int word, r = read_word(place, item, &words, &word);

        if (r == 0 && word >= 0)
                *(enum assertion *)field = (enum assertion)(word + 1);
        return r;
}

static int check_glob(struct place *place, const struct ini_item *item, const char *glob) {
        if (*glob == '#')
                return refuse(place, item,
                              "\"#\" begins no comment behind a value (%s in [%s]); begin it "
                              "with \" ;\"",
                              item->key, item->section);
        if (*glob == '"' || *glob == '\'')
                return warn(place, item,
                            "%s in [%s]: the quote is taken as part of the glob %s; write no "
                            "quotes, and '?' for a blank",
                            item->key, item->section, glob);
        if (strchr(glob, ','))
                return warn(place, item,
                            "%s in [%s]: the comma is taken as part of the glob %s; separate by "
                            "blanks only",
                            item->key, item->section, glob);
        return 0;
}

int policy_read_globs(struct place *place, const struct ini_item *item, void *field) {
        char ***list = field;
        int r;

        r = strv_split(list, item->value);
        if (r < 0)
                return r;
        STRV_FOREACH (glob, *list) {
                r = check_glob(place, item, *glob);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Read globs of a thing whose form is known, and warn of those that match no such thing. */
static int read_checked_globs(struct place *place, const struct ini_item *item, void *field,
                              bool (*may_match)(const char *glob), const char *form) {
        int r;

        r = policy_read_globs(place, item, field);
        if (r < 0)
                return r;
        STRV_FOREACH (glob, *(char ***)field) {
                if (may_match(*glob))
                        continue;
                r = warn(place, item, "%s in [%s]: nothing matches %s; the form is %s", item->key,
                         item->section, *glob, form);
                if (r < 0)
                        return r;
        }
        return 0;
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

int policy_read_cpu_globs(struct place *place, const struct ini_item *item, void *field) {
        return read_checked_globs(place, item, field, may_match_cpu,
                                  "VENDOR-FAMILY-MODEL-STEPPING, decimal");
}

int policy_read_uuid_globs(struct place *place, const struct ini_item *item, void *field) {
        AUTO_FREE char *value = strdup(item->value);
        struct ini_item lower = *item;

        if (!value)
                return -ENOMEM;
        /* As libvirt prints UUIDs. Not tolower(): no locale has a say in this. */
        for (char *c = value; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
        lower.value = value;
        return read_checked_globs(place, &lower, field, may_match_uuid,
                                  "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, hexadecimal");
}

/* virDomainVirtTypeToString(), now or once. A word that is none of them, let through, would leave all guests
 * ungoverned without a sign. */
static bool is_virt_type(const char *word) {
        static const char *const types[] = {"bhyve", "hvf",    "hyperv",    "kqemu", "kvm",  "lxc",
                                            "none",  "openvz", "parallels", "phyp",  "qemu", "test",
                                            "uml",   "vbox",   "vmware",    "vz",    "xen"};

        for (size_t i = 0; i < ELEMENTS_OF(types); i++)
                if (streq(types[i], word))
                        return true;
        return false;
}

int policy_read_virt_types(struct place *place, const struct ini_item *item, void *field) {
        char ***list = field;
        AUTO_STRV char **types = NULL;
        int r;

        r = strv_split(&types, item->value);
        STRV_FOREACH (type, types)
                if (r == 0 && !is_virt_type(*type))
                        r = refuse(place, item,
                                   "\"%s\" for %s in [%s]; say domain types as libvirt names them, "
                                   "such as kvm or qemu",
                                   *type, item->key, item->section);
        if (r < 0)
                return r;
        strv_free(*list);
        *list = STEAL(types);
        return 0;
}

int policy_read_errata(struct place *place, const struct ini_item *item, void *field) {
        AUTO_STRV char **names = NULL;
        unsigned *errata = field;
        int r;

        r = strv_split(&names, item->value);
        STRV_FOREACH (name, names) {
                enum erratum_status status;

                if (r == 0 && erratum_status_from_string(*name, &status) == 0)
                        *errata |= 1U << status;
                else if (r == 0)
                        r = refuse(place, item,
                                   "\"%s\" for %s in [%s]; say one or more of absent, fixed, live",
                                   *name, item->key, item->section);
        }
        return r;
}
