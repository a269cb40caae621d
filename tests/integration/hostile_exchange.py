#!/usr/bin/env python3
"""What a member may try at a provider: to have it call elsewhere, to send again what was sent, to act in the processes and with the handles of
others, and to write with a role that reads. Stroomplein, which has an agreement, and Parkwijs, which has none, are played here.

usage: hostile_exchange.py BIN_DIR SOURCE_DIR
"""
import http.client
import json
import pathlib
import shutil
import sys
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import certificate  # noqa: E402
from checks import expect, finish  # noqa: E402
from contract import contract  # noqa: E402
from federation import ACTIVITIES, MARKETING, PURPOSE, Federation, scratch  # noqa: E402
from hostile_wire import Liar, Wire, answer, client_tls, statuses  # noqa: E402
from played import Party, fresh, message  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["stroomplein"]
f = Federation(scratch("hostile-exchange"), binary=BIN / "sluis", base_port=22340, parties=("waterrijk", "duinmeer", "stroomplein", "parkwijs"))
w, d, s, p = (f.nodes[key] for key in ("waterrijk", "duinmeer", "stroomplein", "parkwijs"))
TRAP = w.port + 5


# What is no route, and almost one.

def by_nobody(method, path, body=None):
    """Status, headers and body of the answer to a caller without a certificate."""
    connection = http.client.HTTPSConnection("localhost", w.port, context=client_tls(w.folder / "tls/roots.pem"), timeout=20)
    try:
        connection.request(method, path, body)
        got = connection.getresponse()
        return got.status, got.headers, got.read()
    finally:
        connection.close()


def ways(stroomplein):
    catalogue = message("CatalogRequestMessage")
    for method, path, body in (("POST", "/2025-1/catalog/request/", catalogue), ("GET", "/.well-known/dspace-version/", None), ("GET", "/.well-known/sluis-evidence/", None),
                               ("GET", f"/2025-1/catalog/datasets/{DATASET}/", None)):
        expect(f"{method} {path}", stroomplein.ask(w, method, path, body)[0], 200)
    expect("a slash behind a route of others", stroomplein.ask(w, "POST", "/2025-1/negotiations/request/", message("ContractRequestMessage"))[0], 400)
    large = b'"' + b"a" * (2 << 20) + b'"'
    for method, path, body, wanted, kind in (("GET", "/2025-1/catalog/request", None, 405, "CatalogError"), ("PUT", "/2025-1/negotiations/x", b"{}", 405, "ContractNegotiationError"),
                                             ("DELETE", "/2025-1/transfers/x", None, 405, "TransferError"), ("POST", "/2025-1/nothing", catalogue, 404, "CatalogError"),
                                             ("POST", "/2025-1/catalog/request", large, 413, "CatalogError"),
                                             ("POST", "/2025-1/negotiations/request", large, 413, "ContractNegotiationError"),
                                             ("POST", "/2025-1/transfers/request", large, 413, "TransferError")):
        status, got = stroomplein.ask(w, method, path, body)
        told = json.loads(got)
        expect(f"{method} {path} is refused as the protocol has it", (status, told.get("@type"), isinstance(told.get("@context"), list), bool(told.get("reason"))),
               (wanted, kind, True, True))
        if body is not large:
            status, headers, got = by_nobody(method, path, body if isinstance(body, bytes) else b"{}")
            expect(f"{method} {path} by nobody", (status, headers.get("allow")), (404, None))
    expect("POST to the data by nobody", by_nobody("POST", "/data")[0], 404)


# Where a node is told to call.

