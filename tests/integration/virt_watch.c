/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "virt_watch.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/policy/policy_parse.h"

#define FACTS                                                                                      \
        "[host]\nhostname = rome\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\nstepping = 0\n"  \
        "virtualized = no\ncpu-xsaves = yes\ncpu-xsavec = yes\nhypervisor-xsavec = yes\n"

static struct watch_guest *find_guest(const struct watch *watch, const char *name) {
        for (size_t i = 0; i < watch->n_guests; i++)
                if (streq(watch->guests[i].name, name))
                        return (struct watch_guest *)&watch->guests[i];
        return NULL;
}

static void guest_forget(struct watch_guest *guest) {
        free(guest->name);
        free(guest->uuid);
        free(guest->error);
        *guest = (struct watch_guest){};
}

/* --- handlers --- */

static void on_connected(const char *host_model, void *userdata) {
        struct watch *watch = userdata;

        watch->n_connected++;
        free(watch->host_model);
        assert_int_equal(strdup_to(&watch->host_model, host_model), 0);
        assert_int_equal(virt_set_ruleset(watch->virt, watch->ruleset), 0);
}

static void on_disconnected(const char *error, void *userdata) {
        struct watch *watch = userdata;

        assert_non_null(error);
        watch->n_disconnected++;
}

static void on_guest(const struct virt_guest *seen, void *userdata) {
        struct watch *watch = userdata;
        struct watch_guest *guest = find_guest(watch, seen->name);
        unsigned n_reports = guest ? guest->n_reports : 0, n_edits = guest ? guest->n_edits : 0;

        if (!guest) {
                assert_true(watch->n_guests < WATCH_GUESTS_MAX);
                guest = &watch->guests[watch->n_guests++];
        }
        guest_forget(guest);
        *guest = (struct watch_guest){
                .definition = seen->definition,
                .verdict = seen->verdict,
                .reason = seen->reason,
                .active = seen->active,
                .autostart = seen->autostart,
                .next_xsaves = seen->next_xsaves,
                .next_xsavec = seen->next_xsavec,
                .runs_xsaves = seen->runs_xsaves,
                .policy_generation = seen->policy_generation,
                .n_reports = n_reports + 1,
                .n_edits = n_edits,
        };
        assert_int_equal(strdup_to(&guest->name, seen->name), 0);
        assert_int_equal(strdup_to(&guest->uuid, seen->uuid), 0);
        assert_int_equal(strdup_to(&guest->error, seen->error), 0);
}

static void on_edited(const char *uuid, void *userdata) {
        struct watch *watch = userdata;

        for (size_t i = 0; i < watch->n_guests; i++)
                if (streq(watch->guests[i].uuid, uuid)) {
                        watch->guests[i].edited = true;
                        watch->guests[i].n_edits++;
                }
}

static void on_gone(const char *uuid, void *userdata) {
        struct watch *watch = userdata;

        for (size_t i = 0; i < watch->n_guests; i++)
                if (streq(watch->guests[i].uuid, uuid)) {
                        guest_forget(&watch->guests[i]);
                        watch->guests[i] = watch->guests[--watch->n_guests];
                        watch->guests[watch->n_guests] = (struct watch_guest){};
                        return;
                }
}

static void on_pass_finished(uint64_t generation, size_t n_domains, size_t n_changed,
                             size_t n_failed, void *userdata) {
        struct watch *watch = userdata;

        assert_true(generation <= watch->generation);
        watch->n_passes++;
        watch->n_domains = n_domains;
        watch->n_changed = n_changed;
        watch->n_failed = n_failed;
}

static void changes_clear(struct watch *watch) {
        for (size_t i = 0; i < watch->n_changes; i++) {
                free(watch->changes[i].name);
                free(watch->changes[i].before);
                free(watch->changes[i].after);
                free(watch->changes[i].error);
        }
        free(STEAL(watch->changes));
        free(STEAL(watch->error));
        watch->n_changes = 0;
}

