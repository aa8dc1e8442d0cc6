/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "read_file.h"

#define FILE_SIZE_MAX (16u << 20)

void policy_source_clear(struct policy_source *source) {
        strv_free(source->files);
        free(source->text);
        *source = (struct policy_source){};
}

static int is_policy_file(const struct dirent *entry) {
        static const char suffix[] = ".ini";
        size_t length = strlen(entry->d_name), end = strlen(suffix);

        return entry->d_name[0] != '.' && length > end &&
               streq(entry->d_name + length - end, suffix);
}

static int by_bytes(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* D-Bus and JSON can only name what is UTF-8. */
static int add_path(char ***files, const char *folder, const char *name,
                    struct problems *problems) {
        AUTO_FREE char *path = NULL;
        int r;

        r = format_to(&path, "%s/%s", folder, name);
        if (r < 0)
                return r;
        if (utf8_valid(name, strlen(name)))
                return strv_append(files, path, strlen(path));
        make_one_line(path);
        problems_add(problems, SEVERITY_ERROR, path, 0, "the file's name is not UTF-8; rename it");
        return 0;
}

/* Anything but its absence counts: a link that leads nowhere is an error, not "no policy", and so is one that cannot be
 * looked up. */
static bool is_there(const char *path) {
        return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
               (errno != ENOENT && errno != ENOTDIR);
}

static int list_drop_ins(const char *folder, struct problems *problems, char ***files) {
        AUTO_FREE char *path = NULL;
        struct dirent **entries = NULL;
        int n, r;

        r = format_to(&path, "%s/policy.d", folder);
        if (r < 0 || !is_there(path))
                return r < 0 ? r : 0;
        n = scandir(path, &entries, is_policy_file, by_bytes);
        if (n < 0) {
                if (errno == ENOMEM)
                        return -ENOMEM;
                problems_add(problems, SEVERITY_ERROR, path, 0, "cannot be read: %s",
                             strerror(errno));
                return 0;
        }
        for (int i = 0; i < n; i++) {
                if (r >= 0)
                        r = add_path(files, path, entries[i]->d_name, problems);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int list_main(const char *folder, char ***files) {
        AUTO_FREE char *path = NULL;
        int r;

        r = format_to(&path, "%s/policy.ini", folder);
        if (r < 0 || !is_there(path))
                return r < 0 ? r : 0;
        return strv_append(files, path, strlen(path));
}

/* The files of the policy, in order of precedence. */
static int list_files(const char *folder, struct problems *problems, char ***ret) {
        AUTO_STRV char **files = NULL;
        int r;

        if (access(folder, R_OK | X_OK) < 0)
                return -errno;
        r = list_drop_ins(folder, problems, &files);
        if (r >= 0)
                r = list_main(folder, &files);
        if (r >= 0 && !files)
                problems_add(problems, SEVERITY_WARNING, folder, 0,
                             "no policy.ini and no policy.d/*.ini in it: the built-in policy "
                             "holds, which grants nothing");
        if (r < 0)
                return r;

        *ret = STEAL(files);
        return 0;
}

static void free_texts(struct policy_text *texts, size_t n_texts) {
        for (size_t i = 0; i < n_texts; i++)
                free((char *)texts[i].text);
        free(texts);
}

static int read_files(char *const *files, struct problems *problems, struct policy_text *texts,
                      size_t *n_texts) {
        STRV_FOREACH (file, files) {
                char *text = NULL;
                size_t length;
                int r;

                r = read_file(*file, FILE_SIZE_MAX, &text, &length);
                if (r == -ENOMEM)
                        return r;
                if (r < 0) {
                        problems_add(problems, SEVERITY_ERROR, *file, 0, "cannot be read: %s",
                                     r == -EFBIG    ? "larger than 16 MiB"
                                     : r == -EINVAL ? "not a regular file"
                                                    : strerror(-r));
                        continue;
                }
                texts[(*n_texts)++] =
                        (struct policy_text){.file = *file, .text = text, .length = length};
        }
        return 0;
}

/* Names and texts may hold anything, so each has its length in front. */
static int join_texts(const struct policy_text *texts, size_t n_texts,
                      struct policy_source *source) {
        FILE *file = open_memstream(&source->text, &source->length);

        if (!file)
                return -ENOMEM;
        for (size_t i = 0; i < n_texts; i++) {
                fprintf(file, "%zu %zu ", strlen(texts[i].file), texts[i].length);
                fputs(texts[i].file, file);
                fwrite(texts[i].text, texts[i].length, 1, file);
        }
        return fclose(file) == 0 ? 0 : -ENOMEM;
}

int policy_folder_load(const char *folder, struct problems *problems,
                       struct policy_source *ret_source, struct policy **ret) {
        AUTO_POLICY_SOURCE struct policy_source source = {};
        AUTO_POLICY struct policy *policy = NULL;
        struct policy_text *texts;
        size_t n_texts = 0;
        int r;

        r = list_files(folder, problems, &source.files);
        if (r < 0)
                return r;

        texts = calloc(strv_length(source.files) + 1, sizeof(*texts));
        if (!texts)
                return -ENOMEM;
        r = read_files(source.files, problems, texts, &n_texts);
        if (r >= 0) {
                policy = policy_parse(texts, n_texts, problems);
                r = join_texts(texts, n_texts, &source);
        }
        free_texts(texts, n_texts);
        if (r < 0)
                return r;

        if (ret_source) {
                *ret_source = source;
                source = (struct policy_source){};
        }
        if (problems->errors > 0)
                return 1;
        *ret = STEAL(policy);
        return 0;
}
