"""Reads files with the Rust library of safetensors.

    differential.py IN OUT

IN contains the files, each after its length in 4 bytes. Writes a line of JSON for each to OUT: its tensors, or the
error.
"""

import json
import sys

import safetensors

with open(sys.argv[1], "rb") as file:
    blob = file.read()
at, lines = 0, []
while at < len(blob):
    end = at + 4 + int.from_bytes(blob[at : at + 4], "little")
    try:
        tensors = safetensors.deserialize(blob[at + 4 : end])
        lines.append(json.dumps([[name, t["dtype"], t["shape"], bytes(t["data"]).hex()] for name, t in tensors]))
    except (safetensors.SafetensorError, UnicodeDecodeError) as error:
        lines.append(json.dumps(str(error)))
    at = end
with open(sys.argv[2], "w", encoding="utf-8") as file:
    file.write("\n".join(lines))
