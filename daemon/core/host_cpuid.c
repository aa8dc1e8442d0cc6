/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Host facts from leaves of CPUID. */

#include "core/host.h"

#include <errno.h>
#include <string.h>

/* Vendor in EBX, EDX, ECX; signature and features (AMD APM volume 3, appendix E). */
#define LEAF_VENDOR 0x0u
#define LEAF_FEATURES 0x1u
#define FEATURES_ECX_HYPERVISOR (1u << 31)

/* The forms of XSAVE (Intel SDM volume 1, 13.2; AMD APM volume 3, Fn0000_000D_EAX_x1). */
#define LEAF_XSAVE 0xdu
#define XSAVE_EAX_XSAVEC (1u << 1)
#define XSAVE_EAX_XSAVES (1u << 3)

const struct cpuid_leaf *cpuid_find(const struct cpuid_leaf *leaves, size_t n_leaves, uint32_t leaf,
                                    uint32_t subleaf) {
        for (size_t i = 0; i < n_leaves; i++)
                if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
                        return &leaves[i];
        return NULL;
}

static enum tristate tristate_of(bool value) {
        return value ? TRISTATE_YES : TRISTATE_NO;
}

/* Some vendors pad theirs with blanks ("  Shanghai  "), which no INI value keeps. */
static int vendor_of(const struct cpuid_leaf *leaf, char **ret) {
        const uint32_t words[] = {leaf->ebx, leaf->edx, leaf->ecx};
        char text[sizeof(words) + 1] = "";
        char *start, *end;

        memcpy(text, words, sizeof(words));
        start = text + strspn(text, " ");
        end = start + strlen(start);
        while (end > start && end[-1] == ' ')
                *--end = '\0';

        return strdup_to(ret, host_text_valid(start) ? start : NULL);
}

/* As Linux's x86_family(), x86_model() and x86_stepping() (arch/x86/lib/cpu.c). */
static void set_signature(struct host_facts *facts, uint32_t eax) {
        facts->stepping = eax & 0xf;
        facts->model = (eax >> 4) & 0xf;
        facts->family = (eax >> 8) & 0xf;
        if (facts->family == 0xf)
                facts->family += (eax >> 20) & 0xff;
        if (facts->family >= 0x6)
                facts->model += ((eax >> 16) & 0xf) << 4;
}

static void read_xsave(const struct cpuid_leaf *leaves, size_t n_leaves, enum tristate *ret_xsaves,
                       enum tristate *ret_xsavec) {
        const struct cpuid_leaf *xsave = cpuid_find(leaves, n_leaves, LEAF_XSAVE, 1);

        *ret_xsaves = tristate_of(xsave && (xsave->eax & XSAVE_EAX_XSAVES));
        *ret_xsavec = tristate_of(xsave && (xsave->eax & XSAVE_EAX_XSAVEC));
}

int host_facts_set_cpu(struct host_facts *facts, const struct cpuid_leaf *leaves, size_t n_leaves) {
        const struct cpuid_leaf *vendor = cpuid_find(leaves, n_leaves, LEAF_VENDOR, 0);
        const struct cpuid_leaf *features = cpuid_find(leaves, n_leaves, LEAF_FEATURES, 0);
        char *name;
        int r;

        if (!vendor || !features)
                return 0;

        r = vendor_of(vendor, &name);
        if (r < 0)
                return r;
        free(facts->vendor);
        facts->vendor = name;

        set_signature(facts, features->eax);
        facts->virtualized = tristate_of(features->ecx & FEATURES_ECX_HYPERVISOR);
        read_xsave(leaves, n_leaves, &facts->cpu_xsaves, &facts->cpu_xsavec);
        return 0;
}

int host_facts_set_hypervisor(struct host_facts *facts, const struct cpuid_leaf *leaves,
                              size_t n_leaves) {
        struct cpuid_leaf *kept = NULL;
        size_t n_kept = 0;

        if (n_leaves > 0) {
                kept = calloc(CPUID_LEAVES_MAX, sizeof(*kept));
                if (!kept)
                        return -ENOMEM;
        }
        for (size_t i = 0; i < n_leaves && n_kept < CPUID_LEAVES_MAX; i++)
                if (!cpuid_find(kept, n_kept, leaves[i].leaf, leaves[i].subleaf))
                        kept[n_kept++] = leaves[i];

        free(facts->hypervisor_cpuid);
        facts->hypervisor_cpuid = kept;
        facts->n_hypervisor_cpuid = n_kept;
        facts->hypervisor_xsaves = facts->hypervisor_xsavec = TRISTATE_UNKNOWN;
        if (n_kept > 0)
                read_xsave(kept, n_kept, &facts->hypervisor_xsaves, &facts->hypervisor_xsavec);
        return 0;
}
