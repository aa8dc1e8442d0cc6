/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <string.h>

#include "core/policy/ini.h"

/* What ini_read() gave: items as `line [section]`, `line [section] key=value` or
 * `line [section] key+=value` for an indented line, then problems. */
struct reading {
        char *items;
        char *problems;
        FILE *stream;
        int n;
};

static void reading_clear(struct reading *reading) {
        free(reading->items);
        free(reading->problems);
}
#define AUTO_READING CLEANUP(reading_clear)

static void note_item(const struct ini_item *item, void *userdata) {
        struct reading *reading = userdata;

        fprintf(reading->stream, "%u [%s]", item->line, item->section);
        if (item->key)
                fprintf(reading->stream, " %s%s=%s", item->key, item->continues ? "+" : "",
                        item->value);
        fputc('\n', reading->stream);
        reading->n++;
}

static void read_text(struct reading *reading, const char *text, size_t length) {
        AUTO_PROBLEMS struct problems problems = {};
        /* On the heap and without a NUL behind it, so that a read past its end is found. */
        AUTO_FREE char *copy = malloc(length ? length : 1);
        size_t size;

        assert_non_null(copy);
        if (length)
                memcpy(copy, text, length);
        reading->stream = open_memstream(&reading->items, &size);
        assert_non_null(reading->stream);
        ini_read("f", copy, length, note_item, reading, &problems);
        fclose(reading->stream);
        reading->problems = problems_format(&problems, SEVERITY_ERROR);
        assert_int_equal(problems.errors, problems.count);
}

static void check(const char *text, size_t length, const char *items, const char *problems) {
        AUTO_READING struct reading reading = {};

        read_text(&reading, text, length);
        assert_string_equal(reading.items, items);
        assert_string_equal(reading.problems, problems);
}

struct text_case {
        const char *text;
        size_t length; /* 0: up to the NUL */
        const char *items;
        const char *problems;
};

static void check_all(const struct text_case *cases, size_t n) {
        for (size_t i = 0; i < n; i++)
                check(cases[i].text, cases[i].length ? cases[i].length : strlen(cases[i].text),
                      cases[i].items, cases[i].problems);
}

static void accepts_what_inih_reads_in_full(UNUSED void **state) {
        static const struct text_case cases[] = {
                {"", 0, "", ""},
                {"\n\n", 0, "", ""},
                {"; only\n# comments\n  ; indented\n\t# too\n   \n", 0, "", ""},
                {"[a]\nk = v\n", 0, "1 [a]\n2 [a] k=v\n", ""},
                {"[a]\nk = v", 0, "1 [a]\n2 [a] k=v\n", ""},
                {"[a]", 0, "1 [a]\n", ""},
                {"[a]\n[b]\n\n[c]\n", 0, "1 [a]\n2 [b]\n4 [c]\n", ""},
                {"[a]\nk=v\nl   =\tw  x \t\n", 0, "1 [a]\n2 [a] k=v\n3 [a] l=w  x\n", ""},
                {"[a]\nk =\n", 0, "1 [a]\n2 [a] k=\n", ""},
                {"[a]\nk = v ; comment\n", 0, "1 [a]\n2 [a] k=v\n", ""},
                {"[a]\nk = v;w\n", 0, "1 [a]\n2 [a] k=v;w\n", ""},
                {"[a]\nk = v # w\n", 0, "1 [a]\n2 [a] k=v # w\n", ""},
                {"[a]\nk = ; comment\n", 0, "1 [a]\n2 [a] k=\n", ""},
                {"[a]\nk = a = b : c\n", 0, "1 [a]\n2 [a] k=a = b : c\n", ""},
                {"[a] ; comment ] [ =\nk = v\n", 0, "1 [a]\n2 [a] k=v\n", ""},
                {"[a]  \t\nk = v\n", 0, "1 [a]\n2 [a] k=v\n", ""},
                {"[a b  c;d]\n", 0, "1 [a b  c;d]\n", ""},
                {"[a]\r\nk = v\r\n\r\nl = w\r\n", 0, "1 [a]\n2 [a] k=v\n4 [a] l=w\n", ""},
                {"\xef\xbb\xbf[a]\nk = v\n", 0, "1 [a]\n2 [a] k=v\n", ""},
                {"\xef\xbb\xbf", 0, "", ""},
                {"[\xc3\xa4]\nk\xc3\xb6 = \xe2\x82\xac\n", 0,
                 "1 [\xc3\xa4]\n2 [\xc3\xa4] k\xc3\xb6=\xe2\x82\xac\n", ""},
                {"[a]\nk = v\n[b]\nk = v\n", 0, "1 [a]\n2 [a] k=v\n3 [b]\n4 [b] k=v\n", ""},
        };

        check_all(cases, ELEMENTS_OF(cases));
}

