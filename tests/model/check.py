#!/usr/bin/env python3
"""Searches the model of the append path for states that must not be, for each known bug that it must find, and replays traces of the
real program. One line for each property, each thing that is to happen, each bug and each trace; ends with 0 where all is as it must be.

usage: check.py [BINARY]    without BINARY, sluis_fault_append, no traces. SLUIS_SOAK: larger bounds, for a minute and 2.3 GB more
"""
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import trace
from trace import event

HERE = pathlib.Path(__file__).resolve().parent
TEXT = "".join((HERE / name).read_text() for name in ("state.pml", "node.pml", "surroundings.pml", "append.pml"))
PROPERTIES = {int(number): what for number, what in re.findall(r'\bmust\((\d+), "([^"]+)"', TEXT)}
HAPPENINGS = [what for _, what in sorted((int(number), what) for number, what in re.findall(r'\bhappens\((\d+), "([^"]+)"\)', TEXT))]

NAMES = ("BATCHES", "AHEAD", "KILLS", "POWERS", "FAILURES", "TRAPS", "RESTORES", "ORIGINS", "WITNESS")
SEARCHES = {
    "the disk": (5, 4, 2, 2, 2, 1, 0, 0, 0),
    "more batches": (6, 4, 2, 1, 1, 1, 0, 0, 0),
    "a witness": (5, 4, 1, 1, 0, 1, 1, 1, 1),
    "a witness and a disk that fails": (4, 3, 1, 1, 1, 1, 1, 1, 1),
    "two restores": (4, 2, 1, 1, 0, 1, 2, 1, 1),
}
SOAK = {
    "the disk, more": (6, 4, 2, 2, 2, 1, 0, 0, 0),
    "a witness, more": (5, 3, 1, 1, 1, 1, 1, 1, 1),
    "two restores and a disk that fails": (4, 2, 1, 1, 1, 1, 2, 1, 1),
}
SMALL = (4, 2, 1, 1, 1, 1, 1, 1, 1)
NO_LOSS = (4, 2, 2, 2, 1, 0, 0, 0, 0)
# Which property each bug breaks, and in which bounds that is looked for.
BUGS = {
    "ACKNOWLEDGED_BEFORE_SLOT": (1, SMALL),
    "ALL_THAT_WAIT": (1, SMALL),
    "EMPTY_LOG_ASKS_NOBODY": (2, SMALL),
    "GIVEN_UP_IS_FORGOTTEN": (7, SMALL),
    "GOES_ON_AFTER_FAILURE": (4, NO_LOSS),
    "NOBODY_IS_ASKED_FIRST": (2, SMALL),
    "OLD_ORIGIN_GOES_ON": (2, SMALL),
    "ONE_SLOT": (4, NO_LOSS),
    "OTHER_SLOT_AFTER_FAILURE": (4, NO_LOSS),
    "PUBLISHED_BEFORE_SLOT": (2, SMALL),
    "SIGNED_BEFORE_SYNC": (4, NO_LOSS),
    "SLOT_IS_READ_FROM_CACHE": (4, NO_LOSS),
    "STORE_IS_NOT_SETTLED": (4, NO_LOSS),
    "STORE_IS_TRUSTED": (1, SMALL),
    "SUCCESSOR_IS_FORGOTTEN": (6, SMALL),
    "WITNESS_ANSWERS_FIRST": (3, SMALL),
}
# Bugs that the program still has: its traces are replayed with them, and one must be none without. Empty it when they are mended.
HAS_STILL = ()

failures = []


def say(good, line):
    print(("" if good else "FAILED ") + line, flush=True)
    if not good:
        failures.append(line)


