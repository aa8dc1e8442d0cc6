/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Hostile text to a tree, or a reason why not. What is done with the tree is in xml.c. */

#include "core/xml.h"

#include <errno.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>
#include <strings.h>

#include "core/xml_memory.h"

static void xmlFreeParserCtxt_p(xmlParserCtxt **context) {
        if (*context)
                xmlFreeParserCtxt(*context);
}

static void xmlFreeDoc_p(xmlDoc **doc) {
        xmlFreeDoc(*doc);
}

/*
 * What libxml2 does in the square of the input is bounded by what is squared: it compares the attributes of an
 * element, each with each other (xmlParseStartTag2()), and looks for the namespace of an element and of its attributes
 * among all that are in scope. libvirt's own elements have some twenty attributes, and its documents two namespaces.
 */
#define ATTRIBUTES_MAX 1024
#define UTF16_ATTRIBUTES_MAX 8192
#define NAMESPACE_LOOKUPS_MAX (64ul << 20)

/* State of a parse, for the SAX handlers. */
struct parse {
        const char *refused; /* why the parser was stopped; NULL: it was not */
        char *error;         /* owned: the first that is fatal, in libxml2's words */
        unsigned namespaces; /* declared in scope */
        size_t lookups;      /* of namespaces, so far */
        const char *
                wanted; /* attribute of the root element, after which the parser is stopped; NULL: none */
        char *found; /* owned: its value */
};

static void parse_clear(struct parse *parse) {
        free(parse->error);
        free(parse->found);
}

static void note_error(void *userdata, xmlError *error) {
        xmlParserCtxt *context = userdata;
        struct parse *parse = context->_private;

        if (error->level < XML_ERR_FATAL || parse->error)
                return;
        if (format_to(&parse->error, "line %d: %s", error->line,
                      error->message ? error->message : "not well-formed") < 0)
                xml_memory_note(NULL);
        else
                make_one_line(parse->error);
}

static void stop(xmlParserCtxt *context, const char *reason) {
        struct parse *parse = context->_private;

        parse->refused = reason;
        xmlStopParser(context);
}

/* SAX handler for `<!DOCTYPE`: stop before anything that it declares is read. */
static void refuse_doctype(void *userdata, const xmlChar *name UNUSED,
                           const xmlChar *public_id UNUSED, const xmlChar *system_id UNUSED) {
        stop(userdata, "a document type declaration (<!DOCTYPE>) is not accepted");
}

/* libxml2 takes one that has a colon in it, and what it writes with that is nobody's namespace. */
static bool is_prefix(const xmlChar *prefix) {
        return !prefix || !strchr((const char *)prefix, ':');
}

/*
 * Is the document in an encoding that it can also be written in? iconv knows hundreds more, some with a state
 * or without the characters that XML itself is made of.
 */
static bool is_known_encoding(const char *encoding) {
        static const char *const beginnings[] = {"UTF-8",     "UTF8",  "UTF-16",     "US-ASCII",
                                                 "ISO-8859-", "ASCII", "windows-125"};

        if (!encoding)
                return true;
        for (size_t i = 0; i < ELEMENTS_OF(beginnings); i++)
                if (strncasecmp(encoding, beginnings[i], strlen(beginnings[i])) == 0)
                        return true;
        return false;
}

/* SAX handler behind the XML declaration. */
static void start_document(void *userdata) {
        xmlParserCtxt *context = userdata;
        const xmlChar *encoding = context->input && context->input->encoding
                                          ? context->input->encoding
                                          : context->encoding;

        if (is_known_encoding((const char *)encoding))
                xmlSAX2StartDocument(context);
        else
                stop(context, "an encoding other than UTF-8, UTF-16, ASCII, ISO-8859 and "
                              "windows-125*");
}

/* Of each attribute there are its name, prefix, namespace, and where its value begins and ends. */
static void take_root_attribute(struct parse *parse, int n_attributes, const xmlChar **attributes) {
        for (ptrdiff_t i = 0; i < n_attributes; i++) {
                const xmlChar **a = attributes + 5 * i;

                if (!a[1] && streq((const char *)a[0], parse->wanted))
                        parse->found = strndup((const char *)a[3], (size_t)(a[4] - a[3]));
        }
}

