/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A queue between two threads, with a file descriptor that says when there is something in it. */

#include "core/util.h"

/* The first member of whatever is queued. */
struct queue_item {
        struct queue_item *next;
};

struct queue;

/* Returns 0 or a negative errno. */
int queue_new(struct queue **ret);
/* What is still in it is handed to `free_item`. */
struct queue *queue_free(struct queue *queue, void (*free_item)(struct queue_item *item));

/* Readable while there is something in the queue. */
int queue_fd(const struct queue *queue);

/* Append an item, or a chain of them from `first` to `last`. Wakes the reader; cannot fail. Any thread. */
void queue_push(struct queue *queue, struct queue_item *item);
void queue_push_chain(struct queue *queue, struct queue_item *first, struct queue_item *last);
/* Take all that is there, oldest first; NULL: nothing. */
struct queue_item *queue_take(struct queue *queue);
/* Make the descriptor readable until the next queue_take(), with or without anything in the queue. */
void queue_wake(struct queue *queue);
