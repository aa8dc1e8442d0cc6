#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""ready.py RUNS COMMAND…: the times from the exec of a daemon to its READY=1, in milliseconds, the median first."""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time


def ready_after(command, receiver, environment):
    began = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        while b"READY=1" not in receiver.recv(4096).split(b"\n"):
            pass
        took = time.monotonic() - began
        daemon.terminate()
        daemon.wait()
    receiver.setblocking(False)
    try:
        while receiver.recv(4096):
            pass
    except BlockingIOError:
        receiver.setblocking(True)
        receiver.settimeout(30)
    return took * 1000


def main():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(folder + "/notify")
        receiver.settimeout(30)
        environment = dict(os.environ, NOTIFY_SOCKET=folder + "/notify")
        times = [ready_after(sys.argv[2:], receiver, environment) for _ in range(int(sys.argv[1]))]
    print("%.1f %.1f %.1f" % (statistics.median(times), min(times), max(times)))


if __name__ == "__main__":
    main()
