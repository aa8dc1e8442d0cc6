/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the daemon and the hook need to run: a bus, a libvirtd with a few domains of its test driver, a policy. And a way to
 * run either with a fault in it (shim.c). A failure of the stage itself ends the test program.
 */

#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include <libvirt/libvirt.h>

#include "core/util.h"
#include "private_libvirtd.h"

struct stage {
        char *folder; /* bus, policy, facts, what is said on stderr, what the shim reports */
        char *address;
        pid_t dbus, daemon;
        struct private_libvirtd libvirtd;
        virConnectPtr connection;
        sd_bus *bus;
        uint64_t call_usec; /* how long a call waits */
        const char *daemon_path, *hook_path, *shim_path;
};

struct fault {
        const char *kind; /* NULL: none */
        unsigned number;
        int error;
        bool lasting;
};

/* argv: the daemon, the hook, the shim. */
void stage_up(struct stage *stage, char **argv);
void stage_down(struct stage *stage);

void stage_must(bool condition, const char *what);
uint64_t stage_now_msec(void);
void stage_sleep_msec(unsigned msec);

/* A file in the folder, as text (owned; "" where there is none). */
char *stage_read(const struct stage *stage, const char *name);
void stage_write(const struct stage *stage, const char *name, const char *text);

void stage_start_daemon(struct stage *stage, const struct fault *fault);
/* Has it ended? Then *ret_status is its wait(2) status. */
bool stage_daemon_ended(struct stage *stage, int *ret_status);
/* Ask it to end, and wait. The wait(2) status; it is killed where it takes over 10 seconds. */
int stage_stop_daemon(struct stage *stage);

/* Run the hook with this text on stdin. The wait(2) status. What it says is in file "said". */
int stage_run_hook(const struct stage *stage, const struct fault *fault, const char *operation,
                   const char *xml);

/* The function that failed last (owned); NULL: none. */
char *stage_failed_function(const struct stage *stage);

/* Call a method with a string or, where that is NULL, without one. 0 or a negative errno. *ret_reply may be NULL. */
int stage_call(struct stage *stage, const char *member, const char *text,
               sd_bus_message **ret_reply);
/* Gate(prepare, begin, xml): 1 accepted, 0 refused, or a negative errno. */
int stage_gate(struct stage *stage, const char *xml);
