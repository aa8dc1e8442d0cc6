/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/qemu_args.h"

#include <errno.h>
#include <string.h>

/*
 * The options of QEMU 6.2 to 10.0 that take a value, and those that take none (qemu-options.hx). The rest of the
 * command line can be told only where it is known which is which.
 */
static const char *const options_with_value[] = {
        "D",
        "L",
        "M",
        "accel",
        "acpitable",
        "action",
        "add-fd",
        "append",
        "audio",
        "audiodev",
        "balloon",
        "bios",
        "blockdev",
        "boot",
        "bt",
        "cdrom",
        "chardev",
        "chroot",
        "compat",
        "cpu",
        "d",
        "debugcon",
        "device",
        "dfilter",
        "display",
        "drive",
        "dtb",
        "dump-vmstate",
        "echr",
        "fda",
        "fdb",
        "fsdev",
        "fw_cfg",
        "g",
        "gdb",
        "global",
        "hda",
        "hdb",
        "hdc",
        "hdd",
        "icount",
        "incoming",
        "initrd",
        "iscsi",
        "k",
        "kernel",
        "loadvm",
        "m",
        "machine",
        "mem-path",
        "mon",
        "monitor",
        "msg",
        "mtdblock",
        "name",
        "net",
        "netdev",
        "nic",
        "numa",
        "object",
        "option-rom",
        "overcommit",
        "parallel",
        "pflash",
        "pidfile",
        "plugin",
        "prom-env",
        "qmp",
        "qmp-pretty",
        "qtest",
        "qtest-log",
        "readconfig",
        "rotate",
        "rtc",
        "run-with",
        "runas",
        "sandbox",
        "sd",
        "seed",
        "semihosting-config",
        "serial",
        "set",
        "shim",
        "smbios",
        "smp",
        "soundhw",
        "spice",
        "tb-size",
        "tpmdev",
        "trace",
        "usbdevice",
        "uuid",
        "vga",
        "virtfs",
        "vnc",
        "watchdog",
        "watchdog-action",
        "writeconfig",
        "xen-domid",
};

static const char *const options_without_value[] = {
        "S",
        "alt-grab",
        "async-teardown",
        "audio-help",
        "ctrl-grab",
        "curses",
        "daemonize",
        "enable-fips",
        "enable-kvm",
        "enable-sync-profile",
        "full-screen",
        "h",
        "help",
        "jitdump",
        "mem-prealloc",
        "no-acpi",
        "no-fd-bootchk",
        "no-hpet",
        "no-quit",
        "no-reboot",
        "no-shutdown",
        "no-user-config",
        "nodefaults",
        "nographic",
        "old-param",
        "one-insn-per-tb",
        "only-migratable",
        "perfmap",
        "portrait",
        "preconfig",
        "s",
        "sdl",
        "semihosting",
        "show-cursor",
        "singlestep",
        "snapshot",
        "usb",
        "version",
        "win2k-hack",
        "xen-attach",
        "xen-domid-restrict",
};

/* QEMU takes an option with one dash or with two (lookup_opt() in its vl.c). NULL: this is none. */
static const char *option_name(const char *argument) {
        if (argument[0] != '-')
                return NULL;
        return argument + (argument[1] == '-' ? 2 : 1);
}

static bool has_no_value(const char *option) {
        return is_among(option, options_without_value, ELEMENTS_OF(options_without_value));
}

static bool is_known(const char *option) {
        return has_no_value(option) ||
               is_among(option, options_with_value, ELEMENTS_OF(options_with_value));
}

size_t qemu_option_length(const char *argument) {
        const char *option = option_name(argument);

        return option && !has_no_value(option) ? 2 : 1;
}

void qemu_args_clear(struct qemu_args *args) {
        free(args->model);
        for (size_t i = 0; i < args->n_globals; i++)
                free(args->globals[i].type);
        free(args->globals);
        *args = (struct qemu_args){};
}

/* --- CPUs and their properties --- */

bool qemu_type_is_cpu(const char *type) {
        static const char suffix[] = "-cpu";
        size_t length = strlen(type), end = strlen(suffix);

        return length >= end && streq(type + length - end, suffix);
}

/* QEMU applies a global property to every subclass of the type that it names (qom/object.c,
 * object_apply_global_props()), so a CPU is reached by its own type and by each of these. */
static bool is_parent_of_all_cpus(const char *type) {
        static const char *const parents[] = {"cpu", "device", "object"};

        return is_among(type, parents, ELEMENTS_OF(parents));
}

/* QEMU takes `_` for `-` in the features of -cpu (target/i386/cpu.c, feat2prop()). */
static bool find_property(const char *name, size_t length, enum cpu_property *ret) {
        static const char *const names[] = {
                [CPU_XSAVES] = "xsaves",
                [CPU_XSAVEC] = "xsavec",
                [CPU_FORCE_FEATURES] = "x-force-features",
        };

        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                size_t n = 0;

                while (n < length &&
                       (name[n] == names[i][n] || (name[n] == '_' && names[i][n] == '-')))
                        n++;
                if (n == length && names[i][n] == '\0') {
                        *ret = (enum cpu_property)i;
                        return true;
                }
        }
        return false;
}

