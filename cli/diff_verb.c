/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl diff: a definition as its owner wrote it, and as the policy wants it. */

#include <errno.h>
#include <string.h>

#include "changes.h"
#include "core/rewrite.h"
#include "core/xml.h"
#include "diff.h"
#include "message.h"
#include "output.h"

static int owners_xml(const char *before, char **ret) {
        AUTO_FREE char *reason = NULL;
        bool changed;
        size_t length;
        int r;

        r = revert_xml(before, strlen(before), &changed, ret, &length, &reason);
        return r > 0 ? failed("the definition in libvirt is refused: %s", reason) : r;
}

/* libvirt writes other quotes than we do: no difference to look at. */
static int same_style(const char *xml, char **ret) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *reason = NULL;
        size_t length;
        int r;

        r = xml_parse(xml, strlen(xml), &document, &reason);
        if (r > 0)
                return failed("a definition is refused: %s", reason);
        return r < 0 ? r : xml_serialize(document, ret, &length);
}

static int show(const struct cli *cli, json_t *change) {
        const char *before = json_text(change, "before"), *after = json_text(change, "after");
        AUTO_FREE char *owners = NULL, *old_xml = NULL, *new_xml = NULL, *old_name = NULL,
                       *new_name = NULL;
        int r;

        if (!*before)
                return STATUS_OK;
        if (!*after)
                after = before;
        r = owners_xml(before, &owners);
        if (r == 0)
                r = same_style(owners, &old_xml);
        if (r == 0)
                r = same_style(after, &new_xml);
        if (r == 0)
                r = format_to(&old_name, "%s (owner's)", json_text(change, "guest"));
        if (r == 0)
                r = format_to(&new_name, "%s (%s)", json_text(change, "guest"),
                              json_text(change, "reason"));
        if (r != 0)
                return r;
        if (!cli_has(cli, OPTION_JSON))
                return diff_print(cli, old_name, new_name, old_xml, new_xml);
        if (json_object_set_new(change, "before", json_string(old_xml)) < 0 ||
            json_object_set_new(change, "after", json_string(new_xml)) < 0)
                return -ENOMEM;
        return STATUS_OK;
}

int verb_diff(struct cli *cli) {
        AUTO_JSON json_t *changes = NULL;
        json_t *change;
        int status = STATUS_OK, r;
        size_t i;

        r = changes_ask(cli, CHANGE_CONVERGE_DRY, cli->arguments, &changes);
        if (r != 0)
                return r;
        json_array_foreach(changes, i, change) {
                if (*json_text(change, "error")) {
                        say_guest_error(change);
                        status = STATUS_FAILED;
                }
                r = show(cli, change);
                if (r != 0)
                        return r;
        }
        if (cli_has(cli, OPTION_JSON)) {
                r = changes_print_json(cli, changes, true);
                if (r < 0)
                        return r;
        }
        return status;
}
