/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/glob.h"

#include <fnmatch.h>
#include <stdint.h>
#include <string.h>

/* Where one of these stands the glob may be something else than its own text. */
static const char special[] = "*?[]\\";

size_t glob_prefix_length(const char *glob) {
        return strcspn(glob, special);
}

size_t glob_suffix_length(const char *glob) {
        size_t length = strlen(glob), n = 0;

        while (n < length && !strchr(special, glob[length - n - 1]))
                n++;
        return n;
}

bool globs_match(char *const *globs, const char *value) {
        if (!globs)
                return true;
        if (!value)
                return false;
        STRV_FOREACH (glob, globs)
                if (fnmatch(*glob, value, 0) == 0)
                        return true;
        return false;
}

bool glob_covers(const char *wide, const char *narrow) {
        if (streq(wide, narrow) || streq(wide, "*"))
                return true;
        /*
         * Matched as a text, each of narrow's wildcards falls to a '*' of wide (where wide has no other
         * wildcards), and so does whatever they stand for.
         */
        return !strpbrk(wide, "?[]\\") && !strpbrk(narrow, "[]\\") && fnmatch(wide, narrow, 0) == 0;
}

/*
 * The languages below are small automata. A set of states is the bits of one number; `step` gives the
 * states after one character, 0 as the character standing for any.
 */
typedef uint64_t (*glob_step)(uint64_t states, char character);

/* All states that any number of any characters leads to. */
static uint64_t step_star(uint64_t states, glob_step step) {
        uint64_t before;

        do {
                before = states;
                states |= step(states, 0);
        } while (states != before);
        return states;
}

/* Behind a bracket expression; NULL: the bracket has no end and stands for itself. */
static const char *skip_bracket(const char *glob) {
        const char *end = glob + 1;

        if (*end == '!' || *end == '^')
                end++;
        /* A ']' that comes first is one of the characters. */
        if (*end == ']')
                end++;
        for (; *end && *end != ']'; end++)
                if (*end == '[' && end[1] && strchr(":.=", end[1])) {
                        const char close[] = {end[1], ']', '\0'};
                        const char *inner = strstr(end + 2, close);

                        if (inner)
                                end = inner + 1;
                } else if (*end == '\\' && end[1]) {
                        end++;
                }
        return *end ? end + 1 : NULL;
}

/* The states after the whole glob, from state 0. */
static uint64_t run_glob(const char *glob, glob_step step) {
        uint64_t states = 1;

        while (*glob && states) {
                const char *behind = *glob == '[' ? skip_bracket(glob) : NULL;

                if (*glob == '*') {
                        states = step_star(states, step);
                } else if (*glob == '?' || behind) {
                        states = step(states, 0);
                } else {
                        if (*glob == '\\' && glob[1])
                                glob++;
                        states = step(states, *glob);
                }
                glob = behind ? behind : glob + 1;
        }
        return states;
}

/*
 * Field n of a CPU's identity has two states: 2n where it begins, 2n + 1 behind its first character.
 * Field 0 is the vendor, the other three are numbers.
 */
static uint64_t step_cpu_id(uint64_t states, char character) {
        enum { AT_VENDOR = 0x03, AT_NUMBER = 0xfc, BEGINS = 0x55, GOES_ON = 0xaa, LAST = 0x80 };
        bool any = character == 0;
        uint64_t next = 0, within = 0;

        if (any || character == '-')
                next |= (states & GOES_ON & ~(uint64_t)LAST) << 1;
        if (any || character != '-')
                within |= states & AT_VENDOR;
        if (any || (character >= '0' && character <= '9'))
                within |= states & AT_NUMBER;
        return next | (within & BEGINS) << 1 | (within & GOES_ON);
}

bool glob_may_match_cpu_id(const char *glob) {
        return run_glob(glob, step_cpu_id) & 0x80;
}

/* State n: n characters were read. */
static uint64_t step_uuid(uint64_t states, char character) {
        enum { LENGTH = 36 };
        const uint64_t all = (UINT64_C(1) << LENGTH) - 1;
        const uint64_t dashes = 1 << 8 | 1 << 13 | 1 << 18 | 1 << 23;
        uint64_t allowed = 0;

        if (character == 0)
                allowed = all;
        else if (character == '-')
                allowed = dashes;
        else if (strchr("0123456789abcdef", character))
                allowed = all & ~dashes;
        return (states & allowed) << 1;
}

bool glob_may_match_uuid(const char *glob) {
        return run_glob(glob, step_uuid) & UINT64_C(1) << 36;
}
