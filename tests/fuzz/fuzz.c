/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include "data.h"

static const struct {
        const char *policy, *host;
} kinds[] = {
        {"never", "zen2-masked"},       {"rule-deny-hide", "zen2-offering"},
        {"allow", "zen3-offering"},     {"empty", "zen2-masked"},
        {"rule-keep", "zen2-masked"},   {"aware", "zen2-offering"},
        {"never-hide", "zen2-masked"},  {"never-tcg", "zen2-masked"},
        {"deny-tcg", "zen3-offering"},  {"never-report-only", "zen2-masked"},
        {"by-os", "zen2-fixed-masked"}, {"never-on-drift-accept", "zen2-no-kvm"},
};

_Noreturn void fuzz_fail(const char *what) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
}

const struct bench *fuzz_bench(unsigned number) {
        static struct bench *benches[ELEMENTS_OF(kinds)];
        const char *folder = getenv("XSAVESD_TEST_DATA");

        number %= ELEMENTS_OF(kinds);
        if (!benches[number]) {
                data_init(2, (char *[]){(char *)"fuzz", (char *)(folder ? folder : TEST_DATA)});
                benches[number] = bench_new(kinds[number].policy, kinds[number].host);
        }
        return benches[number];
}

bool fuzz_is_message(const char *text) {
        if (!text || !*text)
                return false;
        for (const char *c = text; *c; c++)
                if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f)
                        return false;
        return true;
}
