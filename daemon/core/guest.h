/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts of one guest: what the decision needs of its domain XML, and nothing else of it. */

#include "core/qemu_args.h"

struct xml_element;

enum guest_arch { GUEST_ARCH_X86_64, GUEST_ARCH_I686, GUEST_ARCH_OTHER };

enum cpu_mode {
        CPU_MODE_NONE, /* no mode and no model: the machine type's default CPU */
        CPU_MODE_CUSTOM,
        CPU_MODE_HOST_MODEL,
        CPU_MODE_HOST_PASSTHROUGH,
        CPU_MODE_MAXIMUM,
};

enum feature_policy {
        FEATURE_ABSENT, /* no <feature> of that name */
        FEATURE_UNSET,  /* <feature> without a policy: libvirt takes it as require */
        FEATURE_FORCE,
        FEATURE_REQUIRE,
        FEATURE_OPTIONAL,
        FEATURE_DISABLE,
        FEATURE_FORBID,
};

const char *cpu_mode_to_string(enum cpu_mode mode); /* CPU_MODE_NONE: "default" */
const char *feature_policy_to_string(enum feature_policy policy);
int feature_policy_from_string(const char *text, enum feature_policy *ret); /* 0 or -EINVAL */
/* force, require, or without a policy: libvirt puts NAME=on on QEMU's command line. */
bool feature_policy_is_on(enum feature_policy policy);

struct guest {
        char *name;  /* NULL: the XML has none */
        char *uuid;  /* lower case; NULL: none yet */
        char *os_id; /* libosinfo id; NULL: none */
        char *type;  /* of <domain>: kvm, qemu, ... */
        enum guest_arch arch;
        enum cpu_mode cpu_mode;
        char *cpu_model;   /* of CPU_MODE_CUSTOM; else NULL */
        bool cpu_at_least; /* match='minimum': libvirt chooses the model as with host-model */
        char *vendor_id;   /* that its CPU shows in place of its model's own; NULL: none */
        bool check_full; /* a model with check='full', which libvirt writes into a live guest's XML */
        enum feature_policy xsaves, xsavec;
        char **other_features; /* names, other than xsaves, that are on (feature_policy_is_on()) */
        size_t n_other_features;
        bool live; /* running or incoming: some of its features are libvirt's, not its owner's */

        /* What <qemu:commandline> and <qemu:override> make of the CPU, past libvirt. */
        bool force_pair;      /* -global x86_64-cpu.x-force-features=on */
        bool custom_cpu_args; /* they set the CPU in any other way */
        bool unreadable_args; /* ... of which they do not tell what the guest would see */
        bool latest_models;   /* a model that names no version is its latest one */
        char *args_model;     /* of -cpu, in place of libvirt's; NULL: none */
        enum setting args_cpu[N_CPU_PROPERTIES];    /* of that -cpu */
        enum setting args_global[N_CPU_PROPERTIES]; /* of -global */
};

void guest_clear(struct guest *guest);
#define AUTO_GUEST CLEANUP(guest_clear)
/* A deep copy into a zero-initialized *ret. Returns 0 or -ENOMEM (*ret is then empty). */
int guest_copy(const struct guest *guest, struct guest *ret);

/*
 * Read the facts from a domain's root element into a zero-initialized *guest. Returns 0; -ENOMEM; or
 * 1 with *ret_reason set (owned, one line) for a definition that libvirt itself would not take: xsaves
 * or xsavec named twice, an unknown policy or mode, two <cpu> elements, over 4096 <qemu:arg>. *guest is then to be cleared all the same.
 */
int guest_read(struct guest *guest, const struct xml_element *domain, char **ret_reason);

/* The same of a domain's XML, which may be refused for what xml_parse() refuses, too. */
int guest_parse(struct guest *guest, const char *xml, size_t length, char **ret_reason);

/* A CPU is chosen, so that a <feature> of it can be set. */
bool guest_has_cpu(const struct guest *guest);
/* It is the host's own, by host-passthrough or maximum. */
bool guest_has_cpu_of_host(const struct guest *guest);
/* "" where it has none. Borrowed. */
const char *guest_name(const struct guest *guest);

/* disable or forbid: libvirt puts NAME=off on QEMU's command line. */
bool feature_policy_is_off(enum feature_policy policy);

/* The definition turns XSAVES on by name, by a feature that is on or by arguments that do the same. */
bool guest_turns_xsaves_on(const struct guest *guest);

/* It wants XSAVES, whatever its CPU model and the host have: the above, x-force-features, or arguments that
 * cannot be read. */
bool guest_insists_on_xsaves(const struct guest *guest);

/* It would take XSAVES where it can: the above, or optional. */
bool guest_asks_for_xsaves(const struct guest *guest);

/*
 * Its own arguments decide on the feature, so that a <feature> would change nothing or contradict
 * them: `property` is CPU_XSAVES or CPU_XSAVEC.
 */
bool guest_args_decide(const struct guest *guest, enum cpu_property property);

/*
 * Would, or could, the guest find XSAVES (CPU_XSAVEC: XSAVEC) in its CPUID where the hypervisor
 * offers it or not? `map` tells which models have it, and may be NULL. What cannot be known is yes.
 */
bool guest_would_see(const struct guest *guest, enum cpu_property property,
                     const struct cpu_map *map, bool hypervisor_offers);
