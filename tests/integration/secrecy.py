#!/usr/bin/env python3
"""What stays between those whom it concerns. A member cannot tell an exchange of others from one that never was, by words or by time; a
counterparty gets what is shared of its own entries, and no more; the public gets what is public; and nothing of it lies in clear in the
store, in its copies or in what the node prints. Waterrijk and Duinmeer are nodes. Stroomplein, which has an agreement, and Parkwijs, which
was refused one, are played here.

usage: secrecy.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
import json
import pathlib
import shutil
import ssl
import sys
import threading
import time
import uuid

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support"), str(SOURCE / "tests/integration")]
from certificates import certificate  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, MARKETING, PURPOSE, Federation, scratch  # noqa: E402
from secrecy_asking import (CONTEXT, Caller, Exchange, Findings, Played, Process, blind, fields, found, questions, transfer_request,  # noqa: E402
                            twin)

# What does not hold yet, each with the reason.
KNOWN = {
    "a member to whom no receipt is due gets no newer checkpoint than the public": "Each member that asks for its entries gets the newest, also where it has none.",
    "the time of no entries of a busy hour, and of an empty day": "Every payload of the time that is asked about is opened before it is looked at whose it is.",
    "a member is not told that others ask for their entries now": "Two parties are answered at once; a third waits for its turn, and after fifteen seconds is told that it is not now.",
    "an id of another's agreement, in an agreement of one's own":
        "A provider chooses the id of an agreement, and one that its consumer has with somebody else gets another answer.",
}
CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
QUIET, APPLICATION, ODD = "https://duinmeer.example/activities/quiet-watch-81", "Drukteteller 7 of Duinmeer", PURPOSE + "HerdWatching81"
UNHEARD = "did:web:never-heard-of-81.example"
COMPARED = ["agreement", "agreement-ended", "receipt", "decision", "intent", "stream-end", "cut", "received"]
CONSUMERS = "duinmeer", "stroomplein", "parkwijs"
findings = Findings(KNOWN)
f = Federation(scratch("secrecy"), binary=BIN / "sluis", base_port=20840)
w, d, s, p = (f.nodes[key] for key in ("waterrijk", "duinmeer", "stroomplein", "parkwijs"))


def to_exchange(node, shown=None):
    return Caller(node.port, w.folder / "tls/roots.pem", shown)


def managed(node, method, path, body=None, role="application", **headers):
    token = (node.folder / "tokens" / role).read_text().strip()
    return Caller(node.port + 2).ask(method, path, body, {"Authorization": f"Bearer {token}", **headers})


def pulled(transfer, purpose=CROWD, activity=ACTIVITY):
    return managed(d, "GET", f"/intake/{transfer}", role="turnstile", **{"Sluis-Purpose": purpose, "Sluis-Activity": activity})


def evaluation(agreement, party, purpose=CROWD):
    return {"subject": {"type": "party", "id": party}, "resource": {"type": "agreement", "id": agreement},
            "action": {"name": "use", "properties": {"purpose": purpose, "processing_activity_id": ACTIVITY}}}


# The story: who has what with whom.

def of_duinmeer():
    """By two nodes; and two pulls that Duinmeer's own node refuses."""
    f.sluis("role", "add", "--config", d.folder / "node.toml", "--role", "application", "--person", APPLICATION, "--activity", ACTIVITY,
            "--token-file", d.folder / "tokens/turnstile")
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    transfer = d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]
    expect("a pull", (pulled(transfer["id"]).status, pulled(transfer["id"]).status), (200, 200))
    expect("its node refuses another activity", json.loads(pulled(transfer["id"], activity=QUIET).body)["code"], "activity.not_allowed")
    expect("and another purpose", pulled(transfer["id"], purpose=ODD).status, 403)
    w.wait_log(2, kinds=["stream-end"])
    d.wait_log(2, kinds=["received"])
    return Exchange(Process(made["peerId"], made["id"]), Process(transfer["peerId"], transfer["id"]), made["agreement"])


