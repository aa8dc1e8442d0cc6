/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/policy_words.h"

#include "core/memory.h"
#include "core/policy/policy.h"

#define WORDS(...)                                                                                 \
        {                                                                                          \
                .names = (const char *const[]){__VA_ARGS__},                                       \
                .count = ELEMENTS_OF(((const char *const[]){__VA_ARGS__})),                        \
        }

const struct words policy_default_words =
        WORDS([POLICY_DEFAULT_AUTO] = "auto", [POLICY_DEFAULT_DENY] = "deny",
              [POLICY_DEFAULT_KEEP] = "keep");

const struct words on_drift_words =
        WORDS([ON_DRIFT_REFUSE] = "refuse", [ON_DRIFT_ACCEPT] = "accept");

const struct words rule_xsaves_words = WORDS(
        [RULE_XSAVES_ALLOW] = "allow", [RULE_XSAVES_DENY] = "deny", [RULE_XSAVES_KEEP] = "keep");

const struct words assertion_words =
        WORDS([ASSERTION_NONE] = "none", [ASSERTION_ERRATUM_AWARE] = "erratum-aware",
              [ASSERTION_NEVER_USES_XSAVES] = "never-uses-xsaves");

int words_find(const struct words *words, const char *text) {
        for (size_t i = 0; i < words->count; i++)
                if (streq(text, words->names[i]))
                        return (int)i;
        return -1;
}

char *words_join(const struct words *words) {
        char *text = xstrdup(words->names[0]);

        for (size_t i = 1; i < words->count; i++) {
                AUTO_FREE char *start = text;

                text = xformat("%s%s%s", start, i + 1 < words->count ? ", " : " or ",
                               words->names[i]);
        }
        return text;
}

const char *policy_default_to_string(enum policy_default value) {
        return policy_default_words.names[value];
}

const char *on_drift_to_string(enum on_drift value) {
        return on_drift_words.names[value];
}

const char *rule_xsaves_to_string(enum rule_xsaves value) {
        return rule_xsaves_words.names[value];
}

const char *assertion_to_string(enum assertion value) {
        return assertion_words.names[value];
}
