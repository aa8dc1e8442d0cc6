#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""watch.py END: until that file is there, write each QEMU process that is seen, once: the time, "qemu", the guest, and
"forces" or "plain".

A guest cannot be without a command line for long enough to run unseen: it takes QEMU far longer to set a machine up than
one round takes here.
"""

import os
import sys
import time

PAIR = b"x86_64-cpu.x-force-features=on"


def command_line(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []


def guest_of(words):
    """libvirt's -name guest=NAME,…; None: not a guest."""
    if not os.path.basename(words[0]).startswith(b"qemu-system") or b"-name" not in words:
        return None
    name = words[words.index(b"-name") + 1]
    return name.removeprefix(b"guest=").split(b",")[0].decode()


def main():
    known = {}
    while not os.path.exists(sys.argv[1]):
        now = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            # A process is libvirt's own child before it is QEMU, and has libvirt's command line.
            words = known.get(pid) or command_line(pid)
            guest = guest_of(words) if words and words[0] else None
            if guest is None:
                continue
            now[pid] = words
            if pid not in known:
                print(f"{time.time():.6f} qemu {guest} {'forces' if PAIR in words else 'plain'}", flush=True)
        known = now
        time.sleep(0.02)


main()
