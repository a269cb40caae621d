#!/usr/bin/env python3
"""The membership list grows old: past `refresh_after` a node warns and goes on, past `valid_until` nothing new begins and both
sides can read why, while what must end still ends. And only a newer list that the federation signed replaces the one held.

usage: membership_time.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
import json
import pathlib
import shutil
import sys
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
DAY = 86400
f = Federation(scratch("membership"), binary=BIN / "sluis", base_port=19240, parties=("waterrijk", "duinmeer"),
               list_days=(6, 9))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def later(days):
    """All clocks."""
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": days * DAY}, role="operator")


def told(node):
    """The state of the list, what Status finds, what /readyz says, and with which status."""
    status = node.call("NodeService/Status", role="operator")
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port + 2}/readyz", timeout=5) as answer:
        expect("Status is ready when /readyz is", (status.get("ready", False), answer.status), (True, 200), (False, 503))
        return status["membershipState"], status.get("findings", []), answer.read().decode().splitlines(), answer.status


def request():
    return d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]


def agree():
    """An agreement and its transfer."""
    made = request()
    expect("agreed", made.get("state"), "FINALIZED")
    started = d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]
    expect("started", started.get("state"), "STARTED")
    return made["agreement"], started["id"]


def pull(transfer):
    """"whole", or the refusal that the application got: code and sentence."""
    try:
        data, whole = d.pull(transfer, CROWD, ACTIVITY)
        return "whole" if whole and data == (w.folder / "datasets/detailed-counts.csv").read_bytes() else f"{len(data)} bytes"
    except Refused as refused:
        said = json.loads(refused.body)
        return said["code"], *said["reason"]


def refusal(ask):
    """The status, code and words with which a method is refused."""
    try:
        return "not refused", ask()
    except Refused as refused:
        said = json.loads(refused.body)
        return refused.status, said["code"], said["message"]


def shared_of(node, index):
    """What an entry says, as it stands in the log."""
    receipt = json.loads(node.call("AuditService/Proof", {"index": index}, role="dpo")["receipt"])
    return base64.b64decode(receipt["shared"])


def stale():
    first = agree()
    expect("fresh", told(d), ("fresh", [], ["ok"], 200))
    later(7)
    for node in (w, d):
        warning = "the membership list should be refreshed"
        expect(f"{node.key}: stale", told(node), ("stale", [warning], [warning], 200))
    expect("a stale list: a pull of before", pull(first[1]), "whole")
    others = agree(), agree()
    expect("a stale list: a pull of now", pull(others[0][1]), "whole")
    return first, *others


def expired(ours, theirs, left, until):
    later(3)
    finding = "there is no valid membership list: no new negotiation or pull"
    for node in (w, d):
        expect(f"{node.key}: expired", told(node), ("expired", [finding], [finding], 200))
    why = f"the membership list expired at {until}"
    negotiations = len(w.log(kinds=["negotiation"])), len(d.log(kinds=["negotiation"]))
    expect("an expired list: a negotiation", refusal(request), (403, "permission_denied", f"{why}; load a newer list"))
    expect("an expired list: a transfer", refusal(lambda: d.call("TransferService/Start", {"agreement": ours[0]})),
           (403, "permission_denied", f"{why}; load a newer list"))
    expect("nothing of it began", (len(w.log(kinds=["negotiation"])), len(d.log(kinds=["negotiation"]))), negotiations)
    sentence = f"Denied: the party may not start a pull now: {why}."
    expect("an expired list: a pull", pull(ours[1]), ("membership", sentence))
    last = d.log(kinds=["decision"])[-1]
    expect("and why, in the log", (last["decision"], last["reason"], last["sentence"]), ("refused", "membership", sentence))
    ends(d, w, *ours)
    ends(w, d, *theirs)
    expect("the third is still there", d.call("AgreementService/Show", {"id": left[0]})["agreement"]["state"], "active")
    return why


def ends(node, other, agreement, transfer):
    """What is agreed can be ended, by either side: the other has the receipt, and no transfer is left open."""
    node.call("AgreementService/Terminate", {"id": agreement, "code": "council", "sentence": "the council ended it"})
    shown = node.call("AgreementService/Show", {"id": agreement})["agreement"]
    expect(f"{node.key} ended it", (shown["state"], shown["endedBy"]), ("ended", node.participant))
    until = time.monotonic() + 5
    while not (receipts := [e for e in other.log(kinds=["receipt"], agreement=agreement) if e["event"] not in ("received", "agreement")]) and time.monotonic() < until:
        time.sleep(0.02)  # those of its pulls come, too
    expect(f"{other.key} has the receipt of the end", [(e["event"], e["counterparty"]) for e in receipts], [("agreement-ended", node.participant)])
    until = time.monotonic() + 5
    while (of := other.call("TransferService/List", {"agreement": agreement})["transfers"][0])["state"] != "TERMINATED" and time.monotonic() < until:
        time.sleep(0.05)
    expect(f"{other.key}'s transfer", (of["state"], of["reason"]["code"], of["reason"]["sentences"]), ("TERMINATED", "council", ["the council ended it"]))
    expect("which gives no access", pull(transfer)[0] in ("agreement.ended", "transfer.not_open"), True)


def loading():
    """What is no newer list of the federation is refused, each for its own reason, and the list held stays."""
    f.sluis("membership", "key", f.folder / "other.key")
    held = d.call("MembershipService/Show")
    refusals = (
        ("signed by another key", f.membership(2, name="other.json", key="other.key"), (403, "permission_denied"), "0 valid signatures of trusted keys, and needs 1"),
        ("expired", f.membership(2, (1, 2), "expired.json"), (400, "invalid_argument"), "the membership list expired at "),
        ("of the same version", f.membership(1, name="same.json"), (409, "aborted"), "another membership list with version 1 is held already"),
        ("changed after it was signed", stretched(f.membership(2, (6, 99), "stretched.json")), (403, "permission_denied"), "0 valid signatures of trusted keys"),
        ("cut short", f.membership(2, name="cut.json")[:-9], (400, "invalid_argument"), "list.json:"),
    )
    newest = f.membership(3, name="newest.json")
    entries = len(d.log())
    for what, document, status, words in refusals:
        refuses(what, document, status, words)
    expect("the list held is the same", d.call("MembershipService/Show"), held)
    checked = d.call("MembershipService/Check", {"document": newest, "file": "newest.json"}, role="operator")["membership"]
    expect("a newer one is checked", (checked["version"], checked["state"], len(checked["parties"])), ("3", "checked", 2))
    d.call("MembershipService/Load", {"document": newest, "file": "newest.json", "dryRun": True}, role="operator")
    expect("which changes nothing", (d.call("MembershipService/Show"), len(d.log())), (held, entries))
    taken = d.call("MembershipService/Load", {"document": newest, "file": "newest.json"}, role="operator")
    expect("and taken", (taken["membership"]["version"], taken["membership"]["state"]), ("3", "fresh"))
    expect("as an entry of the log", [(e["index"], e["event"]) for e in d.log(kinds=["membership"])][1:], [(taken["entry"], "loaded")])
    digest = hashlib.sha256(newest.encode()).hexdigest()
    expect("with who loaded it", d.log(kinds=["membership"])[-1].get("person"), "operator of Gemeente Duinmeer")
    expect("that names it", f"version 3 sha256 {digest}".encode() in shared_of(d, taken["entry"]), True)
    again = d.call("MembershipService/Load", {"document": newest, "file": "newest.json"}, role="operator")
    expect("the same again", (again.get("unchanged"), len(d.log(kinds=["membership"]))), (True, 2))
    refuses("rolled back", f.membership(2, name="older.json"), (409, "aborted"), "version 2 of the membership list is older than version 3")
    d.stop()
    d.start()
    d.wait_ready()
    expect("after a restart", d.call("MembershipService/Show")["membership"]["version"], "3")
    refuses("rolled back after a restart", f.membership(2, name="older.json"), (409, "aborted"), "version 2 of the membership list is older than version 3")


def stretched(document):
    """The same list, as if it held longer: the signature is of the other one."""
    envelope = json.loads(document)
    payload = base64.urlsafe_b64decode(envelope["payload"] + "===")
    until = json.loads(payload)["valid_until"].encode()
    changed = payload.replace(until, b"2099" + until[4:])
    return json.dumps({**envelope, "payload": base64.urlsafe_b64encode(changed).decode().rstrip("=")})


def refuses(what, document, status, words):
    for method in ("Check", "Load"):
        got = refusal(lambda: d.call(f"MembershipService/{method}", {"document": document, "file": "list.json"}, role="operator"))
        expect(f"{method}: {what}", got[:2], status)
        expect(f"{method}: {what}, in words", words in got[-1] or got[-1], True)


def one_sided(transfer, why):
    """Duinmeer has a newer list, Waterrijk has not: it refuses, and both know why."""
    expect("Duinmeer's list is fresh", told(d)[0], "fresh")
    asked = request()
    reason = {"code": "membership", "sentences": [why]}
    expect("the other party refuses", (asked["state"], asked["reason"]), ("TERMINATED", reason))
    theirs = w.call("AgreementService/Show", {"id": asked["peerId"]})["negotiation"]
    expect("and has the same reason", (theirs["state"], theirs["reason"]), ("TERMINATED", {**reason, "ours": True}))
    sentence = f"Denied: the party may not start a pull now: {why}."
    expect("a pull", pull(transfer), ("membership", sentence))
    for node, other in ((w, d), (d, w)):
        last = node.wait_log(1, kinds=["decision" if node is w else "received"], party=other.participant)[-1]
        expect(f"{node.key} recorded why", (last["decision"], last["reason"], last["sentence"]), ("refused", "membership", sentence))
    w.call("MembershipService/Load", {"document": (f.folder / "newest.json").read_text(), "file": "newest.json"}, role="operator")
    expect("with the newer list it goes on", (request().get("state"), pull(transfer)), ("FINALIZED", "whole"))


try:
    f.begin()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    valid_until = d.call("MembershipService/Show")["membership"]["validUntil"]
    one, two, three = stale()
    said = expired(one, two, three, valid_until)
    loading()
    one_sided(three[1], said)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
