/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl rewrite: domain XML as the policy wants it. */

#include "core/advice.h"
#include "core/definition.h"

#include <errno.h>
#include <string.h>

#include "explanation.h"
#include "input.h"
#include "message.h"
#include "output.h"
#include "remote.h"

static int print_json_result(struct cli *cli, const char *verdict, const char *reason, bool changed,
                             const char *xml) {
        AUTO_JSON json_t *json = json_pack("{s:s, s:s, s:b, s:s}", "verdict", verdict, "reason",
                                           reason, "changed", (int)changed, "xml", xml);

        return json ? print_json(cli, json) : -ENOMEM;
}

static int print_result(struct cli *cli, const struct input *input,
                        const struct rewritten *rewritten) {
        if (!cli_has(cli, OPTION_JSON)) {
                fwrite(rewritten->xml, rewritten->length, 1, cli->out);
                return STATUS_OK;
        }
        if (!utf8_valid(rewritten->xml, rewritten->length))
                return bad_input("%s: it is not UTF-8, which JSON has to be", input->name);
        return print_json_result(cli, verdict_to_string(rewritten->decision.verdict),
                                 reason_to_string(rewritten->decision.reason), rewritten->changed,
                                 rewritten->xml);
}

static int rewrite_here(struct cli *cli, const struct input *input) {
        AUTO_BENCH struct bench bench = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL, *why = NULL;
        int r;

        r = bench_open(cli, &bench);
        if (r != 0)
                return r;
        r = rewrite_xml(&bench.judge, input->text, input->length, &rewritten, &reason);
        if (r > 0)
                return bad_xml(input->name, reason);
        if (r == 0)
                r = print_result(cli, input, &rewritten);
        if (r == 0)
                r = decision_explanation(&rewritten.decision, &why);
        if (r != 0)
                return r;

        say("domain '%s': %s: %s: %s%s", guest_name(&rewritten.guest),
            verdict_to_string(rewritten.decision.verdict),
            reason_to_string(rewritten.decision.reason), why,
            bench.judge.enforce ? "" : " (the policy does not enforce: nothing is changed)");
        explanation_warn(&bench.judge, &rewritten);
        return STATUS_OK;
}

/* The daemon would refuse the same, but knows no file to name. */
static int check_xml(const struct input *input) {
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        int r;

        if (!utf8_valid(input->text, input->length))
                return bad_input("%s: it is not UTF-8: try --offline", input->name);
        r = guest_parse(&guest, input->text, input->length, &reason);
        return r > 0 ? bad_xml(input->name, reason) : r;
}

static int rewrite_there(struct cli *cli, const struct input *input) {
        AUTO_BUS sd_bus *bus = NULL;
        AUTO_JSON json_t *answer = NULL;
        const char *xml, *verdict, *reason;
        int r;

        r = check_xml(input);
        if (r == 0)
                r = remote_open(cli, &bus);
        if (r == 0)
                r = remote_call(bus, "Rewrite", &answer, "s", input->text);
        if (r != 0)
                return r;
        if (json_unpack(answer, "[s, s, s]", &xml, &verdict, &reason) < 0)
                return failed("the daemon's answer is of another kind");

        if (cli_has(cli, OPTION_JSON))
                return print_json_result(cli, verdict, reason, !streq(xml, input->text), xml);
        fputs(xml, cli->out);
        say("%s: %s: %s", verdict, reason, reason_words(reason));
        return STATUS_OK;
}

int verb_rewrite(struct cli *cli) {
        AUTO_INPUT struct input input = {};
        int r;

        r = input_read(cli->n_arguments > 0 ? cli->arguments[0] : "-", XML_SIZE_MAX, &input);
        if (r != 0)
                return r;
        if (cli_has(cli, OPTION_OFFLINE) || cli->policy || cli->hosts)
                return rewrite_here(cli, &input);
        return rewrite_there(cli, &input);
}
