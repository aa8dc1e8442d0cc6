/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The libvirt thread on libvirt's test driver: alone in this process, and in a libvirtd with another client. */

#include "virt_watch.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "virt_thread.h"

#define SETTINGS "[policy]\nvirt-types = test\n"
#define DENY SETTINGS "default = deny\n"
#define KEEP SETTINGS "default = keep\n"
#define ALLOW                                                                                      \
        SETTINGS "[host h]\nhostname = *\nxsaves = allow\n[guest all]\nname = *\nxsaves = allow\n" \
                 "guest = never-uses-xsaves\n"

#define FORCE "<feature policy='force' name='xsaves'/>"
#define OFF "<feature policy='disable' name='xsaves'/>"
#define RECORD "urn:xsavesd:domain:1"

struct fixture {
        struct private_libvirtd libvirtd;
        virConnectPtr client;
        struct watch watch;
};

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));

        assert_non_null(f);
        log_capture();
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        watch_clear(&f->watch);
        log_release();
        free(f);
        return 0;
}

static int setup_libvirtd(void **state) {
        const char *why;
        struct fixture *f;

        *state = NULL;
        if (!private_libvirtd_possible(&why))
                return 0;
        setup(state);
        f = *state;
        private_libvirtd_new(&f->libvirtd);
        private_libvirtd_start(&f->libvirtd);
        f->client = virConnectOpen(f->libvirtd.uri);
        assert_non_null(f->client);
        return 0;
}

static int teardown_libvirtd(void **state) {
        struct fixture *f = *state;

        if (!f)
                return 0;
        watch_clear(&f->watch);
        if (f->client)
                virConnectClose(f->client);
        private_libvirtd_free(&f->libvirtd);
        log_release();
        free(f);
        return 0;
}

/* A watch on the libvirtd, with a policy, and with one domain that is in line. */
static struct watch *watch_with(struct fixture *f, const char *policy, const char *name,
                                const char *cpu) {
        client_define(f->client, name, cpu);
        watch_policy(&f->watch, policy, true);
        watch_start(&f->watch, f->libvirtd.uri);
        return &f->watch;
}

/* The same, where KVM offers XSAVES. */
static struct watch *watch_offering(struct fixture *f, const char *policy, const char *name,
                                    const char *cpu) {
        client_define(f->client, name, cpu);
        watch_policy(&f->watch, policy, false);
        watch_start(&f->watch, f->libvirtd.uri);
        return &f->watch;
}

/* --- alone --- */

static void one_pass_reports_every_domain(void **state) {
        struct fixture *f = *state;
        struct watch *watch = &f->watch;
        AUTO_FREE char *path = data_path("virt/node.xml"), *uri = NULL;
        const struct watch_guest *guest;

        assert_int_equal(format_to(&uri, "test://%s", path), 0);
        watch_policy(watch, DENY "[guest kept]\nname = kept\nxsaves = keep\n", false);
        watch_start(watch, uri);

        assert_int_equal(watch->n_domains, 4);
        assert_int_equal(watch->n_changed, 2);
        assert_int_equal(watch->n_failed, 0);
        assert_null(watch->host_model);

        guest = watch_guest(watch, "stopped");
        assert_int_equal(guest->definition, DEFINITION_CONVERGED);
        assert_int_equal(guest->verdict, VERDICT_DENY);
        assert_false(guest->active);
        assert_false(guest->next_xsaves);
        assert_int_equal(guest->runs_xsaves, TRISTATE_UNKNOWN);

        guest = watch_guest(watch, "kept");
        assert_int_equal(guest->definition, DEFINITION_CONVERGED);
        assert_int_equal(guest->reason, REASON_KEPT_BY_RULE);
        assert_true(guest->next_xsaves);
}

