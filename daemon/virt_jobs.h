/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What somebody asked for and waits for: converge or revert these domains, and say what was done. */

#include "virt_agent.h"

/* Takes the command over. Returns 0 or -ENOMEM (it is then answered so). */
int jobs_add(struct agent *agent, struct command *command);
/* Answer one with an error at once. Takes the command over. */
void jobs_refuse(struct agent *agent, struct command *command, const char *error);
/* Work on the next domain of the first; the domains must have been listed. Returns 0, VIRT_REFUSED (the connection is lost) or -ENOMEM. */
int jobs_step(struct agent *agent);
/* Answer all with this error; NULL: with nothing, the thread ends. */
void jobs_clear(struct agent *agent, const char *error);
