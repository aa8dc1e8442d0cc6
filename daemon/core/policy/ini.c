/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/ini.h"

#include <ini.h>
#include <string.h>

#include "core/memory.h"

/* What inih takes without cutting: a line in its INI_MAX_LINE buffer, a name in its MAX_SECTION one. */
#define LINE_LIMIT 199
#define SECTION_LIMIT 49
/* A file that is no INI at all should not fill the memory with what is wrong in it. */
#define ERROR_LIMIT 1000

#define BLANKS " \t"

/* What an indented line is below. */
enum above { ABOVE_NO_KEY, ABOVE_REFUSED, ABOVE_KEY };

struct ini {
        const char *file;
        ini_item_handler handler;
        void *userdata;
        struct problems *problems;
        size_t errors_before;

        const char *rest, *end;    /* not read yet */
        char line[LINE_LIMIT + 1]; /* the one in work */
        unsigned number;
        const char *parts[4]; /* what inih is given for it, up to NULL */
        size_t n_given;
        bool is_expected; /* a call of inih's for it */

        char section[SECTION_LIMIT + 1]; /* "": none yet */
        bool is_skipped;                 /* the section: its start was refused */
        enum above above;
};

#define refuse(ini, ...)                                                                           \
        problems_add((ini)->problems, SEVERITY_ERROR, (ini)->file, (ini)->number, __VA_ARGS__)

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

/* Is the line text, and short enough? Then it is put into ini->line; it is not shown before this is known. */
static bool check_bytes(struct ini *ini, const char *line, size_t length) {
        if (memchr(line, '\0', length)) {
                refuse(ini, "a NUL byte: this is no text; remove it");
                return false;
        }
        if (!utf8_valid(line, length)) {
                refuse(ini, "bytes that are not UTF-8; save the file as UTF-8");
                return false;
        }
        if (length > LINE_LIMIT) {
                refuse(ini, "line of %zu bytes; the limit is %d: shorten or divide it", length,
                       LINE_LIMIT);
                return false;
        }
        memcpy(ini->line, line, length);
        ini->line[length] = '\0';
        for (const char *c = ini->line; *c; c++) {
                size_t n = control_length(c);

                /* C0 but the tab has one byte, C1 two; those of three turn or break what is displayed, and may stay. */
                if ((n == 1 && *c != '\t') || n == 2) {
                        refuse(ini, "control character at byte %zu of the line; remove it",
                               (size_t)(c - ini->line) + 1);
                        return false;
                }
        }
        return true;
}

/* Is this a line for inih? */
static bool check_line(struct ini *ini, const char *line, size_t length) {
        bool is_good = check_bytes(ini, line, length);
        size_t indent = 0;
        char first = '\n';

        while (indent < length && is_blank(line[indent]))
                indent++;
        if (indent < length)
                first = line[indent];
        if (is_good && strchr("\n;#", first))
                return false;

        if (indent == 0) {
                ini->above = ABOVE_REFUSED; /* until it is known to be a key */
        } else if (is_good && ini->above == ABOVE_NO_KEY) {
                refuse(ini, "indented line that is below no key; begin it in the first column");
                is_good = false;
        }
        /* The keys below belong to no section that is known. */
        if (!is_good && first == '[')
                ini->is_skipped = true;
        return is_good && (indent == 0 || ini->above == ABOVE_KEY);
}

/* inih before its release 56 leaves comments in indented lines. */
static void cut_comment(char *line) {
        for (char *c = line + 1; *c; c++)
                if (*c == ';' && is_blank(c[-1]))
                        *c = '\0';
}

/* Find the next line for inih. False: there is none. */
static bool next_line(struct ini *ini) {
        while (ini->rest < ini->end) {
                const char *line = ini->rest,
                           *newline = memchr(line, '\n', (size_t)(ini->end - line));
                size_t length = (size_t)((newline ? newline : ini->end) - line);

                if (ini->problems->errors - ini->errors_before >= ERROR_LIMIT) {
                        refuse(ini, "%d errors; the rest is not read", ERROR_LIMIT);
                        return false;
                }
                ini->rest = newline ? newline + 1 : ini->end;
                ini->number++;
                if (newline && length > 0 && line[length - 1] == '\r')
                        length--;
                if (check_line(ini, line, length))
                        return true;
        }
        return false;
}