static void start_element(void *userdata, const xmlChar *name, const xmlChar *prefix,
                          const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
                          int n_attributes, int n_defaulted, const xmlChar **attributes) {
        xmlParserCtxt *context = userdata;
        struct parse *parse = context->_private;

        if (parse->wanted) {
                take_root_attribute(parse, n_attributes, attributes);
                xmlStopParser(context);
                return;
        }
        parse->namespaces += (unsigned)n_namespaces;
        parse->lookups += (size_t)parse->namespaces * (1 + (size_t)n_attributes);
        if (parse->lookups > NAMESPACE_LOOKUPS_MAX) {
                stop(context, "too many namespaces");
                return;
        }
        /* Each is a prefix and its URI. */
        for (ptrdiff_t i = 0; i < n_namespaces; i++)
                if (!is_prefix(namespaces[2 * i])) {
                        stop(context, "a namespace prefix with a colon in it");
                        return;
                }
        xmlSAX2StartElementNs(context, name, prefix, uri, n_namespaces, namespaces, n_attributes,
                              n_defaulted, attributes);
}

static void end_element(void *userdata, const xmlChar *name, const xmlChar *prefix,
                        const xmlChar *uri) {
        xmlParserCtxt *context = userdata;
        struct parse *parse = context->_private;

        /* Without memory the element may not have come into being. */
        for (const xmlNs *ns = context->node ? context->node->nsDef : NULL; ns; ns = ns->next)
                parse->namespaces--;
        xmlSAX2EndElementNs(context, name, prefix, uri);
}

static int refuse(char **ret_reason, const char *reason) {
        return strdup_to(ret_reason, reason) < 0 ? -ENOMEM : 1;
}

static int parse_failure(const struct parse *parse, char **ret_reason) {
        if (parse->refused)
                return refuse(ret_reason, parse->refused);
        return refuse(ret_reason, parse->error ? parse->error : "not well-formed XML");
}

static xmlParserCtxt *new_context(struct parse *parse) {
        xmlParserCtxt *context = xmlNewParserCtxt();

        if (!context)
                return NULL;
        context->_private = parse;
        context->sax->internalSubset = refuse_doctype;
        context->sax->startDocument = start_document;
        context->sax->startElementNs = start_element;
        context->sax->endElementNs = end_element;
        context->sax->serror = note_error;
        /* The text is bounded; where the dictionary is full, libxml2 drops the declaration of a namespace silently. */
        xmlDictSetLimit(context->dict, 0);
        return context;
}

/* Behind `end` at its first place in text[0..length), or the end of the text. */
static const char *skip_to(const char *text, size_t length, const char *end) {
        const char *found = memmem(text, length, end, strlen(end));

        return found ? found + strlen(end) : text + length;
}

/* Behind the `>` of a tag; *ret_attributes are the equals signs outside of its values. */
static const char *skip_tag(const char *text, const char *end, size_t *ret_attributes) {
        size_t n = 0;

        for (; text < end && *text != '>'; text++) {
                const char *quote = *text == '"' || *text == '\'' ? text : NULL;

                n += *text == '=';
                if (quote)
                        text = memchr(quote + 1, *quote, (size_t)(end - quote - 1));
                if (!text) {
                        text = end;
                        break;
                }
        }
        *ret_attributes = n;
        return text < end ? text + 1 : end;
}

/* Behind what begins at *text, which is a `<`. Returns whether that is a tag, with its attributes as skip_tag() counts. */
static bool skip_markup(const char **text, const char *end, size_t *ret_attributes) {
        size_t left = (size_t)(end - *text);

        *ret_attributes = 0;
        if (left >= 4 && memcmp(*text, "<!--", 4) == 0)
                *text = skip_to(*text + 4, left - 4, "-->");
        else if (left >= 9 && memcmp(*text, "<![CDATA[", 9) == 0)
                *text = skip_to(*text + 9, left - 9, "]]>");
        else if (left >= 2 && memcmp(*text, "<?", 2) == 0)
                *text = skip_to(*text + 2, left - 2, "?>");
        else {
                *text = skip_tag(*text + 1, end, ret_attributes);
                return true;
        }
        return false;
}

