#!/usr/bin/env python3
"""What a node takes from a peer that lies: agreements that are not what was asked for, answers that lead elsewhere, that are more than they seem
or that never end. Duinmeer's node asks; Parkwijs and Stroomplein, who answer, are played here.

usage: hostile_peers.py BIN_DIR SOURCE_DIR
"""
import datetime
import gzip
import json
import pathlib
import shutil
import sys
import threading
import time
import zlib

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, MARKETING, PURPOSE, Federation, Refused, scratch  # noqa: E402
from hostile_wire import Liar, answer, memory, together  # noqa: E402
from played import CONTEXT, VERSION, Party, fresh, message  # noqa: E402

CROWD, OFFER, DATASET = PURPOSE + "CrowdManagement", "urn:parkwijs:detailed-counts", "urn:parkwijs:counts"
GROWN_MIB = 150  # that the node which asks may take more of
f = Federation(scratch("hostile-peers"), binary=BIN / "sluis", base_port=22380, parties=("waterrijk", "duinmeer", "stroomplein", "parkwijs"))
w, d, s, p = (f.nodes[key] for key in ("waterrijk", "duinmeer", "stroomplein", "parkwijs"))
TRAP = w.port + 5
NO_MESSAGE = "a dataset that is a list", "no id", "an id of 3,000 characters", "another type"  # refused as it stands; the negotiation waits on


def refused(node, method, request=None):
    """What a call is refused with, and after how many seconds."""
    began = time.monotonic()
    try:
        return f"taken: {node.call(method, request)}"[:300], time.monotonic() - began
    except Refused as error:
        return json.loads(error.body).get("message", error.body), time.monotonic() - began


def taken(said):
    return said.startswith("taken: ")


def instant(**later):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%SZ")


# A provider that agrees to something else.

class Provider(Party):
    """Parkwijs, with one offer in its catalogue."""

    def __init__(self, node, policy):
        self.policy = json.loads(json.dumps(policy).replace("urn:waterrijk:detailed-counts", OFFER).replace(w.participant, node.participant))
        self.policy["@id"] = OFFER
        self.pids = {}
        super().__init__(node, self.provide)

    def catalog(self):
        service = {"@id": "urn:parkwijs:service", "@type": "DataService", "endpointURL": self.callback}
        offered = {key: value for key, value in self.policy.items() if key != "target"}
        return {"@context": CONTEXT, "@id": "urn:parkwijs:catalog", "@type": "Catalog", "participantId": self.node.participant, "service": [service],
                "dataset": [{"@id": DATASET, "@type": "Dataset", "hasPolicy": [offered],
                             "distribution": [{"@type": "Distribution", "format": "HttpData-PULL", "accessService": "urn:parkwijs:service"}]}]}

    def provide(self, path, body):
        if path.endswith("/catalog/request"):
            return answer(json.dumps(self.catalog()))
        if path.endswith(("/negotiations/request", "/transfers/request")):
            consumer = json.loads(body)["consumerPid"]
            self.pids[consumer] = self.pids.get(consumer, fresh())
            self.got.put((path, body))
            kind = "ContractNegotiation" if "negotiations" in path else "TransferProcess"
            return answer(json.dumps(message(kind, providerPid=self.pids[consumer], consumerPid=consumer, state="REQUESTED")), 201)
        if path == "/.well-known/sluis-evidence":
            return answer(status=404)
        return self.take(path, body)

    def asked(self):
        """A new request by Duinmeer: the pids, and an agreement as it should be."""
        began = d.call("AgreementService/Request", {"peer": self.node.participant, "offer": OFFER, "purpose": CROWD})["negotiation"]
        request = self.wait("/negotiations/request")
        offer = {key: value for key, value in request["offer"].items() if key not in ("@id", "@type", "assigner", "target")}
        pids = {"providerPid": self.pids[request["consumerPid"]], "consumerPid": request["consumerPid"]}
        return began["id"], pids, {"@id": fresh(), "@type": "Agreement", "target": request["offer"]["target"], "assigner": self.node.participant,
                                   "assignee": d.participant, "timestamp": instant(), **offer}

    def agree(self, pids, agreement):
        return self.ask(d, "POST", f"/2025-1/negotiations/{pids['consumerPid']}/agreement", message("ContractAgreementMessage", **pids, agreement=agreement))


