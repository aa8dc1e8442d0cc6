/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "properties.h"

#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#include "core/qemu_args.h"
#include "core/record.h"
#include "core/xml.h"

static void doc_p(xmlDoc **doc) {
        xmlFreeDoc(*doc);
}
#define AUTO_DOC CLEANUP(doc_p)

static xmlDoc *parse(const char *xml, size_t length, int options) {
        return xmlReadMemory(xml, (int)length, NULL, NULL,
                             XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | options);
}

static void ignore_error(void *userdata UNUSED, xmlErrorPtr error UNUSED) {
}

static char *canonical_doc(xmlDoc *doc) {
        xmlChar *text = NULL;

        xmlSetStructuredErrorFunc(NULL, ignore_error);
        if (!doc || xmlC14NDocDumpMemory(doc, NULL, XML_C14N_1_0, NULL, 1, &text) < 0)
                text = NULL;
        xmlSetStructuredErrorFunc(NULL, NULL);
        return (char *)text;
}

char *canonical(const char *xml, size_t length) {
        AUTO_DOC xmlDoc *doc = parse(xml, length, 0);

        return canonical_doc(doc);
}

static bool is_element(const xmlNode *node, const char *ns, const char *name) {
        return node->type == XML_ELEMENT_NODE && streq((const char *)node->name, name) &&
               streq_null(node->ns ? (const char *)node->ns->href : NULL, ns);
}

static void drop(xmlNode *node) {
        xmlUnlinkNode(node);
        xmlFreeNode(node);
}

static xmlNode *child_of(xmlNode *parent, const char *ns, const char *name) {
        for (xmlNode *node = parent->children; node; node = node->next)
                if (is_element(node, ns, name))
                        return node;
        return NULL;
}

/* In a copy: libxml2 lets text nodes with the same white space share it. Returns the node in its place. */
static xmlNode *squeeze_text(xmlNode *node) {
        xmlNode *squeezed = xmlNewDocText(node->doc, node->content);
        xmlChar *to = squeezed->content;

        for (const xmlChar *from = node->content; *from; from++)
                if (!strchr(" \t\r\n", *from))
                        *to++ = *from;
        *to = '\0';
        xmlReplaceNode(node, squeezed);
        xmlFreeNode(node);
        return squeezed;
}

char *canonical_rest(const char *xml, size_t length) {
        AUTO_DOC xmlDoc *doc = parse(xml, length, 0);
        xmlNode *next;

        if (!doc)
                return NULL;
        for (xmlNode *node = xmlDocGetRootElement(doc)->children; node; node = next) {
                next = node->next;
                if (is_element(node, NULL, "cpu") || is_element(node, NULL, "metadata") ||
                    is_element(node, QEMU_NAMESPACE, "commandline"))
                        drop(node);
                else if (node->type == XML_TEXT_NODE)
                        squeeze_text(node);
        }
        return canonical_doc(doc);
}

/* --- as libvirt formats it --- */

/* Comments, but in <metadata>; and elements of a prefix that nothing binds, also there. */
static void drop_unread(xmlNode *parent, bool in_metadata) {
        xmlNode *next;

        for (xmlNode *node = parent->children; node; node = next) {
                next = node->next;
                if (node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE) {
                        if (!in_metadata)
                                drop(node);
                } else if (node->type == XML_ELEMENT_NODE) {
                        if (strchr((const char *)node->name, ':'))
                                drop(node);
                        else
                                drop_unread(node,
                                            in_metadata || is_element(node, NULL, "metadata"));
                }
        }
}

/* Move the children of that name behind all others. */
static void move_last(xmlNode *parent, const char *ns, const char *name) {
        xmlNode *last = parent->last, *next;

        for (xmlNode *node = parent->children; node; node = next) {
                bool is_last = node == last;

                next = node->next;
                if (is_element(node, ns, name)) {
                        xmlUnlinkNode(node);
                        xmlAddChild(parent, node);
                }
                if (is_last)
                        break;
        }
}

/* virCPUDefParseXML(): of a model, nothing but the text counts, wherever in it that is. */
static void normalize_model(xmlNode *model) {
        xmlChar *name = xmlNodeGetContent(model);

        while (model->children)
                drop(model->children);
        if (name && *name)
                xmlAddChild(model, xmlNewDocText(model->doc, name));
        xmlFree(name);
}

