#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What xsavesctl makes of the CPUID of real machines.

XSAVESD_CORPUS names a folder whose cpuid/ holds one MACHINE.xml (libvirt's <cpudata>, each leaf) and one
MACHINE.sig (leaf 1 in hexadecimal, then family, model and stepping) per machine. XSAVESCTL names the program;
else it is looked for in PATH. TAP on stdout; skipped where one of the two is not there.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# All others have no erratum 1386. None of these comes with its microcode, so none counts as fixed.
LIVE = {
    "EPYC-7502-32-Core": "Zen 2",
    "Hygon-C86-7185-32-core": "Zen 1",
    "Ryzen-7-1800X-Eight-Core": "Zen 1",
}
ABSENT = """
    A10-5800K Atom-D510 Atom-P5362 Cooperlake Core-i5-2500 Core-i5-2540M Core-i7-3520M Core-i7-3770 Core-i7-4510U
    Core-i7-4600U Core-i7-5600U-arat Core-i7-8550U Core-i7-8700 Core2-Q9500 FX-8150 Ice-Lake-Server Opteron-2350
    Opteron-6234 Pentium-P6100 Xeon-5110 Xeon-E5-2650 Xeon-E7-4830 Xeon-E7-8890-v3 Xeon-E7540 Xeon-Gold-6130
    Xeon-Gold-6148
""".split()
ERRATUM = {**dict.fromkeys(ABSENT, "absent"), **dict.fromkeys(LIVE, "live")}

# The erratum with other facts: machine, microcode, virtualized, status.
VARIANTS = [
    ("EPYC-7502-32-Core", "0x08301051", "no", "live"),
    ("EPYC-7502-32-Core", "0x08301052", "no", "fixed"),
    ("EPYC-7502-32-Core", "0x08301052", "yes", "live"),
    ("EPYC-7502-32-Core", "0x08301052", "unknown", "live"),
    ("EPYC-7502-32-Core", "unknown", "no", "live"),
    ("Ryzen-7-1800X-Eight-Core", "0x0800126e", "no", "live"),  # stepping 1: no microcode with the fix
    ("Hygon-C86-7185-32-core", "0xffffffff", "no", "live"),
    ("Xeon-Gold-6148", "0x00000000", "no", "absent"),
    ("FX-8150", "unknown", "unknown", "absent"),
]

REGISTERS = ("eax", "ebx", "ecx", "edx")


def read_leaves(path):
    leaves = {}
    for element in ElementTree.parse(path).getroot().iter("cpuid"):
        number = {key: int(value, 0) for key, value in element.attrib.items()}
        key = number["eax_in"], number.get("ecx_in", 0)
        leaves.setdefault(key, tuple(number.get(register, 0) for register in REGISTERS))
    return leaves


def read_signature(path):
    numbers = dict(re.findall(r"^(family|model|stepping):\s*(\d+)", path.read_text(), re.MULTILINE))
    return {key: int(value) for key, value in numbers.items()}


def signature_of(eax):
    """Intel SDM 2A, CPUID, figure 3-6; AMD's extended fields are zero where it does not use them."""
    family = eax >> 8 & 0xF
    model = eax >> 4 & 0xF
    if family in (0x6, 0xF):
        model |= eax >> 12 & 0xF0
    if family == 0xF:
        family += eax >> 20 & 0xFF
    return {"family": family, "model": model, "stepping": eax & 0xF}


def yes_no(value):
    return "yes" if value else "no"


def facts_of(leaves, **other):
    """The facts of a bare machine with these leaves, whose hypervisor offers all of them."""
    _, ebx, ecx, edx = leaves[0, 0]
    vendor = b"".join(word.to_bytes(4, "little") for word in (ebx, edx, ecx)).decode("ascii").strip()
    xsave = leaves.get((0xD, 1), (0, 0, 0, 0))[0]
    return {
        "hostname": "unknown",
        "machine-id": "unknown",
        "vendor": vendor,
        **{key: str(value) for key, value in signature_of(leaves[1, 0][0]).items()},
        "microcode": "unknown",
        "virtualized": yes_no(leaves[1, 0][2] >> 31 & 1),
        "cpu-xsaves": yes_no(xsave >> 3 & 1),
        "cpu-xsavec": yes_no(xsave >> 1 & 1),
        "kernel-xsaves": "unknown",
        "hypervisor-xsaves": yes_no(xsave >> 3 & 1),
        "hypervisor-xsavec": yes_no(xsave >> 1 & 1),
        "host-model": "unknown",
        **other,
    }


def facts_text(facts, leaves):
    lines = ["[host]"]
    lines += [f"{key} = {value}" for key, value in facts.items()]
    lines += ["", "[hypervisor-cpuid]"]
    for (leaf, subleaf), registers in leaves.items():
        lines.append(f"0x{leaf:08x}.{subleaf} = " + " ".join(f"0x{register:08x}" for register in registers))
    return "\n".join(lines) + "\n"


class Xsavesctl:
    def __init__(self, program):
        self.program = program

    def host(self, text, *options):
        with tempfile.NamedTemporaryFile("w", suffix=".facts") as file:
            file.write(text)
            file.flush()
            command = [self.program, "host", *options, "--host", file.name]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr.strip()}")
        return done.stdout


