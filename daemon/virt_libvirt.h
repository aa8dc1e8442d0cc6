/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's types owned by scope, and its errors turned into the project's. For virt_*.c only. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "core/util.h"

static inline void virt_domain_free_p(virDomainPtr *domain) {
        if (*domain)
                virDomainFree(*domain);
}
#define AUTO_VIRT_DOMAIN CLEANUP(virt_domain_free_p)

/* What becomes of a call, where it is not 0 or -ENOMEM. */
enum virt_outcome {
        VIRT_REFUSED = 1, /* libvirt, or the core, said why not */
        VIRT_GONE,        /* there is no such domain */
        VIRT_AGAIN,       /* somebody changed the domain meanwhile; it is to be converged again */
};

/*
 * libvirt's last error in this thread as an outcome, with *ret_error set (owned, one line: what was tried,
 * and libvirt's words) unless that is -ENOMEM. A text that is there already is replaced.
 */
int virt_last_error(const char *tried, char **ret_error);
