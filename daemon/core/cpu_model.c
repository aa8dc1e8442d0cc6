/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cpu_model.h"

#include <limits.h>
#include <string.h>

/*
 * QEMU's models with XSAVES, by their versions (builtin_x86_defs[] of target/i386/cpu.c, QEMU 7.2 to 10.0), and some with
 * neither, which libvirt's CPU map need not have. The map is no evidence for the former: libvirt 9.0's gives EPYC-Rome
 * no XSAVES, QEMU's has it.
 */
#define NEVER INT_MAX, 0
#define FROM(first) first, INT_MAX
static const struct {
        const char *name;
        int first, last;
} models[] = {
        {"Cascadelake-Server", FROM(5)},
        {"ClearwaterForest", FROM(1)},
        {"Cooperlake", FROM(2)},
        {"Denverton", FROM(3)},
        {"Dhyana", FROM(2)},
        {"EPYC", FROM(3)},
        {"EPYC-Genoa", FROM(1)},
        {"EPYC-Milan", FROM(1)},
        {"EPYC-Rome", 1, 3},
        {"GraniteRapids", FROM(1)},
        {"Icelake-Server", FROM(5)},
        {"KnightsMill", NEVER},
        {"SapphireRapids", FROM(1)},
        {"SierraForest", FROM(1)},
        {"Skylake-Client", FROM(4)},
        {"Skylake-Server", FROM(5)},
        {"Snowridge", FROM(3)},
        {"YongFeng", FROM(1)},
        {"base", NEVER},
        {"kvm32", NEVER},
        {"kvm64", NEVER},
        {"qemu32", NEVER},
        {"qemu64", NEVER},
};
#undef FROM
#undef NEVER

/* The length of a name without `-vNUMBER`; *ret_version is 0 where it has none. */
static size_t split_version(const char *model, int *ret_version) {
        const char *dash = strrchr(model, '-');
        char *end;
        long version;

        *ret_version = 0;
        if (!dash || dash[1] != 'v' || dash[2] < '1' || dash[2] > '9')
                return strlen(model);
        version = strtol(dash + 2, &end, 10);
        if (*end != '\0' || version >= INT_MAX)
                return strlen(model);
        *ret_version = (int)version;
        return (size_t)(dash - model);
}

/* Which version that name is depends on QEMU's: 0 stands for any. */
static bool has_in(int version, int first, int last) {
        return version == 0 ? first <= last : version >= first && version <= last;
}

enum tristate cpu_model_has(const struct cpu_map *map, const char *model,
                            enum cpu_property property, bool latest) {
        const char *feature = property == CPU_XSAVES ? "xsaves" : "xsavec";
        AUTO_FREE char *base = NULL;
        enum tristate has;
        int version;
        size_t length = split_version(model, &version);

        if (version == 0 && !latest)
                version = 1;
        for (size_t i = 0; i < ELEMENTS_OF(models); i++) {
                bool never = models[i].first > models[i].last;

                if (!is_word(models[i].name, model, length))
                        continue;
                if (never || property == CPU_XSAVES)
                        return has_in(version, models[i].first, models[i].last) ? TRISTATE_YES
                                                                                : TRISTATE_NO;
        }

        /* libvirt has the names with a version only since 10.x; no older model has got XSAVES in a later version. */
        has = cpu_map_model_has(map, model, feature);
        if (has != TRISTATE_UNKNOWN)
                return has;
        base = strndup(model, length);
        return base ? cpu_map_model_has(map, base, feature) : TRISTATE_UNKNOWN;
}
