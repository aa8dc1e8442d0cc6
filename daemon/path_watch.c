/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "path_watch.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define SETTLE_USEC (UINT64_C(100) * 1000)
/* What changes without end is looked at all the same. */
#define SETTLE_USEC_MAX (UINT64_C(800) * 1000)
/* Else sd-event takes 250 ms (sd_event_add_time(3)). */
#define ACCURACY_USEC (UINT64_C(50) * 1000)
/* As the kernel's limit on links in one path (path_resolution(7)). */
#define LINKS_MAX 40

#define EVENTS                                                                                     \
        (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ATTRIB |        \
         IN_DELETE_SELF | IN_MOVE_SELF)

struct path_watch {
        sd_event *event;
        sd_event_source *timer;
        path_watch_callback callback;
        void *userdata;
        uint64_t changed_at; /* the first change that the callback was not called for; 0: none */
        char **steps; /* every path whose own name matters: the paths, and the links on their way */
        sd_event_source **sources; /* one for each folder of a step */
        size_t n_sources;
};

static void drop_sources(sd_event_source **sources, size_t n_sources) {
        for (size_t i = 0; i < n_sources; i++)
                sd_event_source_disable_unref(sources[i]);
        free(sources);
}

struct path_watch *path_watch_free(struct path_watch *watch) {
        if (!watch)
                return NULL;
        drop_sources(watch->sources, watch->n_sources);
        sd_event_source_disable_unref(watch->timer);
        sd_event_unref(watch->event);
        strv_free(watch->steps);
        free(watch);
        return NULL;
}

static int on_settled(sd_event_source *source UNUSED, uint64_t now UNUSED, void *userdata) {
        struct path_watch *watch = userdata;

        watch->changed_at = 0;
        watch->callback(watch->userdata);
        return 0;
}

