/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/policy/ini.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <ini.h>

#include "core/string_map.h"

/* What inih takes without cutting: a line in its INI_MAX_LINE buffer, a name in its MAX_SECTION one. */
#define LINE_LIMIT 199
#define SECTION_LIMIT 49
#define TEXT_LIMIT ((size_t)16 << 20)
/* A file that is no INI at all should not fill the memory with what is wrong in it. */
#define ERROR_LIMIT 1000

struct span {
        const char *text;
        size_t length;
};

struct ini {
        const char *file;
        ini_item_handler handler;
        void *userdata;
        struct problems *problems;
        size_t errors_before;
        int result;

        struct span rest; /* not read yet */
        struct span line; /* the one in work, without its end */
        unsigned number;
        size_t offered; /* bytes of the line that inih has read */
        bool offering, expecting;

        char section[SECTION_LIMIT + 1];
        bool in_section, skipping;        /* skipping: the section's start was refused */
        struct string_map sections, keys; /* to their lines */
};

static void ini_clear(struct ini *ini) {
        string_map_clear(&ini->sections);
        string_map_clear(&ini->keys);
}

/* Add an error in the line in work. What goes wrong ends up in ini->result: no further line is read. */
#define refuse(ini, ...)                                                                           \
        do {                                                                                       \
                int refused_ = problems_add((ini)->problems, SEVERITY_ERROR, (ini)->file,          \
                                            (ini)->number, __VA_ARGS__);                           \
                if (refused_ < 0)                                                                  \
                        (ini)->result = refused_;                                                  \
        } while (0)

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static struct span skip_blanks(struct span span) {
        while (span.length > 0 && is_blank(span.text[0])) {
                span.text++;
                span.length--;
        }
        return span;
}

static struct span strip_blanks(struct span span) {
        span = skip_blanks(span);
        while (span.length > 0 && is_blank(span.text[span.length - 1]))
                span.length--;
        return span;
}

/* The first of `stops`, or of the comment that begins at a semicolon behind a blank, or the end. */
static size_t find(struct span span, const char *stops) {
        size_t i;

        for (i = 0; i < span.length; i++)
                if (strchr(stops, span.text[i]) ||
                    (i > 0 && span.text[i] == ';' && is_blank(span.text[i - 1])))
                        break;
        return i;
}

static struct span from(struct span span, size_t start) {
        return (struct span){span.text + start, span.length - start};
}

/* The first control character but the tab, C1 ones in their UTF-8 form included; or the end. */
static size_t find_control(struct span span) {
        size_t i;

        for (i = 0; i < span.length; i++) {
                uint8_t byte = (uint8_t)span.text[i];
                uint8_t next = i + 1 < span.length ? (uint8_t)span.text[i + 1] : 0;

                if ((byte < ' ' && byte != '\t') || byte == 0x7f || (byte == 0xc2 && next < 0xa0))
                        break;
        }
        return i;
}

/* Is the line text, and short enough? Whatever the line says, it is not shown before this is known. */
static bool check_bytes(struct ini *ini) {
        struct span line = ini->line;
        size_t control;

        if (memchr(line.text, '\0', line.length)) {
                refuse(ini, "a NUL byte: this is no text; remove it");
                return false;
        }
        if (!utf8_valid(line.text, line.length)) {
                refuse(ini, "bytes that are not UTF-8; save the file as UTF-8");
                return false;
        }
        control = find_control(line);
        if (control < line.length) {
                refuse(ini, "control character at byte %zu of the line; remove it", control + 1);
                return false;
        }
        if (line.length > LINE_LIMIT) {
                refuse(ini, "line of %zu bytes; the limit is %d: shorten or divide it", line.length,
                       LINE_LIMIT);
                return false;
        }
        return true;
}

/* The name between the brackets; no text: refused. */
static struct span read_section_name(struct ini *ini) {
        static const struct span refused = {};
        struct span line = ini->line, name = from(line, 1), tail;
        size_t end = find(name, "[]");

