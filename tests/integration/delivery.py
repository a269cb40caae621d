#!/usr/bin/env python3
"""What a node shows of a negotiation whose other party says "not now": the last attempt and its answer, the next one, until when,
and for whom it waits. It goes on by itself when the party is back, and ends at its deadline when it is not. Then: who ended what.

usage: delivery.py BIN_DIR SOURCE_DIR
"""
import datetime
import http.server
import json
import pathlib
import shutil
import ssl
import sys
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, PURPOSE, Refused, scratch  # noqa: E402
from played import in_place_of, over  # noqa: E402

CROWD, DATASET = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts"
f = Federation(scratch("delivery"), binary=BIN / "sluis", base_port=19740, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


class Busy(http.server.BaseHTTPRequestHandler):
    """In Waterrijk's place, with its certificate: says which protocol it speaks, and to all else "not now"."""
    version, asked = b"", []

    def answer(self):
        known = self.path == "/.well-known/dspace-version"
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = self.version if known else b'{"@type": "ContractNegotiationError", "code": "busy", "reason": ["back at noon"]}'
        if not known:
            self.asked.append((time.time(), self.command, self.path))
        self.send_response(200 if known else 503)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

    do_GET = do_POST = answer


def busy():
    """Waterrijk's node stops, and Busy answers in its place."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    Busy.version = urllib.request.urlopen(f"https://localhost:{w.port}/.well-known/dspace-version", context=context, timeout=5).read()
    return in_place_of(w, Busy)


def seconds(timestamp):
    return datetime.datetime.fromisoformat(timestamp).timestamp()


def show(node, number, **more):
    return node.call("AgreementService/Show", {"id": number, **more})


def lines(node, number, *words):
    """What the command prints, as name and value."""
    text = f.sluis("agreement", "show", number, "--config", node.folder / "node.toml", *words).stdout
    return dict(line.strip().split(None, 1) for line in text.splitlines() if len(line.split(None, 1)) == 2)


def request(offer):
    Busy.asked.clear()
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": offer, "purpose": CROWD})["negotiation"]
    until = time.monotonic() + 10
    while len(Busy.asked) < 4 and time.monotonic() < until:
        time.sleep(0.02)
    return made["id"]


def waiting(offer):
    server = busy()
    try:
        number = request(offer)
        time.sleep(0.1)
        shown = show(d, number)["negotiation"]
        text = lines(d, number)
        named = f.sluis("agreement", "show", number, "--config", d.folder / "node.toml", "-o", "name").stdout
    finally:
        over(server)
    delivery = shown["delivery"]
    expect("its message has not arrived", (shown.get("state"), shown["role"], shown["peer"], shown.get("peerId")), (None, "consumer", w.participant, None))
    expect("it waits for the delivery", shown["waitsFor"], "delivery")
    expect("of its request, tried so often", (delivery["message"], int(delivery["attempts"])), ("request", len(Busy.asked)))
    expect("always the same message", {path for _, _, path in Busy.asked}, {"/2025-1/negotiations/request"})
    expect("the last attempt", abs(seconds(delivery["lastAttempt"]) - Busy.asked[-1][0]) < 0.5, True)
    expect("the peer's answer", delivery["lastAnswer"], "status 503: back at noon")
    wait = seconds(delivery["nextAttempt"]) - seconds(delivery["lastAttempt"])
    expect("the next attempt, twice as late each time", 0.7 < wait < 1.7, True)
    expect("the deadline", seconds(shown["deadline"]) - seconds(shown["created"]), 7 * 86400.0)
    wanted = {"waitsFor": "delivery", "deadline": shown["deadline"], "lastAttempt": delivery["lastAttempt"], "nextAttempt": delivery["nextAttempt"],
              "lastAnswer": delivery["lastAnswer"]}
    expect("the command says so too", {name: text.get(name) for name in wanted}, wanted)
    expect("and names it", named.strip(), number)
    listed = d.call("AgreementService/ListNegotiations", {"waitsFor": "delivery"})["negotiations"]
    expect("and it can be found", [n["id"] for n in listed], [number])
    return number


def back(number):
    w.start()
    w.wait_ready()
    shown = show(d, number, waitSeconds=20)
    expect("it has gone on by itself", (shown["negotiation"]["state"], shown["negotiation"]["waitsFor"], shown["negotiation"].get("delivery")),
           ("FINALIZED", "nobody", None))
    expect("and was asked once", [n["peerId"] for n in w.call("AgreementService/ListNegotiations")["negotiations"]], [number])
    return shown["agreement"]["id"]


def ended(agreement):
    before = time.time()
    w.call("AgreementService/Terminate", {"id": agreement, "code": "council", "sentence": "the council ended it"})
    shown = show(w, agreement)["agreement"]
    expect("who ended it", (shown["state"], shown["endedBy"]), ("ended", w.participant))
    expect("when", before <= seconds(shown["ended"]) <= time.time(), True)
    expect("and why", shown["reason"], {"code": "council", "sentences": ["the council ended it"], "ours": True})
    text = lines(w, agreement)
    expect("the command says so too", (text["endedBy"], text["ended"], text["code"]), (w.participant, shown["ended"], "council"))
    try:
        w.call("AgreementService/Terminate", {"id": agreement})
        expect("a second end", "ended", "refused")
    except Refused as refused:
        expect("a second end", (refused.status, json.loads(refused.body)["message"].startswith(f"agreement `{agreement}` has ended already")), (400, True))
    expect("its own log says who", [(e["agreement"], bool(e["person"])) for e in w.log(kinds=["agreement-ended"])], [(agreement, True)])
    theirs = d.wait_log(1, kinds=["receipt"], event="agreement-ended", agreement=agreement)
    expect("the other party has the receipt", [(e["event"], e["counterparty"]) for e in theirs], [("agreement-ended", w.participant)])
    there = show(d, agreement)["agreement"]
    expect("and shows who ended it and why", (there["state"], there.get("endedBy"), there.get("reason")),
           ("ended", w.participant, {"code": "council", "sentences": ["the council ended it"]}))
    expect("and when", "ended" in there and abs(seconds(there["ended"]) - seconds(shown["ended"])) < 1, True)
    expect("and does not count it any more", int(d.call("NodeService/Status", role="operator").get("agreementsActive", 0)), 0)


def too_late(offer):
    server = busy()
    try:
        number = request(offer)
        deadline = show(d, number)["negotiation"]["deadline"]
        d.call("NodeService/DemoClock", {"bySeconds": 8 * 86400}, role="operator")
        shown = show(d, number, waitSeconds=10)["negotiation"]
    finally:
        over(server)
    expect("ended at its deadline", (shown["state"], shown["reason"]["code"], shown["reason"]["ours"]), ("TERMINATED", "deadline", True))
    expect("in words", shown["reason"]["sentences"], [f"the negotiation was not concluded by {deadline}"])
    log = [e for e in d.wait_log(1, kinds=["negotiation"]) if e.get("negotiation") == number]
    expect("and in the log", [(e["event"], e["reason"]) for e in log][-1:], [("terminated", "deadline")])


try:
    f.begin()
    offered = f.offer_counts()["offer"]["id"]
    ended(back(waiting(offered)))
    too_late(offered)
    expect("the node lives", d.process.poll(), None)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
