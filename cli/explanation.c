/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "explanation.h"

#include <errno.h>

#include "core/advice.h"
#include "core/definition.h"
#include "message.h"
#include "output.h"

/* Where in the lines of the text a value begins. */
#define VALUE_COLUMN 7

static json_t *make_steps(const struct judge *judge, const struct guest *guest) {
        json_t *array = json_array();
        struct decision_step *steps;
        int n;

        n = judge_explain(judge, guest, &steps);
        if (n < 0) {
                json_decref(array);
                return NULL;
        }
        for (int i = 0; i < n; i++)
                json_array_append_new(array,
                                      json_pack("{s:s, s:s, s:s, s:b}", "reason",
                                                reason_to_string(steps[i].reason), "condition",
                                                steps[i].condition, "value", steps[i].value,
                                                "applied", (int)steps[i].applied));
        decision_steps_free(steps, (size_t)n);
        return array;
}

static const char *name_of_guest_rule(const struct decision *decision) {
        return decision->guest_rule ? decision->guest_rule->name : NULL;
}

static const char *name_of_host_rule(const struct decision *decision) {
        return decision->host_rule ? decision->host_rule->name : NULL;
}

int explanation_make(const struct judge *judge, const struct guest *guest, json_t **ret) {
        struct decision decision = judge_decide(judge, guest);
        AUTO_FREE char *why = NULL, *advice = NULL;
        json_t *explanation;

        if (decision_explanation(&decision, &why) < 0 ||
            decision_advice(judge, guest, &decision, &advice) < 0)
                return -ENOMEM;
        explanation = json_pack(
                "{s:s?, s:s?, s:s, s:s, s:s, s:s, s:s, s:s?, s:s?, s:s?, s:n, s:b, s:o}", "guest",
                guest->name, "uuid", guest->uuid, "verdict", verdict_to_string(decision.verdict),
                "means", means_to_string(decision.means), "reason",
                reason_to_string(decision.reason), "explanation", why, "advice", advice, "note",
                decision_note(judge, guest, &decision), "guest-rule", name_of_guest_rule(&decision),
                "host-rule", name_of_host_rule(&decision), "error", "enforce", (int)judge->enforce,
                "steps", make_steps(judge, guest));
        if (!explanation)
                return -ENOMEM;
        *ret = explanation;
        return 0;
}

int explanation_make_unjudged(const struct judge *judge, const char *error, json_t **ret) {
        struct decision decision = decision_unjudged();
        json_t *explanation;

        explanation = json_pack(
                "{s:n, s:n, s:s, s:s, s:s, s:s, s:s, s:n, s:n, s:n, s:s, s:b, s:[]}", "guest",
                "uuid", "verdict", verdict_to_string(decision.verdict), "means",
                means_to_string(decision.means), "reason", reason_to_string(decision.reason),
                "explanation", reason_explanation(decision.reason), "advice",
                reason_advice(decision.reason), "note", "guest-rule", "host-rule", "error", error,
                "enforce", (int)judge->enforce, "steps");
        if (!explanation)
                return -ENOMEM;
        *ret = explanation;
        return 0;
}

/* Returns N_REASONS for a code that is none of ours. */
static enum reason find_reason(const char *code) {
        enum reason reason = 0;

        while (reason < N_REASONS && !streq(reason_to_string(reason), code))
                reason++;
        return reason;
}

const char *reason_words(const char *code) {
        enum reason reason = find_reason(code);

        return reason < N_REASONS ? reason_explanation(reason) : "";
}

int explanation_complete(json_t *explanation) {
        static const char *const nullable[] = {"guest-rule", "host-rule", "error", "note", NULL};
        AUTO_JSON json_t *steps = json_incref(json_object_get(explanation, "steps"));
        int r;

        r = json_complete(explanation, nullable);
        /* To the end, where they are out of the way of the rest. */
        json_object_del(explanation, "steps");
        r |= json_object_set(explanation, "steps", steps);
        return r == 0 ? 0 : -ENOMEM;
}

