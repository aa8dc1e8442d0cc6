/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy_parse.h"

#include <search.h>
#include <string.h>

#include "core/memory.h"
#include "core/policy/policy_check.h"
#include "core/policy/policy_value.h"
#include "core/policy/policy_words.h"

#define BLANKS " \t"

enum key_kind { KEY_OPTION, KEY_LIST, KEY_MATCHER /* a list, too */, KEY_VERDICT };

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
        /* Of rules, which have a name (that is taken over); NULL: [policy] */
        void *(*add)(struct policy *policy, char *name, const char *file, unsigned line);
        const char *matchers, *verdicts;      /* for messages */
        void (*check)(struct parser *parser); /* what else there is to check; NULL: nothing */
};

/* Where a rule or a setting was given. */
struct origin {
        const struct section *section;
        const char *name; /* of a rule */
        const char *file; /* NULL: not yet */
        unsigned line;
};

enum { MAX_KEYS = 8 };

struct parser {
        struct place place;
        struct policy *policy;
        struct policy *overridden; /* for what an earlier file gives, which is to be right, too */
        struct origin settings[MAX_KEYS];
        unsigned policy_line;   /* of [policy] in this file */
        void *rules;            /* tree (tsearch(3)) of their origins */
        struct origin *origins; /* all of them */
        size_t n_origins;

        const struct section *section; /* NULL: none yet, or a refused one */
        char *title;                   /* what stands in its brackets */
        unsigned line;
        void *rule; /* that its keys are read into; [policy]: not used */
        unsigned key_lines[MAX_KEYS];
        unsigned seen; /* bits 1 << enum key_kind */
        size_t section_errors; /* the number of errors where it starts, and of those of its keys that could be read */

        const struct key *key; /* that is read; NULL: none, or a refused one */
        void *field;
        unsigned empty_line; /* of a list that has had nothing so far; 0: it is none */
};

static void keep(UNUSED void *origin) {
}

static void parser_clear(struct parser *parser) {
        policy_free(parser->policy);
        policy_free(parser->overridden);
        tdestroy(parser->rules, keep);
        free(parser->origins);
        free(parser->title);
}

#define refuse(parser, line, ...)                                                                  \
        problems_add((parser)->place.problems, SEVERITY_ERROR, (parser)->place.file, line,         \
                     __VA_ARGS__)
#define warn(parser, line, ...)                                                                    \
        problems_add((parser)->place.problems, SEVERITY_WARNING, (parser)->place.file, line,       \
                     __VA_ARGS__)

static const struct key policy_keys[] = {
        {"default", policy_read_default, offsetof(struct policy, default_verdict), KEY_OPTION},
        {"enforce", policy_read_yes_no, offsetof(struct policy, enforce), KEY_OPTION},
        {"on-drift", policy_read_on_drift, offsetof(struct policy, on_drift), KEY_OPTION},
        {"virt-types", policy_read_virt_types, offsetof(struct policy, virt_types), KEY_LIST},
};

static const struct key host_keys[] = {
        {"hostname", policy_read_globs, offsetof(struct host_rule, hostname), KEY_MATCHER},
        {"machine-id", policy_read_globs, offsetof(struct host_rule, machine_id), KEY_MATCHER},
        {"cpu", policy_read_cpu_globs, offsetof(struct host_rule, cpu), KEY_MATCHER},
        {"erratum-1386", policy_read_errata, offsetof(struct host_rule, errata), KEY_MATCHER},
        {"xsaves", policy_read_host_xsaves, offsetof(struct host_rule, xsaves), KEY_VERDICT},
};

static void *add_host_rule(struct policy *policy, char *name, const char *file, unsigned line) {
        struct host_rule *rule;

        xgrow(&policy->host_rules, policy->n_host_rules, sizeof(*rule));
        rule = &policy->host_rules[policy->n_host_rules++];
        *rule = (struct host_rule){.name = name, .file = xstrdup(file), .line = line};
        return rule;
}

