/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * libvirt's qemu hook: GUEST OPERATION SUB-OPERATION EXTRA, the domain's XML on stdin. Whether a guest may
 * start is the daemon's to say (hook-gate.so), or, where that cannot be reached, hook-fallback.so's.
 *
 * Nothing ever goes to stdout: at migrate and restore, libvirt takes that for the domain's new XML.
 * Leaving stdin unread is harmless: libvirt's virCommandProcessIO() (src/util/vircommand.c) passes over
 * EPIPE, and libvirtd ignores SIGPIPE.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "core/xml.h"
#include "hook.h"
#include "kernel_facts.h"

#define READ_SIZE (64u << 10)

/*
 * Kept for hook-fallback.so, which may have to be loaded from disk, and for its reading: the slowest XML, of
 * nothing but elements with an attribute each, took it 85 ms a MiB on a virtual machine of 2023.
 */
#define FALLBACK_USEC (UINT64_C(150) * 1000)
#define FALLBACK_USEC_PER_MIB (UINT64_C(100) * 1000)

/*
 * How long libvirt, which holds the domain's lock meanwhile, waits for us at most; 0: the operation is not judged. As
 * gate_operation_from_string(), which links more than this executable is to.
 */
static unsigned limit_msec(const char *operation, const char *sub_operation) {
        static const struct {
                const char *operation;
                unsigned msec;
        } judged[] = {
                {"prepare", 2000}, {"start", 1000},   {HOOK_STARTED, 500},
                {"migrate", 2000}, {"restore", 2000},
        };

        if (!streq(sub_operation, "begin"))
                return 0;
        for (size_t i = 0; i < ELEMENTS_OF(judged); i++)
                if (streq(operation, judged[i].operation))
                        return judged[i].msec;
        return 0;
}

/* A socket must not become one of them: what is printed would go to the bus. */
static void open_standard_files(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd >= 0)
                close(fd);
}

/* Returns 0 when a read() will not wait, or -ETIMEDOUT. */
static int wait_for_stdin(uint64_t deadline) {
        struct pollfd stdin_fd = {.fd = STDIN_FILENO, .events = POLLIN};
        uint64_t left;
        int r;

        for (;;) {
                r = time_left(deadline, &left);
                if (r < 0)
                        return r;
                r = poll(&stdin_fd, 1, (int)((left + 999) / 1000));
                /* Where poll() fails, read() says what is wrong. */
                if (r > 0 || (r < 0 && errno != EINTR))
                        return 0;
        }
}

/* Returns 0 or a negative errno: -EFBIG for more than XML_SIZE_MAX, -ETIMEDOUT where it does not end in time. */
static int read_stdin(uint64_t deadline, char **ret, size_t *ret_length) {
        AUTO_FREE char *text = NULL;
        size_t size = 0, length = 0;
        char *grown;
        ssize_t n;
        int r;

        do {
                if (length == size) {
                        size = size == 0 ? READ_SIZE : size * 2;
                        grown = realloc(text, size + 1);
                        if (!grown)
                                return -ENOMEM;
                        text = grown;
                }
                r = wait_for_stdin(deadline);
                if (r < 0)
                        return r;
                n = read(STDIN_FILENO, text + length, size - length);
                if (n < 0 && errno != EINTR)
                        return -errno;
                length += n > 0 ? (size_t)n : 0;
                if (length > XML_SIZE_MAX)
                        return -EFBIG;
        } while (n != 0);

        text[length] = '\0';
        *ret = STEAL(text);
        *ret_length = length;
        return 0;
}

/* Returns 0, or -ELIBACC with *ret_problem set (borrowed from the dynamic linker). */
static int ask_module(const char *path, const struct hook_call *call, enum hook_answer *ret_answer,
                      char **ret_message, const char **ret_problem) {
        hook_ask_function ask;
        void *module, *symbol;

        module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        symbol = module ? dlsym(module, HOOK_ASK_SYMBOL) : NULL;
        if (!symbol) {
                *ret_problem = dlerror();
                return -ELIBACC;
        }
        memcpy(&ask, &symbol, sizeof(ask));
        *ret_answer = ask(call, ret_message);
        return 0;
}

static bool has_one_of(const char *xml, const char *const *words, size_t n_words) {
        for (size_t i = 0; i < n_words; i++)
                if (strcasestr(xml, words[i]))
                        return true;
        return false;
}

/*
 * The modules are gone, the installation is broken. Even so no ordinary guest is stopped: one is refused
 * whose XML has one of these words anywhere. libvirt formats the XML that it hands to us, so that none
 * can hide behind a character reference.
 */
