/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
        pthread_mutex_t mutex;
        struct queue_item *first, **end;
        int fd;
};

int queue_new(struct queue **ret) {
        struct queue *queue = calloc(1, sizeof(*queue));

        if (!queue)
                return -ENOMEM;
        queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (queue->fd < 0) {
                int r = -errno;

                free(queue);
                return r;
        }
        pthread_mutex_init(&queue->mutex, NULL);
        queue->end = &queue->first;
        *ret = queue;
        return 0;
}

struct queue *queue_free(struct queue *queue, void (*free_item)(struct queue_item *item)) {
        if (!queue)
                return NULL;
        while (queue->first) {
                struct queue_item *item = queue->first;

                queue->first = item->next;
                free_item(item);
        }
        pthread_mutex_destroy(&queue->mutex);
        close(queue->fd);
        free(queue);
        return NULL;
}

int queue_fd(const struct queue *queue) {
        return queue->fd;
}

void queue_wake(struct queue *queue) {
        eventfd_write(queue->fd, 1);
}

void queue_push(struct queue *queue, struct queue_item *item) {
        queue_push_chain(queue, item, item);
}

void queue_push_chain(struct queue *queue, struct queue_item *first, struct queue_item *last) {
        bool was_empty;

        last->next = NULL;
        pthread_mutex_lock(&queue->mutex);
        was_empty = !queue->first;
        *queue->end = first;
        queue->end = &last->next;
        pthread_mutex_unlock(&queue->mutex);
        if (was_empty)
                queue_wake(queue);
}

struct queue_item *queue_take(struct queue *queue) {
        struct queue_item *first;
        eventfd_t count;

        /* Before the items are taken: a wake-up for one that is pushed later must not be lost. */
        eventfd_read(queue->fd, &count);
        pthread_mutex_lock(&queue->mutex);
        first = queue->first;
        queue->first = NULL;
        queue->end = &queue->first;
        pthread_mutex_unlock(&queue->mutex);
        return first;
}
