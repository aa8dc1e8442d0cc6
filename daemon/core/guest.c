/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/guest.h"

#include <errno.h>
#include <string.h>

#include "core/qemu_args.h"
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

void guest_clear(struct guest *guest) {
        free(guest->name);
        free(guest->uuid);
        free(guest->os_id);
        free(guest->type);
        free(guest->cpu_model);
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
                if (r < 0)
                        return r;
        }

        if (!mode || streq(mode, cpu_modes[CPU_MODE_CUSTOM])) {
                /* Without a model, "custom" is the default CPU, and libvirt refuses features of it
                 * (virCPUDefParseXML()). */
                if (model_name && *model_name) {
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

static int read_commandline(struct guest *guest, const struct xml_element *domain,
                            char **ret_reason) {
        const struct xml_element *commandline = NULL;
        const char *previous = NULL;
        struct qemu_args args = {};
        unsigned n_args = 0;
        int r;

        r = only_child(domain, QEMU_NAMESPACE, "commandline", &commandline, ret_reason);
        if (r != 0 || !commandline)
                return r;
        /* Neither has libvirt's schema, nor could it be put back to where an argument stood in it. */
        if (xml_has_own_text(commandline))
                return refuse(ret_reason, "text in <%s>", "qemu:commandline");
        if (xml_has_more_nodes(commandline, QEMU_NODES_MAX))
                return refuse(ret_reason, "too much in <%s>", "qemu:commandline");
        XML_FOREACH_CHILD (arg, commandline) {
                const char *value = xml_attribute(arg, "value");

                if (!xml_is(arg, QEMU_NAMESPACE, "arg"))
                        continue;
                /* libvirt's schema has nothing else there, and its parser ignores it. */
                if (!xml_has_only_attribute(arg, "value"))
                        return refuse(ret_reason, "<qemu:arg> has something else than a %s",
                                      "value");
                if (++n_args > QEMU_ARGS_MAX)
                        return refuse(ret_reason, "more than %d arguments in <qemu:commandline>",
                                      QEMU_ARGS_MAX);
                r = qemu_args_add(&args, previous, value);
                if (r < 0)
                        return r;
                previous = value;
        }

        guest->force_pair = args.force_pair;
        guest->custom_cpu_args = args.sets_cpu;
        guest->custom_args_xsaves = args.names_xsaves;
        return 0;
}

int guest_read(struct guest *guest, const struct xml_element *domain, char **ret_reason) {
        int r;

        r = read_identity(guest, domain, ret_reason);
        if (r == 0)
                r = read_cpu(guest, domain, ret_reason);
        if (r == 0)
                r = read_commandline(guest, domain, ret_reason);
        return r;
}

bool guest_insists_on_xsaves(const struct guest *guest) {
        return feature_policy_is_on(guest->xsaves) || guest->force_pair ||
               guest->custom_args_xsaves;
}

bool guest_asks_for_xsaves(const struct guest *guest) {
        return guest_insists_on_xsaves(guest) || guest->xsaves == FEATURE_OPTIONAL;
}

bool guest_has_cpu(const struct guest *guest) {
        return guest->cpu_mode != CPU_MODE_NONE;
}

bool guest_would_see_xsaves(const struct guest *guest, bool hypervisor_offers) {
        if (guest_insists_on_xsaves(guest))
                return true;
        if (!hypervisor_offers)
                return false;
        return guest->custom_cpu_args ||
               (guest_has_cpu(guest) && guest->xsaves != FEATURE_DISABLE &&
                guest->xsaves != FEATURE_FORBID);
}
