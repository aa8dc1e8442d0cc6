/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hostile sizes and shapes of XML: each has its answer, and in bounded time. */

#include <string.h>
#include <time.h>

#include "bench.h"
#include "core/definition.h"
#include "core/qemu_args.h"
#include "core/record.h"
#include "core/rewrite.h"
#include "core/xml.h"
#include "data.h"
#include "properties.h"

#define HEAD                                                                                       \
        "<domain type='kvm' xmlns:q='" QEMU_NAMESPACE "' xmlns:x='" RECORD_NAMESPACE "'>"          \
        "<name>guest</name>"
#define PASSTHROUGH "<cpu mode='host-passthrough'/>"
#define ARG(value) "<q:arg value='" value "'/>"
#define PAIR ARG(FORCE_OPTION) ARG(FORCE_VALUE)

/* A text made of parts, some of them many times. */
struct maker {
        FILE *file;
        char *text;
        size_t length;
};

static void start(struct maker *maker, const char *head) {
        maker->file = open_memstream(&maker->text, &maker->length);
        assert_non_null(maker->file);
        fputs(head, maker->file);
}

/* `%u` in the text is the number of the repetition. */
static void repeat(struct maker *maker, unsigned n, const char *format) PRINTF_FORMAT(3, 0);
static void repeat(struct maker *maker, unsigned n, const char *format) {
        for (unsigned i = 0; i < n; i++)
                fprintf(maker->file, format, i);
}

static void finish(struct maker *maker, const char *tail) {
        fputs(tail, maker->file);
        assert_int_equal(fclose(maker->file), 0);
}