#define NO_KEY "neither [SECTION], nor key = value, nor a comment: "
#define NO_END "a section name without an end; write [NAME]"
#define NO_NAME "a section name that is empty or has blanks around it; write [NAME]"
#define BEHIND "text behind [a]; a comment there begins with a blank and ';'"
#define INDENTED "indented line that is below no key; begin it in the first column"

static void refuses_lines_of_the_wrong_form(UNUSED void **state) {
        static const struct text_case cases[] = {
                {"[a]\njunk\nk = v\n", 0, "1 [a]\n3 [a] k=v\n", "f:2: " NO_KEY "junk"},
                {"[a]\n=x\n", 0, "1 [a]\n", "f:2: " NO_KEY "=x"},
                {"[a]\n:x\n", 0, "1 [a]\n", "f:2: " NO_KEY ":x"},
                {"[a]\n]\n", 0, "1 [a]\n", "f:2: " NO_KEY "]"},
                {"[a]\nk ; = v\n", 0, "1 [a]\n", "f:2: " NO_KEY "k ; = v"},
                {"[a]\nk : v\n", 0, "1 [a]\n", "f:2: a key ends with \":\"; write k = value"},
                {"[a]\nk: v = w\n", 0, "1 [a]\n", "f:2: a key ends with \":\"; write k = value"},
                {"k = v\n[a]\n", 0, "2 [a]\n", "f:1: key \"k\" before the first [SECTION]"},
                {"\xef\xbb\xbfk = v\n", 0, "", "f:1: key \"k\" before the first [SECTION]"},
                {"[a]\n k = v\n\tl = w\n", 0, "1 [a]\n", "f:2: " INDENTED "\nf:3: " INDENTED},
                {"[a]\n; c\n\n  more\nl = w\n", 0, "1 [a]\n5 [a] l=w\n", "f:4: " INDENTED},
                {"[a]\nk = v\n[b]\n l = w\n", 0, "1 [a]\n2 [a] k=v\n3 [b]\n", "f:4: " INDENTED},
        };

        check_all(cases, ELEMENTS_OF(cases));
}

