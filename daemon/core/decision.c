/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/decision.h"

#include <errno.h>
#include <string.h>

/* Everything that a row may look at, worked out once a decision. */
struct facts {
        const struct judge *judge;
        const struct guest *guest;
        const struct guest_rule *rule; /* NULL: none matches */
        bool offered;                  /* the hypervisor is known to offer XSAVES to this guest */
};

/* --- what the hypervisor offers --- */

/* QEMU's TCG implements neither XSAVES nor XSAVEC, whatever KVM offers (target/i386/cpu.c,
 * TCG_XSAVE_FEATURES). */
static bool is_tcg(const struct guest *guest) {
        return streq(guest->type, "qemu");
}

static bool offers(const struct guest *guest, enum tristate hypervisor) {
        return hypervisor == TRISTATE_YES && !is_tcg(guest);
}

bool judge_offers_xsaves(const struct judge *judge, const struct guest *guest) {
        return offers(guest, judge->host->hypervisor_xsaves);
}

/* KVM offers no more than the kernel (kvm_set_cpu_caps()) and the CPU have. */
static bool may_offer_xsaves(const struct host_facts *host) {
        if (host->hypervisor_xsaves != TRISTATE_UNKNOWN)
                return host->hypervisor_xsaves == TRISTATE_YES;
        return host->kernel_xsaves != TRISTATE_NO && host->cpu_xsaves != TRISTATE_NO;
}

static bool may_offer_xsavec(const struct host_facts *host) {
        if (host->hypervisor_xsavec != TRISTATE_UNKNOWN)
                return host->hypervisor_xsavec == TRISTATE_YES;
        return host->cpu_xsavec != TRISTATE_NO;
}

bool judge_may_offer(const struct judge *judge, const struct guest *guest,
                     enum cpu_property property) {
        if (is_tcg(guest))
                return false;
        return property == CPU_XSAVES ? may_offer_xsaves(judge->host)
                                      : may_offer_xsavec(judge->host);
}

bool judge_would_see(const struct judge *judge, const struct guest *guest,
                     enum cpu_property property) {
        return guest_would_see(guest, property, judge->map,
                               judge_may_offer(judge, guest, property));
}

/* The conditions of the table. Each leaves out what the rows before it have ruled out. */

static bool not_governed(const struct facts *f) {
        return !f->judge->host->vendor || f->guest->arch == GUEST_ARCH_OTHER ||
               !policy_governs_type(f->judge->policy, f->guest->type);
}

static bool rule_keeps(const struct facts *f) {
        return f->rule && f->rule->xsaves == RULE_XSAVES_KEEP;
}

static bool default_keeps(const struct facts *f) {
        return !f->rule && f->judge->policy->default_verdict == POLICY_DEFAULT_KEEP;
}

static bool rule_denies(const struct facts *f) {
        return f->rule && f->rule->xsaves == RULE_XSAVES_DENY;
}

static bool default_denies(const struct facts *f) {
        return !f->rule && f->judge->policy->default_verdict == POLICY_DEFAULT_DENY;
}

static bool auto_on_live(const struct facts *f) {
        return !f->rule && f->judge->erratum == ERRATUM_LIVE;
}

static bool auto_on_other(const struct facts *f) {
        return !f->rule;
}

static bool host_rule_denies(const struct facts *f) {
        return f->judge->host_rule && f->judge->host_rule->xsaves == RULE_XSAVES_DENY;
}

static bool no_host_rule(const struct facts *f) {
        return !f->judge->host_rule;
}

static bool owner_turns_off(const struct facts *f) {
        return !f->guest->live && feature_policy_is_off(f->guest->xsaves);
}

static bool custom_cpu_args(const struct facts *f) {
        return f->guest->custom_cpu_args;
}

static bool no_hardware(const struct facts *f) {
        return f->judge->host->cpu_xsaves != TRISTATE_YES;
}

static bool offered_and_sound(const struct facts *f) {
        return f->offered && f->judge->erratum != ERRATUM_LIVE;
}

static bool masked_for_no_known_reason(const struct facts *f) {
        return !f->offered && f->judge->erratum == ERRATUM_ABSENT;
}

static bool live_without_assertion(const struct facts *f) {
        return f->judge->erratum == ERRATUM_LIVE && f->rule->assertion == ASSERTION_NONE;
}

bool judge_shows_another_vendor(const struct judge *judge, const struct guest *guest) {
        return guest->vendor_id && !streq_null(guest->vendor_id, judge->host->vendor);
}

