/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan.h"

/*
 * Off, where the guest would or could see the feature: its definition asks for it, or the hypervisor may
 * offer it and a CPU is chosen. The default CPU has neither XSAVES nor XSAVEC, and libvirt takes no
 * <feature> without a mode or model; one that is written there all the same is turned off in place. Where the owner's
 * arguments replace the CPU, a <feature> changes nothing.
 */
static enum feature_policy hide(const struct guest *guest, enum feature_policy current,
                                bool asked_for, bool offered) {
        bool can_be_set = guest_has_cpu(guest) || current != FEATURE_ABSENT;

        if (guest->args_model || feature_policy_is_off(current) || !can_be_set ||
            !(asked_for || offered))
                return FEATURE_ABSENT;
        return FEATURE_DISABLE;
}

static struct plan plan_deny(const struct judge *judge, const struct guest *guest) {
        bool asked_for = feature_policy_is_on(guest->xsaves) || guest->xsaves == FEATURE_OPTIONAL ||
                         guest->force_pair || guest->args_global[CPU_XSAVES] == SETTING_ON;

        return (struct plan){
                .xsaves = hide(guest, guest->xsaves, asked_for,
                               judge_may_offer(judge, guest, CPU_XSAVES)),
                .pair = guest->force_pair ? PAIR_REMOVE : PAIR_LEAVE,
        };
}

/* host-passthrough and maximum have it unless a <feature> takes it away; a model has it where it says so,
 * and with `optional` libvirt asks for it where the hypervisor offers it (x86UpdateHostModel()). What the owner's
 * arguments make of it is left to them. */
static enum feature_policy grant_native(const struct guest *guest) {
        bool off = feature_policy_is_off(guest->xsaves);

        if (!guest_has_cpu(guest) || guest_args_decide(guest, CPU_XSAVES))
                return FEATURE_ABSENT;
        if (guest_has_cpu_of_host(guest))
                return off ? FEATURE_REQUIRE : FEATURE_ABSENT;
        return off || guest->xsaves == FEATURE_ABSENT ? FEATURE_REQUIRE : FEATURE_ABSENT;
}

static struct plan plan_grant(const struct guest *guest, enum means means) {
        if (means == MEANS_NATIVE)
                return (struct plan){.xsaves = grant_native(guest)};
        return (struct plan){
                .xsaves = guest->xsaves == FEATURE_FORCE ? FEATURE_ABSENT : FEATURE_FORCE,
                .pair = guest->force_pair ? PAIR_LEAVE : PAIR_ADD,
        };
}

struct plan plan_make(const struct judge *judge, const struct guest *guest,
                      const struct decision *decision) {
        struct plan plan = {};

        if (decision->verdict == VERDICT_GRANT)
                return plan_grant(guest, decision->means);
        if (decision->verdict == VERDICT_DENY)
                plan = plan_deny(judge, guest);
        if (decision->hide_xsavec)
                plan.xsavec = hide(guest, guest->xsavec, false, true);
        return plan;
}

struct guest guest_as_planned(const struct judge *judge, const struct guest *guest,
                              const struct decision *decision) {
        struct plan plan = plan_make(judge, guest, decision);
        struct guest planned = *guest;

        if (plan.xsaves != FEATURE_ABSENT)
                planned.xsaves = plan.xsaves;
        if (plan.xsavec != FEATURE_ABSENT)
                planned.xsavec = plan.xsavec;
        if (plan.pair != PAIR_LEAVE) {
                planned.force_pair = plan.pair == PAIR_ADD;
                planned.args_global[CPU_FORCE_FEATURES] =
                        planned.force_pair ? SETTING_ON : SETTING_NONE;
        }
        return planned;
}

bool plan_touches_xsaves(const struct plan *plan) {
        return plan->xsaves != FEATURE_ABSENT || plan->pair != PAIR_LEAVE;
}

bool plan_is_empty(const struct plan *plan) {
        return !plan_touches_xsaves(plan) && plan->xsavec == FEATURE_ABSENT;
}
