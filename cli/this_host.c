/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts of the host that this runs on. */

#include <errno.h>
#include <string.h>

#include "input.h"
#include "probe.h"
#include "remote.h"

/* What the daemon's property Host has besides the keys of a facts file. */
static bool is_derived(const char *key) {
        return streq(key, "erratum-1386") || streq(key, "host-rule");
}

static int print_facts(FILE *file, json_t *host) {
        const char *key;
        json_t *value;

        fputs("[host]\n", file);
        json_object_foreach(host, key, value) if (!is_derived(key))
                fprintf(file, "%s = %s\n", key, json_string_value(value));
        return ferror(file) ? -ENOMEM : 0;
}

static int facts_from_json(json_t *host, struct host_facts **ret) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_FREE char *text = NULL;
        size_t length = 0;
        FILE *file = open_memstream(&text, &length);
        int r;

        if (!file)
                return -ENOMEM;
        r = print_facts(file, host);
        if (fclose(file) != 0 || r < 0)
                return -ENOMEM;
        r = host_facts_parse("the daemon", text, length, &problems, ret);
        return r > 0 ? -EBADMSG : r;
}

static int ask_daemon(const struct cli *cli, struct host_facts **ret) {
        AUTO_BUS sd_bus *bus = NULL;
        AUTO_JSON json_t *host = NULL;
        int r;

        r = remote_try_open(cli, &bus);
        if (r >= 0)
                r = remote_try_host(bus, &host);
        return r < 0 ? r : facts_from_json(host, ret);
}

static bool same_cpu(const struct host_facts *a, const struct host_facts *b) {
        return streq_null(a->vendor, b->vendor) && a->family == b->family && a->model == b->model &&
               a->stepping == b->stepping && a->hypervisor_xsaves == b->hypervisor_xsaves &&
               a->hypervisor_xsavec == b->hypervisor_xsavec;
}

/*
 * The daemon knows what libvirt makes of host-model, and what KVM offers where the caller may not ask it; its
 * facts may also be those of another host. What the bus does not tell, KVM's CPUID, is taken from here
 * where both are the same machine.
 */
int input_this_host(const struct cli *cli, struct host_facts **ret) {
        AUTO_HOST_FACTS struct host_facts *here = NULL, *told = NULL;
        int r;

        r = probe_host(NULL, &here);
        if (r < 0)
                return r;
        r = cli_has(cli, OPTION_OFFLINE) ? -ENOENT : ask_daemon(cli, &told);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                *ret = STEAL(here);
                return STATUS_OK;
        }

        if (here->n_hypervisor_cpuid > 0 && same_cpu(here, told)) {
                r = host_facts_set_hypervisor(told, here->hypervisor_cpuid,
                                              here->n_hypervisor_cpuid);
                if (r < 0)
                        return r;
        }
        *ret = STEAL(told);
        return STATUS_OK;
}