def of_stroomplein(offer):
    """By what a consumer sends; its handle comes with the start."""
    own = f"urn:uuid:{uuid.uuid4()}"
    caller = to_exchange(w, s)
    asked = {"@context": CONTEXT, "@type": "ContractRequestMessage", "consumerPid": own, "callbackAddress": stroomplein.callback,
             "offer": offer}
    made = json.loads(caller.ask("POST", "/2025-1/negotiations/request", asked).body)
    text = stroomplein.wait("/agreement")["agreement"]
    agreement = text["@id"]
    pids = {"@context": CONTEXT, "providerPid": made["providerPid"], "consumerPid": own}
    expect("verified", caller.ask("POST", f"/2025-1/negotiations/{made['providerPid']}/agreement/verification",
                                  {**pids, "@type": "ContractAgreementVerificationMessage"}).status, 200)
    stroomplein.wait("/events")
    mine = f"urn:uuid:{uuid.uuid4()}"
    begun = json.loads(caller.ask("POST", "/2025-1/transfers/request", transfer_request(agreement, mine, stroomplein.callback)).body)
    start = stroomplein.wait("/start")
    handle = next(one["value"] for one in start["dataAddress"]["endpointProperties"] if one["name"] == "authorization")
    return Exchange(Process(made["providerPid"], own), Process(begun["providerPid"], mine), agreement, handle), text


def of_parkwijs(offer):
    """It asks for marketing and is refused."""
    other = json.loads(json.dumps(offer).replace(CROWD, MARKETING))
    own = f"urn:uuid:{uuid.uuid4()}"
    made = json.loads(to_exchange(w, p).ask("POST", "/2025-1/negotiations/request", {
        "@context": CONTEXT, "@type": "ContractRequestMessage", "consumerPid": own, "callbackAddress": parkwijs.callback,
        "offer": other}).body)
    expect("taken", bool(made["providerPid"]), True)
    expect("refused for marketing", parkwijs.wait("/termination")["code"], "purpose")


# A member that is no party to it.

def told_apart(who, caller, exchange, offer, callback, hidden):
    """Each question about it, and about one that never was: the same status, headers, length and words; and nobody is named."""
    none, count = exchange.twin(), 0
    for (what, *first), (_, *second) in zip(questions(exchange, offer, callback), questions(none, offer, callback)):
        there, never = caller.ask(*first), caller.ask(*second)
        expect(f"{who}: {what}", blind(there, *exchange.ids), blind(never, *none.ids))
        expect(f"{who}: {what}, refused", there.status, 404)
        words = (repr(there.headers).encode() + blind(there, *exchange.ids).body).lower()
        expect(f"{who}: {what}, without a name", [name for name in hidden if name in words], [])
        count += 1
    return count


def rightful(who, caller, exchange):
    """Who is party to it is told of it: else nothing here could fail."""
    for kind, process in (("negotiations", exchange.negotiation), ("transfers", exchange.transfer)):
        expect(f"{who} sees its own of {kind}", caller.ask("GET", f"/2025-1/{kind}/{process.own}").status, 200)
        pids = {"@context": CONTEXT, "providerPid": process.own, "consumerPid": process.other}
        message = {"negotiations": ("termination", "ContractNegotiationTerminationMessage"), "transfers": ("start", "TransferStartMessage")}[kind]
        expect(f"{who} is told that a message of {kind} is in a wrong state",
               caller.ask("POST", f"/2025-1/{kind}/{process.own}/{message[0]}", {**pids, "@type": message[1], "reason": ["x"]}).status, 400)
    if exchange.handle:
        answer = caller.ask("GET", "/data", None, {"Authorization": f"Bearer {exchange.handle}"})
        expect(f"{who}'s handle opens, but for the claim", (answer.status, json.loads(answer.body)["code"]), (403, "claim.missing"))


