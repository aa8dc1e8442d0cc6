/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's domain capabilities (virConnectGetDomainCapabilities()). */

#include "core/util.h"

/*
 * The CPU model that libvirt expands host-model to; NULL (owned otherwise): it supports none, or names
 * none. Returns 0; -ENOMEM; or 1 with *ret_reason set (owned, one line) for XML that is refused.
 */
int domcaps_host_model(const char *xml, size_t length, char **ret, char **ret_reason);
