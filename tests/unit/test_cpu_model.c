/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which CPU models have XSAVES and XSAVEC: tests/data/cpu_map/models. */

#include <string.h>

#include "bench.h"
#include "table.h"

static void test_row(void **state) {
        enum { MODEL, VERSION, XSAVES, XSAVEC };
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new("never", "zen2-masked");
        bool latest = streq(row[VERSION], "latest");

        assert_string_equal(
                tristate_to_string(cpu_model_has(bench->map, row[MODEL], CPU_XSAVES, latest)),
                row[XSAVES]);
        assert_string_equal(
                tristate_to_string(cpu_model_has(bench->map, row[MODEL], CPU_XSAVEC, latest)),
                row[XSAVEC]);
}

/* Without libvirt's map, what is not QEMU's with XSAVES is not known. */
static void no_map(void **state UNUSED) {
        assert_int_equal(cpu_model_has(NULL, "EPYC-Rome", CPU_XSAVES, false), TRISTATE_YES);
        assert_int_equal(cpu_model_has(NULL, "qemu64", CPU_XSAVES, false), TRISTATE_NO);
        assert_int_equal(cpu_model_has(NULL, "Penryn", CPU_XSAVES, false), TRISTATE_UNKNOWN);
        assert_int_equal(cpu_model_has(NULL, "EPYC-Rome", CPU_XSAVEC, false), TRISTATE_UNKNOWN);
}

int main(int argc, char **argv) {
        char *no_row[] = {(char *)"without-a-map", NULL}, **first[] = {no_row};
        const struct table without_map = {first, 1};
        AUTO_TABLE struct table *table = NULL;

        data_init(argc, argv);
        table = table_read("cpu_map/models", 4);
        return table_run("cpu_model",
                         (struct table_part[]){{table, test_row}, {&without_map, no_map}}, 2);
}
