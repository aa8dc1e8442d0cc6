/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl simulate: every domain on every host, by one policy or by two. */

#include <errno.h>
#include <string.h>

#include "core/definition.h"
#include "input.h"
#include "json.h"
#include "message.h"
#include "output.h"
#include "progress.h"

/* A host, and the two policies there. */
struct site {
        const char *file; /* NULL: this host */
        struct host_facts *facts;
        struct judge judge, baseline;
};

struct simulation {
        struct cli *cli;
        struct policy *policy, *baseline; /* the latter may be NULL */
        struct cpu_map *map;
        struct site *sites;
        size_t n_sites;
        struct column *columns;
        struct table *table;
        FILE *changes; /* lines about guests that gain or lose XSAVES */
        char *changes_text;
        size_t changes_length;
        json_t *json;
        size_t n_gain, n_lose, n_unjudged;
};

static void simulation_clear(struct simulation *s) {
        for (size_t i = 0; i < s->n_sites; i++)
                host_facts_free(s->sites[i].facts);
        free(s->sites);
        free(s->columns);
        table_free(s->table);
        if (s->changes)
                (void)fclose(s->changes);
        free(s->changes_text);
        json_decref(s->json);
        policy_free(s->policy);
        policy_free(s->baseline);
        cpu_map_free(s->map);
}

/* --- what is to be simulated --- */

static void open_judge(struct judge *judge, const struct policy *policy,
                       const struct host_facts *facts, const struct cpu_map *map) {
        judge_init(judge, policy, facts, map);
        /* What enforcing would do is the question. */
        judge->enforce = true;
}

static int open_site(struct simulation *s, const char *file) {
        struct site *site = &s->sites[s->n_sites];
        int r;

        site->file = file;
        r = file ? input_facts(file, &site->facts) : input_this_host(s->cli, &site->facts);
        if (r != 0)
                return r;
        s->n_sites++;
        open_judge(&site->judge, s->policy, site->facts, s->map);
        if (s->baseline)
                open_judge(&site->baseline, s->baseline, site->facts, s->map);
        return STATUS_OK;
}

static int open_sites(struct simulation *s) {
        size_t n = strv_length(s->cli->hosts);
        int r = STATUS_OK;

        s->sites = calloc(n + 1, sizeof(*s->sites));
        if (!s->sites)
                return -ENOMEM;
        if (n == 0)
                return open_site(s, NULL);
        for (size_t i = 0; i < n && r == 0; i++)
                r = open_site(s, s->cli->hosts[i]);
        return r;
}

static const char *site_name(const struct site *site) {
        return site->facts->hostname ? site->facts->hostname : site->file ? site->file : "";
}

static int open_output(struct simulation *s) {
        s->columns = calloc(s->n_sites + 1, sizeof(*s->columns));
        s->json = json_array();
        s->changes = open_memstream(&s->changes_text, &s->changes_length);
        if (!s->columns || !s->json || !s->changes)
                return -ENOMEM;
        s->columns[0] = (struct column){.heading = "GUEST", .may_shrink = true};
        for (size_t i = 0; i < s->n_sites; i++)
                s->columns[i + 1] =
                        (struct column){.heading = site_name(&s->sites[i]), .may_shrink = true};
        s->table = table_new(s->columns, s->n_sites + 1);
        return s->table ? 0 : -ENOMEM;
}

static int simulation_open(struct simulation *s) {
        int r;

        r = input_policy(s->cli->policy, &s->policy);
        if (r == 0 && s->cli->baseline)
                r = input_policy(s->cli->baseline, &s->baseline);
        if (r == 0)
                r = input_cpu_map(&s->map);
        if (r == 0)
                r = open_sites(s);
        return r != 0 ? r : open_output(s);
}

/* --- one domain on one host --- */

struct outcome {
        struct decision decision;
        bool sees_xsaves;
        char *name;  /* of the guest; may be NULL */
        char *error; /* why it cannot be judged; NULL: it can */
};

static void outcome_clear(struct outcome *outcome) {
        free(outcome->name);
        free(outcome->error);
}
#define AUTO_OUTCOME CLEANUP(outcome_clear)

static bool sees_xsaves(const struct judge *judge, const struct rewritten *rewritten) {
        struct guest guest = rewritten_guest(judge, rewritten);

        return judge_would_see(judge, &guest, CPU_XSAVES);
}

static int decide_nothing(const struct input *input, const char *reason, struct outcome *outcome) {
        int r;

        r = input_check_domain(input, reason);
        if (r != 0)
                return r;
        outcome->decision = decision_unjudged();
        return strdup_to(&outcome->error, reason);
}

static int decide(const struct judge *judge, const struct input *input, struct outcome *outcome) {
        AUTO_REWRITTEN struct rewritten rewritten = {};
        AUTO_FREE char *reason = NULL;
        int r;

        r = rewrite_xml(judge, input->text, input->length, &rewritten, &reason);
        if (r > 0)
                return decide_nothing(input, reason, outcome);
        if (r < 0)
                return r;
        outcome->decision = rewritten.decision;
        outcome->sees_xsaves = sees_xsaves(judge, &rewritten);
        outcome->name = STEAL(rewritten.guest.name);
        return STATUS_OK;
}

