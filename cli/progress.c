/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <time.h>
#include <unistd.h>

#define QUIET_MSEC 1000
#define PAUSE_MSEC 100

static uint64_t now_msec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void progress_show(struct progress *progress, size_t done, size_t total) {
        uint64_t now = now_msec();

        if (progress->start == 0)
                progress->start = now;
        if (now - progress->start < QUIET_MSEC || now - progress->last < PAUSE_MSEC ||
            !isatty(STDERR_FILENO))
                return;
        fprintf(stderr, "\r%zu of %zu", done, total);
        progress->last = now;
        progress->shown = true;
}

void progress_end(struct progress *progress) {
        if (progress->shown)
                fputs("\r\033[K", stderr);
        progress->shown = false;
}
