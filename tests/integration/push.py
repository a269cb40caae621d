#!/usr/bin/env python3
"""Pushes: data that the provider sends to the address its consumer gave. What arrives, what is recorded, what is refused and cut, and what a crash leaves.

usage: push.py BIN_DIR SOURCE_DIR
"""
import hashlib
import json
import pathlib
import shutil
import socket
import ssl
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402
from played import Party, fresh, message  # noqa: E402

CROWD, NAVIGATION, ACTIVITY, OTHER = PURPOSE + "CrowdManagement", PURPOSE + "Navigation", ACTIVITIES["duinmeer"], "urn:duinmeer:activity:navigation"
f = Federation(scratch("push"), binary=BIN / "sluis", base_port=24040, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
base_port = 24140
PORT = base_port + 5
INBOX = f"https://localhost:{PORT}"
PATIENCE = 40


def wait(condition, limit=PATIENCE):
    until = time.monotonic() + limit
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


class Delivery:
    """One request that came: what of it, and when its last byte."""

    def __init__(self, path, headers, serial):
        self.path, self.headers, self.serial = path, headers, serial
        self.body, self.trailers, self.whole, self.last = b"", {}, None, time.monotonic()


class Receiver:
    """Duinmeer's own service, with Duinmeer's certificate. `answers` has, by path, the status lines in turn; the last stays. `early`: those that are
    told before the body, which is not read then. `deaf`: so many connections are closed at once."""

    def __init__(self):
        self.came, self.answers, self.early, self.deaf, self.stopped = [], {}, {}, 0, False
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(d.folder / "tls/node.pem", d.folder / "tls/node.key")
        self.tls.load_verify_locations(d.folder / "tls/roots.pem")
        self.tls.verify_mode = ssl.CERT_REQUIRED
        self.listener = socket.create_server(("127.0.0.1", PORT))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while not self.stopped:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            if self.deaf:
                self.deaf -= 1
                connection.close()
                continue
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, raw):
        one = None
        try:
            with self.tls.wrap_socket(raw, server_side=True) as connection:
                subject = dict(item for group in connection.getpeercert()["subject"] for item in group)
                source = connection.makefile("rb")
                path = source.readline().decode().split()[1]
                one = Delivery(path, self.fields(source), subject.get("serialNumber"))
                self.came.append(one)
                if path in self.early:
                    connection.sendall(f"HTTP/1.1 {self.early[path]}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
                    one.whole = False
                    time.sleep(0.3)  # what is still unread at the end resets the connection, which may take with it what was not read there yet
                    return
                while size := int(source.readline(), 16):
                    while size:
                        part = source.read1(min(size, 65536))
                        if not part:
                            raise ConnectionError
                        one.body += part
                        one.last = time.monotonic()
                        size -= len(part)
                    source.readline()
                one.trailers = self.fields(source)
                told = self.answers.get(path, ["201 Created"])
                status = told.pop(0) if len(told) > 1 else told[0]
                connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
                one.whole = True
        except (OSError, ValueError, IndexError):
            if one:
                one.whole = False

    @staticmethod
    def fields(source):
        out = {}
        while (line := source.readline().decode().strip()):
            name, _, value = line.partition(":")
            out[name.lower()] = value.strip()
        return out

    def at(self, path):
        return [one for one in self.came if one.path == path]

    def stop(self):
        self.stopped = True
        self.listener.close()


def put(name, template="detailed-counts", push=True, terms=""):
    text = f.dataset(template).replace(f"urn:waterrijk:{template}", f"urn:waterrijk:{name}").replace("[terms]\n", "[terms]\n" + terms)
    w.call("DatasetService/Publish", {"toml": ("push = true\n" if push else "") + text, "file": f"{name}.toml"})


def publish(name, template="detailed-counts", push=True, terms=""):
    put(name, template, push, terms)
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": f"urn:waterrijk:{name}", "purpose": CROWD, "waitSeconds": 20})["negotiation"]
    expect(f"{name} is agreed", made.get("state"), "FINALIZED")
    return made["agreement"]


def ask(agreement, path, purpose=CROWD, activity=ACTIVITY):
    return d.call("TransferService/Start", {"agreement": agreement, "pushTo": INBOX + path, "purpose": purpose, "activity": activity,
                                            "waitSeconds": 20})["transfer"]["id"]


def shown(node, transfer):
    """As this node has it; `transfer` is Duinmeer's number."""
    own = d.call("TransferService/Show", {"id": transfer})["transfer"]
    return own if node is d else w.call("TransferService/Show", {"id": own["peerId"]})["transfer"]


def becomes(transfer, state):
    wait(lambda: shown(d, transfer).get("state") == state and shown(w, transfer).get("state") == state)
    return shown(d, transfer).get("state"), shown(w, transfer).get("state")


def entries(transfer, *kinds):
    number = shown(w, transfer)["id"]
    return [e for e in w.log(kinds=list(kinds)) if e.get("transfer") == number]


def a_push(agreement):
    done = d.command("transfer", "start", agreement, "--push", INBOX + "/happy", "--purpose", CROWD, "--activity", ACTIVITY, "-o", "name")
    transfer = done.stdout.strip()
    expect("the command asks for it", (done.returncode, bool(transfer)), (0, True))
    expect("it completes at both", becomes(transfer, "COMPLETED"), ("COMPLETED", "COMPLETED"))
    came = receiver.at("/happy")
    expect("it came once, whole, and with the provider's certificate", [(one.whole, one.serial) for one in came], [(True, w.oin)])
    one = came[0]
    expect("through the column plan", one.body.split(b"\n")[0], b"time,counter,total,in,out")
    expect("its trailer is its digest", one.trailers.get("sluis-sha256"), hashlib.sha256(one.body).hexdigest())
    expect("it names the receiver's own transfer", one.headers.get("sluis-transfer"), transfer)
    decided, ended = entries(transfer, "decision"), entries(transfer, "stream-end")
    expect("one decision, and one end", [(e["decision"], e["purpose"], e["activity"], e.get("evidence")) for e in decided] + [e["end"] for e in ended],
           [("permit", CROWD, ACTIVITY, "one-sided"), "complete"])
    expect("with the receiver's certificate, and where it went", [(bool(e.get("certificate")), e.get("detail")) for e in decided], [(True, f"pushed to {INBOX}/happy")])
    asked = [e for e in d.log(kinds=["transfer"]) if e.get("transfer") == transfer and e["event"] == "requested"]
    expect("the consumer's log has what was claimed, for where, and by whom",
           [(e.get("purpose"), e.get("activity"), e.get("detail"), bool(e.get("person"))) for e in asked], [(CROWD, ACTIVITY, f"to be pushed to {INBOX}/happy", True)])
    expect("the same transaction", {e["transaction"] for e in decided + ended}, {one.headers.get("sluis-transaction")})
    expect("shown", (shown(w, transfer)["push"].get("sent"), shown(d, transfer)["push"]["purpose"]), (True, CROWD))
    code = d.command("pull", transfer, "--purpose", CROWD, "--activity", ACTIVITY).returncode
    expect("nothing is pulled of it", code, 1)


def what_is_not_asked_for(agreement):
    for what, request, words in (
            ("another origin", {"pushTo": f"https://localhost:{PORT + 1}/x", "purpose": CROWD, "activity": ACTIVITY}, "no endpoint of ours"),
            ("in clear", {"pushTo": f"http://localhost:{PORT}/x", "purpose": CROWD, "activity": ACTIVITY}, "https"),
            ("without purpose", {"pushTo": INBOX + "/x"}, "purpose"),
            ("an activity that is not registered", {"pushTo": INBOX + "/x", "purpose": CROWD, "activity": "urn:duinmeer:activity:none"}, "activity"),
            ("a purpose of a pull", {"purpose": CROWD}, "push")):
        try:
            d.call("TransferService/Start", {"agreement": agreement, **request})
            expect(what, "asked for", "refused")
        except Refused as refused:
            expect(f"{what}: says why", words in refused.body, True)
    try:
        d.call("TransferService/Start", {"agreement": publish("kept-short", terms='delete_after = "P7D"\n'), "pushTo": INBOX + "/x", "purpose": CROWD, "activity": ACTIVITY})
        expect("under a duty to delete", "asked for", "refused")
    except Refused as refused:
        expect("under a duty to delete: says why", "deleted" in refused.body, True)
    played = Party(d, listens=False)
    for what, address, status in (("of another origin", {"endpoint": f"https://localhost:{PORT + 1}/x"}, 400), ("of the provider's own", {"endpoint": f"https://localhost:{w.port}/x"}, 400),
                                  ("of the machine itself", {"endpoint": "https://127.0.0.1:22/"}, 400), ("none", None, 400)):
        more = {"dataAddress": {"@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", **address}} if address else {}
        got, _ = played.ask(w, "POST", "/2025-1/transfers/request", message("TransferRequestMessage", consumerPid=fresh(), agreementId=agreement, format="HttpData-PUSH",
                                                                              callbackAddress=played.callback, **more))
        expect(f"an address {what}", got, status)


def refusals(agreement, plain):
    marketing = ask(agreement, "/denied", NAVIGATION, OTHER)
    expect("a purpose that is not granted ends it", becomes(marketing, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    decided = entries(marketing, "decision")
    expect("on record", [(e["decision"], e["purpose"], e["reason"]) for e in decided], [("refused", NAVIGATION, "purpose")])
    for node in (w, d):
        reason = shown(node, marketing)["reason"]
        expect(f"{node.key} reads why", (reason["code"], reason["sentences"]), ("purpose", [decided[0]["sentence"]]))
    expect("nothing left", receiver.at("/denied"), [])
    fetched = ask(plain, "/plain")
    expect("a dataset that is only fetched", becomes(fetched, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    expect("says so", shown(d, fetched)["reason"]["code"], "push.not_offered")


def receivers(agreement):
    receiver.answers["/moved"] = [f"307 Moved\r\nlocation: {INBOX}/elsewhere"]
    moved = ask(agreement, "/moved")
    expect("a redirect ends it", becomes(moved, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    expect("and is not followed", (shown(d, moved)["reason"]["code"], receiver.at("/elsewhere")), ("push.refused", []))
    receiver.answers["/full"] = ["507 Insufficient Storage", "201 Created"]
    full = ask(agreement, "/full")
    expect("what could not be stored is sent again", becomes(full, "COMPLETED"), ("COMPLETED", "COMPLETED"))
    expect("as a decision of its own", (len(receiver.at("/full")), len(entries(full, "decision")), shown(w, full)["push"]["tries"]), (2, 2, 2))
    receiver.answers["/no"] = ["403 Forbidden"]
    refused = ask(agreement, "/no")
    expect("a receiver that refuses ends it", becomes(refused, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    expect("after one try", len(receiver.at("/no")), 1)


    receiver.deaf = 1
    deaf = ask(agreement, "/deaf?key=hidden")
    expect("a receiver that could not be reached is called again", becomes(deaf, "COMPLETED"), ("COMPLETED", "COMPLETED"))
    expect("a connection that failed is a try and no decision", (shown(w, deaf)["push"]["tries"], len(entries(deaf, "decision"))), (2, 1))
    expect("the query is sent and not shown", (len(receiver.at("/deaf?key=hidden")), shown(w, deaf)["push"]["to"], shown(d, deaf)["push"]["to"]), (1, INBOX + "/deaf", INBOX + "/deaf"))


def under_way(agreement, path):
    transfer = ask(agreement, path)
    wait(lambda: receiver.at(path) and receiver.at(path)[0].body)
    return transfer, receiver.at(path)[0]


def what_ends_meanwhile(slow):
    receiver.early["/early"] = "413 Content Too Large"
    early = ask(slow, "/early")
    expect("a receiver that refuses before it took all ends it", becomes(early, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    reason = shown(d, early)["reason"]
    expect("and its status is told", (reason["code"], "413" in reason["sentences"][0], len(receiver.at("/early"))), ("push.refused", True, 1))
    paused, one = under_way(slow, "/paused")
    d.call("TransferService/Suspend", {"id": paused})
    expect("a suspension cuts it", (wait(lambda: one.whole is not None), one.whole), (True, False))
    expect("and ends nothing", becomes(paused, "SUSPENDED"), ("SUSPENDED", "SUSPENDED"))
    d.call("TransferService/Resume", {"id": paused})
    expect("it goes on from the start", wait(lambda: len(receiver.at("/paused")) == 2 and receiver.at("/paused")[1].body), True)
    w.stop()
    wait(lambda: receiver.at("/paused")[1].whole is False)
    w.start()
    w.wait_ready(PATIENCE)
    wait(lambda: len(entries(paused, "cut")) == 2)
    expect("a provider that stops says so of what it sends", sorted(e["reason"] for e in entries(paused, "cut")), ["node.stopping", "transfer.not_started"])
    expect("and goes on", wait(lambda: len(receiver.at("/paused")) == 3 and receiver.at("/paused")[2].body), True)
    put("pushed-slowly", "detailed-counts-paced", push=False)
    expect("data that are not pushed any more are cut", wait(lambda: receiver.at("/paused")[2].whole is False), True)
    expect("and the next try ends it", becomes(paused, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    expect("with the reason", shown(d, paused)["reason"]["code"], "push.not_offered")
    put("pushed-slowly", "detailed-counts-paced")


def crash(agreement):
    killed = ask(agreement, "/killed")
    wait(lambda: receiver.at("/killed") and receiver.at("/killed")[0].body)
    w.kill()
    wait(lambda: receiver.at("/killed")[0].whole is False)
    w.start()
    w.wait_ready(PATIENCE)
    wait(lambda: len(receiver.at("/killed")) == 2 and receiver.at("/killed")[1].body)
    decided = entries(killed, "decision")
    expect("a provider that was killed goes on, on record", [e["decision"] for e in decided], ["permit", "permit"])
    expect("of the first it says that its end is not known", [e["end"] for e in entries(killed, "stream-end")], ["unknown"])
    return killed


def revocation(agreement, transfer):
    one = receiver.at("/killed")[1]
    grown = len(one.body)
    expect("it is under way", wait(lambda: len(one.body) > grown), True)
    w.call("AgreementService/Terminate", {"id": agreement, "code": "withdrawn", "sentence": "the approval was withdrawn"})
    ended = time.monotonic()
    expect("an agreement that ends cuts it", (wait(lambda: one.whole is not None), one.whole), (True, False))
    expect("within a second", one.last - ended < 1, True)
    expect("and ends the transfer", becomes(transfer, "TERMINATED"), ("TERMINATED", "TERMINATED"))
    wait(lambda: entries(transfer, "cut"))
    cut = entries(transfer, "cut")
    expect("with a record of what left", [(e["end"], int(e["bytes"]) >= len(one.body)) for e in cut], [("cut", True)])
    push = shown(w, transfer)["push"]
    expect("no other try follows", (push["tries"], push.get("nextTry"), push.get("sent", False), len(receiver.at("/killed"))), (2, None, False, 2))


try:
    f.make()
    own = json.loads((d.folder / "party.json").read_text())
    own["endpoints"].append({**own["endpoints"][0], "url": INBOX})
    (d.folder / "party.json").write_text(json.dumps(own))
    f.membership(1)
    f.start()
    f.join()
    receiver = Receiver()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    for activity, purpose in ((ACTIVITY, CROWD), (OTHER, NAVIGATION)):
        d.call("ActivityService/Publish", {"id": activity, "purpose": purpose, "from": "2026-01-01T00:00:00Z", "title": "Crowds and ways"})
    counts = publish("pushed")
    a_push(counts)
    what_is_not_asked_for(counts)
    refusals(counts, publish("fetched", push=False))
    receivers(counts)
    slow = publish("pushed-slowly", "detailed-counts-paced")
    what_ends_meanwhile(slow)
    revocation(slow, crash(slow))
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
    receiver.stop()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
