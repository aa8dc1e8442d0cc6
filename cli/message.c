/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "message.h"

#include <errno.h>
#include <string.h>

static void say_arguments(const char *format, va_list arguments) {
        char *text;

        if (vasprintf(&text, format, arguments) < 0) {
                fputs("xsavesctl: out of memory\n", stderr);
                return;
        }
        make_one_line(text);
        fprintf(stderr, "xsavesctl: %s\n", text);
        free(text);
}

#define SAY(format)                                                                                \
        do {                                                                                       \
                va_list arguments_;                                                                \
                                                                                                   \
                va_start(arguments_, format);                                                      \
                say_arguments(format, arguments_);                                                 \
                va_end(arguments_);                                                                \
        } while (false)

void say(const char *format, ...) {
        SAY(format);
}

int usage_error(const struct cli *cli, const char *format, ...) {
        const char *verb = cli->verb ? cli->verb->name : "";

        SAY(format);
        say("see xsavesctl%s%s --help", *verb ? " " : "", verb);
        return STATUS_USAGE;
}

int failed(const char *format, ...) {
        SAY(format);
        return STATUS_FAILED;
}

int no_daemon(const char *format, ...) {
        SAY(format);
        return STATUS_NO_DAEMON;
}

int bad_input(const char *format, ...) {
        SAY(format);
        return STATUS_BAD_INPUT;
}

int bad_xml(const char *file, const char *reason) {
        /* xml_parse() says it as "line 7: what is wrong". */
        static const char prefix[] = "line ";

        if (strncmp(reason, prefix, strlen(prefix)) == 0)
                return bad_input("%s:%s", file, reason + strlen(prefix));
        return bad_input("%s: %s", file, reason);
}

void say_problems(const struct problems *problems, enum severity least) {
        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *text = NULL;

                if (problems->items[i].severity > least)
                        continue;
                text = problem_format(&problems->items[i]);
                say("%s", text);
        }
}