/* virCPUDefFormatBufFull() */
static void normalize_cpu(xmlNode *cpu) {
        static const char *const order[] = {"model",       "vendor",  "topology", "cache",
                                            "maxphysaddr", "feature", "numa"};

        xmlNode *next;

        for (xmlNode *node = cpu->children; node; node = next) {
                next = node->next;
                if (node->type != XML_ELEMENT_NODE || node->ns)
                        drop(node);
                else if (is_element(node, NULL, "model"))
                        normalize_model(node);
                else if (is_element(node, NULL, "feature") && !xmlHasProp(node, BAD_CAST "policy"))
                        xmlNewProp(node, BAD_CAST "policy", BAD_CAST "require");
        }
        for (size_t i = 0; i < ELEMENTS_OF(order); i++)
                move_last(cpu, NULL, order[i]);
}

static void copy_attribute(xmlNode *to, xmlNode *from, const char *name) {
        xmlChar *value = xmlGetNoNsProp(from, BAD_CAST name);

        if (value)
                xmlNewProp(to, BAD_CAST name, value);
        xmlFree(value);
}

/* qemuDomainDefNamespaceFormatXMLCommandline(): made anew, with libvirt's own prefix */
static void normalize_commandline(xmlNode *commandline, xmlNs *qemu) {
        static const char *const names[] = {"arg", "env"};
        xmlNode *made = xmlNewNode(qemu, BAD_CAST "commandline");

        for (size_t i = 0; i < ELEMENTS_OF(names); i++)
                for (xmlNode *node = commandline->children; node; node = node->next)
                        if (is_element(node, QEMU_NAMESPACE, names[i])) {
                                xmlNode *copy = xmlNewChild(made, qemu, BAD_CAST names[i], NULL);

                                copy_attribute(copy, node, "name");
                                copy_attribute(copy, node, "value");
                        }
        if (made->children)
                xmlAddChild(commandline->parent, made);
        else
                xmlFreeNode(made);
        drop(commandline);
}

/* virDomainDefFormatInternalSetRootName(), qemuDomainDefNamespaceFormatXML() */
static void normalize_domain(xmlNode *domain) {
        static const char *const last[] = {"commandline", "capabilities", "override",
                                           "deprecation"};
        xmlNode *node;
        xmlNs *qemu;

        drop_unread(domain, false);
        node = child_of(domain, NULL, "cpu");
        if (node)
                normalize_cpu(node);
        qemu = xmlSearchNs(domain->doc, domain, BAD_CAST QEMU_PREFIX);
        if (!qemu)
                qemu = xmlNewNs(domain, BAD_CAST QEMU_NAMESPACE, BAD_CAST QEMU_PREFIX);
        node = child_of(domain, QEMU_NAMESPACE, "commandline");
        if (node && streq((const char *)qemu->href, QEMU_NAMESPACE))
                normalize_commandline(node, qemu);
        node = child_of(domain, NULL, "metadata");
        if (node && node != domain->children) {
                xmlUnlinkNode(node);
                xmlAddPrevSibling(domain->children, node);
        }
        for (size_t i = 0; i < ELEMENTS_OF(last); i++)
                move_last(domain, QEMU_NAMESPACE, last[i]);
}

char *normalize(const char *xml, size_t length) {
        AUTO_DOC xmlDoc *doc = parse(xml, length, XML_PARSE_NOBLANKS);
        xmlChar *text = NULL;
        int size;

        if (!doc)
                return NULL;
        normalize_domain(xmlDocGetRootElement(doc));
        xmlDocDumpFormatMemoryEnc(doc, &text, &size, "UTF-8", 1);
        return (char *)text;
}

/* --- the properties --- */

struct run {
        const struct judge *judge, *other;
        const char *xml; /* the input */
        size_t length;
        bool had_record;
        struct rewritten first; /* by `judge` */
        const char *broken;
};

/* Note the property if it does not hold; false once one did not. */
static bool must(struct run *run, bool holds, const char *property) {
        if (!run->broken && !holds)
                run->broken = property;
        return !run->broken;
}

static bool same(const char *a, const char *b) {
        return a && b && streq(a, b);
}

static int rewrite(const struct judge *judge, const char *xml, size_t length,
                   struct rewritten *ret) {
        AUTO_FREE char *reason = NULL;

        return rewrite_xml(judge, xml, length, ret, &reason);
}

