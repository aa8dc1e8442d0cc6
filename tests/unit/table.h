/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Test cases as a table: a file of the test data with one case a line, its columns parted by blanks. */

#include "data.h"

struct table {
        char ***rows; /* each a list of `columns` words */
        size_t n_rows;
};

/* Lines that are blank or start with '#' are left out. A line of another width ends the program. */
struct table *table_read(const char *relative, size_t columns);
struct table *table_free(struct table *table);
DEFINE_CLEANUP(struct table *, table_free);
#define AUTO_TABLE CLEANUP(table_free_p)

struct table_part {
        const struct table *table;
        CMUnitTestFunction test;
};

/* Run one test a row, named by its first column, with the row (char **) as its initial state: those of
 * all parts as one group. The value for main() to return. */
int table_run(const char *group, const struct table_part *parts, size_t n_parts);