def differences(found, expected):
    return [
        f"{key}: {found.get(key)!r}, not {value!r}" for key, value in expected.items() if str(found.get(key)) != value
    ]


def check_host(ctl, text, facts, erratum):
    found = json.loads(ctl.host(text, "--json"))
    expected = {**facts, "erratum-1386": erratum}
    # JSON may say null for what the facts file says is unknown.
    found = {key: "unknown" if value is None else value for key, value in found.items()}
    return differences(found, expected)


def check_machine(ctl, folder, machine):
    leaves = read_leaves(folder / f"{machine}.xml")
    facts = facts_of(leaves)
    text = facts_text(facts, leaves)

    wrong = differences(facts, {key: str(value) for key, value in read_signature(folder / f"{machine}.sig").items()})
    wrong += check_host(ctl, text, facts, ERRATUM.get(machine, "a status given in this test"))
    if ctl.host(text, "--facts") != text:
        wrong.append("host --facts does not print the facts file that it was given")
    return wrong


def check_variant(ctl, folder, machine, microcode, virtualized, erratum):
    leaves = read_leaves(folder / f"{machine}.xml")
    facts = facts_of(leaves, microcode=microcode, virtualized=virtualized)

    return check_host(ctl, facts_text(facts, leaves), facts, erratum)


def checks(ctl, folder):
    for path in sorted(folder.glob("*.xml")):
        yield path.stem, lambda machine=path.stem: check_machine(ctl, folder, machine)
    for variant in VARIANTS:
        if (folder / f"{variant[0]}.xml").exists():
            yield " ".join(variant), lambda variant=variant: check_variant(ctl, folder, *variant)


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    sys.exit(0)


def main():
    corpus = os.environ.get("XSAVESD_CORPUS")
    if not corpus:
        skip("XSAVESD_CORPUS is not set")
    folder = Path(corpus, "cpuid")
    if not folder.is_dir():
        skip(f"no folder {folder}")
    program = os.environ.get("XSAVESCTL") or shutil.which("xsavesctl")
    if not program:
        skip("no xsavesctl: XSAVESCTL is not set")

    failed = 0
    count = 0
    for count, (name, check) in enumerate(checks(Xsavesctl(program), folder), 1):
        try:
            wrong = check()
        except (AssertionError, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            wrong = [str(error) or repr(error)]
        failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {count} - {name}")
        for line in wrong:
            print(f"# {line}")
    print(f"1..{count}")
    sys.exit(1 if failed or not count else 0)


if __name__ == "__main__":
    main()
