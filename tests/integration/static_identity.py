#!/usr/bin/env python3
"""Identity scheme `static`: on this machine only, or the node does not start; who is let in; what a script plans outlives a kill; an agreement on
paper needs two persons.

usage: static_identity.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support"), str(SOURCE / "conformance/records")]
import foreign  # noqa: E402
import prov_check  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

PEER, VALUE = "urn:test:peer", '{"clientId":"urn:test:peer"}'
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
f = Federation(scratch("static"), binary=BIN / "sluis", base_port=21460, parties=("waterrijk",))
w = f.nodes["waterrijk"]
OWN, THEIRS = f"http://127.0.0.1:{w.port}", f"http://127.0.0.1:{w.port + 8}"
got = []  # paths, Authorization and bodies of what the node sent


class Peer(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        got.append((self.path, self.headers["Authorization"], json.loads(body)))
        self.answer(200)

    def do_GET(self):
        got.append((self.path, self.headers["Authorization"], {"@type": "GET"}))
        self.answer(404)

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


SCRIPT = 'delay_ms = 1500\n[[negotiation]]\nrole = "provider"\ndatasets = ["urn:waterrijk:detailed-counts"]\nrequested = "agree"\n'
STATIC = f"[[inbound]]\nparty = '{PEER}'\nauthorization = '{VALUE}'\n[[outbound]]\nparty = '{PEER}'\nauthorization = 'our own'\n"


def configure(values=STATIC, script=SCRIPT, **changes):
    foreign.configure(f, w, made, values, script, **changes)


def does_not_start(what, why, **changes):
    configure(**changes)
    done = f.sluis("serve", "--config", w.folder / "node.toml", check=False)
    expect(what, (done.returncode, why in done.stderr or done.stderr), (1, True))


def ask(path, value, body=None):
    headers = {"Content-Type": "application/json", **({"Authorization": value} if value else {})}
    request = urllib.request.Request(OWN + path, data=None if body is None else json.dumps({"@context": CONTEXT, **body}).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def of_kind(kind):
    return [body for path, _, body in got if body["@type"] == kind]


def wait(until, limit=15):
    end = time.monotonic() + limit
    while not until() and time.monotonic() < end:
        time.sleep(0.02)


peer = ThreadingHTTPServer(("127.0.0.1", w.port + 8), Peer)
threading.Thread(target=peer.serve_forever, daemon=True).start()
try:
    f.make()
    foreign.list_peer(f, w, PEER, THEIRS)
    made = (w.folder / "node.toml").read_text()
    # Elsewhere it does not start.
    does_not_start("a listener that others reach", "can be reached from elsewhere", listen="0.0.0.0")
    does_not_start("a listener with an address of the network", "can be reached from elsewhere", listen="192.0.2.1")
    does_not_start("an address that is not this machine's", "is for this machine only", url="http://192.0.2.1:1")
    does_not_start("a name", "is for this machine only", url=f"http://localhost:{w.port}")
    does_not_start("https", "is for this machine only", url=f"https://localhost:{w.port}")
    does_not_start("values that others can read", "others can read the secret", mode=0o644)
    does_not_start("one value for two parties", "static.toml:9:17: this value stands for a party already",
                   values=STATIC + f"[[inbound]]\nparty = 'urn:test:other'\nauthorization = '{VALUE}'\n")
    does_not_start("a script with a word that does not follow", "script.toml:5:13: `verify` cannot follow that in the role of provider",
                   script=SCRIPT.replace("agree", "verify"))
    # Here it does, and says so.
    configure()
    w.start()
    w.wait_ready()
    f.join()
    expect("it is said loudly", "IDENTITY SCHEME `static`" in w.log_tail(), True)
    expect("also to whoever asks", "the identity scheme is `static`" in w.command("doctor", role="operator").stdout, True)
    expect("and the value is not said", VALUE in w.log_tail(), False)
    request = {"@type": "CatalogRequestMessage"}
    expect("the right value", ask("/2025-1/catalog/request", VALUE, request)[0], 200)
    expect("another value", ask("/2025-1/catalog/request", VALUE.upper(), request)[0], 404)
    expect("the value of whom we send", ask("/2025-1/catalog/request", "our own", request)[0], 404)
    expect("no value", ask("/2025-1/catalog/request", "", request)[0], 404)
    expect("no data without a certificate", ask("/data", VALUE)[0], 404)
    # A step that is planned outlives a kill, and is taken once.
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts")
    dataset = "urn:waterrijk:detailed-counts"
    offer = {"@type": "Offer", "@id": "asked", "target": dataset, "permission": [{"action": "use"}]}
    request = {"@type": "ContractRequestMessage", "consumerPid": "urn:test:1", "callbackAddress": THEIRS, "offer": offer}
    expect("a request", ask("/2025-1/negotiations/request", VALUE, request)[0], 201)
    shown = w.call("AgreementService/ListNegotiations", {})["negotiations"][0]
    expect("what is planned is shown", (shown["waitsFor"], shown.get("planned"), "plannedFor" in shown), ("script", "agree", True))
    w.kill()
    expect("nothing was sent before its time", of_kind("ContractAgreementMessage"), [])
    w.start()
    w.wait_ready()
    wait(lambda: of_kind("ContractAgreementMessage"))
    ask("/2025-1/negotiations/" + shown["id"] + "/agreement/verification", VALUE,
        {"@type": "ContractAgreementVerificationMessage", "providerPid": shown["id"], "consumerPid": "urn:test:1"})
    wait(lambda: of_kind("ContractNegotiationEventMessage"))
    expect("it came once", len(of_kind("ContractAgreementMessage")), 1)
    expect("with the value for that party", {value for _, value, _ in got}, {"our own"})
    went_on = [one["eventType"] for one in of_kind("ContractNegotiationEventMessage")]
    expect("and what the script does not name went on as ever", went_on, ["FINALIZED"])
    # An offer that stands in no catalogue.
    document = f.folder / "offer.json"
    foreign.write(f, document, json.dumps({**offer, "target": "urn:test:theirs"}))
    asked = w.command("agreement", "request", PEER, "--document", document, "--address", THEIRS, role="steward")
    expect("asked for", (asked.returncode, asked.stderr), (0, ""))
    wait(lambda: of_kind("ContractRequestMessage"))
    expect("at the address that was given", [(path, body["offer"]["target"]) for path, _, body in got if path == "/negotiations/request"],
           [("/negotiations/request", "urn:test:theirs")])
    elsewhere = w.command("agreement", "request", PEER, "--document", document, "--address", "http://127.0.0.1:1", role="steward")
    expect("an address elsewhere", elsewhere.returncode, 1)
    # An agreement on paper.
    paper = f.folder / "paper.toml"
    foreign.write(f, paper, f'''id = "urn:test:paper"\nrole = "provider"\nparty = "{PEER}"\ndataset = "{dataset}"\nagreed = "2026-01-15"\naddress = "{THEIRS}"
basis = "contract 2026-014, signed on paper"\ndocument = "{"ab" * 32}"\nterms = '{{"permission": [{{"action": "use"}}]}}'\n''')
    transfer = {"@type": "TransferRequestMessage", "consumerPid": "urn:test:2", "agreementId": "urn:test:paper", "format": "HttpData-PULL",
                "callbackAddress": THEIRS}
    expect("one person", w.command("agreement", "import", paper, role="steward").returncode, 0)
    expect("is not enough", ask("/2025-1/transfers/request", VALUE, transfer)[0], 404)
    expect("the same again neither", w.command("agreement", "import", paper, role="steward").returncode, 1)
    expect("nor is another role's reader", w.command("agreement", "import", paper, role="dpo").returncode, 1)
    expect("a second one", w.command("agreement", "import", paper, role="privacy_officer").returncode, 0)
    entries = w.log(kinds=["agreement"])
    expect("both are on record", [one["event"] for one in entries if one.get("agreement") == "urn:test:paper"], ["imported.asked", "imported"],
           ["imported", "imported.asked"])
    told = w.command("audit", "export", "--format", "prov", role="dpo")
    findings = list(prov_check.check_turtle(told.stdout))
    expect("and in what others read", (told.returncode, findings, "urn:sluis:import:urn:test:paper" in told.stdout), (0, [], True))
    expect("transfers go by it", ask("/2025-1/transfers/request", VALUE, transfer)[0], 201)
    wait(lambda: of_kind("TransferStartMessage"))
    expect("and are started", len(of_kind("TransferStartMessage")), 1)
    address = of_kind("TransferStartMessage")[0]["dataAddress"]
    handle = next(one["value"] for one in address["endpointProperties"] if one["name"] == "authorization")
    expect("its handle opens nothing without a certificate", ask("/data", f"Bearer {handle}")[0], 404)
    # Nor does a handle of theirs leave this node: it would stand where the fixed value stands.
    foreign.write(f, paper, paper.read_text().replace("urn:test:paper", "urn:test:other").replace('"provider"', '"consumer"'))
    for role in ("privacy_officer", "steward"):
        expect(f"imported by the {role}", w.command("agreement", "import", paper, role=role).returncode, 0)
    crowd = PURPOSE + "CrowdManagement"
    w.call("ActivityService/Publish", {"id": ACTIVITIES["waterrijk"], "purpose": crowd, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    own = w.call("TransferService/Start", {"agreement": "urn:test:other"})["transfer"]["id"]
    wait(lambda: of_kind("TransferRequestMessage"))
    start = {"@type": "TransferStartMessage", "providerPid": "urn:test:3", "consumerPid": own, "dataAddress": {
        "@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": f"{THEIRS}/data",
        "endpointProperties": [{"@type": "EndpointProperty", "name": "authorization", "value": "their-handle"}]}}
    expect("started", ask(f"/2025-1/transfers/{own}/start", VALUE, start)[0], 200)
    try:
        w.pull(own, crowd, ACTIVITIES["waterrijk"])
        expect("no data come", "they came", "they do not")
    except Refused as refused:
        expect("no data come", refused.status, 502, 503)
    expect("the handle went nowhere", [path for path, _, _ in got if path.startswith("/data")], [])
finally:
    peer.shutdown()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