static void a_running_guest_is_not_touched_but_its_next_start_is(void **state) {
        struct fixture *f = *state;
        struct watch *watch = &f->watch;
        AUTO_FREE char *path = data_path("virt/node.xml"), *uri = NULL;
        const struct watch_guest *guest;

        assert_int_equal(format_to(&uri, "test://%s", path), 0);
        watch_policy(watch, DENY, false);
        watch_start(watch, uri);

        guest = watch_guest(watch, "running");
        assert_int_equal(guest->definition, DEFINITION_CONVERGED);
        assert_true(guest->active);
        assert_int_equal(guest->runs_xsaves, TRISTATE_YES);
        assert_false(guest->next_xsaves);

        guest = watch_guest(watch, "transient");
        assert_int_equal(guest->definition, DEFINITION_TRANSIENT);
        assert_int_equal(guest->verdict, VERDICT_DENY);
        assert_int_equal(guest->runs_xsaves, TRISTATE_YES);
}

static void a_second_pass_changes_nothing(void **state) {
        struct fixture *f = *state;
        struct watch *watch = &f->watch;
        AUTO_FREE char *path = data_path("virt/node.xml"), *uri = NULL;

        assert_int_equal(format_to(&uri, "test://%s", path), 0);
        watch_policy(watch, DENY, false);
        watch_start(watch, uri);
        watch_policy(watch, DENY, false);
        watch_until(watch, watch->n_passes == 2);
        assert_int_equal(watch->n_changed, 0);
        assert_int_equal(watch_guest(watch, "stopped")->policy_generation, 2);
}

static void the_newest_ruleset_ends_the_pass_of_an_older_one(void **state) {
        struct fixture *f = *state;
        struct watch *watch = &f->watch;
        AUTO_FREE char *path = data_path("virt/node.xml"), *uri = NULL;

        assert_int_equal(format_to(&uri, "test://%s", path), 0);
        watch_policy(watch, DENY, false);
        watch_start(watch, uri);
        for (int n = 0; n < 20; n++)
                watch_policy(watch, n % 2 ? KEEP : DENY, false);
        watch_until(watch, watch_guest(watch, "stopped")->policy_generation == 21);
        watch_for(watch, 300);
        assert_int_equal(watch_guest(watch, "stopped")->verdict, VERDICT_KEEP);
        assert_true(watch->n_passes < 21);
}

/* --- beside another client --- */

static void what_somebody_defines_is_redefined_once(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, DENY, "early", FORCE);
        unsigned n_reports;

        assert_true(client_has(f->client, "early", OFF));
        client_define(f->client, "late", FORCE);
        watch_until(watch, watch_guest(watch, "late")->definition == DEFINITION_CONVERGED);
        assert_true(client_has(f->client, "late", OFF));

        /* Our own event is no change. */
        watch_for(watch, 1500);
        n_reports = watch_guest(watch, "late")->n_reports;
        assert_in_range(n_reports, 1, 2);
        assert_int_equal(log_count("Re-defined domain 'late'", ""), 1);

        client_define(f->client, "late", FORCE "<feature policy='require' name='aes'/>");
        watch_until(watch, log_count("Re-defined domain 'late'", "") == 2);
        assert_true(client_has(f->client, "late", OFF));
        assert_true(client_has(f->client, "late", "name='aes'"));
        watch_for(watch, 1500);
        assert_int_equal(log_count("may be lost", ""), 0);
}

static void a_new_ruleset_redefines_and_an_older_one_takes_it_back(void **state) {
        struct fixture *f = fixture_or_skip(state);
        AUTO_FREE char *before = NULL, *after = NULL;
        struct watch *watch = watch_with(f, KEEP, "guest", FORCE);

        before = client_definition(f->client, "guest");
        watch_policy(watch, DENY, true);
        watch_until(watch, watch->n_passes == 2);
        assert_int_equal(watch->n_changed, 1);
        assert_true(client_has(f->client, "guest", OFF));
        assert_true(client_has(f->client, "guest", RECORD));

        watch_policy(watch, KEEP, true);
        watch_until(watch, watch->n_passes == 3);
        after = client_definition(f->client, "guest");
        assert_string_equal(before, after);
}

