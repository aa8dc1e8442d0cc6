/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What must hold of rewriting any domain (unit/properties.h), on real ones: XSAVESD_CORPUS names a folder
 * whose domains/ has a definition per file.
 */

#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "data.h"
#include "properties.h"

/* Each with the next one as the other policy. */
static const struct {
        const char *policy, *host;
} pairs[] = {
        {"never-tcg", "zen2-masked"},   {"deny-tcg", "zen2-offering"},
        {"allow", "zen3-offering"},     {"rule-deny-hide", "zen2-masked"},
        {"rule-keep", "zen3-offering"}, {"never", "zen2-offering"},
        {"empty", "zen2-masked"},
};

static struct bench *benches[ELEMENTS_OF(pairs)];

/* Of libvirt's own tests, some are of definitions that it refuses, and so may the core. */
static void check_domain(const char *name, size_t *refused) {
        AUTO_FREE char *relative = NULL, *text = NULL;
        size_t length;
        bool is_refused = false;

        assert_int_equal(format_to(&relative, "domains/%s", name), 0);
        text = data_read(relative, &length);
        for (size_t i = 0; i < ELEMENTS_OF(benches); i++) {
                const struct bench *other = benches[(i + 1) % ELEMENTS_OF(benches)];
                const char *broken = check_properties(&benches[i]->judge, &other->judge, text,
                                                      length, &is_refused);

                if (broken)
                        fail_msg("%s, by %s on %s: does not hold: %s", name, pairs[i].policy,
                                 pairs[i].host, broken);
        }
        if (is_refused)
                ++*refused;
}

static void properties_hold_of_every_domain(void **state UNUSED) {
        AUTO_STRV char **names = data_list("domains", ".xml");
        size_t refused = 0;

        STRV_FOREACH (name, names)
                check_domain(*name, &refused);
        assert_true(refused < strv_length(names) / 20);
}

int main(int argc, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(properties_hold_of_every_domain),
        };
        char *corpus[] = {argv[0], getenv("XSAVESD_CORPUS"), NULL};
        AUTO_FREE char *folder = NULL;
        int failed;

        if (!corpus[1] || !*corpus[1]) {
                puts("1..0 # SKIP XSAVESD_CORPUS is not set");
                return 0;
        }
        data_init(argc, argv);
        for (size_t i = 0; i < ELEMENTS_OF(pairs); i++)
                benches[i] = bench_new(pairs[i].policy, pairs[i].host);

        data_init(2, corpus);
        folder = data_path("domains");
        if (access(folder, X_OK) == 0)
                failed = cmocka_run_group_tests_name("domains", tests, NULL, NULL);
        else
                failed = printf("1..0 # SKIP no folder %s\n", folder) < 0;
        for (size_t i = 0; i < ELEMENTS_OF(pairs); i++)
                bench_free(benches[i]);
        return failed;
}
