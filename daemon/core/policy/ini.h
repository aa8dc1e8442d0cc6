/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * INI text, read by inih, with what inih does not report: the line of each key, and everything that it would cut, merge or
 * skip silently. Such input is a problem here, never a different value. No other file of the project includes inih.
 */

#include "core/problem.h"

/* One `key = value`, or the start of a section (key and value NULL). Strings live for the call. */
struct ini_item {
        const char *section;
        const char *key;
        const char *value; /* without the blanks around it and a comment behind it; may be empty */
        unsigned line;
        bool continues; /* an indented line: more of the value of the key above */
};

typedef void (*ini_item_handler)(const struct ini_item *item, void *userdata);

/*
 * Hand each section start, key and indented line of `text` (any bytes; `length` of them) to `handler`, in order.
 * A UTF-8 byte order mark and CRLF line ends are accepted. Comments stand on lines of their own, from
 * `;` or `#`, or behind a value or section, from ` ;`. Each of these is an error, with its line, in
 * `problems`, and is not handed over:
 * - a line of 200 bytes or more without its line end (inih's INI_MAX_LINE), comments included;
 * - a NUL or another control character, bytes that are not UTF-8;
 * - an indented line other than a comment that is not below a key;
 * - a section name of 50 bytes or more (MAX_SECTION), without an end, with blanks around it, with
 *   anything but a comment behind it;
 * - a key outside a section;
 * - `key: value`, and any other line that is none of section, `key = value` and comment.
 * Keys below a refused section start are not handed over, nor are indented lines below a refused key. What comes twice is
 * handed over twice. After 1,000 errors the rest is not read.
 */
void ini_read(const char *file, const char *text, size_t length, ini_item_handler handler,
              void *userdata, struct problems *problems);