static double seconds(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Processor time that one rewrite or revert may take; XSAVESD_TEST_SLOWDOWN is for valgrind and its like. */
static double limit(void) {
        const char *factor = getenv("XSAVESD_TEST_SLOWDOWN");
#ifdef __SANITIZE_ADDRESS__
        const double build = 4;
#else
        const double build = 1;
#endif

        return 2.0 * build * (factor ? strtod(factor, NULL) : 1);
}

static void check_time(double begin, const char *what) {
        double used = seconds() - begin;

        if (used > limit())
                fail_msg("%s took %.1f s", what, used);
}

/* Rewrite, and revert what comes of it. `reason`: why it is refused; NULL: it is not. Frees the text. */
static void check(const char *policy, const char *host, struct maker *maker, const char *reason) {
        AUTO_BENCH struct bench *bench = bench_new(policy, host);
        AUTO_FREE char *text = maker->text, *found = NULL, *reverted = NULL;
        AUTO_REWRITTEN struct rewritten rewritten = {};
        double begin = seconds();
        size_t length;
        bool changed;
        int r;

        r = rewrite_xml(&bench->judge, text, maker->length, &rewritten, &found);
        check_time(begin, "rewriting");
        if (r == 1 && !reason)
                fail_msg("%s", found);
        assert_int_equal(r, reason ? 1 : 0);
        if (reason) {
                assert_string_equal(found, reason);
                return;
        }
        begin = seconds();
        assert_int_equal(
                revert_xml(rewritten.xml, rewritten.length, &changed, &reverted, &length, &found),
                0);
        check_time(begin, "reverting");
}

static void deny(struct maker *maker, const char *reason) {
        check("rule-deny-hide", "zen2-offering", maker, reason);
}

/* --- the whole text --- */

static void make_of_size(struct maker *maker, size_t length, const char *cpu) {
        start(maker, HEAD);
        fputs(cpu, maker->file);
        for (size_t left = length - strlen(HEAD) - strlen(cpu) - strlen("</domain>"); left > 0;
             left--)
                fputc(' ', maker->file);
        finish(maker, "</domain>");
        assert_int_equal(maker->length, length);
}

static void test_largest(void **state UNUSED) {
        struct maker maker;

        make_of_size(&maker, XML_SIZE_MAX, "");
        deny(&maker, NULL);
}

static void test_larger(void **state UNUSED) {
        struct maker maker;

        make_of_size(&maker, XML_SIZE_MAX + 1, "");
        deny(&maker, "larger than 8 MiB");
}

static void test_larger_once_rewritten(void **state UNUSED) {
        struct maker maker;

        make_of_size(&maker, XML_SIZE_MAX, PASSTHROUGH);
        deny(&maker, "larger than 8 MiB once rewritten");
}

static void test_deepest(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<metadata>");
        repeat(&maker, 250, "<a>");
        repeat(&maker, 250, "</a>");
        finish(&maker, "</metadata>" PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

static void test_deeper(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD);
        repeat(&maker, 200000, "<a>");
        finish(&maker, "");
        deny(&maker, "line 1: Excessive depth in document: 256 use XML_PARSE_HUGE option");
}

static void test_many_children(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD);
        repeat(&maker, 100000, "<a/>\n");
        finish(&maker, PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

#define TOO_MANY_ATTRIBUTES "too many attributes in one element"

static void test_many_attributes(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<a");
        repeat(&maker, 200000, " a%x=''");
        finish(&maker, "/></domain>");
        deny(&maker, TOO_MANY_ATTRIBUTES);
}

/* libxml2 would compare each with each other before it gives up. */
static void test_the_same_attributes_again(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<a");
        for (unsigned i = 0; i < 100; i++)
                repeat(&maker, 8000, " a%x=''");
        finish(&maker, "/></domain>");
        deny(&maker, TOO_MANY_ATTRIBUTES);
}

static void test_as_many_attributes_as_there_may_be(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<a");
        repeat(&maker, 1024, " a%x='=>=>'");
        finish(&maker, "/>====" PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

/* What is no tag hides none, and is no attribute. */
static void test_attributes_behind_what_is_no_tag(void **state UNUSED) {
        static const char *const before[] = {"<!-- don't > -->", "<![CDATA[ '>\" ]]>",
                                             "<?it x's '>?>", "it's"};

        for (size_t i = 0; i < ELEMENTS_OF(before); i++) {
                struct maker maker;

                start(&maker, HEAD);
                fputs(before[i], maker.file);
                fputs("<a", maker.file);
                repeat(&maker, 2000, " a%x=''");
                finish(&maker, "/></domain>");
                deny(&maker, TOO_MANY_ATTRIBUTES);

                start(&maker, HEAD);
                fputs(before[i], maker.file);
                fputs("<!-- ", maker.file);
                repeat(&maker, 2000, " a%x=''");
                finish(&maker, "--></domain>");
                deny(&maker, NULL);
        }
}

/* In UTF-16 the bytes of a tag are in other characters too. */
static void test_attributes_in_utf16(void **state UNUSED) {
        struct maker maker;

        start(&maker, "");
        fwrite("\xff\xfe", 2, 1, maker.file);
        for (unsigned i = 0; i < 10000; i++)
                fwrite("=\0", 2, 1, maker.file);
        finish(&maker, "");
        deny(&maker, TOO_MANY_ATTRIBUTES);
}

static void test_many_names(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<metadata>");
        repeat(&maker, 200000, "<name_of_some_key_%u/>");
        finish(&maker, "</metadata>" PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

/*
 * Where its dictionary is full, libxml2 drops the declaration of a namespace silently, and with it what QEMU's
 * arguments are.
 */
static void test_a_namespace_behind_many_names(void **state UNUSED) {
        for (unsigned n = 1500; n < 200000; n += n < 7100 ? 1 : 50000) {
                AUTO_FREE char *text = NULL, *reason = NULL;
                AUTO_GUEST struct guest guest = {};
                struct maker maker;

                n += n < 7050 ? 554 : 0;
                start(&maker, "<domain type='kvm'><a><arg/><value/><commandline/><q/>");
                repeat(&maker, n, "<n%05u12345/>");
                finish(&maker,
                       "</a><q:commandline xmlns:q='" QEMU_NAMESPACE "'><q:arg value='-cpu'/>"
                       "<q:arg value='host,xsaves=on'/></q:commandline></domain>");
                text = maker.text;
                assert_int_equal(guest_parse(&guest, text, maker.length, &reason), 0);
                assert_true(guest_insists_on_xsaves(&guest));
        }
}

static void test_many_namespaces(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<a");
        repeat(&maker, 1000, " xmlns:a%x='urn:a'");
        fputs(">", maker.file);
        repeat(&maker, 1000, "<a%x:a/>");
        finish(&maker, "</a>" PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

static void test_namespaces_in_scope(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<a");
        repeat(&maker, 1000, " xmlns:a%u='a'");
        fputs(">", maker.file);
        repeat(&maker, 200000, "<a254:a/>");
        finish(&maker, "</a></domain>");
        deny(&maker, "too many namespaces");
}

static void test_namespaces_one_after_another(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD);
        repeat(&maker, 50000, "<a:a xmlns:a='urn:a' a:a='%u'/>");
        finish(&maker, PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

static void test_long_values(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<cpu mode='host-passthrough'><feature policy='require' name='");
        repeat(&maker, 1000000, "aes");
        finish(&maker, "'/></cpu></domain>");
        deny(&maker, NULL);
}

static void test_character_references(void **state UNUSED) {
        struct maker maker;

        start(&maker, "<domain type='kvm'><name>");
        repeat(&maker, 1000000, "&#97;");
        finish(&maker, "</name>" PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

/* --- features --- */

static void test_many_features(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<cpu mode='host-passthrough'>");
        repeat(&maker, 10000, "<feature policy='require' name='f%u'/>\n");
        finish(&maker, "</cpu></domain>");
        deny(&maker, NULL);
}

static void test_many_features_to_look_up(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<cpu mode='host-passthrough'>");
        for (unsigned i = 0; i < 100000; i++)
                fputs("<feature policy='require' name='aes'/>\n", maker.file);
        finish(&maker, "</cpu></domain>");
        check("never", "zen2-masked", &maker, NULL);
}

/* --- <qemu:commandline> --- */

static void test_most_arguments(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<q:commandline>\n");
        repeat(&maker, QEMU_ARGS_MAX / 2, PAIR "\n");
        finish(&maker, "</q:commandline></domain>");
        deny(&maker, NULL);
}

static void test_more_arguments(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<q:commandline>\n");
        repeat(&maker, QEMU_ARGS_MAX + 1, ARG("a") "\n");
        finish(&maker, "</q:commandline></domain>");
        deny(&maker, "more than 4096 arguments in <qemu:commandline>");
}

static void test_pairs_in_pairs(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<q:commandline>\n");
        repeat(&maker, QEMU_ARGS_MAX / 2, ARG(FORCE_OPTION) "\n");
        repeat(&maker, QEMU_ARGS_MAX / 2, ARG(FORCE_VALUE) "\n");
        finish(&maker, "</q:commandline></domain>");
        deny(&maker, NULL);
}

static void test_pairs_behind_comments(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<q:commandline>");
        repeat(&maker, QEMU_NODES_MAX - QEMU_ARGS_MAX, "<!---->");
        repeat(&maker, QEMU_ARGS_MAX / 2, PAIR);
        finish(&maker, "</q:commandline></domain>");
        deny(&maker, NULL);
}

static void test_pairs_behind_more_comments(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<q:commandline>");
        repeat(&maker, 1000000, "<!---->");
        repeat(&maker, QEMU_ARGS_MAX / 2, PAIR);
        finish(&maker, "</q:commandline></domain>");
        deny(&maker, "too much in <qemu:commandline>");
}

/* --- forged records --- */

static void test_many_records(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<metadata>");
        repeat(&maker, 200000, "<a/>");
        repeat(&maker, 200000, "<x:domain/>");
        finish(&maker, "</metadata>" PASSTHROUGH "</domain>");
        deny(&maker, NULL);
}

static void test_many_entries(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<metadata><x:domain verdict='deny'>");
        repeat(&maker, 100000,
               "<x:removed-arg half='value' at='1' gap='%u'/>"
               "<x:removed-arg half='option'/>");
        finish(&maker, "</x:domain></metadata></domain>");
        deny(&maker, "more than 4096 arguments in <qemu:commandline>");
}

static void test_many_features_put_back(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD "<metadata><x:domain verdict='deny'>");
        repeat(&maker, 100000, "<x:feature name='xsaves' set='disable' was='force'/>");
        fputs("</x:domain></metadata><cpu mode='host-passthrough'>", maker.file);
        repeat(&maker, 50000, "<feature policy='disable' name='f'/>");
        finish(&maker, "</cpu></domain>");
        deny(&maker, NULL);
}

static void test_entries_behind_comments(void **state UNUSED) {
        struct maker maker;

        start(&maker, HEAD PASSTHROUGH "<metadata><x:domain verdict='deny'>");
        repeat(&maker, 2000,
               "<x:removed-arg half='value' at='65534' gap='65534'/>"
               "<x:removed-arg half='option' at='65534' gap='65534'/>");
        fputs("</x:domain></metadata><q:commandline>", maker.file);
        repeat(&maker, QEMU_NODES_MAX / 4, "<!---->");
        finish(&maker, "</q:commandline></domain>");
        deny(&maker, NULL);
}

/* --- the root's attribute --- */

static void test_root_attribute(void **state UNUSED) {
        static const struct {
                const char *text, *found;
        } cases[] = {
                {"<domain type='kvm'/>", "kvm"},
                {"<?xml version='1.0'?>\n<!-- type='a' --><domain x='y' type='k&#x76;m'><a>",
                 "kvm"},
                {"<domain type='kvm'><!DOCTYPE", "kvm"},
                {"<domain a:type='kvm' xmlns:a='urn:a'/>", NULL},
                {"<domain/>", NULL},
                {"<domain><a type='kvm'/></domain>", NULL},
                {"<!DOCTYPE a><domain type='kvm'/>", NULL},
                {"<domain type='kvm'", NULL},
                {"no XML", NULL},
                {"", NULL},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_FREE char *found = NULL;

                assert_int_equal(
                        xml_root_attribute(cases[i].text, strlen(cases[i].text), "type", &found),
                        0);
                if (!streq_null(found, cases[i].found))
                        fail_msg("%s: %s", cases[i].text, found ? found : "(none)");
        }
}

static void check_root_type(struct maker *maker, const char *expected) {
        AUTO_FREE char *text = maker->text, *found = NULL;

        assert_int_equal(xml_root_attribute(text, maker->length, "type", &found), 0);
        assert_true(streq_null(found, expected));
}

static void test_root_attribute_of_what_is_refused(void **state UNUSED) {
        struct maker maker;

        make_of_size(&maker, XML_SIZE_MAX + 1, "");
        check_root_type(&maker, "kvm");

        start(&maker, "<!-- a> --><?b c>?>" HEAD "<a ");
        repeat(&maker, 2000, "a%u='' ");
        finish(&maker, "/></domain>");
        check_root_type(&maker, "kvm");

        start(&maker, "<domain type='kvm' ");
        repeat(&maker, 2000, "a%u='' ");
        finish(&maker, "/>");
        check_root_type(&maker, NULL);
}

/* --- what XML has no character for --- */

static void test_no_such_characters(void **state UNUSED) {
        static const char domain[] = "<domain/>";
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *reason = NULL;

        assert_int_equal(xml_parse(domain, strlen(domain), &document, &reason), 0);
        assert_int_equal(xml_set_attribute(xml_root(document), "a", "\x01\t\x1f\xef\xbf\xbf\x7f"),
                         0);
        assert_string_equal(xml_attribute(xml_root(document), "a"), "?\t????\x7f");
}

/* --- all that is cut off --- */

/* A definition cut anywhere is refused, and nothing is read behind its end. */
static void test_cut_anywhere(void **state UNUSED) {
        AUTO_BENCH struct bench *bench = bench_new("rule-deny-hide", "zen2-offering");
        size_t length;
        AUTO_FREE char *text = data_read("xml/facts/everything.xml", &length);

        while (length > 0 && text[length - 1] != '>')
                length--;
        for (size_t n = 0; n < length; n++) {
                AUTO_FREE char *cut = malloc(n ? n : 1), *reason = NULL;
                AUTO_REWRITTEN struct rewritten rewritten = {};

                assert_non_null(cut);
                memcpy(cut, text, n);
                assert_int_equal(rewrite_xml(&bench->judge, cut, n, &rewritten, &reason), 1);
                assert_non_null(reason);
                assert_null(strpbrk(reason, "\r\n"));
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_largest),
                cmocka_unit_test(test_larger),
                cmocka_unit_test(test_larger_once_rewritten),
                cmocka_unit_test(test_deepest),
                cmocka_unit_test(test_deeper),
                cmocka_unit_test(test_many_children),
                cmocka_unit_test(test_many_attributes),
                cmocka_unit_test(test_the_same_attributes_again),
                cmocka_unit_test(test_as_many_attributes_as_there_may_be),
                cmocka_unit_test(test_attributes_behind_what_is_no_tag),
                cmocka_unit_test(test_attributes_in_utf16),
                cmocka_unit_test(test_many_names),
                cmocka_unit_test(test_a_namespace_behind_many_names),
                cmocka_unit_test(test_many_namespaces),
                cmocka_unit_test(test_namespaces_in_scope),
                cmocka_unit_test(test_namespaces_one_after_another),
                cmocka_unit_test(test_long_values),
                cmocka_unit_test(test_character_references),
                cmocka_unit_test(test_many_features),
                cmocka_unit_test(test_many_features_to_look_up),
                cmocka_unit_test(test_most_arguments),
                cmocka_unit_test(test_more_arguments),
                cmocka_unit_test(test_pairs_in_pairs),
                cmocka_unit_test(test_pairs_behind_comments),
                cmocka_unit_test(test_pairs_behind_more_comments),
                cmocka_unit_test(test_many_records),
                cmocka_unit_test(test_many_entries),
                cmocka_unit_test(test_many_features_put_back),
                cmocka_unit_test(test_entries_behind_comments),
                cmocka_unit_test(test_root_attribute),
                cmocka_unit_test(test_root_attribute_of_what_is_refused),
                cmocka_unit_test(test_no_such_characters),
                cmocka_unit_test(test_cut_anywhere),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
