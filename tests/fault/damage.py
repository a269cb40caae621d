#!/usr/bin/env python3
"""Damages a log's files, one thing at a time: a bit, a cut tail, a missing, swapped, older or foreign file. After each, everything
that was acknowledged is there, or the log does not open, or it is quarantined, or a read names the damage. Never is anything gone or
altered without a word while the log signs on; never does the program crash, hang, or delete what a person could still recover from.
What is refused is started once more, as a service manager would. One thing only a witness can tell: an older store under slots as
old. It must.

usage: damage.py BINARY [BITS] [SEED]
BITS: in each file so many are turned, one at a time.
"""
import collections
import concurrent.futures
import dataclasses
import itertools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import typing

BINARY = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else sys.exit(__doc__)
BITS = int(sys.argv[2]) if len(sys.argv) > 2 else (150 if os.environ.get("SLUIS_SOAK") else 32)
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
LIMIT_S = 20  # nothing here may take as long
WORDS = ("store", "log", "key", "checkpoint", "entry")  # a refusal has one of them at least
KINDS = (  # of files, by how their names begin or end; the first that fits
    ("witness slot", "witness/"), ("slot", "slots/"), ("payload key", ".key"), ("table", ".sst"), ("write-ahead log", ".log"),
    ("MANIFEST", "store/MANIFEST"), ("CURRENT", "store/CURRENT"), ("OPTIONS", "store/OPTIONS"), ("IDENTITY", "store/IDENTITY"),
)
OUTCOMES = ("whole", "refused", "quarantined", "said on reading", "takes no more", "a witness tells", "FORBIDDEN")


@dataclasses.dataclass(frozen=True)
class Damage:
    what: str  # kind of file, and of damage
    where: str
    do: typing.Callable[[pathlib.Path], None]  # to a copy of the folder


@dataclasses.dataclass(frozen=True)
class Done:
    damage: Damage
    outcome: str
    why: str


