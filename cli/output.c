/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "output.h"

#include <errno.h>
#include <locale.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* Until the end of the block; where the terminal's is not known it stays what it is. */
static void use_locale(locale_t *before) {
        uselocale(*before);
}
#define WITH_LOCALE_OF(cli) CLEANUP(use_locale) locale_t before_ = uselocale((cli)->locale)

#define COLUMN_GAP 2
#define COLUMN_MIN 8 /* narrower, a cell says nothing */

static const char *const styles[] = {
        [STYLE_NONE] = "",          [STYLE_BOLD] = "\033[1m",    [STYLE_DIM] = "\033[2m",
        [STYLE_GREEN] = "\033[32m", [STYLE_YELLOW] = "\033[33m", [STYLE_RED] = "\033[31m",
};

bool output_wants_colour(void) {
        const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

        return isatty(STDOUT_FILENO) && !(no_colour && *no_colour) && terminal &&
               !streq(terminal, "dumb");
}

const char *style_on(const struct cli *cli, enum style style) {
        return cli->colour ? styles[style] : "";
}

const char *style_off(const struct cli *cli, enum style style) {
        return cli->colour && style != STYLE_NONE ? "\033[0m" : "";
}

enum style style_of_verdict(const char *verdict) {
        if (streq(verdict, "grant"))
                return STYLE_GREEN;
        if (streq(verdict, "unjudged"))
                return STYLE_RED;
        return streq(verdict, "deny") ? STYLE_YELLOW : STYLE_NONE;
}

void print_clean(FILE *file, const char *text) {
        while (*text) {
                size_t length = control_length(text);

                fputc(length > 0 ? ' ' : *text, file);
                text += length > 0 ? length : 1;
        }
}

/* The columns of a terminal that a character takes; *length is its bytes. */
static size_t character_width(const char *text, size_t *length) {
        mbstate_t state = {};
        wchar_t character;
        size_t n = mbrtowc(&character, text, strlen(text), &state);
        int width;

        if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
                *length = 1;
                return 1;
        }
        *length = n;
        width = wcwidth(character);
        return width < 0 ? 1 : (size_t)width;
}

static size_t text_width(const char *text) {
        size_t width = 0, length;

        for (; *text; text += length)
                width += character_width(text, &length);
        return width;
}

/* SIZE_MAX: no limit. */
static size_t line_width(void) {
        const char *columns = getenv("COLUMNS");
        struct winsize size;
        long wanted = columns ? strtol(columns, NULL, 10) : 0;

        if (wanted > 0)
                return (size_t)wanted;
        if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
                return size.ws_col;
        return SIZE_MAX;
}

/* The text up to the next blank, in columns of the terminal; *length is its bytes. */
static size_t word_width(const char *text, size_t *length) {
        size_t width = 0, n;

        for (*length = 0; text[*length] && text[*length] != ' '; *length += n)
                width += character_width(text + *length, &n);
        return width;
}

void print_words(const struct cli *cli, size_t column, const char *text) {
        WITH_LOCALE_OF(cli);
        size_t limit = line_width(), at = column;

        while (*text) {
                size_t length, blanks = strspn(text, " ");
                size_t width = word_width(text + blanks, &length);
                AUTO_FREE char *word = strndup(text, blanks + length);

                if (at > column && blanks + width > limit - (at < limit ? at : limit)) {
                        fprintf(cli->out, "\n%*s", (int)column, "");
                        at = column;
                        print_clean(cli->out, word ? word + blanks : "");
                } else {
                        at += blanks;
                        print_clean(cli->out, word ? word : "");
                }
                at += width;
                text += blanks + length;
        }
}

void print_field(const struct cli *cli, const char *label, enum style style, const char *format,
                 ...) {
        AUTO_FREE char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        if (vasprintf(&text, format, arguments) < 0)
                text = NULL;
        va_end(arguments);
        fprintf(cli->out, "%-*s %s", FIELD_COLUMN - 1, label, style_on(cli, style));
        print_words(cli, FIELD_COLUMN, text ? text : "");
        fprintf(cli->out, "%s\n", style_off(cli, style));
}

int print_json(struct cli *cli, const json_t *json) {
        if (json_dumpf(json, cli->out, JSON_INDENT(2)) < 0)
                return -ENOMEM;
        fputc('\n', cli->out);
        return 0;
}

