/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/definition.h"
#include "core/policy/policy_parse.h"

#include <string.h>

#include "data.h"

static const char facts_text[] =
        "[host]\nhostname = h\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\nstepping = 0\n"
        "cpu-xsaves = yes\nhypervisor-xsaves = no\nhypervisor-xsavec = yes\n";

#define GRANT                                                                                      \
        "[host h]\nhostname = *\nxsaves = allow\n[guest g]\nname = *\nxsaves = allow\n"            \
        "guest = never-uses-xsaves\n"
#define DENY "[guest g]\nname = *\nxsaves = deny\nhide-xsavec = yes\n"

#define DOMAIN(attributes, before, cpu, after)                                                     \
        "<domain type='kvm'" attributes "><name>g</name>" before                                   \
        "<os><type arch='x86_64'>hvm</type></os><cpu mode='host-passthrough'>" cpu "</cpu>" after  \
        "</domain>"
#define PLAIN DOMAIN("", "", "", "")

struct fixture {
        struct policy *policy;
        struct host_facts *host;
        struct judge judge;
};

static void fixture_init(struct fixture *f, const char *policy) {
        const struct policy_text text = {"policy", policy, strlen(policy)};
        AUTO_PROBLEMS struct problems problems = {};

        f->policy = policy_parse(&text, 1, &problems);
        assert_non_null(f->policy);
        assert_int_equal(
                host_facts_parse("facts", facts_text, strlen(facts_text), &problems, &f->host), 0);
        judge_init(&f->judge, f->policy, f->host, NULL);
}

static void fixture_clear(struct fixture *f) {
        policy_free(f->policy);
        host_facts_free(f->host);
}

static void rewrite(const struct fixture *f, const char *xml, struct rewritten *ret) {
        AUTO_FREE char *reason = NULL;

        assert_int_equal(rewrite_xml(&f->judge, xml, strlen(xml), ret, &reason), 0);
}

/* What is foretold of the next start is what the rewritten XML says. */
static void foretold(const char *policy, const char *xml, bool xsaves, bool xsavec) {
        CLEANUP(fixture_clear) struct fixture f = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_GUEST struct guest guest = {};
        AUTO_FREE char *reason = NULL;
        struct next_start next, read;

        fixture_init(&f, policy);
        rewrite(&f, xml, &rewritten);
        next = next_start_rewritten(&f.judge, &rewritten);
        assert_int_equal(guest_parse(&guest, rewritten.xml, rewritten.length, &reason), 0);
        read = next_start_of(&f.judge, &guest);
        assert_int_equal(next.xsaves, xsaves);
        assert_int_equal(next.xsavec, xsavec);
        assert_int_equal(read.xsaves, xsaves);
        assert_int_equal(read.xsavec, xsavec);
}

static void next_start_is_foretold(void **state UNUSED) {
        foretold(GRANT, PLAIN, true, true);
        foretold(DENY, PLAIN, false, false);
        foretold(DENY, DOMAIN("", "", "<feature policy='force' name='xsaves'/>", ""), false, false);
        foretold("", DOMAIN("", "", "<feature policy='force' name='xsaves'/>", ""), false, true);
}

/* With the definition still as in `xml`: what the first start gives that the gate lets pass. */
static void past_gate(const char *policy, const char *xml, bool xsaves) {
        CLEANUP(fixture_clear) struct fixture f = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_GUEST struct guest actual = {};
        AUTO_FREE char *reason = NULL;
        struct judge enforcing;

        fixture_init(&f, policy);
        enforcing = f.judge;
        enforcing.enforce = true;
        assert_int_equal(rewrite_xml(&enforcing, xml, strlen(xml), &rewritten, &reason), 0);
        assert_int_equal(guest_parse(&actual, xml, strlen(xml), &reason), 0);
        assert_int_equal(next_start_past_gate(&f.judge, &actual, &rewritten).xsaves, xsaves);
}

static void next_start_is_one_that_the_gate_lets_pass(void **state UNUSED) {
        static const char forced[] =
                DOMAIN(" xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'", "",
                       "<feature policy='force' name='xsaves'/>",
                       "<q:commandline><q:arg value='-global'/>"
                       "<q:arg value='x86_64-cpu.x-force-features=on'/></q:commandline>");

        past_gate("", forced, false);
        past_gate("", PLAIN, false);
        past_gate("[policy]\nenforce = no\n", forced, true);
        past_gate("[policy]\ndefault = keep\n", forced, true);
        past_gate(GRANT, PLAIN, true);
        past_gate(GRANT, forced, true);
        past_gate("[policy]\non-drift = accept\n" GRANT, PLAIN, false);
        past_gate("[policy]\nenforce = no\n" GRANT, PLAIN, false);
}

/* As libvirt formats it: other quotes and white space, additions where its schema has them, QEMU's prefix bound
 * on the root. */
#define FORCED_RECORD                                                                              \
        "<xsavesd:domain xmlns:xsavesd='urn:xsavesd:domain:1' verdict='grant'"                     \
        " reason='granted-forced' rule='g' metadata='created'>"                                    \
        "<xsavesd:feature name='xsaves' set='force' was='absent' cpu='empty'/>"                    \
        "<xsavesd:force-pair was='absent' commandline='created'/></xsavesd:domain>"
#define FORCED_CPU(more) "\n  <feature policy='force' name='xsaves'/>" more "\n"
#define FORCED_ARGS                                                                                \
        "<qemu:commandline>\n<qemu:arg value='-global'/>"                                          \
        "<qemu:arg value='x86_64-cpu.x-force-features=on'/></qemu:commandline>"
#define QEMU " xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'"
#define STORED(record, more)                                                                       \
        DOMAIN(QEMU, "\n<metadata>\n" record "\n</metadata>", FORCED_CPU(more), FORCED_ARGS)

static void stored_is(bool wanted, const char *stored) {
        CLEANUP(fixture_clear) struct fixture f = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};

        fixture_init(&f, GRANT);
        rewrite(&f, PLAIN, &rewritten);
        assert_true(rewritten.changed);
        assert_int_equal(
                definition_is_stored(rewritten.xml, rewritten.length, stored, strlen(stored)),
                wanted);
}

static void what_libvirt_stores_is_known_again(void **state UNUSED) {
        stored_is(true, STORED(FORCED_RECORD, ""));
        /* The test driver drops the arguments. */
        stored_is(true, DOMAIN("", "<metadata>" FORCED_RECORD "</metadata>", FORCED_CPU(""), ""));
}

static void what_somebody_edited_is_another(void **state UNUSED) {
        stored_is(false, PLAIN);
        stored_is(false, STORED(FORCED_RECORD, "<feature policy='require' name='aes'/>"));
        stored_is(false, STORED(FORCED_RECORD "<a xmlns='urn:a'/>", ""));
        stored_is(false, DOMAIN("", "<metadata>" FORCED_RECORD "</metadata>",
                                "<feature policy='disable' name='xsaves'/>", ""));
        stored_is(false, "<domain>");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(next_start_is_foretold),
                cmocka_unit_test(next_start_is_one_that_the_gate_lets_pass),
                cmocka_unit_test(what_libvirt_stores_is_known_again),
                cmocka_unit_test(what_somebody_edited_is_another),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
