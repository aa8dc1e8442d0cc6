/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/qemu_args.h"

#include <errno.h>
#include <string.h>

/* QEMU takes an option with one dash or with two (softmmu/vl.c, lookup_opt()). */
static bool is_option(const char *argument, const char *name) {
        if (!argument || argument[0] != '-')
                return false;
        argument += argument[1] == '-' ? 2 : 1;
        return streq(argument, name);
}

/* QEMU applies a global property to every subclass of the type that it names (qom/object.c,
 * object_apply_global_props()), so a CPU is reached by its own type and by each of these. */
static bool is_cpu_type(const char *type, size_t length) {
        static const char suffix[] = "-cpu";
        static const char *const parents[] = {"cpu", "device", "object"};
        size_t end = strlen(suffix);

        for (size_t i = 0; i < ELEMENTS_OF(parents); i++)
                if (length == strlen(parents[i]) && strncmp(type, parents[i], length) == 0)
                        return true;
        return length > end && strncmp(type + length - end, suffix, end) == 0;
}

/* `-global TYPE.PROPERTY=VALUE`, or `-global driver=TYPE,property=...` (softmmu/qdev-monitor.c,
 * qemu_global_option()), where a later key replaces an earlier one: any of them counts. So does what
 * cannot be read: the safe side. */
static bool global_reaches_cpu(const char *value) {
        static const char key[] = "driver=";
        size_t length = strcspn(value, ".=");
        bool has_type = false;

        if (value[length] == '.')
                return is_cpu_type(value, length);
        while ((value = strstr(value, key))) {
                value += strlen(key);
                has_type = true;
                if (is_cpu_type(value, strcspn(value, ",")))
                        return true;
        }
        return !has_type;
}

/* QEMU takes `_` for `-` in the features of -cpu (target/i386/cpu.c, feat2prop()). */
static int names_xsaves(const char *text, bool *ret) {
        AUTO_FREE char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        for (char *c = copy; *c; c++)
                if (*c == '_')
                        *c = '-';
        *ret = strstr(copy, "xsaves") || strstr(copy, "x-force-features");
        return 0;
}

int qemu_args_add(struct qemu_args *args, const char *option, const char *argument) {
        bool names, sets, escapes;
        int r;

        if (option && streq(option, FORCE_OPTION) && streq(argument, FORCE_VALUE)) {
                args->force_pair = true;
                return 0;
        }

        r = names_xsaves(argument, &names);
        if (r < 0)
                return r;
        /* A device may be given as JSON, where any name can be written as `\u002d`. */
        escapes = is_option(option, "device") && strchr(argument, '\\');
        sets = is_option(option, "cpu") || is_option(option, "readconfig") ||
               (is_option(option, "global") && (names || global_reaches_cpu(argument))) ||
               (is_option(option, "device") && (escapes || strstr(argument, "-cpu"))) ||
               /* An option given by another one can be changed: `-set global.ID.driver=x86_64-cpu`. */
               (is_option(option, "set") && (names || strstr(argument, "-cpu")));
        args->sets_cpu |= sets;
        args->names_xsaves |= sets && (names || escapes);
        return 0;
}
