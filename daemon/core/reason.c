/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/decision.h"

static const char *const verdicts[] = {
        [VERDICT_KEEP] = "keep",
        [VERDICT_DENY] = "deny",
        [VERDICT_GRANT] = "grant",
        [VERDICT_UNJUDGED] = "unjudged",
};

static const char *const all_means[] = {
        [MEANS_NONE] = "none",
        [MEANS_NATIVE] = "native",
        [MEANS_FORCED] = "forced",
};

/* Each reason: its code, why (a clause), and what to change for another answer (a clause). */
static const struct {
        const char *code, *explanation, *advice;
} reasons[N_REASONS] = {
        [REASON_NOT_GOVERNED] = {"not-governed",
                                 "this domain type or architecture is not governed by the policy",
                                 "name the domain type in virt-types to have it governed"},
        [REASON_KEPT_BY_RULE] = {"kept-by-rule", "the guest rule says keep",
                                 "change the guest rule's xsaves to allow or deny"},
        [REASON_KEPT_BY_DEFAULT] = {"kept-by-default",
                                    "no guest rule matches and the default keeps",
                                    "add a guest rule that matches it"},
        [REASON_DENIED_BY_GUEST_RULE] = {"denied-by-guest-rule", "the guest rule says deny",
                                         "change the guest rule"},
        [REASON_DENIED_BY_DEFAULT] = {"denied-by-default",
                                      "no guest rule matches and the default denies",
                                      "add a guest rule that allows it"},
        [REASON_DENIED_ERRATUM_DEFAULT] =
                {"denied-erratum-default",
                 "no guest rule matches and erratum 1386 is live on this host",
                 "add a guest rule that allows it and asserts why that is safe"},
        [REASON_DENIED_BY_HOST_RULE] = {"denied-by-host-rule", "the host rule says deny",
                                        "change the host rule, or run the guest on another host"},
        [REASON_DENIED_NO_HOST_RULE] = {"denied-no-host-rule", "no host rule allows this host",
                                        "add a host rule that matches this host"},
        [REASON_DENIED_BY_OWNER] = {"denied-by-owner", "its own definition turns XSAVES off",
                                    "remove the CPU feature xsaves from the definition"},
        [REASON_DENIED_NO_HARDWARE] = {"denied-no-hardware", "the host's CPU has no XSAVES",
                                       "run the guest on a host whose CPU has it"},
        [REASON_GRANTED_NATIVE] = {"granted-native",
                                   "the hypervisor offers XSAVES and erratum 1386 is not live here",
                                   "change the guest rule to deny it"},
        [REASON_DENIED_CUSTOM_CPU_ARGS] =
                {"denied-custom-cpu-args", "its own QEMU arguments set the CPU",
                 "remove the CPU arguments from <qemu:commandline> and <qemu:override>"},
        [REASON_DENIED_MASKED_UNKNOWN] =
                {"denied-masked-unknown",
                 "the hypervisor does not offer XSAVES and erratum 1386 is not "
                 "the reason",
                 "find out what hides XSAVES on this host (kernel parameters, "
                 "outer hypervisor)"},
        [REASON_DENIED_UNACKNOWLEDGED] =
                {"denied-unacknowledged", "erratum 1386 is live and the guest rule asserts nothing",
                 "assert guest = erratum-aware or never-uses-xsaves in the guest "
                 "rule if that is true of the guest"},
        [REASON_DENIED_INACCURATE_FMS] =
                {"denied-inaccurate-fms",
                 "an erratum-aware guest must see the host's own family, model "
                 "and stepping",
                 "give it CPU mode host-passthrough"},
        [REASON_GRANTED_ACKNOWLEDGED] =
                {"granted-acknowledged",
                 "the hypervisor offers XSAVES and the guest rule asserts that it "
                 "is safe",
                 "change the guest rule to deny it"},
        [REASON_DENIED_CPU_MODE] =
                {"denied-cpu-mode",
                 "XSAVES can be forced only with CPU mode host-passthrough or maximum "
                 "on x86_64",
                 "give it CPU mode host-passthrough"},
        [REASON_DENIED_WOULD_FORCE_OTHERS] =
                {"denied-would-force-others",
                 "another CPU feature that is required but not offered would "
                 "be forced along",
                 "remove that feature from the definition"},
        [REASON_GRANTED_FORCED] =
                {"granted-forced",
                 "the hypervisor does not offer XSAVES and it is forced, as the policy "
                 "asserts that it is safe",
                 "change the guest rule to deny it"},
        [REASON_INVALID_XML] = {"invalid-xml", "its definition cannot be judged",
                                "fix in the definition what the error names"},
};

struct decision decision_unjudged(void) {
        return (struct decision){
                .verdict = VERDICT_UNJUDGED,
                .means = MEANS_NONE,
                .reason = REASON_INVALID_XML,
        };
}

const char *verdict_to_string(enum verdict verdict) {
        return verdicts[verdict];
}

const char *means_to_string(enum means means) {
        return all_means[means];
}

const char *reason_to_string(enum reason reason) {
        return reasons[reason].code;
}

const char *reason_explanation(enum reason reason) {
        return reasons[reason].explanation;
}

const char *reason_advice(enum reason reason) {
        return reasons[reason].advice;
}
