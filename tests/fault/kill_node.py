#!/usr/bin/env python3
"""Kills either of two nodes at random instants of a negotiation and of a pull. After each restart the negotiation goes on to
FINALIZED by itself, the pull can be repeated, nothing acknowledged is missing, and the logs verify: after every fifth kill at
once, from the checkpoint that was kept before it, and at the end from each that was kept. A third of the kills at least must have
hit a negotiation or pull that was running.

usage: kill_node.py BIN_DIR SOURCE_DIR [ROUNDS] [SEED]
"""
import base64
import collections
import datetime
import hashlib
import os
import pathlib
import random
import shutil
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation, PURPOSE, Refused, scratch  # noqa: E402

ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else (200 if os.environ.get("SLUIS_SOAK") else 50)
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
CROWD, ACTIVITY, DATASET = PURPOSE + "CrowdManagement", "https://duinmeer.example/activities/crowd", "urn:waterrijk:detailed-counts"
dice = random.Random(SEED)
f = Federation(scratch("kill-node"), binary=BIN / "sluis", base_port=18840, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
kept = {}  # of each node, the checkpoints from before it was killed
request = {"peer": w.participant, "offer": DATASET, "purpose": CROWD}


def patient(ask, limit=30):
    """Asks again while a node is down or its peer is: what a person would do."""
    until = time.monotonic() + limit
    while True:
        try:
            return ask()
        except (OSError, Refused) as error:
            if time.monotonic() > until:
                raise AssertionError(f"seed {SEED}: still {error}") from error
            time.sleep(0.05)


def finalized(agreed):
    """Every negotiation that was ever acknowledged reaches its end, on both sides with the same hash."""
    until = time.monotonic() + 40
    while True:
        listed = {n["id"]: n for n in patient(lambda: d.call("AgreementService/ListNegotiations", {"pageSize": 1000}))["negotiations"]}
        open_ones = [i for i in agreed if listed.get(i, {}).get("state") != "FINALIZED"]
        if not open_ones:
            return listed
        if time.monotonic() > until:
            raise AssertionError(f"seed {SEED}: not FINALIZED: {[listed.get(i, i) for i in open_ones]}\n{w.log_tail()}\n{d.log_tail()}")
        time.sleep(0.1)


class Strike(threading.Thread):
    """Keeps a node's checkpoint, kills it within `limit` seconds and starts it again."""

    def __init__(self, limit):
        super().__init__()
        self.victim, self.delay, self.at = dice.choice([w, d]), dice.uniform(0, limit), 0.0
        kept.setdefault(self.victim, []).append(self.victim.call("AuditService/Checkpoint", role="dpo")["note"])
        self.began = time.time()
        self.start()

    def run(self):
        time.sleep(self.delay)
        self.at = time.time()
        self.victim.kill()
        self.victim.start()
        self.victim.wait_ready()

    def hit(self, ended):
        return self.began < self.at < ended


def leaves_of(export):
    """The hashes of all entries (RFC 6962)."""
    for path in sorted(p for p in (export / "tile/entries").rglob("*") if p.is_file()):
        data = path.read_bytes()
        while data:
            length = int.from_bytes(data[:2], "big")
            yield hashlib.sha256(b"\0" + data[2:2 + length]).digest()
            data = data[2 + length:]


def root_of(row):
    while len(row) > 1:  # one that is left over goes up as it is
        row = [hashlib.sha256(b"\1" + row[i] + row[i + 1]).digest() if i + 1 < len(row) else row[i] for i in range(0, len(row), 2)]
    return row[0]


def verify(node, notes):
    """By the auditor's command from the newest of these checkpoints, and by hashing here from each."""
    node.stop()
    export, anchor = f.folder / f"export-{node.key}", f.folder / "anchor"
    shutil.rmtree(export, ignore_errors=True)
    f.sluis("audit", "export-log", export, "--config", node.folder / "node.toml", "--payloads")
    anchor.write_text(notes[-1])
    done = f.sluis("audit", "verify", "--log", export, "--key", node.folder / "log.vkey", "--anchor", anchor, check=False)
    if done.returncode != 0:
        raise AssertionError(f"seed {SEED}: {node.key}'s log: {done.stdout}{done.stderr}")
    leaves = list(leaves_of(export))
    for note in notes:
        _, size, root = note.split("\n")[:3]
        if root_of(leaves[:int(size)]) != base64.b64decode(root):
            raise AssertionError(f"seed {SEED}: {node.key}'s log is not what it was at {size}")
    node.start()
    node.wait_ready()


def check_records(transactions, whole):
    """A pull that came whole stands in both logs under its transaction: once asked, permitted and received."""
    logs = []
    for node in (d, w):
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for entry in node.log():
            found[entry.get("transaction")][entry["kind"]].append(entry)
        logs.append(found)
    complete = {("complete", hashlib.sha256(whole).hexdigest())}
    for transaction in transactions:
        ours, theirs = (log[transaction] for log in logs)
        ends = theirs["stream-end"] + theirs["cut"]
        once = len(ours["intent"]) == len(ours["received"]) == len(theirs["decision"]) == len(ends) == 1
        received = {(e["end"], e.get("digest")) for e in ours["received"]}
        # A provider that was killed after the last byte cannot know that it arrived.
        left = {(e["end"], e.get("digest")) for e in ends if e["end"] != "unknown"}
        if not once or received != complete or not left <= complete or theirs["decision"][0]["decision"] != "permit":
            raise AssertionError(f"seed {SEED}: {transaction} came whole, and the logs say {dict(ours)} {dict(theirs)}")


def start_transfer(agreement):
    transfer = patient(lambda: d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15}))["transfer"]["id"]
    patient(lambda: started(transfer))
    return transfer


