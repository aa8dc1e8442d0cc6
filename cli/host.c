/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl host: the facts of a host. */

#include "host_words.h"
#include "input.h"
#include "output.h"

static int print_facts(struct cli *cli, const struct host_facts *facts) {
        AUTO_FREE char *text = NULL;
        int r;

        r = host_facts_format(facts, &text);
        if (r == 0)
                fputs(text, cli->out);
        return r;
}

int verb_host(struct cli *cli) {
        AUTO_HOST_FACTS struct host_facts *facts = NULL;
        AUTO_JSON json_t *host = NULL;
        int r;

        r = cli->hosts ? input_facts(cli->hosts[0], &facts) : input_this_host(cli, &facts);
        if (r != 0)
                return r;
        if (cli_has(cli, OPTION_FACTS))
                return print_facts(cli, facts);

        r = host_to_json(facts, &host);
        if (r < 0)
                return r;
        if (cli_has(cli, OPTION_JSON))
                return print_json(cli, host);
        host_print(cli, host);
        return STATUS_OK;
}
