/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * XML from outside, parsed (xml_parse.c), read and changed in place (xml.c) by libxml2, which no other file of
 * the project includes.
 *
 * The text is hostile: a document type declaration is refused, so that there is no entity to expand and
 * no external subset to fetch; nothing is ever loaded from a file or the network; more than 8 MiB is
 * refused, and so is what libxml2 would need far more than linear time for: very many attributes in one element, or
 * namespaces in scope. What is not changed
 * survives as canonical XML: comments, CDATA, order, white space, other namespaces and the document's
 * encoding.
 */

#include "core/util.h"

#define XML_SIZE_MAX (8u << 20)

struct xml_document;
struct xml_element;

/*
 * Parse text[0..length). Returns 0; -ENOMEM; or 1 with *ret_reason set (owned, one line, with the line
 * of the text where there is one) for a text that is refused.
 */
int xml_parse(const char *text, size_t length, struct xml_document **ret, char **ret_reason);

/*
 * An attribute of the root element, also of a text that xml_parse() refuses for what comes behind its tag. *ret is
 * owned, and NULL where there is no such attribute, or none that can be read. Returns 0 or -ENOMEM.
 */
int xml_root_attribute(const char *text, size_t length, const char *name, char **ret);

struct xml_document *xml_free(struct xml_document *document);
DEFINE_CLEANUP(struct xml_document *, xml_free);
#define AUTO_XML CLEANUP(xml_free_p)

/*
 * The document as text, in the encoding that it declares, with an XML declaration only if it came with
 * one. *ret is owned and has a NUL behind its *ret_length bytes. Returns 0 or -ENOMEM.
 */
int xml_serialize(struct xml_document *document, char **ret, size_t *ret_length);

struct xml_element *xml_root(struct xml_document *document);

/* Is it the element `name` of namespace `ns` (NULL: of none)? */
bool xml_is(const struct xml_element *element, const char *ns, const char *name);
/* The local name. Borrowed. */
const char *xml_name(const struct xml_element *element);

/* Child elements in document order; NULL behind the last and before the first. */
struct xml_element *xml_first_child(const struct xml_element *parent);
struct xml_element *xml_last_child(const struct xml_element *parent);
struct xml_element *xml_next(const struct xml_element *element);
struct xml_element *xml_previous(const struct xml_element *element);
#define XML_FOREACH_CHILD(child, parent)                                                           \
        for (struct xml_element *child = xml_first_child(parent); child; child = xml_next(child))

/* The first child element of that name, or NULL; `parent` may be NULL. */
struct xml_element *xml_child(const struct xml_element *parent, const char *ns, const char *name);

/* The attribute's value, borrowed until the attribute changes; NULL where there is none. */
const char *xml_attribute(const struct xml_element *element, const char *name);
/* Has it nothing but this attribute: no other one, no content, no namespace but its parent's? */
bool xml_has_only_attribute(const struct xml_element *element, const char *name);
/* Has it more than `n` nodes (elements, texts, comments, instructions) right in it? */
bool xml_has_more_nodes(const struct xml_element *element, size_t n);
/* Is there text between its children, other than white space? */
bool xml_has_own_text(const struct xml_element *element);
/* Is there nothing in it but white space? */
bool xml_is_blank(const struct xml_element *element);
/* All text in the element and below (owned). Returns 0 or -ENOMEM. */
int xml_text(const struct xml_element *element, char **ret);

/* The value must be UTF-8; a character that XML does not have becomes question marks. Returns 0 or
 * -ENOMEM. */
int xml_set_attribute(struct xml_element *element, const char *name, const char *value);
void xml_remove_attribute(struct xml_element *element, const char *name);

/*
 * Add a child behind the last one, on a line of its own where the children have theirs. `ns` is bound to
 * `prefix` on the new element unless it is bound in scope already. *ret_was_empty (may be NULL): the
 * parent had no content at all. Returns 0 or -ENOMEM (the document is then no longer to be used).
 */
int xml_append_child(struct xml_element *parent, const char *ns, const char *prefix,
                     const char *name, struct xml_element **ret, bool *ret_was_empty);

/* Undo of xml_append_child(): the element goes, with the white space that came with it. */
void xml_remove_child(struct xml_element *element, bool parent_was_empty);

/*
 * Where an element stood, so that it can be put back: counted in elements of its own name before it, and
 * in other nodes (comments and the like) between the last of those and it; and the white space before it.
 */
struct xml_position {
        unsigned ordinal;
        unsigned gap;
        char *before; /* owned */
};

/* Remove an element and say where it stood. Returns 0 or -ENOMEM (nothing removed). */
int xml_take_out(struct xml_element *element, struct xml_position *ret);

/* Undo of xml_take_out(): a new element of that name, without attributes, at that position of the
 * parent, or as near to it as the parent has it now. Returns 0 or -ENOMEM. */
int xml_put_back(struct xml_element *parent, const char *ns, const char *prefix, const char *name,
                 const struct xml_position *position, struct xml_element **ret);
