/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The log of the daemon: the journal with fields where there is one, else stderr. Thread-safe. */

#include <syslog.h>

#include "core/util.h"

/* Message IDs of the entries that others rely on (see docs, and systemd's journal catalog). */
#define LOG_ID_DECISION "5b1f6d8a3f0c4c0f9d1e6e3b7a2c4d10"
#define LOG_ID_REDEFINED "8f7c2b1e9d3a4e55b0c6d7e8f9a01b22"
#define LOG_ID_POLICY_LOADED "c3d9a7b5e1f24862a0b4c6d8e0f21334"
#define LOG_ID_POLICY_REFUSED "1a2f3c4d5e6b47889c0d1e2f3a4b5c46"
#define LOG_ID_LOST_EDIT "e7d6c5b4a39248f1807f6e5d4c3b2a58"

/* A field of an entry: NAME (upper case) and text; a NULL text leaves the field out. */
struct log_field {
        const char *name;
        const char *value;
};

/*
 * One entry. `priority` is syslog's; `message_id` may be NULL; `fields` ends with a NULL name and may be NULL.
 * The message is one line, without a final newline.
 */
void log_entry(int priority, const char *message_id, const struct log_field *fields,
               const char *format, ...) PRINTF_FORMAT(4, 5);

#define log_error(...) log_entry(LOG_ERR, NULL, NULL, __VA_ARGS__)
#define log_warning(...) log_entry(LOG_WARNING, NULL, NULL, __VA_ARGS__)
#define log_notice(...) log_entry(LOG_NOTICE, NULL, NULL, __VA_ARGS__)
#define log_info(...) log_entry(LOG_INFO, NULL, NULL, __VA_ARGS__)
#define log_debug(...) log_entry(LOG_DEBUG, NULL, NULL, __VA_ARGS__)
