/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* xsavesctl check: what is wrong with a policy. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"
#include "input.h"
#include "message.h"
#include "output.h"

#define POLICY_SIZE_MAX (16u << 20)

static int check_file(const char *path, struct problems *problems, struct policy **ret) {
        AUTO_INPUT struct input input = {};
        struct policy_text text;
        int r;

        r = input_read(path, POLICY_SIZE_MAX, &input);
        if (r != 0)
                return r;
        text = (struct policy_text){input.name, input.text, input.length};
        *ret = policy_parse(&text, 1, problems);
        return STATUS_OK;
}

static int check_folder(const char *path, bool is_default, struct problems *problems,
                        struct policy **ret) {
        int r;

        r = policy_folder_load(path, problems, NULL, ret);
        if (r == -ENOENT && is_default) {
                *ret = policy_new_builtin();
                return STATUS_OK;
        }
        if (r < 0 && r != -ENOMEM)
                return bad_input("%s: %s", path, strerror(-r));
        return r < 0 ? r : STATUS_OK;
}

/* A folder is one policy, and so is a file. What is wrong with it goes to `problems`. Where there is no
 * /etc/xsavesd, the built-in policy holds. */
static int check_path(const char *path, bool is_default, struct problems *problems,
                      struct policy **ret) {
        struct stat status;

        if (is_default || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
                return check_folder(path, is_default, problems, ret);
        return check_file(path, problems, ret);
}

static json_t *problems_to_json(const struct problems *problems, enum severity severity) {
        json_t *array = json_array();

        for (size_t i = 0; i < problems->count; i++) {
                const struct problem *problem = &problems->items[i];

                if (problem->severity == severity)
                        json_array_append_new(array, json_pack("{s:o, s:i, s:s}", "file",
                                                               json_path(problem->file), "line",
                                                               (int)problem->line, "message",
                                                               problem->message));
        }
        return array;
}

static json_t *number_of_rules(const struct policy *policy, size_t n) {
        return policy ? json_integer((json_int_t)n) : json_null();
}

static json_t *to_json(const char *path, const struct problems *problems,
                       const struct policy *policy) {
        return json_pack("{s:o, s:b, s:o, s:o, s:o, s:o}", "path", json_path(path), "valid",
                         policy != NULL, "host-rules",
                         number_of_rules(policy, policy ? policy->n_host_rules : 0), "guest-rules",
                         number_of_rules(policy, policy ? policy->n_guest_rules : 0), "errors",
                         problems_to_json(problems, SEVERITY_ERROR), "warnings",
                         problems_to_json(problems, SEVERITY_WARNING));
}

static const char *plural(size_t n) {
        return n == 1 ? "" : "s";
}

static void print_summary(struct cli *cli, const char *path, const struct problems *problems,
                          const struct policy *policy) {
        size_t warnings = problems->count - problems->errors;

        fprintf(cli->out, "%s: ", path);
        if (policy)
                fprintf(cli->out, "valid, %zu host rule%s, %zu guest rule%s", policy->n_host_rules,
                        plural(policy->n_host_rules), policy->n_guest_rules,
                        plural(policy->n_guest_rules));
        else
                fprintf(cli->out, "refused, %zu error%s", problems->errors,
                        plural(problems->errors));
        if (warnings > 0)
                fprintf(cli->out, ", %zu warning%s", warnings, plural(warnings));
        fputc('\n', cli->out);
}

static int check(struct cli *cli, const char *path, json_t *array, bool *valid) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_POLICY struct policy *policy = NULL;
        int r;

        r = check_path(path, cli->n_arguments == 0 && !cli->policy, &problems, &policy);
        if (r != 0)
                return r;
        *valid = *valid && policy;
        if (cli_has(cli, OPTION_JSON))
                return json_array_append_new(array, to_json(path, &problems, policy)) < 0 ? -ENOMEM
                                                                                          : 0;
        say_problems(&problems, SEVERITY_WARNING);
        if (!cli_has(cli, OPTION_NO_LEGEND))
                print_summary(cli, path, &problems, policy);
        return STATUS_OK;
}

int verb_check(struct cli *cli) {
        AUTO_JSON json_t *array = json_array();
        char *const here[] = {(char *)(cli->policy ? cli->policy : POLICY_FOLDER), NULL};
        char *const *paths = cli->n_arguments > 0 ? cli->arguments : here;
        bool valid = true;
        int status = STATUS_OK, r;

        /* One that cannot be read keeps nobody from hearing of the others. */
        STRV_FOREACH (path, paths) {
                r = check(cli, *path, array, &valid);
                if (r < 0)
                        return r;
                if (r > 0)
                        status = r;
        }
        if (cli_has(cli, OPTION_JSON)) {
                r = print_json(cli, array);
                if (r < 0)
                        return r;
        }
        if (status != STATUS_OK)
                return status;
        return valid ? STATUS_OK : STATUS_FAILED;
}