static void indented_lines_go_on_with_the_key_above(UNUSED void **state) {
        static const struct text_case cases[] = {
                {"[a]\nk = v\n  more\n\tand more \nl = w\n", 0,
                 "1 [a]\n2 [a] k=v\n3 [a] k+=more\n4 [a] k+=and more\n5 [a] l=w\n", ""},
                {"[a]\nk =\n v", 0, "1 [a]\n2 [a] k=\n3 [a] k+=v\n", ""},
                {"[a]\r\nk = v\r\n w\r\n", 0, "1 [a]\n2 [a] k=v\n3 [a] k+=w\n", ""},
                {"[a]\nk = v\n w ; c\n x\t; c ; d\n y;z #\n", 0,
                 "1 [a]\n2 [a] k=v\n3 [a] k+=w\n4 [a] k+=x\n5 [a] k+=y;z #\n", ""},
                {"[a]\nk = v\n; c\n\n  # c\n ; c\n\t\n w\n", 0, "1 [a]\n2 [a] k=v\n8 [a] k+=w\n",
                 ""},
                /* What may be a mistake there is for the handler to know. */
                {"[a]\nk = v\n l = w\n [b]\n m: n\n =\n ]", 0,
                 "1 [a]\n2 [a] k=v\n3 [a] k+=l = w\n4 [a] k+=[b]\n5 [a] k+=m: n\n6 [a] k+==\n"
                 "7 [a] k+=]\n",
                 ""},
                /* Below what is refused. */
                {"[a]\nk = v\n=\n x\nl = y\n z\n", 0, "1 [a]\n2 [a] k=v\n5 [a] l=y\n6 [a] l+=z\n",
                 "f:3: " NO_KEY "="},
                {"[a]\nk = v\njunk\n w\n", 0, "1 [a]\n2 [a] k=v\n", "f:3: " NO_KEY "junk"},
                {"[a]\nk = v\nl = \xff\n w\n", 0, "1 [a]\n2 [a] k=v\n",
                 "f:3: bytes that are not UTF-8; save the file as UTF-8"},
                {"[a]\nk = v\n \xff\n w\n", 0, "1 [a]\n2 [a] k=v\n4 [a] k+=w\n",
                 "f:3: bytes that are not UTF-8; save the file as UTF-8"},
        };

        check_all(cases, ELEMENTS_OF(cases));
}

static void refuses_odd_section_starts_with_the_keys_below(UNUSED void **state) {
        static const struct text_case cases[] = {
                {"[", 0, "", "f:1: " NO_END},
                {"[a\nk = v\nk = v\n", 0, "", "f:1: " NO_END},
                {"[a ; b]\nk = v\n[c]\n", 0, "3 [c]\n", "f:1: " NO_END},
                {"[a[b]\n", 0, "", "f:1: " NO_END},
                {"[[a]]\n", 0, "", "f:1: " NO_END},
                {"[]\nk = v\n", 0, "", "f:1: " NO_NAME},
                {"[ a]\n[a ]\n[ ]\n", 0, "", "f:1: " NO_NAME "\nf:2: " NO_NAME "\nf:3: " NO_NAME},
                {"[a]b\nk = v\n", 0, "", "f:1: " BEHIND},
                {"[a]]\n", 0, "", "f:1: " BEHIND},
                {"[a];comment\n", 0, "", "f:1: " BEHIND},
                {"[a] # comment\n", 0, "", "f:1: " BEHIND},
                {"[b]\n [a]\nk = v\n", 0, "1 [b]\n", "f:2: " INDENTED},
                {"[a\nk = v\n  more\n", 0, "", "f:1: " NO_END},
                {"[b]\nk = v\n[\xff]\nk = v\n", 0, "1 [b]\n2 [b] k=v\n",
                 "f:3: bytes that are not UTF-8; save the file as UTF-8"},
        };

        check_all(cases, ELEMENTS_OF(cases));
}

static void what_comes_twice_is_for_the_handler_to_refuse(UNUSED void **state) {
        static const struct text_case cases[] = {
                {"[a]\nk = v\nk = x\n[a]\nk = v\n", 0,
                 "1 [a]\n2 [a] k=v\n3 [a] k=x\n4 [a]\n5 [a] k=v\n", ""},
        };

        check_all(cases, ELEMENTS_OF(cases));
}

#define NUL_BYTE "a NUL byte: this is no text; remove it"
#define NO_UTF8 "bytes that are not UTF-8; save the file as UTF-8"