def elsewhere():
    """Addresses that are not at an origin of the one who names them, though a reader may be led to think so."""
    own, trap = s.port, TRAP
    return [f"https://localhost:{trap}/2025-1", f"https://127.0.0.1:{own}/2025-1", f"https://127.0.0.1:{trap}", f"https://[::1]:{own}", f"https://[::1]:{trap}/x",
            f"https://[::ffff:127.0.0.1]:{trap}", f"https://[::ffff:127.0.0.1]:{own}", f"https://[::ffff:7f00:1]:{trap}",
            f"https://[0:0:0:0:0:ffff:7f00:0001]:{trap}",
            f"https://[64:ff9b::7f00:1]:{trap}", f"https://[::127.0.0.1]:{trap}", f"https://[fe80::1%25lo]:{trap}", f"https://2130706433:{trap}",
            f"https://0177.0.0.1:{trap}", f"https://017700000001:{trap}", f"https://0x7f.0.0.1:{trap}", f"https://0x7f000001:{trap}",
            f"https://127.1:{trap}",
            f"https://127.0.1:{trap}", f"https://0:{trap}", f"https://0.0.0.0:{trap}", f"https://[::]:{trap}",
            "https://169.254.169.254/latest/meta-data/",
            f"https://localhost:{own}@127.0.0.1:{trap}/", f"https://localhost:{own}@127.0.0.1:{trap}", f"https://stroomplein@localhost:{own}",
            f"https://:@localhost:{own}", f"https://@localhost:{own}", f"https://a:b@localhost:{own}/2025-1",
            f"https://localhost%3a{own}@127.0.0.1:{trap}",
            f"https://localhost:{own}.127.0.0.1.example/", f"https://localhost:{own}%40127.0.0.1:{trap}", f"https://localhost%00:{own}",
            f"https://localhost%2eexample:{own}",
            f"https://localhost\\@127.0.0.1:{trap}", f"https://127.0.0.1:{trap}\\@localhost:{own}", f"https://127.0.0.1:{trap}#@localhost:{own}",
            f"https://127.0.0.1:{trap}?@localhost:{own}", f"https://127.0.0.1:{trap}/@localhost:{own}", f"https://localhost.:{own}",
            f"https://.localhost:{own}",
            f"https://localhost:{own + 65536}", f"https://localhost:0{own}", f"https://localhost:+{own}", f"https://localhost: {own}",
            "https://localhost", "https://localhost:",
            f"http://localhost:{own}", f"http://127.0.0.1:{trap}", f"HTTP://localhost:{own}", f"ftp://localhost:{own}",
            f"gopher://127.0.0.1:{trap}/_x", "file:///etc/passwd",
            f"//localhost:{own}", f"https:localhost:{own}", f"https:///localhost:{own}", f"https:/localhost:{own}", "https://", "https", "/2025-1",
            "localhost", " ",
            f" https://localhost:{own}", f"https://localhost:{own}\r\nX: y", f"https://localhost:{own}\t", f"https://local\u00adhost:{own}",
            f"https://\u24db\u24de\u24d2alhost:{own}",
            f"https://localhost\uff1a{own}", f"https://xn--localhost-:{own}", f"https://localhost:{own}/" + "a" * 4000,
            f"https://localhost:{w.port}/2025-1",
            f"https://localhost:{w.port + 2}/sluis.v1.NodeService/Status", f"https://localhost:{d.port}/2025-1", "javascript:alert(1)", "data:,x"]


def callbacks(offer, stroomplein):
    with Liar(TRAP, None, lambda *_: answer()) as trap:
        before = len(w.call("AgreementService/ListNegotiations").get("negotiations", []))
        for address in elsewhere():
            first = message("ContractRequestMessage", consumerPid=fresh(), callbackAddress=address, offer={**offer, "target": DATASET})
            status, body = stroomplein.ask(w, "POST", "/2025-1/negotiations/request", first)
            expect(f"a callback at {address[:70]!r}", (status, json.loads(body)["@type"]), (400, "ContractNegotiationError"))
            other = message("TransferRequestMessage", consumerPid=fresh(), agreementId="urn:uuid:x", format="HttpData-PULL", callbackAddress=address)
            status, body = stroomplein.ask(w, "POST", "/2025-1/transfers/request", other)
            expect(f"a transfer's callback at {address[:70]!r}", (status, json.loads(body)["@type"]), (400, "TransferError"))
        for odd in (None, 7, [], {"@id": stroomplein.callback}, [stroomplein.callback], ""):
            first = message("ContractRequestMessage", consumerPid=fresh(), callbackAddress=odd, offer={**offer, "target": DATASET})
            expect(f"a callback that is {odd!r}", stroomplein.ask(w, "POST", "/2025-1/negotiations/request", first)[0], 400)
        expect("none of them began anything", len(w.call("AgreementService/ListNegotiations").get("negotiations", [])), before)
        time.sleep(0.5)
        expect("and nobody was called", trap.taken, 0)


