/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/advice.h"

/* libosinfo's ID of Windows Server 2016. */
#define OS_WINDOWS_SERVER_2016 "http://microsoft.com/win/2k16"

int decision_explanation(const struct decision *decision, char **ret) {
        if (decision->forced_along)
                return format_to(ret,
                                 "its CPU feature '%s' is required but not offered here, and would "
                                 "be forced along",
                                 decision->forced_along);
        return strdup_to(ret, reason_explanation(decision->reason));
}

bool decision_leaves_xsavec_alone(const struct judge *judge, const struct guest *guest,
                                  const struct decision *decision) {
        struct guest planned = guest_as_planned(judge, guest, decision);

        return judge_would_see(judge, &planned, CPU_XSAVEC) &&
               !judge_would_see(judge, &planned, CPU_XSAVES);
}

static bool is_windows_server_2016(const struct guest *guest) {
        return streq_null(guest->os_id, OS_WINDOWS_SERVER_2016);
}

const char *decision_note(const struct judge *judge, const struct guest *guest,
                          const struct decision *decision) {
        if (!decision_leaves_xsavec_alone(judge, guest, decision))
                return NULL;
        return is_windows_server_2016(guest)
                       ? "sees XSAVEC without XSAVES: Windows Server 2016 with Hyper-V and two or "
                         "more vCPUs does not boot with that"
                       : "sees XSAVEC without XSAVES";
}

/* Which is safe for any guest. */
static int advise_hiding(const struct guest *guest, const struct decision *decision, char **ret) {
        const char *condition =
                is_windows_server_2016(guest) ? "" : "if it does not work with XSAVEC alone, ";

        if (decision->guest_rule)
                return format_to(ret,
                                 "%sset hide-xsavec = yes in [guest %s], so that it sees neither; "
                                 "or ",
                                 condition, decision->guest_rule->name);
        return format_to(ret,
                         "%sadd a guest rule with xsaves = deny and hide-xsavec = yes, so that it "
                         "sees neither; or ",
                         condition);
}

/* What is to change in the definition, besides what is said of the reason or in its place. NULL: nothing. */
static const char *advise_on_definition(const struct judge *judge, const struct guest *guest,
                                        enum reason reason) {
        if (reason == REASON_DENIED_CUSTOM_CPU_ARGS)
                return NULL;
        if (guest->custom_cpu_args)
                return ", and remove its QEMU arguments that set the CPU";
        if (reason == REASON_DENIED_INACCURATE_FMS && judge_shows_another_vendor(judge, guest))
                return ", and remove vendor_id from its CPU";
        return guest_asks_for_xsaves(guest) ? ", or remove XSAVES from the definition" : NULL;
}

int decision_advice(const struct judge *judge, const struct guest *guest,
                    const struct decision *decision, char **ret) {
        const char *on_definition = advise_on_definition(judge, guest, decision->reason);
        AUTO_FREE char *first = NULL;
        int r = 0;

        if (decision->verdict != VERDICT_DENY)
                return strdup_to(ret, reason_advice(decision->reason));
        if (!guest_args_decide(guest, CPU_XSAVEC) &&
            decision_leaves_xsavec_alone(judge, guest, decision))
                r = advise_hiding(guest, decision, &first);
        if (r < 0)
                return r;
        if (decision->forced_along)
                return format_to(ret, "%sremove CPU feature '%s' from the definition",
                                 first ? first : "", decision->forced_along);
        return format_to(ret, "%s%s%s", first ? first : "", reason_advice(decision->reason),
                         on_definition ? on_definition : "");
}
