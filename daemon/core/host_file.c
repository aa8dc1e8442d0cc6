/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The facts file: host facts as text and back. */

#include "core/host.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/host_key.h"
#include "core/memory.h"
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
        unsigned host_line, cpuid_line;  /* of the sections; 0: not there */
        bool is_skipped;                 /* the section: it was refused */
        unsigned key_lines[N_HOST_KEYS]; /* 0: not given */
};

#define refuse(reader, line, ...)                                                                  \
        problems_add((reader)->problems, SEVERITY_ERROR, (reader)->file, line, __VA_ARGS__)

static void read_key(struct reader *reader, const struct ini_item *item) {
        const struct host_key *key = find_key(item->key);
        unsigned *line;

        if (!key) {
                refuse(reader, item->line, "unknown key '%s' in [%s]", item->key, item->section);
                return;
        }
        line = &reader->key_lines[key - host_keys];
        if (*line > 0) {
                refuse(reader, item->line, "key \"%s\" again in [%s], after line %u; give it once",
                       key->name, item->section, *line);
                return;
        }
        *line = item->line;
        if (!key->kind->read(key, reader->facts, item->value))
                refuse(reader, item->line, "%s = '%s': not %s", key->name, item->value,
                       key->kind->wanted);
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

/* "EAX EBX ECX EDX" */
static bool parse_registers(const char *text, struct cpuid_leaf *leaf) {
        uint32_t *const registers[] = {&leaf->eax, &leaf->ebx, &leaf->ecx, &leaf->edx};
        AUTO_STRV char **words = NULL;

        need_memory(strv_split(&words, text) == 0);
        if (strv_length(words) != ELEMENTS_OF(registers))
                return false;
        for (size_t i = 0; i < ELEMENTS_OF(registers); i++)
                if (!host_parse_hex32(words[i], registers[i]))
                        return false;
        return true;
}

static void read_leaf(struct reader *reader, const struct ini_item *item) {
        struct host_facts *facts = reader->facts;
        struct cpuid_leaf leaf = {};

        if (!parse_leaf_name(item->key, &leaf) || !parse_registers(item->value, &leaf)) {
                refuse(reader, item->line,
                       "%s = '%s': not 0xLEAF.SUBLEAF = 0xEAX 0xEBX 0xECX 0xEDX", item->key,
                       item->value);
                return;
        }
        /* One leaf has more than one spelling. */
        if (cpuid_find(facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, leaf.leaf,
                       leaf.subleaf)) {
                refuse(reader, item->line, "leaf 0x%08" PRIx32 ".%" PRIu32 " is given twice",
                       leaf.leaf, leaf.subleaf);
                return;
        }
        if (facts->n_hypervisor_cpuid == CPUID_LEAVES_MAX) {
                refuse(reader, item->line, "more than %d leaves in [" SECTION_CPUID "]",
                       CPUID_LEAVES_MAX);
                return;
        }
        xgrow(&facts->hypervisor_cpuid, facts->n_hypervisor_cpuid, sizeof(leaf));
        facts->hypervisor_cpuid[facts->n_hypervisor_cpuid++] = leaf;
}

static void start_section(struct reader *reader, const struct ini_item *item) {
        bool is_cpuid = streq(item->section, SECTION_CPUID);
        unsigned *line = is_cpuid ? &reader->cpuid_line : &reader->host_line;

        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): read_item() has it from host_facts_parse(). */
        reader->is_skipped = true;
        if (!is_cpuid && !streq(item->section, SECTION_HOST)) {
                refuse(reader, item->line, "unknown section [%s]", item->section);
                return;
        }
        if (*line > 0) {
                refuse(reader, item->line, "section [%s] again, after line %u; make it one section",
                       item->section, *line);
                return;
        }
        *line = item->line;
        reader->is_skipped = false;
}

static void read_item(const struct ini_item *item, void *userdata) {
        struct reader *reader = userdata;

        if (!item->key)
                start_section(reader, item);
        else if (reader->is_skipped)
                return;
        else if (item->continues)
                refuse(reader, item->line,
                       "indented line, but facts have no lists; begin it in the first column");
        else if (streq(item->section, SECTION_HOST))
                read_key(reader, item);
        else
                read_leaf(reader, item);
}

static void check_required(struct reader *reader) {
        for (size_t i = 0; i < N_HOST_KEYS; i++)
                if (host_keys[i].required && reader->key_lines[i] == 0)
                        refuse(reader, 0, "key '%s' is missing in [" SECTION_HOST "]",
                               host_keys[i].name);
}

int host_facts_parse(const char *file, const char *text, size_t length, struct problems *problems,
                     struct host_facts **ret) {
        AUTO_HOST_FACTS struct host_facts *facts = xcalloc(1, sizeof(*facts));
        struct reader reader = {.file = file, .problems = problems, .facts = facts};
        size_t errors_before = problems->errors;

        ini_read(file, text, length, read_item, &reader, problems);
        check_required(&reader);
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
