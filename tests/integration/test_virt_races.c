/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Another client at the very moment between the thread's reading a definition and its defining it. */

#include "virt_watch.h"

#include <string.h>

#include "virt_in_flight.h"
#include "virt_thread.h"

#define DENY "[policy]\nvirt-types = test\ndefault = deny\n"
#define FORCE "<feature policy='force' name='xsaves'/>"
#define OFF "<feature policy='disable' name='xsaves'/>"
#define EDIT "<feature policy='require' name='aes'/>"
#define RECORD "urn:xsavesd:domain:1"

/* Longer than virt_races.c waits for events. */
#define SETTLED_MS 1800

static virConnectPtr client;

/* What somebody does in the window of a domain, once; runs in the libvirt thread. */
static void (*in_window)(void);
static void (*in_window_of_first)(void), (*in_window_of_last)(void), (*in_window_of_strange)(void);

static void do_once(void (**action)(void)) {
        void (*once)(void) = *action;

        *action = NULL;
        if (once)
                once();
}

static const char *before_define(const char *name) {
        if (streq(name, "guest"))
                do_once(&in_window);
        else if (streq(name, "first"))
                do_once(&in_window_of_first);
        else if (streq(name, "last"))
                do_once(&in_window_of_last);
        else
                do_once(&in_window_of_strange);
        return NULL;
}

struct fixture {
        struct private_libvirtd libvirtd;
        struct watch watch;
};

static int setup(void **state) {
        struct fixture *f;
        const char *why;

        *state = NULL;
        if (!private_libvirtd_possible(&why))
                return 0;
        *state = f = calloc(1, sizeof(*f));
        assert_non_null(f);
        log_capture();
        private_libvirtd_new(&f->libvirtd);
        private_libvirtd_start(&f->libvirtd);
        client = virConnectOpen(f->libvirtd.uri);
        assert_non_null(client);
        virt_test_before_define = before_define;
        in_window = in_window_of_first = in_window_of_last = in_window_of_strange = NULL;
        watch_policy(&f->watch, DENY, true);
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        if (!f)
                return 0;
        watch_clear(&f->watch);
        virConnectClose(STEAL(client));
        private_libvirtd_free(&f->libvirtd);
        log_release();
        free(f);
        return 0;
}

/* Bring `guest` in line, with somebody else in the window, and wait until all events are in. */
static struct watch *race(void **state, void (*action)(void)) {
        struct fixture *f = fixture_or_skip(state);

        in_window = action;
        watch_start(&f->watch, f->libvirtd.uri);
        if (!watch_knows(&f->watch, "guest")) {
                client_define(client, "guest", FORCE);
                watch_until(&f->watch, watch_knows(&f->watch, "guest"));
        }
        watch_for(&f->watch, SETTLED_MS);
        assert_null(in_window);
        return &f->watch;
}

static unsigned n_lost(void) {
        return log_count("'guest' was edited", "may be lost");
}

/* --- edits --- */

static void edit(void) {
        client_define(client, "guest", FORCE EDIT);
}

static void an_edit_in_the_window_is_reported(void **state) {
        struct watch *watch = race(state, edit);

        assert_false(client_has(client, "guest", "'aes'"));
        assert_true(client_has(client, "guest", OFF));
        assert_int_equal(n_lost(), 1);
        assert_int_equal(watch_guest(watch, "guest")->definition, DEFINITION_CONVERGED);

        /* Made again, it stays, and nothing is reported. */
        edit();
        watch_until(watch, client_has(client, "guest", OFF));
        watch_for(watch, SETTLED_MS);
        assert_true(client_has(client, "guest", "'aes'"));
        assert_int_equal(n_lost(), 1);
}

static void edit_twice(void) {
        client_define(client, "guest", FORCE);
        edit();
}

static void two_edits_in_the_window_are_counted(void **state) {
        race(state, edit_twice);
        assert_int_equal(log_count("may be lost", "(edits: 2)"), 1);
}

static void edit_metadata(void) {
        virDomainPtr domain = virDomainLookupByName(client, "guest");

        assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_TITLE, "mine", NULL, NULL,
                                              VIR_DOMAIN_AFFECT_CONFIG),
                         0);
        virDomainFree(domain);
}

static void metadata_set_in_the_window_is_reported(void **state) {
        race(state, edit_metadata);
        assert_false(client_has(client, "guest", "mine"));
        assert_int_equal(n_lost(), 1);
}

static void an_edit_after_our_define_is_not_lost(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = &f->watch;

        watch_start(watch, f->libvirtd.uri);
        client_define(client, "guest", FORCE);
        watch_until(watch, client_has(client, "guest", OFF));
        /* Within the time in which an event may still be late. */
        edit();
        watch_for(watch, SETTLED_MS);
        assert_true(client_has(client, "guest", "'aes'"));
        assert_true(client_has(client, "guest", OFF));
        assert_int_equal(n_lost(), 0);
}

