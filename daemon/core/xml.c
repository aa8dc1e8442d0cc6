/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/xml.h"

#include <errno.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlsave.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "core/xml_memory.h"

/* struct xml_document is xmlDoc, struct xml_element is xmlNode: the names keep libxml2 out of all other files. */
static xmlDoc *doc_of(struct xml_document *document) {
        return (xmlDoc *)document;
}

static xmlNode *node_of(const struct xml_element *element) {
        return (xmlNode *)element;
}

static struct xml_element *element_of(const xmlNode *node) {
        return (struct xml_element *)node;
}

static void xmlFreeParserCtxt_p(xmlParserCtxt **context) {
        if (*context)
                xmlFreeParserCtxt(*context);
}

static void xmlFreeDoc_p(xmlDoc **doc) {
        xmlFreeDoc(*doc);
}

static void xmlBufferFree_p(xmlBuffer **buffer) {
        if (*buffer)
                xmlBufferFree(*buffer);
}

static void xmlFreeNode_p(xmlNode **node) {
        if (*node)
                xmlFreeNode(*node);
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

struct xml_document *xml_free(struct xml_document *document) {
        xmlFreeDoc(doc_of(document));
        return NULL;
}

int xml_serialize(struct xml_document *document, char **ret, size_t *ret_length) {
        WITH_LIBXML2;
        /* xmlDoc.standalone is -1 where the text had no XML declaration. */
        xmlDoc *doc = doc_of(document);
        int options = XML_SAVE_AS_XML | (doc->standalone == -1 ? XML_SAVE_NO_DECL : 0);
        const char *encoding = doc->encoding ? (const char *)doc->encoding : "UTF-8";
        CLEANUP(xmlBufferFree_p) xmlBuffer *buffer = xmlBufferCreate();
        xmlSaveCtxt *save;
        size_t length;
        char *text;
        long written;

        if (!buffer)
                return -ENOMEM;
        /* By default it grows by as little as is needed, which is quadratic. */
        xmlBufferSetAllocationScheme(buffer, XML_BUFFER_ALLOC_DOUBLEIT);
        save = xmlSaveToBuffer(buffer, encoding, options);
        if (!save)
                return -ENOMEM;
        written = xmlSaveDoc(save, doc);
        if (xmlSaveClose(save) < 0 || written < 0 || xml_memory_ran_out())
                return -ENOMEM;

        length = (size_t)xmlBufferLength(buffer);
        text = malloc(length + 1);
        if (!text)
                return -ENOMEM;
        memcpy(text, xmlBufferContent(buffer), length);
        text[length] = '\0';

        *ret = text;
        *ret_length = length;
        return 0;
}

struct xml_element *xml_root(struct xml_document *document) {
        return element_of(xmlDocGetRootElement(doc_of(document)));
}

const char *xml_name(const struct xml_element *element) {
        return (const char *)node_of(element)->name;
}

bool xml_is(const struct xml_element *element, const char *ns, const char *name) {
        const xmlNode *node = node_of(element);

        return streq((const char *)node->name, name) &&
               streq_null(node->ns ? (const char *)node->ns->href : NULL, ns);
}

struct xml_element *xml_first_child(const struct xml_element *parent) {
        return element_of(xmlFirstElementChild(node_of(parent)));
}

struct xml_element *xml_last_child(const struct xml_element *parent) {
        return element_of(xmlLastElementChild(node_of(parent)));
}

struct xml_element *xml_next(const struct xml_element *element) {
        return element_of(xmlNextElementSibling(node_of(element)));
}

struct xml_element *xml_previous(const struct xml_element *element) {
        return element_of(xmlPreviousElementSibling(node_of(element)));
}

struct xml_element *xml_child(const struct xml_element *parent, const char *ns, const char *name) {
        if (!parent)
                return NULL;
        XML_FOREACH_CHILD (child, parent)
                if (xml_is(child, ns, name))
                        return child;
        return NULL;
}

const char *xml_attribute(const struct xml_element *element, const char *name) {
        const xmlAttr *attribute = xmlHasNsProp(node_of(element), (const xmlChar *)name, NULL);

        if (!attribute)
                return NULL;
        /* Without a DTD there are no entity references in it: one text node, or none if empty. */
        return attribute->children ? (const char *)attribute->children->content : "";
}

bool xml_has_only_attribute(const struct xml_element *element, const char *name) {
        const xmlNode *node = node_of(element);

        return !node->children && node->properties && !node->properties->next && !node->nsDef &&
               node->ns == node->parent->ns && xml_attribute(element, name);
}

bool xml_has_more_nodes(const struct xml_element *element, size_t n) {
        for (const xmlNode *node = node_of(element)->children; node; node = node->next)
                if (n-- == 0)
                        return true;
        return false;
}

bool xml_has_own_text(const struct xml_element *element) {
        for (const xmlNode *node = node_of(element)->children; node; node = node->next)
                if ((node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) &&
                    !xmlIsBlankNode(node))
                        return true;
        return false;
}

static bool is_white_text(const xmlNode *node) {
        return node && node->type == XML_TEXT_NODE && xmlIsBlankNode(node);
}

bool xml_is_blank(const struct xml_element *element) {
        for (const xmlNode *node = node_of(element)->children; node; node = node->next)
                if (!is_white_text(node))
                        return false;
        return true;
}

int xml_text(const struct xml_element *element, char **ret) {
        WITH_LIBXML2;
        xmlChar *content = xmlNodeGetContent(node_of(element));
        int r;

        if (!content)
                return -ENOMEM;
        r = xml_memory_ran_out() ? -ENOMEM : strdup_to(ret, (const char *)content);
        xmlFree(content);
        return r;
}

/* XML 1.0 has no control characters but three, and neither U+FFFE nor U+FFFF. In place. */
static void make_xml_text(char *text) {
        for (char *c = text; *c; c++)
                if ((unsigned char)*c < ' ' && !strchr("\t\r\n", *c))
                        *c = '?';
                else if (strncmp(c, "\xef\xbf\xbe", 3) == 0 || strncmp(c, "\xef\xbf\xbf", 3) == 0)
                        c[0] = c[1] = c[2] = '?';
}

int xml_set_attribute(struct xml_element *element, const char *name, const char *value) {
        WITH_LIBXML2;
        AUTO_FREE char *text = strdup(value);
        const xmlAttr *attribute;

        if (!text)
                return -ENOMEM;
        make_xml_text(text);
        attribute =
                xmlSetNsProp(node_of(element), NULL, (const xmlChar *)name, (const xmlChar *)text);
        return attribute && !xml_memory_ran_out() ? 0 : -ENOMEM;
}

void xml_remove_attribute(struct xml_element *element, const char *name) {
        xmlUnsetNsProp(node_of(element), NULL, (const xmlChar *)name);
}

static bool is_white(const char *text) {
        return text[strspn(text, " \t\r\n")] == '\0';
}

/* Link a text node in without libxml2's merging of neighbours, which may free one of them. */
static int insert_text(xmlNode *parent, xmlNode *before, const char *content) {
        xmlNode *text = xmlNewDocText(parent->doc, (const xmlChar *)content);

        if (!text)
                return -ENOMEM;
        text->parent = parent;
        text->next = before;
        text->prev = before ? before->prev : parent->last;
        if (text->prev)
                text->prev->next = text;
        else
                parent->children = text;
        if (before)
                before->prev = text;
        else
                parent->last = text;
        return 0;
}

/* A new element before the node `before` of the parent, or behind all of its nodes. */
static int insert_element(xmlNode *parent, xmlNode *before, const char *ns, const char *prefix,
                          const char *name, xmlNode **ret) {
        CLEANUP(xmlFreeNode_p)
        xmlNode *node = xmlNewDocNode(parent->doc, NULL, (const xmlChar *)name, NULL);
        xmlNs *bound = NULL;

        if (!node)
                return -ENOMEM;
        if (ns) {
                if (parent->ns && streq((const char *)parent->ns->href, ns))
                        bound = parent->ns;
                else
                        bound = xmlSearchNsByHref(parent->doc, parent, (const xmlChar *)ns);
                /* A default binding would do for an element, but libvirt's metadata functions want a
                 * prefix. */
                if (!bound || (!bound->prefix && bound != parent->ns))
                        bound = xmlNewNs(node, (const xmlChar *)ns, (const xmlChar *)prefix);
                if (!bound)
                        return -ENOMEM;
                xmlSetNs(node, bound);
        }
        if (!(before ? xmlAddPrevSibling(before, node) : xmlAddChild(parent, node)))
                return -ENOMEM;

        *ret = STEAL(node);
        return 0;
}

static unsigned depth_of(const xmlNode *node) {
        unsigned depth = 0;

        for (node = node->parent; node && node->type == XML_ELEMENT_NODE; node = node->parent)
                depth++;
        return depth;
}

/* A newline and libvirt's two blanks a level. */
static int insert_indent(xmlNode *parent, xmlNode *before, unsigned depth) {
        AUTO_FREE char *indent = NULL;
        int r;

        r = format_to(&indent, "\n%*s", (int)(depth * 2), "");
        if (r < 0)
                return r;
        return insert_text(parent, before, indent);
}

int xml_append_child(struct xml_element *parent_element, const char *ns, const char *prefix,
                     const char *name, struct xml_element **ret, bool *ret_was_empty) {
        WITH_LIBXML2;
        xmlNode *parent = node_of(parent_element), *last, *before, *node;
        bool was_empty = !parent->children;
        unsigned depth = depth_of(parent);
        int r = 0;

        for (last = parent->last; is_white_text(last); last = last->prev)
                ;
        before = last ? last->next : parent->children;

        if (!last)
                r = insert_indent(parent, before, depth + 1);
        else if (last->type != XML_TEXT_NODE && is_white_text(last->prev))
                r = insert_text(parent, before, (const char *)last->prev->content);
        if (r >= 0)
                r = insert_element(parent, before, ns, prefix, name, &node);
        if (r >= 0 && was_empty)
                r = insert_indent(parent, NULL, depth);
        if (r < 0 || xml_memory_ran_out())
                return -ENOMEM;

        *ret = element_of(node);
        if (ret_was_empty)
                *ret_was_empty = was_empty;
        return 0;
}

static void unlink_and_free(xmlNode *node) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
}