def run(*arguments, known=""):
    """(how it ended, all it printed)."""
    try:
        done = subprocess.run([str(BINARY), *map(str, arguments)], input=known, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return None, "it does not end"
    return done.returncode, done.stdout + done.stderr


def appended(folder, threads, first, count):
    status, printed = run("append", folder, threads, first, count)
    if status != 0:
        sys.exit(f"append ends with {status}: {printed}")
    return printed


class Base:
    """A log of three runs, so that its entries lie in tables of two and in a write-ahead log; its state after two of them; another
    log of the same operator; a witness that saw all of the first; and what was acknowledged."""

    def __init__(self, scratch):
        self.log, self.old, self.other = (pathlib.Path(scratch, name) for name in ("log", "old", "other"))
        self.log.mkdir()
        self.other.mkdir()
        self.acknowledged = appended(self.log, 1, 0, 120) + appended(self.log, 8, 1000, 120)
        shutil.copytree(self.log, self.old)
        self.acknowledged += appended(self.log, 1, 2000, 120)
        for first in (5000, 6000, 7000):
            appended(self.other, 1, first, 120)
        status, self.cosigned = run("witness", self.log / "witness", 10)
        opened = pathlib.Path(scratch, "opened")  # opening moves what is in the write-ahead log
        shutil.copytree(self.log, opened)
        asked = run("ask", opened, self.log / "seen")
        if status != 0 or asked[0] != 0:
            sys.exit(f"the witness answers {self.cosigned} {asked}")
        self.cosigned = "".join(line + "\n" for line in self.cosigned.splitlines() if line.startswith("checkpoint "))

    def files(self):
        """(its kind, its name) of each file that matters; not the program's own diary and the lock."""
        for path in sorted(p for p in self.log.rglob("*") if p.is_file()):
            name = path.relative_to(self.log).as_posix()
            kind = next((kind for kind, mark in KINDS if name.startswith(mark) or name.endswith(mark)), None)
            if kind and "/conflicts/" not in name:
                yield kind, name


def turn_bit(name, position, bit):
    def do(folder):
        with (folder / name).open("r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ (1 << bit)]))
    return do


def cut_to(name, size):
    return lambda folder: os.truncate(folder / name, size)


def remove(name):
    return lambda folder: (folder / name).unlink()


def swap(one, other):
    def do(folder):
        first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
        (folder / one).write_bytes(second)
        (folder / other).write_bytes(first)
    return do


def put(source, *names):
    """Files or folders of another place in place of these."""
    def do(folder):
        for name in names:
            if (folder / name).is_dir():
                shutil.rmtree(folder / name)
                shutil.copytree(source / name, folder / name)
            else:
                shutil.copyfile(source / name, folder / name)
    return do


def positions(size, dice):
    """Half of them anywhere, the others where a file's structure is: its first bytes and its last."""
    count = min(BITS, size)
    ends = sorted({*range(min(size, 512)), *range(max(0, size - 128), size)})
    chosen = set(dice.sample(ends, min(count // 2, len(ends))))
    while len(chosen) < count:
        chosen.add(dice.randrange(size))
    return sorted(chosen)


def damages(base, dice):
    files = list(base.files())
    for kind, name in files:
        size = (base.log / name).stat().st_size
        for position in positions(size, dice):
            bit = dice.randrange(8)
            yield Damage(f"{kind}: a bit", f"{name} byte {position} bit {bit}", turn_bit(name, position, bit))
        for left in sorted({size - 1, size // 2, 0, *dice.sample(range(max(size, 1)), min(size, BITS // 4))} & set(range(size))):
            yield Damage(f"{kind}: cut", f"{name} to {left} bytes of {size}", cut_to(name, left))
        yield Damage(f"{kind}: missing", name, remove(name))
        if (base.other / name).is_file():
            yield Damage(f"{kind}: another log's", name, put(base.other, name))
        if (base.old / name).is_file() and (base.old / name).read_bytes() != (base.log / name).read_bytes():
            yield Damage(f"{kind}: older", name, put(base.old, name))
    for (kind, one), (same, other) in itertools.combinations(files, 2):
        if kind == same:
            yield Damage(f"{kind}: two swapped", f"{one} and {other}", swap(one, other))
    slots = [name for kind, name in files if kind == "slot"]
    yield Damage("slot: both another log's", "slots", put(base.other, *slots))
    yield Damage("slot: both older", "slots", put(base.old, *slots))
    yield Damage("slot: both missing", "slots", lambda folder: [(folder / name).unlink() for name in slots])
    yield Damage("the store: older", "store", put(base.old, "store"))
    yield Damage("the store: another log's", "store", put(base.other, "store"))
    yield Damage("the store: missing", "store", lambda folder: shutil.rmtree(folder / "store"))
    yield Damage("store and slots: older", "store, slots", put(base.old, "store", *slots))


def says(printed, what):
    """The rest of the first line that begins so, of what the check printed."""
    return next((line.removeprefix(what) for line in printed.splitlines() if line.startswith(what)), "")


def slots_of(folder):
    """What was ever signed; a slot of zeros is none."""
    slots = {path: path.read_bytes() for path in folder.glob("slots*/**/*") if path.is_file()}
    return {path: slot for path, slot in slots.items() if slot.strip(b"\0")}


def judged(folder, known):
    """(outcome, why), of one start."""
    before = slots_of(folder)
    status, printed = run("check", folder, "grow", known=known)
    if status == 0:
        return "whole", ""
    if status is None or status != 1:
        return "FORBIDDEN", f"ends with {status}: {printed.strip()[-300:]}"
    if why := says(printed, "refused: "):
        return ("refused", why) if any(word in why for word in WORDS) else ("FORBIDDEN", f"a refusal that says nothing: {why}")
    signs = "signs: yes" in printed
    if why := says(printed, "quarantined: "):
        if signs or slots_of(folder) != before:
            return "FORBIDDEN", f"it signs though it is quarantined: {why}"
        return "quarantined", why
    if why := says(printed, "acknowledged and gone: "):
        return "FORBIDDEN", f"gone, and it {'signs on' if signs else 'says nothing'}: {why}"
    if not signs:
        return "takes no more", says(printed, "signs: no: ")
    return ("said on reading", why) if (why := says(printed, "unreadable: ")) else ("FORBIDDEN", printed)


def judged_witness(folder, cosigned):
    status, printed = run("check-witness", folder / "witness", known=cosigned)
    if status == 0:
        return "whole", ""
    if status == 1 and (why := says(printed, "refused: ")):
        return "refused", why
    return "FORBIDDEN", f"ends with {status}: {printed.strip()[-300:]}"


def told_by_witness(folder, known):
    """The log alone cannot know. Its witness refuses it as it is, and once it has grown beyond what was seen."""
    straight = run("ask", folder, folder / "seen")[1]
    why = judged(folder, known)[1]
    appended(folder, 1, 9000, 200)
    grown = run("ask", folder, folder / "seen")[1]
    if straight.startswith("409") and grown.startswith("422"):
        return "a witness tells", f"alone: {why}; its witness: {straight.strip()}; once it has grown: {grown.strip()}"
    return "FORBIDDEN", f"the witness says {straight} and {grown}"


def applied(base, scratch, damage):
    with tempfile.TemporaryDirectory(dir=scratch) as room:
        folder = pathlib.Path(room, "log")
        shutil.copytree(base.log, folder)
        damage.do(folder)
        if damage.what.startswith("witness"):
            return Done(damage, *judged_witness(folder, base.cosigned))
        if damage.what == "store and slots: older":
            return Done(damage, *told_by_witness(folder, base.acknowledged))
        tables = {path.name for path in folder.glob("store/*.sst") if path.stat().st_size}
        outcome, why = judged(folder, base.acknowledged)
        if outcome in ("refused", "quarantined"):  # it is started again
            again, why_again = judged(folder, base.acknowledged)
            if again not in ("refused", "quarantined"):
                outcome, why = "FORBIDDEN", f"first {outcome}: {why}; started again {again}: {why_again}"
            elif lost := tables - {path.name for path in folder.glob("store/*.sst")}:
                outcome, why = "FORBIDDEN", f"{outcome}: {why}; started again it deleted {', '.join(sorted(lost))}"
        return Done(damage, outcome, why)


def report(results):
    counts = collections.defaultdict(collections.Counter)
    for done in results:
        counts[done.damage.what][done.outcome] += 1
    print(f"{'':32}" + "".join(f"{outcome:>17}" for outcome in OUTCOMES))
    for what, row in counts.items():
        print(f"{what:32}" + "".join(f"{row[outcome] or '':>17}" for outcome in OUTCOMES))


def main():
    began = time.monotonic()
    dice = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="sluis-damage-") as scratch:
        base = Base(scratch)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            results = list(pool.map(lambda damage: applied(base, scratch, damage), damages(base, dice)))
    report(results)
    for done in results:
        if done.outcome in ("FORBIDDEN", "a witness tells"):
            print(f"seed {SEED}: {done.damage.what}: {done.damage.where}: {done.outcome}: {done.why}")
    forbidden = sum(done.outcome == "FORBIDDEN" for done in results)
    told = sum(done.outcome == "a witness tells" for done in results)
    print(f"seed {SEED}: {len(results)} damages, {forbidden} with a forbidden outcome, {told} known that only a witness tells; "
          f"{base.acknowledged.count(chr(10))} acknowledged checked after each; {time.monotonic() - began:.0f} s")
    sys.exit(1 if forbidden or not told else 0)


main()
