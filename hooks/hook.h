/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The hook is an executable that links libc alone, so that the operations it does not judge cost nothing,
 * and two modules that it loads when it needs them. This is what they have in common.
 */

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The operation at which it is too late to refuse: libvirt would kill the guest. */
#define HOOK_STARTED "started"

/* What libvirt calls the hook with, and what came of it so far. */
struct hook_call {
        const char *guest;
        const char *operation, *sub_operation;
        const char *xml; /* no NUL but the one behind its `length` bytes */
        size_t length;
        uint64_t deadline;  /* of the daemon's answer, by now_usec() */
        const char *outage; /* why the daemon cannot be reached; NULL: it has not been asked */
};

enum hook_answer {
        HOOK_ACCEPT,
        HOOK_REFUSE, /* the message is for whoever asked for the start */
        HOOK_OUTAGE, /* no answer from the daemon; the message is why */
};

/*
 * Both modules define it: hook-gate.so asks the daemon, hook-fallback.so answers in its place. *ret_message is
 * owned by the caller; with HOOK_ACCEPT, or when memory is out, it stays as it is. HOOK_STARTED is only told to the
 * daemon: HOOK_ACCEPT is then no answer of it.
 */
enum hook_answer hook_ask(const struct hook_call *call, char **ret_message);
typedef enum hook_answer (*hook_ask_function)(const struct hook_call *call, char **ret_message);

#define HOOK_ASK_SYMBOL "hook_ask"
#define HOOK_EXPORT __attribute__((visibility("default")))

static inline uint64_t now_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* Returns 0 or -ETIMEDOUT. */
static inline int time_left(uint64_t deadline, uint64_t *ret) {
        uint64_t now = now_usec();

        if (now >= deadline)
                return -ETIMEDOUT;
        *ret = deadline - now;
        return 0;
}