/* `only_first`: the root's. */
static bool has_too_many_in_a_tag(const char *text, size_t length, bool only_first) {
        const char *end = text + length;
        bool is_tag = false;

        while (!(is_tag && only_first) && (text = memchr(text, '<', (size_t)(end - text)))) {
                size_t n;

                is_tag = skip_markup(&text, end, &n);
                if (n > ATTRIBUTES_MAX)
                        return true;
        }
        return false;
}

static bool has_more_than(const char *text, size_t length, char c, size_t n) {
        const char *end = text + length;

        for (; (text = memchr(text, c, (size_t)(end - text))); text++)
                if (n-- == 0)
                        return true;
        return false;
}

/*
 * Has any element (`only_root`: has the root) more attributes than libxml2 is to compare with each other? Of
 * its bytes, before it is parsed. A tag looks alike in all encodings that are taken but UTF-16, which has zero
 * bytes: there, all of the text is taken for one tag.
 */
static bool has_too_many_attributes(const char *text, size_t length, bool only_root) {
        if (memchr(text, '\0', length))
                return has_more_than(text, length, '=', UTF16_ATTRIBUTES_MAX);
        return has_too_many_in_a_tag(text, length, only_root);
}

/* Compact: short texts are in their nodes, a fifth of the time saved; none may be changed in place. */
static xmlDoc *read_text(xmlParserCtxt *context, const char *text, size_t length) {
        return xmlCtxtReadMemory(context, text, (int)length, NULL, NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                         XML_PARSE_COMPACT);
}

int xml_root_attribute(const char *text, size_t length, const char *name, char **ret) {
        CLEANUP(parse_clear) struct parse parse = {.wanted = name};

        if (!xml_memory_is_ready())
                return -ENOMEM;

        WITH_LIBXML2;
        CLEANUP(xmlFreeParserCtxt_p) xmlParserCtxt *context = new_context(&parse);

        if (!context)
                return -ENOMEM;
        /* The root's tag is at the beginning, also of a text that is too long. */
        if (length > XML_SIZE_MAX)
                length = XML_SIZE_MAX;
        if (length > 0 && !has_too_many_attributes(text, length, true))
                xmlFreeDoc(read_text(context, text, length));
        if (xml_memory_ran_out())
                return -ENOMEM;
        *ret = STEAL(parse.found);
        return 0;
}

int xml_parse(const char *text, size_t length, struct xml_document **ret, char **ret_reason) {
        CLEANUP(parse_clear) struct parse parse = {};

        if (!xml_memory_is_ready())
                return -ENOMEM;

        WITH_LIBXML2;
        CLEANUP(xmlFreeParserCtxt_p) xmlParserCtxt *context = NULL;
        CLEANUP(xmlFreeDoc_p) xmlDoc *doc = NULL;

        if (length > XML_SIZE_MAX)
                return format_to(ret_reason, "larger than %u MiB", XML_SIZE_MAX >> 20) < 0 ? -ENOMEM
                                                                                           : 1;
        if (length == 0)
                return refuse(ret_reason, "empty");
        if (has_too_many_attributes(text, length, false))
                return refuse(ret_reason, "too many attributes in one element");

        context = new_context(&parse);
        if (!context)
                return -ENOMEM;
        doc = read_text(context, text, length);
        if (xml_memory_ran_out())
                return -ENOMEM;
        if (!doc || parse.refused)
                return parse_failure(&parse, ret_reason);
        /* libxml2 takes a NUL behind the root element for the end of the text. */
        if (context->input && context->input->cur < context->input->end)
                return refuse(ret_reason, "a NUL character behind the document");

        *ret = (struct xml_document *)STEAL(doc);
        return 0;
}
