/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text for people: tables and colours. JSON for programs. */

#include "cli.h"
#include "json.h"

enum style { STYLE_NONE, STYLE_BOLD, STYLE_DIM, STYLE_GREEN, STYLE_YELLOW, STYLE_RED };

/* Colours only on a terminal, and not where NO_COLOR is set (no-color.org). */
bool output_wants_colour(void);

/* What switches a style on, and back off; "" where there is no colour. */
const char *style_on(const struct cli *cli, enum style style);
const char *style_off(const struct cli *cli, enum style style);

enum style style_of_verdict(const char *verdict);

/* Text from outside: a guest's name may hold what a terminal takes for a command. Each control character, of C1 too,
 * becomes a blank. */
void print_clean(FILE *file, const char *text);

/* The same, with the line broken between words where the terminal ends: `column` is where the first line starts, and
 * the others begin. */
void print_words(const struct cli *cli, size_t column, const char *text);

/* "Label        text", wrapped. Without a label, one more line of the field before. */
#define FIELD_COLUMN 13
void print_field(const struct cli *cli, const char *label, enum style style, const char *format,
                 ...) PRINTF_FORMAT(4, 5);

/* Returns 0 or -ENOMEM. */
int print_json(struct cli *cli, const json_t *json);

struct column {
        const char *heading;
        bool may_shrink; /* where a line would be wider than the terminal */
        enum style (*style)(const char *content); /* NULL: none */
};

struct table;

struct table *table_new(const struct column *columns, size_t n_columns); /* borrows them */
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free);
#define AUTO_TABLE CLEANUP(table_free_p)

/* A row: one text for each column, NULL or "" for an empty cell. Returns 0 or -ENOMEM. */
int table_add(struct table *table, const char *const *cells);

/* Headings first unless --no-legend; nothing without a row. Returns 0 or -ENOMEM. */
int table_print(const struct table *table, const struct cli *cli);
