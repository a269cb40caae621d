#!/usr/bin/env python3
"""Evaluations a second over loopback at 32 keep-alive connections, each durably recorded, beside an OPA server that is asked the
same questions in turn and records nothing: one that may use one core, and one that may use all. Then twenty evaluations a request,
which OPA has not. All give the same decisions, which is checked first. Without OPA ours stands alone. One JSON object a line, medians
of three.

usage: authzen.py BIN_DIR SOURCE_DIR
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402

RUNS, SECONDS, CONNECTIONS, BATCH = 3, 5, 32, 20
OPA = "github.com/open-policy-agent/opa@v1.22.3"
DATASET, CROWD = "urn:waterrijk:detailed-counts", PURPOSE + "CrowdManagement"
f = Federation(scratch("bench-authzen"), binary=BIN / "sluis", base_port=20340, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
OPA_PORTS = {"on one core": w.port + 30, "on all cores": w.port + 31}

# What the node checks of these questions, as Rego: who asks, under which agreement, for a purpose that its terms allow.
REGO = """
package authzen

default decision := false

decision if {
    input.action.name == "use"
    input.subject.type == "party"
    input.resource.type == "agreement"
    agreement := data.agreements[input.resource.id]
    agreement.party == input.subject.id
    agreement.classes[_] == data.classes[input.subject.id]
    input.action.properties.processing_activity_id != ""
    agreement.purposes[_] == data.broader[input.action.properties.purpose][_]
}
"""


def find_opa():
    """The pinned program, or none: installed with Go, where there is Go, into the build folder."""
    folder = (SOURCE / "build/peers").resolve()
    if not shutil.which("opa", path=str(folder)) and shutil.which("go"):
        subprocess.run(["go", "install", OPA], env={**os.environ, "GOBIN": str(folder)}, stdout=sys.stderr, check=False)
    return shutil.which("opa", path=str(folder))


def start_opas(program, agreement):
    terms = {p["iri"]: p.get("parents", []) for p in purposes()}

    def broader(iri):
        return {iri}.union(*(broader(parent) for parent in terms.get(iri, [])))
    known = {"agreements": {agreement: {"party": d.participant, "classes": ["municipality", "company"], "purposes": [CROWD]}},
             "classes": {node.participant: node.party_class for node in f.nodes.values()},
             "broader": {iri: sorted(broader(iri)) for iri in terms}}
    (f.folder / "data.json").write_text(json.dumps(known))
    (f.folder / "policy.rego").write_text(REGO)
    log = open(f.folder / "opa.log", "ab")
    return [subprocess.Popen([program, "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error", "--disable-telemetry",
                              f.folder / "policy.rego", f.folder / "data.json"], stdout=log, stderr=log,
                             env={**os.environ, "GOMAXPROCS": "1"} if cores == "on one core" else None)
            for cores, port in OPA_PORTS.items()]


def purposes():
    found, token = [], ""
    while True:
        page = w.call("PurposeService/List", {"pageSize": 1000, "pageToken": token})
        found += page.get("purposes", [])
        token = page.get("nextPageToken", "")
        if not token:
            return found


def questions(agreement):
    """Of each ten, seven are permitted; the others are for another purpose, by another party, under no agreement."""
    def one(purpose=CROWD, party=d.participant, under=agreement):
        return {"subject": {"type": "party", "id": party}, "resource": {"type": "agreement", "id": under},
                "action": {"name": "use", "properties": {"purpose": purpose, "processing_activity_id": ACTIVITIES["duinmeer"]}},
                "context": {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}
    return [one()] * 7 + [one(purpose="https://w3id.org/dpv#Marketing"), one(party="did:web:stroomplein.example"), one(under="urn:uuid:none")]


def ask(url, body):
    asked = urllib.request.Request(url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json", "Authorization": f"Bearer {w.token('application')}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)


def requests_a_second(url, bodies):
    """And how many were answered."""
    done = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", SOURCE / "tests/bench/authzen.lua", url], capture_output=True, text=True,
                          check=True, env={**os.environ, "BENCH_BODIES": str(bodies), "BENCH_TOKEN": w.token("application")}).stdout
    if "Non-2xx" in done or "Socket errors" in done:
        raise SystemExit(f"{url}: {done}")
    return float(done.split("Requests/sec:")[1].split()[0]), int(done.split(" requests in ")[0].split()[-1])


def entries():
    return int(w.call("AuditService/Log", {"pageSize": 1}, role="dpo")["logSize"])


def wait_for(url, body):
    for _ in range(200):
        try:
            return ask(url, body)
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


def measure(name, url, bodies, evaluations):
    """Ours and each of theirs in turn: the machine's mood is shared."""
    runs = []
    for _ in range(RUNS):
        before = entries()
        speed, answered = requests_a_second(url, bodies)
        if entries() - before < answered * evaluations:
            raise SystemExit("not every answer was recorded")
        runs.append((speed * evaluations, {cores: requests_a_second(url_of(port), f.folder / "theirs")[0] for cores, port in OPA_PORTS.items()} if opas else {}))
    value = round(statistics.median(own for own, _ in runs), 1)
    for cores in OPA_PORTS if opas else [None]:
        against = f"OPA {version} {cores}, one a request, nothing recorded: {statistics.median(theirs[cores] for _, theirs in runs):.1f}" if cores else "no OPA here"
        ratio = round(statistics.median(own / theirs[cores] for own, theirs in runs), 2) if cores else None
        print(json.dumps({"name": name, "value": value, "unit": "evaluations/s", "against": against, "ratio": ratio}), flush=True)


def url_of(port):
    return f"http://127.0.0.1:{port}/v1/data/authzen/decision"


opas, version = [], ""
try:
    f.begin()
    f.offer_counts()
    agreement = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 20})["negotiation"]["agreement"]
    d.stop()
    asked = questions(agreement)
    ours = f"http://127.0.0.1:{w.port + 2}/access/v1/evaluation"
    (f.folder / "ours").write_text("\n".join(json.dumps(one) for one in asked) + "\n")
    (f.folder / "batches").write_text(json.dumps({"evaluations": asked * (BATCH // len(asked))}) + "\n")
    (f.folder / "theirs").write_text("\n".join(json.dumps({"input": one}) for one in asked) + "\n")
    program = find_opa()
    if program:
        opas = start_opas(program, agreement)
        version = subprocess.run([program, "version"], capture_output=True, text=True).stdout.split()[1]
        for port in OPA_PORTS.values():
            wait_for(url_of(port), {"input": asked[0]})
            for one in asked:
                got = (ask(ours, one)["decision"], ask(url_of(port), {"input": one})["result"])
                if got[0] != got[1]:
                    raise SystemExit(f"not the same question: {one} is {got[0]} here and {got[1]} there")
    measure(f"authzen.evaluations_{CONNECTIONS}_connections", ours, f.folder / "ours", 1)
    measure(f"authzen.evaluations_{BATCH}_a_request", ours + "s", f.folder / "batches", BATCH)
finally:
    for opa in opas:
        opa.terminate()
        opa.wait()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
