/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel_facts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "read_file.h"

/* 8192 CPUs, the most that Linux has, of less than 8 KiB each. */
#define CPUINFO_MAX (64u << 20)
/* A page, the most that an attribute of sysfs has. */
#define ATTRIBUTE_MAX 4096u

/* The lowest revision seen, and whether it is worth anything. */
struct microcode {
        bool broken; /* a CPU has one that cannot be read */
        unsigned n_cpus;
        uint32_t lowest;
};

/* "0x" and hexadecimal digits, as the kernel prints a revision, up to a newline. */
static bool parse_revision(const char *text, uint32_t *ret) {
        unsigned long long value;
        char *end;

        if (strncmp(text, "0x", 2) != 0 || !isxdigit((unsigned char)text[2]))
                return false;
        errno = 0;
        value = strtoull(text, &end, 16);
        if (*end != '\n' || errno != 0 || value > UINT32_MAX)
                return false;
        *ret = (uint32_t)value;
        return true;
}

static void add_revision(struct microcode *microcode, const char *text) {
        uint32_t revision;

        if (!parse_revision(text, &revision))
                microcode->broken = true;
        else if (microcode->n_cpus++ == 0 || revision < microcode->lowest)
                microcode->lowest = revision;
}

/* Is this line (ended by a newline or a NUL) one of that key? Then *ret is its value. */
static bool cpuinfo_line(const char *line, const char *key, const char **ret) {
        size_t length = strlen(key);

        if (strncmp(line, key, length) != 0)
                return false;
        line += length + strspn(line + length, "\t ");
        if (*line != ':')
                return false;
        *ret = line + 1 + strspn(line + 1, " ");
        return true;
}

static const char *next_line(const char *line) {
        line += strcspn(line, "\n");
        return *line ? line + 1 : line;
}

/* Of one `flags` line: a line that is cut short tells nothing of what it lacks. */
static enum tristate flags_xsaves(const char *flags) {
        static const char flag[] = "xsaves";
        const char *end = flags + strcspn(flags, "\n");

        if (!*end)
                return TRISTATE_UNKNOWN;
        while (flags < end) {
                size_t length = strcspn(flags, " \n");

                if (length == strlen(flag) && strncmp(flags, flag, length) == 0)
                        return TRISTATE_YES;
                flags += length + strspn(flags + length, " ");
        }
        return TRISTATE_NO;
}

/*
 * Has every CPU the flag? Linux itself uses, and lets KVM use, what all CPUs have
 * (identify_cpu()).
 */
static enum tristate cpuinfo_xsaves(const char *text) {
        enum tristate all = TRISTATE_UNKNOWN;
        const char *flags;

        for (; *text; text = next_line(text)) {
                if (!cpuinfo_line(text, "flags", &flags))
                        continue;
                all = flags_xsaves(flags);
                if (all != TRISTATE_YES)
                        break;
        }
        return all;
}

/*
 * show_cpuinfo() leaves the line out where the revision is 0: then there are fewer lines than
 * CPUs.
 */
static struct microcode cpuinfo_microcode(const char *text) {
        struct microcode microcode = {};
        unsigned n_processors = 0;
        const char *value;

        for (; *text; text = next_line(text)) {
                if (cpuinfo_line(text, "processor", &value))
                        n_processors++;
                else if (cpuinfo_line(text, "microcode", &value))
                        add_revision(&microcode, value);
        }
        if (microcode.n_cpus < n_processors)
                microcode.broken = true;
        return microcode;
}

/* Returns 0 with *ret unset where the attribute cannot be read. */
static int read_attribute(const char *folder, const char *name, char **ret) {
        AUTO_FREE char *path = NULL;
        int r;

        r = format_to(&path, "%s/%s", folder, name);
        if (r < 0)
                return r;
        r = read_file(path, ATTRIBUTE_MAX, ret, NULL);
        return r == -ENOMEM ? r : 0;
}

/*
 * A CPU that is offline shows no revision; when it comes up, the kernel loads it the same
 * microcode.
 */
static int add_sysfs_cpu(struct microcode *microcode, const char *folder) {
        AUTO_FREE char *online = NULL, *version = NULL;
        int r;

        r = read_attribute(folder, "online", &online);
        if (r < 0 || (online && streq(online, "0\n")))
                return r;
        r = read_attribute(folder, "microcode/version", &version);
        if (r < 0)
                return r;
        if (version)
                add_revision(microcode, version);
        else
                microcode->broken = true;
        return 0;
}

static bool is_cpu_name(const char *name) {
        return strncmp(name, "cpu", 3) == 0 && name[3] != '\0' &&
               name[3 + strspn(name + 3, "0123456789")] == '\0';
}

static int sysfs_microcode(const char *root, struct microcode *microcode) {
        AUTO_FREE char *folder = NULL;
        struct dirent *entry;
        DIR *directory;
        int r;

        r = format_to(&folder, "%s/sys/devices/system/cpu", root);
        if (r < 0)
                return r;
        directory = opendir(folder);
        while (directory && r == 0 && (entry = readdir(directory))) {
                AUTO_FREE char *cpu = NULL;

                if (!is_cpu_name(entry->d_name))
                        continue;
                r = format_to(&cpu, "%s/%s", folder, entry->d_name);
                if (r == 0)
                        r = add_sysfs_cpu(microcode, cpu);
        }
        if (directory)
                closedir(directory);
        return r;
}

static bool take_microcode(struct host_facts *facts, const struct microcode *microcode) {
        facts->microcode_known = microcode->n_cpus > 0 && !microcode->broken;
        facts->microcode = facts->microcode_known ? microcode->lowest : 0;
        return facts->microcode_known;
}

static int read_cpuinfo(const char *root, char **ret) {
        AUTO_FREE char *path = NULL;
        int r;

        r = format_to(&path, "%s/proc/cpuinfo", root);
        return r < 0 ? r : read_file(path, CPUINFO_MAX, ret, NULL);
}

int kernel_facts_read(const char *root, struct host_facts *facts) {
        AUTO_FREE char *cpuinfo = NULL;
        struct microcode microcode = {};
        int r;

        r = read_cpuinfo(root, &cpuinfo);
        if (r == -ENOMEM)
                return r;
        facts->kernel_xsaves = cpuinfo ? cpuinfo_xsaves(cpuinfo) : TRISTATE_UNKNOWN;

        r = sysfs_microcode(root, &microcode);
        if (r < 0)
                return r;
        if (!take_microcode(facts, &microcode) && cpuinfo) {
                microcode = cpuinfo_microcode(cpuinfo);
                take_microcode(facts, &microcode);
        }
        return 0;
}

/* 0: there is no such line, as on other architectures. */
static unsigned long cpuinfo_family(const char *text) {
        const char *value;

        for (; *text; text = next_line(text))
                if (cpuinfo_line(text, "cpu family", &value))
                        return strtoul(value, NULL, 10);
        return 0;
}

bool kernel_may_offer_faulty_xsaves(const char *root) {
        AUTO_FREE char *cpuinfo = NULL;
        unsigned long family;

        if (read_cpuinfo(root, &cpuinfo) < 0 || !*cpuinfo)
                return true;
        family = cpuinfo_family(cpuinfo);
        return (family == 0x17 || family == 0x18) && cpuinfo_xsaves(cpuinfo) != TRISTATE_NO;
}
