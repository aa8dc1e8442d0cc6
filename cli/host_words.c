/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_words.h"

#include <errno.h>

#include "core/erratum.h"
#include "output.h"

/* --- JSON --- */

static int set_key(const char *key, const char *value, void *userdata) {
        return json_object_set_new(userdata, key, json_string(value)) < 0 ? -ENOMEM : 0;
}

int host_to_json(const struct host_facts *facts, json_t **ret) {
        AUTO_JSON json_t *host = json_object();
        int r;

        if (!host)
                return -ENOMEM;
        r = host_facts_visit(facts, set_key, host);
        if (r >= 0)
                r = set_key("erratum-1386", erratum_status_to_string(erratum_1386_status(facts)),
                            host);
        if (r < 0)
                return r;
        *ret = STEAL(host);
        return 0;
}

/* --- words --- */

/* Names of CPUs as their makers use them; others are told by their numbers alone. */
static const struct {
        const char *vendor;
        unsigned long family, first_model, last_model;
        const char *name;
} names[] = {
        {"AuthenticAMD", 0x17, 0x00, 0x07, "AMD Zen 1"},
        {"AuthenticAMD", 0x17, 0x08, 0x0f, "AMD Zen+"},
        {"AuthenticAMD", 0x17, 0x10, 0x17, "AMD Zen 1"},
        {"AuthenticAMD", 0x17, 0x18, 0x1f, "AMD Zen+"},
        {"AuthenticAMD", 0x17, 0x20, 0x2f, "AMD Zen 1"},
        {"AuthenticAMD", 0x17, 0x30, 0x4f, "AMD Zen 2"},
        {"AuthenticAMD", 0x17, 0x50, 0x5f, "AMD Zen 1"},
        {"AuthenticAMD", 0x17, 0x60, 0x7f, "AMD Zen 2"},
        {"AuthenticAMD", 0x17, 0x90, 0x91, "AMD Zen 2"},
        {"AuthenticAMD", 0x17, 0xa0, 0xaf, "AMD Zen 2"},
        {"HygonGenuine", 0x18, 0x00, 0xff, "Hygon Dhyana"},
        {"AuthenticAMD", 0x19, 0x00, 0x0f, "AMD Zen 3"},
        {"AuthenticAMD", 0x19, 0x20, 0x5f, "AMD Zen 3"},
        {"AuthenticAMD", 0x19, 0x10, 0x1f, "AMD Zen 4"},
        {"AuthenticAMD", 0x19, 0x60, 0xaf, "AMD Zen 4"},
};

static unsigned long number(const json_t *host, const char *key) {
        return strtoul(json_text(host, key), NULL, 10);
}

static const char *cpu_name(const json_t *host) {
        unsigned long family = number(host, "family"), model = number(host, "model");

        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                if (streq(names[i].vendor, json_text(host, "vendor")) &&
                    names[i].family == family && names[i].first_model <= model &&
                    names[i].last_model >= model)
                        return names[i].name;
        return NULL;
}

static void print_cpu(const struct cli *cli, const json_t *host) {
        const char *name = cpu_name(host), *vendor = json_text(host, "vendor");

        if (streq(vendor, "unknown")) {
                print_field(cli, "CPU", STYLE_NONE,
                            "not x86, or unknown: nothing is governed here");
                return;
        }
        print_field(cli, "CPU", STYLE_NONE, "%s%s%s family %s, model %s, stepping %s%s",
                    name ? name : "", name ? ": " : "", vendor, json_text(host, "family"),
                    json_text(host, "model"), json_text(host, "stepping"),
                    streq(json_text(host, "virtualized"), "yes") ? ", virtualized" : "");
}

/* What one party does with an instruction: two verbs, and for those that may not be known a third. */
struct words {
        const char *yes, *no, *unknown;
};

static const char *say_fact(const json_t *host, const char *key, const struct words *words) {
        const char *value = json_text(host, key);

        if (streq(value, "yes"))
                return words->yes;
        return streq(value, "no") ? words->no : words->unknown;
}

static const struct words cpu_words = {"the CPU has it", "the CPU lacks it",
                                       "whether the CPU has it is unknown"};
static const struct words kernel_words = {"the kernel uses it", "the kernel does not use it",
                                          "whether the kernel uses it is unknown"};
static const struct words hypervisor_words = {"KVM offers it", "KVM does not offer it",
                                              "whether KVM offers it is unknown"};

static const char *erratum_words(const char *status) {
        if (streq(status, "live"))
                return "live: XSAVES can lose XMM state on this host";
        if (streq(status, "fixed"))
                return "fixed by the microcode";
        return "absent: this CPU never had it";
}

void host_print(const struct cli *cli, const json_t *host) {
        const char *erratum = json_text(host, "erratum-1386"), *rule = json_text(host, "host-rule");

        print_field(cli, "Host", STYLE_NONE, "%s, machine ID %s", json_text(host, "hostname"),
                    json_text(host, "machine-id"));
        print_cpu(cli, host);
        print_field(cli, "Microcode", STYLE_NONE, "%s", json_text(host, "microcode"));
        print_field(cli, "Erratum 1386", streq(erratum, "live") ? STYLE_YELLOW : STYLE_NONE, "%s",
                    erratum_words(erratum));
        print_field(cli, "XSAVES", STYLE_NONE, "%s, %s, %s",
                    say_fact(host, "cpu-xsaves", &cpu_words),
                    say_fact(host, "kernel-xsaves", &kernel_words),
                    say_fact(host, "hypervisor-xsaves", &hypervisor_words));
        print_field(cli, "XSAVEC", STYLE_NONE, "%s, %s", say_fact(host, "cpu-xsavec", &cpu_words),
                    say_fact(host, "hypervisor-xsavec", &hypervisor_words));
        print_field(cli, "Host model", STYLE_NONE, "%s", json_text(host, "host-model"));
        if (*rule)
                print_field(cli, "Host rule", STYLE_NONE, "%s", rule);
}
