/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpu_map_load.h"
#include "folder.h"
#include "message.h"

#define FACTS_SIZE_MAX (1u << 20)
#define READ_SIZE (64u << 10)

void input_clear(struct input *input) {
        free(input->text);
        *input = (struct input){};
}

/* Anything that can be read, pipes too. Returns 0 or a negative errno: -EFBIG for more than max. */
static int read_all(int fd, size_t max, struct input *input) {
        size_t size = 0;
        char *grown;
        ssize_t n;

        do {
                if (input->length == size) {
                        size = size == 0 ? READ_SIZE : size * 2;
                        grown = realloc(input->text, size + 1);
                        if (!grown)
                                return -ENOMEM;
                        input->text = grown;
                }
                n = read(fd, input->text + input->length, size - input->length);
                if (n < 0 && errno != EINTR)
                        return -errno;
                input->length += n > 0 ? (size_t)n : 0;
                if (input->length > max)
                        return -EFBIG;
        } while (n != 0);

        input->text[input->length] = '\0';
        return 0;
}

int input_read(const char *path, size_t max, struct input *ret) {
        AUTO_INPUT struct input input = {.name = path};
        bool is_stdin = streq(path, "-");
        int fd, r;

        if (is_stdin)
                input.name = "standard input";
        fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : read_all(fd, max, &input);
        if (fd >= 0 && !is_stdin)
                close(fd);
        if (r == -ENOMEM)
                return r;
        if (r == -EFBIG)
                return bad_input("%s: larger than %zu MiB", input.name, max >> 20);
        if (r < 0)
                return bad_input("%s: %s", input.name, strerror(-r));

        *ret = input;
        input = (struct input){};
        return STATUS_OK;
}

int input_check_domain(const struct input *input, const char *reason) {
        AUTO_FREE char *type = NULL;
        int r;

        r = xml_root_attribute(input->text, input->length, "type", &type);
        if (r < 0)
                return r;
        return type ? STATUS_OK : bad_xml(input->name, reason);
}

bool is_file_argument(const char *argument) {
        const char *dot = strrchr(argument, '.');
        struct stat status;

        return streq(argument, "-") || strchr(argument, '/') || (dot && streq(dot, ".xml")) ||
               (stat(argument, &status) == 0 && !S_ISDIR(status.st_mode));
}

int input_policy(const char *folder, struct policy **ret) {
        AUTO_POLICY_SOURCE struct policy_source source = {};
        AUTO_PROBLEMS struct problems problems = {};
        int r;

        r = policy_folder_load(folder ? folder : POLICY_FOLDER, &problems, &source, ret);
        if (r == -ENOENT && !folder) {
                *ret = policy_new_builtin();
                return STATUS_OK;
        }
        /* The other warnings are for `check`; this one may mean that the folder is not the one that was meant. */
        if (r == 0 && folder && !source.files)
                say_problems(&problems, SEVERITY_WARNING);
        if (r == 0 || r == -ENOMEM)
                return r;
        if (r < 0)
                return bad_input("%s: %s", folder ? folder : POLICY_FOLDER, strerror(-r));
        say_problems(&problems, SEVERITY_ERROR);
        return STATUS_BAD_INPUT;
}

int input_facts(const char *path, struct host_facts **ret) {
        AUTO_PROBLEMS struct problems problems = {};
        AUTO_INPUT struct input input = {};
        int r;

        r = input_read(path, FACTS_SIZE_MAX, &input);
        if (r != 0)
                return r;
        if (host_facts_parse(input.name, input.text, input.length, &problems, ret) == 0)
                return STATUS_OK;
        say_problems(&problems, SEVERITY_ERROR);
        return STATUS_BAD_INPUT;
}

int input_cpu_map(struct cpu_map **ret) {
        AUTO_FREE char *reason = NULL;
        int r;

        r = cpu_map_load(NULL, ret, &reason);
        if (r > 0)
                say("warning: libvirt's CPU map is not whole, what it lacks counts as unknown: %s",
                    reason);
        return r < 0 ? r : STATUS_OK;
}

int bench_open(const struct cli *cli, struct bench *bench) {
        int r;

        r = input_policy(cli->policy, &bench->policy);
        if (r == 0)
                r = cli->hosts ? input_facts(cli->hosts[0], &bench->host)
                               : input_this_host(cli, &bench->host);
        if (r == 0)
                r = input_cpu_map(&bench->map);
        if (r == 0)
                judge_init(&bench->judge, bench->policy, bench->host, bench->map);
        return r;
}

void bench_clear(struct bench *bench) {
        policy_free(bench->policy);
        host_facts_free(bench->host);
        cpu_map_free(bench->map);
        *bench = (struct bench){};
}
