#!/usr/bin/env python3
"""Fails when a source outside the listed files asks the machine for time, randomness or its environment, sleeps, or uses what
is banned; when a file is too long to hold one concept; or when a folder of sources has no README.

usage: banned.py SOURCE_DIR
"""
import pathlib
import re
import sys

BANNED = {
    r"system_clock::now": {"connector/base/time.cpp"},
    r"\brandom_device\b": set(),
    r"\bsleep_for\b|\bsleep_until\b|\busleep\(": set(),
    r"\bgetenv\b": set(),
    r"std::regex": set(),
    r"boost::json::parse\(": set(),
    r"\bFIXME\b|\bTODO\b|\bXXX\b": set(),
    r"\bsystem\(|\bpopen\(": set(),
}
LINES = 600


def complaints(root):
    for top in ("connector", "policy", "catalog", "certs"):
        for path in sorted((root / top).rglob("*.[ch]pp")):
            name = path.relative_to(root).as_posix()
            text = path.read_text()
            for pattern, allowed in BANNED.items():
                if name in allowed:
                    continue
                for number, line in enumerate(text.splitlines(), 1):
                    if re.search(pattern, line):
                        yield f"{name}:{number}: `{pattern}` is banned here"
            if text.count("\n") > LINES:
                yield f"{name}: more than {LINES} lines"
        for folder in sorted({p.parent for p in (root / top).rglob("*.cpp")}):
            if not any((f / "README.md").exists() for f in (folder, folder.parent)):
                yield f"{folder.relative_to(root)}: no README.md"


found = list(complaints(pathlib.Path(sys.argv[1])))
print("\n".join(found))
sys.exit(1 if found else 0)
