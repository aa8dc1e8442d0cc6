/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Two writers of one definition. libvirt has no compare-and-swap: what another client defines between our
 * reading a definition and our defining it is overwritten, and what it undefines comes back. That cannot
 * be prevented from here, but it leaves traces in the events.
 *
 * What libvirt guarantees (9.0; qemu_driver.c, qemuDomainDefineXMLFlags() and qemuDomainUndefineFlags();
 * object_event.c; the test driver does the same):
 *
 * - Each successful define makes exactly one DEFINED event, with detail ADDED or UPDATED, and a failed one
 *   makes none; each undefine makes exactly one UNDEFINED event. Rename and the reverting of a snapshot
 *   have details of their own. virDomainSetMetadata() makes METADATA_CHANGE. Other calls that edit the
 *   persistent definition (virDomainAttachDeviceFlags() with CONFIG, virDomainSetVcpusFlags(), ...)
 *   make no event at all, so that an edit of that kind, if it falls into our window, leaves no trace.
 * - The event is queued before the call returns (virObjectEventStateQueue() is its last step), but after
 *   the domain's lock is dropped (virDomainObjEndAPI()), and is sent by another thread than the reply.
 *   So one client's events are in the order of its calls; those of two clients nearly are; and an event
 *   may come before or after the reply to the call that made it.
 * - Detail ADDED says that there was no definition, but for a running domain it does not say it: an undefined
 *   one keeps its newDef, so that our define of it is UPDATED (virDomainObjAssignDef()). So events are
 *   counted here, by kind, and nothing is made of their order or detail.
 *
 * From our define until all events of that time are in (SETTLE_USEC after it, and the event loop run
 * dry after that), therefore: one DEFINED event is our own, and is no change. Any other one is an edit
 * that fell before our reading (no loss), into the window (lost), or after our define. If the
 * definition, read again, is not what it was, then one of the edits was after, and is in it; all others
 * are reported as perhaps lost. An UNDEFINED event without a define of anybody else, while the domain
 * has a persistent definition that is ours, means that ours brought it back: which is reported, no more.
 */

#include "virt_agent.h"

/* We defined `domain` with this XML, which is taken over. */
void races_defined(struct agent *agent, struct domain *domain, char *xml, size_t length);

/* --- events; no libvirt call is made --- */

/* Returns whether somebody else than us defined it. */
bool races_saw_defined(struct domain *domain, int detail);
/* Its definition was changed in another way. */
void races_saw_edit(struct domain *domain);
void races_saw_undefined(struct domain *domain);

/* --- between events --- */

/* The definition was read: was an edit lost? Returns 0 or -ENOMEM. */
int races_check_edits(struct domain *domain, const char *xml, size_t length);

/* When the next of our definitions is to be settled, in monotonic time; UINT64_MAX: none. */
uint64_t races_due(const struct agent *agent);
/* Settle one that is due; see races_due(). Returns 0 or -ENOMEM. */
int races_settle(struct agent *agent);

/* --- events that nobody will hear any more --- */

/* Events have been let in: what need not be told any more, should we be killed now? */
void races_drained(struct agent *agent);
/* Report the domains whose events are not in, since the connection is at its end. */
void races_abandon(struct agent *agent);
/* The domains are listed: report those that a process left which was killed. */
void races_report_left(struct agent *agent);
