/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hook-fallback.so: answers where the daemon cannot be reached, so that an outage stops no ordinary guest and
 * lets none by that may get XSAVES unvetted. A module of its own because of what loading libxml2 costs.
 */

#include "core/guest.h"
#include "hook.h"
#include "kernel_facts.h"

static enum hook_answer refuse_unreadable(const struct hook_call *call, const char *why,
                                          char **ret_message) {
        format_to(ret_message, "domain '%s': invalid-xml: %s (and the daemon cannot be asked: %s)",
                  call->guest, why, call->outage);
        return HOOK_REFUSE;
}

/*
 * Does the guest ask for XSAVES, as xsavesd-hook(8) has it for an outage? *ret_how says in what way. KVM offers
 * what Linux has to whatever guest does not turn it off.
 */
static bool asks_for_xsaves(const struct guest *guest, const char **ret_how) {
        *ret_how = "asks for XSAVES";
        if (guest_insists_on_xsaves(guest))
                return true;
        *ret_how = "would see XSAVES, which Linux has on this host,";
        return guest_would_see(guest, CPU_XSAVES, NULL, true) && kernel_may_offer_faulty_xsaves("");
}

HOOK_EXPORT enum hook_answer hook_ask(const struct hook_call *call, char **ret_message) {
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        const char *how;
        int r;

        r = guest_parse(&guest, call->xml, call->length, &reason);
        if (r != 0)
                return refuse_unreadable(call, reason ? reason : "out of memory", ret_message);
        if (!asks_for_xsaves(&guest, &how))
                return HOOK_ACCEPT;
        format_to(ret_message,
                  "domain '%s' %s and nobody can say whether it may have it: "
                  "daemon-unreachable: %s; start xsavesd, or turn XSAVES off in its definition",
                  call->guest, how, call->outage);
        return HOOK_REFUSE;
}
