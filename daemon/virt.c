/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "virt_thread.h"

/* How long virt_free() waits for a thread that may hang in libvirt. */
#define STOP_SECONDS 1

/* Of the reports of a pass over many domains, so many are dispatched before others have their turn. */
#define DISPATCH_MAX 256

uint64_t monotonic_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

const char *definition_state_to_string(enum definition_state state) {
        static const char *const states[] = {
                [DEFINITION_TRANSIENT] = "transient",
                [DEFINITION_CONVERGED] = "converged",
                [DEFINITION_PENDING] = "pending",
                [DEFINITION_FAILED] = "failed",
        };

        return states[state];
}

struct virt *virt_unref(struct virt *virt) {
        if (!virt || __atomic_sub_fetch(&virt->n_references, 1, __ATOMIC_ACQ_REL) > 0)
                return NULL;
        queue_free(virt->commands, command_free_item);
        queue_free(virt->reports, report_free_item);
        while (virt->taken) {
                struct queue_item *next = virt->taken->next;

                report_free_item(virt->taken);
                virt->taken = next;
        }
        free(virt->uri);
        free(virt->runtime_folder);
        free(virt);
        return NULL;
}
/* Signals are the main loop's. */
static int start_thread(struct virt *virt) {
        sigset_t all, before;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        virt->n_references++;
        r = pthread_create(&virt->thread, NULL, virt_thread_main, virt);
        if (r != 0)
                virt->n_references--;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return -r;
}

int virt_new(const char *uri, const char *runtime_folder, const struct virt_handlers *handlers,
             void *userdata, struct virt **ret) {
        CLEANUP(virt_unref_p) struct virt *virt = calloc(1, sizeof(*virt));
        int r;

        if (!virt)
                return -ENOMEM;
        virt->n_references = 1;
        virt->handlers = handlers;
        virt->userdata = userdata;
        virt->last_alive = monotonic_usec();
        sem_init(&virt->ended, 0, 0);
        r = strdup_to(&virt->uri, uri);
        if (r >= 0)
                r = strdup_to(&virt->runtime_folder, runtime_folder);
        if (r >= 0)
                r = queue_new(&virt->commands);
        if (r >= 0)
                r = queue_new(&virt->reports);
        if (r >= 0)
                r = start_thread(virt);
        if (r < 0)
                return r;

        *ret = STEAL(virt);
        return 0;
}

static bool has_ended(struct virt *virt) {
        struct timespec deadline;
        int r;

        clock_gettime(CLOCK_MONOTONIC, &deadline);
        deadline.tv_sec += STOP_SECONDS;
        do
                r = sem_clockwait(&virt->ended, CLOCK_MONOTONIC, &deadline);
        while (r < 0 && errno == EINTR);
        return r == 0;
}

struct virt *virt_free(struct virt *virt) {
        if (!virt)
                return NULL;
        __atomic_store_n(&virt->stop, true, __ATOMIC_RELEASE);
        queue_wake(virt->commands);
        if (has_ended(virt)) {
                pthread_join(virt->thread, NULL);
        } else {
                log_warning("The libvirt thread still waits for libvirt and is left behind");
                pthread_detach(virt->thread);
        }
        return virt_unref(virt);
}

/* --- from the thread --- */

int virt_fd(const struct virt *virt) {
        return queue_fd(virt->reports);
}

void virt_poke(struct virt *virt) {
        queue_wake(virt->commands);
}

uint64_t virt_last_alive(const struct virt *virt) {
        return __atomic_load_n(&virt->last_alive, __ATOMIC_RELAXED);
}

bool virt_failed(const struct virt *virt) {
        return __atomic_load_n(&virt->failed, __ATOMIC_ACQUIRE);
}

static void hand_over(const struct virt *virt, const struct report *report) {
        const struct virt_handlers *handlers = virt->handlers;

        switch (report->kind) {
        case REPORT_CONNECTED:
                handlers->connected(report->text, virt->userdata);
                break;
        case REPORT_DISCONNECTED:
                handlers->disconnected(report->text, virt->userdata);
                break;
        case REPORT_GUEST:
                handlers->guest(&report->guest, virt->userdata);
                break;
        case REPORT_EDITED:
                handlers->edited(report->text, virt->userdata);
                break;
        case REPORT_GONE:
                handlers->gone(report->text, virt->userdata);
                break;
        case REPORT_PASS_FINISHED:
                handlers->pass_finished(report->policy_generation, report->n_domains,
                                        report->n_changed, report->n_failed, virt->userdata);
                break;
        case REPORT_CONVERGED:
                handlers->converged(report->request, report->changes, report->n_changes,
                                    report->text, virt->userdata);
                break;
        }
}

void virt_dispatch(struct virt *virt) {
        if (!virt->taken)
                virt->taken = queue_take(virt->reports);

        for (unsigned n = 0; virt->taken && n < DISPATCH_MAX; n++) {
                struct report *report = (struct report *)virt->taken;

                virt->taken = report->item.next;
                hand_over(virt, report);
                report_free(report);
        }
        if (virt->taken)
                queue_wake(virt->reports);
}

void virt_dispatch_all(struct virt *virt) {
        /* What was left over from an earlier time, and then what has come since. */
        for (unsigned n = 0; n < 2; n++)
                do
                        virt_dispatch(virt);
                while (virt->taken);
}

/* --- to the thread --- */

static int post(struct virt *virt, struct command *command) {
        queue_push(virt->commands, &command->item);
        return 0;
}

int virt_set_ruleset(struct virt *virt, struct ruleset *ruleset) {
        struct command *command = command_new(COMMAND_RULESET);

        if (!command)
                return -ENOMEM;
        command->ruleset = ruleset_ref(ruleset);
        return post(virt, command);
}

static int post_uuid(struct virt *virt, enum command_kind kind, const char *uuid) {
        struct command *command = command_new(kind);

        if (!command)
                return -ENOMEM;
        snprintf(command->uuid, sizeof(command->uuid), "%s", uuid);
        return post(virt, command);
}

int virt_attend(struct virt *virt, const char *uuid) {
        return post_uuid(virt, COMMAND_ATTEND, uuid);
}

int virt_autostart(struct virt *virt, const char *uuid) {
        return post_uuid(virt, COMMAND_AUTOSTART, uuid);
}

static int post_request(struct virt *virt, enum command_kind kind, uint64_t request, bool dry_run,
                        char *const *guests) {
        CLEANUP(command_free_p) struct command *command = command_new(kind);

        if (!command)
                return -ENOMEM;
        command->request = request;
        command->dry_run = dry_run;
        command->all = !guests;
        STRV_FOREACH (guest, guests) {
                int r = strv_append(&command->guests, *guest, strlen(*guest));

                if (r < 0)
                        return r;
        }
        return post(virt, STEAL(command));
}

int virt_converge(struct virt *virt, uint64_t request, bool dry_run, char *const *guests) {
        return post_request(virt, COMMAND_CONVERGE, request, dry_run, guests);
}

int virt_revert(struct virt *virt, uint64_t request, char *const *guests) {
        return post_request(virt, COMMAND_REVERT, request, false, guests);
}
