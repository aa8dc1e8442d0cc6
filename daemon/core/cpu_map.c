/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/cpu_map.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <string.h>

#include "core/xml.h"

struct signature {
        unsigned family, model;
};

struct model {
        char *name;     /* first: what compare_names() compares */
        char *ancestor; /* NULL: none */
        bool own_signatures;
        struct signature *signatures;
        size_t n_signatures;
        bool xsaves, xsavec; /* of its own */
};

struct feature {
        char *name;     /* first: what compare_names() compares */
        bool is_opaque; /* defined by more, or other, than bits of CPUID */
        struct cpuid_leaf *bits;
        size_t n_bits;
};

/* Balanced trees of tsearch(3). */
struct cpu_map {
        void *models;
        void *features;
        size_t n_models;
};

static int compare_names(const void *a, const void *b) {
        const char *const *name_a = a, *const *name_b = b;

        return strcmp(*name_a, *name_b);
}

static const void *find(void *const *tree, const char *name) {
        void *const *node = tfind(&name, tree, compare_names);

        return node ? *node : NULL;
}

static void model_free(void *pointer) {
        struct model *model = pointer;

        free(model->name);
        free(model->ancestor);
        free(model->signatures);
        free(model);
}

static void feature_free(void *pointer) {
        struct feature *feature = pointer;

        free(feature->name);
        free(feature->bits);
        free(feature);
}

DEFINE_CLEANUP(struct model *, model_free);
DEFINE_CLEANUP(struct feature *, feature_free);

struct cpu_map *cpu_map_new(void) {
        return calloc(1, sizeof(struct cpu_map));
}

struct cpu_map *cpu_map_free(struct cpu_map *map) {
        if (!map)
                return NULL;
        tdestroy(map->models, model_free);
        tdestroy(map->features, feature_free);
        free(map);
        return NULL;
}

/* A whole attribute as a number of that base (0: as in C), or false. */
static bool number_attribute(const struct xml_element *element, const char *name, int base,
                             uint32_t *ret) {
        const char *text = xml_attribute(element, name);
        unsigned long long value;
        char *end;

        if (!text || text[0] < '0' || text[0] > '9')
                return false;
        errno = 0;
        value = strtoull(text, &end, base);
        if (*end != '\0' || errno != 0 || value > UINT32_MAX)
                return false;
        *ret = (uint32_t)value;
        return true;
}

/* One that is malformed is left out: the model then has fewer signatures, never another one's. */
static int add_signature(struct model *model, const struct xml_element *element) {
        struct signature signature;
        int r;

        model->own_signatures = true;
        if (!number_attribute(element, "family", 10, &signature.family) ||
            !number_attribute(element, "model", 10, &signature.model))
                return 0;
        r = array_grow(&model->signatures, model->n_signatures, sizeof(signature));
        if (r < 0)
                return r;
        model->signatures[model->n_signatures++] = signature;
        return 0;
}

/* Whether QEMU's model still has one that is `removed`, or has it yet where it is `added`, depends on QEMU's version. */
static void add_model_feature(struct model *model, const struct xml_element *element) {
        const char *name = xml_attribute(element, "name");

        model->xsaves |= streq_null(name, "xsaves");
        model->xsavec |= streq_null(name, "xsavec");
}

static int read_model(const struct xml_element *element, struct model **ret) {
        CLEANUP(model_free_p) struct model *model = calloc(1, sizeof(*model));
        const struct xml_element *ancestor = xml_child(element, NULL, "model");
        int r;

        if (!model)
                return -ENOMEM;
        r = strdup_to(&model->name, xml_attribute(element, "name"));
        if (r < 0)
                return r;
        if (ancestor) {
                r = strdup_to(&model->ancestor, xml_attribute(ancestor, "name"));
                if (r < 0)
                        return r;
        }
        XML_FOREACH_CHILD (child, element) {
                if (xml_is(child, NULL, "feature"))
                        add_model_feature(model, child);
                if (!xml_is(child, NULL, "signature"))
                        continue;
                r = add_signature(model, child);
                if (r < 0)
                        return r;
        }

        *ret = STEAL(model);
        return 0;
}

/* A register that is not named has no bit of the feature (libvirt's x86ParseCPUID()). */
static bool register_attribute(const struct xml_element *element, const char *name, uint32_t *ret) {
        *ret = 0;
        return !xml_attribute(element, name) || number_attribute(element, name, 0, ret);
}

static bool read_bits(const struct xml_element *element, struct cpuid_leaf *ret) {
        return number_attribute(element, "eax_in", 0, &ret->leaf) &&
               register_attribute(element, "ecx_in", &ret->subleaf) &&
               register_attribute(element, "eax", &ret->eax) &&
               register_attribute(element, "ebx", &ret->ebx) &&
               register_attribute(element, "ecx", &ret->ecx) &&
               register_attribute(element, "edx", &ret->edx) &&
               (ret->eax | ret->ebx | ret->ecx | ret->edx) != 0;
}

