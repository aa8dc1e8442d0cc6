/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a guest gets what it gets, as an object: the same from here and from the daemon. */

#include "cli.h"
#include "json.h"
#include "core/rewrite.h"

/* Decided here. Returns 0 or -ENOMEM. */
int explanation_make(const struct judge *judge, const struct guest *guest, json_t **ret);

/* Of a domain that the core refuses, for this reason. The same returns. */
int explanation_make_unjudged(const struct judge *judge, const char *error, json_t **ret);

/* Told by the daemon: adds what that leaves out. Returns 0 or -ENOMEM. */
int explanation_complete(json_t *explanation);

/*
 * On standard error: where the rewritten definition does not give the guest what the verdict says, or nobody
 * here knows whether it does. A toolstack that has no gate behind it starts what it is given.
 */
void explanation_warn(const struct judge *judge, const struct rewritten *rewritten);

/* What a reason's code means; "" for none of ours. */
const char *reason_words(const char *code);

/* As text. */
void explanation_print(const struct cli *cli, const json_t *explanation);
