/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * turns RUNS FILE COMMAND… [--- COMMAND…]…: how long each command takes as a whole process, with the file on its stdin and
 * nothing else open. They run in turns, so that what else the machine does falls on all alike. One line each: the medians of
 * the time that passed and of the CPU time, in microseconds.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/util.h"

#define COMMANDS_MAX 16
#define WARMUP 5

static void must(bool condition, const char *what) {
        if (condition)
                return;
        fprintf(stderr, "turns: %s: %s\n", what, strerror(errno));
        exit(1);
}

static double now_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

struct time {
        double passed, cpu;
};

static double usec(const struct timeval *time) {
        return (double)time->tv_sec * 1e6 + (double)time->tv_usec;
}

static struct time run(char **command, posix_spawn_file_actions_t *actions) {
        double begin = now_usec();
        struct rusage usage;
        int status;
        pid_t pid;

        must(posix_spawnp(&pid, command[0], actions, NULL, command, environ) == 0, command[0]);
        must(wait4(pid, &status, 0, &usage) == pid && status == 0, command[0]);
        return (struct time){now_usec() - begin, usec(&usage.ru_utime) + usec(&usage.ru_stime)};
}

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return values[n / 2];
}

/* Cut the arguments at "---". Returns the number of commands. */
static size_t cut(char **arguments, char **commands[COMMANDS_MAX]) {
        size_t n = 0;
        bool starts = true;

        for (; *arguments; arguments++)
                if (streq(*arguments, "---")) {
                        *arguments = NULL;
                        starts = true;
                } else if (starts) {
                        must(n < COMMANDS_MAX, "too many commands");
                        commands[n++] = arguments;
                        starts = false;
                }
        return n;
}

int main(int argc, char **argv) {
        size_t runs = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, n;
        char **commands[COMMANDS_MAX];
        double *passed[COMMANDS_MAX], *cpu[COMMANDS_MAX];
        posix_spawn_file_actions_t actions;

        must(runs > 0, "usage: turns RUNS FILE COMMAND... [--- COMMAND...]...");
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, argv[2], O_RDONLY, 0);
        n = cut(argv + 3, commands);
        for (size_t i = 0; i < n; i++) {
                passed[i] = calloc(runs, sizeof(double));
                cpu[i] = calloc(runs, sizeof(double));
                must(passed[i] && cpu[i], "memory");
                for (size_t round = 0; round < WARMUP; round++)
                        run(commands[i], &actions);
        }

        for (size_t round = 0; round < runs; round++)
                for (size_t i = 0; i < n; i++) {
                        struct time time = run(commands[i], &actions);

                        passed[i][round] = time.passed;
                        cpu[i][round] = time.cpu;
                }

        for (size_t i = 0; i < n; i++) {
                printf("%.0f %.0f\n", median(passed[i], runs), median(cpu[i], runs));
                free(passed[i]);
                free(cpu[i]);
        }
        posix_spawn_file_actions_destroy(&actions);
        return 0;
}
