/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/rewrite.h"

#include <errno.h>
#include <string.h>

#include "core/plan.h"
#include "core/record.h"
#include "core/xml.h"

void rewritten_clear(struct rewritten *rewritten) {
        guest_clear(&rewritten->guest);
        free(rewritten->xml);
        *rewritten = (struct rewritten){};
}

static int copy_text(const char *text, size_t length, char **ret, size_t *ret_length) {
        char *copy = malloc(length + 1);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, length);
        copy[length] = '\0';
        *ret = copy;
        *ret_length = length;
        return 0;
}

/* A domain as it came, and as its owner wrote it: the same unless there is a record in it. */
struct source {
        struct xml_document *document; /* reverted */
        struct guest guest;            /* of the reverted document */
        char *serialized;              /* before it was reverted; NULL: there was no record */
        size_t length;
};

static void source_clear(struct source *source) {
        xml_free(source->document);
        guest_clear(&source->guest);
        free(source->serialized);
}

static int source_open(struct source *source, const char *xml, size_t length, char **ret_reason) {
        struct xml_element *domain;
        int r;

        r = xml_parse(xml, length, &source->document, ret_reason);
        if (r != 0)
                return r;
        domain = xml_root(source->document);
        r = guest_read(&source->guest, domain, ret_reason);
        if (r != 0 || !record_find(domain))
                return r;

        r = xml_serialize(source->document, &source->serialized, &source->length);
        if (r >= 0)
                r = record_revert(domain);
        if (r < 0)
                return r;
        guest_clear(&source->guest);
        return guest_read(&source->guest, domain, ret_reason);
}

/* The document as it is now: changed if it had a record and now reads otherwise, or if `edited`. */
static int source_result(struct source *source, bool edited, const char *xml, size_t length,
                         bool *ret_changed, char **ret_xml, size_t *ret_length) {
        AUTO_FREE char *result = NULL;
        size_t result_length;
        int r;

        *ret_changed = edited;
        if (edited || source->serialized) {
                r = xml_serialize(source->document, &result, &result_length);
                if (r < 0)
                        return r;
                *ret_changed = !source->serialized || result_length != source->length ||
                               memcmp(result, source->serialized, result_length) != 0;
        }
        if (!*ret_changed)
                return copy_text(xml, length, ret_xml, ret_length);

        *ret_xml = STEAL(result);
        *ret_length = result_length;
        return 0;
}

int rewrite_xml(const struct judge *judge, const char *xml, size_t length, struct rewritten *ret,
                char **ret_reason) {
        CLEANUP(source_clear) struct source source = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        struct plan plan;
        int r;

        r = source_open(&source, xml, length, ret_reason);
        if (r != 0)
                return r;
        rewritten.guest = source.guest;
        source.guest = (struct guest){};
        rewritten.decision = judge_decide(judge, &rewritten.guest);

        plan = plan_make(judge, &rewritten.guest, &rewritten.decision);
        if (!judge->enforce) {
                r = copy_text(xml, length, &rewritten.xml, &rewritten.length);
        } else {
                if (!plan_is_empty(&plan))
                        r = record_apply(xml_root(source.document), &rewritten.decision, &plan);
                if (r >= 0)
                        r = source_result(&source, !plan_is_empty(&plan), xml, length,
                                          &rewritten.changed, &rewritten.xml, &rewritten.length);
        }
        if (r < 0)
                return r;

        *ret = rewritten;
        rewritten = (struct rewritten){};
        return 0;
}

int revert_xml(const char *xml, size_t length, bool *ret_changed, char **ret_xml,
               size_t *ret_length, char **ret_reason) {
        CLEANUP(source_clear) struct source source = {};
        int r;

        r = source_open(&source, xml, length, ret_reason);
        if (r != 0)
                return r;
        return source_result(&source, false, xml, length, ret_changed, ret_xml, ret_length);
}
