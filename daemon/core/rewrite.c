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
        struct guest as_came;          /* read only where there was a record */
        char *record;                  /* what it said; NULL: there was none */
};

static void source_clear(struct source *source) {
        xml_free(source->document);
        guest_clear(&source->guest);
        guest_clear(&source->as_came);
        free(source->record);
}

static int source_open(struct source *source, const char *xml, size_t length, char **ret_reason) {
        struct xml_element *domain;
        const struct xml_element *record;
        int r;

        r = xml_parse(xml, length, &source->document, ret_reason);
        if (r != 0)
                return r;
        domain = xml_root(source->document);
        record = record_find(domain);
        r = guest_read(record ? &source->as_came : &source->guest, domain, ret_reason);
        if (r != 0 || !record)
                return r;

        r = record_describe(record, &source->record);
        if (r >= 0)
                r = record_revert(domain);
        return r < 0 ? r : guest_read(&source->guest, domain, ret_reason);
}

/*
 * Did the definition say all this as it came? libvirt moves elements when it writes a definition, so that
 * where they stand does not count: a daemon would never come to rest.
 */
static int said_already(const struct judge *judge, const struct source *source,
                        const struct rewritten *rewritten, bool *ret) {
        const struct xml_element *record = record_find(xml_root(source->document));
        const struct guest *came = source->record ? &source->as_came : &rewritten->guest;
        struct plan missing = plan_make(judge, came, &rewritten->decision);
        AUTO_FREE char *description = NULL;
        int r = 0;

        if (record)
                r = record_describe(record, &description);
        if (r < 0)
                return r;
        *ret = plan_is_empty(&missing) && streq_null(description, source->record);
        return 0;
}

static int carry_out(const struct judge *judge, struct source *source,
                     struct rewritten *rewritten) {
        struct plan plan = plan_make(judge, &rewritten->guest, &rewritten->decision);
        bool said = true;
        int r = 0;

        if (judge->enforce) {
                if (!plan_is_empty(&plan))
                        r = record_apply(xml_root(source->document), &rewritten->decision, &plan);
                if (r >= 0)
                        r = said_already(judge, source, rewritten, &said);
        }
        rewritten->changed = !said;
        return r;
}

int rewrite_xml(const struct judge *judge, const char *xml, size_t length, struct rewritten *ret,
                char **ret_reason) {
        CLEANUP(source_clear) struct source source = {};
        AUTO_REWRITTEN struct rewritten rewritten = {};
        int r;

        r = source_open(&source, xml, length, ret_reason);
        if (r != 0)
                return r;
        rewritten.guest = source.guest;
        source.guest = (struct guest){};
        rewritten.decision = judge_decide(judge, &rewritten.guest);

        r = carry_out(judge, &source, &rewritten);
        if (r >= 0)
                r = rewritten.changed
                            ? xml_serialize(source.document, &rewritten.xml, &rewritten.length)
                            : copy_text(xml, length, &rewritten.xml, &rewritten.length);
        if (r < 0)
                return r;
        /* Nobody here would read it again. */
        if (rewritten.length > XML_SIZE_MAX)
                return format_to(ret_reason, "larger than %u MiB once rewritten",
                                 XML_SIZE_MAX >> 20) < 0
                               ? -ENOMEM
                               : 1;

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
        *ret_changed = source.record != NULL;
        return source.record ? xml_serialize(source.document, ret_xml, ret_length)
                             : copy_text(xml, length, ret_xml, ret_length);
}
