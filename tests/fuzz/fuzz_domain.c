/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Domain XML of any bytes, behind one byte for the judge: all of unit/properties.h. */

#include "fuzz.h"
#include "properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const char *broken;

        if (size < 1)
                return 0;
        broken = check_properties(&fuzz_bench(data[0])->judge, &fuzz_bench(data[0] / 16)->judge,
                                  (const char *)data + 1, size - 1, NULL);
        if (broken)
                fuzz_fail(broken);
        return 0;
}