        if (end == name.length || name.text[end] != ']') {
                refuse(ini, "a section name without an end; write [NAME]");
                return refused;
        }
        tail = from(name, end + 1);
        name.length = end;
        if (name.length == 0 || strip_blanks(name).length != name.length) {
                refuse(ini, "a section name that is empty or has blanks around it; write [NAME]");
                return refused;
        }
        if (name.length > SECTION_LIMIT) {
                refuse(ini, "section name of %zu bytes; the limit is %d", name.length,
                       SECTION_LIMIT);
                return refused;
        }
        tail.length = find(tail, "");
        if (strip_blanks(tail).length > 0) {
                refuse(ini, "text behind [%.*s]; a comment there begins with a blank and ';'",
                       (int)name.length, name.text);
                return refused;
        }
        return name;
}

/* Is the key, or section, new to the map of those seen so far? Returns its earlier line or 0. */
static unsigned seen_at(struct ini *ini, struct string_map *seen, struct span name) {
        uint64_t hash = string_hash(name.text, name.length);
        const size_t *line = string_map_find(seen, hash, name.text, name.length);
        int r;

        if (line)
                return (unsigned)*line;
        r = string_map_add(seen, hash, name.text, name.length, ini->number);
        if (r < 0)
                ini->result = r;
        return 0;
}

static bool start_section(struct ini *ini) {
        struct ini_item item = {.section = ini->section, .line = ini->number};
        struct span name = read_section_name(ini);
        unsigned earlier;

        ini->in_section = true;
        ini->skipping = true;
        if (!name.text)
                return false;
        earlier = seen_at(ini, &ini->sections, name);
        if (earlier > 0) {
                refuse(ini, "section [%.*s] again, after line %u; make it one section",
                       (int)name.length, name.text, earlier);
                return false;
        }

        ini->skipping = false;
        string_map_clear(&ini->keys);
        memcpy(ini->section, name.text, name.length);
        ini->section[name.length] = '\0';
        if (ini->result == 0)
                ini->result = ini->handler(&item, ini->userdata);
        return true;
}

/* Is the line a `key = value` that inih is to read? */
static bool check_key(struct ini *ini) {
        struct span line = ini->line, key = line;
        size_t end = find(line, "=:");
        unsigned earlier;

        key.length = end;
        key = strip_blanks(key);
        if (end < line.length && line.text[end] == ':' && key.length > 0) {
                refuse(ini, "a key ends with \":\"; write %.*s = value", (int)key.length, key.text);
                return false;
        }
        if (end == line.length || line.text[end] != '=' || key.length == 0) {
                refuse(ini, "neither [SECTION], nor key = value, nor a comment: %.*s",
                       (int)line.length, line.text);
                return false;
        }
        if (!ini->in_section) {
                refuse(ini, "key \"%.*s\" before the first [SECTION]", (int)key.length, key.text);
                return false;
        }
        if (ini->skipping)
                return false;
        earlier = seen_at(ini, &ini->keys, key);
        if (earlier > 0) {
                refuse(ini, "key \"%.*s\" again in [%s], after line %u; give it once",
                       (int)key.length, key.text, ini->section, earlier);
                return false;
        }
        return true;
}

/* Take the next line off the text. Line ends are LF and CRLF. */
static void take_line(struct ini *ini) {
        const char *end = memchr(ini->rest.text, '\n', ini->rest.length);
        size_t length = end ? (size_t)(end - ini->rest.text) : ini->rest.length;

        ini->line = (struct span){ini->rest.text, length};
        if (end && length > 0 && ini->line.text[length - 1] == '\r')
                ini->line.length--;
        ini->rest = from(ini->rest, end ? length + 1 : length);
        ini->number++;
}

