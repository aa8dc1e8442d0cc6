/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a decision costs beside what it cannot do without: libxml2 parsing the same text, and writing it again.
 * Both sides run in turns over the same domains in one process.
 *
 *   bench-core DOMAIN-XML...
 */

#include <libxml/parser.h>
#include <libxml/xmlsave.h>
#include <string.h>
#include <time.h>

#include "core/gate.h"
#include "core/rewrite.h"
#include "read_file.h"

#define ROUNDS 40
#define SIZE_MAX_READ (8u << 20)

struct text {
        char *xml;
        size_t length;
};

static uint64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void must(bool condition, const char *what) {
        if (condition)
                return;
        fprintf(stderr, "bench-core: %s\n", what);
        exit(1);
}

static struct policy *policy_of(unsigned n_rules) {
        CLEANUP(problems_clear) struct problems problems = {};
        struct policy_text text = {.file = "bench"};
        AUTO_FREE char *content = NULL;
        struct policy *policy;
        size_t length;
        FILE *file = open_memstream(&content, &length);

        fputs("[policy]\nvirt-types = kvm qemu\n[host all]\nhostname = *\nxsaves = allow\n", file);
        for (unsigned i = 0; i < n_rules; i++)
                fprintf(file, "[guest rule-%u]\nname = vm-%u-*\nxsaves = deny\n", i, i);
        fputs("[guest all]\nname = *\nxsaves = allow\nguest = never-uses-xsaves\n", file);
        fclose(file);
        text.text = content;
        text.length = length;
        must(policy_parse(&text, 1, &problems, &policy) == 0, "the policy is refused");
        return policy;
}

static struct host_facts *masked_host(void) {
        static const char facts[] =
                "[host]\nhostname = rome\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\n"
                "stepping = 0\nmicrocode = 0x0830104d\nvirtualized = no\n"
                "cpu-xsaves = yes\ncpu-xsavec = yes\nkernel-xsaves = no\n"
                "hypervisor-xsaves = no\nhypervisor-xsavec = yes\n";
        CLEANUP(problems_clear) struct problems problems = {};
        struct host_facts *host;

        must(host_facts_parse("facts", facts, strlen(facts), &problems, &host) == 0,
             "the facts are refused");
        return host;
}

/* --- the two sides --- */

static void parse(const struct text *text) {
        xmlFreeDoc(xmlReadMemory(text->xml, (int)text->length, NULL, NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
}

static void parse_and_write(const struct text *text) {
        xmlDoc *doc = xmlReadMemory(text->xml, (int)text->length, NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        xmlChar *out = NULL;
        int length;

        if (doc)
                xmlDocDumpMemoryEnc(doc, &out, &length, "UTF-8");
        xmlFree(out);
        xmlFreeDoc(doc);
}

static void decide(const struct judge *judge, const struct text *text) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *reason = NULL;

        must(gate_judge(judge, GATE_PREPARE, false, text->xml, text->length, &answer, &reason) >= 0,
             "memory");
}

static void rewrite(const struct judge *judge, const struct text *text) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;

        must(rewrite_xml(judge, text->xml, text->length, &rewritten, &reason) >= 0, "memory");
}

struct times {
        uint64_t parse, decide, decide_many, parse_and_write, rewrite;
};

#define TIMED(field, call)                                                                         \
        do {                                                                                       \
                uint64_t start_ = now_nsec();                                                      \
                for (int i_ = 0; i_ < n; i_++)                                                     \
                        call;                                                                      \
                times.field += now_nsec() - start_;                                                \
        } while (0)

static struct times run(const struct judge *few, const struct judge *many, const struct text *texts,
                        int n) {
        struct times times = {};

        for (unsigned round = 0; round < ROUNDS; round++) {
                TIMED(parse, parse(&texts[i_]));
                TIMED(decide, decide(few, &texts[i_]));
                TIMED(decide_many, decide(many, &texts[i_]));
                TIMED(parse_and_write, parse_and_write(&texts[i_]));
                TIMED(rewrite, rewrite(few, &texts[i_]));
        }
        return times;
}

static void show(const char *what, uint64_t time, const char *beside, uint64_t other, int n,
                 double target) {
        double ratio = (double)time / (double)other;

        printf("%-34s %7.1f us   %-22s %7.1f us   ratio %.2f (target %.1f)\n", what,
               (double)time / ROUNDS / n / 1000, beside, (double)other / ROUNDS / n / 1000, ratio,
               target);
}

int main(int argc, char **argv) {
        struct policy *few_rules = policy_of(10), *many_rules = policy_of(10000);
        struct host_facts *host = masked_host();
        struct text *texts = calloc((size_t)argc, sizeof(*texts));
        struct judge few, many;
        struct times times;
        int n = argc - 1;

        must(n > 0 && texts, "usage: bench-core DOMAIN-XML...");
        for (int i = 0; i < n; i++)
                must(read_file(argv[i + 1], SIZE_MAX_READ, &texts[i].xml, &texts[i].length) == 0,
                     argv[i + 1]);
        judge_init(&few, few_rules, host, NULL);
        judge_init(&many, many_rules, host, NULL);

        run(&few, &many, texts, n); /* warm */
        times = run(&few, &many, texts, n);
        printf("%d domains, %d rounds\n", n, ROUNDS);
        show("XML to verdict, 10 rules", times.decide, "libxml2 parse", times.parse, n, 1.3);
        show("XML to verdict, 10,000 rules", times.decide_many, "with 10 rules", times.decide, n,
             1.5);
        show("XML to rewritten XML", times.rewrite, "parse and serialize", times.parse_and_write, n,
             1.3);

        for (int i = 0; i < n; i++)
                free(texts[i].xml);
        free(texts);
        policy_free(few_rules);
        policy_free(many_rules);
        host_facts_free(host);
        return 0;
}
