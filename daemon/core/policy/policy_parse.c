/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "core/policy/policy_check.h"
#include "core/policy/policy_rules.h"
#include "core/policy/policy_value.h"
#include "core/policy/policy_words.h"
#include "core/string_map.h"

enum key_kind { KEY_OPTION, KEY_MATCHER, KEY_VERDICT };

struct key {
        const char *name;
        policy_value_reader read;
        size_t field; /* offset in the section's struct */
        enum key_kind kind;
};

struct parser;

struct section {
        const char *name;
        const struct key *keys;
        size_t n_keys;
        int (*start)(struct parser *parser, const struct ini_item *item, const char *name);
        /* The struct that the value of this key goes to. Returns 0 or -ENOMEM. */
        int (*target)(struct parser *parser, const struct ini_item *item, size_t key, void **ret);
        int (*finish)(struct parser *parser);
};

struct origin {
        const char *file; /* NULL: not given yet */
        unsigned line;
};

enum { MAX_SETTINGS = 8 };

struct parser {
        struct place place;
        struct policy *policy;
        struct policy dropped; /* takes the settings that an earlier file gives */
        struct origin settings[MAX_SETTINGS];

        const struct section *section; /* NULL: none yet, or a refused one */
        struct host_rule host;
        struct guest_rule guest;
        unsigned seen;           /* bits 1 << enum key_kind, of this section */
        size_t section_problems; /* the number of problems where it starts */
        size_t section_errors;   /* the number of errors there, and of those of its keys */

        struct string_map host_names, guest_names; /* to numbers of rules */
        size_t first_host_rule, first_guest_rule;  /* of this file */
};

static void parser_clear(struct parser *parser) {
        policy_free(parser->policy);
        strv_free(parser->dropped.virt_types);
        host_rule_clear(&parser->host);
        guest_rule_clear(&parser->guest);
        string_map_clear(&parser->host_names);
        string_map_clear(&parser->guest_names);
}

/* Both give 0 or -ENOMEM. */
#define refuse(parser, line, ...)                                                                  \
        problems_add((parser)->place.problems, SEVERITY_ERROR, (parser)->place.file, line,         \
                     __VA_ARGS__)
#define warn(parser, line, ...)                                                                    \
        problems_add((parser)->place.problems, SEVERITY_WARNING, (parser)->place.file, line,       \
                     __VA_ARGS__)

/* [policy] */

static const struct key policy_keys[] = {
        {"default", policy_read_default, offsetof(struct policy, default_verdict), KEY_OPTION},
        {"enforce", policy_read_yes_no, offsetof(struct policy, enforce), KEY_OPTION},
        {"on-drift", policy_read_on_drift, offsetof(struct policy, on_drift), KEY_OPTION},
        {"virt-types", policy_read_virt_types, offsetof(struct policy, virt_types), KEY_OPTION},
};
_Static_assert(ELEMENTS_OF(policy_keys) <= MAX_SETTINGS, "no room for where a setting was given");

static int policy_start(struct parser *parser, const struct ini_item *item, const char *name) {
        if (!*name)
                return 0;
        parser->section = NULL;
        return refuse(parser, item->line, "[%s]: write [policy], it has no name", item->section);
}

static int policy_target(struct parser *parser, const struct ini_item *item, size_t key,
                         void **ret) {
        struct origin *origin = &parser->settings[key];

        if (!origin->file) {
                *origin = (struct origin){parser->place.file, item->line};
                *ret = parser->policy;
                return 0;
        }
        *ret = &parser->dropped;
        return warn(parser, item->line, "%s in [policy] has no effect: %s:%u gives it already",
                    item->key, origin->file, origin->line);
}

static int policy_finish(UNUSED struct parser *parser) {
        return 0;
}

/* What rules for hosts and rules for guests have in common */