def agreements():
    return [one["id"] for one in d.call("AgreementService/List").get("agreements", [])]


def alterations(good):
    """What a provider may send in place of the agreement that was asked for."""
    def with_policy(change):
        other = json.loads(json.dumps(good))
        change(other["permission"][0])
        return other

    def constrained(permission):
        return permission["constraint"]

    yield "another purpose", json.loads(json.dumps(good).replace(CROWD, MARKETING))
    yield "a constraint less", with_policy(lambda one: constrained(one).pop())
    yield "a constraint more", with_policy(lambda one: constrained(one).append(constrained(one)[0]))
    yield "no constraint", with_policy(lambda one: one.pop("constraint"))
    yield "another action", with_policy(lambda one: one.update(action="odrl:distribute"))
    yield "a duty more", with_policy(lambda one: one.setdefault("duty", []).append({"action": "odrl:compensate"}))
    yield "a duty for the consumer", {**good, "obligation": [{"action": "odrl:compensate"}]}
    yield "a prohibition", {**good, "prohibition": [{"action": "use"}]}
    yield "a permission more", {**good, "permission": good["permission"] + [{"action": "use"}]}
    yield "no permission", {key: value for key, value in good.items() if key != "permission"}
    yield "a profile", {**good, "profile": "https://example.org/profile"}
    yield "a key that nobody knows", {**good, "refinement": "x"}
    yield "another dataset", {**good, "target": DATASET + "-other"}
    yield "a dataset that is a list", {**good, "target": [good["target"]]}
    yield "another assignee", {**good, "assignee": s.participant}
    yield "another assigner", {**good, "assigner": w.participant}
    yield "the parties exchanged", {**good, "assignee": good["assigner"], "assigner": good["assignee"]}
    yield "no assignee", {key: value for key, value in good.items() if key != "assignee"}
    yield "a time that is to come", {**good, "timestamp": instant(days=1)}
    yield "a time before the request", {**good, "timestamp": instant(days=-400)}
    yield "a time a minute before it", {**good, "timestamp": instant(minutes=-1)}
    yield "a time that is none", {**good, "timestamp": "yesterday"}
    yield "no time", {key: value for key, value in good.items() if key != "timestamp"}
    yield "no id", {**good, "@id": ""}
    yield "an id of 3,000 characters", {**good, "@id": "urn:" + "a" * 3000}
    yield "another type", {**good, "@type": "Offer"}


def altered(provider):
    """The consumer refuses what was not asked for, says why, and keeps no agreement of it."""
    _, _, sample = provider.asked()
    names = [what for what, _ in alterations(sample)]
    for at, what in enumerate(names):
        number, pids, good = provider.asked()
        other = list(alterations(good))[at][1]
        status, text = provider.agree(pids, other)
        if what in NO_MESSAGE:
            shown = d.call("AgreementService/Show", {"id": number})["negotiation"]["state"]
            expect(f"an agreement with {what} is no message", (status, json.loads(text)["@type"], shown), (400, "ContractNegotiationError", "REQUESTED"))
            expect("no agreement is kept", agreements(), [])
            continue
        expect(f"an agreement with {what} is taken for what it is", status, 200)
        told = provider.wait("/termination")
        while told["consumerPid"] != pids["consumerPid"]:
            told = provider.wait("/termination")
        shown = d.call("AgreementService/Show", {"id": number, "waitSeconds": 10})
        reason = shown["negotiation"].get("reason", {})
        expect(f"an agreement with {what} is refused", (shown["negotiation"]["state"], reason.get("code"), reason.get("ours"), bool(reason.get("sentences"))),
               ("TERMINATED", "agreement-differs", True, True))
        expect("its sender is told why", (told["code"], bool(told["reason"])), ("agreement-differs", True))
        expect("and it cannot be sent once more, as it should be", provider.agree(pids, good)[0], 400)
        expect("no agreement is kept", agreements(), [])