static void refuses_bytes_that_are_no_text(UNUSED void **state) {
        static const struct text_case cases[] = {
                {"\0[a]\n", 5, "", "f:1: " NUL_BYTE},
                {"\0", 1, "", "f:1: " NUL_BYTE},
                {"[a]\nk = v\0w\nl = w\n", 18, "1 [a]\n3 [a] l=w\n", "f:2: " NUL_BYTE},
                {"[a]\n\0k = v", 10, "1 [a]\n", "f:2: " NUL_BYTE},
                {"; comment \0\n", 12, "", "f:1: " NUL_BYTE},
                {"\xff\xfe[\0a\0]\0", 8, "", "f:1: " NUL_BYTE},
                {"[a]\nk = \xc3(\n", 0, "1 [a]\n", "f:2: " NO_UTF8},
                {"[a]\nk = \xe2\x82", 0, "1 [a]\n", "f:2: " NO_UTF8},
                {"# \xff\n[a]\n", 0, "2 [a]\n", "f:1: " NO_UTF8},
                {"[a]\nk = v\rl = w\r\n", 0, "1 [a]\n",
                 "f:2: control character at byte 6 of the line; remove it"},
                {"[a]\nk = \x1b[1m\n", 0, "1 [a]\n",
                 "f:2: control character at byte 5 of the line; remove it"},
                {"[a]\nk\v= v\n", 0, "1 [a]\n",
                 "f:2: control character at byte 2 of the line; remove it"},
                {"[a]\nk = \xc2\x85v\n", 0, "1 [a]\n",
                 "f:2: control character at byte 5 of the line; remove it"},
                {"[a\x7f]\nk = v", 0, "",
                 "f:1: control character at byte 3 of the line; remove it"},
        };

        check_all(cases, ELEMENTS_OF(cases));
}

/* "[a]\n", then a key line of `length` bytes in all, then `end` and "l = w\n". */
static char *long_line(const char *start, size_t length, const char *end) {
        char *text = NULL;

        assert_int_equal(format_to(&text, "[a]\n%s%0*d%sl = w\n", start,
                                   (int)(length - strlen(start)), 0, end),
                         0);
        return text;
}

static void accepts_lines_up_to_199_bytes(UNUSED void **state) {
        static const char *const ends[] = {"\n", "\r\n"};

        for (size_t i = 0; i < ELEMENTS_OF(ends); i++)
                for (size_t length = 190; length <= 199; length++) {
                        AUTO_FREE char *text = long_line("k = ", length, ends[i]);
                        AUTO_FREE char *items = NULL;

                        assert_int_equal(format_to(&items, "1 [a]\n2 [a] k=%0*d\n3 [a] l=w\n",
                                                   (int)length - 4, 0),
                                         0);
                        check(text, strlen(text), items, "");
                }
}

static void refuses_lines_of_200_bytes_and_more(UNUSED void **state) {
        static const char *const starts[] = {"k = ", "k", "; ", "", "[a]", "[", "k = v ;"};

        for (size_t i = 0; i < ELEMENTS_OF(starts); i++)
                for (size_t length = 200; length <= 5000;
                     length = length < 205 ? length + 1 : 5001) {
                        AUTO_FREE char *text = long_line(starts[i], length, "\n");
                        AUTO_FREE char *problems = NULL;
                        bool bracket = starts[i][0] == '[';

                        assert_int_equal(format_to(&problems,
                                                   "f:2: line of %zu bytes; the limit is 199: "
                                                   "shorten or divide it",
                                                   length),
                                         0);
                        check(text, strlen(text), bracket ? "1 [a]\n" : "1 [a]\n3 [a] l=w\n",
                              problems);
                }
}

static void a_last_line_may_be_as_long_as_any(UNUSED void **state) {
        AUTO_FREE char *text = long_line("k = ", 199, "\n");
        AUTO_FREE char *items = NULL;

        assert_int_equal(format_to(&items, "1 [a]\n2 [a] k=%0195d\n", 0), 0);
        check(text, 4 + 199, items, "");
        check("\xef\xbb\xbf[a]", 6, "1 [a]\n", "");
}

static void the_byte_order_mark_is_no_part_of_the_first_line(UNUSED void **state) {
        AUTO_FREE char *text = NULL;

        assert_int_equal(format_to(&text, "\xef\xbb\xbf[a] ;%0193d\nk = v\n", 0), 0);
        check(text, strlen(text), "1 [a]\n2 [a] k=v\n", "");
}

