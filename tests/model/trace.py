#!/usr/bin/env python3
"""Runs the real append path under strace and turns its system calls into events of the model (replay.pml).

usage: trace.py BINARY    prints the events of each trace; check.py replays them against the model
"""
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
KINDS = {name: int(number) for name, number in re.findall(r"^#define ([A-Z_]+) (\d+)\b", (HERE / "replay.pml").read_text(), re.M)}
PATIENCE_S = 60
BLOCK = 32768  # of RocksDB's write-ahead log: a record is cut where a block ends
SLOT = re.compile(r"/slots/checkpoint-([01])$")
WAL = re.compile(r"/store/\d+\.log$")
TABLE = re.compile(r"/store/\d+\.sst$")
MANIFEST = re.compile(r"/store/MANIFEST-\d+$")
CALL = re.compile(r"^(\d+) +[\d.]+ (?:<\.\.\. (\w+) resumed>(.*)|(\w+)\((.*))$")
HEX = re.compile(r"(?:\\x[0-9a-f]{2})+")


@dataclasses.dataclass(frozen=True)
class Event:
    kind: str
    values: tuple = (0, 0, 0)
    doubtful: bool = False

    def __str__(self):
        return " ".join([self.kind, *(str(value) for value in self.values)]) + (" perhaps" if self.doubtful else "")

    def line(self):
        return " ".join(str(number) for number in (KINDS[self.kind], *self.values, int(self.doubtful))) + "\n"


def event(kind, *values):
    return Event(kind, (*values, 0, 0, 0)[:3])


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


class WriteAheadLog:
    """Puts the records of one file together from what is written to it, and finds the log's size in each."""

    def __init__(self):
        self.bytes = b""
        self.at = 0
        self.record = b""

    def add(self, data):
        self.bytes += data
        sizes = []
        while True:
            left = BLOCK - self.at % BLOCK
            if left < 7:
                self.at += left
                continue
            header = self.bytes[self.at : self.at + 7]
            if len(header) < 7:
                return sizes
            length, kind = int.from_bytes(header[4:6], "little"), header[6]
            part = self.bytes[self.at + 7 : self.at + 7 + length]
            if len(part) < length:
                return sizes
            self.at += 7 + length
            self.record = part if kind in (1, 2) else self.record + part  # whole, first; middle, last
            if kind in (1, 4):
                sizes += self.size_in(self.record)

    @staticmethod
    def size_in(record):
        """`log/head` begins with the size, big-endian; before it stands its length, one byte where it is below 128."""
        found = record.find(b"\x08log/head")
        if found < 0:
            return []
        at = found + 9
        at += 1 if record[at] < 128 else 2
        return [int.from_bytes(record[at : at + 8], "big")]


class Reader:
    """One run of the program. A write counts from its beginning, a sync from its end: what lies between may be either. Where the
    kill falls strace may print calls of one thread as another's: what is begun and has no answer is doubtful."""

    def __init__(self):
        self.events = [event("STARTED")]
        self.logs = {}
        self.open_calls = {}  # of each thread: name, path, and which events began with it
        self.unsynced = set()  # write-ahead logs with a batch that is not synced
        self.tables = False  # the recovery wrote some, and the manifest does not name them yet

    def read(self, lines):
        for line in lines:
            found = CALL.match(line)
            if not found:
                continue
            thread, resumed, rest, name, arguments = found.groups()
            if resumed:
                self.ended(*self.open_calls.pop(thread, (resumed, "", range(0))), rest)
                continue
            path = re.match(r"\d+<((?:\\x[0-9a-f]{2})+)>", arguments)
            path = unhex(path[1]).decode() if path else ""
            before = len(self.events)
            self.begun(name, path, arguments)
            call = (name, path, range(before, len(self.events)))
            if arguments.endswith("<unfinished ...>"):
                self.open_calls[thread] = call
            else:
                self.ended(*call, arguments)
        for call in self.open_calls.values():
            self.ended(*call, "")
        self.events.append(event("KILLED"))
        return self.events

    def begun(self, name, path, arguments):
        if name not in ("write", "pwrite64"):
            return
        data = HEX.search(arguments, arguments.find('"'))
        data = unhex(data[0]) if data else b""
        if arguments.startswith("1<"):
            self.said(data.decode(errors="replace"))
        elif WAL.search(path):
            for size in self.logs.setdefault(path, WriteAheadLog()).add(data):
                self.events.append(event("STORE_WRITTEN", size))
                self.unsynced.add(path)
        elif SLOT.search(path) and data.strip(b"\0"):  # zeros: it is made
            note = data[20 : 20 + int.from_bytes(data[16:20], "big")].decode(errors="replace").split("\n")
            size = int(note[1]) if data.startswith(b"SLUISCP1") else 0
            self.events.append(event("SLOT_WRITTEN", int(SLOT.search(path)[1]), int.from_bytes(data[8:16], "big"), size))

    def ended(self, name, path, begun, rest):
        answer = re.search(r"\) += (-?\d+)", rest)
        if not answer:
            for at in begun:
                self.events[at] = dataclasses.replace(self.events[at], doubtful=True)
            return
        failed = answer[1] == "-1"
        sync = name in ("fdatasync", "fsync")
        slot = SLOT.search(path)
        if slot and (failed or sync):
            self.events.append(event("SLOT_FAILED" if failed else "SLOT_SYNCED", int(slot[1])))
        elif WAL.search(path) and path in self.unsynced and (failed or sync):
            self.unsynced.discard(path)
            self.events.append(event("STORE_FAILED" if failed else "STORE_SYNCED"))
        elif TABLE.search(path) and sync and not failed:
            self.tables = True
        elif MANIFEST.search(path) and sync and not failed and self.tables:
            self.tables = False
            self.events.append(event("STORE_SETTLED"))

    def said(self, text):
        for line in text.splitlines():
            words = line.split()
            if re.fullmatch(r"\d+ \d+", line):
                self.events.append(event("ANSWERED", int(words[1])))
            elif words[:1] == ["checkpoint"]:
                self.events.append(event("PUBLISHED", int(words[1])))
            elif size := re.search(r"acknowledged, (\d+) entries", line):
                self.events.append(event("SIZE", int(size[1])))