static void what_is_not_enforced_is_pending(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_offering(f, DENY "enforce = no\n", "guest", FORCE);

        assert_int_equal(watch_guest(watch, "guest")->definition, DEFINITION_PENDING);
        assert_int_equal(watch_guest(watch, "guest")->verdict, VERDICT_DENY);
        assert_true(watch_guest(watch, "guest")->next_xsaves);
        assert_true(client_has(f->client, "guest", FORCE));
        client_define(f->client, "fine", OFF);
        watch_until(watch, watch_knows(watch, "fine"));
        assert_int_equal(watch_guest(watch, "fine")->definition, DEFINITION_CONVERGED);
}

static void a_start_and_a_stop_are_seen(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_offering(f, KEEP, "guest", FORCE);
        virDomainPtr domain = virDomainLookupByName(f->client, "guest");

        assert_int_equal(virDomainSetAutostart(domain, 1), 0);
        client_start(f->client, "guest");
        watch_until(watch, watch_guest(watch, "guest")->active);
        assert_true(watch_guest(watch, "guest")->autostart);
        assert_int_equal(watch_guest(watch, "guest")->runs_xsaves, TRISTATE_YES);
        assert_int_equal(virDomainDestroy(domain), 0);
        watch_until(watch, !watch_guest(watch, "guest")->active);
        assert_int_equal(watch_guest(watch, "guest")->runs_xsaves, TRISTATE_UNKNOWN);
        virDomainFree(domain);
}

static void an_undefined_domain_is_gone_unless_it_runs(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, DENY, "stopped", FORCE);
        virDomainPtr domain;

        client_define(f->client, "running", FORCE);
        client_start(f->client, "running");
        watch_until(watch, watch_guest(watch, "running")->active);
        client_undefine(f->client, "stopped");
        client_undefine(f->client, "running");
        watch_until(watch, !watch_knows(watch, "stopped"));
        watch_until(watch, watch_guest(watch, "running")->definition == DEFINITION_TRANSIENT);

        domain = virDomainLookupByName(f->client, "running");
        assert_int_equal(virDomainDestroy(domain), 0);
        virDomainFree(domain);
        watch_until(watch, !watch_knows(watch, "running"));
}

static void metadata_can_make_another_rule_match(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch =
                watch_with(f, DENY "[guest w]\nos = http://microsoft.com/win/*\nxsaves = keep\n",
                           "guest", FORCE);
        virDomainPtr domain = virDomainLookupByName(f->client, "guest");

        assert_true(client_has(f->client, "guest", OFF));
        assert_int_equal(virDomainSetMetadata(
                                 domain, VIR_DOMAIN_METADATA_ELEMENT,
                                 "<libosinfo><os id='http://microsoft.com/win/2k16'/></libosinfo>",
                                 "libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0",
                                 VIR_DOMAIN_AFFECT_CONFIG),
                         0);
        virDomainFree(domain);
        watch_until(watch, watch_guest(watch, "guest")->verdict == VERDICT_KEEP);
        assert_true(client_has(f->client, "guest", FORCE));
}

static const char *malformed(const char *name) {
        return streq(name, "bad") ? "<domain type='test'><name>bad</name>" : NULL;
}

static void a_refused_definition_is_reported_and_not_tried_in_a_loop(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch;

        client_define(f->client, "bad", FORCE);
        virt_test_before_define = malformed;
        watch = watch_offering(f, DENY, "good", FORCE);
        assert_int_equal(watch->n_failed, 1);
        assert_int_equal(watch_guest(watch, "good")->definition, DEFINITION_CONVERGED);
        assert_int_equal(watch_guest(watch, "bad")->definition, DEFINITION_FAILED);
        assert_non_null(
                strstr(watch_guest(watch, "bad")->error, "libvirt refuses the re-definition"));
        assert_false(watch_guest(watch, "bad")->next_xsaves);

        watch_for(watch, 1500);
        assert_int_equal(watch_guest(watch, "bad")->n_reports, 1);
        assert_int_equal(log_count("'bad' is not in line", ""), 1);

        /* Its next change: it is tried again, without another entry for the same refusal. */
        client_define(f->client, "bad", FORCE);
        watch_until(watch, watch_guest(watch, "bad")->n_reports == 2);
        assert_int_equal(log_count("'bad' is not in line", ""), 1);

        watch_stop(watch);
        virt_test_before_define = NULL;
        watch_start(watch, f->libvirtd.uri);
        assert_int_equal(watch_guest(watch, "bad")->definition, DEFINITION_CONVERGED);
        assert_true(client_has(f->client, "bad", OFF));
}

