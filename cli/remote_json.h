/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "json.h"

/* All values of a message, an array of them. Returns 0 or a negative errno. */
int message_to_json(sd_bus_message *message, json_t **ret);
