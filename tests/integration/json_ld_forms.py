#!/usr/bin/env python3
"""The same terms, and the same messages, as connectors of others write them in JSON-LD: taken as one, agreed with in their words; other terms in
those forms are not.

usage: json_ld_forms.py BIN_DIR SOURCE_DIR
"""
import copy
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
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import foreign  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402

PEER = "urn:test:peer"
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
DSPACE, ODRL = "https://w3id.org/dspace/2025/1/", "http://www.w3.org/ns/odrl/2/"
f = Federation(scratch("forms"), binary=BIN / "sluis", base_port=26240, parties=("waterrijk",))
w = f.nodes["waterrijk"]
THEIRS = f"http://127.0.0.1:{w.port + 8}"
got = []


class Peer(BaseHTTPRequestHandler):
    def do_POST(self):
        got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def ask(path, body):
    request = urllib.request.Request(f"http://127.0.0.1:{w.port}/2025-1{path}", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json", "Authorization": "them"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def answer_to(pid):
    """What the node sent to that process: its first message."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for body in got:
            if body.get("consumerPid") == pid and body["@type"] != "ContractNegotiation":
                return body
        time.sleep(0.02)
    return {"@type": "nothing"}


def walk(value, change):
    """`change` for each object, from within."""
    if isinstance(value, list):
        return [walk(one, change) for one in value]
    return change({key: walk(one, change) for key, one in value.items()}) if isinstance(value, dict) else value


def short(one):
    return {key: value.removeprefix(ODRL) if key in ("action", "leftOperand") and isinstance(value, str) else value for key, value in one.items()}


def prefixed(one):
    keys = {"permission": "odrl:permission", "constraint": "odrl:constraint", "leftOperand": "odrl:leftOperand"}
    return {keys.get(key, key): value.replace(ODRL, "odrl:") if isinstance(value, str) else value for key, value in one.items()}


def nodes(one):
    return {key: {"@id": value} if key in ("action", "leftOperand", "operator") and isinstance(value, str) else
            {"@value": value} if key == "rightOperand" and isinstance(value, str) else value for key, value in one.items()}


def single(one):
    return {key: value[0] if key in ("permission", "prohibition", "obligation", "duty", "constraint") and isinstance(value, list) and len(value) == 1 else value
            for key, value in one.items()}


def lists_as_text(one):
    """As EDC does it."""
    return {key: json.dumps([{"@value": item} for item in value]) if key == "rightOperand" and isinstance(value, list) else value for key, value in one.items()}


FORMS = {"as published": dict, "short names": short, "prefixes": prefixed, "nodes and values": nodes, "single values": single, "lists as text": lists_as_text,
         "all at once": lambda one: single(nodes(prefixed(lists_as_text(one))))}

peer = ThreadingHTTPServer(("127.0.0.1", w.port + 8), Peer)
threading.Thread(target=peer.serve_forever, daemon=True).start()
try:
    f.make()
    foreign.list_peer(f, w, PEER, THEIRS)
    foreign.configure(f, w, (w.folder / "node.toml").read_text().replace('other_offers = "refuse" ', 'other_offers = "refuse"\t'),
                      f"[[inbound]]\nparty = '{PEER}'\nauthorization = 'them'\n[[outbound]]\nparty = '{PEER}'\nauthorization = 'us'\n", "")
    w.start()
    w.wait_ready()
    f.join()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts")
    status, catalog = ask("/catalog/request", {"@context": CONTEXT, "@type": "dspace:CatalogRequestMessage"})
    expect("the catalogue is asked for with a prefix and one context", status, 200)
    dataset = next(one for one in catalog["dataset"] if one["@id"] == "urn:waterrijk:detailed-counts")
    offer = {**dataset["hasPolicy"][0], "target": dataset["@id"]}
    expect("it has something to write in other ways", any(isinstance(one, dict) and "constraint" in one for one in offer["permission"]), True)

    def request(pid, terms, envelope=dict):
        return ask("/negotiations/request", envelope({"@context": [CONTEXT], "@type": "ContractRequestMessage", "consumerPid": pid,
                                                      "callbackAddress": THEIRS, "offer": terms}))

    for number, (name, form) in enumerate(FORMS.items()):
        pid, asked = f"urn:test:form-{number}", walk(copy.deepcopy(offer), form)
        expect(f"{name}: asked", request(pid, asked)[0], 201)
        answer = answer_to(pid)
        expect(f"{name}: agreed", (answer["@type"], answer.get("reason")), ("ContractAgreementMessage", None))
        terms = {key: value for key, value in answer.get("agreement", {}).items() if key.removeprefix("odrl:") in ("permission", "prohibition", "obligation")}
        expect(f"{name}: in their words", terms, {key: value for key, value in asked.items() if key.removeprefix("odrl:") in ("permission", "prohibition", "obligation")})

    def other(one):
        one = dict(one)
        if "leftOperand" in one and one["leftOperand"].endswith("purpose"):
            one["rightOperand"] = "https://w3id.org/dpv#Marketing" if isinstance(one["rightOperand"], str) else ["https://w3id.org/dpv#Marketing"]
        return one

    for number, (name, form) in enumerate(FORMS.items()):
        pid = f"urn:test:other-{number}"
        expect(f"{name}, another purpose: asked", request(pid, walk(walk(copy.deepcopy(offer), other), form))[0], 201)
        expect(f"{name}, another purpose: not agreed", answer_to(pid)["@type"], "ContractNegotiationTerminationMessage")
    less = copy.deepcopy(offer)
    less["permission"].append({"action": "use"})
    request("urn:test:less", less)
    answer = answer_to("urn:test:less")
    expect("a permission more", answer["@type"], "ContractNegotiationTerminationMessage")
    # Envelopes.
    iri = {"consumerPid": DSPACE + "consumerPid", "callbackAddress": DSPACE + "callbackAddress", "offer": DSPACE + "offer", "@type": "@type", "@context": "@context"}
    envelopes = {
        "full IRIs": lambda one: {iri[key]: DSPACE + value if key == "@type" else value for key, value in one.items()},
        "prefixes": lambda one: {key if key.startswith("@") else "dspace:" + key: ["dspace:" + value] if key == "@type" else value for key, value in one.items()},
        "typed values": lambda one: {**one, "consumerPid": {"@id": one["consumerPid"]},
                                     "callbackAddress": {"@value": one["callbackAddress"], "@type": "http://www.w3.org/2001/XMLSchema#anyURI"}},
        "more contexts": lambda one: {**one, "@context": [CONTEXT, "https://example.org/context"]},
    }
    for number, (name, envelope) in enumerate(envelopes.items()):
        pid = f"urn:test:envelope-{number}"
        expect(f"{name}: asked", request(pid, offer, envelope)[0], 201)
        answer = answer_to(pid)
        expect(f"{name}: agreed", answer["@type"], "ContractAgreementMessage")
        verified = envelope({"@context": [CONTEXT], "@type": "ContractAgreementVerificationMessage", "consumerPid": pid, "providerPid": answer.get("providerPid")}) \
            if name == "prefixes" else {"@context": [CONTEXT], "@type": "ContractAgreementVerificationMessage", "consumerPid": pid, "providerPid": answer.get("providerPid")}
        expect(f"{name}: verified", ask(f"/negotiations/{answer.get('providerPid')}/agreement/verification", verified)[0], 200)
    twice = ask("/negotiations/request", {"@context": [CONTEXT], "@type": "ContractRequestMessage", "consumerPid": "a", "dspace:consumerPid": "b",
                                          "callbackAddress": THEIRS, "offer": offer})
    expect("a member in two spellings", twice[0], 400)
    older = ask("/negotiations/request", {"@context": [CONTEXT], "@type": "https://w3id.org/dspace/v0.8/ContractRequestMessage", "consumerPid": "a",
                                          "callbackAddress": THEIRS, "offer": offer})
    expect("a message of an older protocol", older[0], 400)
finally:
    peer.shutdown()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