/* The test driver drops <qemu:commandline>, so that what is defined is never what was to be. */
static void what_libvirt_does_not_keep_is_not_defined_in_a_loop(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, ALLOW, "guest", "");

        watch_for(watch, 1500);
        assert_int_equal(log_count("Re-defined domain 'guest'", "granted-forced"), 1);
        client_define(f->client, "guest", "");
        watch_until(watch, log_count("Re-defined domain 'guest'", "") == 2);
        watch_for(watch, 1500);
        assert_int_equal(log_count("Re-defined domain 'guest'", ""), 2);
}

static void a_dead_libvirtd_is_connected_to_again(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, DENY, "guest", FORCE);

        virConnectClose(STEAL(f->client));
        private_libvirtd_kill(&f->libvirtd);
        watch_until(watch, watch->n_disconnected > 0);
        assert_int_equal(virt_converge(watch->virt, 7, false, NULL), 0);
        watch_until(watch, watch->request == 7);
        assert_non_null(watch->error);

        private_libvirtd_start(&f->libvirtd);
        f->client = virConnectOpen(f->libvirtd.uri);
        watch_until(watch, watch->n_passes == 2);
        /* The test driver forgets all with its process. */
        client_define(f->client, "other", FORCE);
        watch_until(watch, watch_guest(watch, "other")->definition == DEFINITION_CONVERGED);
        assert_true(client_has(f->client, "other", OFF));
}

static void a_dry_run_shows_what_enforcing_would_do(void **state) {
        struct fixture *f = fixture_or_skip(state);
        static const char *const guests[] = {"guest", "nobody", NULL};
        struct watch *watch = watch_with(f, DENY "enforce = no\n", "guest", FORCE);

        assert_int_equal(virt_converge(watch->virt, 1, true, (char *const *)guests), 0);
        watch_until(watch, watch->request == 1);
        assert_null(watch->error);
        assert_int_equal(watch->n_changes, 2);
        assert_true(watch_change(watch, "guest")->changed);
        assert_int_equal(watch_change(watch, "guest")->verdict, VERDICT_DENY);
        assert_non_null(strstr(watch_change(watch, "guest")->before, FORCE));
        assert_non_null(strstr(watch_change(watch, "guest")->after, "\"disable\""));
        assert_false(watch_change(watch, "nobody")->changed);
        assert_string_equal(watch_change(watch, "nobody")->error, "no such domain");
        assert_true(client_has(f->client, "guest", FORCE));

        /* For real, the policy is obeyed: it does not enforce. */
        assert_int_equal(virt_converge(watch->virt, 2, false, NULL), 0);
        watch_until(watch, watch->request == 2);
        assert_false(watch_change(watch, "guest")->changed);
        assert_true(client_has(f->client, "guest", FORCE));
}

static void what_is_reverted_stays_so_until_it_changes(void **state) {
        struct fixture *f = fixture_or_skip(state);
        static const char *const guests[] = {"guest", NULL};
        struct watch *watch = watch_with(f, DENY, "guest", FORCE);

        assert_int_equal(virt_revert(watch->virt, 1, (char *const *)guests), 0);
        watch_until(watch, watch->request == 1);
        assert_true(watch_change(watch, "guest")->changed);
        assert_null(watch_change(watch, "guest")->error);
        assert_non_null(strstr(watch_change(watch, "guest")->before, RECORD));
        assert_null(strstr(watch_change(watch, "guest")->after, RECORD));
        assert_int_equal(watch_guest(watch, "guest")->definition, DEFINITION_PENDING);
        client_start(f->client, "guest");
        watch_for(watch, 1500);
        assert_true(client_has(f->client, "guest", FORCE));
        assert_false(client_has(f->client, "guest", RECORD));

        client_define(f->client, "guest", FORCE);
        watch_until(watch, watch_guest(watch, "guest")->definition == DEFINITION_CONVERGED);

        assert_int_equal(virt_revert(watch->virt, 2, NULL), 0);
        watch_until(watch, watch->request == 2);
        assert_true(client_has(f->client, "guest", FORCE));
        watch_policy(watch, DENY, true);
        watch_until(watch, watch->n_passes == 2);
        assert_true(client_has(f->client, "guest", OFF));
}

