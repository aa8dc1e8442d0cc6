/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The administrator's policy: settings, host rules, guest rules. See xsavesd-policy.ini(5). */

#include "core/erratum.h"
#include "core/host.h"

enum policy_default { POLICY_DEFAULT_AUTO, POLICY_DEFAULT_DENY, POLICY_DEFAULT_KEEP };
enum on_drift { ON_DRIFT_REFUSE, ON_DRIFT_ACCEPT };
enum rule_xsaves { RULE_XSAVES_ALLOW, RULE_XSAVES_DENY, RULE_XSAVES_KEEP };
enum assertion { ASSERTION_NONE, ASSERTION_ERRATUM_AWARE, ASSERTION_NEVER_USES_XSAVES };

const char *policy_default_to_string(enum policy_default value);
const char *on_drift_to_string(enum on_drift value);
const char *rule_xsaves_to_string(enum rule_xsaves value);
const char *assertion_to_string(enum assertion value); /* ASSERTION_NONE: "none" */

/* In every matcher: NULL is "not given"; given, one of the globs must match (fnmatch(3)). */
struct host_rule {
        char *name; /* of [host NAME] */
        char *file;
        unsigned line;
        char **hostname, **machine_id, **cpu;
        unsigned errata; /* bit (1 << enum erratum_status) for each status named; 0: not given */
        enum rule_xsaves xsaves; /* allow or deny */
};

struct guest_rule {
        char *name; /* of [guest NAME] */
        char *file;
        unsigned line;
        char **guest_name, **uuid, **os;
        enum rule_xsaves xsaves;
        enum assertion assertion;
        bool hide_xsavec;
};

/* A name or UUID that a guest rule spells out, without a wildcard. */
struct policy_literal {
        const char *text;
        size_t rule; /* its number */
};

struct policy {
        enum policy_default default_verdict;
        bool enforce;
        enum on_drift on_drift;
        char **virt_types;
        struct host_rule *host_rules; /* in the order in which they are tried */
        size_t n_host_rules;
        struct guest_rule *guest_rules;
        size_t n_guest_rules;

        /* For policy_match_guest(). A rule whose names (or else UUIDs) are all spelled out is found by these, in byte
         * order, and each other rule by its number here, in ascending order. */
        struct policy_literal *literals;
        size_t n_literals;
        size_t *glob_rules;
        size_t n_glob_rules;
};

/* What an empty policy says: default auto, enforce, refuse on drift, kvm; no rules. */
struct policy *policy_new_builtin(void);
struct policy *policy_free(struct policy *policy);
DEFINE_CLEANUP(struct policy *, policy_free);
#define AUTO_POLICY CLEANUP(policy_free_p)

/* A guest's name is a file's name (255 bytes), while its OS may be as long as its definition: what fnmatch() takes is not
 * to be up to a guest. Longer than any literal: INI lines end at 199 bytes. */
#define POLICY_VALUE_MAX 1024

bool policy_governs_type(const struct policy *policy, const char *domain_type);

/* The first host rule all of whose matchers match, or NULL. */
const struct host_rule *policy_match_host(const struct policy *policy,
                                          const struct host_facts *facts,
                                          enum erratum_status erratum);

/*
 * The first guest rule all of whose matchers match, or NULL. Any argument may be NULL (the guest has
 * none): a rule that asks for it does then not match. `uuid` is in libvirt's form, lower case. Of a
 * value of more than POLICY_VALUE_MAX bytes the beginning is matched.
 */
const struct guest_rule *policy_match_guest(const struct policy *policy, const char *name,
                                            const char *uuid, const char *os);

/* Once all guest rules are there, and where they stay: prepare policy_match_guest(). */
void policy_sort_guest_rules(struct policy *policy);
