/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * AMD erratum 1386: "XSAVES instruction may fail to save XMM registers to the provided state save
 * area".
 */

#include "core/host.h"

enum erratum_status {
        ERRATUM_ABSENT, /* the CPU never had it */
        ERRATUM_FIXED,  /* its microcode has the fix */
        ERRATUM_LIVE,
};

/* "absent", "fixed", "live" */
const char *erratum_status_to_string(enum erratum_status status);
/* Returns 0 or -EINVAL. */
int erratum_status_from_string(const char *text, enum erratum_status *ret);

enum erratum_status erratum_1386_status(const struct host_facts *facts);
