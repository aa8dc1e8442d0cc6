/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The daemon and the hook with one call that fails, of each kind in turn: they end by themselves or go on, never by a
 * signal but the SIGABRT of out_of_memory(); a definition is the old one or the complete new one; no answer is wrong; and
 * afterwards all is well.
 *
 *   test-faults DAEMON HOOK SHIM
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage.h"

#define DOMAIN(name, uuid, feature, more)                                                          \
        "<domain type='test'><name>" name "</name><uuid>" uuid "</uuid><memory>1024</memory>"      \
        "<os><type arch='x86_64'>hvm</type></os><cpu mode='host-passthrough'>" feature             \
        "</cpu>" more "</domain>"
#define FORCED "<feature policy='force' name='xsaves'/>"
#define FORCE_PAIR                                                                                 \
        "<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"                     \
        "<q:arg value='-global'/><q:arg value='x86_64-cpu.x-force-features=on'/></q:commandline>"

static struct {
        const char *xml;
        char *before, *after; /* as libvirt writes it */
} domains[] = {
        {DOMAIN("granted", "6d4b5a86-3a0d-4b5c-9a57-000000000001", "", ""), NULL, NULL},
        {DOMAIN("asking", "6d4b5a86-3a0d-4b5c-9a57-000000000002", FORCED, ""), NULL, NULL},
};
static const char ordinary[] = DOMAIN("ordinary", "6d4b5a86-3a0d-4b5c-9a57-000000000003", "", "");
static const char asking[] =
        DOMAIN("other", "6d4b5a86-3a0d-4b5c-9a57-000000000004", FORCED, FORCE_PAIR);

/* A fault in sight of which something was wrong. */
static unsigned n_wrong;

static void wrong(struct stage *stage, const struct fault *fault, const char *said,
                  const char *what) {
        AUTO_FREE char *name = stage_failed_function(stage), *text = stage_read(stage, said);

        n_wrong++;
        printf("# %s %u (%s, %s%s): %s; it said: %s\n", fault->kind, fault->number,
               name ? name : "none", strerrorname_np(fault->error),
               fault->lasting ? ", lasting" : "", what, text);
        fflush(stdout);
}

/* --- definitions --- */

static char *definition_of(struct stage *stage, size_t i) {
        virDomainPtr domain =
                virDomainLookupByName(stage->connection, i == 0 ? "granted" : "asking");
        char *xml = domain ? virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE) : NULL;

        stage_must(xml, "no definition");
        virDomainFree(domain);
        return xml;
}

static void define_anew(struct stage *stage) {
        for (size_t i = 0; i < ELEMENTS_OF(domains); i++) {
                virDomainPtr domain = virDomainDefineXML(stage->connection, domains[i].xml);

                stage_must(domain, "cannot define");
                virDomainFree(domain);
        }
}

/* All in line; *ret_whole: none is anything else than the old or the new one. */
static bool in_line(struct stage *stage, bool *ret_whole) {
        bool all = true;

        *ret_whole = true;
        for (size_t i = 0; i < ELEMENTS_OF(domains); i++) {
                AUTO_FREE char *xml = definition_of(stage, i);
                bool is_new = streq(xml, domains[i].after);

                all = all && is_new;
                *ret_whole = *ret_whole && (is_new || streq(xml, domains[i].before));
        }
        return all;
}

/* --- the daemon --- */

static void ask_everything(struct stage *stage) {
        stage_call(stage, "Rewrite", asking, NULL);
        stage_call(stage, "ListGuests", NULL, NULL);
        stage_call(stage, "Explain", "granted", NULL);
        stage_call(stage, "Reload", NULL, NULL);
        stage_call(stage, "Converge", NULL, NULL);
}

/* Wait until it serves, or has ended. */
static bool wait_for_daemon(struct stage *stage, unsigned msec, bool *ret_ended, int *ret_status) {
        uint64_t end = stage_now_msec() + msec;

        do {
                *ret_ended = stage_daemon_ended(stage, ret_status);
                if (*ret_ended)
                        return false;
                if (stage_gate(stage, ordinary) >= 0)
                        return true;
                stage_sleep_msec(3);
        } while (stage_now_msec() < end);
        return false;
}

