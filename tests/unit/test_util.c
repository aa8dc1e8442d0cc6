/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <string.h>

#include "core/problem.h"

static void strdup_to_passes_null_through(UNUSED void **state) {
        char *copy = (char *)"unset";

        assert_int_equal(strdup_to(&copy, NULL), 0);
        assert_null(copy);
        assert_int_equal(strdup_to(&copy, "text"), 0);
        assert_string_equal(copy, "text");
        free(copy);
}

static void format_to_gives_the_text(UNUSED void **state) {
        AUTO_FREE char *text = NULL;

        assert_int_equal(format_to(&text, "%s-%u", "a", 7U), 0);
        assert_string_equal(text, "a-7");
}

static void streq_null_takes_null(UNUSED void **state) {
        assert_true(streq_null(NULL, NULL));
        assert_true(streq_null("a", "a"));
        assert_false(streq_null("a", NULL));
        assert_false(streq_null(NULL, "a"));
        assert_false(streq_null("a", "b"));
        assert_false(streq_null("", NULL));
}

static void steal_forgets_the_pointer(UNUSED void **state) {
        char *text = strdup("a");
        AUTO_FREE char *taken = STEAL(text);

        assert_null(text);
        assert_string_equal(taken, "a");
}

static void the_null_list_is_the_empty_list(UNUSED void **state) {
        AUTO_FREE char *joined = NULL;

        assert_int_equal(strv_length(NULL), 0);
        assert_false(strv_contains(NULL, "a"));
        assert_null(strv_free(NULL));
        assert_int_equal(strv_join(&joined, NULL, ","), 0);
        assert_string_equal(joined, "");
}

static void strv_append_copies_up_to_the_length(UNUSED void **state) {
        AUTO_STRV char **list = NULL;

        assert_int_equal(strv_append(&list, "abc", 2), 0);
        assert_int_equal(strv_append(&list, "", 0), 0);
        assert_int_equal(strv_append(&list, "c", 1), 0);
        assert_int_equal(strv_length(list), 3);
        assert_string_equal(list[0], "ab");
        assert_string_equal(list[1], "");
        assert_true(strv_contains(list, "c"));
        assert_false(strv_contains(list, "abc"));
}

static void strv_split_splits_at_runs_of_blanks(UNUSED void **state) {
        static const struct {
                const char *text, *joined;
        } cases[] = {
                {"a", "a"},         {"a b", "a|b"},   {"  a\t \tb  ", "a|b"},
                {"a,b c", "a,b|c"}, {"a\nb", "a\nb"}, {"\xc2\xa0", "\xc2\xa0"},
                {"x y z", "x|y|z"},
        };
        AUTO_STRV char **none = NULL;

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_STRV char **list = NULL;
                AUTO_FREE char *joined = NULL;

                assert_int_equal(strv_split(&list, cases[i].text), 0);
                assert_int_equal(strv_join(&joined, list, "|"), 0);
                assert_string_equal(joined, cases[i].joined);
        }
        assert_int_equal(strv_split(&none, ""), 0);
        assert_null(none);
        assert_int_equal(strv_split(&none, " \t "), 0);
        assert_null(none);
}

static void array_grow_keeps_what_is_there(UNUSED void **state) {
        AUTO_FREE unsigned *numbers = NULL;

        for (unsigned i = 0; i < 1000; i++) {
                assert_int_equal(array_grow(&numbers, i, sizeof(*numbers)), 0);
                numbers[i] = i;
        }
        for (unsigned i = 0; i < 1000; i++)
                assert_int_equal(numbers[i], i);
}

struct utf8_case {
        const char *text;
        size_t length;
        bool valid;
};

static void utf8_valid_follows_rfc_3629(UNUSED void **state) {
        static const struct utf8_case cases[] = {
                {"", 0, true},
                {"ascii\t\n\x7f", 8, true},
                {"\xc2\x80\xdf\xbf", 4, true},                 /* U+0080, U+07FF */
                {"\xe0\xa0\x80\xef\xbf\xbf", 6, true},         /* U+0800, U+FFFF */
                {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8, true}, /* U+10000, U+10FFFF */
                {"\xed\x9f\xbf\xee\x80\x80", 6, true},         /* U+D7FF, U+E000 */
                {"a\0b", 3, false},
                {"\x80", 1, false},             /* a continuation byte alone */
                {"\xc3", 1, false},             /* cut */
                {"\xe2\x82", 2, false},         /* cut */
                {"\xf0\x9f\x98", 3, false},     /* cut */
                {"\xc3(", 2, false},            /* no continuation byte */
                {"\xc0\x80", 2, false},         /* overlong NUL */
                {"\xc1\xbf", 2, false},         /* overlong */
                {"\xe0\x9f\xbf", 3, false},     /* overlong */
                {"\xf0\x8f\xbf\xbf", 4, false}, /* overlong */
                {"\xed\xa0\x80", 3, false},     /* a surrogate */
                {"\xf4\x90\x80\x80", 4, false}, /* U+110000 */
                {"\xf5\x80\x80\x80", 4, false},
                {"\xff", 1, false},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++)
                assert_int_equal(utf8_valid(cases[i].text, cases[i].length), cases[i].valid);
}

