/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/glob.h"
#include "core/policy/policy_rules.h"
#include "core/rule_index.h"
#include "core/string_map.h"

/* What one rule may cost, in rules and in globs compared: odd policies take no longer than others. */
#define RULE_LIMIT 32
#define GLOB_LIMIT 200
/* Pairs of host rules compared in all. */
#define HOST_RULE_LIMIT 10000

#define warn(problems, rule, ...)                                                                  \
        problems_add(problems, SEVERITY_WARNING, (rule)->file, (rule)->line, __VA_ARGS__)

struct cover {
        const struct guest_rule *rule; /* the later one */
        unsigned left;                 /* of GLOB_LIMIT */
};

static bool covers_glob(char *const *wide, const char *narrow, struct cover *cover) {
        STRV_FOREACH (glob, wide) {
                if (cover->left == 0)
                        return false;
                cover->left--;
                if (glob_covers(*glob, narrow))
                        return true;
        }
        return false;
}

/* A list that is not given matches anything. */
static bool covers_list(char *const *wide, char *const *narrow, struct cover *cover) {
        if (wide && !narrow)
                return false;
        if (wide)
                STRV_FOREACH (glob, narrow)
                        if (!covers_glob(wide, *glob, cover))
                                return false;
        return true;
}

/* A rule_test: does this rule match all that cover->rule matches? */
static bool covers_rule(const struct guest_rule *wide, void *userdata) {
        struct cover *cover = userdata;

        for (enum rule_matcher i = RULE_NAME; i < N_RULE_MATCHERS; i++)
                if (!covers_list(guest_rule_globs(wide, i), guest_rule_globs(cover->rule, i),
                                 cover))
                        return false;
        return true;
}

/*
 * Earlier rules in plain sight: for each matcher the first rule that only says "*" to it, and each
 * text of matchers. They are found however many rules there are.
 */
struct plain_rules {
        size_t any[N_RULE_MATCHERS];
        struct string_map same; /* texts of matchers to numbers of rules */
        char **texts;
        size_t n_texts;
};

static void plain_rules_clear(struct plain_rules *plain) {
        for (size_t i = 0; i < plain->n_texts; i++)
                free(plain->texts[i]);
        free(plain->texts);
        string_map_clear(&plain->same);
}

/* The matcher that is the rule's only one and says "*"; N_RULE_MATCHERS: it is none such. */
static enum rule_matcher only_any(const struct guest_rule *rule) {
        enum rule_matcher only = N_RULE_MATCHERS;

        for (enum rule_matcher i = RULE_NAME; i < N_RULE_MATCHERS; i++) {
                char **globs = guest_rule_globs(rule, i);

                if (!globs)
                        continue;
                if (only != N_RULE_MATCHERS || !strv_contains(globs, "*"))
                        return N_RULE_MATCHERS;
                only = i;
        }
        return only;
}

/* Globs have no blanks and no line ends: the text is the same for the same lists only. */
static int matchers_to_text(const struct guest_rule *rule, char **ret) {
        AUTO_FREE char *name = NULL, *uuid = NULL, *os = NULL;
        int r;

        r = strv_join(&name, rule->guest_name, " ");
        if (r == 0)
                r = strv_join(&uuid, rule->uuid, " ");
        if (r == 0)
                r = strv_join(&os, rule->os, " ");
        return r < 0 ? r : format_to(ret, "%s\n%s\n%s", name, uuid, os);
}

/* Note the rule, and set *ret_earlier to the number of one in plain sight that makes it unreachable. */
static int find_plain(struct plain_rules *plain, const struct policy *policy, size_t number,
                      size_t *ret_earlier) {
        const struct guest_rule *rule = &policy->guest_rules[number];
        enum rule_matcher any = only_any(rule);
        AUTO_FREE char *text = NULL;
        const size_t *same;
        uint64_t hash;
        int r;

        *ret_earlier = number;
        for (enum rule_matcher i = RULE_NAME; i < N_RULE_MATCHERS; i++)
                if (guest_rule_globs(rule, i) && plain->any[i] < *ret_earlier)
                        *ret_earlier = plain->any[i];
        if (any != N_RULE_MATCHERS && plain->any[any] > number)
                plain->any[any] = number;

        r = matchers_to_text(rule, &text);
        if (r < 0)
                return r;
        hash = string_hash(text, strlen(text));
        same = string_map_find(&plain->same, hash, text, strlen(text));
        if (same) {
                if (*same < *ret_earlier)
                        *ret_earlier = *same;
                return 0;
        }
        r = array_grow(&plain->texts, plain->n_texts, sizeof(*plain->texts));
        if (r == 0)
                r = string_map_add(&plain->same, hash, text, strlen(text), number);
        if (r == 0)
                plain->texts[plain->n_texts++] = STEAL(text);
        return r;
}

