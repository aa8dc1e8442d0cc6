/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "private_libvirtd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#define LIBVIRTD "/usr/sbin/libvirtd"

static void must(bool condition, const char *what) {
        if (condition)
                return;
        fprintf(stderr, "private libvirtd: %s: %m\n", what);
        exit(99);
}

bool private_libvirtd_possible(const char **ret_why) {
        *ret_why = NULL;
        if (geteuid() != 0)
                *ret_why = "a libvirtd of its own needs root";
        else if (access(LIBVIRTD, X_OK) < 0)
                *ret_why = "there is no " LIBVIRTD;
        return !*ret_why;
}

void private_libvirtd_new(struct private_libvirtd *libvirtd) {
        AUTO_FREE char *path = NULL;
        AUTO_FCLOSE FILE *config = NULL;

        *libvirtd = (struct private_libvirtd){};
        must(strdup_to(&libvirtd->folder, "/tmp/xsavesd-libvirtd.XXXXXX") == 0, "memory");
        must(mkdtemp(libvirtd->folder) != NULL, libvirtd->folder);
        must(format_to(&libvirtd->uri, "test+unix:///default?socket=%s/libvirt-sock",
                       libvirtd->folder) == 0,
             "memory");
        must(format_to(&path, "%s/libvirtd.conf", libvirtd->folder) == 0, "memory");
        config = fopen(path, "we");
        must(config != NULL, path);
        fprintf(config,
                "unix_sock_dir = \"%s\"\nauth_unix_ro = \"none\"\nauth_unix_rw = \"none\"\n"
                "max_anonymous_clients = 20\n",
                libvirtd->folder);
}

/* Whatever was left in the folder, libvirtd's or a test's; there are no folders in it. */
static void remove_folder(const char *path) {
        DIR *folder = opendir(path);

        must(folder != NULL, path);
        for (const struct dirent *entry; (entry = readdir(folder));)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        must(unlinkat(dirfd(folder), entry->d_name, 0) == 0, entry->d_name);
        closedir(folder);
        must(rmdir(path) == 0, path);
}

void private_libvirtd_free(struct private_libvirtd *libvirtd) {
        private_libvirtd_kill(libvirtd);
        remove_folder(libvirtd->folder);
        free(STEAL(libvirtd->folder));
        free(STEAL(libvirtd->uri));
}

/* Two libvirtd of one machine lock each other out (virPidFileAcquirePath() on driver.pid in here). */
static void hide_state(void) {
        static const char *const folders[] = {"/run/libvirt", "/var/lib/libvirt",
                                              "/var/cache/libvirt", "/etc/libvirt"};

        must(unshare(CLONE_NEWNS | CLONE_NEWNET) == 0, "unshare");
        must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
        for (size_t i = 0; i < ELEMENTS_OF(folders); i++) {
                must(mkdir(folders[i], 0755) == 0 || errno == EEXIST, folders[i]);
                must(mount("tmpfs", folders[i], "tmpfs", 0, NULL) == 0, folders[i]);
        }
}

static void run(const struct private_libvirtd *libvirtd) {
        int null, log;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        must(chdir(libvirtd->folder) == 0, libvirtd->folder);
        null = open("/dev/null", O_RDONLY);
        log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
        must(null >= 0 && log >= 0, "log");
        dup2(null, 0);
        dup2(log, 1);
        dup2(log, 2);
        hide_state();
        execl(LIBVIRTD, "libvirtd", "--config", "libvirtd.conf", "--pid-file", "pid", NULL);
        must(false, LIBVIRTD);
}

void private_libvirtd_start(struct private_libvirtd *libvirtd) {
        const struct timespec pause = {.tv_nsec = 50000000};

        libvirtd->pid = fork();
        must(libvirtd->pid >= 0, "fork");
        if (libvirtd->pid == 0)
                run(libvirtd);
        for (int n = 0; n < 400; n++) {
                virConnectPtr connection = virConnectOpen(libvirtd->uri);

                if (connection) {
                        virConnectClose(connection);
                        return;
                }
                must(waitpid(libvirtd->pid, NULL, WNOHANG) == 0, "it ended");
                nanosleep(&pause, NULL);
        }
        must(false, "it does not answer");
}

void private_libvirtd_kill(struct private_libvirtd *libvirtd) {
        if (libvirtd->pid <= 0)
                return;
        kill(libvirtd->pid, SIGKILL);
        waitpid(libvirtd->pid, NULL, 0);
        libvirtd->pid = 0;
}