static int rule_start(struct parser *parser, const struct ini_item *item, const char *name,
                      char **rule_name, char **rule_file) {
        int r;

        if (!*name) {
                parser->section = NULL;
                return refuse(parser, item->line, "[%s] without a name; write [%s NAME]",
                              item->section, item->section);
        }
        r = strdup_to(rule_name, name);
        return r < 0 ? r : strdup_to(rule_file, parser->place.file);
}

/* A rule that says nothing, or to nobody, is no rule. */
static int rule_check(struct parser *parser, unsigned line, const char *name, const char *matchers,
                      const char *verdicts) {
        const char *section = parser->section->name;
        int r = 0;

        /* A line of the section could not be read as a key: it may be what seems to be missing. */
        if (parser->place.problems->errors > parser->section_errors)
                return 0;
        if (!(parser->seen & 1U << KEY_MATCHER))
                r = refuse(parser, line, "[%s %s] has no matcher; give one or more of %s", section,
                           name, matchers);
        if (r == 0 && !(parser->seen & 1U << KEY_VERDICT))
                r = refuse(parser, line, "[%s %s] has no xsaves; say xsaves = %s", section, name,
                           verdicts);
        return r;
}

/*
 * Is the name new? Sets *ret_earlier to the number of the rule that has it; SIZE_MAX: none has, and now
 * rule `number` has it.
 */
static int rule_name_add(struct string_map *names, const char *name, size_t number,
                         size_t *ret_earlier) {
        uint64_t hash = string_hash(name, strlen(name));
        const size_t *earlier = string_map_find(names, hash, name, strlen(name));

        *ret_earlier = earlier ? *earlier : SIZE_MAX;
        return earlier ? 0 : string_map_add(names, hash, name, strlen(name), number);
}

static int rule_again(struct parser *parser, unsigned line, const char *name, bool same_file,
                      const char *file, unsigned earlier_line) {
        const char *section = parser->section->name;

        if (same_file)
                return refuse(parser, line,
                              "section [%s %s] again, after line %u; make it one section", section,
                              name, earlier_line);
        return warn(parser, line, "[%s %s] has no effect: %s:%u gives it already", section, name,
                    file, earlier_line);
}

/* [host NAME] */

static const struct key host_keys[] = {
        {"hostname", policy_read_globs, offsetof(struct host_rule, hostname), KEY_MATCHER},
        {"machine-id", policy_read_globs, offsetof(struct host_rule, machine_id), KEY_MATCHER},
        {"cpu", policy_read_cpu_globs, offsetof(struct host_rule, cpu), KEY_MATCHER},
        {"erratum-1386", policy_read_errata, offsetof(struct host_rule, errata), KEY_MATCHER},
        {"xsaves", policy_read_host_xsaves, offsetof(struct host_rule, xsaves), KEY_VERDICT},
};

static int host_start(struct parser *parser, const struct ini_item *item, const char *name) {
        host_rule_clear(&parser->host);
        parser->host.line = item->line;
        return rule_start(parser, item, name, &parser->host.name, &parser->host.file);
}

static int host_target(struct parser *parser, UNUSED const struct ini_item *item, UNUSED size_t key,
                       void **ret) {
        *ret = &parser->host;
        return 0;
}

static int host_finish(struct parser *parser) {
        struct policy *policy = parser->policy;
        struct host_rule *rule = &parser->host;
        size_t earlier = SIZE_MAX;
        int r;

        r = rule_check(parser, rule->line, rule->name,
                       "hostname, machine-id, cpu, erratum-1386 (hostname = * for every host)",
                       "allow or deny");
        if (r == 0)
                r = array_grow(&policy->host_rules, policy->n_host_rules, sizeof(*rule));
        if (r == 0)
                r = rule_name_add(&parser->host_names, rule->name, policy->n_host_rules, &earlier);
        if (r < 0)
                return r;
        if (earlier != SIZE_MAX)
                return rule_again(
                        parser, rule->line, rule->name, earlier >= parser->first_host_rule,
                        policy->host_rules[earlier].file, policy->host_rules[earlier].line);
        policy->host_rules[policy->n_host_rules++] = *rule;
        *rule = (struct host_rule){};
        return 0;
}

