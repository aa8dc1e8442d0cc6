/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

static void must(bool condition, const char *what) {
        if (condition)
                return;
        fprintf(stderr, "test table: %s\n", what);
        exit(99);
}

struct table *table_read(const char *relative, size_t columns) {
        AUTO_FREE char *text = data_read(relative, NULL);
        struct table *table = calloc(1, sizeof(*table));
        char *rest = text, *line;

        must(table, "no memory");
        while ((line = strsep(&rest, "\n"))) {
                char **row = NULL;

                if (*line == '#' || !line[strspn(line, " \t")])
                        continue;
                must(strv_split(&row, line) == 0, line);
                must(strv_length(row) == columns, line);
                must(array_grow(&table->rows, table->n_rows, sizeof(*table->rows)) == 0, line);
                table->rows[table->n_rows++] = row;
        }
        must(table->n_rows > 0, relative);
        return table;
}

struct table *table_free(struct table *table) {
        if (!table)
                return NULL;
        for (size_t i = 0; i < table->n_rows; i++)
                strv_free(table->rows[i]);
        free(table->rows);
        free(table);
        return NULL;
}

int table_run(const char *group, const struct table_part *parts, size_t n_parts) {
        AUTO_FREE struct CMUnitTest *tests = NULL;
        size_t n = 0;

        for (size_t i = 0; i < n_parts; i++)
                for (size_t k = 0; k < parts[i].table->n_rows; k++) {
                        char **row = parts[i].table->rows[k];

                        must(array_grow(&tests, n, sizeof(*tests)) == 0, row[0]);
                        tests[n++] = (struct CMUnitTest){
                                .name = row[0],
                                .test_func = parts[i].test,
                                .initial_state = row,
                        };
                }
        return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}