/* Check the line in work. True: it is one for inih. */
static bool check_line(struct ini *ini) {
        struct span content = skip_blanks(ini->line);
        bool indented = content.length < ini->line.length;
        bool bracket = content.length > 0 && content.text[0] == '[';

        if (!check_bytes(ini)) {
                /* The keys below belong to no section that is known. */
                if (bracket)
                        ini->in_section = ini->skipping = true;
                return false;
        }
        if (content.length == 0 || content.text[0] == ';' || content.text[0] == '#')
                return false;
        if (indented) {
                refuse(ini, "indented line; begin it in the first column (a value ends with its "
                            "line)");
                if (bracket)
                        ini->in_section = ini->skipping = true;
                return false;
        }
        return bracket ? start_section(ini) : check_key(ini);
}

/* Find the next line for inih. False: there is none. */
static bool next_line(struct ini *ini) {
        while (ini->result == 0 && ini->rest.length > 0) {
                if (ini->problems->errors - ini->errors_before >= ERROR_LIMIT) {
                        refuse(ini, "%d errors; the rest is not read", ERROR_LIMIT);
                        return false;
                }
                take_line(ini);
                if (check_line(ini) && ini->result == 0)
                        return true;
        }
        return false;
}

/*
 * inih's reader, as fgets(): the line, then its end. The end of a line that fills the buffer comes with
 * the next call, so that releases of inih that drop the rest of an overlong line drop only that.
 */
static char *read_line(char *buffer, int size, void *stream) {
        struct ini *ini = stream;
        size_t n;

        if (size < 2)
                return NULL;
        if (!ini->offering) {
                /* Not reached while find() and inih agree on what a key is, nor is the other one below: fuzz_policy.c. */
                if (ini->expecting)
                        refuse(ini, "not a key to inih; write key = value"); /* GCOVR_EXCL_LINE */
                ini->expecting = false;
                if (!next_line(ini))
                        return NULL;
                ini->offering = true;
                ini->offered = 0;
                ini->expecting = ini->line.text[0] != '[';
        }

        n = ini->line.length - ini->offered;
        if (n > (size_t)size - 1)
                n = (size_t)size - 1;
        memcpy(buffer, ini->line.text + ini->offered, n);
        ini->offered += n;
        if (n < (size_t)size - 1) {
                buffer[n++] = '\n';
                ini->offering = false;
        }
        buffer[n] = '\0';
        return buffer;
}

/* inih's handler. inih takes 0 as an error, but goes on all the same. */
static int read_key(void *userdata, const char *section, const char *key, const char *value) {
        struct ini *ini = userdata;
        struct ini_item item = {
                .section = section,
                .key = key,
                .value = value,
                .line = ini->number,
        };

        if (ini->result < 0)
                return 1;
        /* GCOVR_EXCL_START */
        if (!ini->expecting || !streq(section, ini->section)) {
                refuse(ini, "read by inih as key \"%s\" in [%s]; write key = value", key, section);
                return 1;
        }
        /* GCOVR_EXCL_STOP */
        ini->expecting = false;
        ini->result = ini->handler(&item, ini->userdata);
        return 1;
}

int ini_read(const char *file, const char *text, size_t length, ini_item_handler handler,
             void *userdata, struct problems *problems) {
        static const char byte_order_mark[] = "\xef\xbb\xbf";
        CLEANUP(ini_clear)
        struct ini ini = {
                .file = file,
                .handler = handler,
                .userdata = userdata,
                .problems = problems,
                .errors_before = problems->errors,
                .rest = {text, length},
        };

        if (length > TEXT_LIMIT)
                return -EFBIG;
        if (length >= strlen(byte_order_mark) &&
            memcmp(text, byte_order_mark, strlen(byte_order_mark)) == 0)
                ini.rest = from(ini.rest, strlen(byte_order_mark));
        /* Each error that inih could count has been found, and told, by read_line() before. */
        if (ini_parse_stream(read_line, &ini, read_key, &ini) == -2)
                return -ENOMEM;
        return ini.result;
}
