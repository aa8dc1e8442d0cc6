/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Times two programs side by side, as a parent sees them: from vfork() to the end, and in the CPU's own time. The
 * runs alternate, so that whatever else the machine does meets both. Prints the medians and their ratios.
 *
 *     spawn RUNS STDIN-FILE COMMAND… -- COMMAND…
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/util.h"

extern char **environ;

static double now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* In microseconds. */
struct sample {
        double elapsed, cpu;
};

static double microseconds(struct timeval time) {
        return (double)time.tv_sec * 1e6 + (double)time.tv_usec;
}

static struct sample run(char **command, const char *input) {
        posix_spawn_file_actions_t actions;
        double start = now();
        struct rusage usage;
        int status, r;
        pid_t pid;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input, O_RDONLY, 0);
        r = posix_spawnp(&pid, command[0], &actions, NULL, command, environ);
        posix_spawn_file_actions_destroy(&actions);
        if (r != 0 || wait4(pid, &status, 0, &usage) < 0 || status != 0) {
                fprintf(stderr, "spawn: %s failed\n", command[0]);
                exit(EXIT_FAILURE);
        }
        return (struct sample){now() - start,
                               microseconds(usage.ru_utime) + microseconds(usage.ru_stime)};
}

static int compare(const void *a, const void *b) {
        double left = *(const double *)a, right = *(const double *)b;

        return (left > right) - (left < right);
}

static double median(double *times, size_t n) {
        qsort(times, n, sizeof(double), compare);
        return times[n / 2];
}

static void print(const char *what, double a, double b) {
        printf("%s: %.0f us, %.0f us, ratio %.3f\n", what, a, b, a / b);
}

int main(int argc, char **argv) {
        size_t runs = argc > 4 ? strtoul(argv[1], NULL, 10) : 0;
        char **commands[2] = {argv + 3, NULL};
        double *elapsed[2], *cpu[2];

        for (int i = 3; i < argc && !commands[1]; i++)
                if (streq(argv[i], "--")) {
                        argv[i] = NULL;
                        commands[1] = argv + i + 1;
                }
        if (runs == 0 || !commands[1] || !commands[0][0] || !commands[1][0]) {
                fprintf(stderr, "Usage: spawn RUNS STDIN-FILE COMMAND... -- COMMAND...\n");
                return 2;
        }

        for (int k = 0; k < 2; k++) {
                elapsed[k] = calloc(runs, sizeof(double));
                cpu[k] = calloc(runs, sizeof(double));
                if (!elapsed[k] || !cpu[k])
                        return EXIT_FAILURE;
                run(commands[k], argv[2]);
        }
        for (size_t i = 0; i < runs; i++)
                for (int k = 0; k < 2; k++) {
                        struct sample sample = run(commands[k], argv[2]);

                        elapsed[k][i] = sample.elapsed;
                        cpu[k][i] = sample.cpu;
                }
        print("elapsed", median(elapsed[0], runs), median(elapsed[1], runs));
        print("CPU", median(cpu[0], runs), median(cpu[1], runs));
        for (int k = 0; k < 2; k++) {
                free(elapsed[k]);
                free(cpu[k]);
        }
        return EXIT_SUCCESS;
}
