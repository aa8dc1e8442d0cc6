/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/known.h"
#include "core/policy/policy_parse.h"

#include <string.h>

#include "data.h"

#define HOST(xsaves)                                                                               \
        "[host]\nhostname = h\nvendor = AuthenticAMD\nfamily = 23\nmodel = 49\nstepping = 0\n"     \
        "cpu-xsaves = yes\nhypervisor-xsavec = yes\nhypervisor-xsaves = " xsaves "\n"
#define ALLOW "[host h]\nhostname = *\nxsaves = allow\n"
#define GUEST(name, rule) "[guest " name "]\nname = *\n" rule

static const char *const hosts[] = {HOST("no"), HOST("yes")};
static const char *const policies[] = {
        "",
        "[policy]\ndefault = keep\n",
        "[policy]\ndefault = deny\n",
        GUEST("a", "xsaves = deny\n"),
        GUEST("b", "xsaves = deny\n"),
        GUEST("a", "xsaves = deny\nhide-xsavec = yes\n"),
        GUEST("a", "xsaves = keep\n"),
        ALLOW GUEST("a", "xsaves = allow\n"),
        ALLOW GUEST("a", "xsaves = allow\nguest = never-uses-xsaves\n"),
};

#define DOMAIN(cpu, rest)                                                                          \
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>"              \
        "<name>g</name><os><type arch='x86_64'>hvm</type></os>" cpu rest "</domain>"
#define CPU(features) "<cpu mode='host-passthrough'>" features "</cpu>"

static const char *const domains[] = {
        DOMAIN("", ""),
        DOMAIN(CPU(""), ""),
        DOMAIN(CPU("<feature policy='disable' name='xsaves'/>"), ""),
        DOMAIN(CPU("<feature policy='force' name='xsaves'/>"), ""),
        DOMAIN(CPU("<feature policy='require' name='xsavec'/>"), ""),
        DOMAIN(CPU(""), "<qemu:commandline><qemu:arg value='-global'/>"
                        "<qemu:arg value='x86_64-cpu.x-force-features=on'/></qemu:commandline>"),
};

#define N_JUDGES (ELEMENTS_OF(hosts) * ELEMENTS_OF(policies))

struct rules {
        struct policy *policy;
        struct host_facts *host;
        struct judge judge;
};

static struct rules all_rules[N_JUDGES];

static int setup(void **state UNUSED) {
        for (size_t i = 0; i < N_JUDGES; i++) {
                const char *policy = policies[i % ELEMENTS_OF(policies)];
                const char *host = hosts[i / ELEMENTS_OF(policies)];
                const struct policy_text text = {"policy", policy, strlen(policy)};
                struct rules *rules = &all_rules[i];
                AUTO_PROBLEMS struct problems problems = {};

                rules->policy = policy_parse(&text, 1, &problems);
                assert_non_null(rules->policy);
                assert_int_equal(
                        host_facts_parse("facts", host, strlen(host), &problems, &rules->host), 0);
                judge_init(&rules->judge, rules->policy, rules->host, NULL);
        }
        return 0;
}

static int teardown(void **state UNUSED) {
        for (size_t i = 0; i < N_JUDGES; i++) {
                policy_free(all_rules[i].policy);
                host_facts_free(all_rules[i].host);
        }
        return 0;
}

static void rewrite(const struct judge *judge, const char *xml, struct rewritten *ret) {
        AUTO_FREE char *reason = NULL;

        rewritten_clear(ret);
        assert_int_equal(rewrite_xml(judge, xml, strlen(xml), ret, &reason), 0);
}

/* Whatever is said of a text must be what rewrite_xml() does with it; returns whether anything was said. */
static bool is_told_truly(const struct known *known, const struct judge *judge, const char *xml) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        struct decision decision;

        if (!known_is_in_line(known, judge, xml, strlen(xml), &decision))
                return false;
        rewrite(judge, xml, &rewritten);
        assert_false(rewritten.changed);
        assert_int_equal(decision.verdict, rewritten.decision.verdict);
        assert_int_equal(decision.means, rewritten.decision.means);
        assert_int_equal(decision.reason, rewritten.decision.reason);
        assert_ptr_equal(decision.guest_rule, rewritten.decision.guest_rule);
        assert_ptr_equal(decision.host_rule, rewritten.decision.host_rule);
        return true;
}

/* Bring a domain in line with one judge, and ask all of them. */
static void ask_all(const char *xml, size_t first) {
        AUTO_REWRITTEN struct rewritten rewritten = {}, again = {};
        CLEANUP(known_clear) struct known known = {};
        const struct judge *judge = &all_rules[first].judge;

        rewrite(judge, xml, &rewritten);
        rewrite(judge, rewritten.xml, &again);
        assert_false(again.changed);
        assert_int_equal(known_set(&known, judge, again.xml, again.length, &again), 0);
        assert_true(is_told_truly(&known, judge, again.xml));
        for (size_t i = 0; i < N_JUDGES; i++)
                is_told_truly(&known, &all_rules[i].judge, again.xml);
}

static void what_is_known_is_what_a_rewrite_would_find(void **state UNUSED) {
        for (size_t i = 0; i < ELEMENTS_OF(domains); i++)
                for (size_t k = 0; k < N_JUDGES; k++)
                        ask_all(domains[i], k);
}

static void another_text_is_not_known(void **state UNUSED) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        CLEANUP(known_clear) struct known known = {};
        const struct judge *judge = &all_rules[1].judge;

        assert_false(is_told_truly(&known, judge, domains[0]));
        rewrite(judge, domains[0], &rewritten);
        assert_int_equal(known_set(&known, judge, domains[0], strlen(domains[0]), &rewritten), 0);
        assert_true(is_told_truly(&known, judge, domains[0]));
        assert_false(is_told_truly(&known, judge, domains[1]));
        assert_false(is_told_truly(&known, judge, ""));
}

static void what_was_changed_is_not_known(void **state UNUSED) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        CLEANUP(known_clear) struct known known = {};
        const struct judge *judge = &all_rules[2].judge;

        rewrite(judge, domains[3], &rewritten);
        assert_true(rewritten.changed);
        assert_int_equal(known_set(&known, judge, domains[3], strlen(domains[3]), &rewritten), 0);
        assert_false(is_told_truly(&known, judge, domains[3]));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_known_is_what_a_rewrite_would_find),
                cmocka_unit_test(another_text_is_not_known),
                cmocka_unit_test(what_was_changed_is_not_known),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
