#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the core says of a guest, against what QEMU gives it.

Definitions made at random (generate.py), those in found/, and with --corpus those of XSAVESD_CORPUS, go through libvirt
and start in QEMU, paused, on a host that masks XSAVES and on one that offers it (machine.py); the core is asked of the same
definitions (judge.c). The rules:

  escape    a guest has XSAVES, and the core says that it would not see it, or its gate lets it start under a deny
  needless  a guest has none, and the core says that it would see it or refuses it under a deny; not where the core says
            that it cannot read what its arguments do, and there is something that cannot be read
  forced    a guest that may start with a forced grant has a feature forced along that the host does not offer
  withheld  a guest that may start with a grant has no XSAVES, and it is not its owner's arguments that keep it away
  fms       a guest is granted XSAVES for its accurate family, model and stepping, and shows another vendor, family or model
  stuck     a definition that xsavesd itself has rewritten is refused by the same policy on the same host, or shows XSAVEC
            that was to be hidden
  untaken   libvirt and QEMU start a definition that the core does not take

escape and needless are looked for with XSAVEC, too, where the core answers that.

  oracle.py [--seed SEED] [--cases NUMBER] [--show NUMBER]
      ORACLE_SEED and ORACLE_CASES do the same; --show: so many of each kind in full
  oracle.py --case SEED/NUMBER | FILE.xml …
      some cases alone, with all that is known of them
  oracle.py --corpus [FOLDER …]
      real definitions instead; else those of XSAVESD_CORPUS: its folder domains, and cases beside it where there is one

A difference that was mended gets a small definition of its own in found/. 20,000 cases take 15 minutes on two idle CPUs.
ORACLE_JUDGE names the program judge (that of the folder build). Needs root, for namespaces of its own. Speaks TAP.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
import generate  # noqa: E402  pylint: disable=wrong-import-position
import machine  # noqa: E402  pylint: disable=wrong-import-position
import rules  # noqa: E402  pylint: disable=wrong-import-position

HERE = Path(__file__).resolve().parent
# For files, in memory: the real one is hidden while this runs, and only from this.
FOLDER = Path("/var/lib/libvirt")
FACTS = """[host]
hostname = bench
machine-id = 0123456789abcdef0123456789abcdef
vendor = AuthenticAMD
family = 23
model = 49
stepping = 0
microcode = 0x0830104d
virtualized = no
cpu-xsaves = yes
cpu-xsavec = yes
kernel-xsaves = {offers}
hypervisor-xsaves = {offers}
hypervisor-xsavec = {offers}
host-model = EPYC-Rome

[hypervisor-cpuid]
"""
ALLOW = "[host all]\nhostname = *\nxsaves = allow\n[guest all]\nname = *\nxsaves = allow\nguest = "
POLICIES = {
    "deny": "default = deny\n",
    "hide": "default = deny\n[guest all]\nname = *\nxsaves = deny\nhide-xsavec = yes\n",
    "allow": ALLOW + "never-uses-xsaves\n",
    "aware": ALLOW + "erratum-aware\n",
    "keep": "default = keep\n",
}
BENCHES = [(host, rule) for host in generate.HOSTS for rule in generate.RULES]


def enter_namespaces():
    """Begin anew where there is no KVM, where process 1 takes leave of libvirt's children, and which all of them end with."""
    script = f"""
        mount -t tmpfs -o mode=700 none {FOLDER} && touch {FOLDER}/no-kvm && chmod 0 {FOLDER}/no-kvm || exit
        [ ! -e /dev/kvm ] || mount --bind {FOLDER}/no-kvm /dev/kvm || exit
        ORACLE_INSIDE=yes "$@"
        exit $?
    """
    command = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "sh"]
    os.execvp(command[0], command + [sys.executable, *sys.argv])


class Judge:
    """The core: one process for each thread that asks."""

    def __init__(self, folder):
        self.folder = folder
        self.mine = threading.local()
        self.command = [os.environ.get("ORACLE_JUDGE", HERE.parents[1] / "build/tests/oracle/judge")]
        for host, rule in BENCHES:
            self.command += [folder / f"{host}.facts", folder / f"{rule}.ini"]

    def ask(self, xml):
        if not hasattr(self.mine, "process"):
            self.mine.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        data = xml.encode()
        self.mine.process.stdin.write(b"%d\n%s" % (len(data), data))
        self.mine.process.stdin.flush()
        answers = json.loads(self.mine.process.stdout.readline())
        return dict(zip(BENCHES, answers))


