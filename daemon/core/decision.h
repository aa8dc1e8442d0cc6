/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* (policy, host facts, guest facts) to a decision. decision.c holds the decision table. */

#include "core/cpu_map.h"
#include "core/guest.h"
#include "core/policy/policy.h"

enum verdict {
        VERDICT_KEEP,
        VERDICT_DENY,
        VERDICT_GRANT,
        VERDICT_UNJUDGED, /* none: the definition cannot be judged */
};
enum means { MEANS_NONE, MEANS_NATIVE, MEANS_FORCED };

enum reason {
        REASON_NOT_GOVERNED,
        REASON_KEPT_BY_RULE,
        REASON_KEPT_BY_DEFAULT,
        REASON_DENIED_BY_GUEST_RULE,
        REASON_DENIED_BY_DEFAULT,
        REASON_DENIED_ERRATUM_DEFAULT,
        REASON_DENIED_BY_HOST_RULE,
        REASON_DENIED_NO_HOST_RULE,
        REASON_DENIED_BY_OWNER,
        REASON_DENIED_NO_HARDWARE,
        REASON_GRANTED_NATIVE,
        REASON_DENIED_CUSTOM_CPU_ARGS,
        REASON_DENIED_MASKED_UNKNOWN,
        REASON_DENIED_UNACKNOWLEDGED,
        REASON_DENIED_INACCURATE_FMS,
        REASON_GRANTED_ACKNOWLEDGED,
        REASON_DENIED_CPU_MODE,
        REASON_DENIED_WOULD_FORCE_OTHERS,
        REASON_GRANTED_FORCED,
        REASON_INVALID_XML,
        N_REASONS,
};

const char *verdict_to_string(enum verdict verdict); /* "keep", "deny", "grant", "unjudged" */
const char *means_to_string(enum means means);       /* "none", "native", "forced" */
const char *reason_to_string(enum reason reason);    /* the code, e.g. "denied-no-hardware" */
const char *reason_explanation(enum reason reason);  /* one clause: why */
const char *reason_advice(enum reason reason); /* one clause: what to change for another answer */

/*
 * What is decided against: one policy on one host. What depends on no guest is worked out once, here.
 * Borrows all three; they must outlive it. `map` may be NULL (then no model has a known signature).
 */
struct judge {
        const struct policy *policy;
        const struct host_facts *host;
        const struct cpu_map *map;
        enum erratum_status erratum;
        const struct host_rule *host_rule; /* NULL: none matches */
        bool enforce; /* the policy's: may be overridden to see what enforcing it would do */
};

void judge_init(struct judge *judge, const struct policy *policy, const struct host_facts *host,
                const struct cpu_map *map);

/* Is the hypervisor that runs a domain of this type known to offer XSAVES? What a grant is decided by. */
bool judge_offers_xsaves(const struct judge *judge, const struct guest *guest);

/* May it offer XSAVES (CPU_XSAVEC: XSAVEC), as far as is known? What a denial is to be safe from. */
bool judge_may_offer(const struct judge *judge, const struct guest *guest,
                     enum cpu_property property);

/* Would, or could, a start of the guest here show it XSAVES (CPU_XSAVEC: XSAVEC)? */
bool judge_would_see(const struct judge *judge, const struct guest *guest,
                     enum cpu_property property);

/* Does it show a vendor by <model vendor_id='...'> that is not the host's? */
bool judge_shows_another_vendor(const struct judge *judge, const struct guest *guest);

struct decision {
        enum verdict verdict;
        enum means means;
        enum reason reason;
        bool hide_xsavec; /* and the hypervisor may offer it: XSAVEC is to be hidden */
        const char *
                forced_along; /* of REASON_DENIED_WOULD_FORCE_OTHERS: the feature; borrowed from the guest */
        const struct guest_rule *guest_rule; /* borrowed from the policy; NULL: none matches */
        const struct host_rule *host_rule;   /* NULL: none matches */
};

struct decision judge_decide(const struct judge *judge, const struct guest *guest);

/* In place of a decision on a definition that is refused, or that could not be read: there are no facts of the guest. */
struct decision decision_unjudged(void);

/*
 * The same of what comes to be started: `owned` is the guest as its owner wrote it, by the record of earlier changes,
 * and `actual` as it stands. A record can be forged, so a grant holds only where the guest as it stands is granted
 * too, the policy of its XSAVES feature apart, which may be an earlier change.
 */
struct decision judge_decide_start(const struct judge *judge, const struct guest *owned,
                                   const struct guest *actual);

/* One row of the table as tried on a guest. */
struct decision_step {
        enum reason reason;
        const char *condition; /* the row's condition, in words */
        char *value;           /* owned: what it looked at */
        bool applied;
};

/*
 * The rows in order up to and with the one that applied. Returns their number (at least 1; *ret is an
 * array to be released with decision_steps_free()) or -ENOMEM.
 */
int judge_explain(const struct judge *judge, const struct guest *guest, struct decision_step **ret);
void decision_steps_free(struct decision_step *steps, size_t n_steps);
