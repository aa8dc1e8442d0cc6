#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A hook as others write them, to compare with: it reads the domain, and refuses XSAVES where a file does not name the guest."""

import sys
from xml.dom import minidom


def main():
    guest, operation, sub_operation = sys.argv[1:4]
    if (operation, sub_operation) != ("prepare", "begin"):
        return 0
    domain = minidom.parse(sys.stdin)
    for feature in domain.getElementsByTagName("feature"):
        if feature.getAttribute("name") == "xsaves" and feature.getAttribute("policy") in ("require", "force"):
            with open("/etc/xsaves-guests", encoding="utf-8") as allowed:
                return 0 if guest in allowed.read().split() else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