def started(transfer):
    shown = d.call("TransferService/Show", {"id": transfer, "waitSeconds": 5})["transfer"]
    if shown.get("state") != "STARTED":
        raise OSError(f"not started: {shown}")


def whole_pull(transfer, transactions):
    """The bytes; the transaction is noted when they came whole."""
    head = []
    data, complete = d.pull(transfer, CROWD, ACTIVITY, on_head=head.append)
    if not complete:
        raise OSError("cut short")
    transactions.append(head[0]["sluis-transaction"])
    return data


def since(listed, number):
    """When the negotiation came to its end."""
    return datetime.datetime.fromisoformat(listed[number]["since"]).timestamp()


def undisturbed(transactions):
    """How long a negotiation and a pull take here."""
    began = time.time()
    number = d.call("AgreementService/Request", request)["negotiation"]["id"]
    listed = finalized([number])
    transfer = start_transfer(listed[number]["agreement"])
    pulled = time.time()
    whole_pull(transfer, transactions)
    return since(listed, number) - began, time.time() - pulled


def main():
    f.begin()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    whole = (w.folder / "datasets/detailed-counts.csv").read_bytes()
    acknowledged, transactions, strikes, hits, pulled = [], [], {}, collections.Counter(), 0
    negotiating, pulling = undisturbed(transactions)
    for number in range(ROUNDS):
        if number % 2 == 0:  # in the middle of a negotiation
            strike = Strike(2 * negotiating)
            try:
                acknowledged.append(d.call("AgreementService/Request", request)["negotiation"]["id"])
                strikes[acknowledged[-1]] = strike
            except (OSError, Refused):
                hits["negotiation"] += strike.hit(time.time())  # not acknowledged: it may or may not be there
            strike.join()
        else:  # in the middle of a pull
            listed = finalized(acknowledged[-1:])
            if not acknowledged:
                continue
            transfer = start_transfer(listed[acknowledged[-1]]["agreement"])
            strike = Strike(pulling)
            try:
                whole_pull(transfer, transactions)
            except (OSError, Refused):
                pass
            ended = time.time()
            strike.join()
            hits["pull"] += strike.hit(ended)
            data = patient(lambda: whole_pull(transfer, transactions))
            if data != whole:
                raise AssertionError(f"seed {SEED} round {number}: the pull could not be repeated: {len(data)} bytes\n{w.log_tail()}\n{d.log_tail()}")
            pulled += 1
        if number % 5 == 4:
            verify(strike.victim, kept[strike.victim][-1:])
    listed = finalized(acknowledged)
    hits["negotiation"] += sum(strike.hit(since(listed, number)) for number, strike in strikes.items())
    for number in {listed[i]["agreement"] for i in acknowledged}:
        ours, theirs = (n.call("AgreementService/Show", {"id": number})["agreement"] for n in (d, w))
        if ours["agreementHash"] != theirs["agreementHash"]:
            raise AssertionError(f"seed {SEED}: two agreements under one id: {ours} {theirs}")
    for node, notes in kept.items():
        verify(node, notes)
    check_records(transactions, whole)
    print(f"seed {SEED}: {ROUNDS} kills, {hits['negotiation']} of them hit a running negotiation and {hits['pull']} a running pull; "
          f"{len(acknowledged)} negotiations FINALIZED, {pulled} pulls repeated, {len(transactions)} whole ones in both logs; both logs verify "
          f"from {sum(map(len, kept.values()))} checkpoints")
    if hits.total() < ROUNDS / 3:
        raise AssertionError(f"seed {SEED}: only {hits.total()} of {ROUNDS} kills hit a negotiation or pull that was running")


try:
    main()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
