/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/util.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

int strdup_to(char **ret, const char *text) {
        char *copy = NULL;

        if (text) {
                copy = strdup(text);
                if (!copy)
                        return -ENOMEM;
        }

        *ret = copy;
        return 0;
}

int format_to(char **ret, const char *format, ...) {
        va_list arguments;
        char *text;
        int r;

        va_start(arguments, format);
        r = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (r < 0)
                return -ENOMEM;

        *ret = text;
        return 0;
}

bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

bool streq_null(const char *a, const char *b) {
        if (!a || !b)
                return a == b;
        return streq(a, b);
}

bool is_word(const char *word, const char *text, size_t length) {
        return strlen(word) == length && strncmp(word, text, length) == 0;
}

bool is_among(const char *text, const char *const *texts, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (streq(text, texts[i]))
                        return true;
        return false;
}

char **strv_free(char **list) {
        STRV_FOREACH (item, list)
                free(*item);
        free(list);
        return NULL;
}

size_t strv_length(char *const *list) {
        size_t n = 0;

        STRV_FOREACH (item, list)
                n++;
        return n;
}

bool strv_contains(char *const *list, const char *text) {
        STRV_FOREACH (item, list)
                if (streq(*item, text))
                        return true;
        return false;
}

int strv_append(char ***list, const char *text, size_t length) {
        size_t n = strv_length(*list);
        char **grown;

        grown = reallocarray(*list, n + 2, sizeof(char *));
        if (!grown)
                return -ENOMEM;
        *list = grown;
        grown[n] = strndup(text, length);
        grown[n + 1] = NULL;
        return grown[n] ? 0 : -ENOMEM;
}

int strv_split(char ***ret, const char *text) {
        static const char blanks[] = " \t";
        AUTO_STRV char **list = NULL;
        int r;

        for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
                size_t length = strcspn(text, blanks);

                r = strv_append(&list, text, length);
                if (r < 0)
                        return r;
                text += length;
        }

        *ret = STEAL(list);
        return 0;
}

int strv_join(char **ret, char *const *list, const char *separator) {
        AUTO_FREE char *joined = NULL;
        size_t size = 1;
        char *end;

        STRV_FOREACH (item, list)
                size += strlen(*item) + strlen(separator);
        joined = end = malloc(size);
        if (!joined)
                return -ENOMEM;

        *end = '\0';
        STRV_FOREACH (item, list) {
                if (item != list)
                        end = stpcpy(end, separator);
                end = stpcpy(end, *item);
        }

        *ret = STEAL(joined);
        return 0;
}

int array_grow(void *array_pointer, size_t count, size_t element_size) {
        void *array, *grown;

        /* Room grows when the count reaches a power of two, so that appending stays linear. */
        if (count & (count - 1))
                return 0;
        memcpy(&array, array_pointer, sizeof(array));
        grown = reallocarray(array, count ? count * 2 : 1, element_size);
        if (!grown)
                return -ENOMEM;
        memcpy(array_pointer, &grown, sizeof(grown));
        return 0;
}

/* The bytes that a UTF-8 sequence of this first byte has; 0 for one that cannot be first. */
static size_t utf8_sequence_length(uint8_t first) {
        if (first < 0x80)
                return 1;
        if (first >= 0xc2 && first <= 0xdf)
                return 2;
        if (first >= 0xe0 && first <= 0xef)
                return 3;
        if (first >= 0xf0 && first <= 0xf4)
                return 4;
        return 0;
}

bool utf8_valid(const char *text, size_t length) {
        const uint8_t *bytes = (const uint8_t *)text;
        size_t i = 0;

        while (i < length) {
                size_t n = utf8_sequence_length(bytes[i]);

                if (n == 0 || n > length - i || bytes[i] == 0)
                        return false;
                for (size_t k = 1; k < n; k++)
                        if ((bytes[i + k] & 0xc0) != 0x80)
                                return false;
                /* Overlong forms, surrogates and code points past U+10FFFF (RFC 3629, section 4). */
                if ((bytes[i] == 0xe0 && bytes[i + 1] < 0xa0) ||
                    (bytes[i] == 0xed && bytes[i + 1] > 0x9f) ||
                    (bytes[i] == 0xf0 && bytes[i + 1] < 0x90) ||
                    (bytes[i] == 0xf4 && bytes[i + 1] > 0x8f))
                        return false;
                i += n;
        }

        return true;
}

size_t control_length(const char *text) {
        const uint8_t *bytes = (const uint8_t *)text;

        if ((bytes[0] > 0 && bytes[0] < ' ') || bytes[0] == 0x7f)
                return 1;
        if (bytes[0] == 0xc2 && bytes[1] >= 0x80 && bytes[1] <= 0x9f)
                return 2;
        if (bytes[0] == 0xe2 && ((bytes[1] == 0x80 && bytes[2] >= 0xa8 && bytes[2] <= 0xae) ||
                                 (bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9)))
                return 3;
        return 0;
}

void make_one_line(char *text) {
        bool utf8 = utf8_valid(text, strlen(text));
        char *end = text;

        for (const char *from = text; *from;) {
                bool is_odd = !utf8 && (uint8_t)*from > 0x7f;
                size_t control = is_odd ? 0 : control_length(from);

                *end = *from;
                if (is_odd)
                        *end = '?';
                else if (control > 0)
                        *end = ' ';
                end++;
                from += control > 0 ? control : 1;
        }
        while (end > text && end[-1] == ' ')
                end--;
        *end = '\0';
}