def write_benches(folder):
    """The hosts' facts have what TCG offers, as QEMU says it of its CPU max. Returns the other properties of that."""
    words = ["qemu-system-x86_64", "-S", "-nodefaults", "-display", "none", "-accel", "tcg", "-cpu", "max", "-qmp", "stdio"]
    leaves = {}
    own = machine.run(words, folder, ["feature-words", *machine.PROPERTIES])[0]
    for word in own["feature-words"]:
        leaf = leaves.setdefault((word["cpuid-input-eax"], word.get("cpuid-input-ecx", 0)), {})
        leaf[word["cpuid-register"]] = word["features"]
    for host in generate.HOSTS:
        # CPUID.(EAX=0DH,ECX=1):EAX: bit 1 is XSAVEC, bit 3 XSAVES.
        leaves[0xD, 1]["EAX"] |= 0xA * (host == "offered")
        text = FACTS.format(offers="yes" if host == "offered" else "no")
        for (leaf, subleaf), registers in leaves.items():
            values = " ".join(f"0x{registers.get(name, 0):08x}" for name in ("EAX", "EBX", "ECX", "EDX"))
            text += f"0x{leaf:08x}.{subleaf} = {values}\n"
        (folder / f"{host}.facts").write_text(text)
    for rule, text in POLICIES.items():
        (folder / f"{rule}.ini").write_text("[policy]\nvirt-types = kvm qemu\n" + text)
    return own


class Oracle:
    def __init__(self, folder):
        self.folder = folder
        self.own = write_benches(folder)
        self.judge = Judge(folder)
        self.libvirt = machine.Libvirt(folder / "libvirt")

    def start(self, xml, host, folder):
        offered = host == "offered"
        text, is_host = machine.stand_in(xml, offered, folder)
        words = machine.prepare(self.libvirt.command_line(text), offered, is_host)
        return words, machine.run(words, self.folder)

    def try_case(self, case):
        """All that is known of one case, as a dictionary."""
        xml = case.xml.replace("@FILES@", str(HERE / "readconfig"))
        for bench in case.rewrites:
            xml = self.judge.ask(xml)[bench].get("rewritten", xml)
        done = {"case": case, "xml": xml, "answers": self.judge.ask(xml), "guests": {}, "words": {}, "not-started": {}}
        for answer in done["answers"].values():
            answer.pop("rewritten", None)
        for host in generate.HOSTS:
            try:
                done["words"][host], done["guests"][host] = self.start(xml, host, case.folder)
            except machine.NotStartable as error:
                done["not-started"][host] = str(error)
        done["differences"] = list(rules.compare(case, xml, done["answers"], done["guests"], self.own))
        return done


def tell(done):
    """One case with everything, for whoever has to understand it."""
    case = done["case"]
    print(f"# {case.name}: {'; '.join(done['differences']) or 'no difference'}")
    if case.rewrites:
        print("# rewritten for", case.rewrites)
    lines = [line for line in done["xml"].splitlines() if line.strip()]
    for host in generate.HOSTS:
        lines.append(f"{host}: " + done["not-started"].get(host, shlex.join(done["words"].get(host, []))))
        for vcpu in done["guests"].get(host, []):
            lines.append(f"{host}: vCPU has {vcpu}")
    for (host, rule), answer in done["answers"].items():
        lines.append(f"core, {host}, {rule}: {answer}")
    print("\n".join("#   " + line for line in lines), flush=True)


def lie(answers):
    """The core's answers turned around."""
    turned = {"sees-xsaves", "sees-xsavec", "accept"}
    return {bench: {key: value ^ (key in turned) if isinstance(value, bool) else value for key, value in answer.items()}
            for bench, answer in answers.items()}


class Points:
    def __init__(self):
        self.results = []

    def point(self, good, text):
        self.results.append(bool(good))
        print("ok" if good else "not ok", len(self.results), "-", text)

    def end(self):
        print(f"1..{len(self.results)}")
        return 0 if all(self.results) else 1


def report_differences(everything, points):
    for kind in rules.KINDS:
        names = [done["case"].name for done in everything if any(text.startswith(kind) for text in done["differences"])]
        some = ": " + " ".join(names[:20]) if names else ""
        points.point(not names, f"{kind}: {len(names)} of {len(everything)}{some}")
    for kind, number in Counter(kind for done in everything for kind in done["differences"]).most_common():
        print(f"# {number} {kind}")


