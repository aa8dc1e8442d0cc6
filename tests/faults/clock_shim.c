/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* LD_PRELOAD: the wall clock jumps by ten years, forth and back, at every look at it. The monotonic one goes on. */

#include <dlfcn.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#define JUMP_SECONDS (10L * 365 * 24 * 3600)

static time_t jumped(time_t seconds) {
        static unsigned n;

        return __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED) % 2 ? seconds + JUMP_SECONDS
                                                               : seconds - JUMP_SECONDS;
}

int clock_gettime(clockid_t clock, struct timespec *ret) {
        static int (*real)(clockid_t, struct timespec *);
        int r;

        if (!real)
                *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
        r = real(clock, ret);
        if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                ret->tv_sec = jumped(ret->tv_sec);
        return r;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone) {
        struct timespec now;

        (void)zone;
        clock_gettime(CLOCK_REALTIME, &now);
        ret->tv_sec = now.tv_sec;
        ret->tv_usec = now.tv_nsec / 1000;
        return 0;
}

time_t time(time_t *ret) {
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        if (ret)
                *ret = now.tv_sec;
        return now.tv_sec;
}
