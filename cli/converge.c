/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl converge: bring definitions in line now, or say what that would do. */

#include "changes.h"

int verb_converge(struct cli *cli) {
        bool dry_run = cli_has(cli, OPTION_DRY_RUN);
        AUTO_JSON json_t *changes = NULL;
        int r;

        r = changes_ask(cli, dry_run ? CHANGE_CONVERGE_DRY : CHANGE_CONVERGE, cli->arguments,
                        &changes);
        if (r != 0)
                return r;
        return changes_report(cli, changes, dry_run ? "to change" : "re-defined", "in line");
}
