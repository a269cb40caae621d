#!/usr/bin/env python3
"""A member that asks for what it may not have, a hundred thousand times over: the log grows by little, each request is recorded or
counted, and another party is served all the while (D23). With SLUIS_SOAK ten times as many.

usage: flood.py BIN_DIR SOURCE_DIR
"""
import collections
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, MARKETING, PURPOSE, scratch  # noqa: E402

LEAF_BYTES = 70  # connector/docs/log-format.md
MANY = 10 if os.environ.get("SLUIS_SOAK") else 1
CLAIMS, OFFERS, GUESSES = 70_000 * MANY, 20_000 * MANY, 10_000 * MANY
THREADS = 4
CROWD, DATASET = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts"
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
f = Federation(scratch("flood"), binary=BIN / "sluis", base_port=20940, parties=("waterrijk", "duinmeer", "parkwijs"))
w, d, p = (f.nodes[k] for k in ("waterrijk", "duinmeer", "parkwijs"))
answers, lock = collections.Counter(), threading.Lock()


def transfer_of(node):
    """A running transfer of the detailed counts."""
    node.call("CatalogService/Fetch", {"peer": w.participant})
    node.call("ActivityService/Publish", {"id": ACTIVITIES[node.key], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = node.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})
    return node.call("TransferService/Start", {"agreement": made["negotiation"]["agreement"], "waitSeconds": 15})["transfer"]["id"]


def claims(transfer, times):
    """Parkwijs, past its own node, with claims of a purpose that its agreement does not have."""
    told = subprocess.run([f.rogue, "--config", p.folder / "node.toml", "--transfer", transfer, "--purpose", MARKETING, "--activity",
                           ACTIVITIES["parkwijs"], "--times", str(times)], capture_output=True, text=True)
    if told.returncode != 0:
        expect("the claims were sent", told.stderr, "")
    with lock:
        for line in told.stdout.splitlines():
            status, count = map(int, line.split())
            answers["data", status] += count


