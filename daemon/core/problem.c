/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/problem.h"

#include "core/memory.h"

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

void problems_add(struct problems *problems, enum severity severity, const char *file,
                  unsigned line, const char *format, ...) {
        struct problem problem = {.severity = severity, .line = line, .file = xstrdup(file)};
        va_list arguments;

        va_start(arguments, format);
        problem.message = xvformat(format, arguments);
        va_end(arguments);
        xgrow(&problems->items, problems->count, sizeof(*problems->items));
        problems->items[problems->count++] = problem;
        if (severity == SEVERITY_ERROR)
                problems->errors++;
}

void problems_sort(struct problems *problems, size_t first) {
        struct problem *items = problems->items;

        /* By insertion: only what concerns a section as a whole is found after problems of later lines. */
        for (size_t i = first + 1; i < problems->count; i++) {
                struct problem problem = items[i];
                size_t k = i;

                for (; k > first && items[k - 1].line > problem.line; k--)
                        items[k] = items[k - 1];
                items[k] = problem;
        }
}

char *problem_format(const struct problem *problem) {
        const char *severity = problem->severity == SEVERITY_WARNING ? "warning: " : "";

        if (problem->line == 0)
                return xformat("%s: %s%s", problem->file, severity, problem->message);
        return xformat("%s:%u: %s%s", problem->file, problem->line, severity, problem->message);
}

char *problems_format(const struct problems *problems, enum severity severity) {
        char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);
        const char *separator = "";

        need_memory(stream != NULL);
        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *line = NULL;

                if (problems->items[i].severity != severity)
                        continue;
                line = problem_format(&problems->items[i]);
                fprintf(stream, "%s%s", separator, line);
                separator = "\n";
        }
        need_memory(fclose(stream) == 0);
        return text;
}
