/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy_store.h"

#include <errno.h>
#include <string.h>

#include "core/memory.h"
#include "folder.h"
#include "log.h"
#include "path_watch.h"

/* How often the folder is read where it cannot be watched. */
#define POLL_SECONDS 10u

struct policy_store {
        char *folder; /* absolute */
        struct path_watch *watch;
        bool polled; /* since it is not, or not wholly, watched */
        sd_event_source *poll;
        policy_store_callback callback;
        void *userdata;
        char *error, *warnings;
        struct policy_source source;   /* of the last load */
        struct policy_source in_force; /* `text` NULL: nothing that was read */
        bool has_news;
};

struct policy_store *policy_store_free(struct policy_store *store) {
        if (!store)
                return NULL;
        path_watch_free(store->watch);
        sd_event_source_disable_unref(store->poll);
        free(store->folder);
        free(store->error);
        free(store->warnings);
        policy_source_clear(&store->source);
        policy_source_clear(&store->in_force);
        free(store);
        return NULL;
}

/* What a change of is a change of the policy. Returns as path_watch_set() does. */
static int set_watch(struct policy_store *store) {
        static const char *const names[] = {"", "/policy.ini", "/policy.d", "/policy.d/*.ini"};
        AUTO_STRV char **paths = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                AUTO_FREE char *path = NULL;

                r = format_to(&path, "%s%s", store->folder, names[i]);
                if (r >= 0)
                        r = strv_append(&paths, path, strlen(path));
                if (r < 0)
                        return r;
        }
        STRV_FOREACH (file, store->source.files) {
                r = strv_append(&paths, *file, strlen(*file));
                if (r < 0)
                        return r;
        }
        return path_watch_set(store->watch, paths);
}

static int on_poll(sd_event_source *source UNUSED, uint64_t now UNUSED, void *userdata) {
        struct policy_store *store = userdata;

        store->callback(store->userdata);
        return 0;
}

/*
 * Watch what the last load has found. Where the kernel gives no inotify instance or watch, the folder is read now and
 * then, and each time the watch is tried again. Returns whether that is to be watched which was not watched before.
 */
static bool watch_files(struct policy_store *store) {
        int r;

        r = set_watch(store);
        if (r < 0 && !store->polled)
                log_warning("Cannot watch %s for changes (%s): it is read every %u seconds instead",
                            store->folder, strerror(-r), POLL_SECONDS);
        else if (r >= 0 && store->polled)
                log_notice("%s is watched for changes again", store->folder);
        store->polled = r < 0;

        sd_event_source_set_time_relative(store->poll, UINT64_C(1000) * 1000 * POLL_SECONDS);
        sd_event_source_set_enabled(store->poll, store->polled ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
        return r > 0;
}

int policy_store_new(const char *folder, sd_event *event, policy_store_callback callback,
                     void *userdata, struct policy_store **ret) {
        CLEANUP(policy_store_free_p) struct policy_store *store = calloc(1, sizeof(*store));
        int r;

        if (!store)
                return -ENOMEM;
        if (folder[0] == '/')
                r = strdup_to(&store->folder, folder);
        else {
                AUTO_FREE char *here = realpath(".", NULL);

                if (!here)
                        return -errno;
                r = format_to(&store->folder, "%s/%s", here, folder);
        }
        if (r < 0)
                return r;
        for (size_t n = strlen(store->folder); n > 1 && store->folder[n - 1] == '/'; n--)
                store->folder[n - 1] = '\0';

        store->callback = callback;
        store->userdata = userdata;
        r = path_watch_new(event, callback, userdata, &store->watch);
        if (r >= 0)
                r = sd_event_add_time(event, &store->poll, CLOCK_MONOTONIC, 0, 0, on_poll, store);
        if (r >= 0)
                r = sd_event_source_set_enabled(store->poll, SD_EVENT_OFF);
        if (r < 0)
                return r;
        watch_files(store);
        *ret = STEAL(store);
        return 0;
}

static void set_texts(struct policy_store *store, const struct problems *problems,
                      int folder_error) {
        free(store->error);
        store->error = folder_error < 0 ? xformat("%s: cannot be read: %s", store->folder,
                                                  strerror(-folder_error))
                                        : problems_format(problems, SEVERITY_ERROR);
        free(store->warnings);
        store->warnings = problems_format(problems, SEVERITY_WARNING);
}

static int load_once(struct policy_store *store, struct policy **ret) {
        CLEANUP(problems_clear) struct problems problems = {};
        AUTO_POLICY struct policy *policy = NULL;
        AUTO_POLICY_SOURCE struct policy_source source = {};
        int result;

        result = policy_folder_load(store->folder, &problems, &source, &policy);
        if (result == -ENOMEM)
                return result;
        if (result >= 0) {
                policy_source_clear(&store->source);
                store->source = source;
                source = (struct policy_source){};
        }
        set_texts(store, &problems, result);
        if (result != 0)
                return 1;
        *ret = STEAL(policy);
        return 0;
}

/* NULL: what could not be read at all. */
static bool same_text(const struct policy_source *a, const struct policy_source *b) {
        return !a->text == !b->text && a->length == b->length &&
               (!a->text || memcmp(a->text, b->text, a->length) == 0);
}

/*
 * Watched first, as the folder is now, so that no change falls between reading and watching. Twice where files were found
 * that were not watched yet: they may have changed since they were read.
 */
static int load(struct policy_store *store, struct policy **ret) {
        int result;

        watch_files(store);
        result = load_once(store, ret);
        if (result < 0 || !watch_files(store))
                return result;
        if (result == 0)
                *ret = policy_free(*ret);
        return load_once(store, ret);
}

int policy_store_load(struct policy_store *store, struct policy **ret) {
        AUTO_POLICY_SOURCE struct policy_source before = {.length = store->source.length};
        AUTO_FREE char *error = STEAL(store->error);
        int result;

        before.text = STEAL(store->source.text);
        store->source.length = 0;
        result = load(store, ret);
        store->has_news = result < 0 || !same_text(&before, &store->source) ||
                          !streq(error ? error : "", policy_store_error(store)) ||
                          (result == 0 && !policy_store_is_in_force(store));
        return result;
}

bool policy_store_has_news(const struct policy_store *store) {
        return store->has_news;
}

bool policy_store_is_in_force(const struct policy_store *store) {
        return store->in_force.text && same_text(&store->source, &store->in_force);
}

int policy_store_set_in_force(struct policy_store *store) {
        policy_source_clear(&store->in_force);
        store->in_force.text = malloc(store->source.length + 1);
        if (!store->in_force.text)
                return -ENOMEM;
        memcpy(store->in_force.text, store->source.text, store->source.length);
        store->in_force.length = store->source.length;
        return 0;
}

const char *policy_store_error(const struct policy_store *store) {
        return store->error ? store->error : "";
}

const char *policy_store_warnings(const struct policy_store *store) {
        return store->warnings ? store->warnings : "";
}

char *const *policy_store_files(const struct policy_store *store) {
        return store->source.files;
}

const char *policy_store_folder(const struct policy_store *store) {
        return store->folder;
}
