/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl list: every guest that libvirt has, in a table. */

#include <errno.h>

#include "output.h"
#include "remote.h"

static enum style style_of_note(const char *content) {
        return streq(content, "failed") || streq(content, "restart") ? STYLE_RED : STYLE_NONE;
}

static const struct column columns[] = {
        {"GUEST", true, NULL},  {"VERDICT", false, style_of_verdict},
        {"REASON", true, NULL}, {"RULE", true, NULL},
        {"STATE", false, NULL}, {"NOTE", false, style_of_note},
};

/* The one thing that most wants to be seen. */
static const char *note_on(const json_t *guest) {
        const char *definition = json_text(guest, "definition");

        if (streq(definition, "failed"))
                return definition;
        if (json_flag(guest, "needs-restart"))
                return "restart";
        return streq(definition, "converged") ? "" : definition;
}

static int print_table(struct cli *cli, const json_t *guests) {
        AUTO_TABLE struct table *table = table_new(columns, ELEMENTS_OF(columns));
        const json_t *guest;
        size_t i;
        int r = table ? 0 : -ENOMEM;

        json_array_foreach(guests, i, guest) {
                const char *cells[] = {
                        json_text(guest, "guest"),  json_text(guest, "verdict"),
                        json_text(guest, "reason"), json_text(guest, "guest-rule"),
                        json_text(guest, "state"),  note_on(guest),
                };

                if (r == 0)
                        r = table_add(table, cells);
        }
        return r < 0 ? r : table_print(table, cli);
}

static int print_list_json(struct cli *cli, const json_t *guests) {
        static const char *const nullable[] = {"guest-rule", "host-rule", "error", NULL};
        json_t *guest;
        size_t i;

        json_array_foreach(guests, i, guest) if (json_complete(guest, nullable) < 0) return -ENOMEM;
        return print_json(cli, guests);
}

int verb_list(struct cli *cli) {
        AUTO_BUS sd_bus *bus = NULL;
        AUTO_JSON json_t *guests = NULL;
        int r;

        r = remote_open(cli, &bus);
        if (r == 0)
                r = remote_list_guests(bus, &guests);
        if (r == 0)
                r = remote_tell_outage(bus);
        if (r != 0)
                return r;
        return cli_has(cli, OPTION_JSON) ? print_list_json(cli, guests) : print_table(cli, guests);
}
