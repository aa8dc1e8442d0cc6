/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "kernel_facts.h"
#include "kvm_cpuid.h"
#include "read_file.h"

#if defined(__x86_64__) || defined(__i386__)

/*
 * The leaves that host_facts_set_cpu() reads. One above the highest would give the highest's
 * data.
 */
static int probe_cpu(struct host_facts *facts) {
        struct cpuid_leaf leaves[] = {{.leaf = 0x0}, {.leaf = 0x1}, {.leaf = 0xd, .subleaf = 1}};
        size_t n_leaves = 0;

        while (n_leaves < ELEMENTS_OF(leaves)) {
                struct cpuid_leaf *leaf = &leaves[n_leaves];

                if (!__get_cpuid_count(leaf->leaf, leaf->subleaf, &leaf->eax, &leaf->ebx,
                                       &leaf->ecx, &leaf->edx))
                        break;
                n_leaves++;
        }
        return host_facts_set_cpu(facts, leaves, n_leaves);
}

#else

static int probe_cpu(struct host_facts *facts UNUSED) {
        return 0;
}

#endif

static int probe_hostname(struct host_facts *facts) {
        char name[HOST_NAME_MAX + 1] = "";

        if (gethostname(name, sizeof(name) - 1) < 0 || !host_text_valid(name))
                return 0;
        return strdup_to(&facts->hostname, name);
}

/* 32 hexadecimal digits and a newline; before the first boot it is empty or "uninitialized"
 * (machine-id(5)). */
static int probe_machine_id(const char *root, struct host_facts *facts) {
        AUTO_FREE char *path = NULL, *text = NULL;
        size_t length;
        int r;

        r = format_to(&path, "%s/etc/machine-id", root);
        if (r < 0)
                return r;
        r = read_file(path, 4096, &text, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : 0;

        length = strcspn(text, "\n");
        text[length] = '\0';
        if (length != 32 || strspn(text, "0123456789abcdef") != length)
                return 0;
        facts->machine_id = STEAL(text);
        return 0;
}

static int probe_hypervisor(const char *root, struct host_facts *facts) {
        AUTO_FREE struct cpuid_leaf *leaves = NULL;
        AUTO_FREE char *device = NULL;
        size_t n_leaves;
        int r;

        r = format_to(&device, "%s/dev/kvm", root);
        if (r < 0)
                return r;
        r = kvm_cpuid_read(device, &leaves, &n_leaves);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        return host_facts_set_hypervisor(facts, leaves, n_leaves);
}

int probe_hypervisor_again(const struct probe_paths *paths, struct host_facts *facts) {
        int r;

        if (facts->hypervisor_xsaves != TRISTATE_UNKNOWN)
                return 0;
        r = probe_hypervisor(paths && paths->root ? paths->root : "", facts);
        return r < 0 ? r : facts->hypervisor_xsaves != TRISTATE_UNKNOWN;
}

int probe_host(const struct probe_paths *paths, struct host_facts **ret) {
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        const char *root = paths && paths->root ? paths->root : "";
        int r;

        if (!facts)
                return -ENOMEM;
        r = probe_hostname(facts);
        if (r == 0)
                r = probe_machine_id(root, facts);
        if (r == 0)
                r = probe_cpu(facts);
        if (r == 0)
                r = kernel_facts_read(root, facts);
        if (r == 0)
                r = probe_hypervisor(root, facts);
        if (r < 0)
                return r;

        *ret = STEAL(facts);
        return 0;
}
