/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The core on the CPUID of real machines: XSAVESD_CORPUS names a folder whose cpuid/ holds
 * MACHINE.xml (libvirt's <cpudata>, each leaf) and MACHINE.sig (leaf 1, then family, model and
 * stepping) per machine.
 */

#include "core/erratum.h"
#include "core/xml.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "../unit/data.h"

/*
 * All others have no erratum 1386. None of these comes with its microcode, so none counts as
 * fixed.
 */
static const char *const live[] = {
        "EPYC-7502-32-Core",
        "Hygon-C86-7185-32-core",
        "Ryzen-7-1800X-Eight-Core",
};

/* Those whose leaf 0DH, subleaf 1 has XSAVES; all of the corpus that have it have XSAVEC too. */
static const char *const has_xsaves[] = {
        "Atom-P5362",      "Cooperlake",
        "Core-i7-8550U",   "Core-i7-8700",
        "Ice-Lake-Server", "EPYC-7502-32-Core",
        "Xeon-Gold-6130",  "Hygon-C86-7185-32-core",
        "Xeon-Gold-6148",  "Ryzen-7-1800X-Eight-Core",
};

static uint32_t number(const struct xml_element *element, const char *name) {
        const char *text = xml_attribute(element, name);

        return text ? (uint32_t)strtoul(text, NULL, 16) : 0;
}

static size_t read_leaves(const char *machine, struct cpuid_leaf *leaves, size_t room) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *relative = NULL, *text = NULL, *reason = NULL;
        size_t length, n = 0;

        assert_int_equal(format_to(&relative, "cpuid/%s.xml", machine), 0);
        text = data_read(relative, &length);
        assert_int_equal(xml_parse(text, length, &document, &reason), 0);
        XML_FOREACH_CHILD (child, xml_root(document)) {
                if (!xml_is(child, NULL, "cpuid"))
                        continue;
                assert_true(n < room);
                leaves[n++] = (struct cpuid_leaf){number(child, "eax_in"), number(child, "ecx_in"),
                                                  number(child, "eax"),    number(child, "ebx"),
                                                  number(child, "ecx"),    number(child, "edx")};
        }
        return n;
}

static void check_signature(const char *machine, const struct host_facts *facts) {
        AUTO_FREE char *relative = NULL, *text = NULL;
        unsigned family, model, stepping;

        assert_int_equal(format_to(&relative, "cpuid/%s.sig", machine), 0);
        text = data_read(relative, NULL);
        assert_int_equal(sscanf(text,
                                "%*x family: %u (%*[0-9a-fx]) model: %u (%*[0-9a-fx]) stepping: %u",
                                &family, &model, &stepping),
                         3);
        if (facts->family != family || facts->model != model || facts->stepping != stepping)
                fail_msg("%s: %u/%u/%u, not %u/%u/%u", machine, facts->family, facts->model,
                         facts->stepping, family, model, stepping);
}

static void check_machine(const char *machine) {
        struct cpuid_leaf leaves[CPUID_LEAVES_MAX];
        size_t n = read_leaves(machine, leaves, ELEMENTS_OF(leaves));
        AUTO_HOST_FACTS struct host_facts *facts = host_facts_new();
        enum tristate xsaves =
                is_among(machine, has_xsaves, ELEMENTS_OF(has_xsaves)) ? TRISTATE_YES : TRISTATE_NO;
        enum erratum_status status =
                is_among(machine, live, ELEMENTS_OF(live)) ? ERRATUM_LIVE : ERRATUM_ABSENT;

        assert_int_equal(host_facts_set_cpu(facts, leaves, n), 0);
        check_signature(machine, facts);
        if (erratum_1386_status(facts) != status)
                fail_msg("%s: erratum %s", machine,
                         erratum_status_to_string(erratum_1386_status(facts)));
        if (facts->cpu_xsaves != xsaves || facts->cpu_xsavec != xsaves)
                fail_msg("%s: xsaves %s, xsavec %s", machine, tristate_to_string(facts->cpu_xsaves),
                         tristate_to_string(facts->cpu_xsavec));
}

static void machine_is_what_its_signature_says(void **state UNUSED) {
        AUTO_STRV char **names = data_list("cpuid", ".xml");

        STRV_FOREACH (name, names) {
                AUTO_FREE char *machine = strndup(*name, strlen(*name) - strlen(".xml"));

                check_machine(machine);
        }
}

static void machines_of_the_lists_are_there(void **state UNUSED) {
        for (size_t i = 0; i < ELEMENTS_OF(live); i++) {
                struct cpuid_leaf leaves[CPUID_LEAVES_MAX];

                assert_true(read_leaves(live[i], leaves, ELEMENTS_OF(leaves)) > 0);
        }
}

int main(int argc UNUSED, char **argv) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(machine_is_what_its_signature_says),
                cmocka_unit_test(machines_of_the_lists_are_there),
        };
        char *corpus[] = {argv[0], getenv("XSAVESD_CORPUS"), NULL};
        AUTO_FREE char *folder = NULL;

        if (!corpus[1]) {
                puts("1..0 # SKIP XSAVESD_CORPUS is not set");
                return 0;
        }
        data_init(2, corpus);
        folder = data_path("cpuid");
        if (access(folder, X_OK) != 0) {
                printf("1..0 # SKIP no folder %s\n", folder);
                return 0;
        }
        return cmocka_run_group_tests(tests, NULL, NULL);
}
