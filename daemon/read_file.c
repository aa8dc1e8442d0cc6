/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 16384u

static void close_p(int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static int read_all(int fd, size_t max, char **text, size_t *length) {
        size_t size = 0;

        for (;;) {
                ssize_t n;

                /* One byte more than `max` tells that there is more; another one is for the NUL. */
                if (size - *length < 2) {
                        char *grown;

                        size = size == 0 ? BLOCK : size * 2;
                        if (size > max + 2)
                                size = max + 2;
                        grown = realloc(*text, size);
                        if (!grown)
                                return -ENOMEM;
                        *text = grown;
                }

                n = read(fd, *text + *length, size - *length - 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                *length += (size_t)n;
                if (*length > max)
                        return -EFBIG;
                if (n == 0)
                        break;
        }

        (*text)[*length] = '\0';
        return 0;
}

int read_file(const char *path, size_t max, char **ret, size_t *ret_length) {
        /* O_NONBLOCK: a FIFO in the file's place must not hold the caller up. */
        CLEANUP(close_p) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        AUTO_FREE char *text = NULL;
        size_t length = 0;
        struct stat status;
        int r;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
        r = read_all(fd, max, &text, &length);
        if (r < 0)
                return r;

        *ret = STEAL(text);
        if (ret_length)
                *ret_length = length;
        return 0;
}