static char *reverted(const char *xml, size_t length, size_t *ret_length) {
        AUTO_FREE char *reason = NULL;
        char *text = NULL;
        bool changed;

        return revert_xml(xml, length, &changed, &text, ret_length, &reason) == 0 ? text : NULL;
}

static char *reverted_canonical(const char *xml, size_t length) {
        size_t text_length = 0;
        AUTO_FREE char *text = reverted(xml, length, &text_length);

        return text ? canonical(text, text_length) : NULL;
}

static void squeeze_texts(xmlNode *parent) {
        xmlNode *next;

        for (xmlNode *node = parent->children; node; node = next) {
                next = node->next;
                if (node->type == XML_ELEMENT_NODE)
                        squeeze_texts(node);
                else if (node->type == XML_TEXT_NODE && xmlIsBlankNode(node))
                        drop(node);
                else if (node->type == XML_TEXT_NODE)
                        squeeze_text(node);
        }
}

/* What libvirt does not read may be all that was in it; then there is nothing that it would show. */
static void drop_empty_metadata(xmlNode *domain) {
        xmlNode *metadata = child_of(domain, NULL, "metadata");

        if (metadata && !metadata->children)
                drop(metadata);
}

/* Reverted, in libvirt's form, canonical, and without white space. */
static char *reverted_normal(const char *xml, size_t length) {
        size_t text_length = 0;
        AUTO_FREE char *text = reverted(xml, length, &text_length), *normal = NULL;
        AUTO_DOC xmlDoc *doc = NULL;

        if (text)
                normal = normalize(text, text_length);
        if (normal)
                doc = parse(normal, strlen(normal), 0);
        if (doc) {
                squeeze_texts(xmlDocGetRootElement(doc));
                drop_empty_metadata(xmlDocGetRootElement(doc));
        }
        return canonical_doc(doc);
}

static void check_outside(struct run *run) {
        AUTO_FREE char *before = canonical_rest(run->xml, run->length);
        AUTO_FREE char *after = canonical_rest(run->first.xml, run->first.length);

        must(run, same(before, after), "nothing differs outside what xsavesd may change");
}

static void check_idempotent(struct run *run) {
        AUTO_REWRITTEN struct rewritten second = {};

        if (must(run, rewrite(run->judge, run->first.xml, run->first.length, &second) == 0,
                 "the output is taken as input"))
                must(run, !second.changed && same(second.xml, run->first.xml),
                     "a second rewrite changes nothing");
}

static void check_revert(struct run *run) {
        AUTO_FREE char *owned = reverted_canonical(run->xml, run->length);
        AUTO_FREE char *after = reverted_canonical(run->first.xml, run->first.length);

        must(run, same(owned, after), "a rewrite can be reverted");
}

/* What was rewritten by one policy is rewritten by another as if the first had not been. */
static void check_other_policy(struct run *run) {
        AUTO_REWRITTEN struct rewritten direct = {}, through = {};
        AUTO_FREE char *a = NULL, *b = NULL;

        if (!must(run, rewrite(run->other, run->xml, run->length, &direct) == 0,
                  "any policy takes the input") ||
            !must(run, rewrite(run->other, run->first.xml, run->first.length, &through) == 0,
                  "another policy takes the output"))
                return;
        /* A record that was there before may say the same in other words. */
        if (run->had_record) {
                a = reverted_canonical(direct.xml, direct.length);
                b = reverted_canonical(through.xml, through.length);
        } else if (run->other->enforce) {
                a = canonical(direct.xml, direct.length);
                b = canonical(through.xml, through.length);
        } else {
                return;
        }
        must(run, same(a, b), "another policy on the output gives what it gives on the input");
}

/* libvirt writes the definition in its own form: that is no reason to define it again, or no daemon would
 * ever come to rest, and it can still be reverted. */
static void check_normalized(struct run *run) {
        AUTO_FREE char *normal = normalize(run->first.xml, run->first.length);
        AUTO_FREE char *owned = reverted_normal(run->xml, run->length), *after = NULL;
        AUTO_REWRITTEN struct rewritten second = {};

        if (!must(run, normal != NULL, "the output is well-formed"))
                return;
        if (must(run, rewrite(run->judge, normal, strlen(normal), &second) == 0,
                 "the output is taken in libvirt's form"))
                must(run, !second.changed, "libvirt's form of the output is left as it is");
        after = reverted_normal(normal, strlen(normal));
        must(run, same(owned, after), "a rewrite can be reverted in libvirt's form");
}