static void define_guest_and_last(void) {
        client_define(client, "guest", FORCE);
        client_define(client, "last", FORCE);
}

static void edit_what_is_left(void) {
        assert_false(client_has(client, "guest", "'aes'"));
        client_define(client, "guest", FORCE "<feature policy='require' name='avx'/>");
}

/* Both are waiting when the thread is done with the first, so that it is at the last one when the events come of
 * what happens to the guest. */
static void an_edit_in_the_window_is_reported_when_another_comes_before_it_is_seen(void **state) {
        struct fixture *f = fixture_or_skip(state);

        in_window_of_first = define_guest_and_last;
        in_window = edit;
        in_window_of_last = edit_what_is_left;
        client_define(client, "first", FORCE);
        watch_start(&f->watch, f->libvirtd.uri);
        watch_until(&f->watch, watch_knows(&f->watch, "last"));
        watch_for(&f->watch, SETTLED_MS);
        assert_null(in_window_of_last);
        assert_true(client_has(client, "guest", "'avx'"));
        assert_true(client_has(client, "guest", OFF));
        assert_int_equal(n_lost(), 1);
}

static void nothing(void) {
}

static void edits_after_our_define_are_not_lost(void **state) {
        struct watch *watch = race(state, nothing);

        client_define(client, "guest", FORCE);
        watch_until(watch, client_has(client, "guest", OFF));
        watch_for(watch, 100);
        edit();
        watch_for(watch, 100);
        edit_metadata();
        watch_for(watch, SETTLED_MS);
        assert_true(client_has(client, "guest", "'aes'"));
        assert_true(client_has(client, "guest", "mine"));
        assert_int_equal(n_lost(), 0);
}

static void no_edit_is_no_report(void **state) {
        race(state, nothing);
        assert_true(client_has(client, "guest", OFF));
        assert_int_equal(log_count("Re-defined domain 'guest'", ""), 1);
        assert_int_equal(n_lost(), 0);
}

/* --- undefining --- */

static void undefine(void) {
        client_undefine(client, "guest");
}

static bool is_persistent(const char *name) {
        virDomainPtr domain = virDomainLookupByName(client, name);
        bool persistent = domain && virDomainIsPersistent(domain) == 1;

        if (domain)
                virDomainFree(domain);
        return persistent;
}

static void what_is_undefined_in_the_window_stays_and_is_reported(void **state) {
        struct watch *watch = race(state, undefine);

        watch_for(watch, SETTLED_MS);
        assert_true(is_persistent("guest"));
        assert_true(client_has(client, "guest", OFF));
        assert_int_equal(watch_guest(watch, "guest")->definition, DEFINITION_CONVERGED);
        assert_int_equal(log_count("'guest' was undefined while", "it stays; to remove it: "
                                                                  "virsh undefine guest\n"),
                         1);
        assert_int_equal(n_lost(), 0);

        /* Removed as it says, it is gone. */
        client_undefine(client, "guest");
        watch_until(watch, !watch_knows(watch, "guest"));
        watch_for(watch, SETTLED_MS);
        assert_null(client_definition(client, "guest"));
        assert_int_equal(log_count("was undefined while", ""), 1);
}

static void a_running_domain_that_is_undefined_in_the_window_stays_too(void **state) {
        struct watch *watch;

        fixture_or_skip(state);
        client_define(client, "guest", FORCE);
        client_start(client, "guest");
        watch = race(state, undefine);
        assert_true(is_persistent("guest"));
        assert_int_equal(watch_guest(watch, "guest")->definition, DEFINITION_CONVERGED);
        assert_int_equal(log_count("'guest' was undefined while", "virsh undefine guest\n"), 1);
}

/* Another policy comes before all events of the first definition are in. */
static void what_is_undefined_is_reported_though_it_is_defined_once_more(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct watch *watch = &f->watch;

        in_window = undefine;
        watch_start(watch, f->libvirtd.uri);
        client_define(client, "guest", FORCE);
        watch_until(watch, client_has(client, "guest", OFF));
        watch_for(watch, 200);
        watch_policy(watch, "[policy]\nvirt-types = test\ndefault = keep\n", true);
        watch_until(watch, client_has(client, "guest", FORCE));
        watch_for(watch, SETTLED_MS);
        assert_true(is_persistent("guest"));
        assert_int_equal(log_count("'guest' was undefined while", "virsh undefine guest\n"), 1);
}

/* What is to be run may be copied into a shell. */
static void undefine_strange(void) {
        client_undefine(client, "a guest; reboot");
}