static const char *take_your_time(const char *name UNUSED) {
        usleep(500000);
        return NULL;
}

/* The gate goes by what was said last. */
static void an_edit_is_told_before_it_is_looked_at(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, DENY, "guest", FORCE);
        virDomainPtr domain;

        watch_for(watch, 1500);
        assert_int_equal(watch_guest(watch, "guest")->n_edits, 0);

        virt_test_before_define = take_your_time;
        client_define(f->client, "guest", FORCE);
        watch_until(watch, watch_guest(watch, "guest")->edited);
        assert_int_equal(watch_guest(watch, "guest")->n_reports, 1);
        assert_true(client_has(f->client, "guest", FORCE));
        virt_test_before_define = NULL;
        watch_until(watch, watch_guest(watch, "guest")->n_reports == 2);
        assert_false(watch_guest(watch, "guest")->edited);
        assert_true(client_has(f->client, "guest", OFF));
        /* What the daemon itself defined is no edit. */
        watch_for(watch, 1500);
        assert_int_equal(watch_guest(watch, "guest")->n_edits, 1);

        /* A definition that is gone is no more what it was, either. */
        client_start(f->client, "guest");
        domain = virDomainLookupByName(f->client, "guest");
        watch_until(watch, watch_guest(watch, "guest")->active);
        assert_int_equal(virDomainUndefine(domain), 0);
        virDomainFree(domain);
        watch_until(watch, watch_guest(watch, "guest")->n_edits == 2);
        watch_until(watch, watch_guest(watch, "guest")->definition == DEFINITION_TRANSIENT);
}

/* The gate refused a start of it for drift. */
static void refuse(struct fixture *f, const char *name, bool autostart) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        virDomainPtr domain = virDomainLookupByName(f->client, name);

        assert_int_equal(virDomainSetAutostart(domain, autostart), 0);
        assert_int_equal(virDomainGetUUIDString(domain, uuid), 0);
        virDomainFree(domain);
        assert_int_equal(virt_autostart(f->watch.virt, uuid), 0);
}

static bool is_active(struct fixture *f, const char *name) {
        virDomainPtr domain = virDomainLookupByName(f->client, name);
        int active = virDomainIsActive(domain);

        virDomainFree(domain);
        return active == 1;
}

/* Refused while there is no connection: what is to start with the host is started once it is in line, and nothing else. */
static void what_libvirt_could_not_start_with_the_host_is_started(void **state) {
        struct fixture *f = fixture_or_skip(state);
        static const char *const names[] = {"guest", "manual", "running", "bad", "other"};
        struct watch *watch = &f->watch;
        AUTO_FREE char *socket = NULL, *hidden = NULL;
        virDomainPtr domain;

        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                client_define(f->client, names[i], FORCE);
        client_start(f->client, "running");
        assert_int_equal(format_to(&socket, "%s/libvirt-sock", f->libvirtd.folder), 0);
        assert_int_equal(format_to(&hidden, "%s/hidden", f->libvirtd.folder), 0);
        assert_int_equal(rename(socket, hidden), 0);
        watch_policy(watch, DENY, true);
        watch_begin(watch, f->libvirtd.uri);
        watch_until(watch, watch->n_disconnected > 0);

        virt_test_before_define = malformed;
        refuse(f, "guest", true);
        refuse(f, "guest", true);
        refuse(f, "manual", false);
        refuse(f, "running", true);
        refuse(f, "bad", true);
        assert_int_equal(virt_autostart(watch->virt, "00000000-0000-0000-0000-000000000001"), 0);
        watch_for(watch, 300);
        assert_int_equal(watch->n_connected, 0);
        assert_int_equal(rename(hidden, socket), 0);

        watch_until(watch, watch_guest(watch, "guest")->active);
        assert_true(client_has(f->client, "guest", OFF));
        watch_until(watch, log_count("'bad' is to start with the host", "stays off") == 1);
        watch_for(watch, 500);
        virt_test_before_define = NULL;
        assert_false(is_active(f, "manual") || is_active(f, "bad") || is_active(f, "other"));
        assert_int_equal(log_count("Started domain 'guest'", ""), 1);
        assert_int_equal(log_count("Started domain", ""), 1);

        /* Once. */
        domain = virDomainLookupByName(f->client, "guest");
        assert_int_equal(virDomainDestroy(domain), 0);
        virDomainFree(domain);
        watch_until(watch, !watch_guest(watch, "guest")->active);
        watch_policy(watch, DENY, true);
        watch_until(watch, watch->n_passes == 2);
        watch_for(watch, 500);
        assert_false(is_active(f, "guest"));
}

