/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl revert: definitions as their owners wrote them. */

#include <errno.h>

#include "changes.h"
#include "core/rewrite.h"
#include "input.h"
#include "message.h"
#include "output.h"

static int revert_file(struct cli *cli, const char *path) {
        AUTO_INPUT struct input input = {};
        AUTO_FREE char *xml = NULL, *reason = NULL;
        size_t length;
        bool changed;
        int r;

        if (cli_has(cli, OPTION_JSON))
                return usage_error(cli, "revert of a file prints XML, not JSON");
        r = input_read(path, XML_SIZE_MAX, &input);
        if (r != 0)
                return r;
        r = revert_xml(input.text, input.length, &changed, &xml, &length, &reason);
        if (r > 0)
                return bad_xml(input.name, reason);
        if (r == 0)
                fwrite(xml, length, 1, cli->out);
        return r;
}

int verb_revert(struct cli *cli) {
        AUTO_JSON json_t *changes = NULL;
        int r;

        if (cli_has(cli, OPTION_ALL) != (cli->n_arguments == 0))
                return usage_error(cli, "revert needs guests, or a file, or --all");
        if (cli->n_arguments == 1 && is_file_argument(cli->arguments[0]))
                return revert_file(cli, cli->arguments[0]);
        r = changes_ask(cli, CHANGE_REVERT, cli->arguments, &changes);
        return r != 0 ? r : changes_report(cli, changes, "reverted", "as it was");
}
