/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy_check.h"

#include <limits.h>

/* Each rule is compared with those before it: twice as many rules take four times as long, and the daemon waits. */
#define RULES_COMPARED 1000

#define warn(problems, rule, ...)                                                                  \
        problems_add(problems, SEVERITY_WARNING, (rule)->file, (rule)->line, __VA_ARGS__)

static bool same_globs(char *const *a, char *const *b) {
        while (*a && *b && streq(*a, *b))
                a++, b++;
        return !*a && !*b;
}

/* Does an earlier matcher match whatever a later one does? That of globs which differ is not looked into. */
static bool covers(char *const *earlier, char *const *later) {
        return !earlier || (later && (streq(*earlier, "*") || same_globs(earlier, later)));
}

static bool covers_guest_rule(const struct guest_rule *earlier, const struct guest_rule *later) {
        return covers(earlier->guest_name, later->guest_name) &&
               covers(earlier->uuid, later->uuid) && covers(earlier->os, later->os);
}

static bool covers_host_rule(const struct host_rule *earlier, const struct host_rule *later) {
        return covers(earlier->hostname, later->hostname) &&
               covers(earlier->machine_id, later->machine_id) && covers(earlier->cpu, later->cpu) &&
               (earlier->errata == 0 ||
                (later->errata != 0 && (later->errata & ~earlier->errata) == 0));
}

static void check_guest_rules_reached(const struct policy *policy, struct problems *problems) {
        for (size_t i = 1; i < policy->n_guest_rules && i < RULES_COMPARED; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i],
                                        *earlier = policy->guest_rules;

                while (earlier < rule && !covers_guest_rule(earlier, rule))
                        earlier++;
                if (earlier < rule)
                        warn(problems, rule,
                             "[guest %s] is never reached: [guest %s] (%s:%u) matches all its "
                             "guests; move it up or remove it",
                             rule->name, earlier->name, earlier->file, earlier->line);
        }
}

static void check_host_rules_reached(const struct policy *policy, struct problems *problems) {
        for (size_t i = 1; i < policy->n_host_rules && i < RULES_COMPARED; i++) {
                const struct host_rule *rule = &policy->host_rules[i],
                                       *earlier = policy->host_rules;

                while (earlier < rule && !covers_host_rule(earlier, rule))
                        earlier++;
                if (earlier < rule)
                        warn(problems, rule,
                             "[host %s] is never reached: [host %s] (%s:%u) matches all its "
                             "hosts; move it up or remove it",
                             rule->name, earlier->name, earlier->file, earlier->line);
        }
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

static void check_allowed(const struct policy *policy, struct problems *problems) {
        bool host_allows = allows_on_a_host(policy, UINT_MAX);
        bool may_be_live = !host_allows || allows_on_a_host(policy, 1U << ERRATUM_LIVE);

        for (size_t i = 0; i < policy->n_guest_rules; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i];

                if (rule->xsaves != RULE_XSAVES_ALLOW)
                        continue;
                if (!host_allows) {
                        warn(problems, rule,
                             "[guest %s] allows XSAVES, but no [host] rule does: denied on all "
                             "hosts; add one with xsaves = allow",
                             rule->name);
                        host_allows = true; /* one warning is enough */
                }
                if (may_be_live && rule->assertion == ASSERTION_NONE)
                        warn(problems, rule,
                             "[guest %s] allows XSAVES without an assertion: denied where "
                             "erratum 1386 is live; add guest = erratum-aware or "
                             "never-uses-xsaves",
                             rule->name);
        }
}

void policy_check(const struct policy *policy, struct problems *problems) {
        check_host_rules_reached(policy, problems);
        check_guest_rules_reached(policy, problems);
        check_allowed(policy, problems);
}
