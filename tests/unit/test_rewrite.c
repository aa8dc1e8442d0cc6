/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What rewriting and reverting make of a definition: the tables and files of tests/data/rewrite. */

#include <string.h>

#include "bench.h"
#include "core/xml.h"
#include "properties.h"
#include "table.h"

/* The judge that check_properties() sets against the one under test. */
static struct bench *others[4];

static void check_all(const struct bench *bench, const char *xml, size_t length) {
        for (size_t i = 0; i < ELEMENTS_OF(others); i++) {
                const char *broken =
                        check_properties(&bench->judge, &others[i]->judge, xml, length, NULL);

                if (broken)
                        fail_msg("does not hold: %s; input:\n%s", broken, xml);
        }
}

/* --- every policy of a feature, with every CPU mode, under every answer --- */

static const enum feature_policy policies[] = {FEATURE_ABSENT,  FEATURE_UNSET,    FEATURE_FORCE,
                                               FEATURE_REQUIRE, FEATURE_OPTIONAL, FEATURE_DISABLE,
                                               FEATURE_FORBID};

static char *make_feature(const char *name, enum feature_policy policy) {
        char *text = NULL;

        switch (policy) {
        case FEATURE_ABSENT:
                text = strdup("");
                break;
        case FEATURE_UNSET:
                assert_int_equal(format_to(&text, "<feature name='%s'/>", name), 0);
                break;
        default:
                assert_int_equal(format_to(&text, "<feature policy='%s' name='%s'/>",
                                           feature_policy_to_string(policy), name),
                                 0);
        }
        return text;
}

static char *make_domain(const char *mode, const char *feature, bool pair) {
        bool is_default = streq(mode, "default");
        char *text = NULL;

        assert_int_equal(
                format_to(&text,
                          "<domain type='kvm'>\n"
                          "  <name>guest</name>\n"
                          "  <os><type arch='x86_64'>hvm</type></os>\n"
                          "  <cpu%s%s%s>%s%s</cpu>\n"
                          "%s"
                          "</domain>\n",
                          is_default ? "" : " mode='", is_default ? "" : mode,
                          is_default ? "" : "'",
                          streq(mode, "custom") ? "<model>EPYC-Rome</model>" : "", feature,
                          pair ? "  <q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/"
                                 "1.0'><q:arg value='-global'/>"
                                 "<q:arg value='x86_64-cpu.x-force-features=on'/></q:commandline>\n"
                               : ""),
                0);
        return text;
}

/* What the rewritten definition says of a feature, as the tables write it. */
static char *outcome(const struct judge *judge, const char *xml, bool xsavec) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_XML struct xml_document *document = NULL;
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        char *text = NULL;

        assert_int_equal(rewrite_xml(judge, xml, strlen(xml), &rewritten, &reason), 0);
        assert_int_equal(xml_parse(rewritten.xml, rewritten.length, &document, &reason), 0);
        assert_int_equal(guest_read(&guest, xml_root(document), &reason), 0);
        assert_int_equal(format_to(&text, "%s%s",
                                   feature_policy_to_string(xsavec ? guest.xsavec : guest.xsaves),
                                   guest.force_pair && !xsavec ? "+" : ""),
                         0);
        return text;
}

static void check_outcome(const struct bench *bench, const char *feature, const char *mode,
                          enum feature_policy policy, bool pair, const char *expected) {
        AUTO_FREE char *element = make_feature(feature, policy);
        AUTO_FREE char *xml = make_domain(mode, element, pair);
        AUTO_FREE char *found = outcome(&bench->judge, xml, streq(feature, "xsavec"));

        if (!streq(found, expected))
                fail_msg("%s of policy %s: %s, not %s", feature, feature_policy_to_string(policy),
                         found, expected);
        check_all(bench, xml, strlen(xml));
}

static void test_matrix(void **state) {
        enum { NAME, POLICY, HOST, MODE, PAIR, OUTCOMES };
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);

        for (size_t i = 0; i < ELEMENTS_OF(policies); i++)
                check_outcome(bench, "xsaves", row[MODE], policies[i], streq(row[PAIR], "+"),
                              row[OUTCOMES + i]);
}

