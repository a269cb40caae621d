#!/usr/bin/env python3
"""Lets one system call that changes files fail, or kills the program at it, and this for each such call of a scenario. After each,
nothing that was acknowledged may be missing, no checkpoint that was ever signed may be contradicted, and work goes on.

First each scenario runs without a fault and its calls are counted. Of the n-th call of a kind, strace then makes one answer an error,
or kills the program before it is made. strace counts the calls of each thread apart: with one thread the n-th call is the same one in
each run, with several it is whichever it is then. The first and last three of a kind are always taken, the others by the seed as far
as RUNS and the time allow; with SLUIS_SOAK set, all. Faults of acknowledgements themselves are not meant: the program sends them by
another call.

usage: sweep.py BINARY [RUNS] [SEED]
"""
import collections
import concurrent.futures
import dataclasses
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

BINARY = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else sys.exit(__doc__)
ALL = 1_000_000
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else (ALL if os.environ.get("SLUIS_SOAK") else 1200)
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
LIMIT_S = 20  # nothing here may take as long
BUDGET_S = 70  # after that no more than what is always taken, unless all is asked for
ENDS = 3  # that many first and last calls of a kind are always taken
SHOWN = 3  # failures of one sort

KILL = "KILL"
FULL = ("EIO", "ENOSPC", KILL)
FAILS = ("EIO", KILL)
KINDS = {
    "write": FULL, "pwrite64": FULL, "writev": FULL, "pwritev": FULL, "pwritev2": FULL, "fallocate": FULL, "copy_file_range": FULL,
    "openat": FULL, "mkdir": FULL, "mkdirat": FULL, "fdatasync": FAILS, "fsync": FAILS, "sync_file_range": FAILS, "msync": FAILS,
    "rename": FAILS, "renameat": FAILS, "renameat2": FAILS, "link": FAILS, "linkat": FAILS, "unlink": FAILS, "unlinkat": FAILS,
    "truncate": FAILS, "ftruncate": FAILS, "close": FAILS,
}
# At an error of these RocksDB, as distributions build it, ends the program with an assertion: to us the same as a kill.
ENDS_THE_STORE = ("sync_file_range",)


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Commands are of BINARY; FOLDER stands for the scenario's own folder. Each says on stdout what it acknowledged."""
    name: str
    command: tuple  # meets the fault
    check: tuple  # reads on stdin what was acknowledged; ends with 0 where all of it holds and work goes on
    before: tuple = ()  # commands that ran before, without a fault
    share: float = 1.0  # of the calls behind the first and before the last ones


FOLDER = "FOLDER"
CHECK = ("check", FOLDER, "grow")
SCENARIOS = (
    Scenario("a new log", ("append", FOLDER, "1", "0", "30"), CHECK),
    Scenario("a log that is there", ("append", FOLDER, "1", "1000", "15"), CHECK,
             before=(("append", FOLDER, "1", "0", "30"), ("append", FOLDER, "8", "100", "30"))),
    Scenario("a log, 8 threads", ("append", FOLDER, "8", "1000", "30"), CHECK, before=(("append", FOLDER, "1", "0", "30"),), share=0.2),
    Scenario("a new witness", ("witness", FOLDER, "8"), ("check-witness", FOLDER)),
    Scenario("a witness that knows a log", ("witness", FOLDER, "8"), ("check-witness", FOLDER), before=(("witness", FOLDER, "3"),)),
)


@dataclasses.dataclass(frozen=True)
class Case:
    scenario: Scenario
    call: str
    when: int
    action: str

    def inject(self):
        return f"{self.call}:{'signal=KILL' if self.action == KILL else 'error=' + self.action}:when={self.when}"


@dataclasses.dataclass
class Done:
    case: Case
    fired: bool = False
    acknowledged: int = 0
    wrong: str = ""


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def strace_options():
    """What strace can do here. seccomp saves a stop at each call that is not meant; with it strace 6.1 sends no signals."""
    if not shutil.which("strace"):
        skip("strace is not installed")
    for options in (["-f", "--seccomp-bpf"], ["-f"]):
        done = subprocess.run(["strace", *options, "-o", "/dev/null", "-e", "inject=fdatasync:error=EIO:when=1", "true"], capture_output=True, text=True)
        if done.returncode == 0:
            return options
    skip("strace may not trace here: " + done.stderr.strip().replace("\n", "; "))


