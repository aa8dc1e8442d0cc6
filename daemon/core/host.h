/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts of one host: what the decision knows of its CPU, its kernel and its hypervisor. */

#include <stdint.h>

#include "core/problem.h"

enum tristate {
        TRISTATE_UNKNOWN = 0,
        TRISTATE_NO,
        TRISTATE_YES,
};

/* "unknown", "no", "yes" */
const char *tristate_to_string(enum tristate value);

/* One leaf of CPUID: what the instruction, or KVM_GET_SUPPORTED_CPUID, gives for it. */
struct cpuid_leaf {
        uint32_t leaf, subleaf;
        uint32_t eax, ebx, ecx, edx;
};

/* KVM_GET_SUPPORTED_CPUID gives no more (KVM_MAX_CPUID_ENTRIES of Linux's asm/kvm_host.h). */
#define CPUID_LEAVES_MAX 256

/* The leaf, or NULL. */
const struct cpuid_leaf *cpuid_find(const struct cpuid_leaf *leaves, size_t n_leaves, uint32_t leaf,
                                    uint32_t subleaf);

struct host_facts {
        char *hostname;                   /* NULL: unknown */
        char *machine_id;                 /* NULL: unknown */
        char *vendor;                     /* CPUID leaf 0; NULL: not an x86 host, or unknown */
        unsigned family, model, stepping; /* as CPUID leaf 1 defines them: extended fields added */
        bool microcode_known;
        uint32_t microcode;              /* the lowest over all CPUs */
        enum tristate virtualized;       /* CPUID.1:ECX[31] */
        enum tristate cpu_xsaves;        /* CPUID.(EAX=0DH,ECX=1):EAX[3] */
        enum tristate cpu_xsavec;        /* CPUID.(EAX=0DH,ECX=1):EAX[1] */
        enum tristate kernel_xsaves;     /* /proc/cpuinfo */
        enum tristate hypervisor_xsaves; /* KVM_GET_SUPPORTED_CPUID */
        enum tristate hypervisor_xsavec;
        char *host_model; /* what libvirt expands host-model to; NULL: unknown */

        /* What guests can be given, by KVM and QEMU, each leaf once; none: unknown. */
        struct cpuid_leaf *hypervisor_cpuid;
        size_t n_hypervisor_cpuid;
};

struct host_facts *host_facts_new(void); /* NULL: out of memory */
struct host_facts *host_facts_free(struct host_facts *facts);
DEFINE_CLEANUP(struct host_facts *, host_facts_free);
#define AUTO_HOST_FACTS CLEANUP(host_facts_free_p)
/* A deep copy. Returns 0 or -ENOMEM. */
int host_facts_copy(const struct host_facts *facts, struct host_facts **ret);

/* Can a facts file hold this text? What cannot be held is to be taken as unknown. */
bool host_text_valid(const char *text);

/*
 * Set vendor, family, model, stepping, virtualized, cpu_xsaves and cpu_xsavec from the CPU's
 * leaves. A leaf that is not there is one that the CPU does not have. Returns 0 or -ENOMEM.
 */
int host_facts_set_cpu(struct host_facts *facts, const struct cpuid_leaf *leaves, size_t n_leaves);

/*
 * Set hypervisor_cpuid (a copy, without repeats, of CPUID_LEAVES_MAX at most), hypervisor_xsaves
 * and hypervisor_xsavec; no leaves: all unknown. Returns 0 or -ENOMEM.
 */
int host_facts_set_hypervisor(struct host_facts *facts, const struct cpuid_leaf *leaves,
                              size_t n_leaves);

/*
 * Read a facts file: section [host] with the keys of xsavesd-policy.ini(5), and the optional
 * section [hypervisor-cpuid] with lines `LEAF.SUBLEAF = EAX EBX ECX EDX` (hexadecimal with 0x,
 * but for the subleaf, which is decimal). `unknown` stands for what is not known; vendor, family,
 * model and stepping must be given. Any error goes to `problems`, and then *ret stays unset and
 * the return value is 1; else it is 0.
 */
int host_facts_parse(const char *file, const char *text, size_t length, struct problems *problems,
                     struct host_facts **ret);

/* The same file from facts. Parsed again it gives equal facts. Returns 0 or -ENOMEM. */
int host_facts_format(const struct host_facts *facts, char **ret);

/* Visit the [host] keys in their documented order with their values as text: one list for the facts
 * file, JSON and status. Returns what the first non-zero callback returned, 0 or -ENOMEM. */
int host_facts_visit(const struct host_facts *facts,
                     int (*visit)(const char *key, const char *value, void *userdata),
                     void *userdata);

/* Room for any hostname (64), machine-id (32) and CPU model; INI lines end at 199 characters. */
#define HOST_TEXT_MAX 128
#define HOST_CPU_ID_SIZE (HOST_TEXT_MAX + sizeof("-4294967295-4294967295-4294967295"))
/* "vendor-family-model-stepping", decimal: what `cpu =` of a host rule is matched against. In place, so that no want of
 * memory keeps a host from its rule. */
void host_facts_cpu_id(const struct host_facts *facts, char ret[HOST_CPU_ID_SIZE]);
