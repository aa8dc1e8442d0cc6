# SPDX-License-Identifier: LGPL-2.1-or-later
"""schema.py SCHEMA FILE…: is each output of xsavesctl as the schema has it?

The text is as tests/cli/lib.sh keeps it: the command, the JSON, what was said on stderr, the exit status. That of the monitor
is a JSON object a line. Keys that the schema does not have are mistakes here: it has to tell all of them.
"""

import json
import os
import re
import sys

import jsonschema


def closed(node):
    """The same schema, for nothing but what it names."""
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: closed(value) for key, value in node.items()}
    if node.get("type") == "object":
        node["additionalProperties"] = False
    return node


with open(sys.argv[1], encoding="utf-8") as file:
    schema = closed(json.load(file))
jsonschema.Draft202012Validator.check_schema(schema)

def outputs(text):
    """The command, and what is JSON of the text."""
    said = re.sub(r"^(\$ .*|stderr: .*|xsavesctl: .*|exit status \d+)\n", "", text, flags=re.M)
    command = re.match(r"\$ xsavesctl (\w+)", text)
    if not command:
        return "monitor", [json.loads(line) for line in said.splitlines()]
    return command[1], [json.loads(said)] if said else []


bad = 0
for path in sys.argv[2:]:
    with open(path, encoding="utf-8") as file:
        verb, found = outputs(file.read())
    validator = jsonschema.Draft202012Validator({**schema, "$ref": f"#/$defs/{verb}"})
    for error in (error for output in found for error in validator.iter_errors(output)):
        bad += 1
        best = jsonschema.exceptions.best_match([error])
        print(f"{os.path.basename(path)}: {best.json_path}: {best.message[:300]}")
sys.exit(bad > 0)
