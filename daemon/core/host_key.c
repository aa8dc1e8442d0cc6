/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/host_key.h"

#include <inttypes.h>
#include <string.h>

#include "core/memory.h"

static const char *const tristate_names[] = {
        [TRISTATE_UNKNOWN] = HOST_UNKNOWN,
        [TRISTATE_NO] = "no",
        [TRISTATE_YES] = "yes",
};

const char *tristate_to_string(enum tristate value) {
        return tristate_names[value];
}

bool host_text_valid(const char *text) {
        size_t length = strlen(text);

        if (length == 0 || length > HOST_TEXT_MAX || streq(text, HOST_UNKNOWN))
                return false;
        if (text[0] == ' ' || text[length - 1] == ' ')
                return false;
        /* INI would take what follows a semicolon as a comment. */
        for (size_t i = 0; i < length; i++)
                if (text[i] < ' ' || text[i] > '~' || text[i] == ';')
                        return false;
        return true;
}

static void *field_of(const struct host_key *key, struct host_facts *facts) {
        return (char *)facts + key->offset;
}

static const void *const_field_of(const struct host_key *key, const struct host_facts *facts) {
        return (const char *)facts + key->offset;
}

static bool read_text(const struct host_key *key, struct host_facts *facts, const char *text) {
        char **field = field_of(key, facts);

        if (streq(text, HOST_UNKNOWN))
                return true;
        if (!host_text_valid(text))
                return false;
        *field = xstrdup(text);
        return true;
}

static int write_text(const struct host_key *key, const struct host_facts *facts, char **ret) {
        char *const *field = const_field_of(key, facts);

        return strdup_to(ret, *field ? *field : HOST_UNKNOWN);
}

bool host_parse_decimal(const char *text, unsigned max, unsigned *ret) {
        unsigned long value;

        if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text) || strlen(text) > 9)
                return false;
        if (text[0] == '0' && text[1] != '\0')
                return false;
        value = strtoul(text, NULL, 10);
        if (value > max)
                return false;
        *ret = (unsigned)value;
        return true;
}

bool host_parse_hex32(const char *text, uint32_t *ret) {
        size_t n;

        if (text[0] != '0' || text[1] != 'x')
                return false;
        n = strspn(text + 2, "0123456789abcdefABCDEF");
        if (n < 1 || n > 8 || text[2 + n] != '\0')
                return false;
        *ret = (uint32_t)strtoul(text, NULL, 16);
        return true;
}

static bool read_number(const struct host_key *key, struct host_facts *facts, const char *text) {
        return host_parse_decimal(text, key->max, field_of(key, facts));
}

static int write_number(const struct host_key *key, const struct host_facts *facts, char **ret) {
        const unsigned *field = const_field_of(key, facts);

        return format_to(ret, "%u", *field);
}

static bool read_microcode(const struct host_key *key UNUSED, struct host_facts *facts,
                           const char *text) {
        if (streq(text, HOST_UNKNOWN))
                return true;
        facts->microcode_known = host_parse_hex32(text, &facts->microcode);
        return facts->microcode_known;
}

static int write_microcode(const struct host_key *key UNUSED, const struct host_facts *facts,
                           char **ret) {
        if (!facts->microcode_known)
                return strdup_to(ret, HOST_UNKNOWN);
        return format_to(ret, "0x%08" PRIx32, facts->microcode);
}

static bool read_tristate(const struct host_key *key, struct host_facts *facts, const char *text) {
        enum tristate *field = field_of(key, facts);

        for (size_t i = 0; i < ELEMENTS_OF(tristate_names); i++) {
                if (!streq(text, tristate_names[i]))
                        continue;
                *field = (enum tristate)i;
                return true;
        }
        return false;
}

static int write_tristate(const struct host_key *key, const struct host_facts *facts, char **ret) {
        const enum tristate *field = const_field_of(key, facts);

        return strdup_to(ret, tristate_to_string(*field));
}

static const struct host_key_kind text_kind = {
        "printable ASCII without ';', of 128 characters at most", read_text, write_text};
static const struct host_key_kind number_kind = {"a decimal number that CPUID can give",
                                                 read_number, write_number};
static const struct host_key_kind microcode_kind = {
        "a hexadecimal number as 0x0830104d, or unknown", read_microcode, write_microcode};
static const struct host_key_kind tristate_kind = {"yes, no or unknown", read_tristate,
                                                   write_tristate};

#define FIELD(name) offsetof(struct host_facts, name)

/* The largest family is FH and FFH of the extended family; the largest model FH of each. */
const struct host_key host_keys[N_HOST_KEYS] = {
        {"hostname", &text_kind, FIELD(hostname)},
        {"machine-id", &text_kind, FIELD(machine_id)},
        {"vendor", &text_kind, FIELD(vendor), .required = true},
        {"family", &number_kind, FIELD(family), .required = true, .max = 0xf + 0xff},
        {"model", &number_kind, FIELD(model), .required = true, .max = 0xff},
        {"stepping", &number_kind, FIELD(stepping), .required = true, .max = 0xf},
        {"microcode", &microcode_kind, FIELD(microcode)},
        {"virtualized", &tristate_kind, FIELD(virtualized)},
        {"cpu-xsaves", &tristate_kind, FIELD(cpu_xsaves)},
        {"cpu-xsavec", &tristate_kind, FIELD(cpu_xsavec)},
        {"kernel-xsaves", &tristate_kind, FIELD(kernel_xsaves)},
        {"hypervisor-xsaves", &tristate_kind, FIELD(hypervisor_xsaves)},
        {"hypervisor-xsavec", &tristate_kind, FIELD(hypervisor_xsavec)},
        {"host-model", &text_kind, FIELD(host_model)},
};