static void make_one_line_leaves_one_line_of_utf8(UNUSED void **state) {
        static const struct {
                const char *text, *line;
        } cases[] = {
                {"", ""},
                {"plain", "plain"},
                {"a\nb\r\n", "a b"},
                {" \n\t", ""},
                {"\x1b[1m\x7f!", " [1m !"},
                {"\xc3\xa4", "\xc3\xa4"},
                {"\xc3\xa4\xff", "???"},
                {"\xc2\x9b"
                 "31m\xc2\x85"
                 "b",
                 " 31m b"},
                {"\xc2\xa0\xe2\x80\xa7\xe2\x81\xa5", "\xc2\xa0\xe2\x80\xa7\xe2\x81\xa5"},
                {"a\xe2\x80\xa8"
                 "b\xe2\x80\xae"
                 "c\xe2\x80\xac\xe2\x81\xa6\xe2\x81\xa9",
                 "a b c"},
                {"\xe2\x80", "??"},
                {"\xc2\x85", ""},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                AUTO_FREE char *text = strdup(cases[i].text);

                make_one_line(text);
                assert_string_equal(text, cases[i].line);
        }
}

static void problems_are_formatted_by_severity(UNUSED void **state) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *errors = NULL, *warnings = NULL;

        problems_add(&problems, SEVERITY_ERROR, "a", 3, "bad %s", "x");
        problems_add(&problems, SEVERITY_WARNING, "a", 4, "odd");
        problems_add(&problems, SEVERITY_ERROR, "b", 0, "gone");
        assert_int_equal(problems.count, 3);
        assert_int_equal(problems.errors, 2);
        errors = problems_format(&problems, SEVERITY_ERROR);
        assert_string_equal(errors, "a:3: bad x\nb: gone");
        warnings = problems_format(&problems, SEVERITY_WARNING);
        assert_string_equal(warnings, "a:4: warning: odd");
}

static void no_problems_are_an_empty_text(UNUSED void **state) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *text = NULL;

        text = problems_format(&problems, SEVERITY_ERROR);
        assert_string_equal(text, "");
        problems_clear(&problems);
        assert_null(problems.items);
}

static void problems_are_sorted_by_line(UNUSED void **state) {
        static const unsigned lines[] = {9, 4, 2, 4, 1, 3, 2};
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *text = NULL;

        problems_sort(&problems, 0);
        for (unsigned i = 0; i < ELEMENTS_OF(lines); i++)
                problems_add(&problems, SEVERITY_ERROR, "f", lines[i], "%u", i);
        problems_sort(&problems, 1);
        problems_sort(&problems, problems.count);
        text = problems_format(&problems, SEVERITY_ERROR);
        assert_string_equal(text, "f:9: 0\nf:1: 4\nf:2: 2\nf:2: 6\nf:3: 5\nf:4: 1\nf:4: 3");
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(strdup_to_passes_null_through),
                cmocka_unit_test(format_to_gives_the_text),
                cmocka_unit_test(streq_null_takes_null),
                cmocka_unit_test(steal_forgets_the_pointer),
                cmocka_unit_test(the_null_list_is_the_empty_list),
                cmocka_unit_test(strv_append_copies_up_to_the_length),
                cmocka_unit_test(strv_split_splits_at_runs_of_blanks),
                cmocka_unit_test(array_grow_keeps_what_is_there),
                cmocka_unit_test(utf8_valid_follows_rfc_3629),
                cmocka_unit_test(make_one_line_leaves_one_line_of_utf8),
                cmocka_unit_test(problems_are_formatted_by_severity),
                cmocka_unit_test(no_problems_are_an_empty_text),
                cmocka_unit_test(problems_are_sorted_by_line),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
