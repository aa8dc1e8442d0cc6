/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Judges made of the policies, hosts and the CPU map in tests/data/judge. */

#include "core/decision.h"

struct bench {
        struct policy *policy;
        struct host_facts *host;
        struct cpu_map *map;
        struct judge judge;
};

/* By the names of the policy and the host, without their suffixes. Ends the program where there is none. */
struct bench *bench_new(const char *policy, const char *host);
struct bench *bench_free(struct bench *bench);
DEFINE_CLEANUP(struct bench *, bench_free);
#define AUTO_BENCH CLEANUP(bench_free_p)

/* The text of a domain by its name, likewise (owned by the caller). */
char *bench_domain(const char *name);
