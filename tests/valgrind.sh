#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# valgrind.sh COMMAND…: runs a program under valgrind, with exit status 99 where that finds something. A script runs as it
# is, and is told by XSAVESD_TEST_VALGRIND to run the daemon under this. Meson's --wrapper, and for the sandbox.

if [[ $1 == */bash ]]; then
    XSAVESD_TEST_VALGRIND=yes exec "$@"
fi
# valgrind has a CPUID of its own, which is not what the kernel says of this machine.
[[ $1 != */test-probe ]] || exec "$@"
# Its pipes for a debugger are in /tmp by process number: sandboxes share the one and have the other each for itself.
exec valgrind -q --vgdb=no --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --show-leak-kinds=definite \
    --suppressions="$(dirname "$0")/valgrind.supp" "$@"
