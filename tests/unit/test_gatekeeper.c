/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <string.h>

#include "core/policy/policy_parse.h"
#include "gatekeeper.h"

/* A masked Zen 2 host whose policy grants to all guests but those named bad*. */
static const char policy_text[] = "[policy]\n"
                                  "[host h]\nhostname = *\nxsaves = allow\n"
                                  "[guest bad]\nname = bad*\nxsaves = deny\n"
                                  "[guest all]\nname = *\nxsaves = allow\n"
                                  "guest = never-uses-xsaves\n";
static const char facts_text[] =
        "[host]\nhostname = h\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\n"
        "stepping = 0\ncpu-xsaves = yes\nhypervisor-xsaves = no\n";

#define UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"
#define DOMAIN(name, content)                                                                      \
        "<domain type='kvm' xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'><name>" name      \
        "</name>"                                                                                  \
        "<uuid>" UUID "</uuid>"                                                                    \
        "<os><type arch='x86_64'>hvm</type></os>"                                                  \
        "<cpu mode='host-passthrough'>" content "</domain>"
#define PLAIN "</cpu>"
#define FORCE                                                                                      \
        "<feature policy='force' name='xsaves'/></cpu><q:commandline><q:arg value='-global'/>"     \
        "<q:arg value='x86_64-cpu.x-force-features=on'/></q:commandline>"

#define MINUTE (60ull * 1000 * 1000)

struct fixture {
        enum means stored; /* what the stored definition of every guest has */
        struct policy *policy;
        struct host_facts *host;
        struct judge judge;
        struct gatekeeper *gatekeeper;
};

static enum means find_grant(const char *uuid, void *userdata) {
        const struct fixture *f = userdata;

        assert_string_equal(uuid, UUID);
        return f->stored;
}

static int setup(void **state) {
        struct fixture *f = calloc(1, sizeof(*f));
        const struct policy_text text = {"policy", policy_text, strlen(policy_text)};
        CLEANUP(problems_clear) struct problems problems = {};

        assert_non_null(f);
        f->policy = policy_parse(&text, 1, &problems);
        assert_non_null(f->policy);
        assert_int_equal(
                host_facts_parse("facts", facts_text, strlen(facts_text), &problems, &f->host), 0);
        judge_init(&f->judge, f->policy, f->host, NULL);
        assert_int_equal(gatekeeper_new(find_grant, f, &f->gatekeeper), 0);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        struct fixture *f = *state;

        gatekeeper_free(f->gatekeeper);
        policy_free(f->policy);
        host_facts_free(f->host);
        free(f);
        return 0;
}

static bool accepts(struct fixture *f, enum gate_operation operation, const char *xml,
                    uint64_t now) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *reason = NULL;

        assert_int_equal(gatekeeper_ask(f->gatekeeper, &f->judge, operation, xml, strlen(xml), now,
                                        &answer, &reason),
                         0);
        return answer.accept;
}

static void test_cold_start_without_its_grant_is_refused(void **state) {
        assert_false(accepts(*state, GATE_PREPARE, DOMAIN("guest", PLAIN), 0));
        assert_false(accepts(*state, GATE_START, DOMAIN("guest", PLAIN), 0));
}

static void test_restored_guest_without_its_grant_is_accepted_until_it_has_started(void **state) {
        const char *xml = DOMAIN("guest", PLAIN);

        assert_true(accepts(*state, GATE_RESTORE, xml, 0));
        assert_true(accepts(*state, GATE_PREPARE, xml, 1));
        assert_true(accepts(*state, GATE_START, xml, 2));
        assert_false(accepts(*state, GATE_PREPARE, xml, 3));
}

static void test_migrated_guest_without_its_grant_is_accepted(void **state) {
        const char *xml = DOMAIN("guest", PLAIN);

        assert_true(accepts(*state, GATE_MIGRATE, xml, 0));
        assert_true(accepts(*state, GATE_PREPARE, xml, 1));
        assert_true(accepts(*state, GATE_START, xml, 2));
}

static void test_incoming_guest_is_forgotten_after_two_minutes(void **state) {
        const char *xml = DOMAIN("guest", PLAIN);

        assert_true(accepts(*state, GATE_RESTORE, xml, 0));
        assert_true(accepts(*state, GATE_PREPARE, xml, 2 * MINUTE - 1));
        assert_false(accepts(*state, GATE_START, xml, 2 * MINUTE));
}

static void
test_incoming_guest_that_may_not_have_xsaves_is_refused_and_not_remembered(void **state) {
        const char *xml = DOMAIN("bad", FORCE);

        assert_false(accepts(*state, GATE_MIGRATE, xml, 0));
        assert_false(accepts(*state, GATE_PREPARE, xml, 1));
        assert_false(accepts(*state, GATE_PREPARE, DOMAIN("guest", PLAIN), 2));
}

static void test_incoming_is_no_licence_for_what_is_denied(void **state) {
        assert_true(accepts(*state, GATE_RESTORE, DOMAIN("bad", PLAIN), 0));
        assert_false(accepts(*state, GATE_PREPARE, DOMAIN("bad", FORCE), 1));
        /* The refused start is over: what comes next is a cold one. */
        assert_false(accepts(*state, GATE_PREPARE, DOMAIN("guest", PLAIN), 2));
}

static void test_started_ends_an_incoming_start(void **state) {
        const char *xml = DOMAIN("guest", PLAIN);

        assert_true(accepts(*state, GATE_RESTORE, xml, 0));
        assert_true(accepts(*state, GATE_STARTED, xml, 1));
        assert_false(accepts(*state, GATE_PREPARE, xml, 2));
}

static void test_start_that_misses_what_the_stored_definition_has_is_a_snapshots(void **state) {
        struct fixture *f = *state;

        f->stored = MEANS_FORCED;
        assert_true(accepts(f, GATE_PREPARE, DOMAIN("guest", PLAIN), 0));
        assert_true(accepts(f, GATE_START, DOMAIN("guest", PLAIN), 1));
        assert_false(accepts(f, GATE_PREPARE, DOMAIN("bad", FORCE), 2));
        assert_true(accepts(f, GATE_PREPARE, DOMAIN("guest", FORCE), 3));
}

/* A grant by other means is none that the definition would have to have by now. */
static void test_stored_grant_of_another_kind_does_not_count(void **state) {
        struct fixture *f = *state;

        f->stored = MEANS_NATIVE;
        assert_false(accepts(f, GATE_PREPARE, DOMAIN("guest", PLAIN), 0));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_cold_start_without_its_grant_is_refused),
                TEST(test_restored_guest_without_its_grant_is_accepted_until_it_has_started),
                TEST(test_migrated_guest_without_its_grant_is_accepted),
                TEST(test_incoming_guest_is_forgotten_after_two_minutes),
                TEST(test_incoming_guest_that_may_not_have_xsaves_is_refused_and_not_remembered),
                TEST(test_incoming_is_no_licence_for_what_is_denied),
                TEST(test_started_ends_an_incoming_start),
                TEST(test_start_that_misses_what_the_stored_definition_has_is_a_snapshots),
                TEST(test_stored_grant_of_another_kind_does_not_count),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
