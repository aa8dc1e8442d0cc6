# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain definitions at random: make(seed, number) always gives the same one.

They are what an owner may write: any CPU mode, model and feature policy, arguments of <qemu:commandline>, overrides, and
records in <metadata> that xsavesd never wrote. Most start; those that do not are of no interest.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

# With their newest version in QEMU 7.2. The upper half has a version with XSAVES.
MODELS = {
    "EPYC": 3,
    "EPYC-Rome": 2,
    "EPYC-Milan": 1,
    "Dhyana": 2,
    "Skylake-Client": 4,
    "Skylake-Server": 5,
    "Cascadelake-Server": 5,
    "Cooperlake": 2,
    "Icelake-Server": 6,
    "Snowridge": 4,
    "Penryn": 1,
    "Haswell": 4,
    "Broadwell": 4,
    "IvyBridge": 2,
    "Nehalem": 2,
    "Opteron_G5": 1,
    "qemu64": 1,
    "kvm64": 1,
    "core2duo": 1,
    "n270": 1,
    "486": 1,
}
ALIASES = ["EPYC-IBPB", "Skylake-Client-noTSX-IBRS", "Skylake-Server-IBRS", "Icelake-Server-noTSX", "Haswell-noTSX"]
MACHINES = ["pc", "q35", "pc-q35-7.2", "pc-q35-4.2", "pc-i440fx-3.1", "pc-i440fx-7.2"]
POLICIES = ["force", "require", "optional", "disable", "forbid"]
FEATURES = ["svm", "hypervisor", "avx2", "pku", "topoext", "invtsc", "arat", "tsc-deadline", "xsave", "xsaveopt", "pcid"]
# libvirt puts the name of a feature on QEMU's command line as it stands.
ODD_FEATURES = ["x-force-features", "avx2=on,xsaves", "vmx-xsaves", "xsaves,xsavec", "x_force_features"]
OTHER_PROPERTIES = ["kvm=off", "pmu=on", "level=13", "check", "family=6", "model=60", "stepping=3", "vendor=AuthenticAMD"]
OTHER_PROPERTIES += ["vendor=GenuineIntel", "host-cache-info=on", "migratable=off", "hv-relaxed", "min-level=7", "enforce"]
OTHER_TYPES = ["virtio-rng-pci", "ICH9-LPC", "PIIX4_PM", "hpet", "isa-fdc", "kvm-pit"]
READ_CONFIGS = ["force-all", "xsaves-of-max", "xsaves-of-all", "off", "harmless", "second-cpu"]
PAIR = ["-global", "x86_64-cpu.x-force-features=on"]

# The policies and hosts of the oracle, by which a definition may have been rewritten before it starts.
HOSTS = ["masked", "offered"]
RULES = ["deny", "hide", "allow", "aware", "keep"]


@dataclass
class Case:
    name: str
    xml: str
    rewrites: list  # of (host, rule): what xsavesd did to it, in this order
    folder: Path = None  # of a real definition


