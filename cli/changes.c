/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"

#include <errno.h>
#include <string.h>

#include "message.h"
#include "output.h"
#include "progress.h"

#define BATCH 16

/* --- asking --- */

static int all_guests(sd_bus *bus, char ***ret) {
        AUTO_JSON json_t *guests = NULL;
        AUTO_STRV char **uuids = NULL;
        const json_t *guest;
        size_t i;
        int r;

        r = remote_list_guests(bus, &guests);
        if (r != 0)
                return r;
        json_array_foreach(guests, i, guest) {
                const char *uuid = json_text(guest, "uuid");

                r = strv_append(&uuids, uuid, strlen(uuid));
                if (r < 0)
                        return r;
        }
        *ret = STEAL(uuids);
        return STATUS_OK;
}

struct work {
        struct progress progress;
        size_t done, total;
};

static void work_end(struct work *work) {
        progress_end(&work->progress);
}

static void show_work(void *userdata) {
        struct work *work = userdata;

        progress_show(&work->progress, work->done, work->total);
}

static int ask_batch(sd_bus *bus, enum change_method method, char *const *guests, struct work *work,
                     json_t **ret) {
        if (method == CHANGE_REVERT)
                return remote_call_long(bus, "Revert", guests, show_work, work, ret, "");
        return remote_call_long(bus, "Converge", guests, show_work, work, ret, "b",
                                (int)(method == CHANGE_CONVERGE_DRY));
}

static int ask(sd_bus *bus, enum change_method method, char *const *guests, json_t *changes) {
        CLEANUP(work_end) struct work work = {.total = strv_length(guests)};

        /* An empty list would be taken for all guests. */
        for (; work.done < work.total; work.done += BATCH) {
                AUTO_JSON json_t *answer = NULL;
                char *batch[BATCH + 1] = {};
                int r;

                for (size_t i = 0; i < BATCH && work.done + i < work.total; i++)
                        batch[i] = guests[work.done + i];
                show_work(&work);
                r = ask_batch(bus, method, batch, &work, &answer);
                if (r != 0)
                        return r;
                if (json_array_extend(changes, answer) < 0)
                        return failed("the daemon's answer is of another kind");
        }
        return STATUS_OK;
}

int changes_ask(const struct cli *cli, enum change_method method, char *const *guests,
                json_t **ret) {
        AUTO_BUS sd_bus *bus = NULL;
        AUTO_STRV char **all = NULL;
        AUTO_JSON json_t *changes = json_array();
        int r;

        if (!changes)
                return -ENOMEM;
        r = remote_open(cli, &bus);
        if (r == 0 && !*guests) {
                r = all_guests(bus, &all);
                guests = all;
        }
        /* There may be none. */
        if (r == 0 && guests)
                r = ask(bus, method, guests, changes);
        if (r != 0)
                return r;
        *ret = STEAL(changes);
        return STATUS_OK;
}

/* --- reporting --- */

void say_guest_error(const json_t *change) {
        const char *error = json_text(change, "error");

        say("guest '%s': %s%s", json_text(change, "guest"), error,
            streq(error, "no such domain") ? "; `xsavesctl list` shows all" : "");
}

static enum style style_of_result(const char *result) {
        if (streq(result, "in line"))
                return STYLE_NONE;
        return streq(result, "failed") ? STYLE_RED : STYLE_GREEN;
}

static const struct column columns[] = {
        {"GUEST", true, NULL},
        {"RESULT", false, style_of_result},
        {"VERDICT", false, style_of_verdict},
        {"REASON", true, NULL},
};

struct counts {
        size_t changed, failed;
};

static int print_table(struct cli *cli, const json_t *changes, const char *done,
                       const char *not_done) {
        AUTO_TABLE struct table *table = table_new(columns, ELEMENTS_OF(columns));
        const json_t *change;
        size_t i;
        int r = table ? 0 : -ENOMEM;

        json_array_foreach(changes, i, change) {
                bool changed = json_flag(change, "changed");
                const char *error = json_text(change, "error");
                const char *cells[] = {
                        json_text(change, "guest"),
                        *error    ? "failed"
                        : changed ? done
                                  : not_done,
                        *error ? "" : json_text(change, "verdict"),
                        *error ? "" : json_text(change, "reason"),
                };

                /* Of all guests, those that nothing is to be said of are passed over. */
                if (r == 0 && (cli->n_arguments > 0 || changed || *error))
                        r = table_add(table, cells);
        }
        return r < 0 ? r : table_print(table, cli);
}

static struct counts count(const json_t *changes) {
        struct counts counts = {};
        const json_t *change;
        size_t i;

        json_array_foreach(changes, i, change) {
                const char *error = json_text(change, "error");

                if (*error) {
                        say_guest_error(change);
                        counts.failed++;
                } else {
                        counts.changed += json_flag(change, "changed");
                }
        }
        return counts;
}

int changes_print_json(struct cli *cli, json_t *changes, bool with_xml) {
        static const char *const decision[] = {"verdict", "means", "reason"};
        static const char *const nullable[] = {"uuid", "error", NULL};
        static const char *const xml[] = {"before", "after", NULL};
        json_t *change;
        size_t i;
        int r = 0;

        json_array_foreach(changes, i, change) {
                /* Where there is an error, there may have been no decision. */
                for (size_t k = 0; k < ELEMENTS_OF(decision) && *json_text(change, "error"); k++)
                        r |= json_object_set_new(change, decision[k], json_null());
                for (size_t k = 0; xml[k] && !with_xml; k++)
                        json_object_del(change, xml[k]);
                r |= json_complete(change, nullable);
                if (with_xml)
                        r |= json_complete(change, xml);
        }
        return r != 0 ? -ENOMEM : print_json(cli, changes);
}

int changes_report(struct cli *cli, json_t *changes, const char *done, const char *not_done) {
        struct counts counts = count(changes);
        int r;

        if (cli_has(cli, OPTION_JSON)) {
                r = changes_print_json(cli, changes, false);
        } else {
                r = print_table(cli, changes, done, not_done);
                if (r == 0 && !cli_has(cli, OPTION_NO_LEGEND))
                        fprintf(cli->out, "%zu guest%s: %zu %s, %zu failed\n",
                                json_array_size(changes), json_array_size(changes) == 1 ? "" : "s",
                                counts.changed, done, counts.failed);
        }
        if (r < 0)
                return r;
        return counts.failed > 0 ? STATUS_FAILED : STATUS_OK;
}