int path_watch_new(sd_event *event, path_watch_callback callback, void *userdata,
                   struct path_watch **ret) {
        CLEANUP(path_watch_free_p) struct path_watch *watch = calloc(1, sizeof(*watch));
        int r;

        if (!watch)
                return -ENOMEM;
        watch->event = sd_event_ref(event);
        watch->callback = callback;
        watch->userdata = userdata;
        r = sd_event_add_time(event, &watch->timer, CLOCK_MONOTONIC, 0, ACCURACY_USEC, on_settled,
                              watch);
        if (r >= 0)
                r = sd_event_source_set_enabled(watch->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        *ret = STEAL(watch);
        return 0;
}

/* A file that was only just created is empty still: its IN_CLOSE_WRITE is what counts. */
static bool is_being_written(const char *path) {
        struct stat status;

        return lstat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1;
}

static bool concerns(const struct path_watch *watch, const char *path) {
        STRV_FOREACH (step, watch->steps)
                if (fnmatch(*step, path, FNM_PATHNAME | FNM_PERIOD) == 0)
                        return true;
        return false;
}

/* Once nothing has changed for a moment; or that long after the first change. */
static void call_soon(struct path_watch *watch) {
        uint64_t now;

        if (sd_event_now(watch->event, CLOCK_MONOTONIC, &now) < 0)
                return;
        if (watch->changed_at == 0)
                watch->changed_at = now;
        now += SETTLE_USEC;
        if (now > watch->changed_at + SETTLE_USEC_MAX)
                now = watch->changed_at + SETTLE_USEC_MAX;
        sd_event_source_set_time(watch->timer, now);
        sd_event_source_set_enabled(watch->timer, SD_EVENT_ONESHOT);
}

static int on_inotify(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        struct path_watch *watch = userdata;
        AUTO_FREE char *path = NULL;
        const char *folder;

        /* The folder itself went, or the kernel dropped events: look again. */
        if (event->len > 0 && !(event->mask & (IN_Q_OVERFLOW | IN_IGNORED))) {
                if (sd_event_source_get_description(source, &folder) < 0 ||
                    format_to(&path, "%s/%s", streq(folder, "/") ? "" : folder, event->name) < 0)
                        return 0;
                if (!concerns(watch, path) || ((event->mask & IN_CREATE) && is_being_written(path)))
                        return 0;
        }
        call_soon(watch);
        return 0;
}

/* "/a/b" to "/a", "/a" to "/". In place. */
static void strip_name(char *path) {
        char *slash = strrchr(path, '/');

        if (slash == path)
                slash++;
        *slash = '\0';
}

static int add_unique(char ***list, const char *text) {
        return strv_contains(*list, text) ? 0 : strv_append(list, text, strlen(text));
}

/* Where the link `path` leads, as a path. Returns 0, or a negative errno where it is none. */
static int read_link(const char *path, char **ret) {
        char target[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof(target) - 1);
        AUTO_FREE char *folder = NULL;
        int r;

        if (n < 0)
                return -errno;
        target[n] = '\0';
        if (target[0] == '/')
                return strdup_to(ret, target);
        r = strdup_to(&folder, path);
        if (r < 0)
                return r;
        strip_name(folder);
        return format_to(ret, "%s/%s", folder, target);
}

/* Add a path and every link on its way, however many hops that is. */
static int add_steps(char ***steps, const char *path, unsigned hops) {
        AUTO_FREE char *prefix = NULL;
        int r;

        r = add_unique(steps, path);
        if (r >= 0)
                r = strdup_to(&prefix, path);
        while (r >= 0 && !streq(prefix, "/")) {
                AUTO_FREE char *target = NULL;

                if (read_link(prefix, &target) == 0 && hops < LINKS_MAX) {
                        r = add_unique(steps, prefix);
                        if (r >= 0)
                                r = add_steps(steps, target, hops + 1);
                        if (r < 0)
                                return r;
                }
                strip_name(prefix);
        }
        return r;
}

static int watch_folder(struct path_watch *watch, const char *folder) {
        sd_event_source *source;
        int r;

        r = array_grow(&watch->sources, watch->n_sources, sizeof(sd_event_source *));
        if (r < 0)
                return r;
        r = sd_event_add_inotify(watch->event, &source, folder, EVENTS | IN_ONLYDIR, on_inotify,
                                 watch);
        /* A folder that is not there yet is seen from the folder above it, which is a step too. */
        if (r == -ENOENT || r == -ENOTDIR || r == -EACCES)
                return 0;
        if (r < 0)
                return r;
        watch->sources[watch->n_sources++] = source;
        return sd_event_source_set_description(source, folder);
}

/*
 * Always anew, even for the same names: a watch is on an inode, and a swap changes those. The new ones are there before
 * the old ones go: where both are on one inode, no change falls between them.
 */
static int watch_folders(struct path_watch *watch, char *const *folders) {
        sd_event_source **before = STEAL(watch->sources);
        size_t n_before = watch->n_sources;
        int r = 0;

        watch->n_sources = 0;
        STRV_FOREACH (folder, folders) {
                r = watch_folder(watch, *folder);
                if (r < 0)
                        break;
        }
        drop_sources(before, n_before);
        return r;
}

int path_watch_set(struct path_watch *watch, char *const *paths) {
        AUTO_STRV char **steps = NULL, **folders = NULL;
        bool same;
        int r = 0;

        STRV_FOREACH (path, paths) {
                r = add_steps(&steps, *path, 0);
                if (r < 0)
                        return r;
        }

        same = strv_length(steps) == strv_length(watch->steps);
        STRV_FOREACH (step, steps) {
                AUTO_FREE char *folder = strdup(*step);

                if (!folder)
                        return -ENOMEM;
                strip_name(folder);
                r = add_unique(&folders, folder);
                if (r < 0)
                        return r;
                same = same && strv_contains(watch->steps, *step);
        }

        strv_free(watch->steps);
        watch->steps = STEAL(steps);
        r = watch_folders(watch, folders);
        return r < 0 ? r : !same;
}
