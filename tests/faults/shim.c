/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * LD_PRELOAD: one call of a program fails that would not. Only calls count that the program, libsystemd or libxml2 make
 * themselves: GLib, and libvirt with it, aborts the program where its own allocations fail, by design.
 *
 *   XSAVESD_FAULT_KIND     memory, file, bus or libvirt
 *   XSAVESD_FAULT_NUMBER   which call of that kind
 *   XSAVESD_FAULT_ERRNO    what it fails with
 *   XSAVESD_FAULT_LASTING  if set: so do all calls behind it
 *   XSAVESD_FAULT_REPORT   a file that is to say which call it was
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum result {
        RESULT_NULL,      /* a pointer */
        RESULT_MINUS_ONE, /* errno says why, or libvirt's own error */
        RESULT_NEGATIVE,  /* -errno */
        RESULT_ERRNO,     /* pthread_create() */
};

struct function {
        const char *name, *kind;
        enum result result;
        void *real;
};

static struct {
        bool is_read;
        const char *kind, *report;
        unsigned number;
        int error;
        bool lasting;
} wanted;
static unsigned n_calls;
static __thread bool is_inside;

static const char *setting(const char *name) {
        const char *text = getenv(name);

        return text ? text : "";
}

static void read_settings(void) {
        wanted.is_read = true;
        wanted.kind = setting("XSAVESD_FAULT_KIND");
        wanted.number = (unsigned)strtoul(setting("XSAVESD_FAULT_NUMBER"), NULL, 10);
        wanted.error = atoi(setting("XSAVESD_FAULT_ERRNO"));
        wanted.lasting = *setting("XSAVESD_FAULT_LASTING");
        wanted.report = setting("XSAVESD_FAULT_REPORT");
}

/* Without any of the functions that may be made to fail. */
static void report(const char *name) {
        long fd = syscall(SYS_openat, AT_FDCWD, wanted.report, O_WRONLY | O_CREAT | O_APPEND, 0600);

        if (fd < 0)
                return;
        syscall(SYS_write, fd, name, strlen(name));
        syscall(SYS_write, fd, "\n", 1);
        syscall(SYS_close, fd);
}

static bool counts(const struct function *function, const void *caller) {
        static const char *const callers[] = {"/xsavesd",       "/hook-in-tree",
                                              "/hook-gate.so",  "/hook-fallback.so",
                                              "/libsystemd.so", "/libxml2.so"};
        const char *name;
        Dl_info info;

        if (strcmp(function->kind, wanted.kind) != 0 || dladdr(caller, &info) == 0)
                return false;
        /* libxml2 2.9 calls itself without end where this fails: xml_memory_is_ready(). */
        if (info.dli_sname && strcmp(info.dli_sname, "xmlGetGlobalState") == 0)
                return false;
        name = strrchr(info.dli_fname, '/');
        /* What a library calls of itself does not fail by itself. */
        if (name && strncmp(name, "/libsystemd.so", 14) == 0 &&
            strncmp(function->name, "sd_", 3) == 0)
                return false;
        for (size_t i = 0; name && i < sizeof(callers) / sizeof(callers[0]); i++)
                if (strncmp(name, callers[i], strlen(callers[i])) == 0)
                        return true;
        return false;
}

/* libvirt's functions begin by forgetting the error of the call before, which is not the error of this one. */
static void forget_libvirt_error(void) {
        void (*reset)(void) = (void (*)(void))dlsym(RTLD_DEFAULT, "virResetLastError");

        if (reset)
                reset();
}

static long result_of(const struct function *function) {
        if (strcmp(function->kind, "libvirt") == 0 && strcmp(function->name, "virInitialize") != 0)
                forget_libvirt_error();
        errno = wanted.error;
        switch (function->result) {
        case RESULT_NULL:
                return 0;
        case RESULT_NEGATIVE:
                return -wanted.error;
        case RESULT_ERRNO:
                return wanted.error;
        default:
                return -1;
        }
}

static void *find_real(const char *name) {
        void *real = dlsym(RTLD_NEXT, name);

        /* The hook loads it for its module alone. */
        if (!real)
                real = dlsym(dlopen("libsystemd.so.0", RTLD_LAZY | RTLD_NOLOAD), name);
        if (!real)
                abort();
        return real;
}

/* The function to go on with, or NULL: to fail with *ret. Called from the code below. */
__attribute__((visibility("hidden"))) void *fault_decide(struct function *function,
                                                         const void *caller, long *ret);
void *fault_decide(struct function *function, const void *caller, long *ret) {
        bool fails = false;
        int error = errno;

        if (!is_inside) {
                is_inside = true;
                if (!wanted.is_read)
                        read_settings();
                if (!function->real)
                        function->real = find_real(function->name);
                if (counts(function, caller)) {
                        unsigned number = __atomic_add_fetch(&n_calls, 1, __ATOMIC_RELAXED);

                        fails = number == wanted.number ||
                                (wanted.lasting && number > wanted.number);
                        if (number == wanted.number)
                                report(function->name);
                }
                is_inside = false;
        } else if (!function->real) {
                function->real = dlsym(RTLD_NEXT, function->name);
        }
        errno = error;
        if (!fails)
                return function->real;
        *ret = result_of(function);
        return NULL;
}

/*
 * A function of any signature, variadic ones among them: its arguments are kept while fault_decide() is asked, and it is
 * then jumped to, or its caller returned to.
 */
#define FAULTY(name, kind, result)                                                                 \
        __attribute__((used, visibility("hidden"))) struct function fault_##name = {#name, kind,   \
                                                                                    result, NULL}; \
        __asm__(".pushsection .text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"   \
                "endbr64\npush %rbp\nmov %rsp, %rbp\nsub $208, %rsp\n"                             \
                "mov %rdi, 0(%rsp)\nmov %rsi, 8(%rsp)\nmov %rdx, 16(%rsp)\nmov %rcx, 24(%rsp)\n"   \
                "mov %r8, 32(%rsp)\nmov %r9, 40(%rsp)\nmov %rax, 48(%rsp)\n"                       \
                "movups %xmm0, 64(%rsp)\nmovups %xmm1, 80(%rsp)\nmovups %xmm2, 96(%rsp)\n"         \
                "movups %xmm3, 112(%rsp)\nmovups %xmm4, 128(%rsp)\nmovups %xmm5, 144(%rsp)\n"      \
                "movups %xmm6, 160(%rsp)\nmovups %xmm7, 176(%rsp)\n"                               \
                "lea fault_" #name "(%rip), %rdi\nmov 8(%rbp), %rsi\nlea 56(%rsp), %rdx\n"         \
                "call fault_decide\nmov %rax, %r11\n"                                              \
                "mov 0(%rsp), %rdi\nmov 8(%rsp), %rsi\nmov 16(%rsp), %rdx\nmov 24(%rsp), %rcx\n"   \
                "mov 32(%rsp), %r8\nmov 40(%rsp), %r9\nmov 48(%rsp), %rax\nmov 56(%rsp), %r10\n"   \
                "movups 64(%rsp), %xmm0\nmovups 80(%rsp), %xmm1\nmovups 96(%rsp), %xmm2\n"         \
                "movups 112(%rsp), %xmm3\nmovups 128(%rsp), %xmm4\nmovups 144(%rsp), %xmm5\n"      \
                "movups 160(%rsp), %xmm6\nmovups 176(%rsp), %xmm7\nleave\n"                        \
                "test %r11, %r11\njz 1f\njmp *%r11\n1: mov %r10, %rax\nret\n"                      \
                ".size " #name ", . - " #name "\n.popsection\n");

#include "shim_functions.h"
