/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of a policy's keys, read into the fields that they belong in. */

#include "core/policy/ini.h"

/* Where problems go, and the file that they are in. */
struct place {
        const char *file;
        struct problems *problems;
};

/*
 * A value that is none for its key is added to the problems, and then the field does not count. A list takes what its
 * indented lines have in addition, and may be empty; all else is not.
 */
typedef void (*policy_value_reader)(struct place *place, const struct ini_item *item, void *field);

void policy_read_default(struct place *place, const struct ini_item *item, void *field);
void policy_read_on_drift(struct place *place, const struct ini_item *item, void *field);
void policy_read_yes_no(struct place *place, const struct ini_item *item, void *field);
void policy_read_xsaves(struct place *place, const struct ini_item *item, void *field);
void policy_read_host_xsaves(struct place *place, const struct ini_item *item, void *field);
void policy_read_assertion(struct place *place, const struct ini_item *item, void *field);
void policy_read_globs(struct place *place, const struct ini_item *item, void *field);
void policy_read_cpu_globs(struct place *place, const struct ini_item *item, void *field);
void policy_read_uuid_globs(struct place *place, const struct ini_item *item, void *field);
void policy_read_virt_types(struct place *place, const struct ini_item *item, void *field);
void policy_read_errata(struct place *place, const struct ini_item *item, void *field);
