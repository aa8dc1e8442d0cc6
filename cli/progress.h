/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A line on stderr that says how far a long work is: on a terminal, and only after a second. */

#include <stdint.h>

#include "core/util.h"

/* Zero-initialize. */
struct progress {
        uint64_t start, last; /* in milliseconds */
        bool shown;
};

void progress_show(struct progress *progress, size_t done, size_t total);
/* Wipes the line away. */
void progress_end(struct progress *progress);
#define AUTO_PROGRESS CLEANUP(progress_end)
