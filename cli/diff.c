/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* E. Myers, "An O(ND) Difference Algorithm and Its Variations": its basic greedy form. */

#include "diff.h"

#include <errno.h>
#include <string.h>

#include "output.h"

#define CONTEXT 3ul

/* Texts that differ more than that are shown as one replaced by the other: the work is quadratic in it. */
#define EDITS_MAX 1000

struct line {
        const char *text;
        size_t length; /* with its newline, where it has one */
};

struct lines {
        struct line *items;
        size_t count;
};

static void lines_clear(struct lines *lines) {
        free(lines->items);
}

static int split(const char *text, struct lines *lines) {
        while (*text) {
                const char *end = strchr(text, '\n');
                size_t length = end ? (size_t)(end - text) + 1 : strlen(text);
                int r;

                r = array_grow(&lines->items, lines->count, sizeof(struct line));
                if (r < 0)
                        return r;
                lines->items[lines->count++] = (struct line){.text = text, .length = length};
                text += length;
        }
        return 0;
}

static bool same(const struct line *a, const struct line *b) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no text without lines has one here. */
        return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* What is left of both texts without the lines that both begin and end with. */
struct middle {
        const struct line *a, *b;
        long n, m;
};

/* The furthest that each diagonal k = x - y was reached with d edits, for every d: row d has 2d + 1. */
struct trace {
        long *rows[EDITS_MAX + 1];
        long count;
};

static void trace_clear(struct trace *trace) {
        for (long d = 0; d < trace->count; d++)
                free(trace->rows[d]);
}

static long reached(const struct trace *trace, long d, long k) {
        return d < 0 || k < -d || k > d ? -1 : trace->rows[d][k + d];
}

/* Does the best path with d edits to diagonal k come from above, by a line that is added? */
static bool comes_from_above(const struct trace *trace, long d, long k) {
        return k == -d || (k != d && reached(trace, d - 1, k - 1) < reached(trace, d - 1, k + 1));
}

/* One more edit on every diagonal. Returns 1 when the end is reached, 0 when not, or -ENOMEM. */
static int advance(const struct middle *middle, struct trace *trace) {
        long d = trace->count;

        trace->rows[d] = calloc((size_t)(2 * d + 1), sizeof(long));
        if (!trace->rows[d])
                return -ENOMEM;
        trace->count++;
        for (long k = -d; k <= d; k += 2) {
                long x = 0, y;

                if (d > 0)
                        x = comes_from_above(trace, d, k) ? reached(trace, d - 1, k + 1)
                                                          : reached(trace, d - 1, k - 1) + 1;
                for (y = x - k;
                     x < middle->n && y < middle->m && y >= 0 && same(&middle->a[x], &middle->b[y]);
                     y++)
                        x++;
                trace->rows[d][k + d] = x;
                if (x >= middle->n && y >= middle->m)
                        return 1;
        }
        return 0;
}

/* The edits backwards from the end, into a script of ' ', '-' and '+' that ends at `end`. Returns its start. */
static char *backtrack(const struct middle *middle, const struct trace *trace, char *end) {
        long x = middle->n, y = middle->m;

        for (long d = trace->count - 1; d >= 0; d--) {
                long k = x - y, from_x, from_y;
                bool above = d > 0 && comes_from_above(trace, d, k);

                from_x = d > 0 ? reached(trace, d - 1, above ? k + 1 : k - 1) : 0;
                from_y = d > 0 ? from_x - (above ? k + 1 : k - 1) : 0;
                for (; x > from_x && y > from_y; x--, y--)
                        *--end = ' ';
                if (d > 0)
                        *--end = above ? '+' : '-';
                x = from_x;
                y = from_y;
        }
        return end;
}

static int find_edits(const struct middle *middle, char *script, size_t size) {
        CLEANUP(trace_clear) struct trace trace = {};
        int r = 0;

        while (r == 0 && trace.count <= EDITS_MAX)
                r = advance(middle, &trace);
        if (r < 0)
                return r;
        if (r > 0) {
                char *start = backtrack(middle, &trace, script + size);

                memmove(script, start, (size_t)(script + size - start));
                script[script + size - start] = '\0';
        } else {
                memset(script, '-', (size_t)middle->n);
                memset(script + middle->n, '+', (size_t)middle->m);
                script[middle->n + middle->m] = '\0';
        }
        return 0;
}

