#!/usr/bin/env python3
"""What other engines need for decisions that ours makes too: OPA as a Go library and Cedar as a crate, on the same agreements of 50
constraints, the same purposes and the same requests as `decide`, translated one by one. Every decision is compared with ours first;
each engine runs three times, in turn. Ours is timed in blocks of 64, as a clock is too slow for one; theirs one by one. Without Go or
Cargo that engine is left out. One JSON object a line.

usage: decide_peers.py BIN_DIR SOURCE_DIR
"""
import datetime
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

BIN, SOURCE = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
AGREEMENTS, ROUNDS, RUNS = 300, 40, 3
PURPOSES, PEERS, BUILT = SOURCE / "policy/purpose/dpv-purposes.tsv", SOURCE / "tests/bench/peers", SOURCE / "build/peers"
ATTRIBUTE = {"classOfRecipient": "class", "recipient": "recipient", "sluis:legalBasis": "basis", "fileFormat": "format", "spatial": "place"}


def seconds(time):
    return int(datetime.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp())


def days(duration):
    return int(re.fullmatch(r"P(\d+)D", duration)[1]) * 86400


class Translator:
    """What both languages write alike but for the name of what is asked."""

    def time(self, operator, at):
        return f"{self.asked}.now {operator} {at}"

    def elapsed(self, most, agreed):
        return f"{self.asked}.now - {agreed} <= {most}"

    def not_equal(self, name, value):
        return f"{self.asked}.{name} != {json.dumps(value)}"

    def equal(self, name, value):
        return f"{self.asked}.{name} == {json.dumps(value)}"


class Rego(Translator):
    """A module for each agreement."""

    asked = "input"

    def __init__(self):
        self.helpers = []

    @staticmethod
    def listed(values):
        return "{" + ", ".join(json.dumps(one) for one in values) + "}"

    def purpose(self, values, prohibition):
        """Related to one of them for a prohibition; else one of them or below."""
        table = "related" if prohibition else "broader"
        if len(values) == 1:
            return f"data.{table}[input.purpose][{json.dumps(values[0])}]"
        return self.any([f"data.{table}[input.purpose][{json.dumps(one)}]" for one in values])

    def one_of(self, name, values):
        return f"input.{name} in {self.listed(values)}"

    def any(self, parts):
        name = f"any{len(self.helpers)}"
        self.helpers.append("\n".join(f"{name} if {part}" for part in parts))
        return name

    def module(self, number, agreement, rules):
        self.helpers = []
        lines = [f"package agreement{number}", "default allow := false", "allow if { permitted; not prohibited }"]
        for prohibition, conditions in rules(self):
            head = "prohibited" if prohibition else "permitted"
            subject = [self.equal("recipient", agreement["assignee"]), self.equal("target", agreement["target"])]
            lines.append(f"{head} if {{\n  " + "\n  ".join(subject + conditions) + "\n}")
        return "\n".join(lines + self.helpers)


class Cedar(Translator):
    """Policies for each agreement."""

    asked = "context"

    def purpose(self, values, prohibition):
        below = [f"context.purpose in Purpose::{json.dumps(one)}" for one in values]
        above = [f"Purpose::{json.dumps(one)} in context.purpose" for one in values] if prohibition else []
        return "(" + " || ".join(below + above) + ")"

    def one_of(self, name, values):
        return f"[{', '.join(json.dumps(one) for one in values)}].contains(context.{name})"

    def any(self, parts):
        return "(" + " || ".join(parts) + ")"

    def module(self, _number, agreement, rules):
        return "\n".join(
            f"{'forbid' if prohibition else 'permit'} (principal == Party::{json.dumps(agreement['assignee'])}, action == Action::\"use\", "
            f"resource == Dataset::{json.dumps(agreement['target'])}) when {{ {' && '.join(conditions)} }};"
            for prohibition, conditions in rules(self))


def condition(out, constraint, prohibition, agreed):
    if "or" in constraint:
        return out.any([condition(out, one, prohibition, agreed) for one in constraint["or"]])
    left, operator, right = constraint["leftOperand"], constraint["operator"], constraint["rightOperand"]
    if left == "purpose":
        if prohibition != (operator == "isAnyOf") or operator not in ("isA", "isAnyOf"):
            raise SystemExit(f"not translated: {constraint}")
        return out.purpose(right if isinstance(right, list) else [right], prohibition)
    if left == "dateTime":
        return out.time({"gteq": ">=", "lt": "<"}[operator], seconds(right))
    if left == "elapsedTime" and operator == "lteq":
        return out.elapsed(days(right), agreed)
    how = {"isAnyOf": out.one_of, "neq": out.not_equal, "eq": out.equal}[operator]
    return how(ATTRIBUTE[left], right)


