/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue.h"

#include <poll.h>
#include <pthread.h>

#include "data.h"

#define N_ITEMS 10000

struct number {
        struct queue_item item;
        int value;
};

static unsigned n_freed;

static void free_number(struct queue_item *item) {
        n_freed++;
        free(item);
}

static struct queue_item *number(int value) {
        struct number *number = calloc(1, sizeof(*number));

        assert_non_null(number);
        number->value = value;
        return &number->item;
}

static bool is_readable(const struct queue *queue, int ms) {
        struct pollfd poller = {.fd = queue_fd(queue), .events = POLLIN};

        return poll(&poller, 1, ms) == 1;
}

static void what_is_pushed_comes_out_in_order(void **state UNUSED) {
        struct queue *queue = NULL;
        struct queue_item *first = number(2), *item;

        assert_int_equal(queue_new(&queue), 0);
        assert_false(is_readable(queue, 0));
        assert_null(queue_take(queue));

        queue_push(queue, number(1));
        first->next = number(3);
        queue_push_chain(queue, first, first->next);
        queue_push(queue, number(4));
        assert_true(is_readable(queue, 0));
        item = queue_take(queue);
        assert_false(is_readable(queue, 0));
        for (int i = 1; i <= 4; i++) {
                struct queue_item *next = item->next;

                assert_int_equal(((struct number *)item)->value, i);
                free(item);
                item = next;
        }
        assert_null(item);
        queue_free(queue, free_number);
}

static void a_wake_needs_no_item(void **state UNUSED) {
        struct queue *queue = NULL;

        assert_int_equal(queue_new(&queue), 0);
        queue_wake(queue);
        assert_true(is_readable(queue, 0));
        assert_null(queue_take(queue));
        assert_false(is_readable(queue, 0));
        queue_free(queue, free_number);
}

static void what_nobody_takes_is_freed(void **state UNUSED) {
        struct queue *queue = NULL;

        n_freed = 0;
        assert_int_equal(queue_new(&queue), 0);
        queue_push(queue, number(1));
        queue_push(queue, number(2));
        queue_free(queue, free_number);
        assert_int_equal(n_freed, 2);
        queue_free(NULL, free_number);
}

static void *push_all(void *queue) {
        for (int i = 0; i < N_ITEMS; i++)
                queue_push(queue, number(i));
        return NULL;
}

static void no_wake_up_is_lost_between_threads(void **state UNUSED) {
        struct queue *queue = NULL;
        pthread_t thread;
        int wanted = 0;

        assert_int_equal(queue_new(&queue), 0);
        assert_int_equal(pthread_create(&thread, NULL, push_all, queue), 0);
        while (wanted < N_ITEMS) {
                assert_true(is_readable(queue, 10000));
                for (struct queue_item *item = queue_take(queue), *next; item; item = next) {
                        next = item->next;
                        assert_int_equal(((struct number *)item)->value, wanted++);
                        free(item);
                }
        }
        pthread_join(thread, NULL);
        queue_free(queue, free_number);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_pushed_comes_out_in_order),
                cmocka_unit_test(a_wake_needs_no_item),
                cmocka_unit_test(what_nobody_takes_is_freed),
                cmocka_unit_test(no_wake_up_is_lost_between_threads),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
