/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What is wrong with a text that somebody wrote: found by a parser, collected here, shown by whoever
 * asked for the parsing. The core never logs.
 */

#include "core/util.h"

enum severity {
        SEVERITY_ERROR,   /* the text as a whole is refused */
        SEVERITY_WARNING, /* accepted, but hardly what its author meant */
};

struct problem {
        enum severity severity;
        char *file;    /* owned; as the caller of the parser named the text */
        unsigned line; /* from 1; 0 where the problem has no line */
        char *message; /* owned, UTF-8, one line */
};

/* Zero-initialize; release with problems_clear(). */
struct problems {
        struct problem *items;
        size_t count;
        size_t errors; /* those of SEVERITY_ERROR among them */
};

void problems_clear(struct problems *problems);
#define AUTO_PROBLEMS CLEANUP(problems_clear)

void problems_add(struct problems *problems, enum severity severity, const char *file,
                  unsigned line, const char *format, ...) PRINTF_FORMAT(5, 6);

/* Sort those from number `first` on by their lines. Those of one line stay in their order. */
void problems_sort(struct problems *problems, size_t first);

/*
 * One problem as `file:line: message`, `file: message` without a line; a warning has "warning: "
 * before its message.
 */
char *problem_format(const struct problem *problem);

/* All of one severity, a line each, without a final newline. */
char *problems_format(const struct problems *problems, enum severity severity);
