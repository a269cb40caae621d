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

from injection import ENDS_THE_STORE, KILL, KINDS, Case, Done, calls_of, met, strace_options, strace_words, summary

BINARY = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else sys.exit(__doc__)
ALL = 1_000_000
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else (ALL if os.environ.get("SLUIS_SOAK") else 1200)
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
LIMIT_S = 20  # nothing here may take as long
BUDGET_S = 70  # after that no more than what is always taken, unless all is asked for
ENDS = 3  # that many first and last calls of a kind are always taken


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
        done, self.calls = self.run(scratch, None)
        if done.wrong or not done.acknowledged:
            sys.exit(f"{scenario.name}, without a fault: {done.wrong or 'nothing was acknowledged'}")

    def run(self, scratch, case):
        done = Done(case)
        with tempfile.TemporaryDirectory(dir=scratch) as room:
            folder, trace, errors = (pathlib.Path(room, name) for name in ("data", "trace", "errors"))
            shutil.copytree(self.folder, folder)
            with errors.open("wb") as out:
                said, status = run_with_socket([*strace_words(self.options, trace, case), *filled(self.scenario.command, folder)], out)
            done.acknowledged = (self.acknowledged + said).count("\n")
            killed = status == -signal.SIGKILL
            text = trace.read_text(errors="replace")
            done.fired = killed if case and case.action == KILL else bool(met(text))
            if status is None:
                done.wrong = "the program does not end"
            elif status == -signal.SIGABRT and case and case.call in ENDS_THE_STORE:
                done.wrong = checked(self.scenario.check, folder, self.acknowledged + said + signed(folder))
            elif status not in (0, 1, 127) and not (killed and case and case.action == KILL):  # 1: it did not open; 127: nor was it loaded
                done.wrong = f"the program ends with {status}: " + errors.read_text(errors="replace").strip()[-300:]
            elif not done.fired and status != 0:
                done.wrong = f"the program ends with {status} without a fault"
            else:
                done.wrong = checked(self.scenario.check, folder, self.acknowledged + said + signed(folder))
            if done.wrong and done.fired:
                done.wrong += "\n    at " + "; ".join(text.splitlines() if killed else met(text))[-300:]
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


def main():
    options = strace_options()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sluis-sweep-") as scratch:
        prepared = [Prepared(scenario, scratch, options) for scenario in SCENARIOS]
        of = {each.scenario: each for each in prepared}
        always, others, there = chosen(prepared)

        def one(case):
            return of[case.scenario].run(scratch, case)[0]

        def one_in_time(case):
            return one(case) if RUNS >= ALL or time.monotonic() - began < BUDGET_S else None

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
            results = list(pool.map(one, always))
            results += [done for done in pool.map(one_in_time, others) if done]
    sys.exit(summary(prepared, results, f"seed {SEED}: ", there, time.monotonic() - began))


main()
