/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xsavesd: decides which guests get XSAVES on hosts with AMD erratum 1386. See xsavesd(8). */

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "bus.h"
#include "folder.h"
#include "log.h"

/*
 * Blocks of this size and more, which is what large calls and XML take, go back to the system when they are freed. glibc
 * starts with that, but lets each such block that is freed raise the limit, up to 32 MiB (mallopt(3)).
 */
#define LARGE_BLOCK (128 << 10)

#define LIBVIRT_URI "qemu:///system"

struct options {
        struct manager_options manager;
        const char *bus_address; /* NULL: the system bus */
};

static void event_unref_p(sd_event **event) {
        sd_event_unref(*event);
}

static void print_help(void) {
        puts("Usage: xsavesd [OPTION]...\n"
             "Decide which libvirt guests get the XSAVES instruction, and keep their definitions "
             "so.\n"
             "\n"
             "  --connect URI     libvirt to look after (default " LIBVIRT_URI ")\n"
             "  --bus ADDRESS     D-Bus address to serve at (default: the system bus)\n"
             "  --policy FOLDER   where the policy is (default " POLICY_FOLDER ")\n"
             "  --host FILE       take the host's facts from a file instead of probing\n"
             "  --help            this text\n"
             "  --version         the version\n"
             "\n"
             "See xsavesd(8).");
}

/* Returns 0 to go on, 1 when there is nothing more to do, -EINVAL for bad usage. */
static int parse_options(int argc, char **argv, struct options *options) {
        enum { CONNECT = 256, BUS, POLICY, HOST, HELP, VERSION };
        static const struct option long_options[] = {
                {"connect", required_argument, NULL, CONNECT},
                {"bus", required_argument, NULL, BUS},
                {"policy", required_argument, NULL, POLICY},
                {"host", required_argument, NULL, HOST},
                {"help", no_argument, NULL, HELP},
                {"version", no_argument, NULL, VERSION},
                {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
                switch (c) {
                case CONNECT:
                        options->manager.libvirt_uri = optarg;
                        break;
                case BUS:
                        options->bus_address = optarg;
                        break;
                case POLICY:
                        options->manager.policy_folder = optarg;
                        break;
                case HOST:
                        options->manager.facts_file = optarg;
                        break;
                case HELP:
                        print_help();
                        return 1;
                case VERSION:
                        puts("xsavesd " XSAVESD_VERSION);
                        return 1;
                default:
                        return -EINVAL;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "xsavesd: unexpected argument '%s'; see xsavesd --help\n",
                        argv[optind]);
                return -EINVAL;
        }
        return 0;
}

static int on_hangup(sd_event_source *source UNUSED, const struct signalfd_siginfo *info UNUSED,
                     void *userdata) {
        int r;

        r = manager_reload(userdata);
        if (r < 0)
                log_error("Cannot reload the policy: %s", strerror(-r));
        return 0;
}

/* Before any other thread is there, so that all of them have the signals blocked. */
static int block_signals(sd_event *event) {
        sigset_t set;
        int r;

        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        /* Without a handler of its own, each ends the event loop. */
        r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        return r < 0 ? r : sd_event_add_signal(event, NULL, SIGINT, NULL, NULL);
}

/*
 * systemd's watchdog is fed while both threads are alive: this one, since it gets here, and libvirt's, which
 * may wait in libvirt for as long as a hook of somebody else takes, but not for ever.
 */
#define LIBVIRT_WAIT_USEC_MAX (300ull * 1000 * 1000)

struct watchdog {
        struct manager *manager;
        uint64_t usec; /* systemd's patience */
};

static int on_watchdog(sd_event_source *source, uint64_t now, void *userdata) {
        const struct watchdog *watchdog = userdata;
        uint64_t alive = virt_last_alive(watchdog->manager->virt);

        if (now < alive + watchdog->usec + LIBVIRT_WAIT_USEC_MAX)
                sd_notify(false, "WATCHDOG=1");
        else
                log_error("The libvirt thread has been waiting for libvirt for over %llu seconds",
                          LIBVIRT_WAIT_USEC_MAX / 1000000);
        virt_poke(watchdog->manager->virt);
        sd_event_source_set_time(source, now + watchdog->usec / 3);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int start_watchdog(sd_event *event, struct watchdog *watchdog) {
        int r;

        r = sd_watchdog_enabled(false, &watchdog->usec);
        if (r <= 0)
                return r;
        return sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, 0, 0, on_watchdog,
                                          watchdog);
}

static int run(const struct options *options) {
        CLEANUP(event_unref_p) sd_event *event = NULL;
        CLEANUP(manager_free_p) struct manager *manager = NULL;
        CLEANUP(bus_free_p) struct bus *bus = NULL;
        struct watchdog watchdog;
        int r;

        r = sd_event_default(&event);
        if (r >= 0)
                r = block_signals(event);
        if (r >= 0)
                r = manager_new(&options->manager, event, &manager);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGHUP, on_hangup, manager);
        if (r < 0) {
                log_error("Cannot start: %s", strerror(-r));
                return r;
        }
        r = bus_new(options->bus_address, manager, &bus);
        if (r < 0) {
                log_error("Cannot serve " BUS_NAME " on the bus: %s", strerror(-r));
                return r;
        }
        watchdog = (struct watchdog){.manager = manager};
        r = start_watchdog(event, &watchdog);
        if (r < 0)
                log_warning("No watchdog: %s", strerror(-r));

        /* The policy is loaded and the name is owned: hooks get answers from here on. */
        sd_notify(false, "READY=1");
        r = sd_event_loop(event);
        if (r < 0)
                log_error("Cannot go on: %s", strerror(-r));
        sd_notify(false, "STOPPING=1");
        return r;
}

int main(int argc, char **argv) {
        struct options options = {
                .manager =
                        {
                                .policy_folder = POLICY_FOLDER,
                                .libvirt_uri = LIBVIRT_URI,
                                /* Where systemd made one: systemd.exec(5), RuntimeDirectory=. */
                                .runtime_folder = getenv("RUNTIME_DIRECTORY"),
                        },
        };
        int r;

        r = parse_options(argc, argv, &options);
        if (r != 0)
                return r < 0 ? 2 : 0;
#ifdef M_MMAP_THRESHOLD
        mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
        return run(&options) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