static void section_names_may_have_49_bytes(UNUSED void **state) {
        AUTO_FREE char *text = NULL, *items = NULL;

        assert_int_equal(format_to(&text, "[%049d]\nk = v\n[%050d]\nk = v\n", 1, 2), 0);
        assert_int_equal(format_to(&items, "1 [%049d]\n2 [%049d] k=v\n", 1, 1), 0);
        check(text, strlen(text), items, "f:3: section name of 50 bytes; the limit is 49");
}

static void keys_are_not_cut_at_inihs_name_limit(UNUSED void **state) {
        AUTO_FREE char *text = NULL, *items = NULL;

        assert_int_equal(format_to(&text, "[a]\n%0120d = v\n%0120d = w\n", 1, 2), 0);
        assert_int_equal(format_to(&items, "1 [a]\n2 [a] %0120d=v\n3 [a] %0120d=w\n", 1, 2), 0);
        check(text, strlen(text), items, "");
}

static void ten_thousand_sections_are_read(UNUSED void **state) {
        AUTO_READING struct reading reading = {};
        AUTO_FREE char *text = NULL;
        size_t length;
        FILE *stream = open_memstream(&text, &length);

        for (int i = 0; i < 10000; i++)
                fprintf(stream, "[s %d]\nk = v\n", i);
        fclose(stream);
        read_text(&reading, text, length);
        assert_int_equal(reading.n, 20000);
        assert_string_equal(reading.problems, "");
}

static void after_1000_errors_the_rest_is_not_read(UNUSED void **state) {
        AUTO_READING struct reading reading = {};
        AUTO_FREE char *text = malloc(4 << 20);
        const char *last;

        assert_non_null(text);
        for (size_t i = 0; i < 4 << 20; i++)
                text[i] = i % 2 == 0 ? 'x' : '\n';
        read_text(&reading, text, 4 << 20);
        last = strrchr(reading.problems, '\n');
        assert_string_equal(last, "\nf:1000: 1000 errors; the rest is not read");
}

/* Bytes that mean something to an INI parser, in any order: nothing is to crash, or to be handed over
 * in another way than the text says. */
static void any_bytes_are_items_or_problems(UNUSED void **state) {
        static const char alphabet[] = "[]=:;# \t\r\n\nabk\xc3\xa4\xef\xbb\xbf\0";
        uint32_t random = 1386;

        for (int round = 0; round < 20000; round++) {
                AUTO_READING struct reading reading = {};
                char text[64] = "[a]\n";
                size_t length = random % sizeof(text);

                for (size_t i = round % 2 ? 4 : 0; i < length; i++) {
                        random = random * 1664525 + 1013904223;
                        text[i] = alphabet[(random >> 16) % sizeof(alphabet)];
                }
                random = random * 1664525 + 1013904223;
                read_text(&reading, text, length);
                assert_null(strstr(reading.problems, "inih"));
        }
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(accepts_what_inih_reads_in_full),
                cmocka_unit_test(refuses_lines_of_the_wrong_form),
                cmocka_unit_test(indented_lines_go_on_with_the_key_above),
                cmocka_unit_test(refuses_odd_section_starts_with_the_keys_below),
                cmocka_unit_test(what_comes_twice_is_for_the_handler_to_refuse),
                cmocka_unit_test(refuses_bytes_that_are_no_text),
                cmocka_unit_test(accepts_lines_up_to_199_bytes),
                cmocka_unit_test(refuses_lines_of_200_bytes_and_more),
                cmocka_unit_test(a_last_line_may_be_as_long_as_any),
                cmocka_unit_test(the_byte_order_mark_is_no_part_of_the_first_line),
                cmocka_unit_test(section_names_may_have_49_bytes),
                cmocka_unit_test(keys_are_not_cut_at_inihs_name_limit),
                cmocka_unit_test(ten_thousand_sections_are_read),
                cmocka_unit_test(after_1000_errors_the_rest_is_not_read),
                cmocka_unit_test(any_bytes_are_items_or_problems),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
