/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/memory.h"

#include <errno.h>

void out_of_memory(void) {
        fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
        abort();
}

char *xstrdup(const char *text) {
        char *copy = NULL;

        need_memory(strdup_to(&copy, text) == 0);
        return copy;
}

char *xvformat(const char *format, va_list arguments) {
        char *text = NULL;

        need_memory(vasprintf(&text, format, arguments) >= 0);
        return text;
}

char *xformat(const char *format, ...) {
        va_list arguments;
        char *text;

        va_start(arguments, format);
        text = xvformat(format, arguments);
        va_end(arguments);
        return text;
}

void *xcalloc(size_t count, size_t size) {
        void *block = calloc(count, size);

        need_memory(block != NULL);
        return block;
}

void xgrow(void *array_pointer, size_t count, size_t element_size) {
        need_memory(array_grow(array_pointer, count, element_size) == 0);
}
