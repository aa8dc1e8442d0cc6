/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

#include <string.h>

#include "core/policy/policy_parse.h"
#include "data.h"

static void must(bool condition, const char *name, struct problems *problems) {
        AUTO_FREE char *text = NULL;

        if (condition)
                return;
        text = problems_format(problems, SEVERITY_ERROR);
        fprintf(stderr, "bench: %s: %s\n", name, text);
        exit(99);
}

static char *read_part(const char *folder, const char *name, const char *suffix,
                       size_t *ret_length) {
        AUTO_FREE char *path = NULL;

        if (format_to(&path, "judge/%s/%s%s", folder, name, suffix) < 0)
                exit(99);
        return data_read(path, ret_length);
}

static struct policy *read_policy(const char *name) {
        CLEANUP(problems_clear) struct problems problems = {};
        struct policy_text text = {.file = name};
        AUTO_FREE char *content = read_part("policies", name, ".ini", &text.length);
        struct policy *policy;

        text.text = content;
        policy = policy_parse(&text, 1, &problems);
        must(policy != NULL, name, &problems);
        return policy;
}

static struct host_facts *read_host(const char *name) {
        CLEANUP(problems_clear) struct problems problems = {};
        size_t length;
        AUTO_FREE char *content = read_part("hosts", name, ".facts", &length);
        struct host_facts *host = NULL;

        must(host_facts_parse(name, content, length, &problems, &host) == 0, name, &problems);
        return host;
}

static struct cpu_map *read_map(void) {
        CLEANUP(problems_clear) struct problems problems = {};
        size_t length;
        AUTO_FREE char *content = data_read("judge/cpu_map.xml", &length);
        struct cpu_map *map = cpu_map_new();

        must(map && cpu_map_add(map, content, length) == 0, "cpu_map.xml", &problems);
        return map;
}

struct bench *bench_new(const char *policy, const char *host) {
        struct bench *bench = calloc(1, sizeof(*bench));

        if (!bench)
                exit(99);
        bench->policy = read_policy(policy);
        bench->host = read_host(host);
        bench->map = read_map();
        judge_init(&bench->judge, bench->policy, bench->host, bench->map);
        return bench;
}

struct bench *bench_free(struct bench *bench) {
        if (!bench)
                return NULL;
        policy_free(bench->policy);
        host_facts_free(bench->host);
        cpu_map_free(bench->map);
        free(bench);
        return NULL;
}

char *bench_domain(const char *name) {
        return read_part("domains", name, ".xml", NULL);
}
