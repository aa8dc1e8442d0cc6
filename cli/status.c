/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl status: the daemon, its policy, the host, libvirt and the guests at one glance. */

#include <errno.h>
#include <string.h>

#include "guest_counts.h"
#include "host_words.h"
#include "output.h"
#include "remote.h"

/* --- text --- */

#define LABEL_WIDTH 13

static void print_label(const struct cli *cli, const char *label) {
        fprintf(cli->out, "%-*s ", LABEL_WIDTH - 1, label);
}

static json_int_t policy_number(const json_t *policy, const char *key) {
        return json_integer_value(json_object_get(policy, key));
}

/* Lines of text, each behind the label. */
static void print_lines(const struct cli *cli, const char *label, enum style style,
                        const char *text) {
        while (*text) {
                size_t length = strcspn(text, "\n");
                AUTO_FREE char *line = strndup(text, length);

                print_label(cli, label);
                fputs(style_on(cli, style), cli->out);
                print_wrapped(cli, LABEL_WIDTH, line ? line : "");
                fputs(style_off(cli, style), cli->out);
                text += length + (text[length] != '\0');
                label = "";
        }
}

static void print_policy(const struct cli *cli, const json_t *properties) {
        const json_t *policy = json_object_get(properties, "Policy"), *file;
        const char *error = json_text(properties, "PolicyError");
        size_t i;

        print_label(cli, "Policy");
        fprintf(cli->out, "number %" JSON_INTEGER_FORMAT ", %s\n",
                policy_number(properties, "PolicyGeneration"),
                *error ? "not the one on disk, which is refused:" : "as on disk");
        print_lines(cli, "", STYLE_RED, error);
        json_array_foreach(json_object_get(policy, "files"), i, file) {
                print_label(cli, i == 0 ? "Files" : "");
                fprintf(cli->out, "%s\n", json_string_value(file));
        }
        if (json_array_size(json_object_get(policy, "files")) == 0) {
                print_label(cli, "Files");
                fprintf(cli->out, "none in %s: nothing is granted\n", json_text(policy, "folder"));
        }
        print_lines(cli, "Warnings", STYLE_YELLOW, json_text(policy, "warnings"));
        print_label(cli, "Rules");
        fprintf(cli->out,
                "%" JSON_INTEGER_FORMAT " for hosts, %" JSON_INTEGER_FORMAT
                " for guests; default %s, on-drift %s, enforce %s\n",
                policy_number(policy, "host-rules"), policy_number(policy, "guest-rules"),
                json_text(policy, "default"), json_text(policy, "on-drift"),
                json_flag(policy, "enforce") ? "yes" : "no: reports, changes nothing");
}

static void print_libvirt(const struct cli *cli, const json_t *properties) {
        const char *error = json_text(properties, "LibvirtError");
        bool connected = json_flag(properties, "LibvirtConnected");

        print_label(cli, "libvirt");
        if (connected)
                fputs("connected\n", cli->out);
        else
                fprintf(cli->out, "%snot connected%s\n", style_on(cli, STYLE_RED),
                        style_off(cli, STYLE_RED));
        if (!connected)
                print_lines(cli, "", STYLE_RED, error);
}

/* Those of which `wanted` holds, by name. */
static void print_guests_that(const struct cli *cli, const json_t *guests,
                              bool (*wanted)(const json_t *guest), const char *what) {
        const json_t *guest;
        size_t i;

        json_array_foreach(guests, i, guest) {
                if (!wanted(guest))
                        continue;
                print_label(cli, "");
                print_clean(cli->out, json_text(guest, "guest"));
                fprintf(cli->out, ": %s%s%s", style_on(cli, STYLE_RED), what,
                        style_off(cli, STYLE_RED));
                print_clean(cli->out, json_text(guest, "error"));
                fputc('\n', cli->out);
        }
}

static bool has_failed(const json_t *guest) {
        return streq(json_text(guest, "definition"), "failed");
}

