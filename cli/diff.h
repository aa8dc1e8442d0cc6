/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Unified diffs of two texts. */

#include "cli.h"

/* Nothing where they are equal. Returns 0 or -ENOMEM. */
int diff_print(const struct cli *cli, const char *old_name, const char *new_name,
               const char *old_text, const char *new_text);
