/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "data.h"

#include <string.h>

#include "guests.h"

static struct virt_guest guest(const char *uuid, const char *name) {
        struct virt_guest seen = {.name = (char *)name, .definition = DEFINITION_CONVERGED};

        strcpy(seen.uuid, uuid);
        return seen;
}

static int setup(void **state) {
        return guests_new((struct guests **)state);
}

static int teardown(void **state) {
        guests_free(*state);
        return 0;
}

static void test_guests_are_found_by_uuid_and_by_name(void **state) {
        struct virt_guest a = guest("aaaa", "web"), b = guest("bbbb", "db");

        assert_int_equal(guests_see(*state, &a), 0);
        assert_int_equal(guests_see(*state, &b), 0);
        assert_string_equal(guests_find(*state, "bbbb")->seen.name, "db");
        assert_string_equal(guests_find_by_name(*state, "web")->seen.uuid, "aaaa");
        assert_null(guests_find_by_name(*state, "mail"));
        assert_null(
                guests_find(*state, "a string that is longer than any UUID is ever going to be"));
}

static void test_guest_that_is_seen_again_is_one_guest(void **state) {
        struct virt_guest before = guest("aaaa", "web"), after = guest("aaaa", "www");

        assert_int_equal(guests_see(*state, &before), 0);
        assert_int_equal(guests_see(*state, &after), 0);
        assert_int_equal(guests_count(*state), 1);
        assert_null(guests_find_by_name(*state, "web"));
        assert_non_null(guests_find_by_name(*state, "www"));
}

static void test_list_is_sorted_by_name(void **state) {
        struct virt_guest a = guest("aaaa", "zebra"), b = guest("bbbb", "ant");
        AUTO_FREE struct guest_entry **entries = NULL;

        guests_see(*state, &a);
        guests_see(*state, &b);
        assert_int_equal(guests_sorted(*state, &entries), 2);
        assert_string_equal(entries[0]->seen.name, "ant");
        assert_string_equal(entries[1]->seen.name, "zebra");
}

static void test_guest_that_a_full_pass_did_not_see_is_forgotten(void **state) {
        struct virt_guest a = guest("aaaa", "stays"), b = guest("bbbb", "goes");

        guests_see(*state, &a);
        guests_see(*state, &b);
        guests_end_pass(*state);
        assert_int_equal(guests_count(*state), 2);
        guests_see(*state, &a);
        guests_end_pass(*state);
        assert_non_null(guests_find(*state, "aaaa"));
        assert_null(guests_find(*state, "bbbb"));
}

static void test_guest_seen_before_a_new_connection_alone_is_forgotten(void **state) {
        struct virt_guest a = guest("aaaa", "stays"), b = guest("bbbb", "goes");

        guests_see(*state, &a);
        guests_end_pass(*state);
        guests_see(*state, &b);
        guests_begin_anew(*state);
        guests_see(*state, &a);
        guests_end_pass(*state);
        assert_non_null(guests_find(*state, "aaaa"));
        assert_null(guests_find(*state, "bbbb"));
}

static void test_transient_guest_needs_a_restart_when_it_has_what_is_denied(void **state) {
        struct virt_guest seen = guest("aaaa", "web");

        seen.active = true;
        seen.definition = DEFINITION_TRANSIENT;
        seen.runs_xsaves = TRISTATE_YES;
        seen.verdict = VERDICT_GRANT;
        guests_see(*state, &seen);
        assert_false(guest_entry_needs_restart(guests_find(*state, "aaaa")));
        seen.verdict = VERDICT_DENY;
        guests_see(*state, &seen);
        assert_true(guest_entry_needs_restart(guests_find(*state, "aaaa")));
        seen.runs_xsaves = TRISTATE_NO;
        guests_see(*state, &seen);
        assert_false(guest_entry_needs_restart(guests_find(*state, "aaaa")));
}

static void test_guest_needs_a_restart_when_it_runs_with_something_else(void **state) {
        struct virt_guest seen = guest("aaaa", "web");

        seen.active = true;
        seen.runs_xsaves = TRISTATE_NO;
        seen.next_xsaves = true;
        guests_see(*state, &seen);
        assert_true(guest_entry_needs_restart(guests_find(*state, "aaaa")));

        seen.verdict = VERDICT_UNJUDGED;
        guests_see(*state, &seen);
        assert_false(guest_entry_needs_restart(guests_find(*state, "aaaa")));

        seen.verdict = VERDICT_KEEP;
        seen.next_xsaves = false;
        guests_see(*state, &seen);
        assert_false(guest_entry_needs_restart(guests_find(*state, "aaaa")));
}

