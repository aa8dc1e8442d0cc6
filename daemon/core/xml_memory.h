/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libxml2 where memory runs out, for xml.c and xml_parse.c. Release 2.9 may then go on in silence with less than there should be: without a
 * namespace, a name, a text. So what it does while an allocation of its own fails counts for nothing:
 *
 *         WITH_LIBXML2;
 *         ... libxml2 ...
 *         if (xml_memory_ran_out())
 *                 return -ENOMEM;
 */

#include <libxml/xmlerror.h>

#include "core/util.h"

/* Can this thread use libxml2? To be asked before it does so for the first time; false: out of memory. */
bool xml_memory_is_ready(void);

/* Did an allocation fail, in this thread, since WITH_LIBXML2? */
bool xml_memory_ran_out(void);
/* NULL: one did. Returns the block. */
void *xml_memory_note(void *block);

/* What libxml2 says outside of a parser, of encodings, goes to stderr by default; per thread. */
struct xml_silence {
        xmlStructuredErrorFunc function;
        void *context;
};

struct xml_silence xml_be_silent(void);
void xml_speak_again(struct xml_silence *silence);

/* To stand in front of all that makes libxml2 allocate. */
#define WITH_LIBXML2 CLEANUP(xml_speak_again) UNUSED struct xml_silence silence = xml_be_silent()
