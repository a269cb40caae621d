#!/usr/bin/env python3
"""Logs by period, through the real binary: a consumer pulls and pulls, a year ends, and the provider's node goes over to the log that was prepared
and listed; nothing that was acknowledged is lost, the peer takes receipts of the new log, and both logs verify, also with the second reader.
Before that it is told what is missing; without it the node goes on. A kill on the way is picked up.

usage: periods.py BIN_DIR SOURCE_DIR
"""
import base64
import datetime
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, PURPOSE, Federation, Refused, scratch  # noqa: E402
from logs import agreed, list_logs  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
READER = SOURCE / "tests/second_reader/reader.py"
f = Federation(scratch("periods"), binary=BIN / "sluis", base_port=21840, parties=("waterrijk", "duinmeer"), list_days=(400, 500))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
versions = iter(range(2, 20))


def status():
    return w.call("NodeService/Status", {})


def moment():
    return datetime.datetime.fromisoformat(status()["now"][:19] + "+00:00")


def move_to(when):
    seconds = int((when - moment()).total_seconds())
    for node in (w, d):
        if seconds > 0:
            node.call("NodeService/DemoClock", {"bySeconds": seconds})


def periods_told():
    return [one for one in status().get("findings", []) if "period of the log" in one]


class Pulling:
    """A consumer that asks and asks, and tries again where it gets nothing."""

    def __init__(self, transfer):
        self.transfer, self.whole, self.broken, self.over = transfer, 0, 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over:
            try:
                good = d.pull(self.transfer, CROWD, ACTIVITY)[1]
            except (Refused, OSError):
                good = False
            self.whole, self.broken = self.whole + good, self.broken + (not good)
            if not good:
                time.sleep(0.05)

    def more(self, count, limit=20):
        wanted, until = self.whole + count, time.monotonic() + limit
        while self.whole < wanted and time.monotonic() < until:
            time.sleep(0.02)
        return self.whole >= wanted

    def stop(self):
        self.over = True
        self.thread.join()


def prepare():
    done = w.command("log", "next")
    expect("log next" + done.stderr, done.returncode, 0)
    again = w.command("log", "next")
    expect("again it is the same", again.stdout, done.stdout)
    return done.stdout.strip()


