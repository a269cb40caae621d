"""What the sweeps share: which system calls change files, how strace is told to let one of them fail, what was met, and the report.

strace counts the calls of each thread apart: with one thread the n-th call is the same one in each run, with several it is whichever
it is then.
"""
import collections
import dataclasses
import re
import shutil
import subprocess
import sys
import tempfile
import typing

KILL = "KILL"
FULL = ("EIO", "ENOSPC", KILL)
FAILS = ("EIO", KILL)
KINDS = {
    "write": FULL, "pwrite64": FULL, "writev": FULL, "pwritev": FULL, "pwritev2": FULL, "fallocate": FULL, "copy_file_range": FULL,
    "openat": FULL, "mkdir": FULL, "mkdirat": FULL, "fdatasync": FAILS, "fsync": FAILS, "sync_file_range": FAILS, "msync": FAILS,
    "syncfs": FAILS, "rename": FAILS, "renameat": FAILS, "renameat2": FAILS, "link": FAILS, "linkat": FAILS, "unlink": FAILS,
    "unlinkat": FAILS, "truncate": FAILS, "ftruncate": FAILS, "close": FAILS,
}
# At an error of these RocksDB, as distributions build it, ends the program with an assertion: to us the same as a kill.
ENDS_THE_STORE = ("sync_file_range",)
SHOWN = 3  # failures of one sort


@dataclasses.dataclass(frozen=True)
class Case:
    scenario: typing.Any  # has a name
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


def strace_words(options, trace, case, kinds=KINDS):
    """strace, up to the command that it runs; without a case it looks only."""
    if case is None:
        return ["strace", *options, "-o", str(trace), "-y", "-e", "trace=" + ",".join(kinds)]
    return ["strace", *(["-f"] if case.action == KILL else options), "-o", str(trace), "-e", f"trace={case.call}", "-e", f"inject={case.inject()}"]


def calls_of(trace, folder):
    """Of each call that changed something under the folder, the kind and the how many-th it was in its thread."""
    counted = collections.Counter()
    found = collections.defaultdict(set)
    for line in trace.read_text(errors="replace").splitlines():
        call = re.match(r"\d+ +(\w+)\(", line)
        if not call:
            continue  # the rest of one that was interrupted, or an end
        thread, name = line.split(" ", 1)[0], call.group(1)
        counted[thread, name] += 1
        if str(folder) in line and (name != "openat" or "O_CREAT" in line) and "= -1 EEXIST" not in line:
            found[name].add(counted[thread, name])
    return {name: sorted(numbers) for name, numbers in found.items()}


def met(text):
    """The lines of a trace in which a fault was met."""
    return [line for line in text.splitlines() if "(INJECTED)" in line]


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


def report_wrong(results, mark):
    """A few of each sort: one bug shows at many calls. How many there are."""
    sorts = collections.defaultdict(list)
    for result in results:
        if result.wrong:
            alike = re.sub(re.escape(tempfile.gettempdir()) + r"\S*|\d+", "…", result.wrong.split("\n")[0])
            sorts[result.case.scenario.name, alike].append(result)
    for alike in sorts.values():
        for result in alike[:SHOWN]:
            print(f"{mark}{result.case.scenario.name}, inject={result.case.inject()}: {result.wrong}")
        if len(alike) > SHOWN:
            print(f"    and so {len(alike) - SHOWN} more")
    return sum(map(len, sorts.values()))


def summary(prepared, results, mark, there, seconds):
    """The whole report; the exit code that goes with it."""
    silent = report(prepared, results)
    wrong = report_wrong(results, mark)
    for name in silent:
        print(f"{mark}no fault was met: {name}")
    print(f"{mark}{len(results)} runs of {there}, {sum(r.fired for r in results)} met their fault, {wrong} ended wrong; "
          f"{sum(r.acknowledged for r in results)} acknowledged checked; {seconds:.0f} s")
    return 1 if wrong or silent else 0
