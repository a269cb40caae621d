#!/usr/bin/env python3
"""The DPO's round through the real binary: the report, each line with its entry and that entry with its proof; and what a leak
concerns. Who may see it, and what stands there of an exchange, a refusal and an evaluation. Then paper against practice: what of
register, terms and agreements does not fit the log.

usage: audit.py BIN_DIR SOURCE_DIR
"""
import hashlib
import json
import pathlib
import re
import shutil
import ssl
import sys
import threading
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, MARKETING, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "https://w3id.org/dpv#Marketing", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("audit"), binary=BIN / "sluis", base_port=19340, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def told(node, *words, role="dpo"):
    done = node.command("audit", *words, "--output", "json", role=role)
    expect(f"audit {' '.join(map(str, words))}", (done.returncode, done.stderr), (0, ""))
    return json.loads(done.stdout or "{}")


def cut_short():
    """What came in before a transfer was suspended: it is cut, and here all the same."""
    f.publish(w, "detailed-counts-paced")
    d.call("CatalogService/Fetch", {"peer": w.participant})
    dataset = "urn:waterrijk:detailed-counts-paced"
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": dataset, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    transfer = d.call("TransferService/Start", {"agreement": made, "waitSeconds": 15})["transfer"]
    began, got = threading.Event(), []
    puller = threading.Thread(target=lambda: got.append(d.pull(transfer["id"], CROWD, ACTIVITY, on_chunk=lambda _: began.set())))
    puller.start()
    expect("a paced pull began", began.wait(10), True)
    w.call("TransferService/Suspend", {"id": transfer["peerId"], "code": "pause", "sentence": "maintenance"})
    puller.join(20)
    expect("it was cut", (got[0][1], len(got[0][0]) > 0), (False, True))
    for node in (w, d):
        node.wait_log(1, kinds=["cut" if node is w else "received"], dataset=dataset)
    (here,) = [one for one in told(d, "impact", "--agreement", made)["affected"] if one["kind"] == "received"]
    expect("what came in and was cut counts", (here["event"], int(here["bytes"]) >= len(got[0][0])), ("cut", True))
    (there,) = told(w, "impact", "--agreement", made)["affected"]
    expect("and what was released until then", (int(there["times"]), int(there["bytes"]) >= len(got[0][0]), len(there["entries"])), (1, True, 2))