/* Does the guest see the host's own family, model and stepping? */
static bool shows_true_fms(const struct facts *f) {
        const struct host_facts *host = f->judge->host;
        const char *model = NULL;

        if (judge_shows_another_vendor(f->judge, f->guest))
                return false;
        switch (f->guest->cpu_mode) {
        case CPU_MODE_HOST_PASSTHROUGH:
        case CPU_MODE_MAXIMUM:
                return true;
        case CPU_MODE_HOST_MODEL:
                model = host->host_model;
                break;
        case CPU_MODE_CUSTOM:
                model = f->guest->cpu_at_least ? host->host_model : f->guest->cpu_model;
                break;
        case CPU_MODE_NONE:
                break;
        }
        return model && f->judge->map &&
               cpu_map_model_has_signature(f->judge->map, model, host->family, host->model);
}

static bool aware_of_another_cpu(const struct facts *f) {
        return f->judge->erratum == ERRATUM_LIVE && f->rule->assertion == ASSERTION_ERRATUM_AWARE &&
               !shows_true_fms(f);
}

static bool offered_and_asserted(const struct facts *f) {
        return f->offered;
}

/* Forcing holds over save and restore with these CPU modes alone; with a model, libvirt writes the
 * feature off into the live definition after the start (qemuProcessUpdateGuestCPU()). */
static bool cannot_force_with_cpu_mode(const struct facts *f) {
        return !guest_has_cpu_of_host(f->guest) || f->guest->arch != GUEST_ARCH_X86_64;
}

/* QEMU offers these whatever the accelerator says, and the last two with KVM alone: tsc-deadline with KVM's own interrupt
 * controller, which is the default (kvm_arch_get_supported_cpuid() of target/i386/kvm/kvm.c). */
static bool is_always_offered(const char *feature, bool with_kvm) {
        static const char *const features[] = {"hypervisor", "arat", "tsc-deadline", "topoext"};
        size_t n = with_kvm ? ELEMENTS_OF(features) : 2;

        return is_among(feature, features, n);
}

static bool is_offered(const struct facts *f, const char *feature) {
        const struct host_facts *host = f->judge->host;

        if (is_always_offered(feature, !is_tcg(f->guest)))
                return true;
        /* A fact of its own: TCG has no XSAVEC, whatever CPUID KVM supports. */
        if (streq(feature, "xsavec"))
                return offers(f->guest, host->hypervisor_xsavec);
        return f->judge->map &&
               cpu_map_feature_offered(f->judge->map, feature, host->hypervisor_cpuid,
                                       host->n_hypervisor_cpuid) == TRISTATE_YES;
}

/* x-force-features keeps every requested feature, so one that is not offered would be forced too. */
static const char *forced_along(const struct facts *f) {
        for (size_t i = 0; i < f->guest->n_other_features; i++)
                if (!is_offered(f, f->guest->other_features[i]))
                        return f->guest->other_features[i];
        return NULL;
}

static bool would_force_others(const struct facts *f) {
        return forced_along(f) != NULL;
}

static bool otherwise(const struct facts *f UNUSED) {
        return true;
}

/* What a row looked at, in words, for those who ask why. */

static int show_type(const struct facts *f, char **ret) {
        static const char *const arches[] = {"x86_64", "i686", "other"};
        AUTO_FREE char *types = NULL;
        int r;

        r = strv_join(&types, f->judge->policy->virt_types, " ");
        if (r < 0)
                return r;
        return format_to(ret, "domain type %s, architecture %s; virt-types = %s%s", f->guest->type,
                         arches[f->guest->arch], types,
                         f->judge->host->vendor ? "" : "; the host is not x86");
}

static int show_rule(const struct facts *f, char **ret) {
        if (!f->rule)
                return format_to(ret, "no guest rule matches");
        return format_to(ret, "[guest %s] says xsaves = %s", f->rule->name,
                         rule_xsaves_to_string(f->rule->xsaves));
}

static int show_default(const struct facts *f, char **ret) {
        if (f->rule)
                return show_rule(f, ret);
        return format_to(ret, "no guest rule matches; default = %s",
                         policy_default_to_string(f->judge->policy->default_verdict));
}

static int show_default_and_erratum(const struct facts *f, char **ret) {
        if (f->rule)
                return show_rule(f, ret);
        return format_to(ret, "no guest rule matches; default = auto, erratum 1386 is %s",
                         erratum_status_to_string(f->judge->erratum));
}

static int show_host_rule(const struct facts *f, char **ret) {
        const struct host_rule *rule = f->judge->host_rule;

        if (!rule)
                return format_to(ret, "no host rule matches");
        return format_to(ret, "[host %s] says xsaves = %s", rule->name,
                         rule_xsaves_to_string(rule->xsaves));
}

static int show_owner(const struct facts *f, char **ret) {
        if (f->guest->live)
                return format_to(ret,
                                 "libvirt writes features of its own into what runs or comes in");
        return format_to(ret, "CPU feature xsaves: %s", feature_policy_to_string(f->guest->xsaves));
}

