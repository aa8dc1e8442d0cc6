/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What KVM, and QEMU with it, can give to guests. */

#include "core/host.h"

struct kvm_cpuid2;

/* The two questions asked of /dev/kvm, so that tests can answer them. */
struct kvm_ops {
        /* KVM_GET_SUPPORTED_CPUID. Returns 0 or a negative errno. */
        int (*supported_cpuid)(void *userdata, struct kvm_cpuid2 *cpuid);
        /* KVM_CHECK_EXTENSION. */
        bool (*has_extension)(void *userdata, int extension);
        void *userdata;
};

/*
 * The leaves that a guest can be given: KVM's, and what QEMU adds to them. Returns 0, -ENOMEM or
 * what supported_cpuid() returned.
 */
int kvm_cpuid_ask(const struct kvm_ops *ops, struct cpuid_leaf **ret, size_t *ret_n);

/* The same of a KVM device. Any failure but -ENOMEM means that nothing is known. */
int kvm_cpuid_read(const char *device, struct cpuid_leaf **ret, size_t *ret_n);
