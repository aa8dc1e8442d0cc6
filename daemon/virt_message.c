/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_message.h"

struct command *command_new(enum command_kind kind) {
        struct command *command = calloc(1, sizeof(*command));

        if (command)
                command->kind = kind;
        return command;
}

struct command *command_free(struct command *command) {
        if (!command)
                return NULL;
        ruleset_unref(command->ruleset);
        strv_free(command->guests);
        free(command);
        return NULL;
}

void virt_guest_clear(struct virt_guest *guest) {
        free(guest->name);
        free(guest->error);
        free(guest->guest_rule);
        free(guest->host_rule);
        guest_clear(&guest->facts);
        *guest = (struct virt_guest){};
}

void virt_change_clear(struct virt_change *change) {
        free(change->name);
        free(change->before);
        free(change->after);
        free(change->error);
        *change = (struct virt_change){};
}

void virt_changes_free(struct virt_change *changes, size_t n_changes) {
        for (size_t i = 0; i < n_changes; i++)
                virt_change_clear(&changes[i]);
        free(changes);
}

struct report *report_free(struct report *report) {
        if (!report)
                return NULL;
        free(report->text);
        virt_guest_clear(&report->guest);
        virt_changes_free(report->changes, report->n_changes);
        free(report);
        return NULL;
}

void command_free_item(struct queue_item *item) {
        command_free((struct command *)item);
}

void report_free_item(struct queue_item *item) {
        report_free((struct report *)item);
}