static int show_cpu_args(const struct facts *f, char **ret) {
        return format_to(ret, "<qemu:commandline> and <qemu:override> %s the CPU%s",
                         f->guest->custom_cpu_args ? "set" : "do not set",
                         f->guest->unreadable_args ? ", in a way that cannot be read" : "");
}

static int show_hardware(const struct facts *f, char **ret) {
        return format_to(ret, "cpu-xsaves = %s", tristate_to_string(f->judge->host->cpu_xsaves));
}

static int show_hypervisor_and_erratum(const struct facts *f, char **ret) {
        if (is_tcg(f->guest))
                return format_to(ret, "TCG does not offer XSAVES, erratum 1386 is %s",
                                 erratum_status_to_string(f->judge->erratum));
        return format_to(ret, "hypervisor-xsaves = %s, erratum 1386 is %s",
                         tristate_to_string(f->judge->host->hypervisor_xsaves),
                         erratum_status_to_string(f->judge->erratum));
}

static int show_assertion(const struct facts *f, char **ret) {
        return format_to(ret, "erratum 1386 is %s, [guest %s] asserts %s",
                         erratum_status_to_string(f->judge->erratum), f->rule->name,
                         assertion_to_string(f->rule->assertion));
}

/* What was compared of family, model and stepping, and what came of it. */
static int show_signature(const struct facts *f, char **ret) {
        const struct host_facts *host = f->judge->host;
        const char *shows = shows_true_fms(f) ? "shows" : "does not show";

        if (judge_shows_another_vendor(f->judge, f->guest))
                return format_to(ret, "vendor_id %s is not the host's %s", f->guest->vendor_id,
                                 host->vendor);
        if (guest_has_cpu_of_host(f->guest))
                return format_to(ret, "CPU mode %s shows the host's %u/%u/%u",
                                 cpu_mode_to_string(f->guest->cpu_mode), host->family, host->model,
                                 host->stepping);
        return format_to(ret,
                         "CPU mode %s%s%s %s the host's family and model %u/%u by libvirt's CPU "
                         "map (steppings are not compared)",
                         cpu_mode_to_string(f->guest->cpu_mode), f->guest->cpu_model ? " " : "",
                         f->guest->cpu_model ? f->guest->cpu_model : "", shows, host->family,
                         host->model);
}

static int show_fms(const struct facts *f, char **ret) {
        AUTO_FREE char *signature = NULL;
        int r;

        r = show_signature(f, &signature);
        if (r < 0)
                return r;
        return format_to(ret, "[guest %s] asserts %s; %s", f->rule->name,
                         assertion_to_string(f->rule->assertion), signature);
}

static int show_cpu_mode(const struct facts *f, char **ret) {
        return format_to(ret, "CPU mode %s%s", cpu_mode_to_string(f->guest->cpu_mode),
                         f->guest->arch == GUEST_ARCH_X86_64 ? "" : ", not x86_64");
}

static int show_forced_along(const struct facts *f, char **ret) {
        const char *name = forced_along(f);

        if (!name)
                return format_to(ret, "every other required CPU feature is offered");
        return format_to(ret, "CPU feature %s is required and not known to be offered", name);
}

static int show_nothing(const struct facts *f UNUSED, char **ret) {
        return strdup_to(ret, "");
}