/* [guest NAME] */

static const struct key guest_keys[] = {
        {"name", policy_read_globs, offsetof(struct guest_rule, guest_name), KEY_MATCHER},
        {"uuid", policy_read_uuid_globs, offsetof(struct guest_rule, uuid), KEY_MATCHER},
        {"os", policy_read_globs, offsetof(struct guest_rule, os), KEY_MATCHER},
        {"xsaves", policy_read_xsaves, offsetof(struct guest_rule, xsaves), KEY_VERDICT},
        {"guest", policy_read_assertion, offsetof(struct guest_rule, assertion), KEY_OPTION},
        {"hide-xsavec", policy_read_yes_no, offsetof(struct guest_rule, hide_xsavec), KEY_OPTION},
};

static int guest_start(struct parser *parser, const struct ini_item *item, const char *name) {
        guest_rule_clear(&parser->guest);
        parser->guest.line = item->line;
        return rule_start(parser, item, name, &parser->guest.name, &parser->guest.file);
}

static int guest_target(struct parser *parser, UNUSED const struct ini_item *item,
                        UNUSED size_t key, void **ret) {
        *ret = &parser->guest;
        return 0;
}

/* Options that the verdict leaves nothing to do. */
static int guest_check_options(struct parser *parser, const struct guest_rule *rule) {
        int r = 0;

        if (!(parser->seen & 1U << KEY_VERDICT))
                return 0;
        if (rule->hide_xsavec && rule->xsaves == RULE_XSAVES_KEEP)
                r = warn(parser, rule->line,
                         "hide-xsavec in [guest %s] has no effect with xsaves = keep", rule->name);
        if (r == 0 && rule->assertion != ASSERTION_NONE && rule->xsaves != RULE_XSAVES_ALLOW)
                r = warn(parser, rule->line, "guest in [guest %s] has no effect with xsaves = %s",
                         rule->name, rule_xsaves_to_string(rule->xsaves));
        return r;
}

static int guest_finish(struct parser *parser) {
        struct policy *policy = parser->policy;
        struct guest_rule *rule = &parser->guest;
        size_t earlier = SIZE_MAX;
        int r;

        r = rule_check(parser, rule->line, rule->name, "name, uuid, os (name = * for every guest)",
                       "allow, deny or keep");
        if (r == 0)
                r = guest_check_options(parser, rule);
        if (r == 0)
                r = array_grow(&policy->guest_rules, policy->n_guest_rules, sizeof(*rule));
        if (r == 0)
                r = rule_name_add(&parser->guest_names, rule->name, policy->n_guest_rules,
                                  &earlier);
        if (r < 0)
                return r;
        if (earlier != SIZE_MAX)
                return rule_again(
                        parser, rule->line, rule->name, earlier >= parser->first_guest_rule,
                        policy->guest_rules[earlier].file, policy->guest_rules[earlier].line);
        policy->guest_rules[policy->n_guest_rules++] = *rule;
        *rule = (struct guest_rule){};
        return 0;
}

static const struct section sections[] = {
        {"policy", policy_keys, ELEMENTS_OF(policy_keys), policy_start, policy_target,
         policy_finish},
        {"host", host_keys, ELEMENTS_OF(host_keys), host_start, host_target, host_finish},
        {"guest", guest_keys, ELEMENTS_OF(guest_keys), guest_start, guest_target, guest_finish},
};

static int finish_section(struct parser *parser) {
        struct problems *problems = parser->place.problems;
        size_t before = problems->count;
        int r = parser->section ? parser->section->finish(parser) : 0;

        parser->section = NULL;
        /* They have the section's line, which is before those of its keys. */
        problems_move(problems, before, parser->section_problems);
        return r;
}

