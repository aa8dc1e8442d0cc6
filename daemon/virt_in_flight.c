/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_in_flight.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

#define FILE_NAME "in-flight"
#define SIZE (IN_FLIGHT_MAX * sizeof(domain_uuid))

/* Whatever the file has is not more than the UUIDs of domains to be looked up. */
static void take_left(struct in_flight *in_flight) {
        for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
                in_flight->slots[i][sizeof(domain_uuid) - 1] = '\0';
                if (*in_flight->slots[i])
                        memcpy(in_flight->left[in_flight->n_left++], in_flight->slots[i],
                               sizeof(domain_uuid));
        }
        memset(in_flight->slots, 0, SIZE);
}

/* Returns NULL with errno set. */
static void *map_file(const char *path) {
        void *memory = MAP_FAILED;
        int fd, saved;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return NULL;
        if (ftruncate(fd, (off_t)SIZE) == 0)
                memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        saved = errno;
        close(fd);
        errno = saved;
        return memory == MAP_FAILED ? NULL : memory;
}

int in_flight_open(struct in_flight *in_flight, const char *folder) {
        AUTO_FREE char *path = NULL;
        void *memory = NULL;

        *in_flight = (struct in_flight){};
        if (folder) {
                if (format_to(&path, "%s/" FILE_NAME, folder) < 0)
                        return -ENOMEM;
                memory = map_file(path);
                if (!memory)
                        log_warning(
                                "%s: %m; if xsavesd is killed while it re-defines a domain, nobody "
                                "will tell that an edit may be lost",
                                path);
        }
        if (!memory) {
                memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                              0);
                if (memory == MAP_FAILED)
                        return -ENOMEM;
        }
        in_flight->slots = memory;
        take_left(in_flight);
        return 0;
}

void in_flight_close(struct in_flight *in_flight) {
        if (in_flight->slots)
                munmap(in_flight->slots, SIZE);
        in_flight->slots = NULL;
}

void in_flight_add(struct in_flight *in_flight, const char *uuid, uint64_t now) {
        unsigned slot;

        if (in_flight->n == IN_FLIGHT_MAX)
                in_flight_drop_oldest(in_flight);
        slot = (in_flight->first + in_flight->n) % IN_FLIGHT_MAX;
        snprintf(in_flight->slots[slot], sizeof(domain_uuid), "%s", uuid);
        in_flight->since[slot] = now;
        in_flight->n++;
}

const char *in_flight_oldest(const struct in_flight *in_flight, uint64_t *ret_since) {
        if (in_flight->n == 0)
                return NULL;
        *ret_since = in_flight->since[in_flight->first];
        return in_flight->slots[in_flight->first];
}

void in_flight_drop_oldest(struct in_flight *in_flight) {
        if (in_flight->n == 0)
                return;
        *in_flight->slots[in_flight->first] = '\0';
        in_flight->first = (in_flight->first + 1) % IN_FLIGHT_MAX;
        in_flight->n--;
}
