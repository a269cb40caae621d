#!/usr/bin/env python3
"""Each side proves an agreement alone, by the other's receipt of it. And what a log signs is held against what it signed before: a consumer whose
node is put back in an older state, with all of its own safeguards, is found out by its provider.

usage: two_sided.py BIN_DIR SOURCE_DIR
"""
import pathlib
import shutil
import subprocess
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402

CROWD, ACTIVITY, DATASET = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"], "urn:waterrijk:detailed-counts"
OWN = ("store", "checkpoints", "payload_keys")  # what knows of the log on its own machine
f = Federation(scratch("two-sided"), binary=BIN / "sluis", base_port=25240, parties=("waterrijk", "duinmeer"), list_days=(400, 500))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def agree():
    return d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 20})["negotiation"]["agreement"]


def shown(node, agreement):
    return node.call("AgreementService/Show", {"id": agreement})["agreement"].get("evidence")


def until(what, wanted, limit=20):
    end = time.monotonic() + limit
    while what() != wanted and time.monotonic() < end:
        time.sleep(0.05)
    return what()


def an_agreement():
    made = agree()
    for node, other in ((w, d), (d, w)):
        expect(f"{node.key} says two-sided", until(lambda: shown(node, made), "two-sided"), "two-sided")
        expect("the log has the receipt", [(one["event"], one["agreement"]) for one in node.log(kinds=["receipt"])], [("agreement", made)])
        entry = int(node.log(kinds=["agreement"])[-1]["index"])
        for by in ({"index": entry}, {"agreement": made}, {"transaction": made}):
            proof = node.call("AuditService/Proof", by, role="dpo")
            expect(f"by {next(iter(by))}", (int(proof["index"]), proof["evidence"], len(proof["others"])), (entry, "two-sided", 1))
        file = f.folder / f"{node.key}.json"
        expect("the other's receipt", node.command("audit", "proof", made, "--theirs", "-O", file, role="dpo").returncode, 0)
        for whose, good in ((other, 0), (node, 1)):
            key = (whose.folder / "log.vkey").read_text().strip()
            expect(f"under {whose.key}'s key", f.sluis("audit", "verify-proof", file, "--key", key, check=False).returncode, good)
    expect("nothing is missing", [node.log(kinds=["receipt-missing"]) for node in (w, d)], [[], []])
    return made


def put_back(node, folder):
    node.stop()
    for name in OWN:
        shutil.rmtree(node.folder / name)
        shutil.copytree(folder / name, node.folder / name)
    if f.user:
        subprocess.run(["chown", "-R", f"{f.user.pw_uid}:{f.user.pw_gid}", str(node.folder)], check=True)
    node.start()
    node.wait_ready()


def findings():
    return [one for one in w.call("NodeService/Status", {}, role="operator").get("findings", []) if "contradicts itself" in one]


def a_log_put_back(made):
    transfer = d.call("TransferService/Start", {"agreement": made, "waitSeconds": 20})["transfer"]["id"]
    d.pull(transfer, CROWD, ACTIVITY)
    w.wait_log(1, kinds=["receipt"], event="received", limit=20)
    d.stop()
    for name in OWN:
        shutil.copytree(d.folder / name, f.folder / "older" / name)
    d.start()
    d.wait_ready()
    for _ in range(3):
        d.pull(transfer, CROWD, ACTIVITY)
    w.wait_log(4, kinds=["receipt"], event="received", limit=20)
    expect("both logs are the same", w.command("audit", "reconcile", d.participant, role="dpo").returncode, 0)
    expect("a known checkpoint", w.command("audit", "checkpoint", "--of", d.participant, role="dpo").returncode, 0)
    expect("and no finding", findings(), [])

    put_back(d, f.folder / "older")
    d.pull(transfer, CROWD, ACTIVITY)
    until(lambda: len(findings()), 1)
    expect("a finding", len(findings()), 1)
    expect("recorded", [one["event"] for one in w.log(kinds=["reconciled"])][-1], "contradicts")
    told = w.command("audit", "findings", "--output", "json", role="dpo").stdout
    expect("for the DPO, too", "log.contradicts" in told, True)
    file = f.folder / "both"
    asked = w.command("audit", "checkpoint", "--of", d.participant, "-O", file, role="dpo")
    expect("both checkpoints are given out", (asked.returncode, file.read_text().count("\u2014 ")), (1, 2))
    d.pull(transfer, CROWD, ACTIVITY)
    last = w.log(kinds=["decision"])[-1]
    expect("what is recorded now is one-sided", (last.get("evidence"), last["decision"]), ("one-sided", "permit"))

    until(lambda: [d.pull(transfer, CROWD, ACTIVITY), w.command("audit", "checkpoint", "--of", d.participant, "-O", file, role="dpo")] and
          file.read_text().startswith("sluis/conflict"), True, 40)
    if file.read_text().startswith("sluis/conflict"):  # where both histories had a checkpoint of one size
        key = (d.folder / "log.vkey").read_text().strip()
        checked = f.sluis("audit", "verify-proof", file, "--key", key, check=False)
        expect("proof for anybody", (checked.returncode, "signed two different logs" in checked.stdout), (0, True))
    kept = f.folder / "proofs"
    w.command("audit", "reconcile", d.participant, "-O", kept, role="dpo")
    expect("comparing gives the older checkpoint", (kept / "held-checkpoint").exists(), True)
    held = (kept / "held-checkpoint").read_text()
    expect("as it was signed", (held.count("\n\n\u2014 "), held.endswith("\n")), (1, True))

    w.command("audit", "reconcile", d.participant, "--accept", "its disk was put back", role="dpo")
    expect("a person settles it", (findings(), [one["event"] for one in w.log(kinds=["reconciled"])][-2]), ([], "accepted"))
    d.pull(transfer, CROWD, ACTIVITY)
    expect("and it counts again", w.log(kinds=["decision"])[-1].get("evidence"), None)


try:
    f.begin()
    f.offer_counts()
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    a_log_put_back(an_agreement())
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
