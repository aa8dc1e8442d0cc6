/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * hook-fallback.so: answers where the daemon cannot be reached, so that an outage stops no ordinary guest and
 * lets none by that insists on XSAVES unvetted. A module of its own because of what loading libxml2 costs.
 */

#include "core/guest.h"
#include "core/xml.h"
#include "hook.h"

static enum hook_answer refuse_unreadable(const struct hook_call *call, const char *why,
                                          char **ret_message) {
        format_to(ret_message, "domain '%s': invalid-xml: %s (and the daemon cannot be asked: %s)",
                  call->guest, why, call->outage);
        return HOOK_REFUSE;
}

static int read_guest(const struct hook_call *call, struct guest *guest, char **ret_reason) {
        AUTO_XML struct xml_document *document = NULL;
        int r;

        r = xml_parse(call->xml, call->length, &document, ret_reason);
        return r != 0 ? r : guest_read(guest, xml_root(document), ret_reason);
}

HOOK_EXPORT enum hook_answer hook_ask(const struct hook_call *call, char **ret_message) {
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = read_guest(call, &guest, &reason);
        if (r != 0)
                return refuse_unreadable(call, reason ? reason : "out of memory", ret_message);
        if (!guest_insists_on_xsaves(&guest))
                return HOOK_ACCEPT;
        format_to(ret_message,
                  "domain '%s' asks for XSAVES and nobody can say whether it may have it: "
                  "daemon-unreachable: %s; start xsavesd, or take XSAVES out of its definition",
                  call->guest, call->outage);
        return HOOK_REFUSE;
}