/* What covers a rule covers the first glob of each of its matchers, and is filed so that it is found. */
static size_t find_cover(const struct policy *policy, size_t number) {
        const struct guest_rule *rule = &policy->guest_rules[number];
        struct cover cover = {.rule = rule, .left = GLOB_LIMIT};
        const char *values[N_RULE_MATCHERS] = {};

        for (enum rule_matcher i = RULE_NAME; i < N_RULE_MATCHERS; i++)
                if (guest_rule_globs(rule, i))
                        values[i] = guest_rule_globs(rule, i)[0];
        return rule_index_find(policy->index, values, number, RULE_LIMIT, covers_rule, &cover);
}

static int check_reached(const struct policy *policy, struct problems *problems) {
        CLEANUP(plain_rules_clear)
        struct plain_rules plain = {.any = {SIZE_MAX, SIZE_MAX, SIZE_MAX}};

        for (size_t i = 0; i < policy->n_guest_rules; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i], *earlier;
                size_t number;
                int r;

                r = find_plain(&plain, policy, i, &number);
                if (r < 0)
                        return r;
                if (number == i)
                        number = find_cover(policy, i);
                if (number == i)
                        continue;
                earlier = &policy->guest_rules[number];
                r = warn(problems, rule,
                         "[guest %s] is never reached: [guest %s] (%s:%u) matches all its guests; "
                         "move it up or remove it",
                         rule->name, earlier->name, earlier->file, earlier->line);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool covers_host_rule(const struct host_rule *wide, const struct host_rule *narrow) {
        struct cover cover = {.left = GLOB_LIMIT};

        return covers_list(wide->hostname, narrow->hostname, &cover) &&
               covers_list(wide->machine_id, narrow->machine_id, &cover) &&
               covers_list(wide->cpu, narrow->cpu, &cover) &&
               (wide->errata == 0 ||
                (narrow->errata != 0 && (narrow->errata & ~wide->errata) == 0));
}

static int check_hosts_reached(const struct policy *policy, struct problems *problems) {
        unsigned left = HOST_RULE_LIMIT;

        for (size_t i = 1; i < policy->n_host_rules; i++) {
                const struct host_rule *rule = &policy->host_rules[i],
                                       *earlier = policy->host_rules;
                int r = 0;

                while (earlier < rule && left > 0 && !covers_host_rule(earlier, rule))
                        earlier++, left--;
                if (earlier < rule && left > 0)
                        r = warn(problems, rule,
                                 "[host %s] is never reached: [host %s] (%s:%u) matches all its "
                                 "hosts; move it up or remove it",
                                 rule->name, earlier->name, earlier->file, earlier->line);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Does a host rule allow XSAVES, on hosts where the erratum may have one of these states? */
static bool allows_on_a_host(const struct policy *policy, unsigned errata) {
        for (size_t i = 0; i < policy->n_host_rules; i++) {
                const struct host_rule *rule = &policy->host_rules[i];

                if (rule->xsaves == RULE_XSAVES_ALLOW &&
                    (rule->errata == 0 || (rule->errata & errata)))
                        return true;
        }
        return false;
}

static int check_allowed(const struct policy *policy, struct problems *problems) {
        bool host_allows = allows_on_a_host(policy, UINT_MAX);
        bool may_be_live = !host_allows || allows_on_a_host(policy, 1U << ERRATUM_LIVE);

        for (size_t i = 0; i < policy->n_guest_rules; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i];
                int r = 0;

                if (rule->xsaves != RULE_XSAVES_ALLOW)
                        continue;
                if (!host_allows) {
                        r = warn(problems, rule,
                                 "[guest %s] allows XSAVES, but no [host] rule does: denied on all "
                                 "hosts; add one with xsaves = allow",
                                 rule->name);
                        host_allows = true; /* said once */
                }
                if (r == 0 && may_be_live && rule->assertion == ASSERTION_NONE)
                        r = warn(problems, rule,
                                 "[guest %s] allows XSAVES without an assertion: denied where "
                                 "erratum 1386 is live; add guest = erratum-aware or "
                                 "never-uses-xsaves",
                                 rule->name);
                if (r < 0)
                        return r;
        }
        return 0;
}

int policy_check(const struct policy *policy, struct problems *problems) {
        int r;

        r = check_hosts_reached(policy, problems);
        if (r >= 0)
                r = check_reached(policy, problems);
        return r < 0 ? r : check_allowed(policy, problems);
}
