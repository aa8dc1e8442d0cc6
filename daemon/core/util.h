/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What C lacks: ownership by scope, string lists, checked text building.
 *
 * The error convention of the whole project: 0 is success; a negative errno is fatal to the call and
 * is passed up; a positive value of a module's own enum is an expected outcome that the caller must
 * handle. Output parameters are named ret_ and are set on success only, unless their declaration
 * says otherwise.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ELEMENTS_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PRINTF_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#define UNUSED __attribute__((unused))

/* Run `function` on the variable's address when it goes out of scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Declare static inline `function`_p(T **) for CLEANUP(), from a destructor that accepts NULL. */
#define DEFINE_CLEANUP(type, function)                                                             \
        static inline void function##_p(type *pointer) {                                           \
                if (*pointer)                                                                      \
                        function(*pointer);                                                        \
        }                                                                                          \
        struct function##_cleanup_needs_semicolon

static inline void free_p(void *pointer) {
        free(*(void **)pointer);
}

static inline void fclose_p(FILE **file) {
        if (*file)
                (void)fclose(*file);
}

/* A local that is freed at the end of its scope. */
#define AUTO_FREE CLEANUP(free_p)
#define AUTO_FCLOSE CLEANUP(fclose_p)

/* Hand the pointer over and forget it: the type is the variable's own. */
#define STEAL(variable)                                                                            \
        ({                                                                                         \
                __auto_type stolen_ = (variable);                                                  \
                (variable) = NULL;                                                                 \
                stolen_;                                                                           \
        })

/* strdup() that passes NULL through as success. Returns 0 or -ENOMEM. */
int strdup_to(char **ret, const char *text);

/* asprintf() with the result in *ret (unchanged on failure). Returns 0 or -ENOMEM. */
int format_to(char **ret, const char *format, ...) PRINTF_FORMAT(2, 3);

bool streq(const char *a, const char *b);
/* As streq(), but either may be NULL; two NULLs are equal. */
bool streq_null(const char *a, const char *b);
/* Is text[0..length) this word? */
bool is_word(const char *word, const char *text, size_t length);
/* Is it one of these? */
bool is_among(const char *text, const char *const *texts, size_t n);

/* A NULL-terminated list of owned strings; NULL is the empty list. */
char **strv_free(char **list);
DEFINE_CLEANUP(char **, strv_free);
#define AUTO_STRV CLEANUP(strv_free_p)
size_t strv_length(char *const *list);
bool strv_contains(char *const *list, const char *text);
/* Append a copy of text[0..length). Returns 0 or -ENOMEM (the list is then unchanged). */
int strv_append(char ***list, const char *text, size_t length);
/* Split at runs of blanks (space, tab). Returns 0 or -ENOMEM. An all-blank text gives NULL. */
int strv_split(char ***ret, const char *text);
/* Join with `separator`; the empty list gives "". Returns 0 or -ENOMEM. */
int strv_join(char **ret, char *const *list, const char *separator);

#define STRV_FOREACH(item, list) for (char *const *item = (list); item && *item; item++)

/* Make room for one more element of an owned array. Returns 0 or -ENOMEM (the array unchanged). */
int array_grow(void *array_pointer, size_t count, size_t element_size);

/* Is text[0..length) valid UTF-8 without NUL? */
bool utf8_valid(const char *text, size_t length);

/* The bytes of a character at the start of UTF-8 text that is not to reach a terminal or a log: the control
 * characters, those that end a line (U+2028, U+2029) and those that turn the direction of what follows
 * (U+202A to U+202E, U+2066 to U+2069). 0: it is none. */
size_t control_length(const char *text);

/* Make text fit for one line of a message: such characters become blanks, white space at the end
 * goes, and where it is not UTF-8 each byte past ASCII becomes '?'. In place. */
void make_one_line(char *text);
