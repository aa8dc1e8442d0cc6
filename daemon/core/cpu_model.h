/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of QEMU's CPU models have XSAVES and XSAVEC by themselves. */

#include "core/cpu_map.h"

/* The CPU properties that matter here. */
enum cpu_property { CPU_XSAVES, CPU_XSAVEC, CPU_FORCE_FEATURES, N_CPU_PROPERTIES };

/*
 * Does the model, by QEMU's name, turn the property on? `latest`: without a version its latest one is meant, else its
 * first. `map` may be NULL. TRISTATE_UNKNOWN for a model that neither the map nor this project knows.
 */
enum tristate cpu_model_has(const struct cpu_map *map, const char *model,
                            enum cpu_property property, bool latest);
