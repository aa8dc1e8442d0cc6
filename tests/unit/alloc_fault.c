/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "alloc_fault.h"

#include <errno.h>
#include <libxml/xmlerror.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker's --wrap: calls of NAME come here, __real_NAME() is the library's. */
#define WRAPPED(type, name, arguments)                                                             \
        type __real_##name arguments;                                                              \
        type __wrap_##name arguments;                                                              \
        type __wrap_##name arguments

static unsigned countdown; /* the allocation that fails, counted from here; 0: none */
static bool is_persistent, has_failed;
static long balance;

void alloc_fault_arm(unsigned n, bool persistent) {
        countdown = n;
        is_persistent = persistent;
        has_failed = false;
}

bool alloc_fault_disarm(void) {
        countdown = 0;
        is_persistent = false;
        return has_failed;
}

long alloc_fault_balance(void) {
        /* libxml2 keeps the last error until the next one. */
        xmlResetLastError();
        return balance;
}

static bool fails(void) {
        if (is_persistent && has_failed)
                return true;
        if (countdown == 0 || --countdown > 0)
                return false;
        has_failed = true;
        return true;
}

static bool fails_with_errno(void) {
        if (!fails())
                return false;
        errno = ENOMEM;
        return true;
}

static void *allocated(void *block) {
        if (block)
                balance++;
        return block;
}

WRAPPED(void *, malloc, (size_t size)) {
        return fails_with_errno() ? NULL : allocated(__real_malloc(size));
}

WRAPPED(void *, calloc, (size_t n, size_t size)) {
        return fails_with_errno() ? NULL : allocated(__real_calloc(n, size));
}

WRAPPED(void *, realloc, (void *block, size_t size)) {
        void *grown;

        if (fails_with_errno())
                return NULL;
        grown = __real_realloc(block, size);
        return block ? grown : allocated(grown);
}

WRAPPED(void *, reallocarray, (void *block, size_t n, size_t size)) {
        void *grown;

        if (fails_with_errno())
                return NULL;
        grown = __real_reallocarray(block, n, size);
        return block ? grown : allocated(grown);
}

WRAPPED(char *, strdup, (const char *text)) {
        return fails_with_errno() ? NULL : allocated(__real_strdup(text));
}

WRAPPED(char *, strndup, (const char *text, size_t length)) {
        return fails_with_errno() ? NULL : allocated(__real_strndup(text, length));
}

WRAPPED(int, vasprintf, (char **ret, const char *format, va_list arguments)) {
        int n;

        if (fails_with_errno())
                return -1;
        n = __real_vasprintf(ret, format, arguments);
        if (n >= 0)
                balance++;
        return n;
}

/* What _FORTIFY_SOURCE makes of vasprintf(), which distributions build with. */
WRAPPED(int, __vasprintf_chk, (char **ret, int flag, const char *format, va_list arguments)) {
        int n;

        if (fails_with_errno())
                return -1;
        n = __real___vasprintf_chk(ret, flag, format, arguments);
        if (n >= 0)
                balance++;
        return n;
}

/* The text is there, and to be freed, when the stream is closed. */
WRAPPED(FILE *, open_memstream, (char **text, size_t *size)) {
        return fails_with_errno() ? NULL : allocated(__real_open_memstream(text, size));
}

/* A stream in memory may run out of it at the end. */
WRAPPED(int, fclose, (FILE * file)) {
        int r = __real_fclose(file);

        return fails_with_errno() ? EOF : r;
}

/* The nodes of a tree are libc's to free. */
WRAPPED(void *, tsearch,
        (const void *key, void **root, int (*compare)(const void *, const void *))) {
        return fails() ? NULL : __real_tsearch(key, root, compare);
}

WRAPPED(void, free, (void *block)) {
        if (block)
                balance--;
        __real_free(block);
}