void xml_remove_child(struct xml_element *element, bool parent_was_empty) {
        xmlNode *node = node_of(element), *parent = node->parent;

        if (is_white_text(node->prev))
                unlink_and_free(node->prev);
        unlink_and_free(node);
        /* Unless somebody has put something else there since. */
        if (parent_was_empty && is_white_text(parent->children) && !parent->children->next)
                unlink_and_free(parent->children);
}

static bool same_name(const xmlNode *a, const xmlNode *b) {
        return a->type == XML_ELEMENT_NODE &&
               xml_is(element_of(a), b->ns ? (const char *)b->ns->href : NULL,
                      (const char *)b->name);
}

int xml_take_out(struct xml_element *element, struct xml_position *ret) {
        xmlNode *node = node_of(element);
        const xmlNode *previous;
        struct xml_position position = {};
        int r;

        for (previous = node->prev; previous && !same_name(previous, node);
             previous = previous->prev)
                if (previous->type != XML_TEXT_NODE)
                        position.gap++;
        for (; previous; previous = previous->prev)
                if (same_name(previous, node))
                        position.ordinal++;

        r = strdup_to(&position.before,
                      is_white_text(node->prev) ? (const char *)node->prev->content : "");
        if (r < 0)
                return r;

        xml_remove_child(element, false);
        *ret = position;
        return 0;
}