static void a_name_that_is_no_word_is_not_given_to_a_shell(void **state) {
        struct fixture *f = fixture_or_skip(state);

        in_window_of_strange = undefine_strange;
        watch_start(&f->watch, f->libvirtd.uri);
        client_define(client, "a guest; reboot", FORCE);
        watch_for(&f->watch, SETTLED_MS);
        assert_null(in_window_of_strange);
        assert_true(is_persistent("a guest; reboot"));
        assert_int_equal(log_count("was undefined while", "virsh undefine "), 1);
        assert_int_equal(log_count("was undefined while", "virsh undefine a guest"), 0);
}

static char uuid[64];

static void undefine_and_define(void) {
        AUTO_FREE char *before = client_definition(client, "guest"), *xml = NULL;
        const char *begin = strstr(before, "<uuid>");
        virDomainPtr domain;

        snprintf(uuid, sizeof(uuid), "%.36s", begin + 6);
        client_undefine(client, "guest");
        assert_int_equal(
                format_to(
                        &xml,
                        "<domain type='test'><name>guest</name><uuid>%s</uuid><memory>2048</memory>"
                        "<os><type arch='x86_64'>hvm</type></os>"
                        "<cpu mode='host-passthrough'>" FORCE "</cpu></domain>",
                        uuid),
                0);
        domain = virDomainDefineXML(client, xml);
        assert_non_null(domain);
        virDomainFree(domain);
}

static void what_is_undefined_and_defined_in_the_window_stays(void **state) {
        race(state, undefine_and_define);
        assert_true(client_has(client, "guest", OFF));
        assert_int_equal(log_count("was undefined while", ""), 0);
        assert_int_equal(n_lost(), 1);
}

static void what_is_undefined_after_our_define_stays_so(void **state) {
        struct watch *watch = race(state, nothing);

        client_undefine(client, "guest");
        watch_until(watch, !watch_knows(watch, "guest"));
        watch_for(watch, SETTLED_MS);
        assert_null(client_definition(client, "guest"));
        assert_int_equal(log_count("was undefined while", ""), 0);
}

/* --- renaming --- */

static void rename_it(void) {
        virDomainPtr domain = virDomainLookupByName(client, "guest");

        assert_int_equal(virDomainRename(domain, "renamed", 0), 0);
        virDomainFree(domain);
}

/* libvirt refuses our define, by the name; the events of the rename are what it is tried again for. */
static void what_is_renamed_in_the_window_is_brought_in_line_by_its_new_name(void **state) {
        struct watch *watch = race(state, rename_it);

        watch_until(watch, watch_guest(watch, "renamed")->definition == DEFINITION_CONVERGED);
        assert_true(client_has(client, "renamed", OFF));
        assert_null(client_definition(client, "guest"));
}

/* --- events that nobody hears --- */

static struct private_libvirtd *serving;

static void kill_libvirtd(void) {
        private_libvirtd_kill(serving);
}

/* The last one is on its way when libvirtd dies. So is the guest, unless the thread has heard of its edit by then, and
 * has reported that. */
static void what_is_in_flight_when_the_connection_is_lost_is_reported(void **state) {
        struct fixture *f = fixture_or_skip(state);

        serving = &f->libvirtd;
        in_window_of_first = define_guest_and_last;
        in_window = edit;
        in_window_of_last = kill_libvirtd;
        client_define(client, "first", FORCE);
        /* Maybe before the first pass is over. */
        watch_begin(&f->watch, f->libvirtd.uri);
        watch_until(&f->watch, f->watch.n_disconnected > 0);
        assert_null(in_window_of_last);
        assert_int_equal(log_count("'last' was being re-defined when the connection to libvirt",
                                   "may be lost"),
                         1);
        assert_int_equal(log_count("'guest' was being re-defined when the connection to libvirt",
                                   "may be lost") +
                                 n_lost(),
                         1);
}

static void what_a_killed_process_had_in_flight_is_reported_once(void **state) {
        struct fixture *f = fixture_or_skip(state);
        AUTO_FREE char *xml = NULL;
        char key[VIR_UUID_STRING_BUFLEN];
        struct in_flight killed;

        client_define(client, "guest", FORCE);
        client_define(client, "other", FORCE);
        xml = client_definition(client, "guest");
        snprintf(key, sizeof(key), "%s", strstr(xml, "<uuid>") + strlen("<uuid>"));
        f->watch.runtime_folder = f->libvirtd.folder;
        assert_int_equal(in_flight_open(&killed, f->watch.runtime_folder), 0);
        in_flight_add(&killed, key, 0);
        in_flight_add(&killed, "00000000-0000-0000-0000-000000000000", 0);
        in_flight_close(&killed);

        watch_start(&f->watch, f->libvirtd.uri);
        assert_int_equal(
                log_count("'guest' was being re-defined when xsavesd was killed", "may be lost"),
                1);
        assert_int_equal(log_count("may be lost", ""), 1);
        watch_stop(&f->watch);
        watch_start(&f->watch, f->libvirtd.uri);
        assert_int_equal(log_count("may be lost", ""), 1);
}