class Generator:
    def __init__(self, name):
        self.name = name
        self.random = random.Random(name)
        self.arch = self.weighted({"x86_64": 20, "i686": 1})
        # One QEMU has the CPU types of one of the two; the one for x86_64 runs guests of both.
        is_32 = self.arch == "i686" and self.chance(0.5)
        self.emulator = f"/usr/bin/qemu-system-{'i386' if is_32 else 'x86_64'}"
        self.suffix = "i386-cpu" if is_32 else "x86_64-cpu"
        self.prefix = self.weighted({"qemu": 20, "q": 1})
        self.model = None  # of the last -cpu, or of <cpu>: as QEMU names it
        self.needs_rng = False
        self.n_words = 0  # of the arguments
        self.policies = {}  # of the features of <cpu>

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    def weighted(self, choices):
        return self.random.choices(list(choices), weights=choices.values())[0]

    # --- <cpu> ---

    def policy(self):
        return self.pick(*POLICIES, None)

    def feature(self, name, policy=None):
        policy = policy or self.policy()
        self.policies[name] = policy or "unset"
        return f"<feature{f' policy={policy!r}' if policy else ''} name={quoteattr(name)}/>"

    def features(self):
        names = self.random.sample(FEATURES, self.pick(0, 0, 1, 2))
        names += ["xsaves"] * self.chance(0.5) + ["xsavec"] * self.chance(0.3)
        names += [self.pick(*ODD_FEATURES)] * self.chance(0.02)
        self.random.shuffle(names)
        return "".join(self.feature(name) for name in names)

    def cpu(self):
        modes = {None: 1, "topology": 1, "custom": 6, "host-model": 1, "host-passthrough": 3, "maximum": 3}
        mode = self.weighted(modes)
        self.model = {"host-passthrough": "host", "maximum": "max"}.get(mode, "qemu64")
        if mode is None:
            return ""
        if mode == "topology":
            mode = self.pick("", "", " mode='custom' match='exact'")
            return f"<cpu{mode}><topology sockets='2' cores='1' threads='1'/></cpu>"
        attributes = f" check={self.pick('none', 'none', 'partial', 'full')!r}" if self.chance(0.7) else ""
        model = ""
        if mode == "custom":
            attributes += f" match={self.weighted({'exact': 8, 'minimum': 1, 'strict': 1})!r}"
            self.model = self.pick(*MODELS, *ALIASES)
            vendor = f" vendor_id={self.pick('AuthenticAMD', 'GenuineIntel')!r}" if self.chance(0.1) else ""
            model = f"<model fallback={self.pick('allow', 'forbid')!r}{vendor}>{self.model}</model>"
        elif self.chance(0.1):
            model = f"<model fallback='allow'>{self.pick(*MODELS)}</model>"  # libvirt ignores it
        if mode in ("host-passthrough", "maximum") and self.chance(0.3):
            attributes += f" migratable={self.pick('on', 'off')!r}"
        if mode != "custom" or self.chance(0.7):
            attributes += f" mode={mode!r}"
        return f"<cpu{attributes}>{model}{self.features()}</cpu>"

    def granted_cpu(self):
        """One that XSAVES is granted to, or nearly so."""
        mode = self.pick("host-passthrough", "maximum")
        self.model = {"host-passthrough": "host"}.get(mode, "max")
        features = self.feature("xsaves", "force")
        features += self.feature("xsavec", self.pick("force", "require", "disable")) * self.chance(0.5)
        features += self.feature(self.pick(*FEATURES)) * self.chance(0.3)
        return f"<cpu mode={mode!r}>{features}</cpu>"

    # --- arguments ---

    def any_model(self):
        if self.chance(0.3):
            return self.pick("host", "max")
        if self.chance(0.1):
            return self.pick(*ALIASES, "base")
        name = self.pick(*MODELS)
        return f"{name}-v{self.random.randint(1, MODELS[name])}" if self.chance(0.5) else name

    def property(self):
        return self.weighted({"xsaves": 5, "x-force-features": 3, "xsavec": 2, "avx512f": 1, "avx2": 1, "pmu": 1, "vmx-xsaves": 0.5})

    def value(self):
        return self.weighted({"on": 6, "off": 6, "yes": 1, "no": 1, "true": 1, "false": 1})

    def cpu_feature(self):
        name = self.property()
        if self.chance(0.2):
            return self.pick(*OTHER_PROPERTIES, "")
        if self.chance(0.15):
            name = name.replace("-", "_")
        return self.weighted({f"+{name}": 3, f"-{name}": 3, f"{name}={self.value()}": 5, name: 1})

    def option_cpu(self):
        self.model = self.any_model()
        return ["-cpu", ",".join([self.model] + [self.cpu_feature() for _ in range(self.pick(0, 1, 1, 2, 3, 4))])]

    def cpu_type(self):
        return self.weighted({
            self.suffix: 4,
            self.pick("cpu", "device", "object"): 0.3,
            f"{self.model}-{self.suffix}": 4,
            f"{self.any_model()}-{self.suffix}": 2,
            self.pick(*OTHER_TYPES): 2,
        })

    def option_global(self):
        type_, name, value = self.cpu_type(), self.property(), self.value()
        if self.chance(0.1):
            name, value = self.pick("family", "model", "stepping"), self.pick(6, 23)
        if self.chance(0.6):
            return ["-global", f"{type_}.{name}={value}"]
        parts = [f"driver={type_}", f"property={name}", f"value={value}"]
        self.random.shuffle(parts)
        if self.chance(0.2):
            parts.insert(self.pick(0, 3), self.pick(f"driver={self.cpu_type()}", f"property={self.property()}"))
        if self.chance(0.2):
            parts.append(self.pick("value", "novalue", "id=g2,,value=off"))
        if self.chance(0.5):
            return ["-global", ",".join(parts)]
        other = self.pick(f"property={self.property()}", f"driver={self.cpu_type()}", f"value={self.value()}")
        return ["-global", ",".join(parts + ["id=g1"]), "-set", f"global.g1.{other}"]

    def cpu_device(self):
        properties = {"driver": f"{self.model}-{self.suffix}", "socket-id": 1, "core-id": 0, "thread-id": 0}
        for _ in range(self.pick(0, 1, 2)):
            properties[self.property()] = self.chance(0.6)
        if self.chance(0.5):
            properties["id"] = "c1"
        return properties

    @staticmethod
    def on_off(value):
        return ("off", "on")[value] if isinstance(value, bool) else value

    def spell(self, properties, json_too=True):
        """As -device takes them."""
        if json_too and self.chance(0.4):
            text = json.dumps(properties)
            if self.chance(0.2):
                text = text.replace('"', "'")
            return text.replace("-", "\\u002d") if self.chance(0.3) else text
        parts = [f"{name}={self.on_off(value)}" for name, value in properties.items() if name != "driver"]
        parts += ["model-id=x,,driver=virtio-rng-pci"] * self.chance(0.15)
        if self.chance(0.6):
            return ",".join([properties["driver"]] + parts)
        parts.append(f"driver={properties['driver']}")
        self.random.shuffle(parts)
        return ",".join(parts)

    def option_device(self):
        if self.chance(0.35):
            return ["-device", self.pick("virtio-rng-pci,id=x-cpu", "pvpanic", r'{"driver":"virtio-rng-pci","id":"r\u002d1"}')]
        properties = self.cpu_device()
        smp = ["-smp", "1,maxcpus=2,sockets=2,cores=1,threads=1"]
        if self.chance(0.7):
            return smp + ["-device", self.spell(properties)]
        late = self.pick("driver", *properties)
        changed = f"device.{properties.setdefault('id', 'd1')}.{late}={self.on_off(properties.pop(late))}"
        first = self.spell({"driver": "virtio-rng-pci"} | properties, False)
        return smp + ["-device", first, "-set", changed]

    def option_readconfig(self):
        return ["-readconfig", f"@FILES@/{self.pick(*READ_CONFIGS)}.cfg"]

    def option_taker(self):
        """An option whose value looks like another one."""
        return [self.pick("-L", "-k", "-name"), self.pick("-cpu", "--cpu", "-global", "-device", "-readconfig", "-set", "max")]

    def option_harmless(self):
        return self.pick(["-no-reboot"], ["-no-hpet"], ["-no-fd-bootchk"], ["-machine", "usb=off"], ["-rtc", "base=utc"],
                         ["-boot", "menu=off"], ["-fw_cfg", "name=opt/a,string=-cpu"], ["-smbios", "type=1,serial=xsaves"])

    def spell_argument(self, word):
        """As XML may have it."""
        value = quoteattr(word)
        if self.chance(0.05):
            value = value.replace("c", "&#99;").replace("x", "&#x78;")
        return f"<{self.prefix}:arg value={value}/>" + "<!-- -cpu max,xsaves=on -->" * self.chance(0.03)

    def arguments(self, words=()):
        options = {"cpu": 5, "global": 4, "pair": 3, "device": 2, "readconfig": 1, "taker": 1.5, "harmless": 1.5}
        words = list(words)
        for _ in range(self.pick(0, 0, 1, 1, 2, 3, 4)):
            option = self.weighted(options)
            part = list(PAIR) if option == "pair" else getattr(self, f"option_{option}")()
            if self.chance(0.15) and part[0] != "-L":
                part[0] = "-" + part[0]
            words += part
        self.n_words = len(words)
        arguments = "".join(self.spell_argument(word) for word in words)
        return f"<{self.prefix}:commandline>{arguments}</{self.prefix}:commandline>" if words else ""

    # --- overrides, records, and the whole ---

    def override(self):
        self.needs_rng = True
        lines = []
        if self.chance(0.6):
            lines += [("driver", "string", f"{self.model}-{self.suffix}")]
            lines += [(name, "remove", None) for name in ("rng", "bus", "addr")]
            lines += [(name, "unsigned", int(name == "socket-id")) for name in ("socket-id", "core-id", "thread-id")]
            lines += [(self.property(), "bool", self.pick("true", "false")) for _ in range(self.pick(0, 1))]
            lines += [("x-force-features", "bool", "true")] * self.chance(0.4)
        else:
            lines += [self.pick(("max-bytes", "unsigned", 1024), ("event_idx", "bool", "false"),
                                ("driver", "string", "virtio-rng-pci-non-transitional"))]
        if self.chance(0.2):
            self.random.shuffle(lines)
        lines = {name: (name, type_, value) for name, type_, value in lines}.values()
        text = "".join(f"<qemu:property name={name!r} type={type_!r}" + ("/>" if value is None else f" value='{value}'/>")
                       for name, type_, value in lines)
        text = f"<qemu:override><qemu:device alias='rng0'><qemu:frontend>{text}</qemu:frontend></qemu:device></qemu:override>"
        return text.replace("qemu:", self.prefix + ":")

    def capabilities(self):
        name = self.pick("device.json+hotplug", "canonical-cpu-features", "query-cpu-model-expansion")
        text = f"<qemu:capabilities><qemu:del capability={name!r}/></qemu:capabilities>"
        return text.replace("qemu:", self.prefix + ":")

    def record_entry(self):
        states = POLICIES + ["absent", "unset"]
        kind = self.pick("feature", "feature", "force-pair", "removed-arg")
        if kind == "feature":
            name = self.pick("xsaves", "xsavec", "xsavec", "svm")
            set_ = self.policies.get(name, self.pick(*states)) if self.chance(0.8) else self.pick(*states)
            text = f"name={name!r} set={set_!r} was={self.pick('absent', *states)!r}"
            text += self.pick("", "", " cpu='empty'")
        elif kind == "force-pair":
            text = "was='absent'" + self.pick("", " commandline='created'", " commandline='empty'")
        else:
            text = f"half={self.pick('option', 'value')!r} at='{self.pick(*range(self.n_words + 2))}' gap='0' before=''"
        return f"<x:{kind} {text}/>"

    def record(self):
        verdict, reason = self.pick(("grant", "granted-forced"), ("deny", "denied-by-default"), ("keep", "kept-by-rule"))
        entries = "".join(self.record_entry() for _ in range(self.pick(0, 1, 1, 2, 3)))
        again = f"<x:domain xmlns:x='urn:xsavesd:domain:1'>{self.record_entry()}</x:domain>" * self.chance(0.1)
        return (f"<metadata><x:domain xmlns:x='urn:xsavesd:domain:1' verdict={verdict!r} reason={reason!r} rule='bench'"
                f"{self.pick('', ' metadata=%r' % 'created')}>{entries}</x:domain>{again}</metadata>")

    def rewrites(self):
        number = self.weighted({0: 6, 1: 3, 2: 1})
        return [(self.pick(*HOSTS), self.pick(*RULES)) for _ in range(number)]

    def make(self):
        granted = self.chance(0.2)
        cpu = self.granted_cpu() if granted else self.cpu()
        arguments = self.arguments(PAIR * granted) if self.chance(0.6) else self.arguments(PAIR) if granted else ""
        override = self.override() if self.chance(0.1) else ""
        one_of_two = "<vcpu current='1'>2</vcpu>"
        vcpus = one_of_two if override or "topology" in cpu else self.pick("<vcpu>1</vcpu>", "<vcpu>2</vcpu>", one_of_two)
        capabilities = self.capabilities() if self.chance(0.05) else ""
        xml = f"""<domain type='kvm' xmlns:{self.prefix}='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>oracle</name>
  <uuid>5f2c4f1e-3f0b-4c0a-9d53-7a3f0d1e1386</uuid>
  {self.record() if self.chance(0.5 if granted else 0.2) else ""}
  <memory unit='MiB'>16</memory>
  {vcpus}
  <os><type arch='{self.arch}' machine='{self.pick(*MACHINES)}'>hvm</type></os>
  <features><acpi/>{self.pick("", "", "<pmu state='off'/>", "<apic eoi='on'/>")}</features>
  {cpu}
  {self.pick("", "", "", "<clock offset='utc'><timer name='kvmclock' present='no'/></clock>")}
  <devices>
    <emulator>{self.emulator}</emulator>
    <controller type='usb' model='none'/>
    {"<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>" if self.needs_rng else ""}
    <memballoon model='none'/>
  </devices>
  {arguments}
  {override}
  {capabilities}
</domain>
"""
        return Case(self.name, xml, self.rewrites())


def make(seed, number):
    return Generator(f"{seed}/{number}").make()
