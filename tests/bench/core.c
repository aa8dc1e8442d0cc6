/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a decision costs beside what it cannot do without: libxml2 parsing the same text, and writing it again.
 * Both sides run in turns over the same domains in one process.
 *
 *   bench-core DOMAIN-XML...
 *
 * XSAVESD_CORPUS names a folder with more of them.
 */

#include <glob.h>
#include <libxml/parser.h>
#include <libxml/xmlsave.h>
#include <string.h>
#include <time.h>

#include "core/gate.h"
#include "core/policy/policy_parse.h"
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

/* `format` makes a name or glob of a number. */
static struct policy *policy_of(unsigned n_rules, const char *format) {
        CLEANUP(problems_clear) struct problems problems = {};
        struct policy_text text = {.file = "bench"};
        AUTO_FREE char *content = NULL;
        struct policy *policy;
        size_t length;
        FILE *file = open_memstream(&content, &length);

        fputs("[policy]\nvirt-types = kvm qemu\n[host all]\nhostname = *\nxsaves = allow\n", file);
        for (unsigned i = 0; i < n_rules; i++) {
                fprintf(file, "[guest rule-%u]\nxsaves = deny\nname = ", i);
                fprintf(file, format, i);
                fputc('\n', file);
        }
        fputs("[guest all]\nname = *\nxsaves = allow\nguest = never-uses-xsaves\n", file);
        fclose(file);
        text.text = content;
        text.length = length;
        policy = policy_parse(&text, 1, &problems);
        must(policy != NULL, "the policy is refused");
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

        must(gate_judge(judge, GATE_PREPARE, START_COLD, text->xml, text->length, &answer,
                        &reason) >= 0,
             "memory");
}

/* Returns whether there was anything to rewrite. */
static bool rewrite(const struct judge *judge, const struct text *text) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;

        must(rewrite_xml(judge, text->xml, text->length, &rewritten, &reason) >= 0, "memory");
        return rewritten.changed;
}

/* Those that are rewritten come first. Returns their number. */
static int sort_out(const struct judge *judge, struct text *texts, int n) {
        int n_rewritten = 0;

        for (int i = 0; i < n; i++)
                if (rewrite(judge, &texts[i])) {
                        struct text text = texts[i];

                        texts[i] = texts[n_rewritten];
                        texts[n_rewritten++] = text;
                }
        return n_rewritten;
}

/* One judge of each policy that is measured. */
struct judges {
        struct judge few, names, globs, stars;
};

struct times {
        uint64_t parse, decide, decide_names, decide_globs, decide_stars;
        uint64_t write_all, rewrite_all;
        uint64_t write_changed, rewrite_changed; /* of those that are rewritten */
};

#define TIMED(field, n, call)                                                                      \
        do {                                                                                       \
                uint64_t start_ = now_nsec();                                                      \
                for (int i_ = 0; i_ < n; i_++)                                                     \
                        call;                                                                      \
                times.field += now_nsec() - start_;                                                \
        } while (0)

static struct times run(const struct judges *judges, const struct text *texts, int n,
                        int n_rewritten) {
        struct times times = {};

        for (unsigned round = 0; round < ROUNDS; round++) {
                TIMED(parse, n, parse(&texts[i_]));
                TIMED(decide, n, decide(&judges->few, &texts[i_]));
                TIMED(decide_names, n, decide(&judges->names, &texts[i_]));
                TIMED(decide_globs, n, decide(&judges->globs, &texts[i_]));
                TIMED(decide_stars, n, decide(&judges->stars, &texts[i_]));
                TIMED(write_all, n, parse_and_write(&texts[i_]));
                TIMED(rewrite_all, n, rewrite(&judges->few, &texts[i_]));
                TIMED(write_changed, n_rewritten, parse_and_write(&texts[i_]));
                TIMED(rewrite_changed, n_rewritten, rewrite(&judges->few, &texts[i_]));
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

struct texts {
        struct text *text;
        int n;
};

static void texts_add(struct texts *texts, const char *path) {
        struct text *grown = reallocarray(texts->text, (size_t)texts->n + 1, sizeof(*grown));

        must(grown != NULL, "memory");
        texts->text = grown;
        must(read_file(path, SIZE_MAX_READ, &grown[texts->n].xml, &grown[texts->n].length) == 0,
             path);
        texts->n++;
}

static void texts_clear(struct texts *texts) {
        for (int i = 0; i < texts->n; i++)
                free(texts->text[i].xml);
        free(texts->text);
}

static void compare(const char *what, const struct texts *texts, const struct judges *judges) {
        int n_rewritten = sort_out(&judges->few, texts->text, texts->n);
        struct times times;

        must(n_rewritten > 0, "nothing to rewrite");
        run(judges, texts->text, texts->n, n_rewritten); /* warm */
        times = run(judges, texts->text, texts->n, n_rewritten);
        printf("%s: %d domains, %d of them rewritten, %d rounds\n", what, texts->n, n_rewritten,
               ROUNDS);
        show("XML to verdict, 10 rules", times.decide, "libxml2 parse", times.parse, texts->n, 1.3);
        show("  1,000 rules, names", times.decide_names, "with 10 rules", times.decide, texts->n,
             1.5);
        show("  1,000 rules, win-1-*", times.decide_globs, "with 10 rules", times.decide, texts->n,
             1.5);
        show("  1,000 rules, *-1-prod", times.decide_stars, "with 10 rules", times.decide, texts->n,
             1.5);
        show("XML to rewritten XML", times.rewrite_all, "parse and serialize", times.write_all,
             texts->n, 1.3);
        show("  where that is another", times.rewrite_changed, "parse and serialize",
             times.write_changed, n_rewritten, 1.3);
}

static struct policy *load_policy(unsigned n_rules, const char *format) {
        uint64_t start = now_nsec();
        struct policy *policy = policy_of(n_rules, format);

        printf("a policy of %u rules is read in %.1f ms\n", n_rules,
               (double)(now_nsec() - start) / 1e6);
        return policy;
}

int main(int argc, char **argv) {
        struct policy *few = load_policy(10, "win-%u-*"), *names = load_policy(1000, "win2016-%u"),
                      *globs = load_policy(1000, "win-%u-*"),
                      *stars = load_policy(1000, "*-%u-prod");
        struct host_facts *host = masked_host();
        CLEANUP(texts_clear) struct texts own = {}, real = {};
        AUTO_FREE char *pattern = NULL;
        struct judges judges;
        glob_t found;

        policy_free(load_policy(10000, "win-%u-*"));
        judge_init(&judges.few, few, host, NULL);
        judge_init(&judges.names, names, host, NULL);
        judge_init(&judges.globs, globs, host, NULL);
        judge_init(&judges.stars, stars, host, NULL);
        must(argc > 1, "usage: bench-core DOMAIN-XML...");
        for (int i = 1; i < argc; i++)
                texts_add(&own, argv[i]);
        compare("as libvirt writes it", &own, &judges);

        if (getenv("XSAVESD_CORPUS")) {
                must(format_to(&pattern, "%s/domains/*.xml", getenv("XSAVESD_CORPUS")) == 0 &&
                             glob(pattern, 0, NULL, &found) == 0,
                     "no corpus");
                for (size_t i = 0; i < found.gl_pathc; i++)
                        texts_add(&real, found.gl_pathv[i]);
                globfree(&found);
                compare("the corpus", &real, &judges);
        }

        policy_free(few);
        policy_free(names);
        policy_free(globs);
        policy_free(stars);
        host_facts_free(host);
        return 0;
}
