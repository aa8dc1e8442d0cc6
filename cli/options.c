/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "message.h"

static const struct {
        const char *name;
        const char *argument; /* NULL: takes none */
        const char *help;
} options[N_OPTIONS] = {
        [OPTION_JSON] = {"json", NULL, "print JSON"},
        [OPTION_NO_LEGEND] = {"no-legend", NULL, "print no headings and no totals"},
        [OPTION_POLICY] = {"policy", "FOLDER", "decide by this policy instead of /etc/xsavesd"},
        [OPTION_HOST] = {"host", "FILE", "decide for the host with these facts"},
        [OPTION_BUS] = {"bus", "ADDRESS", "reach the daemon at this D-Bus address"},
        [OPTION_FACTS] = {"facts", NULL, "print a facts file, as --host takes it"},
        [OPTION_OFFLINE] = {"offline", NULL, "ask no daemon, decide here"},
        [OPTION_DRY_RUN] = {"dry-run", NULL, "change nothing, tell what would change"},
        [OPTION_ALL] = {"all", NULL, "every guest"},
        [OPTION_BASELINE] = {"baseline", "FOLDER", "compare with this policy"},
        [OPTION_HELP] = {"help", NULL, "print this help"},
        [OPTION_VERSION] = {"version", NULL, "print the version"},
};

static void print_options(const struct cli *cli, unsigned which) {
        for (enum cli_option i = 0; i < N_OPTIONS; i++)
                if (which & OPTION_BIT(i)) {
                        int width = fprintf(cli->out, "  --%s%s%s", options[i].name,
                                            options[i].argument ? " " : "",
                                            options[i].argument ? options[i].argument : "");

                        fprintf(cli->out, "%*s%s\n", width < 22 ? 22 - width : 1, "",
                                options[i].help);
                }
}

static void print_verb_help(const struct cli *cli, const struct verb *verb) {
        fprintf(cli->out, "Usage: xsavesctl %s [OPTION]...%s%s\n%s.\n", verb->name,
                *verb->arguments ? " " : "", verb->arguments, verb->summary);
        if (verb->details)
                fprintf(cli->out, "\n%s\n", verb->details);
        fputs("\nOptions:\n", cli->out);
        print_options(cli, verb->options | OPTION_BIT(OPTION_HELP));
        fputs("\nSee xsavesctl(1).\n", cli->out);
}

static void print_help(const struct cli *cli) {
        fputs("Usage: xsavesctl COMMAND [OPTION]... [ARGUMENT]...\n"
              "See and try which guests xsavesd gives the XSAVES instruction, and why.\n"
              "\n"
              "Commands:\n",
              cli->out);
        for (size_t i = 0; i < n_verbs; i++)
                fprintf(cli->out, "  %-10s  %s\n", verbs[i].name, verbs[i].summary);
        fputs("\nOptions:\n", cli->out);
        print_options(cli, OPTION_BIT(OPTION_JSON) | OPTION_BIT(OPTION_NO_LEGEND) |
                                   OPTION_BIT(OPTION_POLICY) | OPTION_BIT(OPTION_HOST) |
                                   OPTION_BIT(OPTION_BUS) | OPTION_BIT(OPTION_HELP) |
                                   OPTION_BIT(OPTION_VERSION));
        fputs("\n"
              "xsavesctl COMMAND --help tells more of each command.\n"
              "Exit status: 0 done, 1 a check failed, 2 bad usage, 3 no daemon, 4 bad input\n"
              "(XML, policy or facts).\n"
              "\n"
              "See xsavesctl(1).\n",
              cli->out);
}

static int take_option(struct cli *cli, enum cli_option option, const char *argument) {
        cli->options |= OPTION_BIT(option);
        switch (option) {
        case OPTION_POLICY:
                cli->policy = argument;
                return 0;
        case OPTION_BASELINE:
                cli->baseline = argument;
                return 0;
        case OPTION_BUS:
                cli->bus = argument;
                return 0;
        case OPTION_HOST:
                return strv_append(&cli->hosts, argument, strlen(argument));
        default:
                return 0;
        }
}

static const struct verb *find_verb(const char *name) {
        for (size_t i = 0; i < n_verbs; i++)
                if (streq(verbs[i].name, name))
                        return &verbs[i];
        return NULL;
}

static int check_usage(const struct cli *cli) {
        const struct verb *verb = cli->verb;

        for (enum cli_option i = 0; i < N_OPTIONS; i++)
                if (cli_has(cli, i) && !(verb->options & OPTION_BIT(i)))
                        return usage_error(cli, "%s takes no option --%s", verb->name,
                                           options[i].name);
        if (cli->n_arguments < verb->min_arguments)
                return usage_error(cli, "%s needs %s", verb->name, verb->arguments);
        if (cli->n_arguments > verb->max_arguments)
                return usage_error(cli, "unexpected argument '%s'",
                                   cli->arguments[verb->max_arguments]);
        if (strv_length(cli->hosts) > 1 && !(verb->options & OPTION_BIT(OPTION_BASELINE)))
                return usage_error(cli, "%s takes one option --host", verb->name);
        return STATUS_OK;
}

static int read_options(int argc, char **argv, struct cli *cli) {
        struct option long_options[N_OPTIONS + 1] = {};
        int c, r;

        for (int i = 0; i < N_OPTIONS; i++)
                long_options[i] = (struct option){
                        .name = options[i].name,
                        .has_arg = options[i].argument ? required_argument : no_argument,
                        .val = i,
                };
        opterr = 0;
        while ((c = getopt_long(argc, argv, ":", long_options, NULL)) >= 0) {
                if (c == ':')
                        return usage_error(cli, "option %s needs a value", argv[optind - 1]);
                if (c == '?' && isgraph(optopt))
                        return usage_error(cli, "unknown option -%c", optopt);
                if (c == '?')
                        return usage_error(cli, "bad option %s", argv[optind - 1]);
                r = take_option(cli, (enum cli_option)c, optarg);
                if (r < 0)
                        return r;
        }
        return STATUS_OK;
}

int options_parse(int argc, char **argv, struct cli *cli) {
        const struct verb *verb = NULL;
        int r;

        r = read_options(argc, argv, cli);
        if (r != 0)
                return r;
        if (cli_has(cli, OPTION_VERSION)) {
                fputs("xsavesctl " XSAVESD_VERSION "\n", cli->out);
                return STATUS_OK;
        }
        if (optind < argc) {
                verb = find_verb(argv[optind]);
                if (!verb)
                        return usage_error(cli, "unknown command '%s'", argv[optind]);
        }
        if (cli_has(cli, OPTION_HELP)) {
                if (verb)
                        print_verb_help(cli, verb);
                else
                        print_help(cli);
                return STATUS_OK;
        }
        if (!verb)
                return usage_error(cli, "no command");

        cli->verb = verb;
        cli->arguments = argv + optind + 1;
        cli->n_arguments = (size_t)(argc - optind - 1);
        return check_usage(cli);
}
