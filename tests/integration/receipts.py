#!/usr/bin/env python3
"""Receipts of data requests: each log proves what the other says of a pull. What does not come in time, or is not so, stands in the log
and is a finding. Terms may be for such parties alone.

usage: receipts.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import re
import shutil
import sys
import threading
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import foreign  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
FILE = 'file = "detailed-counts.csv"\n'
f = Federation(scratch("receipts"), binary=BIN / "sluis", base_port=23640, parties=("waterrijk", "duinmeer"), list_days=(400, 500))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
version = 1


def publish(name, source=FILE, terms=""):
    text = f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", f"urn:waterrijk:{name}").replace(FILE, source)
    w.call("DatasetService/Publish", {"toml": text.replace("processing_activity = true", "processing_activity = true\n" + terms), "file": f"{name}.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})


def agree(name):
    return d.call("AgreementService/Request", {"peer": w.participant, "offer": f"urn:waterrijk:{name}", "purpose": CROWD, "waitSeconds": 20})["negotiation"]


def begin(name, *how):
    publish(name, *how)
    return d.call("TransferService/Start", {"agreement": agree(name)["agreement"], "waitSeconds": 20})["transfer"]["id"]


def relist(evidence, *nodes):
    """A newer list, in which Duinmeer keeps evidence or not."""
    global version
    version += 1
    path = d.folder / "party.json"
    kept = path.read_text()
    foreign.write(f, path, json.dumps({**json.loads(kept), "evidence": evidence}))
    document = f.membership(version, (400, 500))
    foreign.write(f, path, kept)
    for node in nodes:
        node.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")


def settled(limit=20):
    """Once nothing waits in Duinmeer's outbox."""
    until = time.monotonic() + limit
    while time.monotonic() < until and number(d, "sluis_outbox_waiting") > 0:
        time.sleep(0.05)
    return number(d, "sluis_outbox_waiting")


def number(node, name):
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port + 2}/metrics", timeout=5) as answer:
        return float(re.search(rf"^{name} (\S+)$", answer.read().decode(), re.M).group(1))


def of(node, kind, transaction):
    return [one for one in node.log(kinds=[kind]) if one.get("transaction") == transaction]


def theirs(node, transaction, other):
    """The other party's receipt, as this node holds it, checked with the other's key alone: what it is of."""
    file = f.folder / f"{node.key}-{other.key}.json"
    file.unlink(missing_ok=True)
    held = node.command("audit", "proof", transaction, "--theirs", "-O", file, role="dpo")
    if held.returncode != 0:
        return held.stderr
    for whose, good in ((other, 0), (node, 1)):
        key = (whose.folder / "log.vkey").read_text().strip()
        expect(f"under {whose.key}'s key", f.sluis("audit", "verify-proof", file, "--key", key, check=False).returncode, good)
    return f.sluis("audit", "verify-proof", file, "--key", (other.folder / "log.vkey").read_text().strip()).stdout


def a_pull():
    transfer = begin("counts")
    got, whole = d.pull(transfer, CROWD, ACTIVITY)
    expect("it came", (len(got) > 0, whole), (True, True))
    received = d.wait_log(1, kinds=["received"])[-1]
    receipt = w.wait_log(1, kinds=["receipt"], event="received", limit=20)
    expect("the provider has the acknowledgement", [(one["event"], one["transaction"], one["counterparty"], one["digest"]) for one in receipt],
           [("received", received["transaction"], d.participant, received["digest"])])
    expect("nothing waits", settled(), 0)
    expect("the consumer holds the proof of the end", "stream-end" in theirs(d, received["transaction"], w), True)
    expect("the provider that of what came", "received" in theirs(w, received["transaction"], d), True)
    answer = d.call("AuditService/Proof", {"transaction": received["transaction"]}, role="dpo")
    expect("with that of the decision", len(answer["others"]), 2)
    proven = int(w.call("AuditService/Proof", {"transaction": received["transaction"]}, role="dpo")["index"])
    expect("the proof by transaction is of the end", [one["kind"] for one in w.log() if int(one.get("index", 0)) == proven], ["stream-end"])
    expect("counted", [number(node, "sluis_receipts_total") for node in (w, d)], [1, 1])
    expect("of no other request", "no entry has transaction" in theirs(d, "urn:uuid:00000000-0000-4000-8000-000000000000", w), True)
    return transfer


def many(transfer):
    before = len(w.log(kinds=["receipt"], event="received"))
    pulls = [threading.Thread(target=lambda: [d.pull(transfer, CROWD, ACTIVITY) for _ in range(10)]) for _ in range(4)]
    for one in pulls:
        one.start()
    for one in pulls:
        one.join()
    w.wait_log(before + 40, kinds=["receipt"], event="received", limit=20)
    expect("nothing waits", settled(), 0)
    transactions = sorted(one["transaction"] for one in d.log(kinds=["received"]))
    expect("each has its receipt, once", sorted(one["transaction"] for one in w.log(kinds=["receipt"]) if one["event"] == "received"), transactions)
    expect("and nothing is missing", [len(node.log(kinds=["receipt-missing"])) for node in (w, d)], [0, 0])