def report_reach(everything, points, own):
    """Was there something to find?"""
    started = [done for done in everything if done["guests"]]
    points.point(len(started) > 0.7 * len(everything), f"{len(started)} of {len(everything)} start")
    lies = {kind.split(":")[0] for done in started
            for kind in rules.compare(done["case"], done["xml"], lie(done["answers"]), done["guests"], own)}
    points.point({"escape", "needless"} <= lies, "a core that said the opposite would be found out")
    for host in generate.HOSTS:
        guests = [done["guests"][host] for done in started if host in done["guests"]]
        having = sum(any(vcpu["xsaves"] for vcpu in vcpus) for vcpus in guests)
        granted = Counter(done["answers"][host, "allow"].get("means") for done in started
                          if done["answers"][host, "allow"].get("accept"))
        print(f"# {host}: {len(guests)} start, {having} have XSAVES, {granted['forced']} may start with a forced grant, "
              f"{granted['native']} with a native one")
    reasons = {}
    for done in everything:
        for text in done["not-started"].values():
            reasons.setdefault(re.sub(r"'[^']*'|\d+", "…", text), []).append(done["case"].name)
    for reason, names in sorted(reasons.items(), key=lambda item: -len(item[1]))[:8]:
        print(f"# {len(set(names))} do not start, {names[0]} is one: {reason}")


def arguments():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--seed", default=os.environ.get("ORACLE_SEED", "1386"))
    parser.add_argument("--cases", type=int, default=int(os.environ.get("ORACLE_CASES", "150")))
    parser.add_argument("--show", type=int, default=5)
    parser.add_argument("--case", nargs="+")
    parser.add_argument("--corpus", nargs="*")
    return parser.parse_args()


def real_cases(folders):
    """Those for x86 that KVM or QEMU would run; as if KVM did, for TCG offers nothing on any host."""
    for path in sorted(path for folder in folders for path in folder.glob("*.xml")):
        text = path.read_text()
        domain = ET.fromstring(text)
        os_type = domain.find("os/type")
        if domain.get("type") in ("kvm", "qemu") and os_type is not None and os_type.text == "hvm" \
                and os_type.get("arch", "x86_64") in ("x86_64", "i686"):
            text = re.sub(r"(<domain\b[^>]*\btype=['\"])qemu\b", r"\1kvm", text, 1)
            yield generate.Case(path.name, text, [], path.parent)


def cases_of(options):
    def of_file(path):
        return generate.Case(Path(path).name, Path(path).read_text(), [])

    if options.corpus:
        return real_cases([Path(folder) for folder in options.corpus])
    if options.case:
        return [of_file(name) if name.endswith(".xml") else generate.make(*name.rsplit("/", 1)) for name in options.case]
    found = [of_file(path) for path in sorted((HERE / "found").glob("*.xml"))]
    return found + [generate.make(options.seed, number) for number in range(options.cases)]


def main():
    options = arguments()
    if os.geteuid() != 0:
        print("1..0 # SKIP namespaces of its own need root")
        return 0
    if not shutil.which("qemu-system-x86_64"):
        print("1..0 # SKIP this machine has no qemu-system-x86_64")
        return 0
    if options.corpus == []:
        if not os.environ.get("XSAVESD_CORPUS"):
            print("1..0 # SKIP XSAVESD_CORPUS names no folder with real definitions")
            return 0
        corpus = Path(os.environ["XSAVESD_CORPUS"])
        options.corpus = [corpus / "domains", corpus.parent / "cases"]
    if "ORACLE_INSIDE" not in os.environ:
        enter_namespaces()
    oracle = Oracle(FOLDER)
    began = time.monotonic()
    shown = Counter()
    everything = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(oracle.try_case, cases_of(options)):
            everything.append(done)
            shown.update(done["differences"])
            if options.case or any(shown[kind] <= options.show for kind in done["differences"]):
                tell(done)
    print(f"# seed {options.seed}: {len(everything)} cases in {time.monotonic() - began:.0f} s")
    if options.case:
        return 1 if shown else 0
    points = Points()
    report_differences(everything, points)
    report_reach(everything, points, oracle.own)
    return points.end()


if __name__ == "__main__":
    sys.exit(main())
