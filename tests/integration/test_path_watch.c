/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* When a watch calls back, and that no change is lost to it. */

#include "path_watch.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../unit/data.h"

struct fixture {
        char folder[64];
        char *file, *other;
        sd_event *event;
        struct path_watch *watch;
        unsigned n_calls;
        uint64_t called_at;
};

static uint64_t now_usec(void) {
        struct timespec now;

        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void on_change(void *userdata) {
        struct fixture *f = userdata;

        f->n_calls++;
        f->called_at = now_usec();
}

static void write_to(const char *path) {
        AUTO_FCLOSE FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs("text", file) >= 0);
}

static void watch_file(struct fixture *f) {
        char *const paths[] = {f->file, NULL};

        assert_true(path_watch_set(f->watch, paths) >= 0);
}

static void run_for(struct fixture *f, uint64_t usec) {
        uint64_t end = now_usec() + usec;

        while (now_usec() < end)
                assert_true(sd_event_run(f->event, 10000) >= 0);
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        *state = f;
        strcpy(f->folder, "/tmp/xsavesd-watch.XXXXXX");
        assert_non_null(mkdtemp(f->folder));
        assert_int_equal(format_to(&f->file, "%s/file", f->folder), 0);
        assert_int_equal(format_to(&f->other, "%s/other", f->folder), 0);
        write_to(f->file);
        assert_true(sd_event_new(&f->event) >= 0);
        assert_int_equal(path_watch_new(f->event, on_change, f, &f->watch), 0);
        watch_file(f);
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        path_watch_free(f->watch);
        sd_event_unref(f->event);
        unlink(f->file);
        unlink(f->other);
        assert_int_equal(rmdir(f->folder), 0);
        free(f->file);
        free(f->other);
        free(f);
        return 0;
}

static void a_burst_of_changes_is_one_call(void **state) {
        struct fixture *f = *state;

        for (int i = 0; i < 5; i++) {
                write_to(f->file);
                run_for(f, 20000);
        }
        run_for(f, 500000);
        assert_int_equal(f->n_calls, 1);
}

static void what_is_beside_it_is_no_change(void **state) {
        struct fixture *f = *state;

        write_to(f->other);
        run_for(f, 500000);
        assert_int_equal(f->n_calls, 0);
}

static void a_burst_without_end_is_told_of_within_a_second(void **state) {
        const char *slowdown = getenv("XSAVESD_TEST_SLOWDOWN");
        unsigned slower = slowdown ? (unsigned)atoi(slowdown) : 1;
        struct fixture *f = *state;
        uint64_t began = now_usec();

        while (f->n_calls == 0 && now_usec() < began + UINT64_C(3000000) * slower) {
                write_to(f->file);
                run_for(f, 30000);
        }
        assert_int_equal(f->n_calls, 1);
        assert_true(f->called_at - began <= UINT64_C(1000000) * slower);
}

/* As when it is written right after it was read. */
static void a_change_before_the_paths_are_set_again_is_told_of(void **state) {
        struct fixture *f = *state;

        write_to(f->file);
        watch_file(f);
        run_for(f, 500000);
        assert_int_equal(f->n_calls, 1);
}

#define WATCHED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        static const struct CMUnitTest tests[] = {
                WATCHED(a_burst_of_changes_is_one_call),
                WATCHED(what_is_beside_it_is_no_change),
                WATCHED(a_burst_without_end_is_told_of_within_a_second),
                WATCHED(a_change_before_the_paths_are_set_again_is_told_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
