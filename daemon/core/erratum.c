/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/erratum.h"

#include <errno.h>

/*
 * AMD describes the erratum in its revision guides (document 56323: Zen 2 servers), and Linux works around it on all of
 * Zen 1 and Zen 2 (commit b0563468eeac). All of family 17h is one or the other, also those models that bsp_init_amd() in
 * Linux's arch/x86/kernel/cpu/amd.c does not name (AMD 4800S: model 84h). Hygon's family 18h is a Zen 1 core; there is
 * no statement of its vendor, so that it counts as affected.
 */
static const struct {
        const char *vendor;
        unsigned family;
} affected[] = {
        {"AuthenticAMD", 0x17},
        {"HygonGenuine", 0x18},
};

/* The first microcode with the fix: Linux's erratum_1386_microcode[] (commit 29ba89f18952). */
static const struct {
        const char *vendor;
        unsigned family, model, stepping;
        uint32_t microcode;
} fixes[] = {
        {"AuthenticAMD", 0x17, 0x01, 0x2, 0x0800126e},
        {"AuthenticAMD", 0x17, 0x31, 0x0, 0x08301052},
};

static const char *const status_names[] = {
        [ERRATUM_ABSENT] = "absent",
        [ERRATUM_FIXED] = "fixed",
        [ERRATUM_LIVE] = "live",
};

const char *erratum_status_to_string(enum erratum_status status) {
        return status_names[status];
}

int erratum_status_from_string(const char *text, enum erratum_status *ret) {
        for (size_t i = 0; i < ELEMENTS_OF(status_names); i++) {
                if (!streq(text, status_names[i]))
                        continue;
                *ret = (enum erratum_status)i;
                return 0;
        }
        return -EINVAL;
}

static bool is_affected(const struct host_facts *facts) {
        for (size_t i = 0; i < ELEMENTS_OF(affected); i++)
                if (streq(facts->vendor, affected[i].vendor) && facts->family == affected[i].family)
                        return true;
        return false;
}

static bool has_fix(const struct host_facts *facts) {
        /* A hypervisor may report any revision: only the bare machine's own can be believed. */
        if (!facts->microcode_known || facts->virtualized != TRISTATE_NO)
                return false;

        for (size_t i = 0; i < ELEMENTS_OF(fixes); i++)
                if (streq(facts->vendor, fixes[i].vendor) && facts->family == fixes[i].family &&
                    facts->model == fixes[i].model && facts->stepping == fixes[i].stepping)
                        return facts->microcode >= fixes[i].microcode;
        return false;
}

enum erratum_status erratum_1386_status(const struct host_facts *facts) {
        if (!facts->vendor || !is_affected(facts))
                return ERRATUM_ABSENT;
        return has_fix(facts) ? ERRATUM_FIXED : ERRATUM_LIVE;
}
