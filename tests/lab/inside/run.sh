#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One case in a process of its own. $1: the case.
# shellcheck source=/dev/null
source /lab/inside/lib.sh
trap 'guests_away' EXIT
# shellcheck source=/dev/null
source "$1"
