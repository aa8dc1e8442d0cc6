#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every domain of the corpus through `xsavesctl rewrite --offline`, by several policies on several hosts.

What comes out is valid where what went in was, the same when it goes through again, differs only where it may, and
reverts to what went in. XSAVESD_CORPUS names the corpus' folder, XSAVESCTL the program. Speaks TAP.
"""

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

SCHEMA = "/usr/share/libvirt/schemas/domain.rng"
QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"

FACTS = """[host]
hostname = bench
vendor = AuthenticAMD
family = {family}
model = 49
stepping = 0
microcode = 0x08301034
virtualized = no
cpu-xsaves = yes
cpu-xsavec = yes
kernel-xsaves = {offers}
hypervisor-xsaves = {offers}
hypervisor-xsavec = yes
host-model = EPYC-Rome
"""
POLICY = "[policy]\nvirt-types = kvm qemu\n[host all]\nhostname = *\nxsaves = allow\n[guest all]\nname = *\n"

# name: (does the hypervisor offer XSAVES, CPU family, the guest rule). 23 is Zen 2, 25 is not affected.
BENCHES = {
    "forced": ("no", 23, "xsaves = allow\nguest = never-uses-xsaves\n"),
    "native": ("yes", 25, "xsaves = allow\n"),
    "denied": ("yes", 25, "xsaves = deny\n"),
    "hidden": ("no", 23, "xsaves = deny\nhide-xsavec = yes\n"),
}

count = failed = 0


def case(text, problems):
    global count, failed
    count += 1
    failed += bool(problems)
    print(f"{'not ok' if problems else 'ok'} {count} - {text}")
    for problem in problems:
        print(f"# {problem}")


def run(*args, text=None):
    return subprocess.run(args, input=text, capture_output=True, check=False)


def canonical(data):
    return ET.canonicalize(data.decode(), with_comments=True)


def outside(data):
    """All of a domain but what may be changed, and the white space that comes and goes with it."""
    root = ET.fromstring(data)
    for tag in ("cpu", "metadata", QEMU + "commandline"):
        for child in root.findall(tag):
            root.remove(child)
    return re.sub(r' xmlns:\w+="http://libvirt.org/schemas/domain/qemu/1.0"', "",
                  ET.canonicalize(ET.tostring(root), strip_text=True))


def valid(folder, names):
    """The names of the files that libvirt's schema takes."""
    said = run("xmllint", "--noout", "--relaxng", SCHEMA, *(str(folder / name) for name in names))
    return {Path(line[:-len(" validates")]).name for line in said.stderr.decode().splitlines()
            if line.endswith(" validates")}


def check(xsavesctl, options, source, target):
    """Rewrite one file to the target. Returns what is wrong with the result, and whether it differs."""
    before = source.read_bytes()
    said = run(xsavesctl, "rewrite", "--offline", *options, text=before)
    if said.returncode != 0:
        return [f"exit status {said.returncode}: {said.stderr.decode().strip()}"], False
    after = said.stdout
    target.write_bytes(after)
    problems = []
    if run(xsavesctl, "rewrite", "--offline", *options, text=after).stdout != after:
        problems.append("not idempotent")
    if canonical(run(xsavesctl, "revert", "-", text=after).stdout) != canonical(before):
        problems.append("not reverted")
    if outside(after) != outside(before):
        problems.append("differs elsewhere")
    return problems, after != before


def over(name, xsavesctl, domains, valid_before, work):
    offers, family, rule = BENCHES[name]
    folder = work / name
    (folder / "out").mkdir(parents=True)
    (folder / "policy.ini").write_text(POLICY + rule)
    (folder / "facts").write_text(FACTS.format(offers=offers, family=family))
    options = ["--policy", str(folder), "--host", str(folder / "facts")]

    problems = []
    n_changed = 0
    for source in domains:
        wrong, changed = check(xsavesctl, options, source, folder / "out" / source.name)
        problems += [f"{source.name}: {text}" for text in wrong]
        n_changed += changed
    print(f"# {name}: {n_changed} of {len(domains)} domains changed")
    case(f"{name}: each passes, is idempotent, reverts, and differs only where it may", problems)
    case(f"{name}: some are changed", [] if n_changed else ["none is"])
    still = valid(folder / "out", [source.name for source in domains])
    case(f"{name}: those that were valid still are", sorted(valid_before - still))


def main():
    xsavesctl = os.environ["XSAVESCTL"]
    folder = Path(os.environ.get("XSAVESD_CORPUS", "/nonexistent")) / "domains"
    if not folder.is_dir():
        print("1..0 # SKIP no corpus: XSAVESD_CORPUS does not name a folder with domains/")
        return 0
    domains = sorted(folder.glob("*.xml"))
    valid_before = valid(folder, [source.name for source in domains])
    print(f"# {len(domains)} domains, {len(valid_before)} valid by libvirt's schema")
    case("some of them are valid", [] if valid_before else ["none is"])
    with tempfile.TemporaryDirectory() as work:
        for name in BENCHES:
            over(name, xsavesctl, domains, valid_before, Path(work))
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
