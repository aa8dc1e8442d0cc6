/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to libvirt, and the events that come over it. */

#include "virt_agent.h"

/* Once per process, before anything else of libvirt: its event loop, and no messages to stderr. Returns 0
 * or -ENOMEM. */
int connection_prepare(void);

/* Try to connect, and report how it went. Not before agent->retry_at. Returns 0 or -ENOMEM. */
int connection_open(struct agent *agent);

/* After a call has failed, or its closing was heard of: is the connection no longer there? */
bool connection_is_lost(const struct agent *agent);

/* `error`: why, to be reported; NULL: the thread ends. Forgets all domains. */
void connection_close(struct agent *agent, const char *error);