@dataclasses.dataclass
class Model:
    """A search program in a folder of its own."""
    folder: str

    def build(self, source, defines, optimise):
        subprocess.run(["spin", "-a", *(f"-D{one}" for one in defines), HERE / source], cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        # States are kept whole: what is searched to the end is searched without gaps.
        subprocess.run(["gcc", optimise, "-w", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-DMEMLIM=4000", "-o", "pan", "pan.c"],
                       cwd=self.folder, check=True)
        return self

    def search(self, *options, **environment):
        run = subprocess.run(["./pan", "-n", *options], cwd=self.folder, capture_output=True, text=True, env={**os.environ, **environment})
        return run.stdout + run.stderr


def bounds(values):
    return [f"{name}={value}" for name, value in zip(NAMES, values)]


def said(output, what):
    return re.findall(rf"^{what}: (.+)$", output, re.M)


def search_all(model):
    violated, reached, whole = set(), set(), True
    for name, values in (SEARCHES | (SOAK if os.environ.get("SLUIS_SOAK") else {})).items():
        output = model.build("append.pml", bounds(values), "-O2").search("-m100000", "-w24")
        violated |= set(said(output, "violated"))
        reached |= set(said(output, "reached"))
        end = "errors: 0" in output and not re.search(r"not completed|too small|out of memory", output)
        whole = whole and end
        figure = {key: (re.search(pattern, output) or ["", "?"])[1] for key, pattern in (
            ("states", r"(\d+) states, stored"), ("depth", r"depth reached (\d+)"), ("mb", r"([\d.]+)\s+total actual memory"),
            ("seconds", r"elapsed time ([\d.]+)"))}
        say(end, f"search: {name}: {'exhaustive' if end else 'NOT to its end'}, {figure['states']} states, depth {figure['depth']}, "
                 f"{figure['seconds']} s, {figure['mb']} MB ({' '.join(bounds(values))})")
        if not end:
            print(output)
    for what in PROPERTIES.values():
        say(whole and what not in violated, f"property: {what}")
    for what in HAPPENINGS:
        say(what in reached, f"happens: {what}")


def find_bugs(model):
    known = set(re.findall(r"\bBUG_([A-Z_]+)\b", TEXT))
    say(known == set(BUGS), "bugs: each that the model knows is looked for")
    for bug, (number, values) in BUGS.items():
        defines = [*bounds(values), f"BUG_{bug}", f"ONLY={number}"]
        output = model.build("append.pml", defines, "-O0").search("-m100000", "-w20")
        say(said(output, "violated") == [PROPERTIES[number]], f"bug: {bug}: found: not so: {PROPERTIES[number]}")


def replay(model, events):
    """None: the model allows it. Else the first event that it does not."""
    file = pathlib.Path(model.folder, "events")
    file.write_text("".join(one.line() for one in events))
    output = model.search("-m1000000", "-w20", SLUIS_TRACE=str(file))
    if re.search("^accepted$", output, re.M):
        return None
    if broken := said(output, "violated"):
        return f"it breaks: {broken[0]}"
    at = int(re.search(r"^stopped before event (\d+)", output, re.M)[1])
    return f"event {at + 1} of {len(events)}: {events[at]}, after {', '.join(str(one) for one in events[max(0, at - 3) : at])}"


def index(events, kind, start=0):
    return next(i for i in range(start, len(events)) if events[i].kind == kind)


def with_slot(events, at, which, count, size):
    """The slot's write at `at`, and the sync behind it, otherwise."""
    events[at] = event("SLOT_WRITTEN", which, count, size)
    events[index(events, "SLOT_SYNCED", at)] = event("SLOT_SYNCED", which)


def doctored(traces):
    """Traces that were made wrong in one place each."""
    busy = traces["8 callers, killed twice"]
    calm = traces["1 caller, killed twice"]
    written = index(busy, "SLOT_WRITTEN", index(busy, "SLOT_WRITTEN", len(busy) // 6) + 1)
    before = max(one.values[2] for one in busy[:written] if one.kind == "SLOT_WRITTEN")
    which, count, size = busy[written].values
    synced = index(busy, "SLOT_SYNCED", written)

    events = list(busy)
    answer = next(i for i in range(synced, len(busy)) if busy[i].kind == "ANSWERED" and before <= busy[i].values[0] < size)
    events.insert(synced, events.pop(answer))
    yield "an answer before its slot is synced", events

    events = list(busy)
    with_slot(events, written, 1 - which, count, size)
    yield "one slot twice in turn", events

    events = list(busy)
    with_slot(events, written, which, count, before - 1)
    yield "a smaller size in a slot", events

    events = list(busy)
    del events[synced]
    yield "a slot that is not synced", events

    events = list(calm)
    at = index(events, "STORE_SYNCED", 20)
    events[at], events[at + 1] = events[at + 1], events[at]
    yield "a checkpoint before its batch is synced", events

    events = list(calm)
    at = index(events, "SIZE")
    events[at] = event("SIZE", max(one.values[0] for one in events[:at] if one.kind == "ANSWERED"))
    yield "an answered entry that is gone after the kill", events

    events = list(traces["killed in a batch's sync"])
    del events[index(events, "STORE_SETTLED")]
    yield "a recovered batch that is signed and not settled", events

    events = list(traces["EIO from a batch's sync"])
    at = index(events, "STORE_FAILED") + 1
    del events[at : index(events, "STORE_WRITTEN", at)]
    yield "going on after a failed sync", events

    events = list(traces["EIO from a slot's sync"])
    at = index(events, "SLOT_WRITTEN", index(events, "SLOT_FAILED"))
    which, count, size = events[at].values
    with_slot(events, at, 1 - which, count + 1, size)
    yield "the other slot after one that failed", events

    events = list(traces["EIO from a slot's sync"])
    at = index(events, "PUBLISHED", 20)
    events[at] = event("PUBLISHED", events[at].values[0] + 1)
    yield "a checkpoint that was published and not kept", events


def by_what_was_met(traces):
    """The n-th call of a kind is of a batch or of a slot by turns: named by what it was, as the doctored ones need it."""
    for name, events in list(traces.items()):
        kinds = [one.kind for one in events]
        if name.startswith("killed at fdatasync"):
            batch = kinds[kinds.index("KILLED") - 1] == "STORE_WRITTEN"
            traces[f"killed in a {'batch' if batch else 'slot'}'s sync"] = events
        if name.startswith("EIO from fdatasync"):
            traces[f"EIO from a {'batch' if 'STORE_FAILED' in kinds else 'slot'}'s sync"] = events


def replay_all(model, strict, binary):
    traces = {}
    more = [f"BUG_{bug}" for bug in HAS_STILL]
    model.build("replay.pml", more, "-O1")
    strict.build("replay.pml", [], "-O1")
    none = []
    for name, events in trace.scenarios(binary):
        traces[name] = events
        wrong = replay(model, events)
        say(wrong is None, f"trace: {name}: {len(events)} events" + (f": {wrong}" if wrong else ""))
        if wrong is None and HAS_STILL and (otherwise := replay(strict, events)):
            none.append(f"{name}: {otherwise}")
    if HAS_STILL:
        say(bool(none), f"trace: {len(none)} of these only because of {', '.join(HAS_STILL)}: {none[0] if none else 'it is mended: empty HAS_STILL'}")
    by_what_was_met(traces)
    for name, events in doctored(traces):
        wrong = replay(model, events)
        say(wrong is not None, f"made wrong: {name}: {wrong or 'not noticed'}")


def missing():
    for tool in ("spin", "gcc", "strace"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    if subprocess.run(["strace", "-o", os.devnull, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        return "nothing can be traced here"
    return None


def main():
    if why := missing():
        print(f"skipped: {why}")
        return 77
    with tempfile.TemporaryDirectory(prefix="sluis-model-") as folder, tempfile.TemporaryDirectory(prefix="sluis-model-") as other:
        model = Model(folder)
        search_all(model)
        find_bugs(model)
        if len(sys.argv) > 1:
            replay_all(model, Model(other), str(pathlib.Path(sys.argv[1]).resolve()))
    print(f"{len(failures)} failed" if failures else "all is as it must be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
