# SPDX-License-Identifier: LGPL-2.1-or-later
"""What really runs: libvirt makes QEMU's command line of a definition, and QEMU says what its vCPUs have.

There is no KVM here, on purpose: TCG offers no XSAVES and so plays a host that masks it. Where x-force-features is on for
every CPU, TCG plays a host that offers whatever a model has.

What TCG cannot do itself is put in its place: a definition's type kvm becomes qemu, host-passthrough becomes maximum, the
CPU model "host" becomes "max". On the host that offers XSAVES, "max" has it unless told otherwise, as QEMU's own default
would (a -global before all others); and what libvirt there would make of the host's features, it is told to: a feature
that is optional is required, and host-model and match='minimum' get XSAVES and XSAVEC where they name neither.
"""

import contextlib
import ctypes
import json
import re
import shlex
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

QEMU = "{http://libvirt.org/schemas/domain/qemu/1.0}"
ET.register_namespace("qemu", QEMU[1:-1])
# QEMU's qemu-options.hx: what has no value. All other options have one.
FLAGS = set("""
    S s h help version mem-prealloc audio-help snapshot usb nographic portrait full-screen win2k-hack no-fd-bootchk no-acpi
    no-hpet singlestep preconfig enable-kvm xen-attach xen-domid-restrict no-reboot no-shutdown daemonize only-migratable
    nodefaults semihosting old-param no-user-config async-teardown enable-sync-profile
""".split())
PROPERTIES = ("xsaves", "xsavec", "vendor", "family", "model", "stepping", "unavailable-features")
SECONDS = 60


class NotStartable(Exception):
    """libvirt or QEMU does not take it."""


class Libvirt:
    """The QEMU driver in this process (qemu:///embed), with all its state in one folder."""

    def __init__(self, folder):
        self.lib = ctypes.CDLL("libvirt.so.0")
        self.lib.virConnectOpen.restype = ctypes.c_void_p
        self.lib.virConnectDomainXMLToNative.restype = ctypes.c_void_p
        self.lib.virConnectDomainXMLToNative.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_uint]
        self.lib.virGetLastErrorMessage.restype = ctypes.c_char_p
        # It would print each error.
        self.silent = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: None)
        self.lib.virSetErrorFunc(None, self.silent)
        self.lib.virEventRegisterDefaultImpl()
        threading.Thread(target=self.run_events, daemon=True).start()
        self.connection = self.lib.virConnectOpen(f"qemu:///embed?root={folder}".encode())
        if not self.connection:
            raise OSError(self.lib.virGetLastErrorMessage().decode())
        self.free = ctypes.CDLL(None).free
        self.free.argtypes = [ctypes.c_void_p]

    def run_events(self):
        while True:
            self.lib.virEventRunDefaultImpl()

    def command_line(self, xml):
        text = self.lib.virConnectDomainXMLToNative(self.connection, b"qemu-argv", xml.encode(), 0)
        if not text:
            raise NotStartable("libvirt: " + self.lib.virGetLastErrorMessage().decode(errors="replace"))
        words = shlex.split(ctypes.string_at(text).decode())
        self.free(text)
        # The environment comes first.
        while "=" in words[0] and not words[0].startswith("/"):
            words.pop(0)
        return words


BARE = """<devices>
  <controller type='usb' model='none'/>
  <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  <memballoon model='none'/>
</devices>"""
# What has a part in the CPU, or must be there.
KEPT = {"name", "uuid", "memory", "vcpu", "os", "features", "cpu", "clock", "metadata", "devices"}


def strip(domain, folder):
    """A real definition without what it takes from its host: devices, files, memory, many CPUs, a machine type of yore."""
    for child in list(domain):
        if child.tag not in KEPT and not child.tag.startswith(QEMU):
            domain.remove(child)
    for tag in ("memory", "vcpu", "devices"):
        for child in domain.findall(tag):
            domain.remove(child)
    domain.extend(ET.fromstring(text) for text in ("<memory unit='MiB'>32</memory>", "<vcpu current='1'>2</vcpu>", BARE))
    for parent, tags in (("os", {"type"}), ("cpu", {"model", "vendor", "feature"}), ("features", {"acpi", "apic", "pmu"})):
        for child in list(domain.find(parent) if domain.find(parent) is not None else ()):
            if child.tag not in tags:
                domain.find(parent).remove(child)
    domain.find("os").attrib.clear()  # firmware='efi'
    machine = domain.find("os/type").get("machine", "pc")
    domain.find("os/type").set("machine", "q35" if "q35" in machine else "pc")
    for argument in domain.iter(QEMU + "arg"):
        beside = folder / Path(argument.get("value")).name
        if argument.get("value").startswith("/") and beside.is_file():
            argument.set("value", str(beside))