def evaluate(agreement, purpose):
    asked = {"subject": {"type": "party", "id": d.participant}, "resource": {"type": "agreement", "id": agreement},
             "action": {"name": "use", "properties": {"purpose": purpose, "processing_activity_id": ACTIVITY}}}
    request = urllib.request.Request(f"http://127.0.0.1:{w.port + 2}/access/v1/evaluation", data=json.dumps(asked).encode(),
                                     headers={"Content-Type": "application/json", "Authorization": f"Bearer {w.token('application')}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["decision"]


def certificate(node):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((node.folder / "tls/node.pem").read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")).hexdigest()


def report(agreement, size):
    lines = told(w, "report")["lines"]
    kinds = [line["entry"]["kind"] for line in lines]
    expect("only of exchanges", {"node-started", "membership", "published"} & set(kinds), set())
    expect("in the log's order", [int(line["entry"].get("index", 0)) for line in lines], sorted(int(line["entry"].get("index", 0)) for line in lines))
    permits = [line for line in lines if line["entry"]["kind"] == "decision" and line["entry"]["decision"] == "permit"]
    expect("the permits", [line["entry"]["event"] for line in permits], ["permitted", "permitted", "evaluated.permitted"])
    for line in permits:
        expect("who, by name", (line["entry"]["counterparty"], line["party"]), (d.participant, "Gemeente Duinmeer"))
        expect("what", (line["entry"]["dataset"], line["title"]), (DATASET, "Passers-by at all counters, in full detail"))
        expect("why", (line["entry"]["purpose"], line["entry"]["activity"]), (CROWD, ACTIVITY))
        expect("under which agreement", line["entry"]["agreement"], agreement)
        expect("who decided the terms", line["decidedBy"], {"body": "Council of Waterrijk", "kind": "elected", "reference": "Decision 2026-17"})
        expect("another's activity has no basis here", "legalBasis" in line, False)
    refused = [line for line in lines if line["entry"].get("decision") == "refused" and line["entry"]["kind"] == "decision"]
    expect("the refusal", [(line["entry"]["purpose"], line["entry"]["reason"]) for line in refused], [(MARKETING, "purpose")])
    expect("its rule, and in words", (refused[0]["entry"]["rule"], "managing crowds" in refused[0]["ruleTold"].lower() or "crowd" in refused[0]["ruleTold"].lower()), ("/permission/0", True))
    ends = [line for line in lines if line["entry"]["kind"] == "stream-end"]
    expect("what left", [(line["entry"]["end"], int(line["entry"]["bytes"])) for line in ends], [("complete", size)] * 2)
    expect("in Dutch", "Gemeente" in json.dumps(told(w, "report", "--lang", "nl", "--decision", "refused")), True)
    table = w.command("audit", "report", role="dpo")
    expect("as a table", [word for word in ("LEGAL BASIS", "DECIDED BY", "Council of Waterrijk") if word not in table.stdout], [])
    expect("a part of it", [line["entry"]["index"] for line in told(w, "report", "--purpose", MARKETING)["lines"]], [refused[0]["entry"]["index"]])
    expect("of a time to come", told(w, "report", "--from", "2100-01-01T00:00:00Z").get("lines", []), [])
    expect("at the other node, with the basis of its own register",
           {tuple(line.get("legalBasis", [])) for line in told(d, "report", "--kind", "received")["lines"]}, {("eu-gdpr:A6-1-e",)})
    return permits, ends


def impact(permits, ends, size):
    found = told(w, "impact", "--party", d.participant)["affected"]
    pulled = [one for one in found if one["event"] == "permitted"]
    entries = sorted(int(line["entry"]["index"]) for line in permits[:2] + ends)
    expect("one recipient", [(one["counterparty"], one["dataset"], one["purpose"], one["activity"]) for one in pulled], [(d.participant, DATASET, CROWD, ACTIVITY)])
    expect("all releases", (int(pulled[0]["times"]), int(pulled[0]["bytes"]), sorted(map(int, pulled[0]["entries"]))), (2, 2 * size, entries))
    expect("and what was only answered", [int(one["times"]) for one in found if one["event"] == "evaluated.permitted"], [1])
    expect("by certificate", [one["event"] for one in told(w, "impact", "--certificate", certificate(d))["affected"]], ["permitted"])
    fingerprint = ":".join(certificate(d)[i:i + 2] for i in range(0, 64, 2)).upper()
    expect("as OpenSSL prints it", [one["event"] for one in told(w, "impact", "--certificate", fingerprint)["affected"]], ["permitted"])
    kid = re.search(r'^claim_kid = "(.*)"', (d.folder / "node.toml").read_text(), re.M)[1]
    for what, key in (("its certificate", certificate(d)), ("as OpenSSL prints it", fingerprint), ("its claim key", kid)):
        expect(f"by a key: {what}", [one["event"] for one in told(w, "impact", "--key", key)["affected"]], ["permitted"])
        expect(f"in the log: {what}", {entry["kind"] for entry in told(w, "log", "--key", key)["entries"]} >= {"decision"}, True)
    expect("by a key that nobody came with", told(w, "impact", "--key", "abc")["affected"], [])
    expect("`--to` is `--until`", told(w, "impact", "--key", kid, "--to", "2020-01-01T00:00:00Z")["affected"], [])
    expect("also of a report", told(w, "report", "--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z").get("lines", []), [])
    expect("by a certificate that nobody came with", told(w, "impact", "--certificate", "ab" * 32)["affected"], [])
    expect("by activity", len(told(w, "impact", "--activity", ACTIVITY, "--dataset", DATASET)["affected"]), 2)
    expect("before all of it", told(w, "impact", "--party", d.participant, "--until", "2020-01-01T00:00:00Z")["affected"], [])
    got = told(d, "impact", "--dataset", DATASET)["affected"]
    expect("what came in, at the other node", [(one["kind"], int(one["times"]), int(one["bytes"])) for one in got if one["kind"] == "received"], [("received", 2, 2 * size)])
    done = w.command("audit", "impact", role="dpo")
    expect("it must be said what leaked", (done.returncode, "it is not said what leaked" in done.stderr), (2, True))
    for index in entries:
        proof = f.folder / f"proof-{index}"
        expect("each is proven", w.command("audit", "proof", index, "-O", proof, role="dpo").returncode, 0)
        expect("alone", f.sluis("audit", "verify-proof", proof, "--key", w.folder / "log.vkey", check=False).returncode, 0)


def findings(agreement):
    found = told(w, "findings")
    expect("the log is young: nothing is called unused", {one["code"] for one in found.get("findings", [])} & {"activity.unused", "purpose.unused", "agreement.silent"}, set())
    expect("what the log covers", ("from" in found, "until" in found, int(found["logSize"]) > 0), (True, True, True))
    # Terms for companies only: the agreement with a municipality stands.
    narrower = f.dataset("detailed-counts")
    classes = next(line for line in narrower.splitlines() if line.startswith("classes = "))
    w.call("DatasetService/Publish", {"toml": narrower.replace(classes, 'classes = ["company"]'), "file": "detailed-counts.toml"})
    expect("the older agreement still permits it", evaluate(agreement, CROWD), True)
    (entry,) = w.log(kinds=["decision"], event="evaluated", decision="permit", newestFirst=True)[:1]
    wider = [one for one in told(w, "findings")["findings"] if one["code"] == "dataset.wider"]
    expect("it is told, with the entry that shows it", [(one["party"], one["dataset"], one["agreement"], one["purpose"], one["times"], one["entries"]) for one in wider],
           [(d.participant, DATASET, agreement, CROWD, "1", [entry["index"]])])
    expect("in words", (wider[0]["sentence"].startswith('"Passers-by'), "Gemeente Duinmeer" in wider[0]["sentence"]), (True, True))
    expect("in Dutch", "nieuwste voorwaarden" in json.dumps(told(w, "findings", "--lang", "nl")), True)
    table = w.command("audit", "findings", role="dpo")
    expect("as a table, and no error", (table.returncode, "dataset.wider" in table.stdout, "ENTRIES" in table.stdout), (0, True, True))
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": str(200 * 86400)}, role="operator")
    later = told(w, "findings")["findings"]
    expect("after 200 days: the register has an activity that nothing names", [one["activity"] for one in later if one["code"] == "activity.unused"], [ACTIVITY])
    expect("and agreements are silent", agreement in [one["agreement"] for one in later if one["code"] == "agreement.silent"], True)
    there = told(d, "findings")["findings"]
    expect("at the other node the activity was named", [one for one in there if one["code"].startswith("activity.")], [])
    expect("as it was before all of it", told(w, "findings", "--until", "2020-01-01T00:00:00Z").get("findings", []), [])


try:
    f.begin()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    text = f.dataset("detailed-counts").replace("[terms]", '[terms]\ndecided_by = { body = "Council of Waterrijk", kind = "elected", reference = "Decision 2026-17" }')
    w.call("DatasetService/Publish", {"toml": text, "file": "detailed-counts.toml"})
    # The provider has an activity of the same name: it says nothing of the consumer's.
    w.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Ours", "legalBasis": ["eu-gdpr:A6-1-f"]})
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds", "legalBasis": ["eu-gdpr:A6-1-e"]})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    agreement = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    transfer = d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]["id"]
    size = len((w.folder / "datasets/detailed-counts.csv").read_bytes())
    for _ in range(2):
        expect("a pull", len(d.pull(transfer, CROWD, ACTIVITY)[0]), size)
    w.wait_log(2, kinds=["stream-end"])
    d.wait_log(2, kinds=["received"])
    expect("a permit", evaluate(agreement, CROWD), True)
    expect("a refusal", evaluate(agreement, MARKETING), False)
    permits, ends = report(agreement, size)
    impact(permits, ends, size)
    cut_short()
    for role in ("application", "operator"):
        try:
            w.call("AuditService/Report", {}, role=role)
            expect(f"not for {role}", True, False)
        except Refused as refused:
            expect(f"not for {role}", refused.status, 403)
    findings(agreement)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
