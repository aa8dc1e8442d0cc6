#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""judge.py FOLDER LOG LIMIT: what came of a storm, "NAME VALUE" a line, and lines to be noted that begin with "#".

FOLDER has what each client wrote (client.*), the processes that were seen (qemu), what was done to the host (trouble) and
what the guests printed (*.out). LOG is the daemon's, with a time in front of each line. No call should take more than
LIMIT milliseconds.

An edit that is lost has to be in the log, by the domain's name. Where the daemon was killed, or lost its libvirtd and with it
the events, after it had overwritten the edit and before it had heard of it, its successor says so; but not where it
took libvirtd longer to send the event than a pass that is cut short may look back. Such an edit is one whose time of
being at risk has such an end in it, and is counted apart.
"""

import collections
import glob
import os
import re
import sys

# What the killed one had sent may be done after its end.
LINGERS = 0.5
# A start that was let through before the policy changed is QEMU's process so much later at most.
STARTS = 3.0

REPORTS = (
    re.compile(r"Domain '([^']+)' was (?:edited|being re-defined when) .*may be lost"),
    re.compile(r"Domain '([^']+)' was undefined .*brought it back"),
)
PRINTED = re.compile(rb"^[0-9a-f]{8} ([0-9a-f]{8}) [0-9a-f]{8} (?:-|#GP|[0-9a-f]{8}) ?$")

Fault = collections.namedtuple("Fault", "kind guest number began ended seen")


def read_lines(path):
    with open(path, errors="replace") as file:
        return [line.split() for line in file]


def read_clients(folder):
    faults, slow, counts, calls = [], [], collections.Counter(), {}
    for path in sorted(glob.glob(folder + "/client.*")):
        for kind, guest, *rest in read_lines(path):
            if kind in ("lost", "gone", "back"):
                faults.append(Fault(kind, guest, rest[0], *map(float, rest[1:])))
            elif kind == "calls":
                calls.setdefault(guest, []).append(tuple(map(int, rest)))
            elif kind == "slow":
                slow.append((guest, *map(float, rest)))
            else:
                counts[kind] += 1
    return faults, slow, counts, calls


def down_times(trouble):
    periods, begin = [], None
    for time, what in ((float(t[0]), t[1]) for t in trouble):
        if what == "libvirtd-stop":
            begin = begin or time
        elif what == "libvirtd-start":
            periods.append((begin, time))
            begin = None
    return periods


def judge_slow(slow, down):
    """The slowest call of each kind, but for the time in which libvirtd was ending or not there yet."""
    slowest = {}
    for call, began, ended in slow:
        took = ended - began - sum(max(0, min(ended, end) - max(began, begin)) for begin, end in down)
        slowest[call] = max((took, began), slowest.get(call, (0, 0)))
    return slowest


def read_log(path):
    reports, in_force, counts = [], [], collections.Counter()
    with open(path, errors="replace") as file:
        for line in file:
            time, _, text = line.rstrip("\n").partition(" ")
            for pattern in REPORTS:
                match = pattern.search(text)
                if match:
                    reports.append((float(time), match[1]))
            if re.search(r"Policy \d+ is in force", text):
                in_force.append(float(time))
            counts["redefined"] += "Re-defined domain" in text
            match = re.search(r"keep: it ended with status (\d+)", text)
            if match:
                counts["killed" if match[1] == "137" else "died"] += 1
    return reports, in_force, counts


def match_reports(faults, reports, settles):
    """Each report is of one edit. Returns the faults without one, and the reports left over."""
    reports, silent = list(reports), []
    for fault in sorted(faults, key=lambda fault: fault.began):
        fitting = [r for r in reports if r[1] == fault.guest and fault.began <= r[0] <= fault.seen + settles]
        if fitting:
            reports.remove(fitting[0])
        else:
            silent.append(fault)
    return silent, reports


def could_not_be_told(fault, ends, settles):
    return any(fault.began - LINGERS <= end <= fault.ended + settles for end in ends)


def denied_times(trouble, in_force):
    """When the policy was in force that gives guests named sometimes* nothing, and no other one was written."""
    periods, begin = [], None
    for time, what in ((float(t[0]), t[2]) for t in trouble if t[1] == "policy"):
        if what == "allow":
            if begin is not None:
                periods.append((begin, time))
            begin = None
        elif begin is None:
            begin = next((loaded for loaded in in_force if loaded >= time), None)
    if begin is not None:
        periods.append((begin, float("inf")))
    return periods


def prints_xsaves(path):
    seen = False
    with open(path, "rb") as file:
        for line in file:
            match = PRINTED.match(line.replace(b"\0", b"").rstrip(b"\n"))
            seen = seen or bool(match and int(match[1], 16) & 8)
    return seen


def judge_starts(folder, denied):
    """Guests that ran with XSAVES against the policy, by command line and by what they printed."""
    starts, wrong, forced = collections.Counter(), 0, set()
    for time, _, guest, how in read_lines(folder + "/qemu"):
        starts[how] += 1
        if how == "forces":
            forced.add(guest)
        now_denied = any(begin + STARTS < float(time) < end for begin, end in denied)
        if how == "forces" and (guest.startswith("never") or (guest.startswith("sometimes") and now_denied)):
            wrong += 1
            print(f"# {time}: a QEMU of {guest} forces XSAVES")
    printed, saw = 0, 0
    for path in glob.glob(folder + "/*.out"):
        guest = os.path.basename(path)[: -len(".out")]
        sees = prints_xsaves(path)
        printed += os.path.getsize(path) > 0
        saw += sees
        if sees and (guest.startswith("never") or guest not in forced):
            wrong += 1
            print(f"# {guest} printed a CPUID with XSAVES")
    return starts, wrong, printed, saw


def main():
    folder, log, limit = sys.argv[1:]
    # Until the daemon has heard of all edits (SETTLE_USEC in daemon/virt_races.c) and has read the definition again. It
    # may have to wait: libvirt lists no domains while a hook runs.
    settles = int(limit) / 2000
    faults, slow, counts, calls = read_clients(folder)
    reports, in_force, log_counts = read_log(log)
    trouble = read_lines(folder + "/trouble")
    ends = [float(t[0]) for t in trouble if t[1] in ("kill", "libvirtd-stop")]

    silent, left = match_reports(faults, reports, settles)
    untellable = [fault for fault in silent if could_not_be_told(fault, ends, settles)]
    unreported = [fault for fault in silent if fault not in untellable]
    for name, some in ("cannot be known", untellable), ("NOT reported", unreported):
        for fault in some:
            print(f"# {name}: {fault.kind} {fault.guest}, edit {fault.number},"
                  f" {fault.began:.3f} to {fault.ended:.3f}, seen at {fault.seen:.3f}")

    starts, wrong, printed, saw = judge_starts(folder, denied_times(trouble, in_force))
    slowest = judge_slow(slow, down_times(trouble))
    for name, rows in sorted(calls.items()):
        took, when = slowest.get(name, (0, 0))
        print(f"# {name}: {sum(r[0] for r in rows)} calls, {sum(r[1] for r in rows)} failed,"
              f" the slowest {took:.3f} s at {when:.3f}")
    troubles = collections.Counter(t[1] for t in trouble)

    for name, value in {
        "edits": counts["edit"], "unsure": counts["unsure"], "redefined": log_counts["redefined"],
        "lost": len(faults), "reported": len(faults) - len(silent), "untellable": len(untellable),
        "unreported": len(unreported), "false": len(left),
        "killed": log_counts["killed"], "died": log_counts["died"],
        "forced": starts["forces"], "plain": starts["plain"], "wrong": wrong, "printed": printed, "saw": saw,
        "slowest": int(max(took for took, _ in slowest.values()) * 1000),
        "policies": troubles["policy"], "hangups": troubles["hangup"], "restarts": troubles["libvirtd-start"],
    }.items():
        print(name, value)


main()
