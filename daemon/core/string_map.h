/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A hash map from byte strings to numbers. Keys are borrowed: they must outlive the map. The caller
 * hashes, so that all prefixes of one text can be looked up after one pass over it.
 */

#include <stdint.h>

#include "core/util.h"

struct string_map_entry;

/* Zero-initialize; release with string_map_clear(). */
struct string_map {
        struct string_map_entry *entries;
        size_t count, room;
};

void string_map_clear(struct string_map *map);
#define AUTO_STRING_MAP CLEANUP(string_map_clear)

/* FNV-1a, byte by byte. Keys may be hashed in any order of their bytes, always the same in one map. */
#define STRING_HASH_START UINT64_C(0xcbf29ce484222325)
static inline uint64_t string_hash_byte(uint64_t hash, char byte) {
        return (hash ^ (uint8_t)byte) * UINT64_C(0x100000001b3);
}
uint64_t string_hash(const char *key, size_t length);

/* Add a key that is not there yet. Returns 0 or -ENOMEM. */
int string_map_add(struct string_map *map, uint64_t hash, const char *key, size_t length,
                   size_t value);

/* The value of a key, until the next addition; NULL: not there. */
const size_t *string_map_find(const struct string_map *map, uint64_t hash, const char *key,
                              size_t length);
