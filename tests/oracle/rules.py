# SPDX-License-Identifier: LGPL-2.1-or-later
"""The rules: what the core says of a definition, against what QEMU gave its vCPUs. oracle.py lists them."""

import xml.etree.ElementTree as ET

import generate
import machine

KINDS = ("escape", "needless", "forced", "withheld", "fms", "stuck", "untaken")
# KVM offers these two in any case; TCG, which stands for it, never does.
NOT_FORCED = {"xsaves", "tsc-deadline", "topoext"}
# The host that the facts of oracle.py describe.
HOST = {"vendor": "AuthenticAMD", "family": 23, "model": 49}


def owners_arguments(xml):
    """Has it arguments but for the pair that xsavesd itself adds; and some whose effect on the CPU nobody can read from them?"""
    domain = ET.fromstring(xml)
    words = [element.get("value") for element in domain.iter(machine.QEMU + "arg")]
    changes = [element.get("value") for element in domain.iter(machine.QEMU + "property") if element.get("name") == "driver"]
    devices = [value for option, value in zip(words, words[1:]) if option.lstrip("-") == "device"]
    opaque = {"readconfig", "set"} & {word.lstrip("-") for word in words}
    opaque = opaque or any("cpu" in text or "\\" in text for text in devices + changes)
    return bool(" ".join(words).replace(" ".join(generate.PAIR), "").strip() or changes), bool(opaque)


def is_chosen_by_libvirt(cpu):
    """Which model that is, and what it has, only libvirt knows."""
    return is_chosen(cpu) and (cpu.get("mode") == "host-model" or cpu.get("match") == "minimum")


def may_resume_memory(cpu):
    """libvirt writes check='full' into what ran with a model: the gate takes such a start for a snapshot's."""
    return is_chosen(cpu) and cpu.get("mode", "custom") == "custom" and cpu.get("check") == "full"


def compare_feature(feature, host, answer, vcpus, opaque, resumes):
    """escape and needless. `answer` is for a policy that denies XSAVES; `resumes`: perhaps what had XSAVES elsewhere."""
    has = any(vcpu[feature] for vcpu in vcpus)
    sees = answer.get(f"sees-{feature}", has)
    refused = not answer["accept"] if feature == "xsaves" and (has or not resumes) else sees
    if has and not (sees and refused):
        yield f"escape: {feature}, {host}"
    if not has and (sees or refused) and not (answer["unreadable"] and opaque):
        yield f"needless: {feature}, {host}"


def compare_grant(host, answer, vcpus, cpu, owned):
    if not answer["accept"] or answer["verdict"] != "grant":
        return
    if answer["means"] == "forced" and {name for vcpu in vcpus for name in vcpu["unavailable-features"]} - NOT_FORCED:
        yield f"forced: {host}"
    if is_chosen(cpu) and not owned and not may_resume_memory(cpu) and not all(vcpu["xsaves"] for vcpu in vcpus):
        yield f"withheld: {host}"


def is_chosen(cpu):
    return cpu is not None and (cpu.get("mode", "custom") != "custom" or cpu.findtext("model"))


def accurate(domain, own):
    """Vendor, family and model that its CPU has to show; None where TCG cannot tell. `own`: what TCG's own CPU shows."""
    cpu = domain.find("cpu")
    if domain.find("os/type").get("arch") == "i686":
        return None
    mode = cpu.get("mode", "custom") if is_chosen(cpu) else None
    if mode == "custom" and cpu.get("match") != "minimum":
        return HOST
    return own if mode in ("host-passthrough", "maximum") else None


def compare_rewritten(rewrites, answers, guests, owned):
    """A definition that came from rewrite_xml() itself. What its owner's arguments do is the owner's."""
    host, rule = rewrites[-1]
    if owned:
        return
    if not answers[host, rule]["accept"]:
        yield f"stuck: {host}, {rule}"
    if rule == "hide" and any(vcpu["xsavec"] for vcpu in guests.get(host, [])):
        yield f"stuck: {host}, xsavec is not hidden"


def compare(case, xml, answers, guests, own):
    """The kinds of differences. `guests`: what the vCPUs have, by host; without those that do not start."""
    domain = ET.fromstring(xml)
    cpu, expected = domain.find("cpu"), accurate(domain, own)
    owned, opaque = owners_arguments(xml)
    opaque = opaque or is_chosen_by_libvirt(cpu)
    if any("untaken" in answer for answer in answers.values()):
        yield from ["untaken"] * bool(guests)
        return
    for host, vcpus in guests.items():
        for feature in ("xsaves", "xsavec"):
            yield from compare_feature(feature, host, answers[host, "deny"], vcpus, opaque, may_resume_memory(cpu))
        yield from compare_grant(host, answers[host, "allow"], vcpus, cpu, owned)
        aware = answers[host, "aware"]
        if aware["accept"] and aware["verdict"] == "grant" and expected:
            if any(vcpu[name] != expected[name] for vcpu in vcpus for name in HOST):
                yield f"fms: {host}"
    if case.rewrites:
        yield from compare_rewritten(case.rewrites, answers, guests, owned)