def filled(command, folder):
    return [str(BINARY), *(str(folder) if word == FOLDER else word for word in command)]


def whole_lines(text):
    return text[: text.rfind("\n") + 1]  # a line that was cut was not acknowledged


def run_with_socket(arguments, errors=subprocess.DEVNULL):
    """(what it said, how it ended); None: it did not end. Stdout is a socket, so that acknowledgements are no writes."""
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen(arguments, stdout=theirs, stderr=errors, start_new_session=True) as process:
        theirs.close()
        late = threading.Event()

        def end():
            late.set()
            os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(LIMIT_S, end)
        timer.start()
        said = b""
        while data := ours.recv(1 << 16):
            said += data
        status = process.wait()
        timer.cancel()
    return whole_lines(said.decode()), None if late.is_set() else status


def checked(command, folder, acknowledged):
    """Empty where all is well, else what is not."""
    try:
        done = subprocess.run(filled(command, folder), input=acknowledged, capture_output=True, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return "the check does not end"
    return "" if done.returncode == 0 else f"the check ends with {done.returncode}: " + (done.stdout + done.stderr).strip()


def signed(folder):
    """Every checkpoint in the slots under a folder, as lines of the acknowledged: what was signed is given out, or may be."""
    lines = set()
    for slot in folder.rglob("checkpoint-?"):
        for size, root in re.findall(rb"test\.example/log\n(\d+)\n([A-Za-z0-9+/=]{44})\n", slot.read_bytes()):
            lines.add(f"checkpoint {size.decode()} {root.decode()}\n")
    return "".join(sorted(lines))


def calls_of(trace, folder):
    """Of each call that meant something under the folder, the kind and the how many-th it was in its thread."""
    counted = collections.Counter()
    found = collections.defaultdict(set)
    for line in trace.read_text(errors="replace").splitlines():
        call = re.match(r"\d+ +(\w+)\(", line)
        if not call:
            continue  # the rest of one that was interrupted, or an end
        thread, name = line.split(" ", 1)[0], call.group(1)
        counted[thread, name] += 1
        if str(folder) in line and (name != "openat" or "O_CREAT" in line):
            found[name].add(counted[thread, name])
    return {name: sorted(numbers) for name, numbers in found.items()}


class Prepared:
    """A scenario with the folder as it is before the fault, what was acknowledged by then, and its calls without one."""

    def __init__(self, scenario, scratch, options):
        self.scenario, self.options = scenario, options
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=scratch))
        self.acknowledged = ""
        for command in scenario.before:
            said, status = run_with_socket(filled(command, self.folder))
            if status != 0:
                sys.exit(f"{scenario.name}: {command} ends with {status}")
            self.acknowledged += said
        done, self.calls = self.run(scratch, ["-y", "-e", "trace=" + ",".join(KINDS)], None)
        if done.wrong or not done.acknowledged:
            sys.exit(f"{scenario.name}, without a fault: {done.wrong or 'nothing was acknowledged'}")

    def run(self, scratch, traced, case):
        done = Done(case)
        with tempfile.TemporaryDirectory(dir=scratch) as room:
            folder, trace, errors = (pathlib.Path(room, name) for name in ("data", "trace", "errors"))
            shutil.copytree(self.folder, folder)
            options = ["-f"] if case and case.action == KILL else self.options
            with errors.open("wb") as out:
                said, status = run_with_socket(["strace", *options, "-o", str(trace), *traced, *filled(self.scenario.command, folder)], out)
            done.acknowledged = (self.acknowledged + said).count("\n")
            killed = status == -signal.SIGKILL
            text = trace.read_text(errors="replace")
            done.fired = killed if case and case.action == KILL else "(INJECTED)" in text
            if status is None:
                done.wrong = "the program does not end"
            elif status == -signal.SIGABRT and case and case.call in ENDS_THE_STORE:
                done.wrong = checked(self.scenario.check, folder, self.acknowledged + said + signed(folder))
            elif status not in (0, 1) and not (killed and case and case.action == KILL):  # 1: it did not open
                done.wrong = f"the program ends with {status}: " + errors.read_text(errors="replace").strip()[-300:]
            elif not done.fired and status != 0:
                done.wrong = f"the program ends with {status} without a fault"
            else:
                done.wrong = checked(self.scenario.check, folder, self.acknowledged + said + signed(folder))
            if done.wrong and done.fired:
                done.wrong += "\n    at " + "; ".join(line for line in text.splitlines() if "(INJECTED)" in line or killed)[-300:]
            return done, {} if case else calls_of(trace, folder)

    def cases(self):
        """(what is always taken, what is taken as far as there is room)."""
        always, others = [], []
        for call, numbers in self.calls.items():
            for number in numbers:
                end = number in numbers[:ENDS] or number in numbers[-ENDS:]
                (always if end else others).extend(Case(self.scenario, call, number, action) for action in KINDS[call])
        return always, others