static bool has_ended(const struct stage *stage) {
        siginfo_t info = {};

        return waitid(P_PID, (id_t)stage->daemon, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid != 0;
}

/* Converge until all are in line: the connection to libvirt may have to come back. */
static bool comes_in_line(struct stage *stage, unsigned msec) {
        uint64_t end = stage_now_msec() + msec;
        bool whole;

        for (;;) {
                if (in_line(stage, &whole))
                        return true;
                if (stage_now_msec() > end || has_ended(stage))
                        return false;
                stage_sleep_msec(5);
                stage_call(stage, "Converge", NULL, NULL);
        }
}

/* libsystemd 252 leaves a node's parent where it has no memory for the node (bus_node_allocate()), and asserts that it left none. */
static bool is_libsystemds(const char *said, int signal_number) {
        return signal_number == SIGABRT && strstr(said, "Assertion 'hashmap_isempty(b->nodes)'");
}

/* out_of_memory() */
static bool is_out_of_memory(const struct fault *fault, const char *said, int signal_number) {
        return streq(fault->kind, "memory") && signal_number == SIGABRT &&
               strstr(said, "xsavesd: out of memory\n");
}

/* asked: by SIGTERM, which ends it as it does any program that has not yet got so far as to block it. */
static void check_end(struct stage *stage, const struct fault *fault, int status, bool asked) {
        AUTO_FREE char *said = stage_read(stage, "daemon-said"), *what = NULL;

        if (WIFSIGNALED(status)) {
                if ((asked && WTERMSIG(status) == SIGTERM) ||
                    is_libsystemds(said, WTERMSIG(status)) ||
                    is_out_of_memory(fault, said, WTERMSIG(status)))
                        return;
                stage_must(format_to(&what, "it ended by SIG%s", sigabbrev_np(WTERMSIG(status))) ==
                                   0,
                           "memory");
                wrong(stage, fault, "daemon-said", what);
        } else if (!asked && WEXITSTATUS(status) == 0) {
                wrong(stage, fault, "daemon-said", "it ended as if all were well");
        } else if (!asked && !strstr(said, "xsavesd: ")) {
                wrong(stage, fault, "daemon-said", "it ended without a word");
        }
}

/* The answer; where there must be one, as soon as the daemon is back on the bus. */
static int ask_gate(struct stage *stage, const char *xml, bool must_answer) {
        uint64_t end = stage_now_msec() + 8000;
        int r;

        while ((r = stage_gate(stage, xml)) < 0 && must_answer && stage_now_msec() < end &&
               !has_ended(stage))
                stage_sleep_msec(20);
        return r;
}

/* Where it could not read its policy it says so; until it is told to read it again the built-in one is in force, which does
 * not govern the test driver's guests. */
static bool falls_back(const struct stage *stage) {
        AUTO_FREE char *said = stage_read(stage, "daemon-said");

        return strstr(said, "the built-in one stays in force") &&
               !strstr(said, "is in force, from");
}

/* Is the answer, where there is one, the right one? */
static void check_gate(struct stage *stage, const struct fault *fault, bool must_answer) {
        int refused = ask_gate(stage, asking, must_answer),
            accepted = ask_gate(stage, ordinary, must_answer);

        if (has_ended(stage))
                return;
        if ((refused > 0 && !falls_back(stage)) || (refused < 0 && must_answer))
                wrong(stage, fault, "daemon-said", "a guest that asks for XSAVES is not refused");
        if (accepted == 0 || (accepted < 0 && must_answer))
                wrong(stage, fault, "daemon-said", "an ordinary guest is not accepted");
}

/* One life of the daemon. False: no call failed any more. */
static bool live_with(struct stage *stage, const struct fault *fault) {
        AUTO_FREE char *name = NULL;
        bool ended, whole = true;
        int status;

        define_anew(stage);
        stage->call_usec = (fault->lasting ? UINT64_C(100) : UINT64_C(2000)) * 1000;
        stage_start_daemon(stage, fault);
        if (wait_for_daemon(stage, fault->lasting ? 300 : 8000, &ended, &status)) {
                check_gate(stage, fault, false);
                ask_everything(stage);
                ended = stage_daemon_ended(stage, &status);
        } else if (!ended && !fault->lasting) {
                wrong(stage, fault, "daemon-said", "it neither serves nor ends");
        }
        in_line(stage, &whole);
        if (!whole)
                wrong(stage, fault, "daemon-said", "a definition is half-written");
        if (!ended && !fault->lasting) {
                check_gate(stage, fault, true);
                if (!comes_in_line(stage, 5000) && !has_ended(stage))
                        wrong(stage, fault, "daemon-said", "the definitions do not come in line");
                ended = stage_daemon_ended(stage, &status);
        }
        check_end(stage, fault, ended ? status : stage_stop_daemon(stage), !ended);
        name = stage_failed_function(stage);
        return name != NULL;
}

/* --- the hook --- */

/* Exit status 0, or 1 with one line of ours. */
static void check_hook(struct stage *stage, const struct fault *fault, int status, bool may_accept,
                       bool may_refuse) {
        AUTO_FREE char *said = stage_read(stage, "said");
        char *end = strchr(said, '\n');

        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1)
                wrong(stage, fault, "said", "the hook broke");
        else if (WEXITSTATUS(status) == 0 && !may_accept)
                wrong(stage, fault, "said", "the hook accepts what asks for XSAVES");
        else if (WEXITSTATUS(status) == 1 && !may_refuse)
                wrong(stage, fault, "said", "the hook refuses an ordinary guest");
        else if (WEXITSTATUS(status) == 1 && (strncmp(said, "xsavesd: ", 9) != 0 || !end || end[1]))
                wrong(stage, fault, "said", "a refusal is not one line");
}

