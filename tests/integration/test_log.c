/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where entries go. */

#include "log.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/data.h"

static FILE *captured;
static int own_stderr = -1;

static int capture(void **state UNUSED) {
        captured = tmpfile();
        own_stderr = dup(STDERR_FILENO);
        return captured && own_stderr >= 0 ? 0 : -1;
}

static int release(void **state UNUSED) {
        unsetenv("JOURNAL_STREAM");
        fclose(captured);
        close(own_stderr);
        return 0;
}

/* One entry with stderr in the captured file: what it says. Owned. */
static char *log_one(void) {
        char text[256] = "";
        size_t n;

        assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
        log_warning("One entry");
        assert_true(dup2(own_stderr, STDERR_FILENO) >= 0);
        rewind(captured);
        n = fread(text, 1, sizeof(text) - 1, captured);
        text[n] = '\0';
        return strdup(text);
}

static void stream_is(unsigned long long device, unsigned long long inode, const char *more) {
        AUTO_FREE char *text = NULL;

        assert_int_equal(format_to(&text, "%llu:%llu%s", device, inode, more), 0);
        assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
}

static void entries_go_to_stderr_without_a_journal(void **state UNUSED) {
        AUTO_FREE char *said = log_one();

        assert_string_equal(said, "xsavesd: One entry\n");
}

static void entries_go_to_stderr_where_it_is_not_the_journals(void **state UNUSED) {
        struct stat status;

        assert_int_equal(fstat(fileno(captured), &status), 0);
        for (int i = 0; i < 4; i++) {
                AUTO_FREE char *said = NULL;

                if (i < 2)
                        stream_is(status.st_dev + (i == 0), status.st_ino + (i == 1), "");
                else if (i == 2)
                        stream_is(status.st_dev, status.st_ino, "x");
                else
                        setenv("JOURNAL_STREAM", "", 1);
                rewind(captured);
                assert_int_equal(ftruncate(fileno(captured), 0), 0);
                said = log_one();
                assert_string_equal(said, "xsavesd: One entry\n");
        }
}

/* To the journal; where there is none on this machine, nowhere. */
static void entries_go_to_the_journal_where_stderr_does(void **state UNUSED) {
        AUTO_FREE char *said = NULL;
        struct stat status;

        assert_int_equal(fstat(fileno(captured), &status), 0);
        stream_is(status.st_dev, status.st_ino, "");
        said = log_one();
        assert_string_equal(said, "");
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void) {
        static const struct CMUnitTest tests[] = {
                CAPTURED(entries_go_to_stderr_without_a_journal),
                CAPTURED(entries_go_to_stderr_where_it_is_not_the_journals),
                CAPTURED(entries_go_to_the_journal_where_stderr_does),
        };

        unsetenv("JOURNAL_STREAM");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
