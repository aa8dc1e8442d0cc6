/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Methods of the daemon that go over many guests: Converge and Revert. */

#include "remote.h"

enum change_method { CHANGE_CONVERGE, CHANGE_CONVERGE_DRY, CHANGE_REVERT };

/*
 * Call the method for these guests (none: all), a few at a time, so that progress can be told and no answer is
 * larger than what the bus takes. *ret is an array of what it said of each. Returns an enum status or -ENOMEM.
 */
int changes_ask(const struct cli *cli, enum change_method method, char *const *guests,
                json_t **ret);

/* What is wrong with one of them, on stderr. */
void say_guest_error(const json_t *change);

/* As JSON, with or without the definitions. Returns 0 or -ENOMEM. */
int changes_print_json(struct cli *cli, json_t *changes, bool with_xml);

/* A table of them, or JSON, and STATUS_FAILED if there is an error among them. `done` is what to call a change. */
int changes_report(struct cli *cli, json_t *changes, const char *done, const char *not_done);
