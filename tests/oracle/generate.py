# SPDX-License-Identifier: LGPL-2.1-or-later
"""Domain definitions at random: make(seed, number) always gives the same one.

They are what an owner may write: any CPU mode, model and feature policy, arguments of <qemu:commandline>, overrides, and
records in <metadata> that xsavesd never wrote. Most start; those that do not are of no interest.
"""

import json
import random
from dataclasses import dataclass
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
    "Denverton": 3,
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


class Generator:
    def __init__(self, name):
        self.name = name
        self.random = random.Random(name)
        self.model = None  # of the last -cpu, or of <cpu>: as QEMU names it
        self.needs_rng = False

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *choices):
        return self.random.choice(choices)

    def weighted(self, choices):
        return self.random.choices(list(choices), weights=choices.values())[0]

    # --- <cpu> ---

    def policy(self):
        return self.pick(*POLICIES, None)

    def feature(self, name):
        policy = self.policy()
        return f"<feature{f' policy={policy!r}' if policy else ''} name={quoteattr(name)}/>"

    def features(self):
        names = self.random.sample(FEATURES, self.pick(0, 0, 1, 2))
        names += ["xsaves"] * self.chance(0.5) + ["xsavec"] * self.chance(0.3)
        names += [self.pick(*ODD_FEATURES)] * self.chance(0.08)
        self.random.shuffle(names)
        return "".join(self.feature(name) for name in names)

    def cpu(self):
        modes = {None: 1, "topology": 1, "custom": 6, "host-model": 1, "host-passthrough": 3, "maximum": 3}
        mode = self.weighted(modes)
        self.model = {"host-passthrough": "host", "maximum": "max"}.get(mode, "qemu64")
        if mode is None:
            return ""
        if mode == "topology":
            return "<cpu><topology sockets='2' cores='1' threads='1'/></cpu>"
        attributes = f" check={self.pick('none', 'none', 'partial', 'full')!r}" if self.chance(0.7) else ""
        model = ""
        if mode == "custom":
            attributes += f" match={self.weighted({'exact': 8, 'minimum': 1, 'strict': 1})!r}"
            self.model = self.pick(*MODELS, *ALIASES)
            vendor = f" vendor_id={self.pick('AuthenticAMD', 'GenuineIntel')!r}" if self.chance(0.1) else ""
            model = f"<model fallback={self.pick('allow', 'forbid')!r}{vendor}>{self.model}</model>"
        elif mode != "host-model" and self.chance(0.3):
            attributes += f" migratable={self.pick('on', 'off')!r}"
        if mode != "custom" or self.chance(0.7):
            attributes += f" mode={mode!r}"
        return f"<cpu{attributes}>{model}{self.features()}</cpu>"

    # --- arguments ---

    def any_model(self):
        if self.chance(0.3):
            return self.pick("host", "max")
        if self.chance(0.1):
            return self.pick(*ALIASES, "base")
        name = self.pick(*MODELS)
        return f"{name}-v{self.random.randint(1, MODELS[name])}" if self.chance(0.5) else name

    def property(self):
        return self.weighted({"xsaves": 5, "x-force-features": 3, "xsavec": 2, "vmx-xsaves": 0.5, "avx2": 1, "pmu": 1})

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
        generic = self.pick("x86_64-cpu", "x86_64-cpu", "cpu", "device", "object", "i386-cpu")
        return self.weighted({
            generic: 4,
            f"{self.model}-x86_64-cpu": 4,
            f"{self.any_model()}-x86_64-cpu": 2,
            self.pick(*OTHER_TYPES): 2,
        })

    def option_global(self):
        type_, name, value = self.cpu_type(), self.property(), self.value()
        if self.chance(0.6):
            return ["-global", f"{type_}.{name}={value}"]
        parts = [f"driver={type_}", f"property={name}", f"value={value}"]
        self.random.shuffle(parts)
        if self.chance(0.2):
            parts.insert(self.pick(0, 3), self.pick(f"driver={self.cpu_type()}", f"property={self.property()}"))
        if self.chance(0.5):
            return ["-global", ",".join(parts)]
        other = self.pick(f"property={self.property()}", f"driver={self.cpu_type()}", f"value={self.value()}")
        return ["-global", ",".join(parts + ["id=g1"]), "-set", f"global.g1.{other}"]

    def cpu_device(self):
        properties = {"driver": f"{self.model}-x86_64-cpu", "socket-id": 1, "core-id": 0, "thread-id": 0}
        for _ in range(self.pick(0, 1, 2)):
            properties[self.property()] = self.chance(0.6)
        if self.chance(0.5):
            properties["id"] = "c1"
        return properties

    def spell(self, properties):
        """As -device takes them."""
        if self.chance(0.4):
            text = json.dumps(properties)
            return text.replace("-", "\\u002d") if self.chance(0.3) else text
        words = {name: {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value
                 for name, value in properties.items()}
        driver = words.pop("driver")
        parts = [f"{name}={value}" for name, value in words.items()]
        return ",".join([driver if self.chance(0.6) else f"driver={driver}"] + parts)

    def option_device(self):
        if self.chance(0.35):
            return ["-device", self.pick("virtio-rng-pci,id=x-cpu", "pvpanic", '{"driver":"virtio-rng-pci","id":"r\\u002d1"}')]
        properties = self.cpu_device()
        smp = ["-smp", "1,maxcpus=2,sockets=2,cores=1,threads=1"]
        if self.chance(0.7):
            return smp + ["-device", self.spell(properties)]
        late = self.pick("driver", *properties)
        text = str(properties[late]).replace("True", "on").replace("False", "off")
        properties |= {"id": "d1", late: {"driver": "virtio-rng-pci"}.get(late, properties[late])}
        first = ",".join(f"{name}={str(value).lower()}" for name, value in properties.items())
        return smp + ["-device", first, "-set", f"device.d1.{late}={text}"]

    def option_readconfig(self):
        return ["-readconfig", f"@FILES@/{self.pick(*READ_CONFIGS)}.cfg"]

    def option_taker(self):
        """An option whose value looks like another one."""
        return [self.pick("-L", "-k", "-name"), self.pick("-cpu", "--cpu", "-global", "-device", "-readconfig", "-set", "max")]

    def option_harmless(self):
        return self.pick(["-no-reboot"], ["-no-hpet"], ["-no-fd-bootchk"], ["-machine", "usb=off"], ["-rtc", "base=utc"],
                         ["-boot", "menu=off"], ["-fw_cfg", "name=opt/a,string=-cpu"], ["-smbios", "type=1,serial=xsaves"])

    def arguments(self):
        options = {"cpu": 5, "global": 4, "pair": 3, "device": 2, "readconfig": 1, "taker": 1.5, "harmless": 1.5}
        words = []
        for _ in range(self.pick(0, 0, 1, 1, 2, 3, 4)):
            option = self.weighted(options)
            part = list(PAIR) if option == "pair" else getattr(self, f"option_{option}")()
            if self.chance(0.15) and part[0] != "-L":
                part[0] = "-" + part[0]
            words += part
        arguments = "".join(f"<qemu:arg value={quoteattr(word)}/>" for word in words)
        return f"<qemu:commandline>{arguments}</qemu:commandline>" if words else ""

    # --- overrides, records, and the whole ---

    def override(self):
        self.needs_rng = True
        lines = []
        if self.chance(0.6):
            lines += [("driver", "string", f"{self.model}-x86_64-cpu")]
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
        return f"<qemu:override><qemu:device alias='rng0'><qemu:frontend>{text}</qemu:frontend></qemu:device></qemu:override>"

    def record_entry(self):
        states = POLICIES + ["absent", "unset"]
        kind = self.pick("feature", "feature", "force-pair", "removed-arg")
        if kind == "feature":
            text = f"name={self.pick('xsaves', 'xsaves', 'xsavec', 'svm')!r} set={self.pick(*states)!r} was={self.pick(*states)!r}"
            text += self.pick("", "", " cpu='empty'")
        elif kind == "force-pair":
            text = "was='absent'" + self.pick("", " commandline='created'", " commandline='empty'")
        else:
            text = f"half={self.pick('option', 'value')!r} at='{self.pick(0, 0, 1, 2, 9)}' gap='0' before=''"
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
        cpu = self.cpu()
        arguments = self.arguments() if self.chance(0.7) else ""
        override = self.override() if self.chance(0.1) else ""
        arch = self.weighted({"x86_64": 20, "i686": 1})
        vcpus = self.pick("<vcpu>1</vcpu>", "<vcpu>2</vcpu>", "<vcpu current='1'>2</vcpu>") if "topology" not in cpu else ""
        if override:
            vcpus = "<vcpu current='1'>2</vcpu>"
        capability = self.pick("device.json+hotplug", "canonical-cpu-features", "query-cpu-model-expansion")
        capabilities = f"<qemu:capabilities><qemu:del capability={capability!r}/></qemu:capabilities>" * self.chance(0.05)
        xml = f"""<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>oracle</name>
  <uuid>5f2c4f1e-3f0b-4c0a-9d53-7a3f0d1e1386</uuid>
  {self.record() if self.chance(0.25) else ""}
  <memory unit='MiB'>16</memory>
  {vcpus or "<vcpu current='1'>2</vcpu>"}
  <os><type arch='{arch}' machine='{self.pick(*MACHINES)}'>hvm</type></os>
  <features><acpi/></features>
  {cpu}
  <devices>
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