def strangers_to_each_other(exchanges, offer):
    (of_d, at_d, of_s), count = exchanges, 0
    rightful("Duinmeer", to_exchange(w, d), of_d)
    rightful("Waterrijk", to_exchange(d, w), at_d)
    rightful("Stroomplein", to_exchange(w, s), of_s)
    expect("and has its declarations", to_exchange(w, s).ask("GET", f"/evidence/v1/declarations/{of_s.agreement.encode().hex()}").body,
           b'{"declarations":[]}')
    unlisted = certificate(f.folder, "unlisted")
    for who, shown, played, node, exchange, hidden in (
            ("Parkwijs, of Duinmeer's", p, parkwijs, w, of_d, ("duinmeer", "stroomplein")),
            ("Parkwijs, of Stroomplein's", p, parkwijs, w, of_s, ("duinmeer", "stroomplein")),
            ("Parkwijs, at the consumer", p, parkwijs, d, at_d, ("stroomplein",)),
            ("Stroomplein, of Duinmeer's", s, stroomplein, w, of_d, ("duinmeer", "parkwijs")),
            ("Duinmeer, of Stroomplein's", d, stroomplein, w, of_s, ("stroomplein", "parkwijs")),
            ("nobody, of Duinmeer's", None, stroomplein, w, of_d, CONSUMERS),
            ("nobody, of Stroomplein's", None, stroomplein, w, of_s, CONSUMERS),
            ("an unlisted certificate", unlisted, stroomplein, w, of_s, CONSUMERS)):
        # What the asker's own certificate and callback say is its own.
        callback = played.callback if shown in (p, s) else d_callback
        count += told_apart(who, to_exchange(node, shown), exchange, offer, callback, [n.encode() for n in hidden])
    print(f"{count} questions of those who are no party")
    for node, exchange in ((w, of_d), (d, at_d)):
        expect("nothing of it changed anything", node.call("TransferService/Show", {"id": exchange.transfer.own})["transfer"]["state"], "STARTED")
    own_names(of_d, of_s, offer)


def own_names(of_d, of_s, offer):
    """Two parties may give their processes one id. Datasets that were taken back are as if they had never been, and so are others' receipts."""
    caller = to_exchange(w, p)
    first = {"@context": CONTEXT, "@type": "ContractRequestMessage", "callbackAddress": parkwijs.callback,
             "offer": json.loads(json.dumps(offer).replace(CROWD, MARKETING))}
    taken, free = (caller.ask("POST", "/2025-1/negotiations/request", {**first, "consumerPid": pid})
                   for pid in (of_s.negotiation.other, twin(of_s.negotiation.other)))
    ours = [json.loads(one.body)["providerPid"] for one in (taken, free)]
    expect("another's id for one's own process", blind(taken, of_s.negotiation.other, ours[0]), blind(free, twin(of_s.negotiation.other), ours[1]))
    expect("is taken", (taken.status, ours[0] not in of_s.ids), (201, True))
    expect("and refused like any", [parkwijs.wait("/termination")["code"] for _ in ours], ["purpose"] * 2)
    names = "urn:waterrijk:open-counts-81", "urn:waterrijk:open-counts-ff"
    gone, never = (caller.ask("GET", f"/2025-1/catalog/datasets/{name}") for name in names)
    expect("a dataset that was taken back", blind(gone, names[0]), blind(never, names[1]))
    reasons = []
    for name in names:
        caller.ask("POST", "/2025-1/negotiations/request",
                   {**first, "consumerPid": f"urn:uuid:{uuid.uuid4()}", "offer": {**first["offer"], "target": name}})
        told = parkwijs.wait("/termination")
        reasons.append((told["code"], told["reason"]))
    expect("and an agreement on it", reasons[0], reasons[1])
    expect("which is refused", reasons[0][0], "dataset")
    receipt = json.loads(entries(w, s)["receipts"][0])
    other = {**receipt, "k": base64.b64encode(bytes(32)).decode()}
    for node in (w, d):
        real, made_up = (to_exchange(node, p).ask("POST", "/evidence/v1/receipts", text) for text in (receipt, other))
        expect("another's receipt", (real, real.status), (made_up, 400))


