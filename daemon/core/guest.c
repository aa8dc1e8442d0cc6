/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/guest.h"

#include <errno.h>
#include <string.h>

#include "core/xml.h"

/* Of the element that virt-install and others put into <metadata>. */
#define LIBOSINFO_NAMESPACE "http://libosinfo.org/xmlns/libvirt/domain/1.0"

static const char *const cpu_modes[] = {
        [CPU_MODE_NONE] = "default",          [CPU_MODE_CUSTOM] = "custom",
        [CPU_MODE_HOST_MODEL] = "host-model", [CPU_MODE_HOST_PASSTHROUGH] = "host-passthrough",
        [CPU_MODE_MAXIMUM] = "maximum",
};

static const char *const feature_policies[] = {
        [FEATURE_ABSENT] = "absent",     [FEATURE_UNSET] = "unset",
        [FEATURE_FORCE] = "force",       [FEATURE_REQUIRE] = "require",
        [FEATURE_OPTIONAL] = "optional", [FEATURE_DISABLE] = "disable",
        [FEATURE_FORBID] = "forbid",
};

const char *cpu_mode_to_string(enum cpu_mode mode) {
        return cpu_modes[mode];
}

const char *feature_policy_to_string(enum feature_policy policy) {
        return feature_policies[policy];
}

int feature_policy_from_string(const char *text, enum feature_policy *ret) {
        for (size_t i = 0; i < ELEMENTS_OF(feature_policies); i++)
                if (streq(text, feature_policies[i])) {
                        *ret = (enum feature_policy)i;
                        return 0;
                }
        return -EINVAL;
}

bool feature_policy_is_on(enum feature_policy policy) {
        return policy == FEATURE_FORCE || policy == FEATURE_REQUIRE || policy == FEATURE_UNSET;
}

bool feature_policy_is_off(enum feature_policy policy) {
        return policy == FEATURE_DISABLE || policy == FEATURE_FORBID;
}

void guest_clear(struct guest *guest) {
        free(guest->name);
        free(guest->uuid);
        free(guest->os_id);
        free(guest->type);
        free(guest->cpu_model);
        free(guest->vendor_id);
        free(guest->args_model);
        for (size_t i = 0; i < guest->n_other_features; i++)
                free(guest->other_features[i]);
        free(guest->other_features);
        *guest = (struct guest){};
}

