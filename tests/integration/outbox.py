#!/usr/bin/env python3
"""A party that cannot be reached: what waits for it costs next to nothing, outlives kill -9, and arrives by itself when the party is
back. What a party will not have is a dead letter: seen, tried again, or dropped on record.

usage: outbox.py BIN_DIR SOURCE_DIR
"""
import http.server
import os
import pathlib
import shutil
import sys
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, PURPOSE, Refused, scratch  # noqa: E402
from played import in_place_of, over  # noqa: E402

PROCESSES = 5
f = Federation(scratch("outbox"), binary=BIN / "sluis", base_port=22440, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


class Unwilling(http.server.BaseHTTPRequestHandler):
    """In Waterrijk's place, with its certificate: will have nothing."""
    asked = []

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.asked.append(self.path)
        self.send_response(403)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def eventually(ask, *wanted, limit=60):
    """What it came to, at the latest then."""
    until = time.monotonic() + limit
    while (got := ask()) not in wanted and time.monotonic() < until:
        time.sleep(0.1)
    return got


def agree(offer):
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": offer, "purpose": PURPOSE + "CrowdManagement", "waitSeconds": 20})
    shown = d.call("AgreementService/Show", {"id": made["negotiation"]["id"], "waitSeconds": 20})
    return shown["agreement"]["id"]


def metric(name):
    with urllib.request.urlopen(f"http://127.0.0.1:{d.port + 2}/metrics", timeout=5) as answer:
        values = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))
    return int(float(values[name]))


def peers():
    return d.call("OutboxService/Peers", role="operator")


def waiting():
    return int(peers().get("waiting", 0))


def processor_seconds(node):
    fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def state_at(node, transfer):
    return node.call("TransferService/Show", {"id": transfer})["transfer"]["state"]


def away(offer):
    agreement = agree(offer)
    transfers = [d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 20})["transfer"] for _ in range(PROCESSES)]
    there = {t["id"]: t["peerId"] for t in transfers}
    expect("nothing waits", (eventually(waiting, 0), peers().get("peers")), (0, None))
    w.stop()
    for transfer in there:
        d.call("TransferService/Suspend", {"id": transfer})
    ended = list(there)[:2]
    for transfer in ended:
        d.call("TransferService/Terminate", {"id": transfer})
    expect("what was decided holds here at once", [state_at(d, t) for t in ended], ["TERMINATED"] * 2)

    def one():
        found = peers().get("peers", [])
        return (found[0]["peer"], found[0]["state"]) if found else None
    expect("the party is away", eventually(one, (w.participant, "away")), (w.participant, "away"))
    expect("and something waits for each process", waiting() >= PROCESSES, True)
    expect("the figures say so", (metric("sluis_outbox_waiting") >= PROCESSES, metric("sluis_outbox_peers_away"), metric("sluis_outbox_dead")), (True, 1, 0))
    expect("and name nobody", w.participant in urllib.request.urlopen(f"http://127.0.0.1:{d.port + 2}/metrics", timeout=5).read().decode(), False)
    text = d.command("outbox", "peers", "--no-input").stdout
    expect("the command says so too", (w.participant in text, "away" in text), (True, True))
    before, tries = processor_seconds(d), int(peers()["peers"][0]["failures"])
    time.sleep(10)
    spent, tried = processor_seconds(d) - before, int(peers()["peers"][0]["failures"]) - tries
    expect(f"it costs next to nothing ({spent} s of 10)", spent < 2, True)
    expect(f"and is one party tried now and then, not each process ({tried})", tried <= 12, True)

    d.kill()
    d.start()
    d.wait_ready()
    expect("after kill -9 it still waits", eventually(lambda: peers().get("counted", False), True) and waiting() >= PROCESSES, True)
    w.start()
    w.wait_ready()
    began = time.monotonic()
    wanted = ["TERMINATED"] * 2 + ["SUSPENDED"] * (PROCESSES - 2)
    expect("all arrives by itself", eventually(lambda: [state_at(w, peer) for peer in there.values()], wanted), wanted)
    print(f"caught up in {time.monotonic() - began:.1f} s", file=sys.stderr)
    expect("and nothing is left", eventually(waiting, 0), 0)
    for transfer, peer in there.items():
        events = [e["event"] for e in w.log(kinds=["transfer"]) if e.get("transfer") == peer]
        wanted = (["requested", "started", "terminated"], ["requested", "started", "suspended", "terminated"]) if transfer in ended else (
            ["requested", "started", "suspended"],)
        expect("each in order, once", events, *wanted)


def letters():
    return d.call("OutboxService/List").get("letters", [])


def refused_for_good(offer, code):
    """An agreement that Duinmeer ends, whose receipt Waterrijk will not have."""
    agreement = agree(offer)
    server = in_place_of(w, Unwilling)
    try:
        d.call("AgreementService/Terminate", {"id": agreement, "code": code})
        eventually(lambda: len(letters()), 1)
    finally:
        over(server)
    found = letters()
    expect("it is a dead letter", [(l["peer"], l["service"], l["message"], l["reason"]["code"]) for l in found],
           [(w.participant, "evidence", "receipt", "refused")])
    return agreement, found[0]


def dead(offer):
    agreement, letter = refused_for_good(offer, "council")
    number = letter["id"]
    expect("with its times", ("queued" in letter, "firstTry" in letter, letter["lastTry"] >= letter["firstTry"]), (True, True, True))
    expect("and does not wait any more", (eventually(waiting, 0), metric("sluis_outbox_dead")), (0, 1))
    expect("doctor names it", any("sluis outbox list" in check["message"] for check in d.call("NodeService/Doctor")["checks"]), True)
    shown = d.command("outbox", "show", number)
    expect("the command shows it", (shown.returncode, "status 403" in shown.stdout), (0, True))
    expect("the list has its number", d.command("outbox", "list", "-o", "name").stdout.split(), [number])
    expect("a rehearsal changes nothing", (d.command("outbox", "drop", number, "--reason", "not-needed", "--dry-run").returncode, len(letters())), (0, 1))
    try:
        d.call("OutboxService/Drop", {"id": number, "code": "not-needed"}, role="operator")
        expect("an operator drops it", "dropped", "refused")
    except Refused as refused:
        expect("an operator drops nothing", refused.status, 403)
    w.start()
    w.wait_ready()
    expect("it is tried again", d.command("outbox", "retry", number, role="operator").returncode, 0)
    theirs = w.wait_log(1, limit=30, kinds=["receipt"], event="agreement-ended", agreement=agreement)
    expect("and arrives", [(e["event"], e["counterparty"]) for e in theirs], [("agreement-ended", d.participant)])
    expect("and is no dead letter any more", (letters(), d.command("outbox", "show", number).returncode), ([], 1))

    agreement, letter = refused_for_good(offer, "again")
    w.start()
    w.wait_ready()
    refused = d.command("outbox", "drop", letter["id"])
    expect("no drop without a reason", refused.returncode, 2)
    expect("dropped", d.command("outbox", "drop", letter["id"], "--reason", "told-by-phone", "--no-input").returncode, 0)
    dropped = d.log(event="message-dropped")
    expect("and on record: who, and why", [(e["counterparty"], e["reason"], bool(e["person"])) for e in dropped], [(w.participant, "told-by-phone", True)])
    expect("it is gone", letters(), [])
    expect("and never came", w.log(kinds=["receipt"], event="agreement-ended", agreement=agreement), [])


try:
    f.begin()
    offered = f.offer_counts()["offer"]["id"]
    away(offered)
    dead(offered)
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
