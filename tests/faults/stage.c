/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char bus_config[] =
        "<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
        "<policy context='default'><allow send_destination='*'/><allow receive_sender='*'/><allow "
        "own='*'/>"
        "<allow user='*'/></policy></busconfig>";
static const char policy[] =
        "[policy]\nvirt-types = test\n[host all]\nhostname = *\nxsaves = allow\n"
        "[guest granted]\nname = granted*\nxsaves = allow\nguest = never-uses-xsaves\n";
static const char facts[] =
        "[host]\nhostname = rome\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\nstepping = 0\n"
        "virtualized = no\ncpu-xsaves = yes\ncpu-xsavec = yes\nhypervisor-xsaves = "
        "no\nhypervisor-xsavec = yes\n";

void stage_must(bool condition, const char *what) {
        if (condition)
                return;
        printf("Bail out! %s: %m\n", what);
        exit(99);
}

uint64_t stage_now_msec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void stage_sleep_msec(unsigned msec) {
        const struct timespec pause = {.tv_sec = msec / 1000,
                                       .tv_nsec = (long)(msec % 1000) * 1000000};

        nanosleep(&pause, NULL);
}

static char *path_of(const struct stage *stage, const char *name) {
        char *path;

        stage_must(format_to(&path, "%s/%s", stage->folder, name) == 0, "memory");
        return path;
}

char *stage_read(const struct stage *stage, const char *name) {
        AUTO_FREE char *path = path_of(stage, name);
        char *text = calloc(1, 1 << 16);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        stage_must(text, "memory");
        if (fd >= 0) {
                stage_must(read(fd, text, (1 << 16) - 1) >= 0, name);
                close(fd);
        }
        return text;
}

void stage_write(const struct stage *stage, const char *name, const char *text) {
        AUTO_FREE char *path = path_of(stage, name);
        AUTO_FCLOSE FILE *file = fopen(path, "we");

        stage_must(file && fputs(text, file) >= 0, path);
}

/* --- processes --- */

static void export_fault(const struct stage *stage, const struct fault *fault) {
        AUTO_FREE char *report = path_of(stage, "failed"), *number = NULL, *error = NULL;

        if (!fault || !fault->kind)
                return;
        stage_must(format_to(&number, "%u", fault->number) == 0, "memory");
        stage_must(format_to(&error, "%d", fault->error) == 0, "memory");
        setenv("XSAVESD_FAULT_KIND", fault->kind, 1);
        setenv("XSAVESD_FAULT_NUMBER", number, 1);
        setenv("XSAVESD_FAULT_ERRNO", error, 1);
        setenv("XSAVESD_FAULT_LASTING", fault->lasting ? "1" : "", 1);
        setenv("XSAVESD_FAULT_REPORT", report, 1);
        setenv("LD_PRELOAD", stage->shim_path, 1);
}

/* In the child: its output to a file, and its end with ours. */
static void become(const struct stage *stage, const char *said, const struct fault *fault,
                   char *const *argv) {
        AUTO_FREE char *path = path_of(stage, said);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        stage_must(fd >= 0, said);
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        setenv("DBUS_SYSTEM_BUS_ADDRESS", stage->address, 1);
        export_fault(stage, fault);
        execv(argv[0], argv);
        _exit(127);
}

static pid_t start(const struct stage *stage, const char *said, const struct fault *fault,
                   char *const *argv) {
        pid_t pid = fork();

        stage_must(pid >= 0, "fork");
        if (pid == 0)
                become(stage, said, fault, argv);
        return pid;
}

static void forget_fault(const struct stage *stage) {
        AUTO_FREE char *path = path_of(stage, "failed");

        unlink(path);
}

void stage_start_daemon(struct stage *stage, const struct fault *fault) {
        AUTO_FREE char *etc = path_of(stage, "etc"), *host = path_of(stage, "facts");
        char *argv[] = {(char *)stage->daemon_path,
                        (char *)"--bus",
                        stage->address,
                        (char *)"--policy",
                        etc,
                        (char *)"--host",
                        host,
                        (char *)"--connect",
                        stage->libvirtd.uri,
                        NULL};

        forget_fault(stage);
        stage->daemon = start(stage, "daemon-said", fault, argv);
}

bool stage_daemon_ended(struct stage *stage, int *ret_status) {
        pid_t pid = waitpid(stage->daemon, ret_status, WNOHANG);

        stage_must(pid >= 0, "waitpid");
        if (pid > 0)
                stage->daemon = 0;
        return pid > 0;
}

int stage_stop_daemon(struct stage *stage) {
        uint64_t end = stage_now_msec() + 10000;
        int status;

        kill(stage->daemon, SIGTERM);
        while (!stage_daemon_ended(stage, &status)) {
                if (stage_now_msec() > end)
                        kill(stage->daemon, SIGKILL);
                stage_sleep_msec(2);
        }
        return status;
}

