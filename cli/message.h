/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What xsavesctl says on stderr: lines that begin with its name. */

#include "cli.h"
#include "core/problem.h"

void say(const char *format, ...) PRINTF_FORMAT(1, 2);

/* These say it, too, and return the status. */
int usage_error(const struct cli *cli, const char *format, ...) PRINTF_FORMAT(2, 3);
int failed(const char *format, ...) PRINTF_FORMAT(1, 2);
int no_daemon(const char *format, ...) PRINTF_FORMAT(1, 2);
int bad_input(const char *format, ...) PRINTF_FORMAT(1, 2);

/* XML that the core refuses; a line number in its reason becomes `file:line: `. */
int bad_xml(const char *file, const char *reason);

/* Those of at least this severity, a line each. */
void say_problems(const struct problems *problems, enum severity least);
