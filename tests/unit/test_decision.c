/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The decision table, row by row: tests/data/decision/table. */

#include <string.h>

#include "bench.h"
#include "core/xml.h"
#include "table.h"

enum column {
        NAME,
        POLICY,
        HOST,
        DOMAIN,
        VERDICT,
        MEANS,
        REASON,
        GUEST_RULE,
        HOST_RULE,
        N_COLUMNS
};

static void read_guest(const char *name, struct guest *guest) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *text = bench_domain(name), *reason = NULL;

        assert_int_equal(xml_parse(text, strlen(text), &document, &reason), 0);
        assert_int_equal(guest_read(guest, xml_root(document), &reason), 0);
}

/* The explanation tries the same rows, and ends with the one that decided. */
static void check_explanation(const struct judge *judge, const struct guest *guest,
                              enum reason reason) {
        struct decision_step *steps = NULL;
        int n = judge_explain(judge, guest, &steps);

        assert_true(n > 0);
        for (int i = 0; i < n; i++) {
                assert_int_equal(steps[i].applied, i == n - 1);
                assert_non_null(steps[i].value);
                assert_null(strchr(steps[i].value, '\n'));
                assert_true(*steps[i].condition);
        }
        assert_int_equal(steps[n - 1].reason, reason);
        decision_steps_free(steps, (size_t)n);
}

static void test_row(void **state) {
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);
        AUTO_GUEST struct guest guest = {};
        struct decision decision;

        read_guest(row[DOMAIN], &guest);
        decision = judge_decide(&bench->judge, &guest);

        assert_string_equal(reason_to_string(decision.reason), row[REASON]);
        assert_string_equal(verdict_to_string(decision.verdict), row[VERDICT]);
        assert_string_equal(means_to_string(decision.means), row[MEANS]);
        assert_string_equal(decision.guest_rule ? decision.guest_rule->name : "-", row[GUEST_RULE]);
        assert_string_equal(decision.host_rule ? decision.host_rule->name : "-", row[HOST_RULE]);
        check_explanation(&bench->judge, &guest, decision.reason);
}

/* libvirt writes features into what runs, so that none of them says what the owner wants. */
static void test_live(void **state UNUSED) {
        AUTO_BENCH struct bench *bench = bench_new("never", "zen2-masked");
        AUTO_GUEST struct guest guest = {};

        read_guest("disabled-xsaves", &guest);
        assert_int_equal(judge_decide(&bench->judge, &guest).reason, REASON_DENIED_BY_OWNER);
        guest.live = true;
        assert_int_equal(judge_decide(&bench->judge, &guest).reason, REASON_GRANTED_FORCED);
        check_explanation(&bench->judge, &guest, REASON_GRANTED_FORCED);
}

int main(int argc, char **argv) {
        char *no_row[] = {(char *)"live-features-are-libvirts", NULL}, **first[] = {no_row};
        const struct table live = {first, 1};
        AUTO_TABLE struct table *table = NULL;

        data_init(argc, argv);
        table = table_read("decision/table", N_COLUMNS);
        return table_run("decision", (struct table_part[]){{table, test_row}, {&live, test_live}},
                         2);
}
