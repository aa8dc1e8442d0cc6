/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/rule_index.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/glob.h"
#include "core/string_map.h"

/* Longer beginnings and ends are cut to this; what they would tell apart in addition, the test does. */
#define ANCHOR_LIMIT 64

/* Numbers of rules, ascending. */
struct bucket {
        size_t *rules;
        size_t count;
};

/* Buckets by the text of their rules' globs. */
struct drawer {
        struct string_map texts; /* to numbers of buckets */
        struct bucket *buckets;
        size_t n_buckets;
        bool lengths[ANCHOR_LIMIT + 1]; /* those that the texts have */
};

struct cabinet {
        struct drawer whole, prefixes, suffixes;
};

struct rule_index {
        const struct guest_rule *rules;
        struct cabinet cabinets[N_RULE_MATCHERS];
};

char **guest_rule_globs(const struct guest_rule *rule, enum rule_matcher matcher) {
        switch (matcher) {
        case RULE_NAME:
                return rule->guest_name;
        case RULE_UUID:
                return rule->uuid;
        default:
                return rule->os;
        }
}

/* Suffixes are hashed from the end, as a lookup has to go through them. */
static uint64_t hash_backwards(const char *text, size_t length) {
        uint64_t hash = STRING_HASH_START;

        while (length > 0)
                hash = string_hash_byte(hash, text[--length]);
        return hash;
}

static int bucket_add(struct bucket *bucket, size_t rule) {
        int r;

        /* Two globs of one rule may have one anchor. */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a drawer's texts lead to its buckets. */
        if (bucket->count > 0 && bucket->rules[bucket->count - 1] == rule)
                return 0;
        r = array_grow(&bucket->rules, bucket->count, sizeof(*bucket->rules));
        if (r < 0)
                return r;
        bucket->rules[bucket->count++] = rule;
        return 0;
}

static int drawer_add(struct drawer *drawer, uint64_t hash, const char *text, size_t length,
                      size_t rule) {
        const size_t *bucket = string_map_find(&drawer->texts, hash, text, length);
        int r;

        if (bucket)
                return bucket_add(&drawer->buckets[*bucket], rule);

        r = array_grow(&drawer->buckets, drawer->n_buckets, sizeof(*drawer->buckets));
        if (r < 0)
                return r;
        r = string_map_add(&drawer->texts, hash, text, length, drawer->n_buckets);
        if (r < 0)
                return r;
        drawer->buckets[drawer->n_buckets] = (struct bucket){};
        if (length <= ANCHOR_LIMIT)
                drawer->lengths[length] = true;
        return bucket_add(&drawer->buckets[drawer->n_buckets++], rule);
}

static void drawer_clear(struct drawer *drawer) {
        for (size_t i = 0; i < drawer->n_buckets; i++)
                free(drawer->buckets[i].rules);
        free(drawer->buckets);
        string_map_clear(&drawer->texts);
}

static int file_glob(struct cabinet *cabinet, const char *glob, size_t rule) {
        size_t length = strlen(glob);
        size_t prefix = glob_prefix_length(glob), suffix = glob_suffix_length(glob);

        if (prefix == length)
                return drawer_add(&cabinet->whole, string_hash(glob, length), glob, length, rule);
        if (suffix > prefix) {
                size_t n = suffix < ANCHOR_LIMIT ? suffix : ANCHOR_LIMIT;
                const char *text = glob + length - n;

                return drawer_add(&cabinet->suffixes, hash_backwards(text, n), text, n, rule);
        }
        if (prefix > ANCHOR_LIMIT)
                prefix = ANCHOR_LIMIT;
        return drawer_add(&cabinet->prefixes, string_hash(glob, prefix), glob, prefix, rule);
}

/* Would each glob be filed under a text that tells values apart? */
static bool globs_have_anchors(char *const *globs) {
        STRV_FOREACH (glob, globs)
                if (glob_prefix_length(*glob) == 0 && glob_suffix_length(*glob) == 0)
                        return false;
        return globs != NULL;
}