/* QEMU ends with an error for what is neither of these nor their opposites (qapi_bool_parse()). */
static enum setting setting_of(const char *value) {
        static const char *const off[] = {"off", "no", "false", "n"};

        return is_among(value, off, ELEMENTS_OF(off)) ? SETTING_OFF : SETTING_ON;
}

/* --- the options that reach a CPU --- */

/*
 * x86_cpu_parse_featurestr() of target/i386/cpu.c takes NAME=VALUE in their order, and a NAME alone as on;
 * x86_cpu_expand_features() comes later with what has a plus, and then with what has a minus.
 */
static void read_cpu_features(char *features, enum setting cpu[N_CPU_PROPERTIES]) {
        enum setting plus[N_CPU_PROPERTIES] = {}, minus[N_CPU_PROPERTIES] = {};
        char *next;

        for (char *feature = strtok_r(features, ",", &next); feature;
             feature = strtok_r(NULL, ",", &next)) {
                bool is_signed = feature[0] == '+' || feature[0] == '-';
                char *name = feature + is_signed, *equals = is_signed ? NULL : strchr(name, '=');
                size_t length = equals ? (size_t)(equals - name) : strlen(name);
                enum cpu_property property;

                if (!find_property(name, length, &property))
                        continue;
                if (is_signed)
                        (feature[0] == '+' ? plus : minus)[property] = SETTING_ON;
                else
                        cpu[property] = setting_of(equals ? equals + 1 : "on");
        }
        for (size_t i = 0; i < N_CPU_PROPERTIES; i++)
                if (minus[i])
                        cpu[i] = SETTING_OFF;
                else if (plus[i])
                        cpu[i] = SETTING_ON;
}

/* The last one counts, whole: QEMU keeps the text alone until it has read all of them. */
static int read_cpu(struct qemu_args *args, const char *value) {
        size_t length = strcspn(value, ",");
        AUTO_FREE char *copy = strdup(value), *model = strndup(value, length);

        if (!copy || !model)
                return -ENOMEM;
        args->sets_cpu = true;
        free(args->model);
        args->model = STEAL(model);
        memset(args->cpu, 0, sizeof(args->cpu));
        read_cpu_features(copy + length, args->cpu);
        return 0;
}

static int add_global(struct qemu_args *args, const char *type, const char *property,
                      const char *value) {
        struct cpu_global global = {.setting = setting_of(value)};
        int r;

        if (!find_property(property, strlen(property), &global.property))
                return 0;
        r = array_grow(&args->globals, args->n_globals, sizeof(global));
        if (r >= 0)
                r = strdup_to(&global.type, type);
        if (r < 0)
                return r;
        args->globals[args->n_globals++] = global;
        return 0;
}

static int read_cpu_global(struct qemu_args *args, const char *type, const char *property,
                           const char *value) {
        if (!qemu_type_is_cpu(type) && !is_parent_of_all_cpus(type))
                return 0;
        args->sets_cpu = true;
        return add_global(args, type, property, value);
}

/* KEY=VALUE,… where the last of a key counts (QemuOpts). NULL: there is none. */
struct keys {
        const char *driver, *property, *value;
};

/* Ends the value at the comma behind it, where two are one of its own (get_opt_value() of QEMU's util/qemu-option.c).
 * Returns where the next word begins. */
static char *end_value(char *value) {
        char *to = value;

        for (; *value && (value[0] != ',' || value[1] == ','); value++) {
                value += *value == ',';
                *to++ = *value;
        }
        value += *value == ',';
        *to = '\0';
        return value;
}

static void set_key(struct keys *keys, const char *name, const char *value) {
        if (streq(name, "driver"))
                keys->driver = value;
        else if (streq(name, "property"))
                keys->property = value;
        else if (streq(name, "value"))
                keys->value = value;
}

/* A word that is no KEY=VALUE is a key that is on, or off where it begins with "no" (get_opt_name_value()); `first` is
 * the key of such a word where it comes first, or NULL. Cuts the text up. */
static struct keys read_keys(char *text, const char *first) {
        struct keys keys = {};

        for (; *text; first = NULL) {
                char *word = text, *end = text + strcspn(text, "=,");

                if (*end == '=') {
                        *end = '\0';
                        text = end_value(end + 1);
                        set_key(&keys, word, end + 1);
                } else if (first) {
                        text = end_value(word);
                        set_key(&keys, first, word);
                } else {
                        bool off = strncmp(word, "no", 2) == 0;

                        text = end + (*end == ',');
                        *end = '\0';
                        set_key(&keys, word + (off ? 2 : 0), off ? "off" : "on");
                }
        }
        return keys;
}

static void set_unreadable(struct qemu_args *args) {
        args->sets_cpu = args->unreadable = true;
}

