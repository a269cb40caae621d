#!/usr/bin/env python3
"""Kills either of two nodes at random instants of a negotiation and of a pull. After each restart the negotiation goes on to
FINALIZED by itself, the pull can be repeated, nothing acknowledged is missing, and both logs verify.

usage: kill_node.py BIN_DIR SOURCE_DIR [ROUNDS] [SEED]
"""
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import PURPOSE, Federation, Refused  # noqa: E402

ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else (200 if os.environ.get("SLUIS_SOAK") else 50)
SEED = int(sys.argv[4]) if len(sys.argv) > 4 else random.randrange(1 << 30)
CROWD, ACTIVITY, DATASET = PURPOSE + "CrowdManagement", "https://duinmeer.example/activities/crowd", "urn:waterrijk:detailed-counts"
dice = random.Random(SEED)
f = Federation(tempfile.mkdtemp(prefix="sluis-kill-node-", dir="/var/tmp"), binary=BIN / "sluis", base_port=18840, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


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


def kill_soon(delay):
    victim = dice.choice([w, d])

    def strike():
        time.sleep(delay)
        victim.kill()
        victim.start()
        victim.wait_ready()

    thread = threading.Thread(target=strike)
    thread.start()
    return thread


def verify(node):
    node.stop()
    export = f.folder / f"export-{node.key}"
    shutil.rmtree(export, ignore_errors=True)
    f.sluis("audit", "export-log", export, "--config", node.folder / "node.toml", "--payloads")
    done = f.sluis("audit", "verify", "--log", export, "--key", node.folder / "log.vkey", check=False)
    if done.returncode != 3:
        raise AssertionError(f"seed {SEED}: {node.key}'s log: {done.stdout}{done.stderr}")
    node.start()
    node.wait_ready()


def main():
    f.make()
    f.start()
    f.join()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    w.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts", "2027-06-01T00:00:00Z"), "file": "detailed-counts.toml"})
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    whole = (w.folder / "datasets/detailed-counts.csv").read_bytes()
    acknowledged, pulled = [], 0
    request = {"peer": w.participant, "offer": DATASET, "purpose": CROWD}
    for number in range(ROUNDS):
        if number % 2 == 0:  # in the middle of a negotiation
            strike = kill_soon(dice.uniform(0, 0.06))
            try:
                acknowledged.append(d.call("AgreementService/Request", request)["negotiation"]["id"])
            except (OSError, Refused):
                pass  # not acknowledged: it may or may not be there
            strike.join()
        else:  # in the middle of a pull
            listed = finalized(acknowledged[-1:])
            if not acknowledged:
                continue
            agreement = listed[acknowledged[-1]]["agreement"]
            transfer = patient(lambda: d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15}))["transfer"]["id"]
            patient(lambda: started(transfer))
            strike = kill_soon(dice.uniform(0, 0.05))
            try:
                d.pull(transfer, CROWD, ACTIVITY)
            except (OSError, Refused):
                pass
            strike.join()
            data, complete = patient(lambda: whole_pull(transfer))
            if not complete or data != whole:
                raise AssertionError(f"seed {SEED} round {number}: the pull could not be repeated: {len(data)} bytes\n{w.log_tail()}\n{d.log_tail()}")
            pulled += 1
    listed = finalized(acknowledged)
    for number in {listed[i]["agreement"] for i in acknowledged}:
        ours, theirs = (n.call("AgreementService/Show", {"id": number})["agreement"] for n in (d, w))
        if ours["agreementHash"] != theirs["agreementHash"]:
            raise AssertionError(f"seed {SEED}: two agreements under one id: {ours} {theirs}")
    for node in (w, d):
        verify(node)
    print(f"seed {SEED}: {ROUNDS} kills; {len(acknowledged)} negotiations FINALIZED, {pulled} pulls repeated; both logs verify")


def started(transfer):
    shown = d.call("TransferService/Show", {"id": transfer, "waitSeconds": 5})["transfer"]
    if shown.get("state") != "STARTED":
        raise OSError(f"not started: {shown}")


def whole_pull(transfer):
    data, complete = d.pull(transfer, CROWD, ACTIVITY)
    if not complete:
        raise OSError("cut short")
    return data, complete


try:
    main()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
