/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* libvirt's CPU map (/usr/share/libvirt/cpu_map): signatures of models, CPUID bits of features. */

#include "core/host.h"

struct cpu_map;

struct cpu_map *cpu_map_new(void); /* empty; NULL: out of memory */
struct cpu_map *cpu_map_free(struct cpu_map *map);
DEFINE_CLEANUP(struct cpu_map *, cpu_map_free);
#define AUTO_CPU_MAP CLEANUP(cpu_map_free_p)

/*
 * Add one file of the map: any text with <model> and <feature> elements below its root. A model
 * that is defined by another one (`<model name='…'/>` inside) has that one's signatures unless it
 * has its own, as in libvirt's x86ModelParse(). Returns 0, -ENOMEM or -EBADMSG (not XML; nothing
 * was added).
 */
int cpu_map_add(struct cpu_map *map, const char *text, size_t length);

/* Does the map give `name` a signature of this family and model? An unknown model has none. */
bool cpu_map_model_has_signature(const struct cpu_map *map, const char *name, unsigned family,
                                 unsigned model);

/*
 * Has the model `name` the feature "xsaves" or "xsavec", of itself or by the model that it is defined by? TRISTATE_UNKNOWN
 * for a model that the map does not have, and without a map (NULL).
 */
enum tristate cpu_map_model_has(const struct cpu_map *map, const char *name, const char *feature);

/*
 * Are all CPUID bits of the feature `name` set in `leaves`? TRISTATE_UNKNOWN for a feature that
 * the map does not have or defines by an MSR, and where there are no leaves.
 */
enum tristate cpu_map_feature_offered(const struct cpu_map *map, const char *name,
                                      const struct cpuid_leaf *leaves, size_t n_leaves);