/* The node behind which the position is, NULL for the start of the parent. */
static xmlNode *find_position(xmlNode *parent, const char *ns, const char *name,
                              const struct xml_position *position) {
        xmlNode *behind = NULL, *node = parent->children;
        unsigned gap = position->gap;

        for (unsigned n = 0; node && n < position->ordinal; node = node->next)
                if (node->type == XML_ELEMENT_NODE && xml_is(element_of(node), ns, name)) {
                        behind = node;
                        n++;
                }
        for (; node && gap > 0; node = node->next) {
                if (node->type == XML_ELEMENT_NODE && xml_is(element_of(node), ns, name))
                        break;
                if (node->type != XML_TEXT_NODE) {
                        behind = node;
                        gap--;
                }
        }
        return behind;
}

int xml_put_back(struct xml_element *parent_element, const char *ns, const char *prefix,
                 const char *name, const struct xml_position *position, struct xml_element **ret) {
        WITH_LIBXML2;
        xmlNode *parent = node_of(parent_element), *node = NULL, *next;
        xmlNode *behind = find_position(parent, ns, name, position);
        int r = 0;

        next = behind ? behind->next : parent->children;
        if (*position->before && is_white(position->before))
                r = insert_text(parent, next, position->before);
        if (r >= 0)
                r = insert_element(parent, next, ns, prefix, name, &node);
        if (r < 0 || xml_memory_ran_out())
                return -ENOMEM;

        *ret = element_of(node);
        return 0;
}