/* The decision table: the first row whose condition holds is the decision. */
static const struct row {
        bool (*applies)(const struct facts *facts);
        enum verdict verdict;
        enum means means;
        enum reason reason;
        const char *condition;
        int (*show)(const struct facts *facts, char **ret);
} decision_table[] = {
#define KEEP(reason) VERDICT_KEEP, MEANS_NONE, REASON_##reason
#define DENY(reason) VERDICT_DENY, MEANS_NONE, REASON_##reason
#define GRANT(means, reason) VERDICT_GRANT, MEANS_##means, REASON_##reason
        /* clang-format off */
        {not_governed, KEEP(NOT_GOVERNED),
         "the domain type is not governed, or it is not x86", show_type},
        {rule_keeps, KEEP(KEPT_BY_RULE),
         "the guest rule says keep", show_rule},
        {default_keeps, KEEP(KEPT_BY_DEFAULT),
         "no guest rule, default keep", show_default},
        {rule_denies, DENY(DENIED_BY_GUEST_RULE),
         "the guest rule says deny", show_rule},
        {default_denies, DENY(DENIED_BY_DEFAULT),
         "no guest rule, default deny", show_default},
        {auto_on_live, DENY(DENIED_ERRATUM_DEFAULT),
         "no guest rule, default auto, erratum live", show_default_and_erratum},
        {auto_on_other, KEEP(KEPT_BY_DEFAULT),
         "no guest rule, default auto, erratum not live", show_default_and_erratum},
        {host_rule_denies, DENY(DENIED_BY_HOST_RULE),
         "the host rule says deny", show_host_rule},
        {no_host_rule, DENY(DENIED_NO_HOST_RULE),
         "no host rule", show_host_rule},
        {owner_turns_off, DENY(DENIED_BY_OWNER),
         "the definition itself turns XSAVES off", show_owner},
        {no_hardware, DENY(DENIED_NO_HARDWARE),
         "the CPU has no XSAVES", show_hardware},
        {offered_and_sound, GRANT(NATIVE, GRANTED_NATIVE),
         "the hypervisor offers it, erratum absent or fixed", show_hypervisor_and_erratum},
        {custom_cpu_args, DENY(DENIED_CUSTOM_CPU_ARGS),
         "the owner's QEMU arguments set the CPU", show_cpu_args},
        {masked_for_no_known_reason, DENY(DENIED_MASKED_UNKNOWN),
         "the hypervisor masks it, erratum absent", show_hypervisor_and_erratum},
        {live_without_assertion, DENY(DENIED_UNACKNOWLEDGED),
         "erratum live, no assertion", show_assertion},
        {aware_of_another_cpu, DENY(DENIED_INACCURATE_FMS),
         "erratum live, erratum-aware, F/M/S shown is not the host's", show_fms},
        {offered_and_asserted, GRANT(NATIVE, GRANTED_ACKNOWLEDGED),
         "erratum live, asserted, the hypervisor offers it", show_hypervisor_and_erratum},
        {cannot_force_with_cpu_mode, DENY(DENIED_CPU_MODE),
         "masked; CPU mode not host-passthrough or maximum, or not x86_64", show_cpu_mode},
        {would_force_others, DENY(DENIED_WOULD_FORCE_OTHERS),
         "masked; another required feature would be forced along", show_forced_along},
        {otherwise, GRANT(FORCED, GRANTED_FORCED),
         "masked; erratum live and asserted, or fixed", show_nothing},
/* clang-format on */
#undef KEEP
#undef DENY
#undef GRANT
};

void judge_init(struct judge *judge, const struct policy *policy, const struct host_facts *host,
                const struct cpu_map *map) {
        enum erratum_status erratum = erratum_1386_status(host);

        *judge = (struct judge){
                .policy = policy,
                .host = host,
                .map = map,
                .erratum = erratum,
                .host_rule = policy_match_host(policy, host, erratum),
                .enforce = policy->enforce,
        };
}

static struct facts facts_of(const struct judge *judge, const struct guest *guest) {
        return (struct facts){
                .judge = judge,
                .guest = guest,
                .rule = policy_match_guest(judge->policy, guest->name, guest->uuid, guest->os_id),
                .offered = judge_offers_xsaves(judge, guest),
        };
}

struct decision judge_decide(const struct judge *judge, const struct guest *guest) {
        struct facts facts = facts_of(judge, guest);
        const struct row *row = decision_table;

        /* The last row always applies. */
        while (!row->applies(&facts))
                row++;

        return (struct decision){
                .verdict = row->verdict,
                .means = row->means,
                .reason = row->reason,
                .hide_xsavec = row->verdict == VERDICT_DENY && facts.rule &&
                               facts.rule->hide_xsavec && judge_may_offer(judge, guest, CPU_XSAVEC),
                .forced_along = row->reason == REASON_DENIED_WOULD_FORCE_OTHERS
                                        ? forced_along(&facts)
                                        : NULL,
                .guest_rule = facts.rule,
                .host_rule = judge->host_rule,
        };
}

struct decision judge_decide_start(const struct judge *judge, const struct guest *owned,
                                   const struct guest *actual) {
        struct decision by_record = judge_decide(judge, owned), as_it_stands;
        struct guest stands = *actual; /* shallow: nothing owned is changed */

        if (by_record.verdict != VERDICT_GRANT)
                return by_record;
        stands.xsaves = owned->xsaves;
        as_it_stands = judge_decide(judge, &stands);
        return as_it_stands.verdict == VERDICT_GRANT ? by_record : as_it_stands;
}

void decision_steps_free(struct decision_step *steps, size_t n_steps) {
        for (size_t i = 0; i < n_steps; i++)
                free(steps[i].value);
        free(steps);
}

int judge_explain(const struct judge *judge, const struct guest *guest,
                  struct decision_step **ret) {
        struct facts facts = facts_of(judge, guest);
        struct decision_step *steps = calloc(ELEMENTS_OF(decision_table), sizeof(*steps));
        int n = 0;

        if (!steps)
                return -ENOMEM;
        do {
                const struct row *row = &decision_table[n];

                steps[n] = (struct decision_step){
                        .reason = row->reason,
                        .condition = row->condition,
                        .applied = row->applies(&facts),
                };
                if (row->show(&facts, &steps[n].value) < 0) {
                        decision_steps_free(steps, (size_t)n);
                        return -ENOMEM;
                }
        } while (!steps[n++].applied);

        *ret = steps;
        return n;
}
