/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is said of a decision: tests/data/advice. */

#include <string.h>

#include "bench.h"
#include "core/advice.h"
#include "core/xml.h"
#include "table.h"

/* `column` says what the text has, with `_` for blanks; "-": it is not there. */
static void check_text(const char *text, const char *column) {
        AUTO_FREE char *wanted = strdup(column);

        for (char *c = wanted; *c; c++)
                if (*c == '_')
                        *c = ' ';
        if (streq(column, "-"))
                assert_null(text);
        else if (!text || !strstr(text, wanted))
                fail_msg("\"%s\" is not in: %s", wanted, text ? text : "(nothing)");
}

static void test_row(void **state) {
        enum { NAME, POLICY, HOST, DOMAIN, EXPLANATION, ADVICE, NOTE };
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);
        AUTO_FREE char *text = bench_domain(row[DOMAIN]), *reason = NULL, *why = NULL,
                       *advice = NULL;
        AUTO_XML struct xml_document *document = NULL;
        AUTO_GUEST struct guest guest = {};
        struct decision decision;

        assert_int_equal(xml_parse(text, strlen(text), &document, &reason), 0);
        assert_int_equal(guest_read(&guest, xml_root(document), &reason), 0);
        decision = judge_decide(&bench->judge, &guest);
        assert_int_equal(decision_explanation(&decision, &why), 0);
        assert_int_equal(decision_advice(&bench->judge, &guest, &decision, &advice), 0);
        check_text(why, row[EXPLANATION]);
        check_text(advice, row[ADVICE]);
        check_text(decision_note(&bench->judge, &guest, &decision), row[NOTE]);
}

int main(int argc, char **argv) {
        AUTO_TABLE struct table *table = NULL;

        data_init(argc, argv);
        table = table_read("advice", 7);
        return table_run("advice", &(struct table_part){table, test_row}, 1);
}
