/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/xml_memory.h"

#include <libxml/globals.h>
#include <libxml/xmlmemory.h>
#include <string.h>

/* The model: in a module, too, it then needs no memory of its own. */
#define PER_THREAD static __thread __attribute__((tls_model("initial-exec")))

PER_THREAD bool ran_out;

bool xml_memory_ran_out(void) {
        return ran_out;
}

void *xml_memory_note(void *block) {
        if (!block)
                ran_out = true;
        return block;
}

/* --- libxml2's allocations: malloc()'s own, so that others in the process are free to mix the two --- */

static void *allocate(size_t size) {
        return xml_memory_note(malloc(size));
}

static void *reallocate(void *block, size_t size) {
        return xml_memory_note(realloc(block, size));
}

static char *duplicate(const char *text) {
        return xml_memory_note(strdup(text));
}

static void release(void *block) {
        free(block);
}

/* Before there is another thread. */
__attribute__((constructor)) static void watch_allocations(void) {
        xmlMemSetup(release, allocate, reallocate, duplicate);
}

/*
 * Each thread gets a state of its own when it first uses libxml2, and where there is no memory for it, libxml2 2.9 calls
 * itself without end to say so (xmlGetGlobalState()). So there is memory first.
 */
bool xml_memory_is_ready(void) {
        PER_THREAD bool is_ready;

        if (!is_ready) {
                enum { MORE_THAN_A_STATE = 4096 };
                void *trial = xmlMalloc(MORE_THAN_A_STATE);

                is_ready = trial != NULL;
                xmlFree(trial);
        }
        return is_ready;
}

/* --- silence --- */

static void ignore_error(void *userdata UNUSED, xmlError *error UNUSED) {
}

struct xml_silence xml_be_silent(void) {
        struct xml_silence silence = {xmlStructuredError, xmlStructuredErrorContext};

        ran_out = false;
        xmlSetStructuredErrorFunc(NULL, ignore_error);
        return silence;
}

void xml_speak_again(struct xml_silence *silence) {
        xmlSetStructuredErrorFunc(silence->context, silence->function);
}