def rolled(before, limit=20):
    """Waits until another log is written."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        try:
            if (now := status()["logOrigin"]) != before:
                return now
        except OSError:
            pass
        time.sleep(0.05)
    return before


def a_year(transfer, pulling):
    first, end = status()["logOrigin"], datetime.datetime(moment().year + 1, 1, 1, tzinfo=datetime.timezone.utc)
    if (end - moment()).days > 40:
        expect("nothing is told long before", periods_told(), [])
    move_to(end - datetime.timedelta(days=20))
    told = periods_told()
    expect("thirty days ahead it is told that none is prepared", (len(told), "none is prepared" in told[0]), (1, True))
    expect("doctor says so, too", "none is prepared" in w.command("doctor", role="operator").stdout, True)
    dry = w.command("log", "next", "--dry-run")
    expect("a dry run prepares nothing", (dry.returncode, dry.stdout, "none is prepared" in periods_told()[0]), (0, "", True))
    key = prepare()
    expect("then that it is not listed", "membership list" in periods_told()[0], True)
    move_to(end + datetime.timedelta(days=1))
    time.sleep(1.5)
    expect("without that the node goes on with the old log", (status()["logOrigin"], pulling.more(2)), (first, True))
    expect("and says since when", "goes on" in periods_told()[0], True)
    list_logs(f, w, next(versions), key, days=(400, 500))
    expect("then it goes over", rolled(first), key.split("+")[0])
    w.wait_ready()
    expect("both go on", pulling.more(3), True)
    expect("and nothing is told any more", periods_told(), [])
    (ended,), (begun,) = w.log(kinds=["log-ended"]), w.log(kinds=["log-begun"])
    named, previous = json.loads(ended["document"])["next"], json.loads(begun["document"])["previous"]
    expect("the old log names the new", (ended["log"], named["origin"], named["vkey"]), (first, key.split("+")[0], key))
    expect("the new one the old", (begun["log"], previous["origin"], previous["size"], int(begun.get("leaf", 0))), (key.split("+")[0], first, int(ended["leaf"]) + 1, 0))
    expect("its last checkpoint is for everybody", w.open_data("/log/first/checkpoint").decode(), previous["checkpoint"])
    return first, key


def a_kill(origin):
    """Killed as it goes over, and back: it has gone over once, or does so then."""
    w.stop()
    config = w.folder / "node.toml"
    config.write_text(config.read_text().replace('period = "year"', 'period = "month"'))
    w.start()
    w.wait_ready()
    key = prepare()
    list_logs(f, w, next(versions), key, days=(400, 500))
    expect("another is prepared", key.split("+")[0] != origin, True)
    seen, now = len(w.log_tail().split("the log's period is over")), moment()
    move_to(datetime.datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=datetime.timezone.utc))
    until = time.monotonic() + 10
    while len(w.log_tail().split("the log's period is over")) == seen and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(0.05)
    w.kill()
    w.start()
    w.wait_ready()
    expect("it has another log after all", rolled(origin), key.split("+")[0])
    w.wait_ready()
    expect("once", (len(w.log(kinds=["log-begun"])), len(w.log(kinds=["log-ended"]))), (2, 2))
    return key


def both_verify(keys):
    for number, key in enumerate(keys):
        folder, origin = f.folder / f"export-{number}", key.split("+")[0]
        done = w.command("audit", "export-log", folder, "--origin", origin, "--payloads")
        expect("export" + done.stderr, done.returncode, 0)
        theirs = f.sluis("audit", "verify", "--log", folder, "--key", key, "--anchor", folder / "checkpoint", check=False)
        mine = subprocess.run([sys.executable, READER, "log", folder, "--key", key, "--anchor", folder / "checkpoint", "--json"], capture_output=True, text=True)
        expect(f"log {number} verifies, with both readers" + theirs.stdout + mine.stdout[-1000:], (theirs.returncode, mine.returncode), (0, 0))
        kinds = [one[1] for one in json.loads(mine.stdout)["entries"]]
        expect("it begins and ends as it should", (kinds[0] == "log-begun", kinds[-1] == "log-ended"), (number > 0, number + 1 < len(keys)))


try:
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text() + '\n[log]\nperiod = "year"\n')
    f.start()
    f.join()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    agreement, transfer = agreed(w, d, DATASET, CROWD)
    first_key = (w.folder / "log.vkey").read_text().strip()
    pulling = Pulling(transfer["id"])
    try:
        expect("data flow", pulling.more(3), True)
        first, key = a_year(transfer, pulling)
        third_key = a_kill(key.split("+")[0])
        expect("data flow after all that", pulling.more(3), True)
    finally:
        pulling.stop()
    released = len(w.wait_log(pulling.whole, kinds=["stream-end"]))
    expect("each release that came whole is on record", released >= pulling.whole > 10, True)
    w.call("AgreementService/Terminate", {"id": agreement, "code": "over", "sentence": "no longer needed"})
    until = time.monotonic() + 10
    while not (taken := [e for e in d.log(kinds=["receipt"]) if e["event"] == "agreement-ended"]) and time.monotonic() < until:
        time.sleep(0.02)  # there are those of its pulls, too, as a year went by
    expect("the peer takes the receipt of the end", len(taken), 1)
    shared = base64.b64decode(json.loads(d.call("AuditService/Proof", {"index": taken[0]["index"]}, role="dpo")["receipt"])["shared"])
    expect("under a checkpoint of the newest log", f"{third_key.split('+')[0]}\n".encode() in shared, True)
    done = w.command("audit", "reconcile", d.participant, role="dpo")
    expect("and both logs agree: " + done.stdout + done.stderr, done.returncode, 0)
    w.stop()
    config.write_text(config.read_text().replace('period = "month"', 'period = "week"'))
    done = f.sluis("config", "check", config, check=False)
    expect("another period is refused with its place", (done.returncode, "node.toml:" in done.stderr and "quarter" in done.stderr), (1, True))
    config.write_text(config.read_text().replace('period = "week"', 'period = "month"'))
    both_verify([first_key, key, third_key])
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
