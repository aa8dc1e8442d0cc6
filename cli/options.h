/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

/*
 * Read the command line: options anywhere, the first other word is the verb. Returns STATUS_OK with the verb
 * set; STATUS_OK without one when help or the version was asked for, and is in cli->out; STATUS_USAGE;
 * or -ENOMEM.
 */
int options_parse(int argc, char **argv, struct cli *cli);
