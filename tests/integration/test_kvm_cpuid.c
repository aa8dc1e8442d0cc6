/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Questions to KVM, answered by a KVM made up here. */

#include "kvm_cpuid.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>

#include "../unit/data.h"

struct fake_kvm {
        unsigned n_leaves; /* leaf I is 0x40000000 + I, but for those of `leaves` */
        const struct cpuid_leaf *leaves;
        unsigned n_given;
        int error;
        bool has_deadline_timer;
        unsigned claims; /* entries that it claims to have written; 0: as many as it did */
        unsigned n_asked;
};

static int fake_supported_cpuid(void *userdata, struct kvm_cpuid2 *cpuid) {
        struct fake_kvm *kvm = userdata;

        kvm->n_asked++;
        if (kvm->error < 0)
                return kvm->error;
        if (cpuid->nent < kvm->n_leaves)
                return -E2BIG;
        for (unsigned i = 0; i < kvm->n_leaves; i++) {
                struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

                entry->function = 0x40000000 + i;
                if (i >= kvm->n_given)
                        continue;
                entry->function = kvm->leaves[i].leaf;
                entry->index = kvm->leaves[i].subleaf;
                entry->eax = kvm->leaves[i].eax;
                entry->ebx = kvm->leaves[i].ebx;
                entry->ecx = kvm->leaves[i].ecx;
                entry->edx = kvm->leaves[i].edx;
        }
        cpuid->nent = kvm->claims ? kvm->claims : kvm->n_leaves;
        return 0;
}

static bool fake_has_extension(void *userdata, int extension) {
        struct fake_kvm *kvm = userdata;

        return extension == KVM_CAP_TSC_DEADLINE_TIMER && kvm->has_deadline_timer;
}

static int ask(struct fake_kvm *kvm, struct cpuid_leaf **ret, size_t *ret_n) {
        const struct kvm_ops ops = {fake_supported_cpuid, fake_has_extension, kvm};

        return kvm_cpuid_ask(&ops, ret, ret_n);
}

static void room_grows_until_all_leaves_fit(void **state UNUSED) {
        static const unsigned counts[] = {0, 1, 63, 64, 65, 129, 256, 700, 1024};

        for (size_t i = 0; i < ELEMENTS_OF(counts); i++) {
                struct fake_kvm kvm = {.n_leaves = counts[i]};
                AUTO_FREE struct cpuid_leaf *leaves = NULL;
                size_t n = 0;

                assert_int_equal(ask(&kvm, &leaves, &n), 0);
                assert_int_equal(n, counts[i]);
                if (n > 0)
                        assert_int_equal(leaves[n - 1].leaf, 0x40000000 + n - 1);
        }
}

static void kvm_that_is_never_content_is_given_up(void **state UNUSED) {
        struct fake_kvm kvm = {.n_leaves = 1000000};
        struct cpuid_leaf *leaves = NULL;
        size_t n = 0;

        assert_int_equal(ask(&kvm, &leaves, &n), -E2BIG);
        assert_null(leaves);
        assert_in_range(kvm.n_asked, 1, 10);
}

static void failure_is_passed_on(void **state UNUSED) {
        struct fake_kvm kvm = {.error = -EIO};
        struct cpuid_leaf *leaves = NULL;
        size_t n = 0;

        assert_int_equal(ask(&kvm, &leaves, &n), -EIO);
        assert_null(leaves);
        assert_int_equal(kvm.n_asked, 1);
}

static void more_leaves_than_room_are_not_believed(void **state UNUSED) {
        struct fake_kvm kvm = {.n_leaves = 1, .claims = 65};
        struct cpuid_leaf *leaves = NULL;
        size_t n = 0;

        assert_int_equal(ask(&kvm, &leaves, &n), -EPROTO);
        assert_null(leaves);
}

static const struct cpuid_leaf kvm_leaves[] = {
        {0x1, 0, 0x00830f10, 0x1, 0x00000008, 0x1},
        {0x6, 0, 0x0, 0x0, 0x0, 0x0},
        {0xd, 0, 0x7, 0x0, 0x0, 0x0},
        {0xd, 1, 0x7, 0x240, 0x0, 0x0},
        {0x80000001, 0, 0x0, 0x0, 0x1, 0x2},
};

