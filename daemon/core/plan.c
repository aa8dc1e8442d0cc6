/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan.h"

/*
 * Off, where the guest would or could see the feature: its definition asks for it, or the hypervisor
 * offers it and a CPU is chosen. The default CPU has neither XSAVES nor XSAVEC, and libvirt takes no
 * <feature> without a mode or model; one that is written there all the same is turned off in place.
 */
static enum feature_policy hide(const struct guest *guest, enum feature_policy current,
                                bool asked_for, bool offered) {
        bool off = current == FEATURE_DISABLE || current == FEATURE_FORBID;
        bool can_be_set = guest_has_cpu(guest) || current != FEATURE_ABSENT;

        if (off || !can_be_set || !(asked_for || offered))
                return FEATURE_ABSENT;
        return FEATURE_DISABLE;
}

static struct plan plan_deny(const struct judge *judge, const struct guest *guest) {
        return (struct plan){
                .xsaves = hide(guest, guest->xsaves, guest_asks_for_xsaves(guest),
                               judge_offers_xsaves(judge, guest)),
                .pair = guest->force_pair ? PAIR_REMOVE : PAIR_LEAVE,
        };
}

/* host-passthrough and maximum have it unless a <feature> takes it away; a model has it where it says so,
 * and with `optional` libvirt asks for it where the hypervisor offers it (x86UpdateHostModel()). */
static enum feature_policy grant_native(const struct guest *guest) {
        bool off = guest->xsaves == FEATURE_DISABLE || guest->xsaves == FEATURE_FORBID;

        switch (guest->cpu_mode) {
        case CPU_MODE_NONE:
                return FEATURE_ABSENT;
        case CPU_MODE_HOST_PASSTHROUGH:
        case CPU_MODE_MAXIMUM:
                return off ? FEATURE_REQUIRE : FEATURE_ABSENT;
        case CPU_MODE_CUSTOM:
        case CPU_MODE_HOST_MODEL:
                break;
        }
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

bool plan_touches_xsaves(const struct plan *plan) {
        return plan->xsaves != FEATURE_ABSENT || plan->pair != PAIR_LEAVE;
}

bool plan_is_empty(const struct plan *plan) {
        return !plan_touches_xsaves(plan) && plan->xsavec == FEATURE_ABSENT;
}
