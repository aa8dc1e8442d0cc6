#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""xsavesctl simulate over every machine and every domain of the corpus, with what it takes.

XSAVESD_CORPUS names the corpus' folder, XSAVESCTL the program. Speaks TAP.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent.parent / "corpus"))
import cpuid  # noqa: E402  pylint: disable=wrong-import-position

# Some thousand decisions: far more than it takes, also with sanitizers.
SECONDS_MAX, MEBIBYTES_MAX = 60, 512
BASELINE = "[policy]\nvirt-types = kvm qemu\n"
POLICY = BASELINE + """
[host all]
hostname = *
xsaves = allow

[guest all]
name = *
xsaves = allow
guest = never-uses-xsaves
"""
POINTS = []


def point(good, text, *notes):
    POINTS.append(good)
    print("ok" if good else "not ok", len(POINTS), "-", text)
    for note in notes:
        print("#", note)


def write_machines(folder, paths):
    """Facts files. Where the erratum is live, the kernel and KVM hide XSAVES."""
    for path in paths:
        leaves = cpuid.read_leaves(path)
        facts = cpuid.facts_of(leaves, hostname=path.stem)
        if path.stem in cpuid.LIVE:
            facts |= {"kernel-xsaves": "no", "hypervisor-xsaves": "no"}
        (folder / path.stem).write_text(cpuid.facts_text(facts, leaves))
        yield folder / path.stem


def write_policy(folder, text):
    folder.mkdir()
    (folder / "policy.ini").write_text(text)
    return folder


def main():
    corpus = Path(os.environ.get("XSAVESD_CORPUS", ""))
    domains = sorted((corpus / "domains").glob("*.xml"))
    if not os.environ.get("XSAVESD_CORPUS") or not domains:
        print("1..0 # SKIP XSAVESD_CORPUS names no folder with domains")
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "hosts").mkdir()
        machines = list(write_machines(folder / "hosts", sorted((corpus / "cpuid").glob("*.xml"))))
        command = [os.environ["XSAVESCTL"], "simulate", "--json"]
        command += ["--policy", write_policy(folder / "policy", POLICY)]
        command += ["--baseline", write_policy(folder / "baseline", BASELINE)]
        for machine in machines:
            command += ["--host", machine]
        began = time.monotonic()
        done = subprocess.run(command + domains, capture_output=True, text=True, timeout=600, check=False)
        seconds = time.monotonic() - began
    mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    cells = json.loads(done.stdout or "[]")
    reasons = Counter(cell["reason"] for cell in cells)
    size = f"{len(domains)} domains on {len(machines)} machines"
    point(done.returncode == 1, "guests gain XSAVES", *done.stderr.splitlines()[:5])
    point(len(cells) == len(domains) * len(machines), f"{size}: each is decided on", dict(reasons))
    wrong = [cell for cell in cells if cell["sees-xsaves"] and cell["verdict"] == "deny"]
    point(not wrong, "none that is denied XSAVES would see it", *wrong[:3])
    live = [cell for cell in cells if cell["host"] in cpuid.LIVE and cell["means"] == "native"]
    point(not live, "nothing is native where the erratum is live", *live[:3])
    text = f"it takes less than {SECONDS_MAX} s and {MEBIBYTES_MAX} MiB"
    point(seconds < SECONDS_MAX and mebibytes < MEBIBYTES_MAX, text, f"{size}, two policies: {seconds:.2f} s, {mebibytes:.1f} MiB")
    print(f"1..{len(POINTS)}")
    sys.exit(not all(POINTS))


main()
