/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A host's facts for people and for programs. */

#include "cli.h"
#include "core/host.h"
#include "json.h"

/* The keys of a facts file with their values as there, and erratum-1386. Returns 0 or -ENOMEM. */
int host_to_json(const struct host_facts *facts, json_t **ret);

/* From such an object, of this program's or of the daemon's making: a few lines. */
void host_print(const struct cli *cli, const json_t *host);