/*
 * inih's reader, as fgets(). A line's end comes apart from it: together they may be too long. inih reports no section but with
 * its keys, so behind a section's start it is given a key without a name.
 */
static char *give_part(char *buffer, int size, void *userdata) {
        struct ini *ini = userdata;

        if (!ini->parts[ini->n_given]) {
                if (ini->is_expected)
                        refuse(ini, "neither [SECTION], nor key = value, nor a comment: %s",
                               ini->line);
                ini->is_expected = next_line(ini);
                if (!ini->is_expected)
                        return NULL;
                if (is_blank(ini->line[0]))
                        cut_comment(ini->line);
                ini->parts[0] = ini->line;
                ini->parts[1] = "\n";
                ini->parts[2] = ini->line[0] == '[' ? "=" : NULL;
                ini->n_given = 0;
        }
        snprintf(buffer, (size_t)size, "%s", ini->parts[ini->n_given++]);
        return buffer;
}

static void hand_over(struct ini *ini, const char *key, const char *value) {
        const struct ini_item item = {
                .section = ini->section,
                .key = key,
                .value = value,
                .line = ini->number,
                .continues = is_blank(ini->line[0]),
        };

        ini->handler(&item, ini->userdata);
}

/* `name` is what inih read; where it found no end, the section before. */
static void start_section(struct ini *ini, const char *name) {
        const char *start = ini->line + 1, *behind;
        size_t length = strcspn(start, "]");

        ini->is_skipped = true;
        if (length > SECTION_LIMIT) {
                refuse(ini, "section name of %zu bytes; the limit is %d", length, SECTION_LIMIT);
                return;
        }
        if (start[length] != ']' || !is_word(name, start, length) || strchr(name, '[')) {
                refuse(ini, "a section name without an end; write [NAME]");
                return;
        }
        if (length == 0 || is_blank(name[0]) || is_blank(name[length - 1])) {
                refuse(ini, "a section name that is empty or has blanks around it; write [NAME]");
                return;
        }
        behind = start + length + 1 + strspn(start + length + 1, BLANKS);
        if (*behind && (*behind != ';' || !is_blank(behind[-1]))) {
                refuse(ini, "text behind [%s]; a comment there begins with a blank and ';'", name);
                return;
        }

        ini->is_skipped = false;
        ini->above = ABOVE_NO_KEY;
        strcpy(ini->section, name);
        hand_over(ini, NULL, NULL);
}

static void read_key(struct ini *ini, const char *key, const char *value) {
        const char *behind = ini->line + strlen(key);

        behind += strspn(behind, BLANKS);
        if (!*key) {
                refuse(ini, "neither [SECTION], nor key = value, nor a comment: %s", ini->line);
                return;
        }
        if (*behind == ':') {
                refuse(ini, "a key ends with \":\"; write %s = value", key);
                return;
        }
        if (ini->is_skipped)
                return;
        if (!*ini->section) {
                refuse(ini, "key \"%s\" before the first [SECTION]", key);
                return;
        }
        ini->above = ABOVE_KEY;
        hand_over(ini, key, value);
}

/* inih's handler. inih takes 0 as an error, but goes on all the same. */
static int read_item(void *userdata, const char *section, const char *key, const char *value) {
        struct ini *ini = userdata;

        ini->is_expected = false;
        if (is_blank(ini->line[0]))
                hand_over(ini, key, value);
        else if (ini->line[0] != '[')
                read_key(ini, key, value);
        else if (key) /* an inih that does report sections calls without one before */
                start_section(ini, section);
        return 1;
}

void ini_read(const char *file, const char *text, size_t length, ini_item_handler handler,
              void *userdata, struct problems *problems) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        struct ini ini = {
                .file = file,
                .handler = handler,
                .userdata = userdata,
                .problems = problems,
                .errors_before = problems->errors,
                .rest = text,
                .end = text + length,
        };

        if (length >= strlen(byte_order_mark) &&
            memcmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
                ini.rest += strlen(byte_order_mark);
        need_memory(ini_parse_stream(give_part, &ini, read_item, &ini) != -2);
}