def agreed(provider):
    """As it should be; and then not another in its place."""
    number, pids, good = provider.asked()
    expect("an agreement as it was asked for", provider.agree(pids, good)[0], 200)
    provider.wait("/agreement/verification")
    expect("another in its place", provider.agree(pids, {**good, "@id": fresh()})[0], 400)
    finalized = message("ContractNegotiationEventMessage", **pids, eventType="FINALIZED")
    path = f"/2025-1/negotiations/{pids['consumerPid']}/events"
    expect("the end of another's negotiation", provider.ask(d, "POST", path, {**finalized, "providerPid": fresh()})[0], 400)
    expect("the end with its ids exchanged", provider.ask(d, "POST", path, {**finalized, "providerPid": pids["consumerPid"], "consumerPid": pids["providerPid"]})[0], 400)
    expect("the end", provider.ask(d, "POST", path, finalized)[0], 200)
    expect("the end once more", provider.ask(d, "POST", path, finalized)[0], 400)
    expect("it is held as it was sent", (agreements(), d.call("AgreementService/Show", {"id": number})["negotiation"]["state"]), ([good["@id"]], "FINALIZED"))
    return good["@id"]


def where_data_are(provider, agreement):
    """A provider says where the data are; this node goes, with its certificate and its signature, to the provider's own addresses only."""
    d.call("ActivityService/Publish", {"id": ACTIVITIES["duinmeer"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    with Liar(TRAP, None, lambda *_: answer()) as trap:
        for address in (f"https://localhost:{TRAP}/data", f"https://127.0.0.1:{TRAP}/data", f"https://[::ffff:127.0.0.1]:{TRAP}/data", f"http://localhost:{p.port}/data",
                        f"https://localhost:{w.port}/data", f"https://localhost:{p.port}@127.0.0.1:{TRAP}/", f"https://2130706433:{TRAP}/data",
                        "file:///etc/passwd"):
            own = d.call("TransferService/Start", {"agreement": agreement})["transfer"]["id"]
            asked = provider.wait("/transfers/request")
            pids = {"providerPid": provider.pids[asked["consumerPid"]], "consumerPid": asked["consumerPid"]}
            place = {"@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": address,
                     "endpointProperties": [{"@type": "EndpointProperty", "name": "authorization", "value": "handle-of-parkwijs"}]}
            provider.ask(d, "POST", f"/2025-1/transfers/{own}/start", message("TransferStartMessage", **pids, dataAddress=place))
            try:
                expect(f"data at {address}", d.pull(own, CROWD, ACTIVITIES["duinmeer"]), "refused")
            except Refused as error:
                expect(f"data at {address}", (error.status, "no endpoint" in error.body or error.body), (409, True))
        expect("nobody was asked", trap.taken, 0)
    expect("nor was the neighbour", [entry["counterparty"] for entry in w.log() if entry.get("counterparty") == d.participant and entry["kind"] == "decision"], [])


# Answers that are more than they seem.

class Answering:
    """A party whose catalogue is what the test says next."""

    def __init__(self, node):
        self.said, self.version = b"", answer(VERSION)
        self.party = Party(node, lambda path, _: self.version if path.startswith("/.well-known/dspace-version") else self.said)

    def fetched(self, said, version=None):
        """What the node says of it, and after how long."""
        self.said, self.version = said, version or answer(VERSION)
        return refused(d, "CatalogService/Fetch", {"peer": self.party.node.participant})


def elsewhere(peer):
    trap_port = TRAP + 1
    with Liar(trap_port, None, lambda *_: answer(VERSION)) as trap:
        for status in (300, 301, 302, 303, 305, 307, 308):
            for at in (f"http://localhost:{trap_port}/", f"https://localhost:{trap_port}/x", "/2025-1/catalog/other"):
                before = len(peer.party.liar.asked)
                said, _ = peer.fetched(answer(b"", status, [f"location: {at}"]))
                expect(f"an answer {status} to {at}", (taken(said), [path for _, path, _ in peer.party.liar.asked[before:]]),
                       (False, ["/.well-known/dspace-version", "/2025-1/catalog/request"]))
        said, _ = peer.fetched(b"", answer(b"", 302, [f"location: http://localhost:{trap_port}/"]))
        expect("versions elsewhere", "does not say which protocol versions" in said or said, True)
        for path in (f"@localhost:{trap_port}/2025-1", "0/2025-1", ".example/2025-1", "2025-1", f"//localhost:{trap_port}", "\\@localhost", "?x", "#x"):
            said, _ = peer.fetched(b"", answer(VERSION.replace('"/2025-1"', json.dumps(path))))
            expect(f"a version at {path}", taken(said), False)
        empty = json.dumps(message("Catalog", **{"@id": "c", "participantId": s.participant}))
        for at in (f"https://localhost:{trap_port}/2025-1/catalog/request?page=2",
                   f"http://localhost:{trap_port}/", f"https://localhost:{s.port}0/2025-1", f"https://localhost:{s.port}@x/2025-1",
                   f"https://localhost:{s.port}/2025-1.example/x", f"https://localhost:{s.port}/elsewhere", f"//localhost:{trap_port}/x"):
            said, _ = peer.fetched(answer(empty, headers=[f'link: <{at}>; rel="next"']))
            expect(f"a next page at {at}", "outside the catalogue's address" in said or said, True)
        time.sleep(0.2)
        expect("nobody else was called", trap.taken, 0)


def coded(peer):
    catalog = json.dumps(message("Catalog", **{"@id": "c", "participantId": s.participant})).encode()
    expect("a catalogue with nothing in it", taken(peer.fetched(answer(catalog))[0]), True)
    bomb = b'{"a":"' + b"0" * (50 << 20) + b'"}'
    for coding, body in (("gzip", gzip.compress(bomb)), ("gzip", gzip.compress(catalog)), ("deflate", zlib.compress(bomb)), ("br", b"\x0b\x02\x80{}\x03"),
                         ("gzip, gzip", gzip.compress(gzip.compress(bomb)))):
        said, took = peer.fetched(answer(body, headers=[f"content-encoding: {coding}"]))
        expect(f"an answer in {coding} that nobody asked for", ("content coding" in said or said, took < 3), (True, True))
    small = gzip.compress(catalog)
    said, took = peer.fetched(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(small), small))
    expect("an answer in a coding of the transfer", (taken(said), took < 3), (False, True))
    for what, body in (("a key twice", catalog[:-1] + b',"@type":"Catalog"}'), ("a nesting of 400,000", b"[" * 400_000 + b"]" * 400_000),
                       ("a million elements", b"[" + b"1," * 1_000_000 + b"1]"),
                       ("invalid UTF-8", catalog.replace(b'"c"', b'"\xc3\x28"')), ("a lone surrogate", catalog.replace(b'"c"', b'"\\ud800"')),
                       ("HTML", b"<html></html>"), ("nothing", b"")):
        said, took = peer.fetched(answer(body))
        expect(f"an answer with {what}", (taken(said), took < 3 or took), (False, True))


def pages(peer):
    """A next page, for ever: with nothing on it, and with a lot."""
    count = [0]

    def page(filling):
        def said(path, _):
            if path.startswith("/.well-known"):
                return answer(VERSION)
            count[0] += 1
            body = json.dumps(message("Catalog", **{"@id": "c", "participantId": s.participant, "extra": filling}))
            return answer(body, headers=[f'link: <?page={count[0]}>; rel="next"'])
        return said

    for what, filling in (("empty pages", ""), ("pages of 900 KB", "a" * 900_000)):
        count[0] = 0
        peer.party.liar.answers = page(filling)
        said, took = refused(d, "CatalogService/Fetch", {"peer": s.participant})
        expect(f"{what} without end", ("does not end" in said or said, took < 65, count[0] <= 1000), (True, True, True))
        print(f"    {what} without end: given up after {count[0]} in {took:.1f} s")


def stream(head, piece, a_second):
    """An answer that never ends: `a_second` pieces each second, or as fast as they are taken."""
    def said(connection):
        connection.sendall(head)
        number = 0
        while True:
            connection.sendall(piece(number) if callable(piece) else piece)
            number += 1
            if a_second:
                time.sleep(1 / a_second)
    return said


def endless(peer):
    """Each ends with a clear error, and soon; the node's memory is bounded."""
    ok, many = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n", 100_000
    catalog = b'{"@context":["https://w3id.org/dspace/2025/1/context.jsonld"],"@type":"Catalog","dataset":['
    chunk = b"%x\r\n%s\r\n" % (many, b"1," * (many // 2))
    def begin(extra):
        return ok + extra + b"\r\n"
    chunked = begin(b"transfer-encoding: chunked\r\n") + b"%x\r\n%s\r\n" % (len(catalog), catalog)
    cut_short = "cut short", "too large", "time is up"
    for what, said, wanted in (
            ("at 1 MB/s", stream(chunked, chunk, 10), cut_short), ("as fast as it goes", stream(chunked, chunk, 0), ("too large",)),
            ("of a terabyte, as it says", stream(begin(b"content-length: 1000000000000\r\n"), b" " * many, 10), cut_short),
            ("without any length", stream(begin(b""), b" " * many, 10), cut_short),
            ("a byte a second", stream(begin(b"content-length: 1000\r\n"), b" ", 1), cut_short),
            ("with a head that comes a byte a second", stream(b"H", b"T", 1), ("time is up", "no HTTP")),
            ("with a head without end", stream(ok, lambda number: b"X-%d: a\r\n" % number, 0), ("no HTTP", "no answer")),
            ("behind interim answers without end", stream(b"", b"HTTP/1.1 102 X\r\n\r\n", 0), ("interim",)),
            ("that never begins", lambda connection: time.sleep(8), ("time is up", "no answer")),
            ("of chunks with one byte each", stream(begin(b"transfer-encoding: chunked\r\n"), b"1;a=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n \r\n" * 2000, 0), cut_short)):
        told, took = peer.fetched(said)
        expect(f"a catalogue {what}", (any(one in told for one in wanted) or told, took < 8 or took), (True, True))
    peer.said = stream(chunked, chunk, 10)
    began = time.monotonic()
    done = d.command("catalog", "fetch", s.participant)
    expect("the command says so too", (done.returncode, any(one in done.stderr for one in cut_short) or done.stderr, time.monotonic() - began < 8), (1, True, True))


def watch(stop, told):
    """The node's memory; and that others are served."""
    while not stop.is_set():
        told.append((memory(d), taken(refused(d, "CatalogService/Fetch", {"peer": w.participant})[0])))
        stop.wait(0.25)


provider, peer, stop, told = None, None, threading.Event(), []
try:
    f.make()
    for node in (s, p):  # who say that they prove nothing are asked for no proofs
        party = node.folder / "party.json"
        party.write_text(json.dumps({**json.loads(party.read_text()), "evidence": "none", "log_origins": []}))
    f.membership(1)
    for node in (w, d):
        config = node.folder / "node.toml"
        config.write_text(config.read_text() + "\n[quota]\nrequests_per_minute = 1000000\nnegotiations_per_minute = 1000\n")
        node.start()
    for node in (w, d):
        node.wait_ready()
        node.call("MembershipService/Load", {"document": (f.folder / "membership.json").read_text(), "file": "membership.json"}, role="operator")
    provider, peer = Provider(p, json.loads(f.offer_counts()["offer"]["policy"])), Answering(s)
    before = memory(d)
    watching = threading.Thread(target=watch, args=(stop, told))
    watching.start()

    def lies():
        altered(provider)
        where_data_are(provider, agreed(provider))

    def answers():
        elsewhere(peer)
        coded(peer)
        endless(peer)
        pages(peer)

    together(lies, answers)
    stop.set()
    watching.join()
    most = max(size for size, _ in told)
    print(f"    the node had {before} MiB in memory before, and at most {most} MiB meanwhile")
    expect("its memory is bounded", most - before < GROWN_MIB, True)
    expect("another peer's catalogue is fetched meanwhile", [good for _, good in told if not good], [])
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    stop.set()
    f.stop()
    for one in (provider, peer and peer.party):
        if one:
            one.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
