/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cpu_map_load.h"

#include <errno.h>
#include <string.h>

#include "core/xml.h"
#include "read_file.h"

/* Far more than any map has, and an end for an index that includes itself at length. */
#define FILES_MAX 1024u

struct loader {
        const char *folder;
        struct cpu_map *map;
        unsigned n_files;
        char *reason; /* the first */
};

static int note(struct loader *loader, const char *name, const char *what) {
        if (loader->reason)
                return 0;
        return format_to(&loader->reason, "%s/%s: %s", loader->folder, name, what);
}

/* Returns 0 with *ret unset where the file could not be read; that is noted. */
static int read_map_file(struct loader *loader, const char *name, char **ret, size_t *ret_length) {
        AUTO_FREE char *path = NULL;
        int r;

        r = format_to(&path, "%s/%s", loader->folder, name);
        if (r < 0)
                return r;
        r = read_file(path, XML_SIZE_MAX, ret, ret_length);
        if (r < 0 && r != -ENOMEM)
                return note(loader, name, strerror(-r));
        return r;
}

static int load_file(struct loader *loader, const char *name) {
        AUTO_FREE char *text = NULL;
        size_t length;
        int r;

        /* libvirt's own includes are names of files beside the index. */
        if (name[0] == '.' || strchr(name, '/'))
                return note(loader, "index.xml", "includes a file outside the folder");
        if (loader->n_files == FILES_MAX)
                return note(loader, "index.xml", "includes too many files");
        loader->n_files++;

        r = read_map_file(loader, name, &text, &length);
        if (r < 0 || !text)
                return r;
        r = cpu_map_add(loader->map, text, length);
        return r == -EBADMSG ? note(loader, name, "not the XML of a CPU map") : r;
}

static int load_includes(struct loader *loader, const struct xml_element *parent) {
        XML_FOREACH_CHILD (child, parent) {
                const char *name = xml_attribute(child, "filename");
                int r;

                /* An index may put its includes in groups. */
                if (xml_is(child, NULL, "include") && name)
                        r = load_file(loader, name);
                else
                        r = load_includes(loader, child);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* As libvirt's cpuMapLoad(): other architectures have features of the same names. */
static int load_index(struct loader *loader, const char *text, size_t length) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *reason = NULL;
        int r;

        r = xml_parse(text, length, &document, &reason);
        if (r != 0)
                return r < 0 ? r : note(loader, "index.xml", reason);

        XML_FOREACH_CHILD (arch, xml_root(document)) {
                const char *name = xml_attribute(arch, "name");

                if (!xml_is(arch, NULL, "arch") || !name || !streq(name, "x86"))
                        continue;
                r = load_includes(loader, arch);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int load(struct loader *loader) {
        AUTO_FREE char *text = NULL;
        size_t length;
        int r;

        r = read_map_file(loader, "index.xml", &text, &length);
        if (r < 0 || !text)
                return r;
        return load_index(loader, text, length);
}

int cpu_map_load(const char *folder, struct cpu_map **ret, char **ret_reason) {
        AUTO_CPU_MAP struct cpu_map *map = cpu_map_new();
        struct loader loader = {.folder = folder ? folder : CPU_MAP_FOLDER, .map = map};
        int r;

        if (!map)
                return -ENOMEM;
        r = load(&loader);
        if (r < 0) {
                free(loader.reason);
                return r;
        }

        *ret = STEAL(map);
        if (!loader.reason)
                return 0;
        *ret_reason = loader.reason;
        return 1;
}
