/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a guest's own QEMU arguments, which libvirt passes on unread, do to its CPUs. */

#include "core/cpu_model.h"

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

enum setting { SETTING_NONE, SETTING_OFF, SETTING_ON };

/* -global of one such property of one type of CPU. */
struct cpu_global {
        char *type; /* owned */
        enum cpu_property property;
        enum setting setting;
};

/* Zero-initialize; release with qemu_args_clear(). */
struct qemu_args {
        bool force_pair;    /* the pair above, to the letter */
        bool sets_cpu;      /* a CPU is set in any other way */
        bool unreadable;    /* ... of which the arguments do not tell what the guest would see */
        bool latest_models; /* -machine: see qemu_machine_has_latest_models() */
        char *model;        /* of the last -cpu, which replaces libvirt's; NULL: none */
        enum setting cpu[N_CPU_PROPERTIES]; /* of the last -cpu */
        struct cpu_global *globals;         /* in their order */
        size_t n_globals;
};

void qemu_args_clear(struct qemu_args *args);

/* How many arguments QEMU takes at once where it comes to this one: an option that has a value, 2; else 1. */
size_t qemu_option_length(const char *argument);

/* Read argv[0..n), which stand behind libvirt's own arguments, as QEMU does. Returns 0 or -ENOMEM. */
int qemu_args_read(struct qemu_args *args, const char *const *argv, size_t n);

/*
 * What -global says of a property of a CPU of this model (QEMU's name of it) and this type, "x86_64-cpu" or
 * "i386-cpu". NULL: it is not known which, and whatever turns the property on counts, and nothing that turns it
 * off.
 */
enum setting qemu_args_global(const struct qemu_args *args, enum cpu_property property,
                              const char *model, const char *type);

/* Has this machine type the latest version of a CPU model that names none, not the first? */
bool qemu_machine_has_latest_models(const char *machine);

/* Can a device of this type be a CPU? */
bool qemu_type_is_cpu(const char *type);
