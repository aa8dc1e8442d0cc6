/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts file: host facts as text and back. */

#include "core/host.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/host_key.h"
#include "core/policy/ini.h"

#define SECTION_HOST "host"
#define SECTION_CPUID "hypervisor-cpuid"

static const struct host_key *find_key(const char *name) {
        for (size_t i = 0; i < N_HOST_KEYS; i++)
                if (streq(host_keys[i].name, name))
                        return &host_keys[i];
        return NULL;
}

/* What a facts file is being read into. */
struct reader {
        const char *file;
        struct problems *problems;
        struct host_facts *facts;
        bool given[N_HOST_KEYS];
};

static int read_key(struct reader *reader, const struct ini_item *item) {
        const struct host_key *key = find_key(item->key);
        int r;

        if (!key)
                return problems_add(reader->problems, SEVERITY_ERROR, reader->file, item->line,
                                    "unknown key '%s' in [%s]", item->key, item->section);

        reader->given[key - host_keys] = true;
        r = key->kind->read(key, reader->facts, item->value);
        if (r <= 0)
                return r;
        return problems_add(reader->problems, SEVERITY_ERROR, reader->file, item->line,
                            "%s = '%s': not %s", key->name, item->value, key->kind->wanted);
}

/* "LEAF.SUBLEAF" */
static bool parse_leaf_name(const char *text, struct cpuid_leaf *leaf) {
        const char *dot = strchr(text, '.');
        char number[sizeof("0xffffffff")];

        if (!dot || (size_t)(dot - text) >= sizeof(number))
                return false;
        memcpy(number, text, (size_t)(dot - text));
        number[dot - text] = '\0';
        return host_parse_hex32(number, &leaf->leaf) &&
               host_parse_decimal(dot + 1, 0xff, &leaf->subleaf);
}

/* "EAX EBX ECX EDX". Returns 0, -ENOMEM, or 1 for anything else. */
static int parse_registers(const char *text, struct cpuid_leaf *leaf) {
        uint32_t *const registers[] = {&leaf->eax, &leaf->ebx, &leaf->ecx, &leaf->edx};
        AUTO_STRV char **words = NULL;
        int r;

        r = strv_split(&words, text);
        if (r < 0)
                return r;
        if (strv_length(words) != ELEMENTS_OF(registers))
                return 1;
        for (size_t i = 0; i < ELEMENTS_OF(registers); i++)
                if (!host_parse_hex32(words[i], registers[i]))
                        return 1;
        return 0;
}

static int add_leaf(struct reader *reader, const struct cpuid_leaf *leaf, unsigned line) {
        struct host_facts *facts = reader->facts;
        int r;

        /* ini_read() refuses a key that comes twice, but one leaf has more than one spelling. */
        if (cpuid_find(facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, leaf->leaf,
                       leaf->subleaf))
                return problems_add(reader->problems, SEVERITY_ERROR, reader->file, line,
                                    "leaf 0x%08" PRIx32 ".%" PRIu32 " is given twice", leaf->leaf,
                                    leaf->subleaf);
        if (facts->n_hypervisor_cpuid == CPUID_LEAVES_MAX)
                return problems_add(reader->problems, SEVERITY_ERROR, reader->file, line,
                                    "more than %d leaves in [" SECTION_CPUID "]", CPUID_LEAVES_MAX);

        r = array_grow(&facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, sizeof(*leaf));
        if (r < 0)
                return r;
        facts->hypervisor_cpuid[facts->n_hypervisor_cpuid++] = *leaf;
        return 0;
}

static int read_leaf(struct reader *reader, const struct ini_item *item) {
        struct cpuid_leaf leaf = {};
        int r = 1;

        if (parse_leaf_name(item->key, &leaf))
                r = parse_registers(item->value, &leaf);
        if (r < 0)
                return r;
        if (r > 0)
                return problems_add(reader->problems, SEVERITY_ERROR, reader->file, item->line,
                                    "%s = '%s': not 0xLEAF.SUBLEAF = 0xEAX 0xEBX 0xECX 0xEDX",
                                    item->key, item->value);
        return add_leaf(reader, &leaf, item->line);
}

static const struct {
        const char *name;
        int (*read)(struct reader *reader, const struct ini_item *item);
} sections[] = {
        {SECTION_HOST, read_key},
        {SECTION_CPUID, read_leaf},
};

static int read_item(const struct ini_item *item, void *userdata) {
        struct reader *reader = userdata;

        for (size_t i = 0; i < ELEMENTS_OF(sections); i++)
                if (streq(item->section, sections[i].name))
                        return item->key ? sections[i].read(reader, item) : 0;
        if (item->key)
                return 0; /* reported with its section */
        return problems_add(reader->problems, SEVERITY_ERROR, reader->file, item->line,
                            "unknown section [%s]", item->section);
}

static int check_required(struct reader *reader) {
        int r = 0;

        for (size_t i = 0; i < N_HOST_KEYS && r == 0; i++)
                if (host_keys[i].required && !reader->given[i])
                        r = problems_add(reader->problems, SEVERITY_ERROR, reader->file, 0,
                                         "key '%s' is missing in [" SECTION_HOST "]",
                                         host_keys[i].name);
        return r;
}

int host_facts_parse(const char *file, const char *text, size_t length, struct problems *problems,
                     struct host_facts **ret) {
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        struct reader reader = {.file = file, .problems = problems, .facts = facts};
        size_t errors_before = problems->errors;
        int r;

        if (!facts)
                return -ENOMEM;
        r = ini_read(file, text, length, read_item, &reader, problems);
        if (r == 0)
                r = check_required(&reader);
        if (r < 0)
                return r;
        if (problems->errors > errors_before)
                return 1;

        *ret = STEAL(facts);
        return 0;
}

static int print_key(const char *key, const char *value, void *userdata) {
        FILE *file = userdata;

        return fprintf(file, "%s = %s\n", key, value) < 0 ? -ENOMEM : 0;
}

static int print_facts(FILE *file, const struct host_facts *facts) {
        int r;

        fputs("[" SECTION_HOST "]\n", file);
        r = host_facts_visit(facts, print_key, file);
        if (r < 0)
                return r;
        if (facts->n_hypervisor_cpuid > 0)
                fputs("\n[" SECTION_CPUID "]\n", file);
        for (size_t i = 0; i < facts->n_hypervisor_cpuid; i++) {
                const struct cpuid_leaf *leaf = &facts->hypervisor_cpuid[i];

                fprintf(file,
                        "0x%08" PRIx32 ".%" PRIu32 " = 0x%08" PRIx32 " 0x%08" PRIx32 " 0x%08" PRIx32
                        " 0x%08" PRIx32 "\n",
                        leaf->leaf, leaf->subleaf, leaf->eax, leaf->ebx, leaf->ecx, leaf->edx);
        }
        return fflush(file) != 0 || ferror(file) ? -ENOMEM : 0;
}

int host_facts_format(const struct host_facts *facts, char **ret) {
        AUTO_FREE char *text = NULL;
        size_t length;
        FILE *file = open_memstream(&text, &length);
        int r;

        if (!file)
                return -ENOMEM;
        r = print_facts(file, facts);
        if (fclose(file) != 0 && r == 0)
                r = -ENOMEM;
        if (r < 0)
                return r;

        *ret = STEAL(text);
        return 0;
}