# An exchange, and what can be done to it.

class Exchange:
    """What Stroomplein has with Waterrijk; every message that it sent, in order."""

    def __init__(self, offer, party):
        self.party, self.sent = party, []
        self.consumer, self.consuming = fresh(), fresh()
        made = self.send("negotiations/request", message("ContractRequestMessage", consumerPid=self.consumer, callbackAddress=party.callback,
                                                         offer={**offer, "target": DATASET}), 201)
        self.provider = made["providerPid"]
        self.agreement = party.wait("/agreement")["agreement"]["@id"]
        self.send(f"negotiations/{self.provider}/agreement/verification", message("ContractAgreementVerificationMessage", **self.negotiating))
        party.wait("/events")
        begun = self.send("transfers/request", message("TransferRequestMessage", consumerPid=self.consuming, agreementId=self.agreement, format="HttpData-PULL",
                                                       callbackAddress=party.callback), 201)
        self.providing = begun["providerPid"]
        self.take_handle()

    def take_handle(self):
        start = self.party.wait("/start")["dataAddress"]
        self.handle = next(one["value"] for one in start["endpointProperties"] if one["name"] == "authorization")
        expect("the data are at the gate", start["endpoint"], f"https://localhost:{w.port}/data")

    @property
    def negotiating(self):
        return {"providerPid": self.provider, "consumerPid": self.consumer}

    @property
    def transferring(self):
        return {"providerPid": self.providing, "consumerPid": self.consuming}

    def send(self, path, body, wanted=200):
        data = json.dumps(body).encode()
        status, got = self.party.ask(w, "POST", f"/2025-1/{path}", data)
        expect(f"{body['@type']} is taken", status if status == wanted else (status, got), wanted)
        self.sent.append((path, data))
        return json.loads(got) if wanted == 201 else None

    def claim(self, purpose=CROWD, **more):
        return self.party.claim(w, self.agreement, self.providing, purpose, ACTIVITY, **more)

    def pull(self, claim=None, handle=None, shown=None, by=None):
        """Status, and of a refusal its code."""
        status, body = (by or self.party).ask(w, "GET", "/data", None, {"Authorization": f"Bearer {handle or self.handle}", "Sluis-Claim": claim or self.claim()}, shown)
        return status, "data" if status == 200 else json.loads(body).get("code")

    def states(self):
        """All that there is with Stroomplein, as Waterrijk shows it; without what is told of sending."""
        keep = ("id", "peerId", "state", "agreement", "updated")
        negotiations = [n for n in w.call("AgreementService/ListNegotiations")["negotiations"] if n["peer"] == s.participant]
        transfers = [t for t in w.call("TransferService/List")["transfers"] if t["peer"] == s.participant]
        return [[one.get(name) for name in keep] for one in negotiations + transfers], len(w.call("AgreementService/List")["agreements"])


def again(exchange):
    """Each message once more, byte for byte: of a first one the same answer, of all others a refusal; and nothing happens by it."""
    until = time.monotonic() + 10
    while any("REQUESTED" in one for one in exchange.states()[0]) and time.monotonic() < until:
        time.sleep(0.05)  # the answer to its last message is still on its way
    before, entries = exchange.states(), len(w.log(party=s.participant))
    for path, data in exchange.sent:
        status, body = exchange.party.ask(w, "POST", f"/2025-1/{path}", data)
        first = path.endswith("/request") and path.count("/") == 1
        expect(f"{path.split('/')[-1]} once more", status, 201 if first else 400)
        if first:
            expect("of the same process", json.loads(body)["providerPid"] in (exchange.provider, exchange.providing), True)
    expect("what was sent again changed nothing", exchange.states(), before)
    expect("nor is it on record as if it had", len(w.log(party=s.participant)), entries)


