/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/string_map.h"

#include <errno.h>
#include <string.h>

struct string_map_entry {
        const char *key; /* NULL: free */
        size_t length;
        uint64_t hash;
        size_t value;
};

void string_map_clear(struct string_map *map) {
        free(map->entries);
        *map = (struct string_map){};
}

uint64_t string_hash(const char *key, size_t length) {
        uint64_t hash = STRING_HASH_START;

        for (size_t i = 0; i < length; i++)
                hash = string_hash_byte(hash, key[i]);
        return hash;
}

/* The entry of the key, or the free one where it belongs. The room is a power of two, never full. */
static struct string_map_entry *slot(const struct string_map *map, uint64_t hash, const char *key,
                                     size_t length) {
        size_t mask = map->room - 1;
        size_t i = (size_t)(hash ^ hash >> 32) & mask;

        for (;; i = (i + 1) & mask) {
                struct string_map_entry *entry = &map->entries[i];

                if (!entry->key)
                        return entry;
                if (entry->hash == hash && entry->length == length &&
                    memcmp(entry->key, key, length) == 0)
                        return entry;
        }
}

static int grow(struct string_map *map) {
        struct string_map grown = {.room = map->room ? map->room * 2 : 8};

        grown.entries = calloc(grown.room, sizeof(*grown.entries));
        if (!grown.entries)
                return -ENOMEM;
        for (size_t i = 0; i < map->room; i++) {
                const struct string_map_entry *entry = &map->entries[i];

                if (entry->key)
                        *slot(&grown, entry->hash, entry->key, entry->length) = *entry;
        }
        grown.count = map->count;
        string_map_clear(map);
        *map = grown;
        return 0;
}

int string_map_add(struct string_map *map, uint64_t hash, const char *key, size_t length,
                   size_t value) {
        int r;

        if (map->count >= map->room / 2) {
                r = grow(map);
                if (r < 0)
                        return r;
        }
        *slot(map, hash, key, length) = (struct string_map_entry){
                .key = key,
                .length = length,
                .hash = hash,
                .value = value,
        };
        map->count++;
        return 0;
}

const size_t *string_map_find(const struct string_map *map, uint64_t hash, const char *key,
                              size_t length) {
        const struct string_map_entry *entry;

        if (map->count == 0)
                return NULL;
        entry = slot(map, hash, key, length);
        return entry->key ? &entry->value : NULL;
}
