/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the fuzz targets have in common. Each defines LLVMFuzzerTestOneInput() for libFuzzer, which AFL++ takes
 * as well; replay.c runs files through it in any build. Inputs that broke something are kept in
 * tests/data/fuzz/TARGET and replayed by the unit tests.
 */

#include <stdint.h>

#include "bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the program, with what should have held. */
#define MUST(condition, what)                                                                      \
        do {                                                                                       \
                if (!(condition))                                                                  \
                        fuzz_fail(what);                                                           \
        } while (false)
_Noreturn void fuzz_fail(const char *what);

/* Judges to try an input with, made once: number % their number. */
const struct bench *fuzz_bench(unsigned number);

/* One line of text, as messages have to be. */
bool fuzz_is_message(const char *text);
