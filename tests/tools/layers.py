#!/usr/bin/env python3
"""Fails when an include points up: a folder may include only what stands before it in the list, and what it may know.

usage: layers.py SOURCE_DIR
"""
import pathlib
import re
import sys

# The house, from the lowest floor up. Within a floor a folder may use only those named before it.
ORDER = [
    "connector/base", "connector/json", "connector/crypto", "connector/http", "connector/storage", "certs",
    "policy", "catalog", "connector/identity", "connector/provenance", "connector/outbox", "connector/commit",
    "connector/declaration", "connector/negotiation", "connector/transfer", "connector/gate", "connector/intake", "connector/records", "connector/dsp", "connector/authzen",
    "connector/management", "connector/node", "tests", "conformance",
]
ONLY = {"policy": {"connector/base", "connector/json", "policy"}}
MAY_USE_HTTP_PORT_ONLY = {"connector/negotiation", "connector/transfer", "connector/gate", "connector/intake"}


def folder_of(path):
    return next((f for f in sorted(ORDER, key=len, reverse=True) if path == f or path.startswith(f + "/")), None)


def complaints(root):
    for path in sorted(root.rglob("*.[ch]pp")):
        name = path.relative_to(root).as_posix()
        if name.startswith("build/"):
            continue
        here = folder_of(name)
        if here is None:
            yield f"{name}: stands in no known folder"
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not found or "/" not in found[1]:
                continue
            there = folder_of(found[1])
            if there is None:
                generated = found[1].startswith("sluis/v1/")
                if found[1].endswith(".grpc.pb.h") and here not in {"connector/management", "connector/node", "tests"}:
                    yield f"{name}:{number}: gRPC is management's"
                if not generated or ORDER.index(here) < ORDER.index("connector/identity"):
                    yield f"{name}:{number}: `{found[1]}` stands in no known folder"
            elif ORDER.index(there) > ORDER.index(here):
                yield f"{name}:{number}: `{found[1]}` points up"
            elif here in ONLY and there not in ONLY[here]:
                yield f"{name}:{number}: {here} may not use {there}"
            elif here in MAY_USE_HTTP_PORT_ONLY and there == "connector/http" and found[1] != "connector/http/port.hpp":
                yield f"{name}:{number}: floor 4 knows http/port.hpp only"


found = list(complaints(pathlib.Path(sys.argv[1])))
print("\n".join(found))
sys.exit(1 if found else 0)
