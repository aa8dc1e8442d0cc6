/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl status: the daemon, its policy, the host, libvirt and the guests at one glance. */

#include <errno.h>
#include <string.h>

#include "guest_counts.h"
#include "host_words.h"
#include "output.h"
#include "remote.h"

/* --- text --- */

static json_int_t policy_number(const json_t *policy, const char *key) {
        return json_integer_value(json_object_get(policy, key));
}

/* Lines of text, each behind the label. */
static void print_lines(const struct cli *cli, const char *label, enum style style,
                        const char *text) {
        while (*text) {
                size_t length = strcspn(text, "\n");

                print_field(cli, label, style, "%.*s", (int)length, text);
                text += length + (text[length] != '\0');
                label = "";
        }
}

static void print_files(const struct cli *cli, const json_t *policy) {
        const json_t *files = json_object_get(policy, "files"), *file;
        size_t i;

        json_array_foreach(files, i, file)
                print_field(cli, i == 0 ? "Files" : "", STYLE_NONE, "%s", json_string_value(file));
        if (json_array_size(files) == 0)
                print_field(cli, "Files", STYLE_NONE, "none in %s: nothing is granted",
                            json_text(policy, "folder"));
}

static void print_policy(const struct cli *cli, const json_t *properties) {
        const json_t *policy = json_object_get(properties, "Policy");
        const char *error = json_text(properties, "PolicyError");

        print_field(cli, "Policy", STYLE_NONE, "number %" JSON_INTEGER_FORMAT ", %s",
                    policy_number(properties, "PolicyGeneration"),
                    *error ? "not the one on disk, which is refused:" : "as on disk");
        print_lines(cli, "", STYLE_RED, error);
        print_files(cli, policy);
        print_lines(cli, "Warnings", STYLE_YELLOW, json_text(policy, "warnings"));
        print_field(cli, "Rules", STYLE_NONE,
                    "%" JSON_INTEGER_FORMAT " for hosts, %" JSON_INTEGER_FORMAT " for guests",
                    policy_number(policy, "host-rules"), policy_number(policy, "guest-rules"));
        print_field(cli, "Settings", STYLE_NONE, "default %s, on-drift %s, enforce %s",
                    json_text(policy, "default"), json_text(policy, "on-drift"),
                    json_flag(policy, "enforce") ? "yes" : "no: reports, changes nothing");
}

static void print_libvirt(const struct cli *cli, const json_t *properties) {
        if (json_flag(properties, "LibvirtConnected")) {
                print_field(cli, "libvirt", STYLE_NONE, "connected");
                return;
        }
        print_field(cli, "libvirt", STYLE_RED, "not connected: guests are those known last");
        print_lines(cli, "", STYLE_RED, json_text(properties, "LibvirtError"));
}

static bool has_failed(const json_t *guest) {
        return streq(json_text(guest, "definition"), "failed");
}

static bool is_unjudged(const json_t *guest) {
        return streq(json_text(guest, "verdict"), verdict_to_string(VERDICT_UNJUDGED));
}

static bool needs_restart(const json_t *guest) {
        return json_flag(guest, "needs-restart");
}

/* By name, what is to be done about some. */
static void print_troubled_guests(const struct cli *cli, const json_t *guests) {
        const json_t *guest;
        size_t i;

        json_array_foreach(guests, i, guest) if (needs_restart(guest))
                print_field(cli, "", STYLE_RED, "%s: needs a restart", json_text(guest, "guest"));
        json_array_foreach(guests, i, guest) if (is_unjudged(guest) || has_failed(guest))
                print_field(cli, "", STYLE_RED, "%s: cannot be %s: %s", json_text(guest, "guest"),
                            is_unjudged(guest) ? "judged" : "re-defined",
                            json_text(guest, "error"));
}

static void print_guests(const struct cli *cli, const json_t *guests) {
        struct guest_counts counts = guest_counts(guests);

        print_field(cli, "Guests", STYLE_NONE,
                    "%zu, %zu running: %zu granted XSAVES, %zu denied, %zu kept", counts.total,
                    counts.running, counts.verdicts[VERDICT_GRANT], counts.verdicts[VERDICT_DENY],
                    counts.verdicts[VERDICT_KEEP]);
        if (counts.verdicts[VERDICT_UNJUDGED] > 0)
                print_field(cli, "", STYLE_NONE, "%zu that cannot be judged",
                            counts.verdicts[VERDICT_UNJUDGED]);
        if (counts.pending > 0)
                print_field(cli, "", STYLE_NONE,
                            "%zu with a definition that is not what the policy wants",
                            counts.pending);
        print_troubled_guests(cli, guests);
}

static void print_status(const struct cli *cli, const json_t *properties, const json_t *guests) {
        const json_t *host = json_object_get(properties, "Host");

        print_field(cli, "xsavesd", STYLE_NONE, "version %s, running",
                    json_text(properties, "Version"));
        print_policy(cli, properties);
        host_print(cli, host);
        if (!json_object_get(host, "host-rule"))
                print_field(cli, "Host rule", STYLE_NONE, "none matches: nothing is granted here");
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

        return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "total",
                         (json_int_t)counts.total, "running", (json_int_t)counts.running, "grant",
                         (json_int_t)counts.verdicts[VERDICT_GRANT], "deny",
                         (json_int_t)counts.verdicts[VERDICT_DENY], "keep",
                         (json_int_t)counts.verdicts[VERDICT_KEEP], "unjudged",
                         (json_int_t)counts.verdicts[VERDICT_UNJUDGED], "pending",
                         (json_int_t)counts.pending, "needs-restart",
                         names_that(guests, needs_restart), "failed",
                         names_that(guests, has_failed));
}

static json_t *policy_to_json(const json_t *properties) {
        static const char *const nullable[] = {"warnings", "error", NULL};
        json_t *policy = json_copy(json_object_get(properties, "Policy"));

        json_object_set(policy, "generation", json_object_get(properties, "PolicyGeneration"));
        json_object_set(policy, "error", json_object_get(properties, "PolicyError"));
        (void)json_complete(policy, nullable);
        return policy;
}

static json_t *host_to_json_with_rule(const json_t *properties) {
        static const char *const nullable[] = {"host-rule", NULL};
        json_t *host = json_copy(json_object_get(properties, "Host"));

        (void)json_complete(host, nullable);
        return host;
}

static json_t *libvirt_to_json(const json_t *properties) {
        static const char *const nullable[] = {"error", NULL};
        json_t *libvirt = json_object();

        json_object_set(libvirt, "connected", json_object_get(properties, "LibvirtConnected"));
        json_object_set(libvirt, "error", json_object_get(properties, "LibvirtError"));
        (void)json_complete(libvirt, nullable);
        return libvirt;
}

static int print_status_json(struct cli *cli, const json_t *properties, const json_t *guests) {
        AUTO_JSON json_t *status = json_pack(
                "{s:O, s:o, s:o, s:o, s:o}", "version", json_object_get(properties, "Version"),
                "policy", policy_to_json(properties), "host", host_to_json_with_rule(properties),
                "libvirt", libvirt_to_json(properties), "guests", guests_to_json(guests));

        return status ? print_json(cli, status) : -ENOMEM;
}

int verb_status(struct cli *cli) {
        AUTO_JSON json_t *properties = NULL, *guests = NULL;
        int r;

        r = remote_state(cli, &properties, &guests);
        if (r != 0)
                return r;
        if (cli_has(cli, OPTION_JSON))
                return print_status_json(cli, properties, guests);
        print_status(cli, properties, guests);
        return STATUS_OK;
}