static void who_ends_by_himself_leaves_nothing_in_flight(void **state) {
        struct fixture *f = fixture_or_skip(state);
        struct in_flight after;

        f->watch.runtime_folder = f->libvirtd.folder;
        watch_start(&f->watch, f->libvirtd.uri);
        client_define(client, "guest", FORCE);
        watch_until(&f->watch, client_has(client, "guest", OFF));
        watch_stop(&f->watch);
        assert_int_equal(in_flight_open(&after, f->watch.runtime_folder), 0);
        assert_int_equal(after.n_left, 0);
        in_flight_close(&after);
}

static void a_runtime_folder_that_is_not_there_keeps_nobody_from_work(void **state) {
        struct fixture *f = fixture_or_skip(state);

        f->watch.runtime_folder = "/nonexistent";
        watch_start(&f->watch, f->libvirtd.uri);
        client_define(client, "guest", FORCE);
        watch_until(&f->watch, client_has(client, "guest", OFF));
        assert_int_equal(log_count("/nonexistent/in-flight", "nobody will tell"), 1);
}

/* As a broken or a hostile file would be: too long, not ended, more than there may be. */
static void whatever_is_in_the_file_is_survived(void **state) {
        struct fixture *f = fixture_or_skip(state);
        AUTO_FREE char *path = NULL;
        FILE *file;

        assert_int_equal(format_to(&path, "%s/in-flight", f->libvirtd.folder), 0);
        file = fopen(path, "w");
        assert_non_null(file);
        for (unsigned i = 0; i < 10000; i++)
                assert_int_not_equal(fputc((int)(1 + i % 255), file), EOF);
        assert_int_equal(fclose(file), 0);
        f->watch.runtime_folder = f->libvirtd.folder;
        watch_start(&f->watch, f->libvirtd.uri);
        client_define(client, "guest", FORCE);
        watch_until(&f->watch, client_has(client, "guest", OFF));
        assert_int_equal(log_count("may be lost", ""), 0);
}

static void more_than_there_is_room_for_makes_the_oldest_go(void **state UNUSED) {
        struct in_flight in_flight;
        char key[VIR_UUID_STRING_BUFLEN];
        uint64_t since;

        assert_int_equal(in_flight_open(&in_flight, NULL), 0);
        assert_null(in_flight_oldest(&in_flight, &since));
        for (unsigned i = 0; i < IN_FLIGHT_MAX + 3; i++) {
                snprintf(key, sizeof(key), "%u", i);
                in_flight_add(&in_flight, key, i);
        }
        for (unsigned i = 3; i < IN_FLIGHT_MAX + 3; i++) {
                snprintf(key, sizeof(key), "%u", i);
                assert_string_equal(in_flight_oldest(&in_flight, &since), key);
                assert_int_equal(since, i);
                in_flight_drop_oldest(&in_flight);
        }
        assert_null(in_flight_oldest(&in_flight, &since));
        in_flight_drop_oldest(&in_flight);
        in_flight_close(&in_flight);
}

#define RACE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                RACE(an_edit_in_the_window_is_reported),
                RACE(two_edits_in_the_window_are_counted),
                RACE(metadata_set_in_the_window_is_reported),
                RACE(an_edit_after_our_define_is_not_lost),
                RACE(an_edit_in_the_window_is_reported_when_another_comes_before_it_is_seen),
                RACE(edits_after_our_define_are_not_lost),
                RACE(no_edit_is_no_report),
                RACE(what_is_undefined_in_the_window_stays_and_is_reported),
                RACE(a_running_domain_that_is_undefined_in_the_window_stays_too),
                RACE(what_is_undefined_is_reported_though_it_is_defined_once_more),
                RACE(a_name_that_is_no_word_is_not_given_to_a_shell),
                RACE(what_is_undefined_and_defined_in_the_window_stays),
                RACE(what_is_undefined_after_our_define_stays_so),
                RACE(what_is_renamed_in_the_window_is_brought_in_line_by_its_new_name),
                RACE(what_is_in_flight_when_the_connection_is_lost_is_reported),
                RACE(what_a_killed_process_had_in_flight_is_reported_once),
                RACE(who_ends_by_himself_leaves_nothing_in_flight),
                RACE(a_runtime_folder_that_is_not_there_keeps_nobody_from_work),
                RACE(whatever_is_in_the_file_is_survived),
                cmocka_unit_test(more_than_there_is_room_for_makes_the_oldest_go),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