/* A definition that libvirt itself would not take. */
static int refuse(char **ret_reason, const char *format, ...) PRINTF_FORMAT(2, 3);
static int refuse(char **ret_reason, const char *format, ...) {
        va_list arguments;
        char *reason;
        int r;

        va_start(arguments, format);
        r = vasprintf(&reason, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;
        make_one_line(reason);
        *ret_reason = reason;
        return 1;
}

/* The only child of that name. libvirt's schema has each of those that matter here once, and its
 * parser takes the first or all of them: nothing to guess about in a decision on safety. */
static int only_child(const struct xml_element *domain, const char *ns, const char *name,
                      const struct xml_element **ret, char **ret_reason) {
        const struct xml_element *found = NULL;

        XML_FOREACH_CHILD (child, domain) {
                if (!xml_is(child, ns, name))
                        continue;
                if (found)
                        return refuse(ret_reason, "more than one <%s> in the domain", name);
                found = child;
        }
        *ret = found;
        return 0;
}

/* libvirt takes a UUID with its dashes anywhere, or with none (virUUIDParse()). */
static int read_uuid(const struct xml_element *element, char **ret) {
        static const char hex[] = "0123456789abcdefABCDEF";
        AUTO_FREE char *text = NULL, *uuid = malloc(37);
        size_t n = 0;
        int r;

        r = xml_text(element, &text);
        if (r < 0 || !uuid)
                return -ENOMEM;
        for (const char *c = text; *c; c++) {
                if (strchr("- \t\r\n", *c))
                        continue;
                if (n == 36 || !strchr(hex, *c))
                        return 0;
                uuid[n++] = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
                if (n == 8 || n == 13 || n == 18 || n == 23)
                        uuid[n++] = '-';
        }
        if (n < 36)
                return 0;
        uuid[n] = '\0';
        *ret = STEAL(uuid);
        return 0;
}

static int read_os_id(const struct xml_element *metadata, char **ret) {
        const struct xml_element *info, *os;

        info = xml_child(metadata, LIBOSINFO_NAMESPACE, "libosinfo");
        os = xml_child(info, LIBOSINFO_NAMESPACE, "os");
        return os ? strdup_to(ret, xml_attribute(os, "id")) : 0;
}

static enum guest_arch read_arch(const struct xml_element *domain) {
        const struct xml_element *type = xml_child(xml_child(domain, NULL, "os"), NULL, "type");
        const char *arch = type ? xml_attribute(type, "arch") : NULL;

        /* Without one, libvirt takes the host's. */
        if (!arch || streq(arch, "x86_64"))
                return GUEST_ARCH_X86_64;
        return streq(arch, "i686") ? GUEST_ARCH_I686 : GUEST_ARCH_OTHER;
}

static int read_identity(struct guest *guest, const struct xml_element *domain, char **ret_reason) {
        const struct xml_element *name = xml_child(domain, NULL, "name");
        const struct xml_element *uuid = xml_child(domain, NULL, "uuid");
        const struct xml_element *metadata = NULL;
        int r;

        if (!streq(xml_name(domain), "domain"))
                return refuse(ret_reason, "the root element is <%s>, not <domain>",
                              xml_name(domain));
        /* libvirt would take one of another prefix, but could not find its children by default. */
        if (!xml_is(domain, NULL, "domain"))
                return refuse(ret_reason, "the root element is <%s> of a namespace",
                              xml_name(domain));
        if (!xml_attribute(domain, "type"))
                return refuse(ret_reason, "<domain> has no type");

        r = strdup_to(&guest->type, xml_attribute(domain, "type"));
        if (r >= 0 && name)
                r = xml_text(name, &guest->name);
        if (r >= 0 && uuid)
                r = read_uuid(uuid, &guest->uuid);
        if (r < 0)
                return r;
        guest->arch = read_arch(domain);

        r = only_child(domain, NULL, "metadata", &metadata, ret_reason);
        return r != 0 ? r : read_os_id(metadata, &guest->os_id);
}

static int read_cpu_mode(struct guest *guest, const struct xml_element *cpu, char **ret_reason) {
        const char *mode = xml_attribute(cpu, "mode");
        const struct xml_element *model = xml_child(cpu, NULL, "model");
        AUTO_FREE char *model_name = NULL;
        int r;

        if (model) {
                r = xml_text(model, &model_name);
                if (r >= 0)
                        r = strdup_to(&guest->vendor_id, xml_attribute(model, "vendor_id"));
                if (r < 0)
                        return r;
        }

        if (!mode || streq(mode, cpu_modes[CPU_MODE_CUSTOM])) {
                /* Without a model, "custom" is the default CPU, and libvirt refuses features of it
                 * (virCPUDefParseXML()). */
                if (model_name && *model_name) {
                        guest->cpu_at_least = streq_null(xml_attribute(cpu, "match"), "minimum");
                        guest->check_full = streq_null(xml_attribute(cpu, "check"), "full");
                        guest->cpu_mode = CPU_MODE_CUSTOM;
                        guest->cpu_model = STEAL(model_name);
                }
                return 0;
        }

        for (size_t i = CPU_MODE_HOST_MODEL; i < ELEMENTS_OF(cpu_modes); i++)
                if (streq(mode, cpu_modes[i])) {
                        guest->cpu_mode = (enum cpu_mode)i;
                        return 0;
                }
        return refuse(ret_reason, "unknown CPU mode '%s'", mode);
}

static int add_other_feature(struct guest *guest, const char *name) {
        int r;

        r = array_grow(&guest->other_features, guest->n_other_features, sizeof(char *));
        if (r >= 0)
                r = strdup_to(&guest->other_features[guest->n_other_features], name);
        if (r >= 0)
                guest->n_other_features++;
        return r;
}

int guest_copy(const struct guest *guest, struct guest *ret) {
        AUTO_GUEST struct guest copy = *guest;
        int r;

        copy.name = copy.uuid = copy.os_id = copy.type = copy.cpu_model = NULL;
        copy.vendor_id = copy.args_model = NULL;
        copy.other_features = NULL;
        copy.n_other_features = 0;
        r = strdup_to(&copy.name, guest->name);
        if (r >= 0)
                r = strdup_to(&copy.uuid, guest->uuid);
        if (r >= 0)
                r = strdup_to(&copy.os_id, guest->os_id);
        if (r >= 0)
                r = strdup_to(&copy.type, guest->type);
        if (r >= 0)
                r = strdup_to(&copy.cpu_model, guest->cpu_model);
        if (r >= 0)
                r = strdup_to(&copy.vendor_id, guest->vendor_id);
        if (r >= 0)
                r = strdup_to(&copy.args_model, guest->args_model);
        for (size_t i = 0; r >= 0 && i < guest->n_other_features; i++)
                r = add_other_feature(&copy, guest->other_features[i]);
        if (r < 0)
                return r;

        *ret = copy;
        copy = (struct guest){};
        return 0;
}

static int read_feature(struct guest *guest, const struct xml_element *feature, char **ret_reason) {
        const char *name = xml_attribute(feature, "name"), *text = xml_attribute(feature, "policy");
        enum feature_policy policy = FEATURE_UNSET, *known = NULL;

        if (!name)
                return refuse(ret_reason, "a CPU <feature> has no name");
        if (text && (feature_policy_from_string(text, &policy) < 0 || policy < FEATURE_FORCE))
                return refuse(ret_reason, "unknown CPU feature policy '%s'", text);

        if (streq(name, "xsaves"))
                known = &guest->xsaves;
        else if (streq(name, "xsavec"))
                known = &guest->xsavec;
        if (known) {
                if (*known != FEATURE_ABSENT)
                        return refuse(ret_reason, "CPU feature '%s' is named twice", name);
                *known = policy;
        }
        if (feature_policy_is_on(policy) && known != &guest->xsaves)
                return add_other_feature(guest, name);
        return 0;
}

static int read_cpu(struct guest *guest, const struct xml_element *domain, char **ret_reason) {
        const struct xml_element *cpu = NULL;
        int r;

        r = only_child(domain, NULL, "cpu", &cpu, ret_reason);
        if (r != 0 || !cpu)
                return r;
        r = read_cpu_mode(guest, cpu, ret_reason);
        if (r != 0)
                return r;
        XML_FOREACH_CHILD (feature, cpu) {
                if (!xml_is(feature, NULL, "feature"))
                        continue;
                r = read_feature(guest, feature, ret_reason);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* Its own name of the CPU that libvirt gives it, as QEMU has it; NULL: libvirt is yet to choose. */
static const char *libvirt_model(const struct guest *guest) {
        switch (guest->cpu_mode) {
        case CPU_MODE_HOST_PASSTHROUGH:
                return "host";
        case CPU_MODE_MAXIMUM:
                return "max";
        case CPU_MODE_CUSTOM:
                return guest->cpu_at_least ? NULL : guest->cpu_model;
        case CPU_MODE_NONE:
                return guest->arch == GUEST_ARCH_I686 ? "qemu32" : "qemu64";
        case CPU_MODE_HOST_MODEL:
                break;
        }
        return NULL;
}

static const char *qemu_model(const struct guest *guest) {
        return guest->args_model ? guest->args_model : libvirt_model(guest);
}

/* QEMU's type of all its CPUs; NULL: its program does not say, or is not libvirt's choice yet. */
static const char *cpu_type(const struct guest *guest, const struct xml_element *domain) {
        const struct xml_element *element =
                xml_child(xml_child(domain, NULL, "devices"), NULL, "emulator");
        AUTO_FREE char *path = NULL;
        const char *name;

        if (!element)
                return guest->arch == GUEST_ARCH_X86_64 ? "x86_64-cpu" : NULL;
        if (xml_text(element, &path) < 0)
                return NULL;
        name = strrchr(path, '/');
        name = name ? name + 1 : path;
        if (streq(name, "qemu-system-x86_64") || streq(name, "kvm"))
                return "x86_64-cpu";
        return streq(name, "qemu-system-i386") ? "i386-cpu" : NULL;
}

static int list_args(const struct xml_element *commandline, const char ***ret, size_t *ret_n,
                     char **ret_reason) {
        AUTO_FREE const char **argv = calloc(QEMU_ARGS_MAX, sizeof(char *));
        size_t n = 0;

        if (!argv)
                return -ENOMEM;
        XML_FOREACH_CHILD (arg, commandline) {
                if (!xml_is(arg, QEMU_NAMESPACE, "arg"))
                        continue;
                /* libvirt's schema has nothing else there, and its parser ignores it. */
                if (!xml_has_only_attribute(arg, "value"))
                        return refuse(ret_reason, "<qemu:arg> has something else than a %s",
                                      "value");
                if (n == QEMU_ARGS_MAX)
                        return refuse(ret_reason, "more than %d arguments in <qemu:commandline>",
                                      QEMU_ARGS_MAX);
                argv[n++] = xml_attribute(arg, "value");
        }
        *ret = STEAL(argv);
        *ret_n = n;
        return 0;
}

static int read_commandline(struct guest *guest, const struct xml_element *domain,
                            char **ret_reason) {
        CLEANUP(qemu_args_clear) struct qemu_args args = {};
        const struct xml_element *commandline = NULL;
        const char *type = cpu_type(guest, domain);
        AUTO_FREE const char **argv = NULL;
        size_t n = 0;
        int r;

        r = only_child(domain, QEMU_NAMESPACE, "commandline", &commandline, ret_reason);
        if (r != 0 || !commandline)
                return r;
        /* Neither has libvirt's schema, nor could it be put back to where an argument stood in it. */
        if (xml_has_own_text(commandline))
                return refuse(ret_reason, "text in <%s>", "qemu:commandline");
        if (xml_has_more_nodes(commandline, QEMU_NODES_MAX))
                return refuse(ret_reason, "too much in <%s>", "qemu:commandline");
        r = list_args(commandline, &argv, &n, ret_reason);
        if (r == 0)
                r = qemu_args_read(&args, argv, n);
        if (r != 0)
                return r;

        guest->force_pair = args.force_pair;
        guest->custom_cpu_args |= args.sets_cpu;
        guest->unreadable_args |= args.unreadable;
        guest->latest_models |= args.latest_models;
        guest->args_model = STEAL(args.model);
        memcpy(guest->args_cpu, args.cpu, sizeof(guest->args_cpu));
        for (enum cpu_property p = 0; p < N_CPU_PROPERTIES; p++)
                guest->args_global[p] = qemu_args_global(&args, p, qemu_model(guest), type);
        return 0;
}

/*
 * <qemu:override> replaces properties of a device on QEMU's command line, also the one that is its type: any device
 * can be made a CPU. libvirt has vCPUs as devices of its own too, named vcpu0 and so on.
 */
static bool override_reaches_cpu(const char *alias, const struct xml_element *property) {
        static const char name_characters[] = "abcdefghijklmnopqrstuvwxyz"
                                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
        const char *name = xml_attribute(property, "name"),
                   *value = xml_attribute(property, "value");

        if (!alias || strncmp(alias, "vcpu", 4) == 0)
                return true;
        /* libvirt escapes neither a name nor the driver where it writes the device as KEY=VALUE,…, which
         * <qemu:capabilities> can have it do (qemuBuildDeviceCommandlineFromJSON()). */
        if (!name || name[strspn(name, name_characters)] != '\0')
                return true;
        return streq(name, "driver") && value &&
               (value[strspn(value, name_characters)] != '\0' || qemu_type_is_cpu(value));
}

static void read_override(struct guest *guest, const struct xml_element *device) {
        const char *alias = xml_attribute(device, "alias");

        XML_FOREACH_CHILD (frontend, device)
                XML_FOREACH_CHILD (property, frontend)
                        if (override_reaches_cpu(alias, property))
                                guest->custom_cpu_args = guest->unreadable_args = true;
}

static void read_overrides(struct guest *guest, const struct xml_element *domain) {
        XML_FOREACH_CHILD (override, domain)
                if (xml_is(override, QEMU_NAMESPACE, "override"))
                        XML_FOREACH_CHILD (device, override)
                                read_override(guest, device);
}

static void read_machine(struct guest *guest, const struct xml_element *domain) {
        const struct xml_element *type = xml_child(xml_child(domain, NULL, "os"), NULL, "type");
        const char *machine = type ? xml_attribute(type, "machine") : NULL;

        guest->latest_models = machine && qemu_machine_has_latest_models(machine);
}

int guest_read(struct guest *guest, const struct xml_element *domain, char **ret_reason) {
        int r;

        r = read_identity(guest, domain, ret_reason);
        if (r == 0)
                r = read_cpu(guest, domain, ret_reason);
        if (r != 0)
                return r;
        read_machine(guest, domain);
        read_overrides(guest, domain);
        return read_commandline(guest, domain, ret_reason);
}

int guest_parse(struct guest *guest, const char *xml, size_t length, char **ret_reason) {
        AUTO_XML struct xml_document *document = NULL;
        int r;

        r = xml_parse(xml, length, &document, ret_reason);
        return r != 0 ? r : guest_read(guest, xml_root(document), ret_reason);
}

bool guest_has_cpu(const struct guest *guest) {
        return guest->cpu_mode != CPU_MODE_NONE;
}

bool guest_has_cpu_of_host(const struct guest *guest) {
        return guest->cpu_mode == CPU_MODE_HOST_PASSTHROUGH || guest->cpu_mode == CPU_MODE_MAXIMUM;
}

const char *guest_name(const struct guest *guest) {
        return guest->name ? guest->name : "";
}

/* --- what the guest would see --- */

static enum feature_policy policy_of(const struct guest *guest, enum cpu_property property) {
        return property == CPU_XSAVES ? guest->xsaves : guest->xsavec;
}

/* libvirt writes out what the CPU of the host has, each feature by itself. */
static bool is_chosen_by_libvirt(const struct guest *guest) {
        return !guest->args_model &&
               (guest->cpu_mode == CPU_MODE_HOST_MODEL || guest->cpu_at_least);
}

/* With a model, libvirt makes on or off of it by what the hypervisor offers (virCPUx86Update()); else it does nothing. */
static bool is_optional(const struct guest *guest, enum cpu_property property) {
        return policy_of(guest, property) == FEATURE_OPTIONAL &&
               (guest->cpu_mode == CPU_MODE_CUSTOM || guest->cpu_mode == CPU_MODE_HOST_MODEL);
}

/* libvirt's features stand behind -cpu, where they win over -global; an owner's -cpu replaces libvirt's. */
static enum setting setting_of(const struct guest *guest, enum cpu_property property,
                               bool hypervisor_offers) {
        enum feature_policy policy = policy_of(guest, property);
        enum setting setting = SETTING_NONE, global = guest->args_global[property];

        if (guest->args_model)
                setting = guest->args_cpu[property];
        else if (feature_policy_is_on(policy))
                setting = SETTING_ON;
        else if (feature_policy_is_off(policy))
                setting = SETTING_OFF;
        else if (is_optional(guest, property))
                setting = hypervisor_offers ? SETTING_ON : SETTING_OFF;
        if (setting != SETTING_NONE)
                return setting;
        return global == SETTING_OFF && is_chosen_by_libvirt(guest) ? SETTING_NONE : global;
}

static bool forces_features(const struct guest *guest) {
        enum setting setting = guest->args_cpu[CPU_FORCE_FEATURES];

        if (setting == SETTING_NONE)
                setting = guest->args_global[CPU_FORCE_FEATURES];
        return setting == SETTING_ON;
}

bool guest_turns_xsaves_on(const struct guest *guest) {
        return setting_of(guest, CPU_XSAVES, false) == SETTING_ON;
}

bool guest_insists_on_xsaves(const struct guest *guest) {
        return guest->unreadable_args || forces_features(guest) || guest_turns_xsaves_on(guest);
}

bool guest_asks_for_xsaves(const struct guest *guest) {
        return guest_insists_on_xsaves(guest) || guest->xsaves == FEATURE_OPTIONAL;
}

bool guest_args_decide(const struct guest *guest, enum cpu_property property) {
        return guest->unreadable_args || guest->args_model ||
               guest->args_global[property] != SETTING_NONE;
}

/* These two have what the hypervisor offers, and nothing else is ever forced by them alone. */
static bool is_model_of_host(const char *model) {
        return streq_null(model, "host") || streq_null(model, "max");
}

bool guest_would_see(const struct guest *guest, enum cpu_property property,
                     const struct cpu_map *map, bool hypervisor_offers) {
        const char *model = qemu_model(guest);
        enum setting setting = setting_of(guest, property, hypervisor_offers);

        if (guest->unreadable_args)
                return true;
        if (setting == SETTING_OFF)
                return false;
        if (setting == SETTING_NONE && is_model_of_host(model))
                return hypervisor_offers;
        if (setting == SETTING_NONE && model &&
            cpu_model_has(map, model, property, guest->latest_models) == TRISTATE_NO)
                return false;
        return hypervisor_offers || forces_features(guest);
}
