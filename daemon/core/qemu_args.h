/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What <qemu:commandline> does to the guest's CPU, past libvirt. */

#include "core/util.h"

/* libvirt's namespace of <qemu:commandline> (qemuDomainDefNamespace, libvirt's qemu_domain.c). */
#define QEMU_NAMESPACE "http://libvirt.org/schemas/domain/qemu/1.0"
#define QEMU_PREFIX "qemu"

/*
 * QEMU drops a requested CPU feature that the accelerator does not offer, unless the CPU's property
 * x-force-features is on (QEMU's target/i386/cpu.c, x86_cpu_filter_features()). This pair of arguments
 * turns it on, whatever the CPU model.
 */
#define FORCE_OPTION "-global"
#define FORCE_VALUE "x86_64-cpu.x-force-features=on"

/* More than any QEMU takes in practice, and few enough for work that is quadratic in them. */
#define QEMU_ARGS_MAX 4096
/* With the white space between them, and as much again of comments and variables. */
#define QEMU_NODES_MAX (4ul * QEMU_ARGS_MAX)

struct qemu_args {
        bool force_pair;   /* the pair above, to the letter */
        bool sets_cpu;     /* -cpu, or -global, -device, -set or -readconfig that reach a CPU */
        bool names_xsaves; /* ... and name xsaves or x-force-features */
};

/* Take in the next argument of the command line; `option` is the one before it, or NULL. Returns 0 or
 * -ENOMEM. */
int qemu_args_add(struct qemu_args *args, const char *option, const char *argument);
