/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/domcaps.h"

#include <string.h>

#include "data.h"

#define CAPS(modes)                                                                                \
        "<domainCapabilities><arch>x86_64</arch><cpu>" modes "</cpu></domainCapabilities>"
#define MODE(supported, content)                                                                   \
        "<mode name='host-model' supported='" supported "'>" content "</mode>"

static void model_is(const char *wanted, const char *xml) {
        AUTO_FREE char *model = NULL, *reason = NULL;

        assert_int_equal(domcaps_host_model(xml, strlen(xml), &model, &reason), 0);
        assert_null(reason);
        if (wanted)
                assert_string_equal(model, wanted);
        else
                assert_null(model);
}

static void host_model_is_found_among_the_modes(void **state UNUSED) {
        model_is(
                "EPYC-Rome",
                CAPS("<mode name='host-passthrough' supported='yes'/>"
                     "<mode name='custom' supported='yes'><model "
                     "usable='yes'>qemu64</model></mode>" MODE(
                             "yes", "<model fallback='forbid'>EPYC-Rome</model><vendor>AMD</vendor>"
                                    "<feature policy='require' name='xsaves'/>")));
}

static void unsupported_host_model_is_none(void **state UNUSED) {
        model_is(NULL, CAPS(MODE("no", "")));
        model_is(NULL, CAPS(MODE("no", "<model>EPYC</model>")));
        model_is(NULL, CAPS(MODE("yes", "")));
        model_is(NULL, CAPS(MODE("yes", "<model/>")));
        model_is(NULL, CAPS(""));
        model_is(NULL, "<domainCapabilities/>");
}

static void what_is_not_xml_is_refused(void **state UNUSED) {
        AUTO_FREE char *model = NULL, *reason = NULL;

        assert_int_equal(domcaps_host_model("<cpu>", 5, &model, &reason), 1);
        assert_non_null(reason);
        assert_null(model);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(host_model_is_found_among_the_modes),
                cmocka_unit_test(unsupported_host_model_is_none),
                cmocka_unit_test(what_is_not_xml_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
