/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the gate costs over the bus, beside a call to the same daemon that does nothing (Peer.Ping).
 *
 *   bench-gate ADDRESS CALLS DOMAIN-XML
 */

#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "bus.h"
#include "read_file.h"

#define XML_MAX (8u << 20)

static void must(int r, const char *what) {
        if (r >= 0)
                return;
        fprintf(stderr, "bench-gate: %s: %s\n", what, strerror(-r));
        exit(1);
}

static double now_usec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static void call_gate(sd_bus *bus, const char *xml) {
        sd_bus_error error = SD_BUS_ERROR_NULL;

        must(sd_bus_call_method(bus, BUS_NAME, BUS_PATH, BUS_INTERFACE, "Gate", &error, NULL, "sss",
                                "start", "begin", xml),
             "Gate");
}

static void call_ping(sd_bus *bus, const char *xml UNUSED) {
        must(sd_bus_call_method(bus, BUS_NAME, BUS_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL,
                                NULL, NULL),
             "Ping");
}

static double measure(const char *what, void (*call)(sd_bus *, const char *), sd_bus *bus,
                      const char *xml, size_t n) {
        double *times = calloc(n, sizeof(*times)), begin = now_usec(), total;

        must(times ? 0 : -1, "memory");
        for (size_t i = 0; i < n; i++) {
                double start = now_usec();

                call(bus, xml);
                times[i] = now_usec() - start;
        }
        total = now_usec() - begin;
        qsort(times, n, sizeof(*times), compare);
        printf("%-6s %8.0f calls/s, median %6.1f us, p99 %6.1f us, slowest %8.1f us\n", what,
               (double)n / total * 1e6, times[n / 2], times[n * 99 / 100], times[n - 1]);
        free(times);
        return total;
}

int main(int argc, char **argv) {
        sd_bus *bus;
        char *xml;
        size_t n;
        double gate, ping;

        if (argc != 4) {
                fprintf(stderr, "usage: bench-gate ADDRESS CALLS DOMAIN-XML\n");
                return 2;
        }
        n = strtoul(argv[2], NULL, 10);
        must(read_file(argv[3], XML_MAX, &xml, NULL), argv[3]);
        must(sd_bus_new(&bus), "bus");
        must(sd_bus_set_address(bus, argv[1]), "address");
        must(sd_bus_set_bus_client(bus, true), "bus");
        must(sd_bus_start(bus), "connect");

        call_gate(bus, xml);
        ping = measure("Ping", call_ping, bus, xml, n);
        gate = measure("Gate", call_gate, bus, xml, n);
        printf("a Gate call takes %.2f times a Ping\n", gate / ping);
        sd_bus_flush_close_unref(bus);
        free(xml);
        return 0;
}