def translate(out, agreements):
    def of(agreement):
        def rules(to):
            for kind in ("prohibition", "permission"):
                for rule in agreement[kind]:
                    prohibition = kind == "prohibition"
                    yield prohibition, [condition(to, one, prohibition, seconds(agreement["timestamp"])) for one in rule["constraint"]]
        return rules
    return [out.module(number, agreement, of(agreement)) for number, agreement in enumerate(agreements)]


def broader(purposes):
    parents = {one["iri"]: one["parents"] for one in purposes}

    def above(iri):
        return {iri}.union(*(above(parent) for parent in parents[iri]))
    return {iri: above(iri) for iri in parents}


def for_opa(asked):
    up = broader(asked["purposes"])
    related = {iri: set(over) for iri, over in up.items()}
    for iri, over in up.items():
        for one in over:
            related[one].add(iri)
    table = lambda sets: {iri: {one: True for one in sorted(of)} for iri, of in sets.items()}  # noqa: E731
    requests = [{"agreement": one["agreement"], "input": {**{key: one[key] for key in ("purpose", "recipient", "class", "target", "basis", "format", "place")},
                                                          "now": seconds(one["now"])}} for one in asked["requests"]]
    return {"data": {"broader": table(up), "related": table(related)}, "modules": translate(Rego(), asked["agreements"]), "requests": requests}


def for_cedar(asked):
    entities = [{"uid": {"type": "Purpose", "id": one["iri"]}, "attrs": {}, "parents": [{"type": "Purpose", "id": parent} for parent in one["parents"]]}
                for one in asked["purposes"]]
    requests = [{"agreement": one["agreement"], "principal": one["recipient"], "resource": one["target"],
                 "context": {**{key: one[key] for key in ("recipient", "class", "basis", "format", "place")}, "now": seconds(one["now"]),
                             "purpose": {"__entity": {"type": "Purpose", "id": one["purpose"]}}}} for one in asked["requests"]]
    return {"entities": entities, "policies": translate(Cedar(), asked["agreements"]), "requests": requests}


def build(name, tool, commands):
    """The peer's program, or none."""
    if not shutil.which(tool):
        return None
    folder = BUILT / f"decide-{name}"
    shutil.copytree(PEERS / name, folder, dirs_exist_ok=True)
    for command in commands:
        if subprocess.run(command, cwd=folder, stdout=sys.stderr).returncode != 0:
            return None
    return folder


def ours(folder):
    done = subprocess.run([BIN / "sluis_bench_decide", PURPOSES, str(AGREEMENTS), folder / "asked.json"], capture_output=True, text=True, check=True)
    told = {one["name"]: one["value"] for one in map(json.loads, done.stdout.splitlines())}
    return told["decide.some agreements, p50"], told["decide.some agreements, p99"]


def peer(program, file, rounds, expected):
    told = json.loads(subprocess.run([program, file], capture_output=True, text=True, check=True).stdout)
    wrong = [i for i, (got, wanted) in enumerate(zip(told["permits"], expected, strict=True)) if got != wanted]
    if wrong:
        raise SystemExit(f"{program}: other decisions than ours, the first on request {wrong[0]}")
    took = sorted(told["ns"])
    return took[len(took) // 2], took[len(took) * 99 // 100]


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ours(folder)
        asked = json.loads((folder / "asked.json").read_text())
        expected = [one["permit"] for one in asked["requests"]]
        programs = {"sluis": lambda: ours(folder)}
        opa = build("opa", "go", (["go", "mod", "tidy"], ["go", "build", "-o", "decide", "."]))
        if opa:
            (folder / "opa.json").write_text(json.dumps({**for_opa(asked), "rounds": ROUNDS}))
            programs["OPA 1.22.3"] = lambda: peer(opa / "decide", folder / "opa.json", ROUNDS, expected)
        cedar = build("cedar", "cargo", (["cargo", "build", "--release", "--quiet"],))
        if cedar:
            for key, together, rounds in (("cedar", False, ROUNDS), ("together", True, 3)):
                (folder / f"{key}.json").write_text(json.dumps({**for_cedar(asked), "rounds": rounds, "together": together}))
            built = cedar / "target/release/decide"
            programs["Cedar 4.14.0"] = lambda: peer(built, folder / "cedar.json", ROUNDS, expected)
            programs[f"Cedar 4.14.0, all {AGREEMENTS} agreements in one set"] = lambda: peer(built, folder / "together.json", 3, expected)
        measured = {key: [] for key in programs}
        for _ in range(RUNS):  # in turn: the machine's mood is shared
            for key, run in programs.items():
                measured[key].append(run())
        for key, runs in measured.items():
            for at, which in enumerate(("p50", "p99")):
                own = [run[at] for run in measured["sluis"]]
                print(json.dumps({"name": f"decide.{AGREEMENTS} agreements, {key}, {which}", "value": round(statistics.median(run[at] for run in runs), 1), "unit": "ns",
                                  "against": f"sluis: {statistics.median(own):.1f}",
                                  "ratio": round(statistics.median(run[at] / one for run, one in zip(runs, own)), 1)}), flush=True)


main()
