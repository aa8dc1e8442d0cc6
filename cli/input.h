/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What verbs work on without a daemon: files, policies, facts. Each returns an enum status or -ENOMEM. */

#include "cli.h"
#include "core/decision.h"
#include "core/xml.h"

/* A text from a file or, as "-", from stdin. `name` is what messages call it. */
struct input {
        const char *name;
        char *text; /* NUL behind its length bytes */
        size_t length;
};

void input_clear(struct input *input);
#define AUTO_INPUT CLEANUP(input_clear)

int input_read(const char *path, size_t max, struct input *ret);

/*
 * Of XML that the core refuses, for this reason: STATUS_OK where it is a domain like any other, by the type that its root has,
 * which cannot be judged. What is none is bad input.
 */
int input_check_domain(const struct input *input, const char *reason);

/* Is this argument a file's name, and no guest's? */
bool is_file_argument(const char *argument);

/* NULL: /etc/xsavesd. No file in it is the built-in policy; so is no /etc/xsavesd. */
int input_policy(const char *folder, struct policy **ret);

int input_facts(const char *path, struct host_facts **ret);

/* This machine's, with what the daemon alone knows if it can be reached. */
int input_this_host(const struct cli *cli, struct host_facts **ret);

/* As libvirt has it here; what is missing is said. */
int input_cpu_map(struct cpu_map **ret);

/* All that a decision needs, by --policy and --host. Zero-initialize. */
struct bench {
        struct policy *policy;
        struct host_facts *host;
        struct cpu_map *map;
        struct judge judge;
};

int bench_open(const struct cli *cli, struct bench *bench);
void bench_clear(struct bench *bench);
#define AUTO_BENCH CLEANUP(bench_clear)