def borrowed_id(of_d, offer, agreed):
    """Parkwijs offers its own data to Duinmeer, and calls the agreement as one is called that Duinmeer has with Waterrijk, or has not."""
    caller, answers = to_exchange(d, p), []
    for name in (of_d.agreement, twin(of_d.agreement)):
        own = f"urn:uuid:{uuid.uuid4()}"
        made = json.loads(caller.ask("POST", "/2025-1/negotiations/offers", {
            "@context": CONTEXT, "@type": "ContractOfferMessage", "providerPid": own, "callbackAddress": parkwijs.callback, "offer": offer}).body)
        path, pids = f"/2025-1/negotiations/{made['consumerPid']}", {"@context": CONTEXT, "providerPid": own, "consumerPid": made["consumerPid"]}
        d.call("AgreementService/Approve", {"negotiation": made["consumerPid"]})
        parkwijs.wait("/events")
        asked = next(one for one in d.call("AgreementService/ListNegotiations")["negotiations"] if one["id"] == made["consumerPid"])
        now = asked["created"]  # by Duinmeer's clock, which was moved: one of before the request would be refused for that
        agreement = {**agreed, "@id": name, "assigner": p.participant, "assignee": d.participant, "timestamp": now}
        caller.ask("POST", f"{path}/agreement", {**pids, "@type": "ContractAgreementMessage", "agreement": agreement})
        parkwijs.wait("/agreement/verification")
        answers.append(blind(caller.ask("POST", f"{path}/events", {**pids, "@type": "ContractNegotiationEventMessage", "eventType": "FINALIZED"}),
                             own, made["consumerPid"]))
    expect("an agreement with an id of its own", answers[1].status, 200)
    findings.check("an id of another's agreement, in an agreement of one's own", answers[0], answers[1])
    expect("the agreement that was there is as it was", d.call("AgreementService/Show", {"id": of_d.agreement})["agreement"]["peer"], w.participant)


def ended(of_s, offer):
    """An agreement that has ended: to its party with the reason, with a receipt that says nothing internal; to others as if it had never been."""
    w.call("AgreementService/Terminate", {"id": of_s.agreement, "code": "ended", "sentence": "the counters are replaced"})
    receipt = stroomplein.wait("/evidence/v1/receipts")
    shared = base64.b64decode(receipt["shared"])
    expect("its party is told", (b"the counters are replaced" in shared, fields(shared)[4]), (True, [s.participant.encode()]))
    expect("and not who ended it", (f"steward of {w.name}".encode() in shared, w.log(kinds=["agreement-ended"])[0]["person"]),
           (False, f"steward of {w.name}"))
    asked = transfer_request(of_s.agreement, "urn:uuid:again", stroomplein.callback)
    expect("a new transfer", b"the counters are replaced" in to_exchange(w, s).ask("POST", "/2025-1/transfers/request", asked).body, True)
    told_apart("Parkwijs, of what has ended", to_exchange(w, p), of_s, offer, parkwijs.callback, (b"duinmeer", b"stroomplein"))


# What a counterparty is told.

def entries(node, shown, **question):
    answer = to_exchange(node, shown).ask("POST", "/evidence/v1/entries", question)
    return json.loads(answer.body) if answer.status == 200 else {"status": answer.status, "body": answer.body}


def shared_of(page):
    """By index: what each receipt tells, as bytes."""
    out = {}
    for text in page["receipts"]:
        receipt = json.loads(text)
        expect("a receipt has these parts", set(receipt), {"leaf", "shared", "k", "inner", "proof"})
        expect("of what is internal a hash", len(base64.b64decode(receipt["inner"])), 32)
        out[int(receipt["proof"].split("\n")[1].split(" ")[1])] = base64.b64decode(receipt["shared"])
    return out


def fingerprint(node):
    text = (node.folder / "tls/node.pem").read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).hexdigest()


def of_own_application(entry):
    """What a node refused its own applications, or told them, is about the other party and none of its business."""
    return entry["kind"] == "decision" and bool(entry.get("application"))