static bool needs_restart(const json_t *guest) {
        return json_flag(guest, "needs-restart");
}

static void print_guests(const struct cli *cli, const json_t *guests) {
        struct guest_counts counts = guest_counts(guests);

        print_label(cli, "Guests");
        fprintf(cli->out, "%zu, %zu running: %zu granted XSAVES, %zu denied, %zu kept\n",
                counts.total, counts.running, counts.verdicts[VERDICT_GRANT],
                counts.verdicts[VERDICT_DENY], counts.verdicts[VERDICT_KEEP]);
        if (counts.pending > 0) {
                print_label(cli, "");
                fprintf(cli->out, "%zu with a definition that is not what the policy wants\n",
                        counts.pending);
        }
        print_guests_that(cli, guests, needs_restart, "needs a restart");
        print_guests_that(cli, guests, has_failed, "cannot be re-defined: ");
}

static void print_status(const struct cli *cli, const json_t *properties, const json_t *guests) {
        const json_t *host = json_object_get(properties, "Host");

        print_label(cli, "xsavesd");
        fprintf(cli->out, "version %s, running\n", json_text(properties, "Version"));
        print_policy(cli, properties);
        host_print(cli, host);
        if (!json_object_get(host, "host-rule")) {
                print_label(cli, "Host rule");
                fputs("none matches: nothing is granted here\n", cli->out);
        }
        print_libvirt(cli, properties);
        print_guests(cli, guests);
}

/* --- JSON --- */

static json_t *names_that(const json_t *guests, bool (*wanted)(const json_t *guest)) {
        json_t *names = json_array();
        const json_t *guest;
        size_t i;

        json_array_foreach(guests, i, guest) if (wanted(guest))
                json_array_append(names, json_object_get(guest, "guest"));
        return names;
}

static json_t *guests_to_json(const json_t *guests) {
        struct guest_counts counts = guest_counts(guests);

        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "total",
                         (json_int_t)counts.total, "running", (json_int_t)counts.running, "grant",
                         (json_int_t)counts.verdicts[VERDICT_GRANT], "deny",
                         (json_int_t)counts.verdicts[VERDICT_DENY], "keep",
                         (json_int_t)counts.verdicts[VERDICT_KEEP], "pending",
                         (json_int_t)counts.pending, "needs-restart",
                         names_that(guests, needs_restart), "failed",
                         names_that(guests, has_failed));
}

static json_t *policy_to_json(const json_t *properties) {
        json_t *policy = json_copy(json_object_get(properties, "Policy"));

        json_object_set(policy, "generation", json_object_get(properties, "PolicyGeneration"));
        json_object_set(policy, "error", json_object_get(properties, "PolicyError"));
        return policy;
}

static int print_status_json(struct cli *cli, const json_t *properties, const json_t *guests) {
        AUTO_JSON json_t *status = json_pack(
                "{s:O, s:o, s:O, s:{s:O, s:O}, s:o}", "version",
                json_object_get(properties, "Version"), "policy", policy_to_json(properties),
                "host", json_object_get(properties, "Host"), "libvirt", "connected",
                json_object_get(properties, "LibvirtConnected"), "error",
                json_object_get(properties, "LibvirtError"), "guests", guests_to_json(guests));

        return status ? print_json(cli, status) : -ENOMEM;
}

int verb_status(struct cli *cli) {
        AUTO_BUS sd_bus *bus = NULL;
        AUTO_JSON json_t *properties = NULL, *guests = NULL;
        int r;

        r = remote_open(cli, &bus);
        if (r == 0)
                r = remote_properties(bus, &properties);
        if (r == 0)
                r = remote_list_guests(bus, &guests);
        if (r != 0)
                return r;
        if (cli_has(cli, OPTION_JSON))
                return print_status_json(cli, properties, guests);
        print_status(cli, properties, guests);
        return STATUS_OK;
}
