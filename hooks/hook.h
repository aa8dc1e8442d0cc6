/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The hook is an executable that links libc alone, so that the operations it does not judge cost nothing,
 * and two modules that it loads when it needs them. This is what they have in common.
 */

#include <stddef.h>

/* What libvirt calls the hook with, and what came of it so far. */
struct hook_call {
        const char *guest;
        const char *operation, *sub_operation;
        const char *xml; /* no NUL but the one behind its `length` bytes */
        size_t length;
        const char *outage; /* why the daemon cannot be reached; NULL: it has not been asked */
};

enum hook_answer {
        HOOK_ACCEPT,
        HOOK_REFUSE, /* the message is for whoever asked for the start */
        HOOK_OUTAGE, /* no answer from the daemon; the message is why */
};

/*
 * Both modules define it: hook-gate.so asks the daemon, hook-fallback.so answers in its place. *ret_message is
 * owned by the caller; with HOOK_ACCEPT, or when memory is out, it stays as it is.
 */
enum hook_answer hook_ask(const struct hook_call *call, char **ret_message);
typedef enum hook_answer (*hook_ask_function)(const struct hook_call *call, char **ret_message);

#define HOOK_ASK_SYMBOL "hook_ask"
#define HOOK_EXPORT __attribute__((visibility("default")))
