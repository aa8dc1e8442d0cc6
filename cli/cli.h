/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* xsavesctl: what its verbs share. See xsavesctl(1). */

#include <locale.h>

#include "core/util.h"

/* Exit status. A function that returns one of these, but for STATUS_OK, has said why on stderr. */
enum status {
        STATUS_OK = 0,
        STATUS_FAILED = 1,    /* a check or a start condition failed */
        STATUS_USAGE = 2,     /* bad usage */
        STATUS_NO_DAEMON = 3, /* it cannot be reached */
        STATUS_BAD_INPUT = 4, /* XML, policy or facts */
};

enum cli_option {
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_POLICY,
        OPTION_HOST,
        OPTION_BUS,
        OPTION_FACTS,
        OPTION_OFFLINE,
        OPTION_DRY_RUN,
        OPTION_ALL,
        OPTION_BASELINE,
        OPTION_HELP,
        OPTION_VERSION,
        N_OPTIONS,
};

#define OPTION_BIT(option) (1u << (option))

struct verb;

/* One call of xsavesctl. */
struct cli {
        const struct verb *verb;
        unsigned options;                    /* those given, as bits */
        const char *policy, *bus, *baseline; /* NULL: not given */
        char **hosts;                        /* each --host */
        char **arguments;                    /* borrowed, NULL-terminated */
        size_t n_arguments;
        /* What goes to stdout, once all of it is there and the status is STATUS_OK or STATUS_FAILED. */
        FILE *out;
        bool colour;
        locale_t locale; /* the terminal's, for the width of characters; 0: not known */
};

struct verb {
        const char *name;
        const char *arguments; /* as in the usage line */
        const char *summary;   /* one sentence without its full stop */
        const char *details;   /* for --help; NULL: none */
        unsigned options;      /* those it takes, as bits */
        size_t min_arguments, max_arguments;
        /* Returns an enum status, or a negative errno that main() explains. */
        int (*run)(struct cli *cli);
};

#define ANY_NUMBER ((size_t)-1)

static inline bool cli_has(const struct cli *cli, enum cli_option option) {
        return (cli->options & OPTION_BIT(option)) != 0;
}

extern const struct verb verbs[];
extern const size_t n_verbs;

int verb_check(struct cli *cli);
int verb_converge(struct cli *cli);
int verb_diff(struct cli *cli);
int verb_explain(struct cli *cli);
int verb_host(struct cli *cli);
int verb_list(struct cli *cli);
int verb_metrics(struct cli *cli);
int verb_monitor(struct cli *cli);
int verb_reload(struct cli *cli);
int verb_revert(struct cli *cli);
int verb_rewrite(struct cli *cli);
int verb_simulate(struct cli *cli);
int verb_status(struct cli *cli);
