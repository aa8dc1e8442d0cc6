/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The core as a filter, for looking at what it makes of a domain without a daemon or a CLI:
 *
 *   filter TESTS-DATA-FOLDER (rewrite | revert | normalize | check) POLICY HOST <domain.xml
 *
 * POLICY and HOST name files of tests/data/judge. `check` prints the property that does not hold.
 */

#include <string.h>

#include "bench.h"
#include "data.h"
#include "properties.h"

static char *read_input(size_t *ret_length) {
        char *text = NULL, block[4096];
        FILE *memory = open_memstream(&text, ret_length);
        size_t n;

        while ((n = fread(block, 1, sizeof(block), stdin)) > 0)
                fwrite(block, 1, n, memory);
        fclose(memory);
        return text;
}

/* Each returns the exit status, with the text to print in *ret. */
typedef int (*verb_function)(const struct bench *bench, const char *xml, size_t length, char **ret,
                             size_t *ret_length);

static int refused(int r, const char *reason) {
        fprintf(stderr, "%s\n", r < 0 ? "no memory" : reason);
        return 4;
}

static int do_rewrite(const struct bench *bench, const char *xml, size_t length, char **ret,
                      size_t *ret_length) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;
        int r = rewrite_xml(&bench->judge, xml, length, &rewritten, &reason);

        if (r != 0)
                return refused(r, reason);
        fprintf(stderr, "%s%s\n", reason_to_string(rewritten.decision.reason),
                rewritten.changed ? "" : " unchanged");
        *ret = STEAL(rewritten.xml);
        *ret_length = rewritten.length;
        return 0;
}

static int do_revert(const struct bench *bench UNUSED, const char *xml, size_t length, char **ret,
                     size_t *ret_length) {
        AUTO_FREE char *reason = NULL;
        bool changed;
        int r = revert_xml(xml, length, &changed, ret, ret_length, &reason);

        return r != 0 ? refused(r, reason) : 0;
}

static int do_normalize(const struct bench *bench UNUSED, const char *xml, size_t length,
                        char **ret, size_t *ret_length) {
        *ret = normalize(xml, length);
        *ret_length = *ret ? strlen(*ret) : 0;
        return *ret ? 0 : 4;
}

static int do_check(const struct bench *bench, const char *xml, size_t length, char **ret,
                    size_t *ret_length) {
        AUTO_BENCH struct bench *other = bench_new("never", "zen2-masked");
        bool is_refused;
        const char *broken =
                check_properties(&bench->judge, &other->judge, xml, length, &is_refused);

        if (is_refused)
                fprintf(stderr, "refused\n");
        if (!broken)
                return 0;
        *ret = strdup(broken);
        *ret_length = strlen(broken);
        return 1;
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                verb_function function;
        } verbs[] = {
                {"rewrite", do_rewrite},
                {"revert", do_revert},
                {"normalize", do_normalize},
                {"check", do_check},
        };
        AUTO_BENCH struct bench *bench = NULL;
        AUTO_FREE char *input = NULL, *output = NULL;
        size_t length, output_length = 0;
        int status;

        if (argc != 5) {
                fprintf(stderr, "usage: %s TESTS-DATA-FOLDER VERB POLICY HOST\n", argv[0]);
                return 2;
        }
        data_init(argc, argv);
        bench = bench_new(argv[3], argv[4]);
        input = read_input(&length);
        for (size_t i = 0; i < ELEMENTS_OF(verbs); i++) {
                if (!streq(argv[2], verbs[i].name))
                        continue;
                status = verbs[i].function(bench, input, length, &output, &output_length);
                if (output)
                        fwrite(output, 1, output_length, stdout);
                return status;
        }
        return 2;
}