static bool may_ask_for_xsaves(const char *xml) {
        /* -cpu takes `_` for `-`. Behind the last four may be whatever else: a file, any property of any device, a
         * word in JSON's escapes. */
        static const char *const asking[] = {"xsaves",      "force-features", "force_features",
                                             "-readconfig", "-plugin",        "<qemu:override",
                                             "\\u00"};
        /* That it turns XSAVES off cannot be told from these. */
        static const char *const with_cpu[] = {"<cpu ", "'-cpu'", "'--cpu'", "x86_64-cpu",
                                               "i386-cpu"};

        if (has_one_of(xml, asking, ELEMENTS_OF(asking)))
                return true;
        return has_one_of(xml, with_cpu, ELEMENTS_OF(with_cpu)) &&
               kernel_may_offer_faulty_xsaves("");
}

static enum hook_answer ask_nobody(const struct hook_call *call, const char *problem,
                                   char **ret_message) {
        if (!may_ask_for_xsaves(call->xml))
                return HOOK_ACCEPT;
        format_to(ret_message,
                  "domain '%s' may ask for XSAVES and nobody can say whether it may have it: "
                  "daemon-unreachable: %s; install xsavesd again",
                  call->guest, problem);
        return HOOK_REFUSE;
}

static enum hook_answer ask_all(struct hook_call *call, char **ret_message) {
        AUTO_FREE char *why = NULL;
        const char *problem = NULL;
        enum hook_answer answer;
        int r;

        r = ask_module(MODULE_DIR "/hook-gate.so", call, &answer, &why, &problem);
        if (r >= 0 && answer != HOOK_OUTAGE) {
                *ret_message = STEAL(why);
                return answer;
        }
        if (r < 0)
                strdup_to(&why, problem);
        if (streq(call->operation, HOOK_STARTED))
                return HOOK_ACCEPT;

        call->outage = why ? why : "out of memory";
        r = ask_module(MODULE_DIR "/hook-fallback.so", call, &answer, ret_message, &problem);
        return r < 0 ? ask_nobody(call, problem, ret_message) : answer;
}

/* Whatever is at fault: what is not whole cannot be judged. */
static enum hook_answer refuse_incomplete(const struct hook_call *call, char **ret_message) {
        format_to(ret_message,
                  "domain '%s' was not judged: incomplete-xml: libvirt did not hand over the whole "
                  "definition in time; start it again",
                  call->guest);
        return HOOK_REFUSE;
}

/* `end`: when hook-fallback.so has to begin at the latest. */
static enum hook_answer judge(struct hook_call *call, uint64_t end, char **ret_message) {
        AUTO_FREE char *xml = NULL;
        enum hook_answer answer;
        const char *why = NULL;
        int r;

        r = read_stdin(end, &xml, &call->length);
        if (r == -ETIMEDOUT)
                return refuse_incomplete(call, ret_message);
        if (r == -EFBIG)
                why = "its XML is larger than 8 MiB";
        else if (!xml)
                why = strerror(-r);
        else if (memchr(xml, '\0', call->length))
                why = "its XML has a NUL byte";
        if (why) {
                format_to(ret_message, "domain '%s': invalid-xml: %s", call->guest, why);
                return HOOK_REFUSE;
        }

        call->deadline = end;
        if (!streq(call->operation, HOOK_STARTED))
                call->deadline -= (call->length * FALLBACK_USEC_PER_MIB) >> 20;
        call->xml = xml;
        answer = ask_all(call, ret_message);
        call->xml = NULL;
        return answer;
}

static void print_line(const char *message) {
        AUTO_FREE char *line = NULL;

        if (!message || format_to(&line, "xsavesd: %s", message) < 0) {
                fputs("xsavesd: refused, out of memory\n", stderr);
                return;
        }
        make_one_line(line);
        fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv) {
        uint64_t began = now_usec();
        AUTO_FREE char *message = NULL;
        struct hook_call call;
        uint64_t limit;

        limit = argc < 4 ? 0 : (uint64_t)limit_msec(argv[2], argv[3]) * 1000;
        if (limit == 0)
                return EXIT_SUCCESS;

        open_standard_files();
        call = (struct hook_call){.guest = argv[1], .operation = argv[2], .sub_operation = argv[3]};
        if (judge(&call, began + limit - FALLBACK_USEC, &message) == HOOK_ACCEPT ||
            streq(call.operation, HOOK_STARTED))
                return EXIT_SUCCESS;
        print_line(message);
        return EXIT_FAILURE;
}
