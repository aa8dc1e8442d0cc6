/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "kernel_facts.h"
#include "kvm_cpuid.h"
#include "read_file.h"

#if defined(__x86_64__) || defined(__i386__)

/*
 * The leaves that host_facts_set_cpu() reads. One above the highest would give the highest's
 * data.
 */
static int probe_cpu(struct host_facts *facts) {
        struct cpuid_leaf leaves[] = {{.leaf = 0x0}, {.leaf = 0x1}, {.leaf = 0xd, .subleaf = 1}};
        size_t n_leaves = 0;

        while (n_leaves < ELEMENTS_OF(leaves)) {
                struct cpuid_leaf *leaf = &leaves[n_leaves];

                if (!__get_cpuid_count(leaf->leaf, leaf->subleaf, &leaf->eax, &leaf->ebx,
                                       &leaf->ecx, &leaf->edx))
                        break;
                n_leaves++;
        }
        return host_facts_set_cpu(facts, leaves, n_leaves);
}

#else

static int probe_cpu(struct host_facts *facts UNUSED) {
        return 0;
}

#endif

/* *ret: the name in `buffer`; NULL where no facts file can hold it, which counts as none. False: it cannot be read. */
static bool read_hostname(char buffer[HOST_NAME_MAX + 1], const char **ret) {
        buffer[HOST_NAME_MAX] = '\0';
        if (gethostname(buffer, HOST_NAME_MAX) < 0)
                return false;
        *ret = host_text_valid(buffer) ? buffer : NULL;
        return true;
}

static int probe_hostname(struct host_facts *facts) {
        char buffer[HOST_NAME_MAX + 1];
        const char *name;
        char *copy;
        int r;

        if (!read_hostname(buffer, &name))
                return 0;
        r = strdup_to(&copy, name);
        if (r < 0)
                return r;
        free(facts->hostname);
        facts->hostname = copy;
        return 0;
}

/* 32 hexadecimal digits and a newline; before the first boot it is empty or "uninitialized"
 * (machine-id(5)). */
static int probe_machine_id(const char *root, struct host_facts *facts) {
        AUTO_FREE char *path = NULL, *text = NULL;
        size_t length;
        int r;

        r = format_to(&path, "%s/etc/machine-id", root);
        if (r < 0)
                return r;
        r = read_file(path, 4096, &text, NULL);
        if (r < 0)
                return r == -ENOMEM ? r : 0;

        length = strcspn(text, "\n");
        text[length] = '\0';
        if (length != 32 || strspn(text, "0123456789abcdef") != length)
                return 0;
        free(facts->machine_id);
        facts->machine_id = STEAL(text);
        return 0;
}

/* Returns 1 if KVM has answered, 0 if it cannot be asked, or -ENOMEM. */
static int probe_hypervisor(const char *root, struct host_facts *facts) {
        AUTO_FREE struct cpuid_leaf *leaves = NULL;
        AUTO_FREE char *device = NULL;
        size_t n_leaves;
        int r;

        r = format_to(&device, "%s/dev/kvm", root);
        if (r < 0)
                return r;
        r = kvm_cpuid_read(device, &leaves, &n_leaves);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        r = host_facts_set_hypervisor(facts, leaves, n_leaves);
        return r < 0 ? r : n_leaves > 0;
}

int probe_host(const struct probe_paths *paths, struct host_facts **ret) {
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        const char *root = paths && paths->root ? paths->root : "";
        int r;

        if (!facts)
                return -ENOMEM;
        r = probe_hostname(facts);
        if (r == 0)
                r = probe_machine_id(root, facts);
        if (r == 0)
                r = probe_cpu(facts);
        if (r == 0)
                r = kernel_facts_read(root, facts);
        if (r >= 0)
                r = probe_hypervisor(root, facts);
        if (r < 0)
                return r;

        *ret = STEAL(facts);
        return 0;
}

/* --- again --- */

/*
 * Where KVM's modules are loaded again, their folders in sysfs are new ones. /dev/kvm is one too, or, where it is kept for
 * loading the module by (tmpfiles.d(5), static nodes), is touched by udev.
 */
static const char *const stamped[] = {
        "/etc/machine-id",       "/dev/kvm", "/sys/module/kvm", "/sys/module/kvm_amd",
        "/sys/module/kvm_intel",
};
_Static_assert(ELEMENTS_OF(stamped) == PROBE_STAMPS, "one each");