def not_ones_own(exchange, parkwijs, offer):
    """Messages about Stroomplein's processes by who is no party, and with ids that are exchanged or guessed."""
    before = exchange.states()
    reason = {"code": "1", "reason": ["x"]}
    kinds = [("negotiations", exchange.negotiating, [("agreement/verification", "ContractAgreementVerificationMessage", {}),
                                                     ("events", "ContractNegotiationEventMessage", {"eventType": "ACCEPTED"}),
                                                     ("events", "ContractNegotiationEventMessage", {"eventType": "FINALIZED"}),
                                                     ("request", "ContractRequestMessage", {"offer": {**offer, "target": DATASET}}),
                                                     ("termination", "ContractNegotiationTerminationMessage", reason)]),
             ("transfers", exchange.transferring, [("start", "TransferStartMessage", {}), ("completion", "TransferCompletionMessage", {}),
                                                   ("suspension", "TransferSuspensionMessage", reason),
                                                   ("termination", "TransferTerminationMessage", reason)])]
    for name, pids, actions in kinds:
        provider, consumer = pids["providerPid"], pids["consumerPid"]
        crossed = {"providerPid": consumer, "consumerPid": provider}
        for action, kind, more in actions:
            for what, by, at, told in (
                    ("another party", parkwijs, provider, pids), ("another party, at the consumer's id", parkwijs, consumer, pids),
                    ("its party, ids exchanged", exchange.party, provider, crossed), ("its party, at its own id", exchange.party, consumer, pids),
                    ("its party, both exchanged", exchange.party, consumer, crossed),
                    ("its party, a guessed consumerPid", exchange.party, provider, {**pids, "consumerPid": fresh()}),
                    ("its party, a guessed providerPid", exchange.party, provider, {**pids, "providerPid": fresh()}),
                    ("its party, at a guessed id", exchange.party, fresh(), pids), ("its party, with no ids", exchange.party, provider, {})):
                status, body = by.ask(w, "POST", f"/2025-1/{name}/{at}/{action}", message(kind, **told, **more))
                known = by is exchange.party and at == provider
                expect(f"{kind} {more.get('eventType', '')} by {what}", (status, b"state" in body and not known), (400 if known else 404, False), (400, False))
    expect("whatever they sent, nothing changed", exchange.states(), before)
    for agreement in (exchange.agreement, exchange.provider, "urn:uuid:none"):
        request = message("TransferRequestMessage", consumerPid=fresh(), agreementId=agreement, format="HttpData-PULL", callbackAddress=parkwijs.callback)
        status, body = parkwijs.ask(w, "POST", "/2025-1/transfers/request", request)
        expect("a transfer for somebody else's agreement", (status, json.loads(body)["@type"]), (404, "TransferError"))
    expect("began nothing", [t["peer"] for t in w.call("TransferService/List")["transfers"]], [s.participant])