def requests(times, kind, ask):
    """So many, on one connection with Parkwijs's certificate."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    context.load_cert_chain(p.folder / "tls/node.pem", p.folder / "tls/node.key")
    connection = http.client.HTTPSConnection("localhost", w.port, context=context, timeout=30)
    statuses = collections.Counter()
    for i in range(times):
        connection.request(*ask(i))
        answer = connection.getresponse()
        answer.read()
        statuses[kind, answer.status] += 1
    with lock:
        answers.update(statuses)


def offers(offer, thread):
    """Contract requests for terms that nobody published."""
    other = json.loads(json.dumps(offer))
    other["permission"] = other["permission"][:1] * 2

    def ask(i):
        message = {"@context": CONTEXT, "@type": "ContractRequestMessage", "consumerPid": f"urn:uuid:{thread}-{i}",
                   "callbackAddress": f"https://localhost:{p.port}/2025-1", "offer": {**other, "target": DATASET}}
        return "POST", "/2025-1/negotiations/request", json.dumps(message), {"Content-Type": "application/json"}
    return lambda: requests(OFFERS // THREADS, "offer", ask)


def guesses():
    requests(GUESSES, "guess", lambda i: ("GET", "/data", None, {"Authorization": "Bearer " + f"{i:043}"}))


def served(transfer, stop, times):
    """Duinmeer pulls all the while."""
    while not stop.is_set():
        begun = time.monotonic()
        _, whole = d.pull(transfer, CROWD, ACTIVITIES["duinmeer"])
        times.append((time.monotonic() - begun, whole))


def size_of(folder):
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def log_size(name):
    """Bytes of the whole log as it is exported: leaves, tiles, and what the entries say."""
    target = f.folder / name
    done = w.command("audit", "export-log", target, "--payloads")
    expect("the log is exported", done.returncode if done.returncode == 0 else done.stderr, 0)
    return size_of(target)


def entry_bytes(export, index):
    """Of one entry in such an export: its leaf in the bundle, its hash in the tile, and the file with what it says."""
    parts = re.findall("...", f"{index:0{-(-len(str(index)) // 3) * 3}}")
    payload = export / "payloads" / "/".join([*("x" + one for one in parts[:-1]), parts[-1]])
    return 2 + LEAF_BYTES + 32 + (payload.stat().st_size if payload.exists() else 0)  # some say nothing


def entries_of_party():
    return w.log(party=p.participant)


def flood(offer, good, bad):
    stop, times = threading.Event(), []
    puller = threading.Thread(target=served, args=(good, stop, times))
    puller.start()
    begun = time.monotonic()
    work = [threading.Thread(target=claims, args=(bad, CLAIMS // THREADS)) for _ in range(THREADS)]
    work += [threading.Thread(target=offers(offer, thread)) for thread in range(THREADS)] + [threading.Thread(target=guesses)]
    for one in work:
        one.start()
    for one in work:
        one.join()
    took = time.monotonic() - begun
    stop.set()
    puller.join()
    expect("another party was served all the while", len(times) > 5 and all(whole for _, whole in times), True)
    print(f"    {CLAIMS + OFFERS + GUESSES} bad requests in {took:.0f} s; meanwhile {len(times)} pulls of another party, "
          f"the slowest {max(t for t, _ in times):.2f} s; answers {dict(answers)}", flush=True)


try:
    f.make()
    # So many that what is counted is the refusals, not the requests.
    config = w.folder / "node.toml"
    config.write_text(config.read_text() + "\n[quota]\nrequests_per_minute = 100000000\n")
    f.start()
    f.join()
    offer = json.loads(f.offer_counts()["offer"]["policy"])
    good, bad = transfer_of(d), transfer_of(p)
    before, size = len(entries_of_party()), log_size("before")
    flood(offer, good, bad)
    expect("each was answered", sum(answers.values()), CLAIMS + OFFERS + GUESSES)
    expect("with a refusal", {status for _, status in answers} - {201, 403, 404, 429}, set())
    w.stop()  # what was counted is written now at the latest
    w.start()
    w.wait_ready()
    mine = entries_of_party()[before:]
    refused = [e for e in mine if e["kind"] == "decision" and e["decision"] == "refused"]
    counted = [e for e in mine if e["kind"] == "refused-count"]
    begun = {e["negotiation"] for e in mine if e["kind"] == "negotiation"}
    expect("each data request is recorded or counted", len(refused) + sum(int(e["count"]) for e in counted if e["reason"] == "quota.refusals"),
           answers["data", 403] + answers["data", 429])
    expect("what has an entry is what was told its reason", (len(refused), len(begun)), (answers["data", 403], answers["offer", 201]))
    expect("few of them have an entry", len(refused) + len(begun) < 1000 * MANY, True)
    expect("the count names the party, its reason and a minute", bool(counted) and len(counted) < 100 * MANY, True)
    # Those of the party that was served are not what grew without need.
    whole = log_size("after") - size
    grown = sum(entry_bytes(f.folder / "after", int(e.get("index", "0"))) for e in mine)
    expect("what was measured is of what grew", 0 < grown < whole, True)
    print(f"    {len(mine)} entries of the party that asked: {len(refused)} refusals, {len(begun)} negotiations, {len(counted)} counts; "
          f"these are {grown / 1e6:.2f} MB of the log; the store is {size_of(w.folder / 'store') / 1e6:.1f} MB", flush=True)
    expect("the log grew by less than a megabyte, however many they were", grown < 1_000_000, True)
    expect("the operator's own log too", (f.folder / "waterrijk.log").stat().st_size < MANY * 1_000_000, True)
    # Requests have a share, too: whatever they ask.
    w.stop()
    config.write_text(config.read_text().replace("requests_per_minute = 100000000", "requests_per_minute = 60"))
    w.start()
    w.wait_ready()
    answers.clear()
    requests(500, "guess", lambda i: ("GET", "/data", None, {"Authorization": "Bearer " + f"{i:043}"}))
    expect("beyond its share a party is told to wait", answers["guess", 429] > 400 and 60 <= answers["guess", 404] < 100, True)
    # The consumer's node pulls for the other party, which has a share of its own.
    expect("the other party's share is its own", d.pull(good, CROWD, ACTIVITIES["duinmeer"])[1], True)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