def broken_by(node, transfer):
    """A pull in the midst of which that node is killed. Its transaction."""
    size = []
    pulling = threading.Thread(target=lambda: d.pull(transfer, CROWD, ACTIVITY, on_chunk=lambda got: size.append(len(got))))
    pulling.start()
    until = time.monotonic() + 20
    while time.monotonic() < until and not (size and size[-1] > 100_000):
        time.sleep(0.01)
    node.kill()
    pulling.join(40)
    return (w if node is d else d).log(kinds=["decision" if node is d else "intent"])[-1]["transaction"]


def a_provider_that_crashed():
    f.put(w, "slow.csv", "time,counter,total,in,out\n" + "".join(f"2026-06-01T{n % 24:02}:00:00+02:00,K{n},{n % 50 + 20},{n % 25 + 10},{n % 50 + 20 - n % 25 - 10}\n" for n in range(40_000)))
    transfer = begin("slow", 'file = "slow.csv"\npace = "256 KiB/s"\n')
    transaction = broken_by(w, transfer)
    w.start()
    w.wait_ready(30)
    until = time.monotonic() + 40
    while time.monotonic() < until and not of(w, "receipt", transaction):
        time.sleep(0.1)
    expect("the provider does not know how it ended", [one["end"] for one in of(w, "stream-end", transaction)], ["unknown"])
    expect("and hears what came", [one["end"] for one in of(w, "receipt", transaction)], ["cut"])
    expect("nothing waits", settled(), 0)
    expect("the consumer holds what the provider's log says", "stream-end" in theirs(d, transaction, w), True)
    return transfer


def two_sided_terms():
    only = begin("both", FILE, "two_sided_evidence = true\n")
    expect("for a party whose log proves it", d.pull(only, CROWD, ACTIVITY)[1], True)
    told = w.call("TermsService/Explain", {"dataset": "urn:waterrijk:both"})
    expect("the terms say so", "two-sided: the other party's log proves it too" in json.dumps(told), True)
    expect("nothing waits", settled(), 0)
    relist("none", w)
    try:
        d.pull(only, CROWD, ACTIVITY)
        expect("no more for one whose log does not", "released", "refused")
    except Refused as refused:
        expect("no more for one whose log does not", (refused.status, "evidence" in refused.body), (403, True))
    expect("recorded", w.log(kinds=["decision"])[-1]["event"], "refused")
    try:
        expect("nor is it offered to it", agree("both")["state"], "nothing")
    except Refused as refused:
        expect("nor is it offered to it", (refused.status, "offers no" in refused.body), (404, True))
    transfer = begin("one")
    expect("other terms are open to it", d.pull(transfer, CROWD, ACTIVITY)[1], True)
    expect("and recorded as one-sided", [w.wait_log(1, kinds=[kind])[-1].get("evidence") for kind in ("agreement", "decision", "stream-end")], ["one-sided"] * 3)
    expect("unlike before", {e.get("evidence", "") for e in w.log(kinds=["stream-end"])[:-1]}, {""})
    transaction = d.wait_log(1, kinds=["received"])[-1]["transaction"]
    relist("1", w)
    return transaction


def a_consumer_that_stays_away(transfer, one_sided):
    transaction = broken_by(d, transfer)
    until = time.monotonic() + 20
    while time.monotonic() < until and not (of(w, "stream-end", transaction) + of(w, "cut", transaction)):
        time.sleep(0.05)
    w.command("demo", "clock", "+25h", role="operator")
    missing = w.wait_log(1, kinds=["receipt-missing"], limit=20)
    expect("what stayed away", [(one["event"], one["transaction"], one["counterparty"], one["reason"]) for one in missing],
           [("missing", transaction, d.participant, "receipt.missing")])
    expect("not of who keeps no evidence", of(w, "receipt-missing", one_sided), [])
    found = [one for one in json.loads(w.command("audit", "findings", "-o", "json", role="dpo").stdout)["findings"] if one["code"] == "request.unproven"]
    expect("is a finding", [(one["party"], one["entries"]) for one in found], [(d.participant, [missing[0]["index"]])])
    expect("counted", number(w, "sluis_receipts_missing_total"), 1)
    d.start()
    d.wait_ready(30)
    until = time.monotonic() + 40
    while time.monotonic() < until and not of(w, "receipt", transaction):
        time.sleep(0.1)
    expect("and may still come", [(one["event"], one["end"]) for one in of(w, "receipt", transaction)], [("received", "unknown")])
    expect("once", len(w.log(kinds=["receipt-missing"])), 1)


try:
    f.begin()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    many(a_pull())
    slow = a_provider_that_crashed()
    one_sided = two_sided_terms()
    a_consumer_that_stays_away(slow, one_sided)
    for node in f.nodes.values():
        export = f.folder / f"{node.key}-log"
        node.command("audit", "checkpoint", "-O", f.folder / f"{node.key}-anchor", role="dpo")
        node.command("audit", "export-log", export, role="dpo")
        expect(f"{node.key}: its log holds", f.sluis("audit", "verify", "--log", export, "--key", (node.folder / "log.vkey").read_text().strip(), "--anchor", f.folder / f"{node.key}-anchor", check=False).returncode, 0)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