def stand_in(xml, offered, folder=None):
    """The definition as libvirt is given it, and whether its CPU stands for the host's. `folder`: where a real one is."""
    domain = ET.fromstring(xml)
    domain.set("type", "qemu")
    if folder:
        strip(domain, folder)
    cpu = domain.find("cpu")
    if cpu is None or (cpu.get("mode", "custom") == "custom" and not cpu.findtext("model")):
        return ET.tostring(domain, encoding="unicode"), False
    mode = cpu.get("mode", "custom")
    if mode == "host-passthrough":
        cpu.set("mode", "maximum")
    cpu.set("check", "none")
    if offered and mode in ("custom", "host-model"):
        named = {feature.get("name"): feature for feature in cpu.iterfind("feature")}
        for name in ("xsaves", "xsavec"):
            if name in named and named[name].get("policy") == "optional":
                named[name].set("policy", "require")
            if name not in named and (mode == "host-model" or cpu.get("match") == "minimum"):
                ET.SubElement(cpu, "feature", policy="require", name=name)
    return ET.tostring(domain, encoding="unicode"), mode == "host-passthrough"


def options(words):
    """(name, index of the value or None) of each option, as QEMU's lookup_opt() takes the words apart."""
    index = 1
    while index < len(words):
        word = words[index]
        name = word[2:] if word.startswith("--") else word[1:]
        takes = word.startswith("-") and name not in FLAGS
        yield (name if word.startswith("-") else None), (index + 1 if takes else None)
        index += 2 if takes else 1


def is_force(feature):
    return feature.lstrip("+-").split("=")[0].replace("_", "-") == "x-force-features"


def prepare(words, offered, is_host):
    """The command line as it is run here: the monitor on the standard streams, and what stands for what TCG lacks."""
    words = list(words)
    secret = next((n for n, word in enumerate(words) if '"id":"masterKey0"' in word), None)
    if secret:
        del words[secret - 1 : secret + 1]
    words = ["stdio,id=charmonitor" if "id=charmonitor," in word and word.startswith("socket,") else word for word in words]
    cpus = [index for name, index in options(words) if name == "cpu" and index < len(words)]
    if cpus and is_host and words[cpus[0]].startswith("max"):
        words[cpus[0]] = "host" + words[cpus[0]][3:]
    if cpus:
        model, *features = words[cpus[-1]].split(",")
        if model == "host":
            words = [re.sub(r"\bhost-(x86_64|i386)-cpu", r"max-\1-cpu", word) for word in words]
            model = "max"
        if offered:
            features = [feature for feature in features if not is_force(feature)] + ["x-force-features=on"]
        words[cpus[-1]] = ",".join([model, *features])
    if offered:
        cpu = "i386-cpu" if words[0].endswith("i386") else "x86_64-cpu"
        words[1:1] = ["-global", f"max-{cpu}.xsaves=on", "-global", f"max-{cpu}.xsavec=on"]
        words += ["-global", f"{cpu}.x-force-features=on"]
    return words


class Monitor:
    def __init__(self, process):
        self.process = process
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.process.stdin.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            answer = json.loads(line)
            if "error" in answer:
                raise NotStartable(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise EOFError


def run(words, folder, properties=PROPERTIES):
    """Start it, never let it run, and return the properties of each vCPU."""
    with tempfile.TemporaryFile("w+", errors="replace") as said, subprocess.Popen(
            words, cwd=folder, text=True, errors="replace", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said) as process:
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            monitor = Monitor(process)
            paths = [cpu["qom-path"] for cpu in monitor.ask("query-cpus-fast")]
            return [{name: monitor.ask("qom-get", path=path, property=name) for name in properties} for path in paths]
        except (EOFError, BrokenPipeError, json.JSONDecodeError):
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            process.wait()
            said.seek(0)
            raise NotStartable("QEMU: " + (said.read().strip().splitlines() or ["it ended"])[-1]) from None
        finally:
            timer.cancel()
            process.kill()
