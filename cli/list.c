/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl list: every guest that libvirt has, in a table. */

#include <errno.h>
#include <string.h>

#include "output.h"
#include "remote.h"

static enum style style_of_note(const char *content) {
        return strstr(content, "failed") || strstr(content, "restart") ? STYLE_RED : STYLE_NONE;
}

static const struct column columns[] = {
        {"GUEST", true, NULL},  {"VERDICT", false, style_of_verdict},
        {"REASON", true, NULL}, {"RULE", true, NULL},
        {"STATE", false, NULL}, {"NOTE", false, style_of_note},
};

/* All that needs attention: the definition, and what runs. *ret is owned. */
static int note_on(const json_t *guest, char **ret) {
        const char *definition = json_text(guest, "definition");
        bool restart = json_flag(guest, "needs-restart");

        if (streq(definition, "converged"))
                definition = "";
        return format_to(ret, "%s%s%s", definition, *definition && restart ? ", " : "",
                         restart ? "restart" : "");
}

static int add_row(struct table *table, const json_t *guest) {
        AUTO_FREE char *note = NULL;
        int r;

        r = note_on(guest, &note);
        if (r < 0)
                return r;
        return table_add(table, (const char *const[]){
                                        json_text(guest, "guest"),
                                        json_text(guest, "verdict"),
                                        json_text(guest, "reason"),
                                        json_text(guest, "guest-rule"),
                                        json_text(guest, "state"),
                                        note,
                                });
}

static int print_table(struct cli *cli, const json_t *guests) {
        AUTO_TABLE struct table *table = table_new(columns, ELEMENTS_OF(columns));
        const json_t *guest;
        size_t i;
        int r = table ? 0 : -ENOMEM;

        json_array_foreach(guests, i, guest) if (r == 0) r = add_row(table, guest);
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