/* Where XSAVES is granted by force, x-force-features stands beside XSAVEC: no word on it here. */
static void test_matrix_xsavec(void **state) {
        enum { NAME, POLICY, HOST, MODE, OUTCOMES };
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);

        for (size_t i = 0; i < ELEMENTS_OF(policies); i++)
                check_outcome(bench, "xsavec", row[MODE], policies[i], false, row[OUTCOMES + i]);
}

/* --- files --- */

static char *read_part(const char *name, const char *part, size_t *ret_length) {
        AUTO_FREE char *path = NULL;

        assert_int_equal(format_to(&path, "rewrite/%s.%s.xml", name, part), 0);
        return data_read(path, ret_length);
}

static void check_bytes(const char *found, size_t found_length, const char *expected,
                        size_t expected_length) {
        if (found_length != expected_length || memcmp(found, expected, found_length) != 0)
                fail_msg("is:\n%s\nnot:\n%s", found, expected);
}

/* before.xml is rewritten to after.xml, to the byte; a case of reason "unchanged" has no after.xml. */
static void test_files(void **state) {
        enum { NAME, POLICY, HOST, REASON };
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);
        AUTO_REWRITTEN struct rewritten rewritten = {};
        size_t before_length, after_length;
        bool unchanged = streq(row[REASON], "unchanged");
        AUTO_FREE char *before = read_part(row[NAME], "before", &before_length), *reason = NULL;
        AUTO_FREE char *after = read_part(row[NAME], unchanged ? "before" : "after", &after_length);

        assert_int_equal(rewrite_xml(&bench->judge, before, before_length, &rewritten, &reason), 0);
        check_bytes(rewritten.xml, rewritten.length, after, after_length);
        assert_int_equal(rewritten.changed, !unchanged);
        if (!unchanged)
                assert_string_equal(reason_to_string(rewritten.decision.reason), row[REASON]);
        check_all(bench, before, before_length);
        check_all(bench, after, after_length);
}

/* edited.xml was rewritten and then changed by its owner: reverted, it is reverted.xml, canonically. */
static void test_edits(void **state) {
        enum { NAME, POLICY, HOST };
        char **row = *state;
        AUTO_BENCH struct bench *bench = bench_new(row[POLICY], row[HOST]);
        AUTO_FREE char *text = NULL, *found = NULL, *wanted = NULL, *reason = NULL;
        size_t edited_length, reverted_length, length;
        AUTO_FREE char *edited = read_part(row[NAME], "edited", &edited_length);
        AUTO_FREE char *reverted = read_part(row[NAME], "reverted", &reverted_length);
        bool changed;

        assert_int_equal(revert_xml(edited, edited_length, &changed, &text, &length, &reason), 0);
        found = canonical(text, length);
        wanted = canonical(reverted, reverted_length);
        assert_string_equal(found, wanted);
        check_all(bench, edited, edited_length);
}

int main(int argc, char **argv) {
        AUTO_TABLE struct table *matrix = NULL, *matrix_xsavec = NULL, *files = NULL, *edits = NULL;
        int failed;

        data_init(argc, argv);
        others[0] = bench_new("never", "zen2-masked");
        others[1] = bench_new("rule-deny-hide", "zen2-offering");
        others[2] = bench_new("allow", "zen3-offering");
        others[3] = bench_new("rule-keep", "zen2-masked");
        matrix = table_read("rewrite/matrix", 12);
        matrix_xsavec = table_read("rewrite/matrix-xsavec", 11);
        files = table_read("rewrite/files", 4);
        edits = table_read("rewrite/edits", 3);
        failed = table_run("rewrite",
                           (struct table_part[]){{matrix, test_matrix},
                                                 {matrix_xsavec, test_matrix_xsavec},
                                                 {files, test_files},
                                                 {edits, test_edits}},
                           4);
        for (size_t i = 0; i < ELEMENTS_OF(others); i++)
                bench_free(others[i]);
        return failed;
}
