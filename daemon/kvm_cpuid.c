/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kvm_cpuid.h"

#include <errno.h>

#if defined(__x86_64__) || defined(__i386__)

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * Bits that QEMU gives to a guest although KVM_GET_SUPPORTED_CPUID lacks them: they are offered,
 * and not forced along by x-force-features (kvm_arch_get_supported_cpuid() of QEMU 7.2).
 */
static const struct {
        struct cpuid_leaf bits;
        int extension; /* of KVM that it takes; 0: none */
} added_by_qemu[] = {
        {{.leaf = 0x1, .ecx = 1u << 31}, 0}, /* hypervisor */
        {{.leaf = 0x1, .ecx = 1u << 24}, KVM_CAP_TSC_DEADLINE_TIMER},
        {{.leaf = 0x6, .eax = 1u << 2}, 0},         /* arat */
        {{.leaf = 0x80000001, .ecx = 1u << 22}, 0}, /* topoext */
};

static void add_qemu_bits(const struct kvm_ops *ops, struct cpuid_leaf *leaves, size_t n_leaves) {
        for (size_t i = 0; i < ELEMENTS_OF(added_by_qemu); i++) {
                const struct cpuid_leaf *bits = &added_by_qemu[i].bits;
                int extension = added_by_qemu[i].extension;

                if (extension && !ops->has_extension(ops->userdata, extension))
                        continue;
                for (size_t k = 0; k < n_leaves; k++) {
                        if (leaves[k].leaf != bits->leaf || leaves[k].subleaf != bits->subleaf)
                                continue;
                        leaves[k].eax |= bits->eax;
                        leaves[k].ecx |= bits->ecx;
                }
        }
}

/*
 * What CPUID says of the very CPU that it is executed on, which KVM passes on: the IDs of leaves 1, 0BH, 1FH (Intel SDM,
 * CPUID) and 8000001EH (AMD APM volume 3, appendix E.4.16). They are no property of the host.
 */
static void forget_which_cpu(struct cpuid_leaf *leaf) {
        switch (leaf->leaf) {
        case 0x1:
                leaf->ebx &= 0x00ffffff;
                break;
        case 0xb:
        case 0x1f:
                leaf->edx = 0;
                break;
        case 0x8000001e:
                leaf->eax = leaf->ebx = leaf->ecx = 0;
                break;
        default:
                break;
        }
}

static int convert(const struct kvm_cpuid2 *cpuid, struct cpuid_leaf **ret) {
        struct cpuid_leaf *leaves = calloc(cpuid->nent ? cpuid->nent : 1, sizeof(*leaves));

        if (!leaves)
                return -ENOMEM;
        for (size_t i = 0; i < cpuid->nent; i++) {
                const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

                leaves[i] = (struct cpuid_leaf){entry->function, entry->index, entry->eax,
                                                entry->ebx,      entry->ecx,   entry->edx};
                forget_which_cpu(&leaves[i]);
        }
        *ret = leaves;
        return 0;
}

/* KVM says E2BIG for too few entries and not how many it takes; newer ones have more. */
static int ask_growing(const struct kvm_ops *ops, struct kvm_cpuid2 **ret) {
        for (unsigned room = 64; room <= 4 * CPUID_LEAVES_MAX; room *= 2) {
                AUTO_FREE struct kvm_cpuid2 *cpuid =
                        calloc(1, sizeof(*cpuid) + room * sizeof(cpuid->entries[0]));
                int r;

                if (!cpuid)
                        return -ENOMEM;
                cpuid->nent = room;
                r = ops->supported_cpuid(ops->userdata, cpuid);
                if (r == -E2BIG)
                        continue;
                if (r < 0)
                        return r;
                if (cpuid->nent > room)
                        return -EPROTO;
                *ret = STEAL(cpuid);
                return 0;
        }
        return -E2BIG;
}

int kvm_cpuid_ask(const struct kvm_ops *ops, struct cpuid_leaf **ret, size_t *ret_n) {
        AUTO_FREE struct kvm_cpuid2 *cpuid = NULL;
        int r;

        r = ask_growing(ops, &cpuid);
        if (r < 0)
                return r;
        r = convert(cpuid, ret);
        if (r < 0)
                return r;
        add_qemu_bits(ops, *ret, cpuid->nent);
        *ret_n = cpuid->nent;
        return 0;
}

static int ioctl_supported_cpuid(void *userdata, struct kvm_cpuid2 *cpuid) {
        const int *fd = userdata;

        return ioctl(*fd, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 ? -errno : 0;
}

static bool ioctl_has_extension(void *userdata, int extension) {
        const int *fd = userdata;

        return ioctl(*fd, KVM_CHECK_EXTENSION, extension) > 0;
}

int kvm_cpuid_read(const char *device, struct cpuid_leaf **ret, size_t *ret_n) {
        int fd = open(device, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        const struct kvm_ops ops = {ioctl_supported_cpuid, ioctl_has_extension, &fd};
        int r;

        if (fd < 0)
                return -errno;
        /* The question is of the API that this version stands for, and of no other device. */
        r = ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION ? kvm_cpuid_ask(&ops, ret, ret_n)
                                                                 : -ENOTTY;
        close(fd);
        return r;
}

#else

int kvm_cpuid_ask(const struct kvm_ops *ops UNUSED, struct cpuid_leaf **ret UNUSED,
                  size_t *ret_n UNUSED) {
        return -EOPNOTSUPP;
}

int kvm_cpuid_read(const char *device UNUSED, struct cpuid_leaf **ret UNUSED,
                   size_t *ret_n UNUSED) {
        return -EOPNOTSUPP;
}

#endif