static void on_converged(uint64_t request, const struct virt_change *changes, size_t n_changes,
                         const char *error, void *userdata) {
        struct watch *watch = userdata;

        changes_clear(watch);
        watch->request = request;
        watch->n_changes = n_changes;
        watch->changes = calloc(n_changes + 1, sizeof(*changes));
        assert_non_null(watch->changes);
        assert_int_equal(strdup_to(&watch->error, error), 0);
        for (size_t i = 0; i < n_changes; i++) {
                struct virt_change *change = &watch->changes[i];

                *change = changes[i];
                assert_int_equal(strdup_to(&change->name, changes[i].name), 0);
                assert_int_equal(strdup_to(&change->before, changes[i].before), 0);
                assert_int_equal(strdup_to(&change->after, changes[i].after), 0);
                assert_int_equal(strdup_to(&change->error, changes[i].error), 0);
        }
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

/* --- watching --- */

void watch_policy(struct watch *watch, const char *policy, bool masked) {
        const char *facts =
                masked ? FACTS "hypervisor-xsaves = no\n" : FACTS "hypervisor-xsaves = yes\n";
        const struct policy_text text = {"policy", policy, strlen(policy)};
        AUTO_PROBLEMS struct problems problems = {};
        struct host_facts *host = NULL;
        struct policy *parsed = NULL;

        parsed = policy_parse(&text, 1, &problems);
        assert_non_null(parsed);
        assert_int_equal(host_facts_parse("facts", facts, strlen(facts), &problems, &host), 0);
        ruleset_unref(watch->ruleset);
        assert_int_equal(ruleset_new(parsed, host, NULL, ++watch->generation, &watch->ruleset), 0);
        if (watch->virt)
                assert_int_equal(virt_set_ruleset(watch->virt, watch->ruleset), 0);
}

void watch_begin(struct watch *watch, const char *uri) {
        assert_int_equal(virt_new(uri, watch->runtime_folder, &handlers, watch, &watch->virt), 0);
}

void watch_start(struct watch *watch, const char *uri) {
        unsigned before = watch->n_passes;

        watch_begin(watch, uri);
        watch_until(watch, watch->n_passes > before);
}

void watch_stop(struct watch *watch) {
        watch->virt = virt_free(watch->virt);
        changes_clear(watch);
        for (size_t i = 0; i < watch->n_guests; i++)
                guest_forget(&watch->guests[i]);
        watch->n_guests = 0;
}

void watch_clear(struct watch *watch) {
        watch_stop(watch);
        watch->ruleset = ruleset_unref(watch->ruleset);
        free(watch->host_model);
        *watch = (struct watch){};
}

void watch_for(struct watch *watch, unsigned ms) {
        struct pollfd poller = {.fd = virt_fd(watch->virt), .events = POLLIN};
        uint64_t left = ms;

        /* Slices, so that a stream of reports does not make it longer. */
        for (; left > 0; left -= left < 10 ? left : 10)
                if (poll(&poller, 1, 10) > 0) {
                        virt_dispatch(watch->virt);
                        usleep(1000);
                }
}

const struct watch_guest *watch_guest(const struct watch *watch, const char *name) {
        static const struct watch_guest none;
        const struct watch_guest *guest = find_guest(watch, name);

        return guest ? guest : &none;
}

bool watch_knows(const struct watch *watch, const char *name) {
        return find_guest(watch, name);
}

const struct virt_change *watch_change(const struct watch *watch, const char *name) {
        for (size_t i = 0; i < watch->n_changes; i++)
                if (streq(watch->changes[i].name, name))
                        return &watch->changes[i];
        fail_msg("no change of %s", name);
        return NULL;
}

/* --- another client --- */

static char *domain_with_uuid(const char *name, const char *uuid, const char *cpu) {
        char *xml = NULL;

        assert_int_equal(format_to(&xml,
                                   "<domain type='test'><name>%s</name>%s<memory>1024</memory>"
                                   "<os><type arch='x86_64'>hvm</type></os>"
                                   "<cpu mode='host-passthrough'>%s</cpu></domain>",
                                   name, uuid, cpu),
                         0);
        return xml;
}

char *domain_xml(const char *name, const char *cpu) {
        return domain_with_uuid(name, "", cpu);
}

/* An edit of a domain that exists, keeping its UUID; else a new one. */
void client_define(virConnectPtr client, const char *name, const char *cpu) {
        char uuid[VIR_UUID_STRING_BUFLEN], element[VIR_UUID_STRING_BUFLEN + 16] = "";
        virDomainPtr domain = virDomainLookupByName(client, name);
        AUTO_FREE char *xml = NULL;

        if (domain) {
                virDomainGetUUIDString(domain, uuid);
                virDomainFree(domain);
                snprintf(element, sizeof(element), "<uuid>%s</uuid>", uuid);
        }
        xml = domain_with_uuid(name, element, cpu);
        domain = virDomainDefineXML(client, xml);
        assert_non_null(domain);
        virDomainFree(domain);
}

void client_undefine(virConnectPtr client, const char *name) {
        virDomainPtr domain = virDomainLookupByName(client, name);

        assert_non_null(domain);
        assert_int_equal(virDomainUndefine(domain), 0);
        virDomainFree(domain);
}

void client_start(virConnectPtr client, const char *name) {
        virDomainPtr domain = virDomainLookupByName(client, name);

        assert_non_null(domain);
        assert_int_equal(virDomainCreate(domain), 0);
        virDomainFree(domain);
}

char *client_definition(virConnectPtr client, const char *name) {
        virDomainPtr domain = virDomainLookupByName(client, name);
        char *xml = NULL;

        if (!domain)
                return NULL;
        if (virDomainIsPersistent(domain) == 1)
                xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
        virDomainFree(domain);
        return xml;
}

bool client_has(virConnectPtr client, const char *name, const char *text) {
        AUTO_FREE char *xml = client_definition(client, name);

        return xml && strstr(xml, text);
}

/* --- the log --- */

static FILE *captured;
static int own_stderr = -1;

void log_capture(void) {
        captured = tmpfile();
        own_stderr = dup(STDERR_FILENO);
        assert_true(captured && own_stderr >= 0);
        assert_true(dup2(fileno(captured), STDERR_FILENO) >= 0);
        unsetenv("JOURNAL_STREAM");
}

void log_release(void) {
        char block[4096];
        size_t n;

        assert_true(dup2(own_stderr, STDERR_FILENO) >= 0);
        close(own_stderr);
        rewind(captured);
        while ((n = fread(block, 1, sizeof(block), captured)) > 0)
                fwrite(block, 1, n, stderr);
        fclose(STEAL(captured));
}

unsigned log_count(const char *a, const char *b) {
        AUTO_FREE char *line = NULL;
        size_t size = 0;
        unsigned n = 0;
        /* A descriptor of its own: the log goes on at the end while this reads. */
        AUTO_FREE char *path = NULL;
        AUTO_FCLOSE FILE *file = NULL;

        assert_int_equal(format_to(&path, "/proc/self/fd/%d", fileno(captured)), 0);
        file = fopen(path, "re");
        assert_non_null(file);
        while (getline(&line, &size, file) > 0)
                n += strstr(line, a) && strstr(line, b);
        return n;
}

void *fixture_or_skip(void **state) {
        const char *why;

        if (!*state) {
                private_libvirtd_possible(&why);
                print_message("skipped: %s\n", why);
                skip();
        }
        return *state;
}
