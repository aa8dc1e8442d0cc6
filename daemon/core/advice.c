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

int decision_advice(const struct judge *judge, const struct guest *guest,
                    const struct decision *decision, char **ret) {
        AUTO_FREE char *first = NULL;
        bool asks = guest_asks_for_xsaves(guest), can_hide = !guest_args_decide(guest, CPU_XSAVEC);
        int r = 0;

        if (decision->verdict == VERDICT_DENY && can_hide &&
            decision_leaves_xsavec_alone(judge, guest, decision))
                r = advise_hiding(guest, decision, &first);
        if (r < 0)
                return r;
        if (decision->forced_along)
                return format_to(ret, "%sremove CPU feature '%s' from the definition",
                                 first ? first : "", decision->forced_along);
        return format_to(ret, "%s%s%s", first ? first : "", reason_advice(decision->reason),
                         decision->verdict == VERDICT_DENY && asks
                                 ? ", or remove XSAVES from the definition"
                                 : "");
}
