/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl reload: have the daemon read its policy again. */

#include "remote.h"

int verb_reload(struct cli *cli) {
        AUTO_BUS sd_bus *bus = NULL;
        int r;

        r = remote_open(cli, &bus);
        return r != 0 ? r : remote_call(bus, "Reload", NULL, "");
}