/* --- tables --- */

struct table {
        const struct column *columns;
        size_t n_columns;
        char **cells; /* row by row */
        size_t n_cells;
};

struct table *table_new(const struct column *columns, size_t n_columns) {
        struct table *table = calloc(1, sizeof(*table));

        if (table)
                *table = (struct table){.columns = columns, .n_columns = n_columns};
        return table;
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_cells; i++)
                free(table->cells[i]);
        free(table->cells);
        free(table);
        return NULL;
}

int table_add(struct table *table, const char *const *cells) {
        for (size_t i = 0; i < table->n_columns; i++) {
                char *cell;
                int r;

                r = array_grow(&table->cells, table->n_cells, sizeof(char *));
                if (r >= 0)
                        r = strdup_to(&cell, cells[i] ? cells[i] : "");
                if (r < 0)
                        return r;
                table->cells[table->n_cells++] = cell;
        }
        return 0;
}

/* Take what is too much from the widest of the columns that may shrink, one column of the terminal at a time. */
static void shrink(const struct table *table, size_t *widths) {
        size_t limit = line_width(), total = 0;

        for (size_t i = 0; i < table->n_columns; i++)
                total += widths[i] + (i > 0 ? COLUMN_GAP : 0);
        for (; total > limit; total--) {
                size_t widest = table->n_columns;

                for (size_t i = 0; i < table->n_columns; i++)
                        if (table->columns[i].may_shrink && widths[i] > COLUMN_MIN &&
                            (widest == table->n_columns || widths[i] > widths[widest]))
                                widest = i;
                if (widest == table->n_columns)
                        return;
                widths[widest]--;
        }
}

/* The text in `width` columns, what was cut marked; without blanks behind it if it is `last`. */
static void print_cell(FILE *out, const char *text, size_t width, bool last) {
        bool cut = text_width(text) > width;
        size_t room = cut ? width - 1 : width;
        size_t used = 0, length;

        for (; *text; text += length) {
                size_t n = character_width(text, &length);

                if (used + n > room)
                        break;
                if (control_length(text) > 0)
                        fputc(' ', out);
                else
                        fwrite(text, length, 1, out);
                used += n;
        }
        if (cut) {
                fputs(MB_CUR_MAX > 1 ? "…" : "~", out);
                used++;
        }
        if (!last)
                fprintf(out, "%*s", (int)(width - used), "");
}

static void print_row(const struct table *table, const struct cli *cli, const size_t *widths,
                      char *const *cells) {
        size_t last = table->n_columns - 1;

        while (cells && last > 0 && !*cells[last])
                last--;
        for (size_t i = 0; i <= last; i++) {
                const struct column *column = &table->columns[i];
                const char *text = cells ? cells[i] : column->heading;
                enum style style = !cells          ? STYLE_BOLD
                                   : column->style ? column->style(text)
                                                   : STYLE_NONE;

                fputs(style_on(cli, style), cli->out);
                print_cell(cli->out, text, widths[i], i == last);
                fputs(style_off(cli, style), cli->out);
                if (i < last)
                        fprintf(cli->out, "%*s", COLUMN_GAP, "");
        }
        fputc('\n', cli->out);
}

int table_print(const struct table *table, const struct cli *cli) {
        WITH_LOCALE_OF(cli);
        AUTO_FREE size_t *widths = calloc(table->n_columns, sizeof(*widths));
        bool headings = !cli_has(cli, OPTION_NO_LEGEND);

        if (!widths)
                return -ENOMEM;
        if (table->n_cells == 0)
                return 0;

        for (size_t i = 0; i < table->n_columns && headings; i++)
                widths[i] = text_width(table->columns[i].heading);
        for (size_t i = 0; i < table->n_cells; i++) {
                size_t width = text_width(table->cells[i]);

                if (width > widths[i % table->n_columns])
                        widths[i % table->n_columns] = width;
        }
        shrink(table, widths);

        if (headings)
                print_row(table, cli, widths, NULL);
        for (size_t i = 0; i < table->n_cells; i += table->n_columns)
                print_row(table, cli, widths, table->cells + i);
        return 0;
}