/* `TYPE.PROPERTY=VALUE`, or keys (qemu_global_option()). */
static int read_global(struct qemu_args *args, const char *value) {
        size_t dot = strcspn(value, ".=");
        AUTO_FREE char *text = strdup(value);
        struct keys keys;
        char *equals;

        if (!text)
                return -ENOMEM;
        if (text[dot] == '.') {
                equals = strchr(text, '=');
                if (!equals)
                        return 0; /* not taken by QEMU */
                text[dot] = *equals = '\0';
                return read_cpu_global(args, text, text + dot + 1, equals + 1);
        }

        keys = read_keys(text, NULL);
        if (!keys.driver || !keys.property || !keys.value)
                return 0; /* not taken by QEMU */
        return read_cpu_global(args, keys.driver, keys.property, keys.value);
}

/* A CPU can be added as a device. In JSON any name can be written as `\u002d`, and QEMU takes either quote
 * (qobject/json-lexer.c). */
static int read_device(struct qemu_args *args, const char *value) {
        AUTO_FREE char *text = strdup(value);
        struct keys keys;

        if (!text)
                return -ENOMEM;
        if (text[0] == '{') {
                if (strstr(text, "\\u") || strstr(text, "-cpu\"") || strstr(text, "-cpu'"))
                        set_unreadable(args);
                return 0;
        }
        keys = read_keys(text, "driver");
        if (keys.driver && qemu_type_is_cpu(keys.driver))
                set_unreadable(args);
        return 0;
}

/* `GROUP.ID.KEY=VALUE` changes what another option has given: another type of a device, say. */
static int read_set(struct qemu_args *args, const char *value) {
        if (strncmp(value, "global.", 7) == 0 || qemu_type_is_cpu(value))
                set_unreadable(args);
        return 0;
}

/* A file of options, or of a program that QEMU loads. */
static int read_opaque_file(struct qemu_args *args, const char *value UNUSED) {
        set_unreadable(args);
        return 0;
}

/* microvm, and nitro-enclave, which is one (QEMU's hw/i386/microvm.c); all others have the first. */
bool qemu_machine_has_latest_models(const char *machine) {
        return strstr(machine, "microvm") || strstr(machine, "nitro-enclave");
}

static int read_machine(struct qemu_args *args, const char *value) {
        args->latest_models |= qemu_machine_has_latest_models(value);
        return 0;
}

static const struct {
        const char *name;
        int (*read)(struct qemu_args *args, const char *value);
} cpu_options[] = {
        {"cpu", read_cpu},   {"global", read_global},          {"device", read_device},
        {"set", read_set},   {"readconfig", read_opaque_file}, {"machine", read_machine},
        {"M", read_machine}, {"plugin", read_opaque_file},
};

static int read_pair(struct qemu_args *args) {
        args->force_pair = true;
        return add_global(args, "x86_64-cpu", "x-force-features", "on");
}

static int read_option(struct qemu_args *args, const char *option, const char *value) {
        for (size_t i = 0; i < ELEMENTS_OF(cpu_options); i++)
                if (streq(option, cpu_options[i].name))
                        return cpu_options[i].read(args, value);
        /* Nobody knows whether an option that came later has a value: what follows may be it, or the next option. */
        if (!is_known(option) && value[0] == '-')
                set_unreadable(args);
        return 0;
}

int qemu_args_read(struct qemu_args *args, const char *const *argv, size_t n) {
        for (size_t i = 0; i < n; i += qemu_option_length(argv[i])) {
                const char *option = option_name(argv[i]);
                int r;

                if (!option || qemu_option_length(argv[i]) == 1)
                        continue;
                /* It would take the first argument that libvirt puts behind these. */
                if (i + 1 == n) {
                        set_unreadable(args);
                        break;
                }
                r = streq(argv[i], FORCE_OPTION) && streq(argv[i + 1], FORCE_VALUE)
                            ? read_pair(args)
                            : read_option(args, option, argv[i + 1]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* qemu-system-x86_64 has the one, qemu-system-i386 the other. */
static bool is_base_type(const char *type) {
        return streq(type, "x86_64-cpu") || streq(type, "i386-cpu");
}

/* Is it MODEL-BASE, or the type that this inherits from? host is a kind of max. */
static bool is_type_of_model(const char *type, const char *model, const char *base) {
        size_t length = strlen(model);

        if (streq(model, "host") && strncmp(type, "max-", 4) == 0)
                return streq(type + 4, base);
        return strncmp(type, model, length) == 0 && type[length] == '-' &&
               streq(type + length + 1, base);
}

static bool global_reaches(const struct cpu_global *global, const char *model, const char *base) {
        if (is_parent_of_all_cpus(global->type))
                return true;
        if (base && is_base_type(global->type))
                return streq(global->type, base);
        if (model && base)
                return is_type_of_model(global->type, model, base);
        return global->setting == SETTING_ON;
}

enum setting qemu_args_global(const struct qemu_args *args, enum cpu_property property,
                              const char *model, const char *type) {
        enum setting setting = SETTING_NONE;

        for (size_t i = 0; i < args->n_globals; i++)
                if (args->globals[i].property == property &&
                    global_reaches(&args->globals[i], model, type))
                        setting = args->globals[i].setting;
        return setting;
}