static const struct key guest_keys[] = {
        {"name", policy_read_globs, offsetof(struct guest_rule, guest_name), KEY_MATCHER},
        {"uuid", policy_read_uuid_globs, offsetof(struct guest_rule, uuid), KEY_MATCHER},
        {"os", policy_read_globs, offsetof(struct guest_rule, os), KEY_MATCHER},
        {"xsaves", policy_read_xsaves, offsetof(struct guest_rule, xsaves), KEY_VERDICT},
        {"guest", policy_read_assertion, offsetof(struct guest_rule, assertion), KEY_OPTION},
        {"hide-xsavec", policy_read_yes_no, offsetof(struct guest_rule, hide_xsavec), KEY_OPTION},
};

static void *add_guest_rule(struct policy *policy, char *name, const char *file, unsigned line) {
        struct guest_rule *rule;

        xgrow(&policy->guest_rules, policy->n_guest_rules, sizeof(*rule));
        rule = &policy->guest_rules[policy->n_guest_rules++];
        *rule = (struct guest_rule){.name = name, .file = xstrdup(file), .line = line};
        return rule;
}

/* Options that the verdict leaves nothing to do. */
static void check_guest_options(struct parser *parser) {
        const struct guest_rule *rule = parser->rule;

        if (!(parser->seen & 1U << KEY_VERDICT))
                return;
        if (rule->hide_xsavec && rule->xsaves == RULE_XSAVES_KEEP)
                warn(parser, parser->line, "hide-xsavec in [%s] has no effect with xsaves = keep",
                     parser->title);
        if (rule->assertion != ASSERTION_NONE && rule->xsaves != RULE_XSAVES_ALLOW)
                warn(parser, parser->line, "guest in [%s] has no effect with xsaves = %s",
                     parser->title, rule_xsaves_to_string(rule->xsaves));
}

static const struct section sections[] = {
        {"policy", policy_keys, ELEMENTS_OF(policy_keys)},
        {"host", host_keys, ELEMENTS_OF(host_keys), add_host_rule,
         "hostname, machine-id, cpu, erratum-1386 (hostname = * for every host)", "allow or deny"},
        {"guest", guest_keys, ELEMENTS_OF(guest_keys), add_guest_rule,
         "name, uuid, os (name = * for every guest)", "allow, deny or keep", check_guest_options},
};

_Static_assert(ELEMENTS_OF(policy_keys) <= MAX_KEYS && ELEMENTS_OF(host_keys) <= MAX_KEYS &&
                       ELEMENTS_OF(guest_keys) <= MAX_KEYS,
               "no room for where a key was given");

static const struct section *find_section(const char *name, size_t length) {
        for (size_t i = 0; i < ELEMENTS_OF(sections); i++)
                if (is_word(sections[i].name, name, length))
                        return &sections[i];
        return NULL;
}

static const struct key *find_key(const struct section *section, const char *name, size_t length) {
        for (size_t i = 0; i < section->n_keys; i++)
                if (is_word(section->keys[i].name, name, length))
                        return &section->keys[i];
        return NULL;
}

static void finish_key(struct parser *parser) {
        if (parser->empty_line > 0) {
                refuse(parser, parser->empty_line,
                       "%s in [%s] has no value; give one or leave it out", parser->key->name,
                       parser->title);
                parser->section_errors++;
        }
        parser->key = NULL;
        parser->empty_line = 0;
}

static void finish_section(struct parser *parser) {
        const struct section *section = parser->section;

        finish_key(parser);
        parser->section = NULL;
        if (!section || !section->add)
                return;
        /* Unless what seems to be missing may be a line that could not be read as a key. */
        if (parser->place.problems->errors == parser->section_errors) {
                if (!(parser->seen & 1U << KEY_MATCHER))
                        refuse(parser, parser->line, "[%s] has no matcher; give one or more of %s",
                               parser->title, section->matchers);
                if (!(parser->seen & 1U << KEY_VERDICT))
                        refuse(parser, parser->line, "[%s] has no xsaves; expected xsaves = %s",
                               parser->title, section->verdicts);
        }
        if (section->check)
                section->check(parser);
}