/* The matcher to file a rule under; N_RULE_MATCHERS: the rule gives none. */
static enum rule_matcher choose_matcher(const struct guest_rule *rule) {
        enum rule_matcher matcher;

        /* In this order: names and UUIDs differ from guest to guest, while an OS has many guests. */
        for (matcher = RULE_NAME; matcher < N_RULE_MATCHERS; matcher++)
                if (globs_have_anchors(guest_rule_globs(rule, matcher)))
                        return matcher;
        for (matcher = RULE_NAME; matcher < N_RULE_MATCHERS; matcher++)
                if (guest_rule_globs(rule, matcher))
                        return matcher;
        return N_RULE_MATCHERS;
}

static int file_rule(struct rule_index *index, size_t rule) {
        enum rule_matcher matcher = choose_matcher(&index->rules[rule]);

        if (matcher == N_RULE_MATCHERS)
                return 0;
        STRV_FOREACH (glob, guest_rule_globs(&index->rules[rule], matcher)) {
                int r = file_glob(&index->cabinets[matcher], *glob, rule);

                if (r < 0)
                        return r;
        }
        return 0;
}

int rule_index_new(const struct guest_rule *rules, size_t n_rules, struct rule_index **ret) {
        AUTO_RULE_INDEX struct rule_index *index = calloc(1, sizeof(*index));

        if (!index)
                return -ENOMEM;
        index->rules = rules;
        for (size_t i = 0; i < n_rules; i++) {
                int r = file_rule(index, i);

                if (r < 0)
                        return r;
        }
        *ret = STEAL(index);
        return 0;
}

struct rule_index *rule_index_free(struct rule_index *index) {
        if (!index)
                return NULL;
        for (size_t i = 0; i < N_RULE_MATCHERS; i++) {
                drawer_clear(&index->cabinets[i].whole);
                drawer_clear(&index->cabinets[i].prefixes);
                drawer_clear(&index->cabinets[i].suffixes);
        }
        free(index);
        return NULL;
}

struct search {
        const struct guest_rule *rules;
        size_t end;   /* the first rule found so far: none behind it matters */
        size_t tries; /* left */
        rule_test test;
        void *userdata;
};

static void search_drawer(struct search *search, const struct drawer *drawer, uint64_t hash,
                          const char *text, size_t length) {
        const size_t *number = string_map_find(&drawer->texts, hash, text, length);
        const struct bucket *bucket = number ? &drawer->buckets[*number] : NULL;

        for (size_t i = 0; bucket && i < bucket->count; i++) {
                size_t rule = bucket->rules[i];

                if (rule >= search->end || search->tries == 0)
                        return;
                search->tries--;
                if (search->test(&search->rules[rule], search->userdata))
                        search->end = rule;
        }
}

static void search_cabinet(struct search *search, const struct cabinet *cabinet,
                           const char *value) {
        size_t length = strlen(value);
        uint64_t forward = STRING_HASH_START, backward = STRING_HASH_START;

        search_drawer(search, &cabinet->whole, string_hash(value, length), value, length);
        for (size_t n = 0; n <= ANCHOR_LIMIT; n++) {
                if (cabinet->prefixes.lengths[n])
                        search_drawer(search, &cabinet->prefixes, forward, value, n);
                if (cabinet->suffixes.lengths[n])
                        search_drawer(search, &cabinet->suffixes, backward, value + length - n, n);
                if (n == length)
                        break;
                forward = string_hash_byte(forward, value[n]);
                backward = string_hash_byte(backward, value[length - n - 1]);
        }
}

size_t rule_index_find(const struct rule_index *index, const char *const values[N_RULE_MATCHERS],
                       size_t end, size_t tries, rule_test test, void *userdata) {
        struct search search = {.end = end, .tries = tries, .test = test, .userdata = userdata};

        if (!index)
                return end;
        search.rules = index->rules;
        for (size_t i = 0; i < N_RULE_MATCHERS; i++)
                if (values[i])
                        search_cabinet(&search, &index->cabinets[i], values[i]);
        return search.end;
}