def at_the_gate(exchange, parkwijs):
    claim = exchange.claim()
    expect("a pull", exchange.pull(claim), (200, "data"))
    expect("its claim once more", exchange.pull(claim), (403, "claim.replayed"))
    jti = fresh()
    expect("another claim", exchange.pull(exchange.claim(jti=jti)), (200, "data"))
    expect("another with the same jti", exchange.pull(exchange.claim(jti=jti)), (403, "claim.replayed"))
    refused = exchange.claim(jti=(other := fresh()), purpose=MARKETING)
    expect("a claim that is refused", exchange.pull(refused)[0], 403)
    expect("and comes again for a purpose that is granted", exchange.pull(exchange.claim(jti=other)), (403, "claim.replayed"))
    for what, more, code in (("of an hour ago", {"iat": int(time.time()) - 3600}, "claim.too_old"), ("of tomorrow", {"iat": int(time.time()) + 86400}, "claim.from_future"),
                             ("for another's ears", {"aud": p.participant}, "claim.audience"),
                             ("in another's name", {"iss": d.participant}, "claim.issuer"),
                             ("for another path", {"path": "/data/x"}, "claim.path"),
                             ("for another transfer", {"transfer": fresh()}, "claim.transfer"),
                             ("for another agreement", {"agreement": fresh()}, "claim.agreement"),
                             ("for another method", {"method": "HEAD"}, "claim.method")):
        expect(f"a claim {what}", exchange.pull(exchange.claim(**more)), (403, code))
    head, payload, signature = exchange.claim().split(".")
    none = exchange.claim().split(".")[1]
    for what, odd in (("without signature", f"{head}.{payload}."), ("with the signature of another", f"{head}.{none}.{signature}"),
                      ("with no algorithm", f"eyJhbGciOiJub25lIiwia2lkIjoiY2xhaW0tMSIsInR5cCI6InNsdWlzLWNsYWltK2p3dCJ9.{payload}.")):
        expect(f"a claim {what}", exchange.pull(odd)[0], 403)
    signed_here = parkwijs.claim(w, exchange.agreement, exchange.providing, CROWD, ACTIVITY, iss=s.participant)
    expect("a claim that Parkwijs signed in Stroomplein's name", exchange.pull(signed_here), (403, "claim.signature"))
    for claimed in (exchange.claim(), parkwijs.claim(w, exchange.agreement, exchange.providing, CROWD, ACTIVITY)):
        expect("the handle with Parkwijs's certificate", exchange.pull(claimed, by=parkwijs)[0], 404)
    expect("the handle without a certificate", statuses(anonymous(exchange)), [404])
    for what, handle in (("cut", exchange.handle[:-1]), ("longer", exchange.handle + "A"), ("in capitals", exchange.handle.swapcase()), ("of nobody", "A" * 43)):
        expect(f"the handle, {what}", exchange.pull(handle=handle)[0], 404)
    renewed = certificate(f.folder, "renewed", usage="clientAuth,serverAuth", subject=f"/C=NL/O=Stroomplein B.V./CN=stroomplein.example/serialNumber={s.oin}")
    expect("with a renewed certificate of its party it works", exchange.pull(shown=renewed), (200, "data"))
    unlisted = certificate(f.folder, "unlisted", usage="clientAuth,serverAuth", subject="/C=NL/O=Stroomplein B.V./CN=stroomplein.example")
    expect("with one that nobody listed it does not", exchange.pull(shown=unlisted)[0], 404)


def anonymous(exchange):
    with Wire(w.port, client_tls(w.folder / "tls/roots.pem")) as wire:
        wire.send(f"GET /data HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {exchange.handle}\r\nSluis-Claim: {exchange.claim()}\r\n\r\n".encode())
        return wire.read()[0]


def when_it_is_over(exchange):
    """A handle after its transfer was suspended, and after it was ended, each as soon as it is; and after its agreement was."""
    w.call("TransferService/Suspend", {"id": exchange.providing, "code": "pause", "sentence": "maintenance"})
    expect("the handle while it is suspended", exchange.pull(), (403, "transfer.not_started"))
    exchange.party.wait("/suspension")
    w.call("TransferService/Resume", {"id": exchange.providing})
    old = exchange.handle
    exchange.take_handle()
    expect("the handle of the resumed transfer", exchange.pull(), (200, "data"))
    expect("the handle of before", exchange.pull(handle=old)[0], 404, 200 if old == exchange.handle else 404)
    exchange.send(f"transfers/{exchange.providing}/suspension", message("TransferSuspensionMessage", **exchange.transferring, code="1", reason=["x"]))
    expect("suspended by its own party", exchange.pull()[0], 403)
    w.call("TransferService/Terminate", {"id": exchange.providing, "code": "over", "sentence": "it is over"})
    expect("the handle when it is over", exchange.pull()[0], 403, 404)
    expect("a start by its party does not bring it back", exchange.party.ask(w, "POST", f"/2025-1/transfers/{exchange.providing}/start",
                                                                             message("TransferStartMessage", **exchange.transferring))[0], 400)
    expect("nor is the handle any better", exchange.pull()[0], 403, 404)
    w.call("AgreementService/Terminate", {"id": exchange.agreement, "code": "ended", "sentence": "the counters are replaced"})
    asked = message("TransferRequestMessage", consumerPid=fresh(), agreementId=exchange.agreement, format="HttpData-PULL", callbackAddress=exchange.party.callback)
    status, body = exchange.party.ask(w, "POST", "/2025-1/transfers/request", asked)
    expect("a transfer under an agreement that has ended", (status, json.loads(body)["@type"]), (400, "TransferError"))