class Runs:
    """Runs of the program one after the other in one folder."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.acknowledged = ""
        self.events = []
        self.next = 0

    def run(self, arguments, inject=(), kill_after=None, stdin=""):
        """`kill_after`: so many lines on stdout."""
        out, traced = pathlib.Path(self.folder, "out"), pathlib.Path(self.folder, "trace")
        command = ["strace", "-f", "-ttt", "-y", "-xx", "-s", "65536", "-o", traced,
                   "-e", "trace=write,pwrite64,fdatasync,fsync", *inject, self.binary, *arguments]
        # Leaks cannot be looked for while somebody else traces.
        environment = {**os.environ, "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        with out.open("wb") as stdout:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL, text=True, env=environment)
            process.stdin.write(stdin)
            process.stdin.close()
            if kill_after is not None:
                until = time.monotonic() + PATIENCE_S
                while out.read_bytes().count(b"\n") < kill_after and process.poll() is None and time.monotonic() < until:
                    time.sleep(0.001)
                if process.poll() is not None:
                    raise SystemExit(f"{' '.join(arguments)}: ended by itself with {process.returncode}")
                for child in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
                    os.kill(int(child), signal.SIGKILL)
            code = process.wait()
        with traced.open() as lines:
            self.events += Reader().read(lines)
        said = out.read_text()
        return code, said[: said.rfind("\n") + 1]

    def append(self, threads, count=None, **how):
        arguments = ["append", self.folder, str(threads), str(self.next)] + ([str(count)] if count else [])
        self.next += 1_000_000
        self.acknowledged += self.run(arguments, **how)[1]
        return self

    def check(self):
        code, said = self.run(["check", self.folder, "1"], stdin=self.acknowledged)
        if code != 0:
            raise SystemExit(f"check: {said}")
        return self


def killed_at(call, number):
    return ("-e", f"inject={call}:signal=KILL:when={number}")


def failing_at(call, number):
    return ("-e", f"inject={call}:error=EIO:when={number}")


def scenarios(binary):
    """Name and events of each. With one caller the n-th call of a kind is of a batch or of its checkpoint by turns."""
    def of(name, do):
        with tempfile.TemporaryDirectory(prefix="sluis-trace-") as folder:
            runs = Runs(binary, folder)
            do(runs)
            return name, runs.events

    yield of("1 caller, killed twice", lambda r: r.append(1, kill_after=100).append(1, kill_after=100).check())
    yield of("8 callers, killed twice", lambda r: r.append(8, kill_after=400).append(8, kill_after=400).check())
    for call in ("fdatasync", "pwrite64", "write"):
        for number in (40, 41):
            yield of(f"killed at {call} {number}", lambda r: r.append(1, inject=killed_at(call, number)).check().append(1, 5).check())
    for call in ("fdatasync", "pwrite64", "write"):
        for number in (40, 41):
            yield of(f"EIO from {call} {number}", lambda r: r.append(1, 40, inject=failing_at(call, number)).check())
    yield of("8 callers, EIO from fdatasync 20", lambda r: r.append(8, 60, inject=failing_at("fdatasync", 20)).check())


if __name__ == "__main__":
    for name, events in scenarios(sys.argv[1]):
        print(f"# {name}")
        print("\n".join(str(one) for one in events))
