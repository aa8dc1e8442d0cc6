/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "path_watch.h"

struct host_watch {
        host_watch_callback callback;
        void *userdata;
        struct path_watch *files;
        int hostname_fd;
        sd_event_source *hostname;
};

struct host_watch *host_watch_free(struct host_watch *watch) {
        if (!watch)
                return NULL;
        path_watch_free(watch->files);
        sd_event_source_disable_unref(watch->hostname);
        if (watch->hostname_fd >= 0)
                close(watch->hostname_fd);
        free(watch);
        return NULL;
}

static int on_hostname(sd_event_source *source UNUSED, int fd UNUSED, uint32_t revents UNUSED,
                       void *userdata) {
        struct host_watch *watch = userdata;

        watch->callback(watch->userdata);
        return 0;
}

/*
 * This file of the kernel polls as EPOLLERR once after each sethostname(2), in whatever UTS namespace
 * (proc_sys_poll(), uts_proc_notify()), which is reported without being asked for. It is how systemd's own daemons hear
 * of it, and it takes no systemd-hostnamed.
 */
static int watch_hostname(struct host_watch *watch, sd_event *event) {
        watch->hostname_fd =
                open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (watch->hostname_fd < 0)
                return -errno;
        return sd_event_add_io(event, &watch->hostname, watch->hostname_fd, 0, on_hostname, watch);
}

static int watch_files(struct host_watch *watch) {
        char *const paths[] = {(char *)"/etc/machine-id", (char *)"/dev/kvm", NULL};

        return path_watch_set(watch->files, paths);
}

/* Set anew, since a link on the way may have become another one. */
static void on_files(void *userdata) {
        struct host_watch *watch = userdata;

        watch_files(watch);
        watch->callback(watch->userdata);
}

static void warn(const char *what, int r) {
        if (r < 0)
                log_warning("Cannot watch %s for changes (%s): they are seen when a guest starts "
                            "or the policy is read",
                            what, strerror(-r));
}

int host_watch_new(sd_event *event, host_watch_callback callback, void *userdata,
                   struct host_watch **ret) {
        CLEANUP(host_watch_free_p) struct host_watch *watch = calloc(1, sizeof(*watch));
        int r;

        if (!watch)
                return -ENOMEM;
        watch->callback = callback;
        watch->userdata = userdata;
        watch->hostname_fd = -1;
        r = path_watch_new(event, on_files, watch, &watch->files);
        if (r < 0)
                return r;
        warn("the machine ID and KVM", watch_files(watch));
        warn("the hostname", watch_hostname(watch, event));
        *ret = STEAL(watch);
        return 0;
}