# Who manages.

def roles(stroomplein):
    """The DPO reads: each method that changes something, but for those that are hers, refuses her token; and no token means anything to peers."""
    table = contract(SOURCE)
    hers = [f"{one.service}.{one.name}" for one in table if one.changes and "dpo" in one.roles]
    expect("what a DPO may have done: a comparison, a signature of her own, a copy to check by, half of a lookup", sorted(hers),
           ["AuditService.Package", "AuditService.Reconcile", "AuditService.Sign", "AuditService.Subject"])
    before, count = len(w.log()), 0
    for method in table:
        if not method.changes or "dpo" in method.roles:
            continue
        for body in ({}, {**({"dryRun": True} if "dry_run" in method.fields else {}), **({"id": DATASET} if "id" in method.fields else {})}):
            request = urllib.request.Request(f"http://127.0.0.1:{w.port + 2}{method.path}", data=json.dumps(body).encode(),
                                             headers={"Content-Type": "application/json", "Authorization": f"Bearer {w.token('dpo')}"})
            try:
                with urllib.request.urlopen(request, timeout=10) as got:
                    expect(f"the DPO at {method.name}", got.status, 403)
            except urllib.error.HTTPError as error:
                expect(f"the DPO at {method.name}", (error.code, json.loads(error.read())["code"]), (403, "permission_denied"))
        count += 1
    expect("there are many", count > 15, True)
    print(f"    {count} methods that change something refuse the DPO's token")
    expect("and nothing is on record of it", len(w.log()), before)
    catalog = json.dumps(message("CatalogRequestMessage")).encode()
    for role in ("steward", "operator", "dpo"):
        token = {"Authorization": f"Bearer {w.token(role)}"}
        for method, path, body in (("POST", "/sluis.v1.NodeService/Status", b"{}"), ("POST", "/sluis.v1.DatasetService/Retract", b'{"id":"x"}'), ("GET", "/metrics", None),
                                   ("GET", "/readyz", None), ("GET", "/console/", None), ("POST", "/access/v1/evaluation", b"{}"),
                                   ("GET", "/intake/x", None)):
            expect(f"the {role}'s token at the exchange listener: {path}", stroomplein.ask(w, method, path, body, token)[0], 404)
        with Wire(w.port, client_tls(w.folder / "tls/roots.pem")) as wire:
            wire.send((f"POST /2025-1/catalog/request HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {w.token(role)}\r\n"
                       f"Content-Type: application/json\r\nContent-Length: {len(catalog)}\r\n\r\n").encode() + catalog)
            expect(f"the {role}'s token in place of a certificate", statuses(wire.read()[0]), [404])
        expect("and beside one it does no harm", stroomplein.ask(w, "POST", "/2025-1/catalog/request", catalog, token)[0], 200)


stroomplein = parkwijs = None
try:
    f.make()
    for node in (w, d):
        node.start()
    for node in (w, d):
        node.wait_ready()
        node.call("MembershipService/Load", {"document": (f.folder / "membership.json").read_text(), "file": "membership.json"}, role="operator")
    stroomplein, parkwijs = Party(s), Party(p)
    policy = json.loads(f.offer_counts()["offer"]["policy"])
    ways(stroomplein)
    callbacks(policy, stroomplein)
    exchange = Exchange(policy, stroomplein)
    again(exchange)
    not_ones_own(exchange, parkwijs, policy)
    at_the_gate(exchange, parkwijs)
    roles(stroomplein)
    when_it_is_over(exchange)
    expect("the node lives", w.process.poll(), None)
finally:
    f.stop()
    for one in (stroomplein, parkwijs):
        if one:
            one.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
