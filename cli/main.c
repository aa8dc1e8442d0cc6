/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xsavesctl: see, try and steer what xsavesd does. See xsavesctl(1). */

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "message.h"
#include "options.h"
#include "output.h"

#define JSON OPTION_BIT(OPTION_JSON)
#define LEGEND OPTION_BIT(OPTION_NO_LEGEND)
#define POLICY OPTION_BIT(OPTION_POLICY)
#define HOST OPTION_BIT(OPTION_HOST)
#define BUS OPTION_BIT(OPTION_BUS)

const struct verb verbs[] = {
        {"status", "", "Show the daemon, its policy, the host, libvirt and the guests", NULL,
         JSON | LEGEND | BUS, 0, 0, verb_status},
        {"host", "", "Show the facts of this host, and what they mean",
         "With --host, those of the host that the facts file is of.",
         JSON | HOST | BUS | OPTION_BIT(OPTION_FACTS), 0, 0, verb_host},
        {"list", "", "List the guests with what was decided on them", NULL, JSON | LEGEND | BUS, 0,
         0, verb_list},
        {"explain", "GUEST|FILE", "Tell why a guest gets what it gets, and how to change that",
         "FILE is domain XML: a name with a slash, one that ends in .xml, one of a file\n"
         "that is there, or - for standard input. It is decided on here, by --policy and\n"
         "--host.",
         JSON | POLICY | HOST | BUS, 1, 1, verb_explain},
        {"diff", "[GUEST...]", "Show what the policy changes in definitions",
         "The difference between what a guest's owner wrote and what the policy makes of\n"
         "that.",
         JSON | BUS, 0, ANY_NUMBER, verb_diff},
        {"check", "[PATH...]", "Find what is wrong with a policy",
         "PATH is a folder laid out as /etc/xsavesd, which is the default, or one file.",
         JSON | LEGEND | POLICY | HOST | BUS, 0, ANY_NUMBER, verb_check},
        {"rewrite", "[FILE]", "Print domain XML as the policy wants it",
         "Without FILE, or with -, from standard input. The reason goes to standard\n"
         "error. With --offline, --policy or --host the daemon is not asked.",
         JSON | POLICY | HOST | BUS | OPTION_BIT(OPTION_OFFLINE), 0, 1, verb_rewrite},
        {"revert", "GUEST...|FILE", "Take back what was done to definitions",
         "Of FILE, which is domain XML (- is standard input), the definition as its\n"
         "owner wrote it is printed. Guests are re-defined in libvirt; they stay so\n"
         "until they are edited or converged, a start of theirs drifts, the policy or\n"
         "what is known of the host changes, libvirt is connected to again, or the\n"
         "daemon starts again. See xsavesctl(1).",
         JSON | LEGEND | POLICY | HOST | BUS | OPTION_BIT(OPTION_ALL), 0, ANY_NUMBER, verb_revert},
        {"converge", "[GUEST...]", "Bring definitions in line with the policy now",
         "Without GUEST, all of them.", JSON | LEGEND | BUS | OPTION_BIT(OPTION_DRY_RUN), 0,
         ANY_NUMBER, verb_converge},
        {"simulate", "FILE...", "Decide on domain XML files for hosts, without a daemon",
         "--host may be given several times, for a table of all of them. With\n"
         "--baseline, exit status 1 tells that a guest would gain or lose XSAVES against\n"
         "that policy.",
         JSON | LEGEND | POLICY | HOST | BUS | OPTION_BIT(OPTION_BASELINE), 1, ANY_NUMBER,
         verb_simulate},
        {"monitor", "", "Show decisions as they happen", NULL, JSON | BUS, 0, 0, verb_monitor},
        {"metrics", "", "Print metrics in OpenMetrics text", NULL, BUS, 0, 0, verb_metrics},
        {"reload", "", "Have the daemon read its policy again", NULL, BUS, 0, 0, verb_reload},
};
const size_t n_verbs = ELEMENTS_OF(verbs);

/* All of it or, where something went wrong, nothing. */
static int print_output(const char *output, size_t length) {
        if (fwrite(output, 1, length, stdout) != length || fflush(stdout) != 0)
                return failed("cannot write to standard output: %s", strerror(errno));
        return STATUS_OK;
}

static int run(int argc, char **argv, struct cli *cli) {
        int r;

        r = options_parse(argc, argv, cli);
        if (r == 0 && cli->verb)
                r = cli->verb->run(cli);
        if (r < 0)
                r = failed("%s", strerror(-r));
        return r;
}

int main(int argc, char **argv) {
        AUTO_FREE char *output = NULL;
        struct cli cli = {.colour = output_wants_colour()};
        size_t length = 0;
        int status, r;

        /* For the width of what is printed; not for all of the process, or globs would mean here what they do not to
         * the daemon. */
        cli.locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
        cli.out = open_memstream(&output, &length);
        if (!cli.out)
                return failed("%s", strerror(errno));
        status = run(argc, argv, &cli);
        strv_free(cli.hosts);
        if (cli.locale)
                freelocale(cli.locale);
        if (fclose(cli.out) != 0)
                return failed("%s", strerror(errno));

        if (status == STATUS_OK || status == STATUS_FAILED) {
                r = print_output(output, length);
                if (r != STATUS_OK)
                        return r;
        }
        return status;
}