int stage_run_hook(const struct stage *stage, const struct fault *fault, const char *operation,
                   const char *xml) {
        char *argv[] = {(char *)stage->hook_path, (char *)"guest", (char *)operation,
                        (char *)"begin",          (char *)"-",     NULL};
        int status, input[2];
        pid_t pid;

        forget_fault(stage);
        stage_must(pipe2(input, O_CLOEXEC) == 0, "pipe");
        pid = fork();
        stage_must(pid >= 0, "fork");
        if (pid == 0) {
                dup2(input[0], STDIN_FILENO);
                become(stage, "said", fault, argv);
        }
        close(input[0]);
        /* One that fails early leaves it unread. */
        if (write(input[1], xml, strlen(xml)) < 0)
                stage_must(errno == EPIPE, "write");
        close(input[1]);
        stage_must(waitpid(pid, &status, 0) == pid, "waitpid");
        return status;
}

char *stage_failed_function(const struct stage *stage) {
        AUTO_FREE char *name = stage_read(stage, "failed");

        name[strcspn(name, "\n")] = '\0';
        return *name ? STEAL(name) : NULL;
}

/* --- the bus --- */

int stage_call(struct stage *stage, const char *member, const char *text,
               sd_bus_message **ret_reply) {
        sd_bus_message *call = NULL, *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_new_method_call(stage->bus, &call, "org.xsavesd1", "/org/xsavesd1",
                                           "org.xsavesd1.Manager", member);
        if (r >= 0 && streq(member, "Gate"))
                r = sd_bus_message_append(call, "ss", "prepare", "begin");
        if (r >= 0 && streq(member, "Converge"))
                r = sd_bus_message_append(call, "bas", 0, 0);
        if (r >= 0 && text)
                r = sd_bus_message_append(call, "s", text);
        if (r >= 0)
                r = sd_bus_call(stage->bus, call, stage->call_usec, &error, &reply);
        sd_bus_message_unref(call);
        sd_bus_error_free(&error);
        if (r < 0 || !ret_reply)
                sd_bus_message_unref(reply);
        else
                *ret_reply = reply;
        return r < 0 ? r : 0;
}

int stage_gate(struct stage *stage, const char *xml) {
        sd_bus_message *reply = NULL;
        int r, accept;

        r = stage_call(stage, "Gate", xml, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "b", &accept);
        sd_bus_message_unref(reply);
        return r < 0 ? r : accept;
}

/* --- up and down --- */

static void open_bus(struct stage *stage) {
        uint64_t end = stage_now_msec() + 20000;
        int r;

        for (;;) {
                stage_must(sd_bus_new(&stage->bus) >= 0, "bus");
                stage_must(sd_bus_set_address(stage->bus, stage->address) >= 0, "bus");
                stage_must(sd_bus_set_bus_client(stage->bus, true) >= 0, "bus");
                r = sd_bus_start(stage->bus);
                if (r >= 0)
                        return;
                stage->bus = sd_bus_unref(stage->bus);
                stage_must(stage_now_msec() < end, "no bus");
                stage_sleep_msec(20);
        }
}

void stage_up(struct stage *stage, char **argv) {
        AUTO_FREE char *config = NULL, *path = NULL, *option = NULL;
        char *dbus[] = {(char *)"/usr/bin/dbus-daemon", NULL, (char *)"--nofork",
                        (char *)"--nopidfile", NULL};

        *stage = (struct stage){.daemon_path = argv[0],
                                .hook_path = argv[1],
                                .shim_path = argv[2],
                                .call_usec = UINT64_C(2000) * 1000};
        stage_must(strdup_to(&stage->folder, "/tmp/xsavesd-faults.XXXXXX") == 0, "memory");
        stage_must(mkdtemp(stage->folder), stage->folder);
        stage_must(format_to(&stage->address, "unix:path=%s/bus", stage->folder) == 0, "memory");
        path = path_of(stage, "etc");
        stage_must(mkdir(path, 0755) == 0, path);
        stage_write(stage, "etc/policy.ini", policy);
        stage_write(stage, "facts", facts);
        stage_must(format_to(&config, bus_config, stage->folder) == 0, "memory");
        stage_write(stage, "bus.conf", config);
        stage_must(format_to(&option, "--config-file=%s/bus.conf", stage->folder) == 0, "memory");
        dbus[1] = option;
        signal(SIGPIPE, SIG_IGN);

        stage->dbus = start(stage, "dbus-said", NULL, dbus);
        open_bus(stage);
        private_libvirtd_new(&stage->libvirtd);
        private_libvirtd_start(&stage->libvirtd);
        /* The test driver forgets its domains with the last connection. */
        stage->connection = virConnectOpen(stage->libvirtd.uri);
        stage_must(stage->connection, "libvirt");
}

void stage_down(struct stage *stage) {
        static const char *const names[] = {"etc/policy.ini", "facts",       "bus.conf", "bus",
                                            "dbus-said",      "daemon-said", "said",     "failed"};
        AUTO_FREE char *etc = path_of(stage, "etc");

        virConnectClose(stage->connection);
        private_libvirtd_free(&stage->libvirtd);
        sd_bus_flush_close_unref(stage->bus);
        kill(stage->dbus, SIGTERM);
        waitpid(stage->dbus, NULL, 0);
        for (size_t i = 0; i < ELEMENTS_OF(names); i++) {
                AUTO_FREE char *path = path_of(stage, names[i]);

                unlink(path);
        }
        stage_must(rmdir(etc) == 0, etc);
        stage_must(rmdir(stage->folder) == 0, stage->folder);
        free(stage->folder);
        free(stage->address);
}