static void print_step(const struct cli *cli, const json_t *step) {
        bool applied = json_flag(step, "applied");
        enum style style = applied ? STYLE_BOLD : STYLE_DIM;

        fprintf(cli->out, "%s%-3s  %s", style_on(cli, style), applied ? "yes" : "no",
                json_text(step, "condition"));
        fprintf(cli->out, "%s\n", style_off(cli, style));
        if (!*json_text(step, "value"))
                return;
        fprintf(cli->out, "%*s%s", VALUE_COLUMN, "", style_on(cli, applied ? STYLE_NONE : style));
        print_words(cli, VALUE_COLUMN, json_text(step, "value"));
        fprintf(cli->out, "%s\n", style_off(cli, applied ? STYLE_NONE : style));
}

static void print_steps(const struct cli *cli, const json_t *steps) {
        const json_t *step;
        size_t i;

        fputs("The rows of the decision table, up to the one that applies:\n\n", cli->out);
        json_array_foreach(steps, i, step) print_step(cli, step);
        fputc('\n', cli->out);
}

static void print_text(const struct cli *cli, const char *label, const char *text) {
        if (*text)
                print_field(cli, label, STYLE_NONE, "%s", text);
}

static void print_rule(const struct cli *cli, const char *label, const json_t *explanation,
                       const char *key) {
        const char *name = json_text(explanation, key);

        print_text(cli, label, *name ? name : "none matches");
}

void explanation_print(const struct cli *cli, const json_t *explanation) {
        const char *verdict = json_text(explanation, "verdict");
        const char *means = json_text(explanation, "means");
        const char *definition = json_text(explanation, "definition");
        const json_t *enforce = json_object_get(explanation, "enforce");
        bool judged = !streq(verdict, verdict_to_string(VERDICT_UNJUDGED));

        if (judged)
                print_steps(cli, json_object_get(explanation, "steps"));
        print_text(cli, "Guest", json_text(explanation, "guest"));
        print_field(cli, "Verdict", style_of_verdict(verdict),
                    streq(means, "none") ? "%s" : "%s (%s)", verdict, means);
        print_text(cli, "Reason", json_text(explanation, "reason"));
        print_text(cli, "", json_text(explanation, "explanation"));
        if (judged) {
                print_rule(cli, "Guest rule", explanation, "guest-rule");
                print_rule(cli, "Host rule", explanation, "host-rule");
        }
        print_text(cli, "State", json_text(explanation, "state"));
        print_text(cli, "Definition", definition);
        print_text(cli, *definition ? "" : "Error", json_text(explanation, "error"));
        if (streq(json_text(explanation, "state"), "running"))
                print_text(cli, "Sees XSAVES", json_text(explanation, "runs-xsaves"));
        if (json_flag(explanation, "needs-restart"))
                print_text(cli, "Restart",
                           "needed: it runs with something else; shut it down and start it");
        print_text(cli, "Note", json_text(explanation, "note"));
        if (json_is_false(enforce))
                print_text(cli, "Enforce", "no: this is reported, not acted on");
        print_text(cli, "To change", json_text(explanation, "advice"));
}

void explanation_warn(const struct judge *judge, const struct rewritten *rewritten) {
        struct guest guest = rewritten_guest(judge, rewritten);
        struct next_start next = next_start_of(judge, &guest);

        if (rewritten->decision.verdict == VERDICT_KEEP || !judge->enforce)
                return;
        if (rewritten->decision.verdict == VERDICT_GRANT && !next.xsaves)
                say("warning: the guest would not see XSAVES: %s",
                    guest_has_cpu(&guest) ? "its own QEMU arguments set the CPU"
                                          : "its definition has no CPU mode or model, and QEMU's "
                                            "default CPU is without it");
        if (rewritten->decision.verdict == VERDICT_DENY && next.xsaves)
                say("warning: the guest would still see XSAVES: its own QEMU arguments set the "
                    "CPU, and "
                    "are left to its owner; do not start it like this");
        if (rewritten->decision.hide_xsavec && next.xsavec)
                say("warning: the guest would still see XSAVEC: its own QEMU arguments set the "
                    "CPU, and "
                    "are left to its owner");
}