static const char *change_between(const struct outcome *before, const struct outcome *after) {
        if (before->sees_xsaves == after->sees_xsaves)
                return NULL;
        return after->sees_xsaves ? "gains" : "loses";
}

static int note_json(struct simulation *s, const struct input *input, const struct site *site,
                     const struct outcome *outcome, const struct outcome *before,
                     const char *change) {
        const struct decision *decision = &outcome->decision;
        json_t *item = json_pack(
                "{s:s?, s:o, s:o, s:o, s:s, s:s, s:s, s:s?, s:b, s:s?, s:s?}", "guest",
                outcome->name, "file", json_path(input->name), "host", json_path(site_name(site)),
                "host-file", json_path(site->file), "verdict", verdict_to_string(decision->verdict),
                "means", means_to_string(decision->means), "reason",
                reason_to_string(decision->reason), "error", outcome->error, "sees-xsaves",
                (int)outcome->sees_xsaves, "baseline-reason",
                before ? reason_to_string(before->decision.reason) : NULL, "change", change);

        return !item || json_array_append_new(s->json, item) < 0 ? -ENOMEM : 0;
}

static int note_change(struct simulation *s, const struct site *site, const struct input *input,
                       const struct outcome *before, const struct outcome *after,
                       const char *change) {
        if (streq(change, "gains"))
                s->n_gain++;
        else
                s->n_lose++;
        fprintf(s->changes, "%s on %s %s XSAVES: %s, was %s\n",
                after->name ? after->name : input->name, site_name(site), change,
                reason_to_string(after->decision.reason),
                reason_to_string(before->decision.reason));
        return ferror(s->changes) ? -ENOMEM : 0;
}

/* *ret_name: the guest's; NULL for all hosts but the first. */
static int simulate_one(struct simulation *s, const struct input *input, const struct site *site,
                        const char **ret_cell, char **ret_name) {
        AUTO_OUTCOME struct outcome before = {}, after = {};
        const char *change = NULL;
        int r;

        r = decide(&site->judge, input, &after);
        if (r == 0 && s->baseline)
                r = decide(&site->baseline, input, &before);
        if (r != 0)
                return r;
        if (s->baseline)
                change = change_between(&before, &after);
        r = note_json(s, input, site, &after, s->baseline ? &before : NULL, change);
        if (r == 0 && change)
                r = note_change(s, site, input, &before, &after, change);
        *ret_cell = reason_to_string(after.decision.reason);
        if (ret_name && after.error) {
                say("%s: it cannot be judged: %s", input->name, after.error);
                s->n_unjudged++;
        }
        if (ret_name)
                *ret_name = STEAL(after.name);
        return r;
}

static int simulate_domain(struct simulation *s, const char *path) {
        AUTO_FREE const char **cells = calloc(s->n_sites + 1, sizeof(*cells));
        AUTO_INPUT struct input input = {};
        AUTO_FREE char *name = NULL;
        int r;

        if (!cells)
                return -ENOMEM;
        r = input_read(path, XML_SIZE_MAX, &input);
        for (size_t i = 0; i < s->n_sites && r == 0; i++)
                r = simulate_one(s, &input, &s->sites[i], &cells[i + 1], i == 0 ? &name : NULL);
        if (r != 0)
                return r;
        cells[0] = name ? name : input.name;
        return table_add(s->table, cells);
}

/* --- the whole --- */

static int print_text(struct simulation *s) {
        FILE *out = s->cli->out;
        int r;

        r = table_print(s->table, s->cli);
        if (r < 0)
                return r;
        if (fflush(s->changes) != 0)
                return -ENOMEM;
        if (s->changes_length > 0)
                fprintf(out, "\n%s", s->changes_text);
        if (cli_has(s->cli, OPTION_NO_LEGEND))
                return 0;
        fprintf(out, "\n%zu domain%s on %zu host%s", s->cli->n_arguments,
                s->cli->n_arguments == 1 ? "" : "s", s->n_sites, s->n_sites == 1 ? "" : "s");
        if (s->baseline)
                fprintf(out, ": %zu would gain XSAVES, %zu would lose it", s->n_gain, s->n_lose);
        fputc('\n', out);
        return 0;
}

int verb_simulate(struct cli *cli) {
        CLEANUP(simulation_clear) struct simulation s = {.cli = cli};
        AUTO_PROGRESS struct progress progress = {};
        int r;

        r = simulation_open(&s);
        for (size_t i = 0; i < cli->n_arguments && r == 0; i++) {
                progress_show(&progress, i, cli->n_arguments);
                r = simulate_domain(&s, cli->arguments[i]);
        }
        progress_end(&progress);
        if (r == 0)
                r = cli_has(cli, OPTION_JSON) ? print_json(cli, s.json) : print_text(&s);
        if (r != 0)
                return r;
        return s.n_gain + s.n_lose + s.n_unjudged > 0 ? STATUS_FAILED : STATUS_OK;
}
