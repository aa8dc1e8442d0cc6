/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/domcaps.h"

#include "core/xml.h"

/* Unlike in the definition of a domain, there is an element for each mode. */
static const struct xml_element *find_host_model(const struct xml_element *capabilities) {
        const struct xml_element *cpu = xml_child(capabilities, NULL, "cpu");

        if (!cpu)
                return NULL;
        XML_FOREACH_CHILD (mode, cpu)
                if (xml_is(mode, NULL, "mode") &&
                    streq_null(xml_attribute(mode, "name"), "host-model"))
                        return mode;
        return NULL;
}

int domcaps_host_model(const char *xml, size_t length, char **ret, char **ret_reason) {
        AUTO_XML struct xml_document *document = NULL;
        const struct xml_element *mode, *model;
        AUTO_FREE char *name = NULL;
        int r;

        r = xml_parse(xml, length, &document, ret_reason);
        if (r != 0)
                return r;

        mode = find_host_model(xml_root(document));
        model = xml_child(mode, NULL, "model");
        if (model && streq_null(xml_attribute(mode, "supported"), "yes")) {
                r = xml_text(model, &name);
                if (r < 0)
                        return r;
        }

        *ret = name && *name ? STEAL(name) : NULL;
        return 0;
}
