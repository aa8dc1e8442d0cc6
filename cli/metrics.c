/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl metrics: OpenMetrics text, for node_exporter's textfile collector. */

#include "guest_counts.h"
#include "remote.h"

static void print_head(FILE *out, const char *name, const char *type, const char *help) {
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void print_gauge(FILE *out, const char *name, const char *help, json_int_t value) {
        print_head(out, name, "gauge", help);
        fprintf(out, "%s %" JSON_INTEGER_FORMAT "\n", name, value);
}

static void print_label(FILE *out, const char *name, const char *value, bool last) {
        fprintf(out, "%s=\"", name);
        for (; *value; value++)
                switch (*value) {
                case '\n':
                        fputs("\\n", out);
                        break;
                case '"':
                case '\\':
                        fputc('\\', out);
                        /* fall through */
                default:
                        fputc(*value, out);
                }
        fputs(last ? "\"" : "\",", out);
}

static void print_host(FILE *out, const json_t *host) {
        static const char *const keys[][2] = {
                {"vendor", "vendor"},
                {"family", "family"},
                {"model", "model"},
                {"stepping", "stepping"},
                {"microcode", "microcode"},
                {"cpu_xsaves", "cpu-xsaves"},
                {"kernel_xsaves", "kernel-xsaves"},
                {"hypervisor_xsaves", "hypervisor-xsaves"},
        };
        static const char *const states[] = {"absent", "fixed", "live"};
        const char *erratum = json_text(host, "erratum-1386");

        print_head(out, "xsavesd_host_info", "gauge", "Facts of the host.");
        fputs("xsavesd_host_info{", out);
        for (size_t i = 0; i < ELEMENTS_OF(keys); i++)
                print_label(out, keys[i][0], json_text(host, keys[i][1]),
                            i + 1 == ELEMENTS_OF(keys));
        fputs("} 1\n", out);

        print_head(out, "xsavesd_erratum_1386", "gauge",
                   "State of AMD erratum 1386 on the host: 1 for the one that holds.");
        for (size_t i = 0; i < ELEMENTS_OF(states); i++)
                fprintf(out, "xsavesd_erratum_1386{state=\"%s\"} %d\n", states[i],
                        streq(erratum, states[i]));
}

/* Every reason, also without a guest, so that a series does not end when its last guest goes. */
static void print_guests(FILE *out, const json_t *guests) {
        struct guest_counts counts = guest_counts(guests);

        print_head(out, "xsavesd_guests", "gauge", "Guests by the reason of what was decided.");
        for (enum reason i = 0; i < N_REASONS; i++)
                fprintf(out, "xsavesd_guests{reason=\"%s\"} %zu\n", reason_to_string(i),
                        counts.reasons[i]);
        print_gauge(out, "xsavesd_guests_running_with_xsaves", "Running guests that see XSAVES.",
                    (json_int_t)counts.runs_xsaves);
        print_gauge(out, "xsavesd_guests_restart_needed",
                    "Running guests that see something else than their definition says.",
                    (json_int_t)counts.needs_restart);
        print_gauge(out, "xsavesd_guests_pending",
                    "Guests whose definition is not what the policy wants.",
                    (json_int_t)counts.pending);
        print_gauge(out, "xsavesd_guests_failed", "Guests whose definition cannot be changed.",
                    (json_int_t)counts.failed);
}

static void print_metrics(FILE *out, const json_t *properties, const json_t *guests) {
        print_head(out, "xsavesd_build_info", "gauge", "The version that runs.");
        fputs("xsavesd_build_info{", out);
        print_label(out, "version", json_text(properties, "Version"), true);
        fputs("} 1\n", out);
        print_gauge(out, "xsavesd_policy_generation", "Number of the policy in force.",
                    json_integer_value(json_object_get(properties, "PolicyGeneration")));
        print_gauge(out, "xsavesd_policy_refused",
                    "Whether the policy on disk is refused, so that an older one is in force.",
                    *json_text(properties, "PolicyError") != '\0');
        print_gauge(out, "xsavesd_enforcing", "Whether the policy is acted on.",
                    json_flag(properties, "Enforce"));
        print_gauge(out, "xsavesd_libvirt_connected", "Whether libvirt can be reached.",
                    json_flag(properties, "LibvirtConnected"));
        print_host(out, json_object_get(properties, "Host"));
        print_guests(out, guests);
}

int verb_metrics(struct cli *cli) {
        AUTO_JSON json_t *properties = NULL, *guests = NULL;
        int r;

        r = remote_state(cli, &properties, &guests);
        if (r != 0 && r != STATUS_NO_DAEMON)
                return r;

        /* That nobody answers is worth knowing, and no failure of this command. */
        print_gauge(cli->out, "xsavesd_up", "Whether the daemon answers.", r == 0);
        if (r == 0)
                print_metrics(cli->out, properties, guests);
        fputs("# EOF\n", cli->out);
        return STATUS_OK;
}