def counterparties(exchanges):
    of_d, at_d, of_s = exchanges
    internal = [ACTIVITY, QUIET, APPLICATION, f"steward of {w.name}", f"application of {w.name}", fingerprint(d), fingerprint(s), fingerprint(w)]
    seen = {entry.get(name) for node in (w, d) for entry in node.log() for name in ("activity", "application", "person", "certificate")}
    expect("the DPOs see what is internal", [one for one in internal if one not in seen and one not in (fingerprint(s), fingerprint(w))], [])
    for party, others in ((d, ("stroomplein", "parkwijs", *of_s.ids)), (s, ("duinmeer", "parkwijs", *of_d.ids)),
                          (p, ("duinmeer", "stroomplein", *of_d.ids, *of_s.ids))):
        of_party = [entry for entry in w.log(party=party.participant) if not of_own_application(entry)]
        expect(f"entries about {party.key}", bool(of_party), True)
        expect(f"no entry about {party.key} names another's", [one for one in others if one in json.dumps(of_party)], [])
    for who, node, shown, others in (("Duinmeer", w, d, ("stroomplein", "parkwijs", *of_s.ids)),
                                     ("Stroomplein", w, s, ("duinmeer", "parkwijs", *of_d.ids)), ("Waterrijk", d, w, ("stroomplein", "parkwijs")),
                                     ("Parkwijs", w, p, ()), ("Stroomplein at Duinmeer", d, s, ())):
        page = entries(node, shown)
        told = shared_of(page)
        own = {int(entry.get("index", 0)) for entry in node.log(kinds=COMPARED, party=shown.participant) if not of_own_application(entry)}
        expect(f"{who} is told of its own entries, and of all of them", set(told), own)
        expect(f"{who} has some", bool(own), bool(others))
        for index, shared in told.items():
            said = fields(shared)
            expect(f"{who}: of this log, and of itself", (said[3], said[4]), ([node.participant.encode()], [shown.participant.encode()]))
            expect(f"{who}: entry {index} names nobody else's", [one for one in others if one.encode() in shared], [])
        clear = b"".join(told.values())
        expect(f"{who} is told nothing internal", [one for one in internal if one.encode() in clear and one != QUIET], [])
        findings.check(f"{who} is not told which activity was refused at Duinmeer", QUIET.encode() in clear, False)
        if own:
            within = max(own) - min(own) + 1 - len(own)
            print(f"{who} sees by its indexes that {within} entries of others lie between its {len(own)}, in a log of {page['checkpoint'].splitlines()[1]}")


# The public.

OPEN = "urn:waterrijk:open-counts"


def later(seconds):
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": seconds}, role="operator")


def newest():
    return int(w.call("AuditService/Checkpoint", role="dpo")["size"])


def to_public():
    return Caller(w.port + 1, w.folder / "tls/roots.pem")


def public_size():
    return int(to_public().ask("GET", "/log/checkpoint").body.decode().splitlines()[1])


def grow(count, name):
    for number in range(count):
        w.call("ActivityService/Publish", {"id": f"https://waterrijk.example/activities/{name}-{number}", "purpose": CROWD,
                                           "from": "2026-01-01T00:00:00Z", "title": name})


def public(exchanges):
    anybody = to_public()
    of_d, _, of_s = exchanges
    later(61)
    before, size = newest(), public_size()
    expect("the public log is the newest, when a minute is over", before <= size <= newest(), True)
    shown = []
    for path in ("/catalog.ttl", "/catalog.jsonld", "/situations", "/log/checkpoint", "/odrl/1", "/odrl/1.ttl", f"/open/{OPEN}",
                 f"/log/tile/0/000.p/{size}"):
        answer = anybody.ask("GET", path)
        expect(f"open to everybody: {path}", answer.status, 200)
        shown.append(answer.body)
    everything = b"\n".join(shown)
    expect("the public sees what is offered", [one for one in (DATASET, OPEN, w.name) if one.encode() not in everything], [])
    transactions = [entry["transaction"] for entry in w.log() if entry.get("transaction")]
    hidden = [*(x for node in (d, s, p) for x in (node.participant, node.name, node.key)), *of_d.ids, *of_s.ids, *transactions, ACTIVITY, APPLICATION,
              MARKETING, OPEN + "-81", "detailed-counts.csv", f"steward of {w.name}"]
    expect("and nobody of those who asked, were refused or took part", [one for one in hidden if one.encode() in everything], [])
    expect("whom the DPO knows to be refused", {e["reason"] for e in w.log(kinds=["negotiation"], party=p.participant, decision="refused")},
           {"purpose", "dataset"})
    none = anybody.ask("GET", "/no-such-page")
    expect("nothing there", none.status, 404)
    for path in ("/register", "/register/agreements", "/2025-1/catalog/request", f"/2025-1/negotiations/{of_d.negotiation.own}", "/data",
                 "/evidence/v1/entries", "/evidence/v1/receipts", f"/evidence/v1/declarations/{of_d.agreement.encode().hex()}", "/metrics", "/readyz",
                 f"/intake/{of_d.transfer.own}", "/sluis.v1.AuditService/Log", "/access/v1/evaluation", "/log/payloads/000", "/add-checkpoint"):
        expect(f"the public listener has no {path[:30]}", (anybody.ask("GET", path), anybody.ask("POST", path, b"{}").body), (none, none.body))
    bundles = {anybody.ask("GET", f"/log/tile/{name}") for name in ("entries/000", f"entries/000.p/{size}", "entries/777", "x/000")}
    expect("bundles of entries are as if there were none", (len(bundles), {one.status for one in bundles}), (1, {404}))
    names = (DATASET, OPEN + "-81", OPEN + "-ff")
    closed, gone, never = (blind(anybody.ask("GET", f"/open/{name}"), name) for name in names)
    expect("closed data, data that were taken back, and none", (closed, gone, never.status), (never, never, 404))
    expect("a method that is none", {anybody.ask("POST", f"/open/{name}", b"").status for name in names}, {405})
    checkpoints(size)
    open_counts()


