/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the libvirt thread share. Included by virt*.c and by their tests only. */

#include <pthread.h>
#include <semaphore.h>

#include "virt_message.h"

/*
 * Both threads hold a reference: a thread that hangs in libvirt is left behind when the main loop is done,
 * and whatever it may still touch stays with it. The cpu map is the exception (see ruleset.h); by
 * then the process is about to end.
 */
struct virt {
        char *uri;
        char *runtime_folder; /* NULL: none */
        const struct virt_handlers *handlers;
        void *userdata;
        struct queue *commands, *reports;
        struct queue_item *taken; /* the main loop's: reports that are still to be dispatched */
        pthread_t thread;
        sem_t ended;           /* posted when the thread is done */
        unsigned n_references; /* atomic */
        bool stop;             /* atomic */
        bool failed;           /* atomic: the thread could not begin */
        uint64_t last_alive;   /* atomic */
};

struct virt *virt_unref(struct virt *virt);
DEFINE_CLEANUP(struct virt *, virt_unref);

/* The thread itself (virt_loop.c). Takes a reference over. */
void *virt_thread_main(void *userdata);

uint64_t monotonic_usec(void);

/* For tests of what happens between reading a definition and defining it; called in the thread. Returns what
 * is to be handed to libvirt instead (borrowed), or NULL. */
extern const char *(*virt_test_before_define)(const char *name);
