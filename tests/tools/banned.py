#!/usr/bin/env python3
"""Fails when a source outside the listed files asks the machine for time, randomness or its environment, sleeps, or uses what
is banned; when a file is too long to hold one concept; when a folder of sources, of tests as well, has no README of its own; or
when two that start nodes have the same ports.

usage: banned.py SOURCE_DIR
"""
import pathlib
import re
import sys

BANNED = {
    r"system_clock::now": {"connector/base/time.cpp"},
    r"\brandom_device\b": set(),
    r"\bsleep_for\b|\bsleep_until\b|\busleep\(": set(),
    r"(?<![\w.>])(?:std::)?time\((?:nullptr|NULL|0|&)|\bclock_gettime\b|\bgettimeofday\b": set(),
    r"(?<![\w.>:])s?rand\(": set(),
    r"\bgetenv\b": set(),
    r"std::regex": set(),
    r"boost::json::parse\(": set(),
    r"\bFIXME\b|\bTODO\b|\bXXX\b": set(),
    r"\bsystem\(|\bpopen\(": set(),
}
LINES = 600
SOURCES = {".cpp", ".hpp", ".py", ".proto"}
# Their rooms are described by one page: a folder for each module of the house, the package that the build demands.
ROOMS = {"tests/unit", "tests/link", "proto"}


def without_readme(root, files):
    for folder in sorted({f.parent for f in files if f.suffix in SOURCES}):
        name = folder.relative_to(root).as_posix()
        page = next((room for room in ROOMS if name.startswith(room + "/")), name)
        if not (root / page / "README.md").exists():
            yield f"{name}: no README.md"


def shared_ports(root, files):
    """Tests run beside each other, and beside a demo that stays up."""
    taken = {}
    for file in files:
        if file.suffix == ".py":
            for port in re.findall(r"base_port=(\d+)", file.read_text()):
                taken.setdefault(port, set()).add(file.relative_to(root).as_posix())
    for port, names in sorted(taken.items()):
        if len(names) > 1:
            yield f"{', '.join(sorted(names))}: base port {port} in each"


def files_of(root):
    """All but what is built."""
    for top in sorted(root.iterdir()):
        if top.is_dir() and top.name != "build" and not top.name.startswith("."):
            yield from sorted(f for f in top.rglob("*") if f.is_file() and "__pycache__" not in f.parts)


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
    files = list(files_of(root))
    yield from without_readme(root, files)
    yield from shared_ports(root, files)


found = list(complaints(pathlib.Path(sys.argv[1])))
print("\n".join(found))
sys.exit(1 if found else 0)
