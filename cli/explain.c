/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl explain: why a guest gets what it gets. */

#include "core/rewrite.h"
#include "explanation.h"
#include "input.h"
#include "message.h"
#include "output.h"
#include "remote.h"

static int explain_unjudged(const struct judge *judge, const struct input *input,
                            const char *reason, json_t **ret) {
        int r;

        r = input_check_domain(input, reason);
        if (r != 0)
                return r;
        r = explanation_make_unjudged(judge, reason, ret);
        return r < 0 ? r : STATUS_FAILED;
}

static int explain_file(struct cli *cli, const char *path, json_t **ret) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_BENCH struct bench bench = {};
        AUTO_INPUT struct input input = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = input_read(path, XML_SIZE_MAX, &input);
        if (r == 0)
                r = bench_open(cli, &bench);
        if (r != 0)
                return r;
        /* Its guest is as its owner wrote it: what xsavesd did earlier is no reason for anything. */
        r = rewrite_xml(&bench.judge, input.text, input.length, &rewritten, &reason);
        if (r > 0)
                return explain_unjudged(&bench.judge, &input, reason, ret);
        if (r < 0)
                return r;
        explanation_warn(&bench.judge, &rewritten);
        return explanation_make(&bench.judge, &rewritten.guest, ret);
}

static int explain_guest(struct cli *cli, const char *name, json_t **ret) {
        AUTO_BUS sd_bus *bus = NULL;
        int r;

        if (cli->policy || cli->hosts)
                return usage_error(cli, "--policy and --host are for files: '%s' is a guest's name",
                                   name);
        r = remote_open(cli, &bus);
        if (r == 0)
                r = remote_call(bus, "Explain", ret, "s", name);
        if (r == 0)
                r = remote_tell_outage(bus);
        return r != 0 ? r : explanation_complete(*ret);
}

int verb_explain(struct cli *cli) {
        AUTO_JSON json_t *explanation = NULL;
        const char *what = cli->arguments[0];
        int status, r = 0;

        status = is_file_argument(what) ? explain_file(cli, what, &explanation)
                                        : explain_guest(cli, what, &explanation);
        if (status < 0 || !explanation)
                return status;
        if (cli_has(cli, OPTION_JSON))
                r = print_json(cli, explanation);
        else
                explanation_print(cli, explanation);
        return r < 0 ? r : status;
}