static int add_bits(struct feature *feature, const struct xml_element *element) {
        struct cpuid_leaf bits;
        int r;

        if (!xml_is(element, NULL, "cpuid") || !read_bits(element, &bits)) {
                feature->is_opaque = true;
                return 0;
        }
        r = array_grow(&feature->bits, feature->n_bits, sizeof(bits));
        if (r < 0)
                return r;
        feature->bits[feature->n_bits++] = bits;
        return 0;
}

static int read_feature(const struct xml_element *element, struct feature **ret) {
        CLEANUP(feature_free_p) struct feature *feature = calloc(1, sizeof(*feature));
        int r;

        if (!feature)
                return -ENOMEM;
        r = strdup_to(&feature->name, xml_attribute(element, "name"));
        if (r < 0)
                return r;
        XML_FOREACH_CHILD (child, element) {
                /* Another name of the same bits. */
                if (xml_is(child, NULL, "alias"))
                        continue;
                r = add_bits(feature, child);
                if (r < 0)
                        return r;
        }

        *ret = STEAL(feature);
        return 0;
}

/* The first definition of a name counts: libvirt takes no map with two. */
static int add_model(struct cpu_map *map, const struct xml_element *element) {
        CLEANUP(model_free_p) struct model *model = NULL;
        struct model **node;
        int r;

        r = read_model(element, &model);
        if (r < 0)
                return r;
        node = tsearch(model, &map->models, compare_names);
        if (!node)
                return -ENOMEM;
        if (*node == model) {
                map->n_models++;
                model = NULL;
        }
        return 0;
}

static int add_feature(struct cpu_map *map, const struct xml_element *element) {
        CLEANUP(feature_free_p) struct feature *feature = NULL;
        struct feature **node;
        int r;

        r = read_feature(element, &feature);
        if (r < 0)
                return r;
        node = tsearch(feature, &map->features, compare_names);
        if (!node)
                return -ENOMEM;
        if (*node == feature)
                feature = NULL;
        return 0;
}

int cpu_map_add(struct cpu_map *map, const char *text, size_t length) {
        AUTO_XML struct xml_document *document = NULL;
        AUTO_FREE char *reason = NULL;
        int r;

        r = xml_parse(text, length, &document, &reason);
        if (r != 0)
                return r < 0 ? r : -EBADMSG;

        XML_FOREACH_CHILD (child, xml_root(document)) {
                if (!xml_attribute(child, "name"))
                        continue;
                if (xml_is(child, NULL, "model"))
                        r = add_model(map, child);
                else if (xml_is(child, NULL, "feature"))
                        r = add_feature(map, child);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The model whose signatures `name` has: itself, or its nearest ancestor with some. */
static const struct model *find_signed(const struct cpu_map *map, const char *name) {
        const struct model *model = find(&map->models, name);

        /* No chain is longer than the map unless it is a loop, which libvirt would not take. */
        for (size_t i = 0; i < map->n_models && model; i++) {
                if (model->own_signatures)
                        return model;
                model = model->ancestor ? find(&map->models, model->ancestor) : NULL;
        }
        return NULL;
}

bool cpu_map_model_has_signature(const struct cpu_map *map, const char *name, unsigned family,
                                 unsigned model) {
        const struct model *known = find_signed(map, name);

        for (size_t i = 0; known && i < known->n_signatures; i++)
                if (known->signatures[i].family == family && known->signatures[i].model == model)
                        return true;
        return false;
}

enum tristate cpu_map_model_has(const struct cpu_map *map, const char *name, const char *feature) {
        const struct model *model = map ? find(&map->models, name) : NULL;
        bool has = false;

        if (!model)
                return TRISTATE_UNKNOWN;
        for (size_t i = 0; i < map->n_models && model && !has; i++) {
                has = streq(feature, "xsaves") ? model->xsaves : model->xsavec;
                model = model->ancestor ? find(&map->models, model->ancestor) : NULL;
        }
        return has ? TRISTATE_YES : TRISTATE_NO;
}

static bool has_bits(const struct cpuid_leaf *leaf, const struct cpuid_leaf *bits) {
        return (leaf->eax & bits->eax) == bits->eax && (leaf->ebx & bits->ebx) == bits->ebx &&
               (leaf->ecx & bits->ecx) == bits->ecx && (leaf->edx & bits->edx) == bits->edx;
}

enum tristate cpu_map_feature_offered(const struct cpu_map *map, const char *name,
                                      const struct cpuid_leaf *leaves, size_t n_leaves) {
        const struct feature *feature = find(&map->features, name);

        if (!feature || feature->is_opaque || feature->n_bits == 0 || n_leaves == 0)
                return TRISTATE_UNKNOWN;

        for (size_t i = 0; i < feature->n_bits; i++) {
                const struct cpuid_leaf *bits = &feature->bits[i];
                const struct cpuid_leaf *leaf =
                        cpuid_find(leaves, n_leaves, bits->leaf, bits->subleaf);

                if (!leaf || !has_bits(leaf, bits))
                        return TRISTATE_NO;
        }
        return TRISTATE_YES;
}