static void take_stamp(const char *root, struct probe_stamp *stamp) {
        char path[PATH_MAX];
        struct stat status;

        for (size_t i = 0; i < ELEMENTS_OF(stamped); i++) {
                snprintf(path, sizeof(path), "%s%s", root, stamped[i]);
                if (stat(path, &status) < 0)
                        continue;
                stamp->files[i] = (struct probe_stamp_of_file){
                        .device = status.st_dev,
                        .inode = status.st_ino,
                        .modified = status.st_mtim,
                        .changed = status.st_ctim,
                };
        }
}

static bool same_file(const struct probe_stamp_of_file *a, const struct probe_stamp_of_file *b) {
        return a->device == b->device && a->inode == b->inode &&
               a->modified.tv_sec == b->modified.tv_sec &&
               a->modified.tv_nsec == b->modified.tv_nsec &&
               a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static bool same_stamp(const struct probe_stamp *a, const struct probe_stamp *b) {
        for (size_t i = 0; i < PROBE_STAMPS; i++)
                if (!same_file(&a->files[i], &b->files[i]))
                        return false;
        return true;
}

static bool same_hostname(const struct host_facts *known) {
        char buffer[HOST_NAME_MAX + 1];
        const char *name;

        return !read_hostname(buffer, &name) || streq_null(name, known->hostname);
}

/* Those of the facts that other software may change while the machine runs, but for its names. */
static int probe_loaded(const char *root, struct host_facts *facts) {
        struct host_facts kernel = {};
        int r;

        r = probe_cpu(facts);
        if (r == 0)
                r = kernel_facts_read(root, &kernel);
        if (r < 0)
                return r;
        if (kernel.kernel_xsaves != TRISTATE_UNKNOWN)
                facts->kernel_xsaves = kernel.kernel_xsaves;
        if (kernel.microcode_known) {
                facts->microcode_known = true;
                facts->microcode = kernel.microcode;
        }
        return 0;
}

static int add_line(const char *key, const char *value, void *userdata) {
        AUTO_FREE char *line = NULL;
        char ***lines = userdata;
        int r;

        r = format_to(&line, "%s = %s", key, value);
        return r < 0 ? r : strv_append(lines, line, strlen(line));
}

/* "KEY = VALUE, ..." of what is not as before; NULL: all is. */
static int list_changes(const struct host_facts *before, const struct host_facts *after,
                        char **ret) {
        AUTO_STRV char **old = NULL, **new = NULL, **changes = NULL;
        static const char cpuid[] = "hypervisor-cpuid";
        int r;

        r = host_facts_visit(before, add_line, &old);
        if (r == 0)
                r = host_facts_visit(after, add_line, &new);
        if (r < 0)
                return r;
        STRV_FOREACH (line, new)
                if (!strv_contains(old, *line) && strv_append(&changes, *line, strlen(*line)) < 0)
                        return -ENOMEM;
        if (before->n_hypervisor_cpuid != after->n_hypervisor_cpuid ||
            (after->n_hypervisor_cpuid > 0 &&
             memcmp(before->hypervisor_cpuid, after->hypervisor_cpuid,
                    after->n_hypervisor_cpuid * sizeof(*after->hypervisor_cpuid)) != 0))
                r = strv_append(&changes, cpuid, strlen(cpuid));
        if (r < 0 || !changes)
                return r;
        return strv_join(ret, changes, ", ");
}

int probe_host_again(const struct probe_paths *paths, bool all, struct probe_stamp *stamp,
                     const struct host_facts *known, struct host_facts **ret, char **ret_changes) {
        AUTO_HOST_FACTS struct host_facts *facts = NULL;
        const char *root = paths && paths->root ? paths->root : "";
        AUTO_FREE char *changes = NULL;
        struct probe_stamp now = {};
        int r;

        take_stamp(root, &now);
        if (!all && stamp->kvm_answered && same_stamp(stamp, &now) && same_hostname(known))
                return 0;

        r = host_facts_copy(known, &facts);
        if (r == 0)
                r = probe_hostname(facts);
        if (r == 0)
                r = probe_machine_id(root, facts);
        if (r == 0 && all)
                r = probe_loaded(root, facts);
        if (r == 0)
                r = probe_hypervisor(root, facts);
        if (r < 0)
                return r;
        now.kvm_answered = r > 0;
        r = list_changes(known, facts, &changes);
        if (r < 0)
                return r;
        *stamp = now;
        if (!changes)
                return 0;
        *ret = STEAL(facts);
        *ret_changes = STEAL(changes);
        return 1;
}