static void start_policy(struct parser *parser, const struct ini_item *item) {
        parser->title = xstrdup("policy");
        if (parser->policy_line == 0) {
                parser->policy_line = item->line;
                return;
        }
        refuse(parser, item->line, "section [policy] again, after line %u; make it one section",
               parser->policy_line);
        parser->section = NULL;
}

static int compare_origins(const void *pointer_a, const void *pointer_b) {
        const struct origin *a = pointer_a, *b = pointer_b;

        if (a->section != b->section)
                return a->section < b->section ? -1 : 1;
        return strcmp(a->name, b->name);
}

/* The first origin of a rule with this name; NULL: the name is new. Then it is noted, and is to stay where it is. */
static const struct origin *add_rule_name(struct parser *parser, char *name, unsigned line) {
        struct origin *origin = &parser->origins[parser->n_origins++], **found;

        *origin = (struct origin){parser->section, name, parser->place.file, line};
        found = tsearch(origin, &parser->rules, compare_origins);
        need_memory(found != NULL);
        return *found == origin ? NULL : *found;
}

static void start_rule(struct parser *parser, const struct ini_item *item, const char *name) {
        char *copy = xstrdup(name);
        const struct origin *earlier = add_rule_name(parser, copy, item->line);

        parser->title = xformat("%s %s", parser->section->name, name);
        if (earlier && earlier->file == parser->place.file)
                refuse(parser, item->line, "section [%s] again, after line %u; make it one section",
                       parser->title, earlier->line);
        else if (earlier)
                warn(parser, item->line, "[%s] has no effect: already set at %s:%u", parser->title,
                     earlier->file, earlier->line);
        parser->rule = parser->section->add(earlier ? parser->overridden : parser->policy, copy,
                                            parser->place.file, item->line);
}

/* "guest NAME" is section "guest" with the name "NAME", "policy" is "policy" with "". */
static void start_section(struct parser *parser, const struct ini_item *item) {
        size_t length = strcspn(item->section, BLANKS);
        const char *name = item->section + length + strspn(item->section + length, BLANKS);
        const struct section *section = find_section(item->section, length);

        finish_section(parser);
        free(STEAL(parser->title));
        memset(parser->key_lines, 0, sizeof(parser->key_lines));
        parser->seen = 0;
        parser->section_errors = parser->place.problems->errors;
        parser->line = item->line;
        if (!section) {
                refuse(parser, item->line,
                       "unknown section [%s]; known sections: [policy], [host NAME], [guest NAME]",
                       item->section);
                return;
        }
        if (section->add && !*name) {
                refuse(parser, item->line, "[%s] without a name; write [%s NAME]", section->name,
                       section->name);
                return;
        }
        if (!section->add && *name) {
                refuse(parser, item->line, "[%s]: write [%s], it has no name", item->section,
                       section->name);
                return;
        }
        parser->section = section;
        if (section->add)
                start_rule(parser, item, name);
        else
                start_policy(parser, item);
}

static void refuse_key(struct parser *parser, const struct ini_item *item) {
        const struct section *section = parser->section;
        AUTO_FREE char *known = xstrdup(section->keys[0].name);

        for (size_t i = 1; i < section->n_keys; i++) {
                AUTO_FREE char *start = known;

                known = xformat("%s, %s", start, section->keys[i].name);
        }
        refuse(parser, item->line, "unknown key \"%s\" in [%s]; known keys: %s", item->key,
               item->section, known);
        parser->section_errors++;
}

/* The struct that the value of this key goes to. */
static void *find_fields(struct parser *parser, const struct ini_item *item, size_t key) {
        struct origin *origin = &parser->settings[key];

        if (parser->section->add)
                return parser->rule;
        if (!origin->file) {
                *origin = (struct origin){.file = parser->place.file, .line = item->line};
                return parser->policy;
        }
        warn(parser, item->line, "%s in [policy] has no effect: already set at %s:%u", item->key,
             origin->file, origin->line);
        return parser->overridden;
}