static void leaves_come_with_what_qemu_adds(void **state UNUSED) {
        struct fake_kvm kvm = {.n_leaves = ELEMENTS_OF(kvm_leaves),
                               .leaves = kvm_leaves,
                               .n_given = ELEMENTS_OF(kvm_leaves),
                               .has_deadline_timer = true};
        AUTO_FREE struct cpuid_leaf *leaves = NULL;
        size_t n = 0;

        assert_int_equal(ask(&kvm, &leaves, &n), 0);
        assert_int_equal(n, ELEMENTS_OF(kvm_leaves));
        assert_int_equal(leaves[0].eax, 0x00830f10);
        assert_int_equal(leaves[0].ecx, 0x81000008); /* hypervisor, tsc-deadline */
        assert_int_equal(leaves[0].edx, 0x1);
        assert_int_equal(leaves[1].eax, 0x4); /* arat */
        assert_memory_equal(&leaves[2], &kvm_leaves[2], 2 * sizeof(leaves[0]));
        assert_int_equal(leaves[4].ecx, 0x00400001); /* topoext */
        assert_int_equal(leaves[4].edx, 0x2);
}

static void deadline_timer_takes_an_extension_of_kvm(void **state UNUSED) {
        struct fake_kvm kvm = {.n_leaves = 1, .leaves = kvm_leaves, .n_given = 1};
        AUTO_FREE struct cpuid_leaf *leaves = NULL;
        size_t n = 0;

        assert_int_equal(ask(&kvm, &leaves, &n), 0);
        assert_int_equal(leaves[0].ecx, 0x80000008);
}

/* The same leaves, asked for on another CPU. */
static void which_cpu_answered_makes_no_difference(void **state UNUSED) {
        static const struct cpuid_leaf on_first[] = {
                {0x1, 0, 0x00830f10, 0x00020800, 0x8, 0x1},
                {0xb, 0, 0x0, 0x0, 0x0, 0x0},
                {0x1f, 0, 0x0, 0x0, 0x0, 0x0},
                {0x8000001e, 0, 0x0, 0x100, 0x0, 0x0},
        };
        static const struct cpuid_leaf on_other[] = {
                {0x1, 0, 0x00830f10, 0x41020800, 0x8, 0x1},
                {0xb, 0, 0x0, 0x0, 0x0, 0x41},
                {0x1f, 0, 0x0, 0x0, 0x0, 0x41},
                {0x8000001e, 0, 0x41, 0x120, 0x3, 0x0},
        };
        struct fake_kvm first = {.n_leaves = 4, .leaves = on_first, .n_given = 4};
        struct fake_kvm other = {.n_leaves = 4, .leaves = on_other, .n_given = 4};
        AUTO_FREE struct cpuid_leaf *a = NULL, *b = NULL;
        size_t n = 0, m = 0;

        assert_int_equal(ask(&first, &a, &n), 0);
        assert_int_equal(ask(&other, &b, &m), 0);
        assert_int_equal(n, m);
        assert_memory_equal(a, b, n * sizeof(*a));
        assert_int_equal(a[0].ebx, 0x00020800);
}

static void what_is_no_kvm_device_tells_nothing(void **state UNUSED) {
        static const char *const devices[] = {"/dev/null", "/no/such/device", "/", "/proc/cpuinfo"};

        for (size_t i = 0; i < ELEMENTS_OF(devices); i++) {
                struct cpuid_leaf *leaves = NULL;
                size_t n = 0;

                assert_true(kvm_cpuid_read(devices[i], &leaves, &n) < 0);
                assert_null(leaves);
        }
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(room_grows_until_all_leaves_fit),
                cmocka_unit_test(kvm_that_is_never_content_is_given_up),
                cmocka_unit_test(failure_is_passed_on),
                cmocka_unit_test(more_leaves_than_room_are_not_believed),
                cmocka_unit_test(leaves_come_with_what_qemu_adds),
                cmocka_unit_test(deadline_timer_takes_an_extension_of_kvm),
                cmocka_unit_test(which_cpu_answered_makes_no_difference),
                cmocka_unit_test(what_is_no_kvm_device_tells_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
