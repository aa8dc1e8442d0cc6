/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/definition.h"

#include <string.h>

#include "core/plan.h"
#include "core/qemu_args.h"
#include "core/record.h"
#include "core/xml.h"

struct next_start next_start_of(const struct judge *judge, const struct guest *guest) {
        return (struct next_start){
                .xsaves = judge_would_see(judge, guest, CPU_XSAVES),
                .xsavec = judge_would_see(judge, guest, CPU_XSAVEC),
        };
}

struct guest rewritten_guest(const struct judge *judge, const struct rewritten *rewritten) {
        return guest_as_planned(judge, &rewritten->guest, &rewritten->decision);
}

struct next_start next_start_rewritten(const struct judge *judge,
                                       const struct rewritten *rewritten) {
        struct guest guest = rewritten_guest(judge, rewritten);

        return next_start_of(judge, &guest);
}

struct next_start next_start_past_gate(const struct judge *judge, const struct guest *actual,
                                       const struct rewritten *rewritten) {
        struct next_start now = next_start_of(judge, actual);
        struct next_start in_line = next_start_rewritten(judge, rewritten);
        enum verdict verdict = rewritten->decision.verdict;
        bool unsafe = verdict == VERDICT_DENY && now.xsaves;
        bool drifts = verdict == VERDICT_GRANT && in_line.xsaves && !now.xsaves &&
                      judge->policy->on_drift == ON_DRIFT_REFUSE;

        return judge->enforce && (unsafe || drifts) ? in_line : now;
}

/* --- what libvirt stored --- */

struct owned {
        struct guest guest; /* with what xsavesd did */
        char *text;         /* without it */
};

static void owned_clear(struct owned *owned) {
        guest_clear(&owned->guest);
        free(owned->text);
}

/* Drop white space, and the binding of QEMU's prefix: libvirt puts that on the root of whatever has a
 * <qemu:commandline>, where it stays when the element is taken out again. In place. */
static void squeeze(char *text) {
        static const char binding[] = "xmlns:" QEMU_PREFIX "=\"" QEMU_NAMESPACE "\"";
        char *end = text;

        while (*text) {
                if (strchr(" \t\r\n", *text))
                        text++;
                else if (strncmp(text, binding, sizeof(binding) - 1) == 0)
                        text += sizeof(binding) - 1;
                else
                        *end++ = *text++;
        }
        *end = '\0';
}

/* As guest_read(), also for a text that is refused: that is like no other. */
static int read_owned(const char *xml, size_t length, struct owned *ret) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *reason = NULL;
        int r;

        r = xml_parse(xml, length, &document, &reason);
        if (r == 0)
                r = guest_read(&ret->guest, xml_root(document), &reason);
        if (r == 0)
                r = record_revert(xml_root(document));
        if (r == 0)
                r = xml_serialize(document, &ret->text, &length);
        if (r == 0)
                squeeze(ret->text);
        return r;
}

int definition_is_stored(const char *written, size_t written_length, const char *stored,
                         size_t stored_length) {
        CLEANUP(owned_clear) struct owned a = {}, b = {};
        int r;

        r = read_owned(written, written_length, &a);
        if (r == 0)
                r = read_owned(stored, stored_length, &b);
        if (r != 0)
                return r < 0 ? r : 0;
        return a.guest.xsaves == b.guest.xsaves && a.guest.xsavec == b.guest.xsavec &&
               streq(a.text, b.text);
}
