/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <dirent.h>
#include <string.h>

static const char *folder;

void data_init(int argc, char **argv) {
        if (argc < 2) {
                fprintf(stderr, "usage: %s TESTS-DATA-FOLDER\n", argv[0]);
                exit(2);
        }
        folder = argv[1];
}

static void must(bool condition, const char *what) {
        if (condition)
                return;
        fprintf(stderr, "test data: %s: %m\n", what);
        exit(99);
}

char *data_path(const char *relative) {
        char *path = NULL;

        must(format_to(&path, "%s/%s", folder, relative) == 0, relative);
        return path;
}

char *data_read(const char *relative, size_t *ret_length) {
        AUTO_FREE char *path = data_path(relative);
        AUTO_FCLOSE FILE *file = fopen(path, "re");
        char *text = NULL;
        size_t length = 0;
        FILE *memory = open_memstream(&text, &length);
        char block[4096];
        size_t n;

        must(file && memory, path);
        while ((n = fread(block, 1, sizeof(block), file)) > 0)
                must(fwrite(block, 1, n, memory) == n, path);
        /* The text is settled when its stream is closed, and not before: closing may move it. */
        must(!ferror(file) && fclose(memory) == 0, path);
        if (ret_length)
                *ret_length = length;
        return text;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

char **data_list(const char *relative, const char *suffix) {
        AUTO_FREE char *path = data_path(relative);
        DIR *directory = opendir(path);
        char **names = NULL;
        struct dirent *entry;

        must(directory != NULL, path);
        while ((entry = readdir(directory))) {
                size_t length = strlen(entry->d_name), end = strlen(suffix);

                if (length > end && streq(entry->d_name + length - end, suffix))
                        must(strv_append(&names, entry->d_name, length) == 0, path);
        }
        closedir(directory);
        must(names != NULL, path);
        qsort(names, strv_length(names), sizeof(char *), compare);
        return names;
}
