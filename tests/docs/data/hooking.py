# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands for VDSM's module of that name: what a hook calls of it, and what it does then."""

import os
import sys
from xml.dom import minidom


def read_domxml():
    return minidom.parse(os.environ["_hook_domxml"])


def write_domxml(domxml):
    with open(os.environ["_hook_domxml"], "wb") as file:
        file.write(domxml.toxml(encoding="utf-8"))


def log(message):
    print(message, file=sys.stderr)


def exit_hook(message, return_code=2):
    log(message)
    sys.exit(return_code)
