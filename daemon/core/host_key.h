/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The keys of a facts file's section [host]: for the files of host facts alone. */

#include "core/host.h"

#define HOST_UNKNOWN "unknown"

struct host_key;

/* A kind of value. Reading returns false for a text that is no such value; writing 0 or -ENOMEM. */
struct host_key_kind {
        const char *wanted; /* in words */
        bool (*read)(const struct host_key *key, struct host_facts *facts, const char *text);
        int (*write)(const struct host_key *key, const struct host_facts *facts, char **ret);
};

struct host_key {
        const char *name;
        const struct host_key_kind *kind;
        size_t offset; /* of the field in struct host_facts */
        bool required;
        unsigned max; /* of a number */
};

/* In their documented order: one table for reading, writing and visiting. */
#define N_HOST_KEYS 14
extern const struct host_key host_keys[N_HOST_KEYS];

/* The digits 0-9 alone, without a leading zero that could be taken for octal. */
bool host_parse_decimal(const char *text, unsigned max, unsigned *ret);
/* "0x" and up to eight hexadecimal digits. */
bool host_parse_hex32(const char *text, uint32_t *ret);