static void test_guest_needs_a_restart_for_xsavec(void **state) {
        static const struct {
                bool hides, next, expected;
                enum tristate runs;
        } cases[] = {
                {.hides = true, .next = false, .runs = TRISTATE_YES, .expected = true},
                {.hides = true, .next = false, .runs = TRISTATE_NO, .expected = false},
                {.hides = false, .next = true, .runs = TRISTATE_NO, .expected = true},
                {.hides = false, .next = true, .runs = TRISTATE_YES, .expected = false},
                {.hides = false, .next = true, .runs = TRISTATE_UNKNOWN, .expected = false},
                /* A model of which libvirt's CPU map does not say that it has it. */
                {.hides = false, .next = false, .runs = TRISTATE_YES, .expected = false},
        };

        for (size_t i = 0; i < ELEMENTS_OF(cases); i++) {
                struct virt_guest seen = guest("aaaa", "web");

                seen.active = true;
                seen.runs_xsaves = TRISTATE_NO;
                seen.hides_xsavec = cases[i].hides;
                seen.next_xsavec = cases[i].next;
                seen.runs_xsavec = cases[i].runs;
                guests_see(*state, &seen);
                assert_int_equal(guest_entry_needs_restart(guests_find(*state, "aaaa")),
                                 cases[i].expected);
        }
}

static void test_what_started_counts_more_than_the_live_definition(void **state) {
        struct virt_guest seen = guest("aaaa", "web");

        assert_int_equal(guests_started(*state, "aaaa", true), 0);
        seen.active = true;
        seen.runs_xsaves = TRISTATE_NO;
        guests_see(*state, &seen);
        assert_int_equal(guest_entry_runs_xsaves(guests_find(*state, "aaaa")), TRISTATE_YES);

        seen.active = false;
        guests_see(*state, &seen);
        seen.active = true;
        guests_see(*state, &seen);
        assert_int_equal(guest_entry_runs_xsaves(guests_find(*state, "aaaa")), TRISTATE_NO);
}

static void
test_stored_grant_is_that_of_a_definition_in_line_that_nobody_has_changed(void **state) {
        struct virt_guest seen = guest("aaaa", "web");
        const struct guest_entry *entry;

        seen.verdict = VERDICT_GRANT;
        seen.means = MEANS_FORCED;
        seen.policy_generation = 7;
        guests_see(*state, &seen);
        entry = guests_find(*state, "aaaa");
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_FORCED);
        assert_int_equal(guest_entry_stored_grant(entry, 8), MEANS_NONE);

        guests_edited(*state, "bbbb");
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_FORCED);
        guests_edited(*state, "aaaa");
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_NONE);
        guests_see(*state, &seen);
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_FORCED);
        guests_begin_anew(*state);
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_NONE);

        seen.definition = DEFINITION_PENDING;
        guests_see(*state, &seen);
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_NONE);
        seen.definition = DEFINITION_CONVERGED;
        seen.verdict = VERDICT_KEEP;
        guests_see(*state, &seen);
        assert_int_equal(guest_entry_stored_grant(entry, 7), MEANS_NONE);
}

static void test_guest_that_does_not_run_or_is_transient_needs_no_restart(void **state) {
        struct virt_guest seen = guest("aaaa", "web");

        seen.runs_xsaves = TRISTATE_NO;
        seen.next_xsaves = true;
        guests_see(*state, &seen);
        assert_false(guest_entry_needs_restart(guests_find(*state, "aaaa")));

        seen.active = true;
        seen.definition = DEFINITION_TRANSIENT;
        guests_see(*state, &seen);
        assert_false(guest_entry_needs_restart(guests_find(*state, "aaaa")));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        const struct CMUnitTest tests[] = {
                TEST(test_guests_are_found_by_uuid_and_by_name),
                TEST(test_guest_that_is_seen_again_is_one_guest),
                TEST(test_list_is_sorted_by_name),
                TEST(test_guest_that_a_full_pass_did_not_see_is_forgotten),
                TEST(test_guest_seen_before_a_new_connection_alone_is_forgotten),
                TEST(test_transient_guest_needs_a_restart_when_it_has_what_is_denied),
                TEST(test_guest_needs_a_restart_when_it_runs_with_something_else),
                TEST(test_guest_needs_a_restart_for_xsavec),
                TEST(test_what_started_counts_more_than_the_live_definition),
                TEST(test_stored_grant_is_that_of_a_definition_in_line_that_nobody_has_changed),
                TEST(test_guest_that_does_not_run_or_is_transient_needs_no_restart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
