/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "read_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/data.h"

static char folder[] = "/tmp/xsavesd-test-XXXXXX";
static char *path;

static int set_up(void **state UNUSED) {
        return mkdtemp(folder) && format_to(&path, "%s/file", folder) == 0 ? 0 : -1;
}

static int tear_down(void **state UNUSED) {
        unlink(path);
        free(path);
        return rmdir(folder);
}

static void write_bytes(size_t n) {
        AUTO_FCLOSE FILE *file = fopen(path, "we");

        assert_non_null(file);
        for (size_t i = 0; i < n; i++)
                fputc((int)('a' + i % 26), file);
}

static void file_is_read_whole_up_to_the_limit(void **state UNUSED) {
        static const size_t sizes[] = {0, 1, 16382, 16383, 16384, 16385, 100000};

        for (size_t i = 0; i < ELEMENTS_OF(sizes); i++) {
                AUTO_FREE char *text = NULL, *same = NULL, *none = NULL;
                size_t length = 0;

                write_bytes(sizes[i]);
                assert_int_equal(read_file(path, 1000000, &text, &length), 0);
                assert_int_equal(length, sizes[i]);
                assert_int_equal(strlen(text), sizes[i]);
                assert_int_equal(read_file(path, sizes[i], &same, NULL), 0);
                assert_string_equal(same, text);
                if (sizes[i] > 0)
                        assert_int_equal(read_file(path, sizes[i] - 1, &none, NULL), -EFBIG);
                assert_null(none);
        }
}

static void file_without_a_size_is_read(void **state UNUSED) {
        AUTO_FREE char *text = NULL;

        assert_int_equal(read_file("/proc/self/status", 100000, &text, NULL), 0);
        assert_int_equal(strncmp(text, "Name:", 5), 0);
}

static void what_is_no_file_is_refused_at_once(void **state UNUSED) {
        char *text = NULL;

        unlink(path);
        assert_int_equal(read_file(path, 100, &text, NULL), -ENOENT);
        assert_int_equal(mkfifo(path, 0600), 0);
        assert_int_equal(read_file(path, 100, &text, NULL), -EINVAL);
        assert_int_equal(read_file(folder, 100, &text, NULL), -EISDIR);
        assert_int_equal(read_file("/dev/zero", 100, &text, NULL), -EINVAL);
        assert_null(text);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(file_is_read_whole_up_to_the_limit),
                cmocka_unit_test(file_without_a_size_is_read),
                cmocka_unit_test(what_is_no_file_is_refused_at_once),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