static bool hook_with(struct stage *stage, const struct fault *fault) {
        AUTO_FREE char *first = NULL, *second = NULL, *third = NULL;
        bool is_bus = streq(fault->kind, "bus");

        check_hook(stage, fault, stage_run_hook(stage, fault, "prepare", asking), false, true);
        first = stage_failed_function(stage);
        check_hook(stage, fault, stage_run_hook(stage, fault, "prepare", ordinary), true, !is_bus);
        second = stage_failed_function(stage);
        check_hook(stage, fault, stage_run_hook(stage, fault, "started", asking), true, false);
        third = stage_failed_function(stage);
        return first || second || third;
}

/* --- all of one kind --- */

static const struct {
        const char *kind;
        int error;
} kinds[] = {
        {"libvirt", EIO}, {"bus", EPIPE},   {"bus", ENOMEM},
        {"file", EIO},    {"file", EMFILE}, {"memory", ENOMEM},
};

/* Every call among the first `dense`, then ever fewer of them, from a place that the seed says. */
static unsigned next_number(unsigned number, unsigned dense) {
        unsigned step = number / (dense / 3);

        return number < dense || step == 0 ? number + 1
                                           : number + 1 + (unsigned)rand() % (2 * step);
}

static void all_of(struct stage *stage, size_t i, bool lasting, unsigned dense, const char *what,
                   bool (*life)(struct stage *, const struct fault *)) {
        static unsigned n_cases;
        unsigned n_faults = 0, before = n_wrong;
        uint64_t began = stage_now_msec();

        for (unsigned number = 1;; number = next_number(number, dense)) {
                const struct fault fault = {kinds[i].kind, number, kinds[i].error, lasting};

                if (!life(stage, &fault))
                        break;
                n_faults++;
        }
        printf("# %u faults in %llu ms\n", n_faults,
               (unsigned long long)(stage_now_msec() - began));
        printf("%s %u - %s: %s calls fail with %s%s\n",
               n_wrong == before && n_faults > 0 ? "ok" : "not ok", ++n_cases, what, kinds[i].kind,
               strerrorname_np(kinds[i].error), lasting ? ", all from one on" : "");
        fflush(stdout);
}

static void learn_definitions(struct stage *stage) {
        define_anew(stage);
        for (size_t i = 0; i < ELEMENTS_OF(domains); i++)
                domains[i].before = definition_of(stage, i);
        stage_start_daemon(stage, NULL);
        for (size_t i = 0; i < ELEMENTS_OF(domains); i++) {
                uint64_t end = stage_now_msec() + 30000;

                do {
                        free(domains[i].after);
                        domains[i].after = definition_of(stage, i);
                        stage_must(stage_now_msec() < end, "the daemon re-defines nothing");
                        stage_sleep_msec(10);
                } while (streq(domains[i].after, domains[i].before));
        }
        stage_stop_daemon(stage);
}

int main(int argc, char **argv) {
        const char *given = getenv("XSAVESD_TEST_SEED");
        unsigned seed = given ? (unsigned)atoi(given) : (unsigned)stage_now_msec();
        struct stage stage;
        const char *why;

        if (argc < 4 || !private_libvirtd_possible(&why)) {
                printf("1..0 # SKIP %s\n", argc < 4 ? "usage: test-faults DAEMON HOOK SHIM" : why);
                return 0;
        }
        srand(seed);
        printf("# XSAVESD_TEST_SEED=%u\n", seed);
        stage_up(&stage, argv + 1);
        learn_definitions(&stage);
        for (size_t i = 0; i < ELEMENTS_OF(kinds); i++)
                all_of(&stage, i, false, 36, "daemon", live_with);
        for (size_t i = 0; i < ELEMENTS_OF(kinds); i++)
                all_of(&stage, i, true, 3, "daemon", live_with);

        stage_start_daemon(&stage, NULL);
        while (stage_gate(&stage, ordinary) < 0)
                stage_sleep_msec(10);
        for (size_t i = 1; i < ELEMENTS_OF(kinds); i++)
                all_of(&stage, i, false, 500, "hook", hook_with);
        stage_stop_daemon(&stage);
        stage_down(&stage);
        printf("1..%zu\n", 3 * ELEMENTS_OF(kinds) - 1);
        return n_wrong > 0;
}