def checkpoints(size):
    """A size a minute, whatever happens and whoever asks."""
    began, sizes = time.monotonic(), set()
    for number in range(10):
        grow(3, f"minute-{number}")
        sizes.add(public_size())
    if time.monotonic() - began < 50:
        expect("no other public size within a minute", sizes, {size})
    expect("though there is one", newest() >= size + 30, True)
    expect("nor a tile beyond it", to_public().ask("GET", f"/log/tile/0/000.p/{size + 1}").status, 404)
    got = entries(w, p)
    expect("a member without entries gets none", (got["receipts"], got["next"]), ([], None))
    findings.check("a member to whom no receipt is due gets no newer checkpoint than the public", int(got["checkpoint"].splitlines()[1]), size)
    w.stop()
    w.start()
    w.wait_ready()
    if time.monotonic() - began < 50:
        findings.check("a restart shows no newer checkpoint within the minute", public_size(), size)
    later(61)
    expect("and the next minute another", public_size() > size + 30, True)


def open_counts():
    """How often open data are fetched, nobody sees but the node's own people, and they when the hour is over."""
    anybody, kinds, known = to_public(), ["open-hour", "open-total"], len(w.log(kinds=["open-total"]))
    anybody.ask("GET", f"/open/{OPEN}")
    before, hour = len(w.log(kinds=kinds)), time.time() // 3600
    for _ in range(17):
        expect("open data", anybody.ask("GET", f"/open/{OPEN}").status, 200)
    expect("more downloads are no more entries", len(w.log(kinds=kinds)) == before or time.time() // 3600 != hour, True)
    later(3600)
    until = time.monotonic() + 10
    while sum(int(e["count"]) for e in w.log(kinds=["open-total"])[known:]) < 18 and time.monotonic() < until:
        time.sleep(0.05)
    totals = w.log(kinds=["open-total"])[known:]
    expect("the DPO has the count", sum(int(e["count"]) for e in totals), 18)
    expect("of nobody in particular", {e.get("counterparty") for e in totals}, {None})


# Times.

def times(exchanges, offer):
    """Whether a refusal takes as long for what is there as for what is not."""
    (of_d, at_d, of_s), parks = exchanges, to_exchange(w, p)
    none_d, none_s, anybody = of_d.twin(), of_s.twin(), to_public()

    def pair(what, caller, method, path, body=None, headers=None, rounds=300):
        """`path`, `body` and `headers` by exchange."""
        one, other = ((lambda x=x: caller.ask(method, path(x), body(x) if body else None, headers(x) if headers else None)) for x in (True, False))
        findings.timed(what, one, other, rounds)

    def pick(there):
        return of_d if there else none_d

    pair("the state of another's negotiation", parks, "GET", lambda x: f"/2025-1/negotiations/{pick(x).negotiation.own}")
    pair("the state of another's transfer", parks, "GET", lambda x: f"/2025-1/transfers/{pick(x).transfer.own}")
    pair("a message to another's negotiation", parks, "POST", lambda x: f"/2025-1/negotiations/{pick(x).negotiation.own}/offers",
         lambda x: {"@context": CONTEXT, "@type": "ContractOfferMessage", "providerPid": pick(x).negotiation.own, "consumerPid": pick(x).negotiation.other,
                    "offer": offer})
    pair("a transfer under another's agreement", parks, "POST", lambda _: "/2025-1/transfers/request",
         lambda x: transfer_request(pick(x).agreement, "urn:uuid:of-mine", parkwijs.callback))
    pair("another's declarations", parks, "GET", lambda x: f"/evidence/v1/declarations/{pick(x).agreement.encode().hex()}")
    pair("another's handle", parks, "GET", lambda _: "/data", None, lambda x: {"Authorization": f"Bearer {(of_s if x else none_s).handle}"})
    pair("a dataset that is not open", anybody, "GET", lambda x: f"/open/{DATASET if x else twin(DATASET)}")
    many = {**evaluation(of_d.agreement, d.participant), "evaluations": [{}] * 50}
    for _ in range(20):  # 1000 decisions in the hour that is asked about
        expect("a batch of evaluations", managed(w, "POST", "/access/v1/evaluations", many).status, 200)
    day = {"from": "2001-01-01T00:00:00Z", "until": "2001-01-02T00:00:00Z"}
    pair("no entries of a busy hour, and of an empty day", parks, "POST", lambda _: "/evidence/v1/entries", lambda x: {} if x else day, rounds=100)


def turns():
    """Two parties that ask for their entries are in nobody's way, and nobody hears of them."""
    stop, parks, got = threading.Event(), to_exchange(w, p), set()

    def asking(shown):
        caller = to_exchange(w, shown)
        while not stop.is_set():
            caller.ask("POST", "/evidence/v1/entries", {})

    threads = [threading.Thread(target=asking, args=(shown,)) for shown in (d, s)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        got.add(parks.ask("POST", "/evidence/v1/entries", {}).status)
    stop.set()
    for thread in threads:
        thread.join()
    findings.check("a member is not told that others ask for their entries now", got, {200}, sure=False)


# What lies on the disk.

def tokens_of(*nodes):
    return [file.read_text().strip() for node in nodes for file in (node.folder / "tokens").iterdir()]


def on_disk(exchanges):
    of_d, at_d, of_s = exchanges
    expect("a backup", w.command("backup", "create", role="operator").returncode, 0)
    backup, keys = f.folder / "backup", f.folder / "backup-keys"
    stores = {w: (w.folder / "store", w.folder / "checkpoints", backup), d: (d.folder / "store", d.folder / "checkpoints")}
    for node, exchange in ((w, of_d), (d, at_d)):
        for folder in stores[node]:
            if folder.name != "checkpoints":
                expect(f"the state of an agreement is there: {folder.name}", exchange.agreement in found([exchange.agreement], f.folder, folder), True)
    expect("of a handle its hash", bool(found([hashlib.sha256(of_s.handle.encode()).digest()], f.folder, *stores[w])), True)
    never = {w: [ACTIVITY, fingerprint(d), UNHEARD, f"application of {w.name}", f"steward of {w.name}", of_s.handle],
             d: [QUIET, ODD, APPLICATION, f"steward of {d.name}", of_s.handle]}
    for node in (w, d):
        log = node.log()
        told = {entry.get(name) for entry in log for name in ("activity", "certificate", "application", "person", "purpose")} | {UNHEARD, of_s.handle}
        expect(f"what {node.key}'s DPO reads", [word for word in never[node] if word not in told], [])
        of_ends = {w: ACTIVITY, d: APPLICATION}[node]
        in_clear = found(never[node], f.folder, *stores[node])
        expect(f"is in clear nowhere in {node.key}'s store", sorted(in_clear.keys() - {of_ends}), [])
        findings.check(f"nor what the end of a request will say, in {node.key}'s", of_ends in in_clear, False)
        requests = {entry["transaction"] for entry in log if entry.get("transaction") and not entry["event"].startswith("evaluated")}
        expect("there were requests", len(requests) > 2, True)
        findings.check(f"no transaction is in clear in {node.key}'s store", len(found(requests, f.folder, *stores[node])), 0)
        evaluated = {entry["transaction"] for entry in log if entry["event"].startswith("evaluated")}
        expect(f"none of an evaluation in {node.key}'s", found(evaluated, f.folder, *stores[node]), {})
    everywhere = [path for path in f.folder.iterdir() if not path.name.startswith("sluis")]  # programs
    tokens = tokens_of(w, d, s, p)
    expect("a token is in its own file", found(tokens, f.folder, *(node.folder / "tokens" for node in (w, d, s, p))).keys(), set(tokens))
    rest = [path for place in everywhere for path in (place.iterdir() if place.is_dir() else [place]) if path.name != "tokens"]
    expect("and nowhere else", found(tokens, f.folder, *rest), {})
    secrets = [(node.folder / "keys/node.key").read_bytes() for node in (w, d)]
    expect("a node's key lies with the keys, and in the copy of keys", set().union(*found(secrets, f.folder, *rest).values()),
           {"waterrijk/keys/node.key", "duinmeer/keys/node.key", *(str(file.relative_to(f.folder)) for file in keys.rglob("keys/node.key"))})
    for node in (w, d):
        expect(f"{node.key} says something", '"event":"ready"' in (f.folder / f"{node.key}.log").read_text(), True)
        hidden = [*tokens, of_s.handle, *secrets, ACTIVITY, QUIET, APPLICATION, ODD, f"steward of {node.name}", "PRIVATE KEY", "eyJhbGci", "Bearer "]
        expect(f"{node.key} says no secret", found(hidden, f.folder, f.folder / f"{node.key}.log"), {})
        expect(f"{node.key}'s keys and tokens are its own", [oct((node.folder / name).stat().st_mode & 0o777) for name in ("keys", "tokens", "payload_keys")],
               ["0o700"] * 3)


stroomplein = parkwijs = None
try:
    f.make()
    # As many questions as it takes to compare times are no member's share.
    for one, more in ((w, f'[backup]\nstore = "{f.folder}/backup"\nkeys = "{f.folder}/backup-keys"\n'), (d, "")):
        config = one.folder / "node.toml"
        text = config.read_text().replace('other_offers = "refuse"', 'other_offers = "steward"') if one is d else config.read_text()
        config.write_text(f"{text}\n[quota]\nrequests_per_minute = 100000000\n\n{more}")
    for one in (w, d):
        one.start()
    stroomplein, parkwijs = Played(s), Played(p)
    d_callback = f"https://localhost:{d.port}/2025-1"
    for one in (w, d):
        one.wait_ready()
        one.call("MembershipService/Load", {"document": (f.folder / "membership.json").read_text(), "file": "membership.json"}, role="operator")
    policy = {**json.loads(f.offer_counts()["offer"]["policy"]), "target": DATASET}
    f.put_data(w, "open-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "open-counts")
    w.call("DatasetService/Publish", {"toml": f.dataset("open-counts").replace(OPEN, OPEN + "-81"), "file": "old.toml"})
    w.call("DatasetService/Retract", {"id": OPEN + "-81", "reason": "a fault in the counters"})
    duin = of_duinmeer()
    at_duin = Exchange(Process(duin.negotiation.other, duin.negotiation.own), Process(duin.transfer.other, duin.transfer.own), duin.agreement)
    stroom, agreed = of_stroomplein(policy)
    of_parkwijs(policy)
    for subject in (d.participant, p.participant, UNHEARD):
        expect("an evaluation", managed(w, "POST", "/access/v1/evaluation", evaluation(duin.agreement, subject)).status, 200)
    all_three = duin, at_duin, stroom
    strangers_to_each_other(all_three, policy)
    counterparties(all_three)
    on_disk(all_three)
    public(all_three)
    times(all_three, policy)
    turns()
    borrowed_id(duin, policy, agreed)
    ended(stroom, policy)
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    for one in (stroomplein, parkwijs):
        if one:
            one.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
