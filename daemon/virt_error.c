/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_libvirt.h"

#include <errno.h>

int virt_last_error(const char *tried, char **ret_error) {
        int code = virGetLastErrorCode();
        char *text;

        if (code == VIR_ERR_NO_MEMORY ||
            format_to(&text, "%s: %s", tried, virGetLastErrorMessage()) < 0)
                return -ENOMEM;
        make_one_line(text);
        free(*ret_error);
        *ret_error = text;
        return code == VIR_ERR_NO_DOMAIN ? VIRT_GONE : VIRT_REFUSED;
}