/* A character for each line: ' ' in both, '-' in the first alone, '+' in the second alone. */
static int make_script(const struct lines *a, const struct lines *b, char **ret) {
        size_t shorter = a->count < b->count ? a->count : b->count, head = 0, tail = 0;
        struct middle middle;
        char *script, *end;
        int r;

        while (head < shorter && same(&a->items[head], &b->items[head]))
                head++;
        while (tail < shorter - head &&
               same(&a->items[a->count - tail - 1], &b->items[b->count - tail - 1]))
                tail++;
        middle = (struct middle){
                .a = a->items + head,
                .b = b->items + head,
                .n = (long)(a->count - head - tail),
                .m = (long)(b->count - head - tail),
        };

        script = calloc(a->count + b->count + 1, 1);
        if (!script)
                return -ENOMEM;
        memset(script, ' ', head);
        r = find_edits(&middle, script + head, (size_t)(middle.n + middle.m));
        if (r < 0) {
                free(script);
                return r;
        }
        end = script + strlen(script);
        memset(end, ' ', tail);
        end[tail] = '\0';
        *ret = script;
        return 0;
}

static void print_line(const struct cli *cli, char edit, const struct line *line) {
        enum style style = edit == '+' ? STYLE_GREEN : edit == '-' ? STYLE_RED : STYLE_NONE;
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no text without lines has one here. */
        size_t length = line->length;
        bool ends = line->text[length - 1] == '\n';
        AUTO_FREE char *text = strndup(line->text, length - (ends ? 1 : 0));

        fprintf(cli->out, "%s%c", style_on(cli, style), edit);
        print_clean(cli->out, text ? text : "");
        fprintf(cli->out, "%s\n%s", style_off(cli, style),
                ends ? "" : "\\ No newline at end of file\n");
}

/* The end of the hunk that starts at `start`: up to CONTEXT lines behind the last edit of it. */
static size_t hunk_end(const char *script, size_t start) {
        size_t last = start;

        for (size_t i = start; i <= last + 2 * CONTEXT + 1 && script[i]; i++)
                if (script[i] != ' ')
                        last = i;
        for (size_t i = 0; i < CONTEXT + 1 && script[last]; i++)
                last++;
        return last;
}

static void print_range(const struct cli *cli, char sign, size_t start, size_t count) {
        /* A range without lines is named by the line before it. */
        fprintf(cli->out, " %c%zu", sign, count > 0 ? start + 1 : start);
        if (count != 1)
                fprintf(cli->out, ",%zu", count);
}

static void print_hunk(const struct cli *cli, const char *script, size_t n, const struct line *a,
                       const struct line *b, size_t x, size_t y) {
        size_t in_a = 0, in_b = 0;

        for (size_t i = 0; i < n; i++) {
                in_a += script[i] != '+';
                in_b += script[i] != '-';
        }
        fprintf(cli->out, "%s@@", style_on(cli, STYLE_BOLD));
        print_range(cli, '-', x, in_a);
        print_range(cli, '+', y, in_b);
        fprintf(cli->out, " @@%s\n", style_off(cli, STYLE_BOLD));
        for (size_t i = 0; i < n; i++) {
                print_line(cli, script[i], script[i] == '+' ? &b[y] : &a[x]);
                x += script[i] != '+';
                y += script[i] != '-';
        }
}

static void print_hunks(const struct cli *cli, const char *script, const struct lines *a,
                        const struct lines *b) {
        size_t x = 0, y = 0, i = 0;

        while (script[i]) {
                size_t first = i + strspn(script + i, " "), start, end;

                if (!script[first])
                        return;
                start = first - i > CONTEXT ? first - CONTEXT : i;
                x += start - i;
                y += start - i;
                end = hunk_end(script, first);
                print_hunk(cli, script + start, end - start, a->items, b->items, x, y);
                for (i = start; i < end; i++) {
                        x += script[i] != '+';
                        y += script[i] != '-';
                }
        }
}

int diff_print(const struct cli *cli, const char *old_name, const char *new_name,
               const char *old_text, const char *new_text) {
        CLEANUP(lines_clear) struct lines a = {}, b = {};
        AUTO_FREE char *script = NULL;
        int r;

        if (streq(old_text, new_text))
                return 0;
        r = split(old_text, &a);
        if (r >= 0)
                r = split(new_text, &b);
        if (r >= 0)
                r = make_script(&a, &b, &script);
        if (r < 0)
                return r;

        fprintf(cli->out, "%s--- ", style_on(cli, STYLE_BOLD));
        print_clean(cli->out, old_name);
        fputs("\n+++ ", cli->out);
        print_clean(cli->out, new_name);
        fprintf(cli->out, "%s\n", style_off(cli, STYLE_BOLD));
        print_hunks(cli, script, &a, &b);
        return 0;
}