static void check_denied(struct run *run, const struct guest *guest) {
        must(run, guest->custom_cpu_args || !guest_asks_for_xsaves(guest),
             "a denied guest's definition does not ask for XSAVES");
        must(run, guest->custom_cpu_args || !judge_would_see(run->judge, guest, CPU_XSAVES),
             "a denied guest sees no XSAVES");
        if (run->first.decision.hide_xsavec)
                must(run,
                     guest->custom_cpu_args || !guest_has_cpu(guest) ||
                             !judge_would_see(run->judge, guest, CPU_XSAVEC),
                     "a hidden XSAVEC is not seen");
}

static void check_granted(struct run *run, const struct guest *guest) {
        if (run->first.decision.means == MEANS_FORCED)
                must(run, guest->xsaves == FEATURE_FORCE && guest->force_pair,
                     "a forced grant is complete");
        else
                must(run,
                     !guest_has_cpu(guest) || guest->custom_cpu_args ||
                             guest_would_see(guest, CPU_XSAVES, run->judge->map, true),
                     "a native grant takes effect");
}

/* What the definition says after the rewrite is what was decided, and the gate agrees. */
static void check_verdict(struct run *run) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_GUEST struct guest guest = {};
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *reason = NULL;
        enum verdict verdict = run->first.decision.verdict;

        if (!must(run, xml_parse(run->first.xml, run->first.length, &document, &reason) == 0,
                  "the output parses") ||
            !must(run, guest_read(&guest, xml_root(document), &reason) == 0,
                  "the output is a domain") ||
            !run->judge->enforce)
                return;
        if (verdict == VERDICT_DENY)
                check_denied(run, &guest);
        if (verdict == VERDICT_GRANT)
                check_granted(run, &guest);
        if (!must(run,
                  gate_judge(run->judge, GATE_PREPARE, START_COLD, run->first.xml,
                             run->first.length, &answer, &reason) == 0,
                  "the gate reads the output"))
                return;
        must(run, answer.accept || (verdict == VERDICT_DENY && guest.custom_cpu_args),
             "the gate accepts the output");
        must(run, !answer.drift, "the output has not drifted");
        must(run, answer.decision.reason == run->first.decision.reason,
             "the gate decides as the rewrite did");
}

/* A definition that the gate finds wanting is one that a rewrite changes, so that the next start gets past;
 * but for CPU arguments, which are the owner's. */
static void check_gate(struct run *run) {
        AUTO_GATE_ANSWER struct gate_answer answer = {};
        AUTO_FREE char *reason = NULL;

        if (!must(run,
                  gate_judge(run->judge, GATE_START, START_COLD, run->xml, run->length, &answer,
                             &reason) == 0,
                  "the gate reads the input") ||
            !must(run, !strpbrk(answer.message, "\r\n"), "the gate's message is one line"))
                return;
        must(run, answer.accept || *answer.message, "a refusal says why");
        must(run, answer.accept || run->first.changed || answer.guest.custom_cpu_args,
             "what the gate refuses is rewritten");
        must(run, !answer.drift || run->first.changed, "what has drifted is rewritten");
}

const char *check_properties(const struct judge *judge, const struct judge *other, const char *xml,
                             size_t length, bool *ret_refused) {
        struct run run = {.judge = judge, .other = other, .xml = xml, .length = length};
        AUTO_FREE char *reason = NULL, *text = NULL;
        int r;

        r = rewrite_xml(judge, xml, length, &run.first, &reason);
        if (ret_refused)
                *ret_refused = r == 1;
        if (r < 0)
                return "there is memory enough";
        if (r == 1)
                return reason && *reason && !strpbrk(reason, "\r\n")
                               ? NULL
                               : "a refusal has a reason of one line";

        text = canonical(xml, length);
        run.had_record = text && strstr(text, RECORD_NAMESPACE);
        if (text) {
                check_gate(&run);
                check_verdict(&run);
                check_idempotent(&run);
                check_outside(&run);
                check_revert(&run);
                check_other_policy(&run);
                if (judge->enforce)
                        check_normalized(&run);
        }
        rewritten_clear(&run.first);
        return run.broken;
}
