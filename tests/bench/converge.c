/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * converge [N]: a full pass over N domains (10,000), beside a bare loop of the libvirt calls that it makes, on
 * libvirt's test driver: in a libvirtd of its own (with root), where a call is what it is in production, and
 * in this process, where it is but a function. Five rounds, of which the fastest are compared: what else
 * a machine does only adds. In the first pass after connecting there is nothing to change either, but nothing is known yet.
 */

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "core/policy/policy_parse.h"
#include "core/rewrite.h"
#include "integration/private_libvirtd.h"
#include "virt.h"

#define ROUNDS 5

static void must(bool condition, const char *what) {
        if (condition)
                return;
        printf("converge: %s: %s\n", what, virGetLastErrorMessage());
        exit(1);
}

static double now(void) {
        struct timespec time;

        clock_gettime(CLOCK_MONOTONIC, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* --- the domains --- */

#define DISK(name)                                                                                 \
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2' cache='none'/>"          \
        "<source file='/var/lib/libvirt/images/%zu-" name ".qcow2'/><target dev='" name            \
        "' bus='virtio'/></disk>"

/* Of the devices that an ordinary guest has: some 4 KiB, as libvirt formats it. */
static const char template[] =
        "<domain type='test'><name>guest-%zu</name>"
        "<metadata><libosinfo:libosinfo "
        "xmlns:libosinfo='http://libosinfo.org/xmlns/libvirt/domain/1.0'>"
        "<libosinfo:os id='http://microsoft.com/win/2k16'/></libosinfo:libosinfo></metadata>"
        "<memory unit='MiB'>4096</memory><vcpu>4</vcpu>"
        "<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>"
        "<features><acpi/><apic/><hyperv mode='custom'><relaxed state='on'/><vapic "
        "state='on'/></hyperv>"
        "</features><cpu mode='host-passthrough' check='none'>"
        "<feature policy='require' name='invtsc'/></cpu>"
        "<clock offset='localtime'><timer name='rtc' tickpolicy='catchup'/>"
        "<timer name='pit' tickpolicy='delay'/><timer name='hpet' present='no'/></clock>"
        "<devices>" DISK("vda") DISK("vdb")
                DISK("vdc") "<interface type='network'><source network='default'/><model "
                            "type='virtio'/></interface>"
                            "<interface type='network'><source network='default'/><model "
                            "type='e1000e'/></interface>"
                            "<serial type='pty'><target port='0'/></serial><console type='pty'/>"
                            "<input type='tablet' bus='usb'/><graphics type='vnc' port='-1' "
                            "autoport='yes' passwd='secret'/>"
                            "<video><model type='virtio' vram='16384'/></video><memballoon "
                            "model='virtio'/>"
                            "<rng model='virtio'><backend "
                            "model='random'>/dev/urandom</backend></rng></devices></domain>";

static size_t define_all(virConnectPtr connection, size_t n) {
        size_t size = 0;

        for (size_t i = 0; i < n; i++) {
                AUTO_FREE char *xml = NULL, *stored = NULL;
                virDomainPtr domain;

                must(format_to(&xml, template, i, i, i, i) == 0, "memory");
                domain = virDomainDefineXML(connection, xml);
                must(domain != NULL, "define");
                stored = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
                must(stored != NULL, "read");
                size = strlen(stored);
                virDomainFree(domain);
        }
        return size;
}

/* --- the bare loop --- */

static void list(virConnectPtr connection, unsigned flags, virDomainPtr **ret, int *ret_n) {
        *ret_n = virConnectListAllDomains(connection, ret, flags);
        must(*ret_n >= 0, "list");
}

static void free_list(virDomainPtr *domains, int n) {
        for (int i = 0; i < n; i++)
                virDomainFree(domains[i]);
        free(domains);
}

/* Reads every domain, and defines the texts, if there are any. */
static double bare_loop(virConnectPtr connection, char *const *texts, size_t n_texts) {
        double begin = now();
        virDomainPtr *domains, *others;
        int n, n_others;

        list(connection, 0, &domains, &n);
        list(connection, VIR_CONNECT_LIST_DOMAINS_TRANSIENT, &others, &n_others);
        free_list(others, n_others);
        list(connection, VIR_CONNECT_LIST_DOMAINS_AUTOSTART, &others, &n_others);
        free_list(others, n_others);
        for (int i = 0; i < n; i++) {
                AUTO_FREE char *xml = virDomainGetXMLDesc(
                        domains[i], VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
                virDomainPtr defined;

                must(xml != NULL, "read");
                if ((size_t)i >= n_texts)
                        continue;
                defined = virDomainDefineXMLFlags(connection, texts[i], 0);
                must(defined != NULL, "define");
                virDomainFree(defined);
        }
        free_list(domains, n);
        return now() - begin;
}

/* What the pass defines, where all is to change. */
static char **rewrite_all(virConnectPtr connection, const struct judge *judge, size_t n) {
        char **texts = calloc(n, sizeof(*texts));

        must(texts != NULL, "memory");
        for (size_t i = 0; i < n; i++) {
                AUTO_FREE char *name = NULL, *xml = NULL, *reason = NULL;
                struct rewritten rewritten = {};
                virDomainPtr domain;

                must(format_to(&name, "guest-%zu", i) == 0, "memory");
                domain = virDomainLookupByName(connection, name);
                must(domain != NULL, "look up");
                xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE);
                must(xml != NULL, "read");
                must(rewrite_xml(judge, xml, strlen(xml), &rewritten, &reason) == 0, "rewrite");
                texts[i] = STEAL(rewritten.xml);
                rewritten_clear(&rewritten);
                virDomainFree(domain);
        }
        return texts;
}

static void free_all(char **texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                free(texts[i]);
        free(texts);
}

/* --- the pass --- */

struct pass {
        bool connected, finished;
        size_t n_domains, n_changed, n_failed;
};

static void on_connected(const char *host_model UNUSED, void *userdata) {
        ((struct pass *)userdata)->connected = true;
}

static void on_disconnected(const char *error, void *userdata UNUSED) {
        printf("converge: %s\n", error);
        exit(1);
}

static void on_guest(const struct virt_guest *guest UNUSED, void *userdata UNUSED) {
}

static void on_edited(const char *uuid UNUSED, void *userdata UNUSED) {
}

static void on_gone(const char *uuid UNUSED, void *userdata UNUSED) {
}

static void on_pass_finished(uint64_t generation UNUSED, size_t n_domains, size_t n_changed,
                             size_t n_failed, void *userdata) {
        *(struct pass *)userdata = (struct pass){true, true, n_domains, n_changed, n_failed};
}

static void on_converged(uint64_t request UNUSED, const struct virt_change *changes UNUSED,
                         size_t n_changes UNUSED, const char *error UNUSED, void *userdata UNUSED) {
}

static const struct virt_handlers handlers = {
        .connected = on_connected,
        .disconnected = on_disconnected,
        .guest = on_guest,
        .edited = on_edited,
        .gone = on_gone,
        .pass_finished = on_pass_finished,
        .converged = on_converged,
};

static void wait_for(struct virt *virt, const bool *condition) {
        struct pollfd poller = {.fd = virt_fd(virt), .events = POLLIN};

        while (!*condition) {
                poll(&poller, 1, -1);
                virt_dispatch(virt);
        }
}

static struct ruleset *make_ruleset(const char *text) {
        static const char facts[] =
                "[host]\nhostname = rome\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\n"
                "stepping = 0\nvirtualized = no\ncpu-xsaves = yes\ncpu-xsavec = yes\n"
                "hypervisor-xsaves = yes\nhypervisor-xsavec = yes\n";
        const struct policy_text policy_text = {"policy", text, strlen(text)};
        AUTO_PROBLEMS struct problems problems = {};
        struct policy *policy = NULL;
        struct host_facts *host = NULL;
        struct ruleset *ruleset = NULL;

        policy = policy_parse(&policy_text, 1, &problems);
        must(policy != NULL, "policy");
        must(host_facts_parse("facts", facts, strlen(facts), &problems, &host) == 0, "facts");
        must(ruleset_new(policy, host, NULL, 1, &ruleset) == 0, "memory");
        return ruleset;
}

static double full_pass(struct virt *virt, struct pass *pass, struct ruleset *ruleset,
                        size_t changed) {
        double begin = now();

        *pass = (struct pass){.connected = true};
        must(virt_set_ruleset(virt, ruleset) == 0, "memory");
        wait_for(virt, &pass->finished);
        must(pass->n_failed == 0 && pass->n_changed == changed,
             "the pass did not do what it was to");
        return now() - begin;
}

/* --- the comparison --- */

static double fastest(const double times[ROUNDS]) {
        double least = times[0];

        for (int i = 1; i < ROUNDS; i++)
                least = times[i] < least ? times[i] : least;
        return least;
}

static void tell(const char *where, const char *what, double pass[ROUNDS], double bare[ROUNDS],
                 size_t n) {
        double a = fastest(pass), b = fastest(bare);

        printf("%-12s %-14s pass %7.3f s  bare loop %7.3f s  ratio %.2f  (%zu domains, %.0f us "
               "each)\n",
               where, what, a, b, a / b, n, a / (double)n * 1e6);
}

#define SETTINGS "[policy]\nvirt-types = test\n"

struct rulesets {
        struct ruleset *deny, *keep;
};

struct times {
        double first[ROUNDS], idle[ROUNDS], busy[ROUNDS];
};

/* The definitions are the same before and after. */
static void measure_pass(const char *uri, const struct rulesets *rulesets, size_t n,
                         struct times *times, int round) {
        struct virt *virt = NULL;
        struct pass pass = {};

        must(virt_new(uri, NULL, &handlers, &pass, &virt) == 0, "thread");
        wait_for(virt, &pass.connected);
        times->first[round] = full_pass(virt, &pass, rulesets->keep, 0);
        times->idle[round] = full_pass(virt, &pass, rulesets->keep, 0);
        times->busy[round] = full_pass(virt, &pass, rulesets->deny, n);
        full_pass(virt, &pass, rulesets->keep, n);
        virt_free(virt);
}

static void measure_bare(virConnectPtr connection, const struct rulesets *rulesets, size_t n,
                         struct times *times, int round) {
        char **texts = rewrite_all(connection, &rulesets->deny->judge, n);

        times->first[round] = times->idle[round] = bare_loop(connection, NULL, 0);
        times->busy[round] = bare_loop(connection, texts, n);
        free_all(texts, n);
        /* As they were. */
        texts = rewrite_all(connection, &rulesets->keep->judge, n);
        bare_loop(connection, texts, n);
        free_all(texts, n);
}

static void measure(const char *where, const char *uri, size_t n) {
        const struct rulesets rulesets = {
                .deny = make_ruleset(SETTINGS "default = deny\n"),
                .keep = make_ruleset(SETTINGS "default = keep\n"),
        };
        virConnectPtr connection = virConnectOpen(uri);
        struct times pass, bare;

        must(connection != NULL, "connect");
        printf("%-12s definitions of %zu bytes\n", where, define_all(connection, n));
        for (int i = 0; i < ROUNDS; i++) {
                measure_bare(connection, &rulesets, n, &bare, i);
                measure_pass(uri, &rulesets, n, &pass, i);
        }
        tell(where, "first pass", pass.first, bare.first, n);
        tell(where, "nothing to do", pass.idle, bare.idle, n);
        tell(where, "all to change", pass.busy, bare.busy, n);
        virConnectClose(connection);
        ruleset_unref(rulesets.deny);
        ruleset_unref(rulesets.keep);
}

int main(int argc, char **argv) {
        size_t n = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : 10000;
        struct private_libvirtd libvirtd;
        const char *why;
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        /* The log has an entry for each re-definition. */
        dup2(null, STDERR_FILENO);
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (private_libvirtd_possible(&why)) {
                private_libvirtd_new(&libvirtd);
                private_libvirtd_start(&libvirtd);
                measure("libvirtd", libvirtd.uri, n);
                private_libvirtd_free(&libvirtd);
        } else {
                printf("libvirtd     skipped: %s\n", why);
        }
        measure("in process", "test:///default", n);
        return 0;
}
