/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * INI text, read by inih, with what inih does not tell: the line of each key, and everything that it
 * would cut, merge or skip in silence. Such input is a problem here, never a different value.
 * No other file of the project includes inih.
 */

#include "core/problem.h"

/* One `key = value`, or the start of a section (key and value NULL). Strings live for the call. */
struct ini_item {
        const char *section;
        const char *key;
        const char *value;
        unsigned line;
};

/* Returns 0 to go on, a negative errno to stop. Refused content is added to the problems instead. */
typedef int (*ini_handler)(const struct ini_item *item, void *userdata);

/*
 * Hand each section start and key of `text` (any bytes; `length` of them) to `handler`, in order.
 * A UTF-8 byte order mark and CRLF line ends are accepted. Each of these is an error, with its line, in
 * `problems`: a line of 200 bytes or more (inih's INI_MAX_LINE), a section name of 50 or more
 * (MAX_SECTION), an indented line (inih would take it as more of the value above), a section that
 * the file has had already, a key that its section has had already, a key outside a section, a line
 * that is none of section, key and comment, a NUL byte, bytes that are not UTF-8.
 *
 * Returns 0 when the text was read to its end, with or without problems; -ENOMEM, -EFBIG for a text
 * over 16 MiB, or what the handler returned.
 */
int ini_read(const char *file, const char *text, size_t length, ini_handler handler, void *userdata,
             struct problems *problems);