/* "guest NAME" is section "guest" with the name "NAME", "policy" is "policy" with "". */
static int start_section(struct parser *parser, const struct ini_item *item) {
        static const char blanks[] = " \t";
        size_t length = strcspn(item->section, blanks);
        const char *name = item->section + length;
        int r;

        r = finish_section(parser);
        if (r < 0)
                return r;
        parser->seen = 0;
        parser->section_problems = parser->place.problems->count;
        parser->section_errors = parser->place.problems->errors;
        name += strspn(name, blanks);
        for (size_t i = 0; i < ELEMENTS_OF(sections); i++)
                if (strlen(sections[i].name) == length &&
                    strncmp(sections[i].name, item->section, length) == 0) {
                        parser->section = &sections[i];
                        return sections[i].start(parser, item, name);
                }
        return refuse(parser, item->line,
                      "unknown section [%s]; known sections: [policy], [host NAME], [guest NAME]",
                      item->section);
}

static int refuse_key(struct parser *parser, const struct ini_item *item) {
        const struct section *section = parser->section;
        AUTO_FREE char *known = NULL;
        int r;

        r = strdup_to(&known, section->keys[0].name);
        for (size_t i = 1; r == 0 && i < section->n_keys; i++) {
                AUTO_FREE char *start = STEAL(known);

                r = format_to(&known, "%s, %s", start, section->keys[i].name);
        }
        if (r < 0)
                return r;
        return refuse(parser, item->line, "unknown key \"%s\" in [%s]; known keys: %s", item->key,
                      item->section, known);
}

static int read_key(struct parser *parser, const struct ini_item *item) {
        const struct section *section = parser->section;
        const struct key *key;
        void *target = NULL;
        size_t i;
        int r;

        for (i = 0; i < section->n_keys; i++)
                if (streq(section->keys[i].name, item->key))
                        break;
        if (i == section->n_keys)
                return refuse_key(parser, item);
        key = &section->keys[i];
        parser->seen |= 1U << key->kind;
        if (!*item->value)
                return refuse(parser, item->line,
                              "%s in [%s] has no value; give one or leave it out", item->key,
                              item->section);
        r = section->target(parser, item, i, &target);
        return r < 0 ? r : key->read(&parser->place, item, (char *)target + key->field);
}

/* An ini_item_handler. */
static int read_item(const struct ini_item *item, void *userdata) {
        struct parser *parser = userdata;
        size_t errors_before = parser->place.problems->errors;
        int r = 0;

        if (!item->key)
                return start_section(parser, item);
        if (parser->section)
                r = read_key(parser, item);
        parser->section_errors += parser->place.problems->errors - errors_before;
        return r;
}

static int read_file(struct parser *parser, const struct policy_text *text) {
        int r;

        parser->place.file = text->file;
        parser->first_host_rule = parser->policy->n_host_rules;
        parser->first_guest_rule = parser->policy->n_guest_rules;
        parser->section_problems = parser->place.problems->count;
        r = ini_read(text->file, text->text, text->length, read_item, parser,
                     parser->place.problems);
        if (r == -EFBIG)
                return refuse(parser, 0, "larger than 16 MiB; shorten or divide it");
        return r < 0 ? r : finish_section(parser);
}

static int parser_init(struct parser *parser, struct problems *problems) {
        struct policy *policy = calloc(1, sizeof(*policy));

        if (!policy)
                return -ENOMEM;
        policy->enforce = true;
        parser->place.problems = problems;
        parser->policy = policy;
        return strv_append(&policy->virt_types, "kvm", strlen("kvm"));
}

int policy_parse(const struct policy_text *texts, size_t n_texts, struct problems *problems,
                 struct policy **ret) {
        CLEANUP(parser_clear) struct parser parser = {};
        size_t errors_before = problems->errors;
        struct policy *policy;
        int r;

        r = parser_init(&parser, problems);
        for (size_t i = 0; r == 0 && i < n_texts; i++)
                r = read_file(&parser, &texts[i]);
        if (r < 0)
                return r;
        if (problems->errors > errors_before)
                return 1;

        policy = parser.policy;
        policy_sort_guest_rules(policy);
        policy_check(policy, problems);
        *ret = STEAL(parser.policy);
        return 0;
}
