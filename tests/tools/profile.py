#!/usr/bin/env python3
"""The profile's Turtle, made from its JSON-LD. usage: profile.py SOURCE_DIR [--write]

Without --write: fails where policy/odrl/profile.ttl is not what profile.jsonld says, or where the terms of the document
and those that the engine knows (policy/odrl/terms.cpp) differ.
"""
import json
import pathlib
import re
import sys


def literal(text):
    return json.dumps(text, ensure_ascii=False)


def turtle(document):
    context = document["@context"]
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in context.items() if isinstance(iri, str)]
    for node in document["@graph"]:
        name = node["@id"]
        parts = []
        for key, value in node.items():
            if key == "@id":
                continue
            values = value if isinstance(value, list) else [value]
            if key == "@type":
                parts.append("a " + ", ".join(values))
                continue
            term = context[key]
            if term.get("@type") == "@id":
                parts.append(term["@id"] + " " + ", ".join(values))
            else:
                language = "@" + term["@language"] if "@language" in term else ""
                parts.append(term["@id"] + " " + ", ".join(literal(one) + language for one in values))
        subject = name if name.startswith("sluis:") else f"<{name}>"
        lines.append("\n" + subject + " " + " ;\n  ".join(parts) + " .")
    return "\n".join(lines) + "\n"


def main():
    source = pathlib.Path(sys.argv[1]) / "policy" / "odrl"
    document = json.loads((source / "profile.jsonld").read_text(encoding="utf-8"))
    made = turtle(document)
    target = source / "profile.ttl"
    if "--write" in sys.argv:
        target.write_text(made, encoding="utf-8")
        return 0
    faults = []
    if not target.exists() or target.read_text(encoding="utf-8") != made:
        faults.append("policy/odrl/profile.ttl is not what profile.jsonld says: run profile.py . --write")
    described = {node["@id"].removeprefix("sluis:") for node in document["@graph"] if node["@id"].startswith("sluis:")}
    known = set(re.findall(r'\{Space::profile, "(\w+)"', (source / "terms.cpp").read_text(encoding="utf-8")))
    listed = {one.removeprefix("sluis:") for one in document["@graph"][0]["member"]}
    for what, one, other in (("described but not known", described, known), ("known but not described", known, described),
                             ("described but not a member", described, listed)):
        if one - other:
            faults.append(f"{what}: {', '.join(sorted(one - other))}")
    print("\n".join(faults) or f"{len(known)} terms of the profile")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
