/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What must hold of rewriting any domain XML, whatever the policy and the host: for the unit tests, the
 * run over a corpus, and the fuzz harnesses. They compare canonical XML (C14N 1.0 with comments).
 */

#include "core/gate.h"
#include "core/rewrite.h"

/* Canonical XML; NULL where there is none (not well-formed, or a relative namespace). Owned. */
char *canonical(const char *xml, size_t length);

/* The same without what xsavesd may change: <cpu>, <metadata> and <qemu:commandline> of the domain, and the
 * white space between its elements. */
char *canonical_rest(const char *xml, size_t length);

/* The text as libvirt formats a definition: its order of elements, no comments but in <metadata>, its own
 * white space (virDomainDefFormat()). NULL where it is not well-formed. Owned. */
char *normalize(const char *xml, size_t length);

/*
 * Rewrite and revert `xml` in all ways. Returns NULL, or the property that does not hold (a literal).
 * *ret_refused (may be NULL): the core does not take this XML. `other` is a second judge.
 */
const char *check_properties(const struct judge *judge, const struct judge *other, const char *xml,
                             size_t length, bool *ret_refused);
