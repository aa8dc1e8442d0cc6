/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/xml.h"

#include <errno.h>
#include <libxml/tree.h>
#include <libxml/xmlsave.h>
#include <string.h>

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

static void xmlBufferFree_p(xmlBuffer **buffer) {
        if (*buffer)
                xmlBufferFree(*buffer);
}

static void xmlFreeNode_p(xmlNode **node) {
        if (*node)
                xmlFreeNode(*node);
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
