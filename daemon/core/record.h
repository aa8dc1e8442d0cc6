/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The changes to a definition and their record, which is kept in the definition itself:
 *
 *   <metadata>
 *     <xsavesd:domain xmlns:xsavesd="urn:xsavesd:domain:1" verdict="grant" reason="granted-forced"
 *                     rule="win2016" metadata="created">
 *       <xsavesd:feature name="xsaves" set="force" was="absent"/>
 *       <xsavesd:force-pair was="absent" commandline="created"/>
 *     </xsavesd:domain>
 *   </metadata>
 *
 * The children are the changes in the order in which they were made; taken back in reverse order they
 * give the definition as it was. A change that its owner has changed again since is left as it is. The
 * record can be forged by whoever may edit the domain: entries that no decision leads to are passed over, and nothing is
 * ever put into the definition but names and values from fixed lists. What is left to a forger is what the owner can
 * do as well: with a record of a denial, to have XSAVES and XSAVEC turned on again, by their features and the pair, once
 * the policy keeps the guest.
 */

#include "core/plan.h"

#define RECORD_NAMESPACE "urn:xsavesd:domain:1"
#define RECORD_PREFIX "xsavesd"

struct xml_element;

/* The record in a domain, or NULL. */
struct xml_element *record_find(const struct xml_element *domain);

/*
 * What a record says was decided and changed, and nothing of where that stands in the document: for
 * comparing two of them. Returns 0 or -ENOMEM.
 */
int record_describe(const struct xml_element *record, char **ret);

/* Take back what the records in the domain say, and remove them. Returns 0 or -ENOMEM. */
int record_revert(struct xml_element *domain);

/* Carry out a plan that is not empty, and record it. Returns 0 or -ENOMEM (the document is then no
 * longer to be used). */
int record_apply(struct xml_element *domain, const struct decision *decision,
                 const struct plan *plan);
