#!/usr/bin/env python3
"""What a hostile or careless caller gets from a real node: the answer, nothing that it may not know, and no crash.

usage: hostile.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import certificate  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
CROWD, DATASET = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts"
f = Federation(scratch("hostile"), binary=BIN / "sluis", base_port=18740, parties=("waterrijk", "duinmeer", "parkwijs"))
w, d, p = (f.nodes[k] for k in ("waterrijk", "duinmeer", "parkwijs"))


def ask(method, path, body=None, party=None, headers=None, certificate=None):
    """Waterrijk's exchange listener, with the certificate of a party, or with the one in two files. Status and body."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    if party:
        certificate = party.folder / "tls/node.pem", party.folder / "tls/node.key"
    if certificate:
        context.load_cert_chain(*certificate)
    data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    request = urllib.request.Request(f"https://localhost:{w.port}{path}", data=data, method=method,
                                     headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def first_request(offer, pid, callback):
    return {"@context": CONTEXT, "@type": "ContractRequestMessage", "consumerPid": pid, "callbackAddress": callback,
            "offer": {**offer, "target": DATASET}}


def json_faults(offer):
    path = "/2025-1/negotiations/request"
    good = json.dumps(first_request(offer, "urn:uuid:1", f"https://localhost:{d.port}/2025-1"))
    expect("cut JSON", ask("POST", path, good[:-5].encode(), d)[0], 400)
    expect("a key twice", ask("POST", path, good.replace('"consumerPid"', '"consumerPid": "x", "consumerPid"', 1).encode(), d)[0], 400)
    expect("invalid UTF-8", ask("POST", path, good.encode().replace(b"urn:uuid:1", b"urn:\xc3\x28"), d)[0], 400)
    expect("too deep", ask("POST", path, b"[" * 5000 + b"]" * 5000, d)[0], 400, 413, 429)
    expect("too large", ask("POST", path, b'"' + b"a" * (3 << 20) + b'"', d)[0], 413)
    unknown = json.loads(good)
    unknown["offer"]["permission"][0]["refinement"] = []
    status, body = ask("POST", path, unknown, d)
    if status == 201:  # taken as a process, and refused in it: never agreed
        pid = json.loads(body)["providerPid"]
        status = 400 if json.loads(ask("GET", f"/2025-1/negotiations/{pid}", None, d)[1])["state"] == "TERMINATED" else status
    expect("a policy with an unknown key", status, 400)


def identity_faults(offer):
    path, callback = "/2025-1/negotiations/request", f"https://localhost:{d.port}/2025-1"
    message = first_request(offer, "urn:uuid:2", callback)
    expect("no certificate", ask("POST", path, message)[0], 404)
    expect("a callback of another origin", ask("POST", path, first_request(offer, "urn:uuid:3", "https://localhost:9/2025-1"), d)[0], 400)
    status, body = ask("POST", path, message, d)
    expect("a first request", status, 201)
    pid = json.loads(body)["providerPid"]
    expect("the same again", (ask("POST", path, message, d)[0], json.loads(ask("POST", path, message, d)[1])["providerPid"]), (201, pid))
    other = json.loads(json.dumps(message))
    other["offer"]["permission"] = other["offer"]["permission"][:1] * 2
    expect("other bytes under the same id", ask("POST", path, other, d)[0], 400)
    expect("another party's process", ask("GET", f"/2025-1/negotiations/{pid}", None, p)[0], 404)
    expect("an unknown process", ask("GET", "/2025-1/negotiations/urn:uuid:none", None, d)[0], 404)
    event = {"@context": CONTEXT, "@type": "ContractNegotiationEventMessage", "providerPid": pid, "consumerPid": "urn:uuid:2", "eventType": "ACCEPTED"}
    expect("a message in a wrong state", ask("POST", f"/2025-1/negotiations/{pid}/events", event, d)[0], 400)
    expect("a mismatched consumerPid", ask("POST", f"/2025-1/negotiations/{pid}/events", {**event, "consumerPid": "urn:uuid:x"}, d)[0], 400)
    expect("a message of another party", ask("POST", f"/2025-1/negotiations/{pid}/events", event, p)[0], 404)
    expect("open to all", ask("GET", "/.well-known/dspace-version")[0], 200)


def data_faults():
    expect("data without a handle", ask("GET", "/data", None, d)[0], 404)
    expect("data with a guess", ask("GET", "/data", None, d, {"Authorization": "Bearer " + "A" * 43})[0], 404)
    expect("data without certificate", ask("GET", "/data", None, None, {"Authorization": "Bearer " + "A" * 43})[0], 404)
    for path in ("/open/../node.toml", "/open/%2e%2e/keys/log.key", "/open/a%00b"):
        try:
            context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
            with context.wrap_socket(socket.create_connection(("localhost", w.port + 1)), server_hostname="localhost") as raw:
                raw.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                expect(path, raw.recv(100).split(b" ")[1], b"400")
        except OSError as error:
            expect(path, str(error), "an answer")


def certificate_faults():
    """The caller learns nothing; the operator's log says which fault it was, wherever the caller knocked."""
    log = f.folder / f"{w.key}.log"
    for what, made, said in (("an expired certificate", certificate(f.folder, "expired", expired=True), "certificate has expired"),
                             ("a certificate for servers", certificate(f.folder, "server", usage="serverAuth"), "unsuitable certificate purpose"),
                             ("a certificate of nobody's", certificate(f.folder, "alone", None), "self-signed certificate"),
                             ("a certificate that nobody listed", certificate(f.folder, "unlisted"), "is not in the membership list")):
        for path in ("/data", "/2025-1/negotiations/urn:uuid:none"):
            before = len(log.read_text())
            expect(f"{what} at {path}", ask("GET", path, None, None, {"Authorization": "Bearer " + "A" * 43}, certificate=made)[0], 404)
            lines = [json.loads(line) for line in log.read_text()[before:].splitlines() if "not authenticated" in line]
            expect(f"{what} at {path}, in the operator's log", [(said in line["what"], line["path"], bool(line["correlation_id"])) for line in lines],
                   [(True, path, True)])


def management_faults():
    url = f"http://127.0.0.1:{w.port + 2}/sluis.v1.AuditService/Log"

    def status(token):
        request = urllib.request.Request(url, data=b"{}", headers={"Content-Type": "application/json", **({"Authorization": token} if token else {})})
        try:
            return urllib.request.urlopen(request, timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code

    expect("no token", status(None), 401)
    expect("a wrong token", status("Bearer nonsense"), 401)
    expect("a role without the method", status(f"Bearer {w.token('application')}"), 403)
    expect("the DPO", status(f"Bearer {w.token('dpo')}"), 200)
    text = f.dataset("detailed-counts")
    for what, bad in (("a typo", text.replace("purposes =", "porposes =")), ("an expired assessment", re.sub(r'(?m)^until = "\d{4}', 'until = "2020', text))):
        try:
            w.call("DatasetService/Publish", {"toml": bad, "file": "bad.toml"})
            expect(what, "published", "refused")
        except Refused as refused:
            expect(what, "bad.toml" in refused.body and refused.status == 400, True)


def outcome(transfer):
    """How a pull ended: the code and `refused`, or whether it was whole and how many bytes came."""
    try:
        got, whole = d.pull(transfer, CROWD, ACTIVITIES["duinmeer"])
        return whole, len(got)
    except Refused as refused:
        return json.loads(refused.body)["code"], "refused"


def suspension():
    f.publish(w, "detailed-counts-paced")
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITIES["duinmeer"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:detailed-counts-paced", "purpose": CROWD, "waitSeconds": 15})
    transfer = d.call("TransferService/Start", {"agreement": made["negotiation"]["agreement"], "waitSeconds": 15})["transfer"]
    began, result = threading.Event(), []
    puller = threading.Thread(target=lambda: result.append(d.pull(transfer["id"], CROWD, ACTIVITIES["duinmeer"], on_chunk=lambda _: began.set())))
    puller.start()
    expect("the paced pull began", began.wait(10), True)
    w.call("TransferService/Suspend", {"id": transfer["peerId"], "code": "pause", "sentence": "maintenance"})
    puller.join(2)
    expect("a suspended transfer's stream is cut", bool(result) and not result[0][1], True)
    cuts = w.wait_log(1, kinds=["cut"], party=d.participant)
    expect("with its reason in the provider's log", [e["reason"] for e in cuts], ["transfer.not_started"])
    # At once, while the message is on its way: refused here or there, or cut when it comes, and never with a byte.
    expect("after suspension not a byte", outcome(transfer["id"])[-1], "refused", 0)
    until = time.monotonic() + 10
    while d.call("TransferService/Show", {"id": transfer["id"]})["transfer"]["state"] != "SUSPENDED" and time.monotonic() < until:
        time.sleep(0.05)
    expect("and refused, with a reason, once the consumer knows", outcome(transfer["id"]), ("transfer.not_open", "refused"))
    rogue = subprocess.run([BIN / "sluis_rogue_consumer", "--config", d.folder / "node.toml", "--transfer", transfer["id"], "--purpose", CROWD,
                            "--activity", ACTIVITIES["duinmeer"]], capture_output=True, text=True).stdout
    expect("past its own node, with the handle of before", (rogue[:3], "transfer.not_started" in rogue), ("403", True))
    expect("recorded", [e["reason"] for e in w.wait_log(1, kinds=["decision"], party=d.participant, decision="refused")][-1:], ["transfer.not_started"])
    w.call("TransferService/Resume", {"id": transfer["peerId"]})
    return transfer["id"]


def pulling(transfer):
    """Duinmeer pulls at a pace, in a thread of its own, which has had the first bytes."""
    began, result = threading.Event(), []
    puller = threading.Thread(target=lambda: result.append(d.pull(transfer, CROWD, ACTIVITIES["duinmeer"], on_chunk=lambda _: began.set())))
    puller.start()
    expect("a paced pull began", began.wait(10), True)
    return puller, result


def cut_reasons():
    return [e["reason"] for e in w.log(kinds=["cut"], party=d.participant)]


def stop_and_retract(transfer):
    """What still streams when the node stops, or when its dataset is taken back, is cut, and the log says why."""
    while d.call("TransferService/Show", {"id": transfer, "waitSeconds": 5})["transfer"]["state"] != "STARTED":
        pass
    puller, result = pulling(transfer)
    w.stop()
    puller.join(5)
    expect("cut by the stop", bool(result) and not result[0][1], True)
    w.start()
    w.wait_ready()
    expect("the stop's reason", cut_reasons()[-1], "node.stopping")
    puller, result = pulling(transfer)
    w.call("DatasetService/Retract", {"id": DATASET + "-paced", "reason": "a fault in the counters"})
    puller.join(5)
    expect("cut when its dataset was taken back", bool(result) and not result[0][1], True)
    w.wait_log(3, kinds=["cut"], party=d.participant)
    expect("the retraction's reason", cut_reasons()[-1], "dataset.gone")


def start_faults():
    second = subprocess.run([*f.leave_root, f.binary, "serve", "--config", w.folder / "node.toml"], capture_output=True, text=True)
    expect("a store in use", second.returncode == 1 and "in use" in second.stderr, True)
    config = d.folder / "node.toml"
    text = config.read_text()
    config.write_text(text.replace("listen =", "lisen =", 1))
    checked = f.sluis("config", "check", config, check=False)
    config.write_text(text)
    expect("a typo in node.toml", checked.returncode == 1 and "node.toml:" in checked.stderr and "listen" in checked.stderr, True)
    config.write_text(text.replace(f'"127.0.0.1:{d.port + 2}"', f'"0.0.0.0:{d.port + 2}"'))
    checked = f.sluis("config", "check", config, check=False)
    expect("management off loopback", checked.returncode == 1 and "loopback" in checked.stderr, True)
    config.write_text(text.replace(f'"127.0.0.1:{d.port}"', f'"0.0.0.0:{d.port}"'))
    d.stop()
    served = subprocess.run([*f.leave_root, f.binary, "serve", "--config", config], capture_output=True, text=True, timeout=20)
    config.write_text(text)
    expect("a demo node off loopback", served.returncode == 1 and "loopback" in served.stderr, True)
    shutil.rmtree(d.folder / "store")
    shutil.rmtree(d.folder / "checkpoints", ignore_errors=True)
    config.write_text(text.replace(f'"127.0.0.1:{d.port}"', f'"0.0.0.0:{d.port}"'))
    served = subprocess.run([*f.leave_root, f.binary, "serve", "--config", config], capture_output=True, text=True, timeout=20)
    config.write_text(text)
    expect("at its first start too", served.returncode == 1 and "loopback" in served.stderr, True)
    if f.user:
        expect("as root", subprocess.run([f.binary, "serve", "--config", config], capture_output=True, text=True).returncode, 1)


try:
    f.begin()
    policy = json.loads(f.offer_counts()["offer"]["policy"])
    json_faults(policy)
    identity_faults(policy)
    data_faults()
    certificate_faults()
    management_faults()
    stop_and_retract(suspension())
    start_faults()
    expect("the node lives", w.process.poll(), None)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
