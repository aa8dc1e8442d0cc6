/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A policy of one or more files, parted by lines "%%"; and then what it says of some guests, which has to
 * be what trying rule after rule with fnmatch() gives.
 */

#include <fnmatch.h>
#include <string.h>

#include "core/policy/policy_parse.h"
#include "fuzz.h"
#include "properties.h"

#define FILES_MAX 4

static const struct {
        const char *name, *uuid, *os;
} guests[] = {
        {NULL, NULL, NULL},
        {"", NULL, NULL},
        {"guest", NULL, NULL},
        {"win2016-a", "6d4b5a86-3a0d-4b5c-9a57-0123456789ab", "http://microsoft.com/win/2k16"},
        {"a", "00000000-0000-0000-0000-000000000000", ""},
        {"other-guest", NULL, "http://debian.org/debian/12"},
        {"b[c]*?\\d", "6d4b5a86-3a0d-4b5c-9a57-0123456789ac", "http://microsoft.com/win/10"},
};

static size_t split(const char *text, size_t length, struct policy_text *files) {
        static const char *const names[FILES_MAX] = {"a.ini", "b.ini", "c.ini", "policy.ini"};
        size_t n = 0;

        while (n < FILES_MAX) {
                const char *end = memmem(text, length, "\n%%\n", 4);
                size_t part = end && n + 1 < FILES_MAX ? (size_t)(end - text) + 1 : length;

                files[n] = (struct policy_text){.file = names[n], text, part};
                n++;
                if (part == length)
                        break;
                text += part + 3;
                length -= part + 3;
        }
        return n;
}

static bool matches(char *const *globs, const char *value) {
        if (!globs)
                return true;
        STRV_FOREACH (glob, globs)
                if (value && fnmatch(*glob, value, 0) == 0)
                        return true;
        return false;
}

static const struct guest_rule *find_rule(const struct policy *policy, const char *name,
                                          const char *uuid, const char *os) {
        for (size_t i = 0; i < policy->n_guest_rules; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i];

                if (matches(rule->guest_name, name) && matches(rule->uuid, uuid) &&
                    matches(rule->os, os))
                        return rule;
        }
        return NULL;
}

static void check_policy(const struct policy *policy) {
        for (size_t i = 0; i < ELEMENTS_OF(guests); i++)
                MUST(policy_match_guest(policy, guests[i].name, guests[i].uuid, guests[i].os) ==
                             find_rule(policy, guests[i].name, guests[i].uuid, guests[i].os),
                     "the first rule that matches is found");
        for (size_t i = 0; i < policy->n_guest_rules; i++) {
                const struct guest_rule *rule = &policy->guest_rules[i];

                MUST(rule->guest_name || rule->uuid || rule->os, "a guest rule has a matcher");
                MUST(fuzz_is_message(rule->name), "a rule's name can be shown");
        }
        for (size_t i = 0; i < policy->n_host_rules; i++)
                MUST(policy->host_rules[i].xsaves != RULE_XSAVES_KEEP, "no host rule keeps");
}

static void rewrite(const struct judge *judge) {
        static const char xml[] = "<domain type='kvm'><name>guest</name>"
                                  "<cpu mode='host-passthrough'/></domain>";
        const char *broken =
                check_properties(judge, &fuzz_bench(1)->judge, xml, sizeof(xml) - 1, NULL);

        if (broken)
                fuzz_fail(broken);
}

static void decide(const struct policy *policy) {
        static char kvm[] = "kvm", name[] = "guest";
        struct guest guest = {.name = name, .type = kvm, .cpu_mode = CPU_MODE_HOST_PASSTHROUGH};

        for (unsigned i = 0; i < 12; i++) {
                const struct bench *bench = fuzz_bench(i);
                struct decision decision;
                struct judge judge;

                judge_init(&judge, policy, bench->host, bench->map);
                decision = judge_decide(&judge, &guest);
                MUST(decision.verdict != VERDICT_GRANT ||
                             (decision.guest_rule && decision.host_rule &&
                              decision.guest_rule->xsaves == RULE_XSAVES_ALLOW &&
                              decision.host_rule->xsaves == RULE_XSAVES_ALLOW),
                     "nothing is granted that two rules do not allow");
                MUST(decision.verdict != VERDICT_GRANT || judge.erratum != ERRATUM_LIVE ||
                             decision.guest_rule->assertion != ASSERTION_NONE,
                     "nothing is granted without an assertion where the erratum is live");
                if (i % 4 == 0)
                        rewrite(&judge);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        CLEANUP(problems_clear) struct problems problems = {};
        AUTO_POLICY struct policy *policy = NULL;
        struct policy_text files[FILES_MAX];
        size_t n = split((const char *)data, size, files);

        policy = policy_parse(files, n, &problems);
        MUST((policy == NULL) == (problems.errors > 0), "what is refused has an error");
        for (size_t i = 0; i < problems.count; i++) {
                AUTO_FREE char *text = NULL;

                text = problem_format(&problems.items[i]);
                MUST(fuzz_is_message(text), "a problem is one line");
        }
        if (policy) {
                check_policy(policy);
                decide(policy);
        }
        return 0;
}