static bool is_list(const struct key *key) {
        return key->kind == KEY_LIST || key->kind == KEY_MATCHER;
}

static void read_value(struct parser *parser, const struct ini_item *item) {
        size_t errors_before = parser->place.problems->errors;

        parser->key->read(&parser->place, item, parser->field);
        parser->section_errors += parser->place.problems->errors - errors_before;
}

static void read_key(struct parser *parser, const struct ini_item *item) {
        const struct key *key = find_key(parser->section, item->key, strlen(item->key));
        size_t number;

        if (!key) {
                refuse_key(parser, item);
                return;
        }
        number = (size_t)(key - parser->section->keys);
        if (parser->key_lines[number] > 0) {
                refuse(parser, item->line, "key \"%s\" again in [%s], after line %u; give it once",
                       key->name, parser->title, parser->key_lines[number]);
                return;
        }
        parser->key_lines[number] = item->line;
        parser->seen |= 1U << key->kind;
        parser->key = key;
        parser->field = (char *)find_fields(parser, item, number) + key->field;
        if (!*item->value)
                parser->empty_line = item->line;
        if (*item->value || is_list(key))
                read_value(parser, item);
}

/* Would this be a key or a section, were it not indented? */
static bool is_known_start(const char *text) {
        size_t length = strcspn(text, BLANKS "=:");
        const char *behind = text + length + strspn(text + length, BLANKS);

        if (*text == '[')
                return find_section(text + 1, strcspn(text + 1, BLANKS "]")) != NULL;
        if (*behind != '=' && *behind != ':')
                return false;
        for (size_t i = 0; i < ELEMENTS_OF(sections); i++)
                if (find_key(&sections[i], text, length))
                        return true;
        return length == 0 || behind > text + length;
}

/* inih takes any indented line as more of the value above. */
static void read_more(struct parser *parser, const struct ini_item *item) {
        const struct key *key = parser->key;

        if (!key)
                return;
        if (!is_list(key)) {
                refuse(parser, item->line,
                       "indented line, but %s is no list; begin it in the first column", key->name);
                return;
        }
        if (is_known_start(item->value)) {
                refuse(parser, item->line,
                       "indented line that looks like a key or a section, but is part of the list "
                       "%s; begin it in the first column",
                       key->name);
                return;
        }
        parser->empty_line = 0;
        read_value(parser, item);
}

static void read_item(const struct ini_item *item, void *userdata) {
        struct parser *parser = userdata;

        if (!item->continues)
                finish_key(parser);
        if (!item->key)
                start_section(parser, item);
        else if (parser->section && item->continues)
                read_more(parser, item);
        else if (parser->section)
                read_key(parser, item);
}

/* At least as many as there are sections. */
static size_t count_brackets(const struct policy_text *texts, size_t n_texts) {
        size_t n = 0;

        for (size_t i = 0; i < n_texts; i++)
                for (size_t k = 0; k < texts[i].length; k++)
                        n += texts[i].text[k] == '[';
        return n;
}

struct policy *policy_parse(const struct policy_text *texts, size_t n_texts,
                            struct problems *problems) {
        CLEANUP(parser_clear)
        struct parser parser = {
                .place.problems = problems,
                .policy = policy_new_builtin(),
                .overridden = policy_new_builtin(),
                .origins = xcalloc(count_brackets(texts, n_texts) + 1, sizeof(*parser.origins))};
        size_t errors_before = problems->errors;

        for (size_t i = 0; i < n_texts; i++) {
                size_t first = problems->count;

                parser.place.file = texts[i].file;
                parser.policy_line = 0;
                ini_read(texts[i].file, texts[i].text, texts[i].length, read_item, &parser,
                         problems);
                finish_section(&parser);
                /* A section lacks something when it is at its end: that has its first line. */
                problems_sort(problems, first);
        }
        if (problems->errors > errors_before)
                return NULL;

        policy_sort_guest_rules(parser.policy);
        policy_check(parser.policy, problems);
        return STEAL(parser.policy);
}