def chosen(prepared):
    """(what is always taken, what else, how many there are)."""
    dice = random.Random(SEED)
    always, others = [], []
    for each in prepared:
        ends, rest = each.cases()
        always += ends
        others += rest if RUNS >= ALL else dice.sample(rest, round(len(rest) * each.scenario.share))
    room = max(0, RUNS - len(always))
    return always, others if len(others) <= room else dice.sample(others, room), len(always) + len(others)


def report(prepared, results):
    """A line for each kind of call; the kinds for which no fault was met."""
    silent = []
    print(f"{'':28}{'call':17}{'there':>6}{'runs':>6}{'errors':>8}{'killed':>8}{'acknowledged':>14}")
    for each in prepared:
        for call, numbers in each.calls.items():
            mine = [r for r in results if r.case.scenario is each.scenario and r.case.call == call]
            errors = sum(r.fired for r in mine if r.case.action != KILL)
            killed = sum(r.fired for r in mine if r.case.action == KILL)
            print(f"{each.scenario.name:28}{call:17}{len(numbers):6}{len(mine):6}{errors:8}{killed:8}{sum(r.acknowledged for r in mine):14}")
            if not errors or not killed:
                silent.append(f"{each.scenario.name}: {call}")
    return silent


def report_wrong(wrong):
    """A few of each sort: one bug shows at many calls."""
    sorts = collections.defaultdict(list)
    for result in wrong:
        alike = re.sub(re.escape(tempfile.gettempdir()) + r"\S*|\d+", "…", result.wrong.split("\n")[0])
        sorts[result.case.scenario.name, alike].append(result)
    for results in sorts.values():
        for result in results[:SHOWN]:
            print(f"seed {SEED}: {result.case.scenario.name}, inject={result.case.inject()}: {result.wrong}")
        if len(results) > SHOWN:
            print(f"    and so {len(results) - SHOWN} more")


def main():
    options = strace_options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sluis-sweep-") as scratch:
        prepared = [Prepared(scenario, scratch, options) for scenario in SCENARIOS]
        of = {each.scenario: each for each in prepared}
        always, others, there = chosen(prepared)

        def one(case):
            return of[case.scenario].run(scratch, ["-e", f"trace={case.call}", "-e", f"inject={case.inject()}"], case)[0]

        def one_in_time(case):
            return one(case) if RUNS >= ALL or time.monotonic() - began < BUDGET_S else None

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            results = list(pool.map(one, always))
            results += [done for done in pool.map(one_in_time, others) if done]
    silent = report(prepared, results)
    wrong = [r for r in results if r.wrong]
    report_wrong(wrong)
    for name in silent:
        print(f"seed {SEED}: no fault was met: {name}")
    fired = sum(r.fired for r in results)
    print(f"seed {SEED}: {len(results)} runs of {there}, {fired} met their fault, {len(wrong)} ended wrong; "
          f"{sum(r.acknowledged for r in results)} acknowledged checked; {time.monotonic() - began:.0f} s")
    sys.exit(1 if wrong or silent else 0)


main()