/* --- the end --- */

static double seconds_to_stop(struct watch *watch) {
        struct timespec before, after;

        clock_gettime(CLOCK_MONOTONIC, &before);
        watch_stop(watch);
        clock_gettime(CLOCK_MONOTONIC, &after);
        return (double)(after.tv_sec - before.tv_sec) +
               (double)(after.tv_nsec - before.tv_nsec) / 1e9;
}

static void it_stops_at_once_when_idle(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, DENY, "guest", FORCE);

        assert_true(seconds_to_stop(watch) < 0.5);
}

static void it_stops_within_a_second_while_libvirt_hangs(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = watch_with(f, DENY, "guest", FORCE);

        kill(f->libvirtd.pid, SIGSTOP);
        assert_int_equal(virt_converge(watch->virt, 1, true, NULL), 0);
        watch_for(watch, 300);
        assert_int_equal(watch->request, 0);
        assert_true(seconds_to_stop(watch) < 1.2);
        assert_int_equal(log_count("left behind", ""), 1);

        /* The thread left behind comes to its end, and frees what was left with it. */
        kill(f->libvirtd.pid, SIGCONT);
        usleep(500000);
}

#define ON_LIBVIRTD(test) cmocka_unit_test_setup_teardown(test, setup_libvirtd, teardown_libvirtd)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(one_pass_reports_every_domain, setup, teardown),
                cmocka_unit_test_setup_teardown(
                        a_running_guest_is_not_touched_but_its_next_start_is, setup, teardown),
                cmocka_unit_test_setup_teardown(a_second_pass_changes_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(the_newest_ruleset_ends_the_pass_of_an_older_one,
                                                setup, teardown),
                ON_LIBVIRTD(what_somebody_defines_is_redefined_once),
                ON_LIBVIRTD(a_new_ruleset_redefines_and_an_older_one_takes_it_back),
                ON_LIBVIRTD(what_is_not_enforced_is_pending),
                ON_LIBVIRTD(a_start_and_a_stop_are_seen),
                ON_LIBVIRTD(an_undefined_domain_is_gone_unless_it_runs),
                ON_LIBVIRTD(metadata_can_make_another_rule_match),
                ON_LIBVIRTD(a_refused_definition_is_reported_and_not_tried_in_a_loop),
                ON_LIBVIRTD(what_libvirt_does_not_keep_is_not_defined_in_a_loop),
                ON_LIBVIRTD(a_dead_libvirtd_is_connected_to_again),
                ON_LIBVIRTD(a_dry_run_shows_what_enforcing_would_do),
                ON_LIBVIRTD(what_is_reverted_stays_so_until_it_changes),
                ON_LIBVIRTD(an_edit_is_told_before_it_is_looked_at),
                ON_LIBVIRTD(what_libvirt_could_not_start_with_the_host_is_started),
                ON_LIBVIRTD(it_stops_at_once_when_idle),
                ON_LIBVIRTD(it_stops_within_a_second_while_libvirt_hangs),
        };

        data_init(argc, argv);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
