/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Runs files, and all files of folders, through a fuzz target: without a fuzzer, in any build. */

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

static int replay_file(const char *path) {
        AUTO_FREE char *text = NULL;
        size_t length = 0;
        FILE *file = fopen(path, "re"), *memory = open_memstream(&text, &length);
        char block[4096];
        size_t n;

        if (!file || !memory) {
                fprintf(stderr, "%s: %m\n", path);
                return 1;
        }
        while ((n = fread(block, 1, sizeof(block), file)) > 0)
                fwrite(block, 1, n, memory);
        fclose(file);
        fclose(memory);
        LLVMFuzzerTestOneInput((const uint8_t *)text, length);
        return 0;
}

static int replay_folder(const char *path, DIR *folder, unsigned *n) {
        struct dirent *entry;

        while ((entry = readdir(folder))) {
                AUTO_FREE char *name = NULL;

                if (entry->d_name[0] == '.')
                        continue;
                if (format_to(&name, "%s/%s", path, entry->d_name) < 0 || replay_file(name) != 0)
                        return 1;
                ++*n;
        }
        return 0;
}

int main(int argc, char **argv) {
        unsigned n = 0;
        int failed = 0;

        for (int i = 1; i < argc && !failed; i++) {
                DIR *folder = opendir(argv[i]);

                if (folder) {
                        failed = replay_folder(argv[i], folder, &n);
                        closedir(folder);
                } else if (errno == ENOTDIR) {
                        failed = replay_file(argv[i]);
                        n++;
                } /* no such folder: nothing was ever found for this target */
        }
        printf("%u inputs\n", n);
        return failed;
}
