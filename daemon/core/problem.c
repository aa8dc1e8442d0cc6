/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/problem.h"

#include <errno.h>

static void problem_clear(struct problem *problem) {
        free(problem->file);
        free(problem->message);
}

void problems_clear(struct problems *problems) {
        for (size_t i = 0; i < problems->count; i++)
                problem_clear(&problems->items[i]);
        free(problems->items);
        *problems = (struct problems){};
}

static int problems_append(struct problems *problems, const struct problem *problem) {
        int r;

        r = array_grow(&problems->items, problems->count, sizeof(*problems->items));
        if (r < 0)
                return r;
        problems->items[problems->count++] = *problem;
        if (problem->severity == SEVERITY_ERROR)
                problems->errors++;
        return 0;
}

int problems_add(struct problems *problems, enum severity severity, const char *file, unsigned line,
                 const char *format, ...) {
        struct problem problem = {.severity = severity, .line = line};
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(&problem.message, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;

        r = strdup_to(&problem.file, file);
        if (r == 0)
                r = problems_append(problems, &problem);
        if (r < 0)
                problem_clear(&problem);
        return r;
}

static void reverse(struct problem *items, size_t count) {
        for (size_t i = 0; i < count / 2; i++) {
                struct problem item = items[i];

                items[i] = items[count - i - 1];
                items[count - i - 1] = item;
        }
}

void problems_move(struct problems *problems, size_t first, size_t to) {
        struct problem *items;

        if (first == problems->count)
                return;
        items = problems->items + to;
        reverse(items, first - to);
        reverse(items + (first - to), problems->count - first);
        reverse(items, problems->count - to);
}

int problem_format(const struct problem *problem, char **ret) {
        const char *severity = problem->severity == SEVERITY_WARNING ? "warning: " : "";

        if (problem->line == 0)
                return format_to(ret, "%s: %s%s", problem->file, severity, problem->message);
        return format_to(ret, "%s:%u: %s%s", problem->file, problem->line, severity,
                         problem->message);
}

int problems_format(const struct problems *problems, enum severity severity, char **ret) {
        AUTO_FREE char *text = NULL;
        size_t length = 0;
        AUTO_FCLOSE FILE *stream = open_memstream(&text, &length);
        const char *separator = "";

        if (!stream)
                return -ENOMEM;
        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *line = NULL;
                int r;

                if (problems->items[i].severity != severity)
                        continue;
                r = problem_format(&problems->items[i], &line);
                if (r < 0)
                        return r;
                if (fprintf(stream, "%s%s", separator, line) < 0)
                        return -ENOMEM;
                separator = "\n";
        }
        /* The text is whole, and the pointer final, only once the stream is closed. */
        if (fclose(STEAL(stream)) != 0)
                return -ENOMEM;

        *ret = STEAL(text);
        return 0;
}
