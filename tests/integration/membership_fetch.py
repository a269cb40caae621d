#!/usr/bin/env python3
"""Lists that a node fetches by itself: from the second place while the first is down; a party that is taken off loses a pull that runs, and all
access; signers roll over with a threshold; what hostile places offer is refused and shown; lists of revoked certificates likewise.

usage: membership_fetch.py BIN_DIR SOURCE_DIR
"""
import base64
import contextlib
import hashlib
import http.server
import json
import pathlib
import shutil
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import of_party, revocation_lists  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
DATASET, PACED = "urn:waterrijk:detailed-counts", "urn:waterrijk:detailed-counts-paced"
f = Federation(scratch("membership-fetch"), binary=BIN / "sluis", base_port=23440, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
FIRST, SECOND, CRL = (f.base_port + offset for offset in (35, 36, 37))
A, B = f"https://localhost:{FIRST}/list.json", f"https://localhost:{SECOND}/list.json"


class Place:
    """Serves one document with its tag, to who asks at this port; nothing while it is down."""

    def __init__(self, port, certificate=None):
        self.port, self.certificate, self.server = port, certificate, None
        self.body, self.status, self.headers, self.asked = b"", 200, {}, []

    def up(self, body=None, status=200, **headers):
        self.body, self.status, self.headers = (body.encode() if isinstance(body, str) else body) or b"", status, headers
        if self.server:
            return self
        place = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                tag = f'"{hashlib.sha256(place.body).hexdigest()}"'
                place.asked.append(self.headers["If-None-Match"])
                same = place.status == 200 and self.headers["If-None-Match"] == tag
                self.send_response(304 if same else place.status)
                for name, value in {"ETag": tag, **place.headers}.items():
                    self.send_header(name, value)
                if not same:
                    self.send_header("Content-Length", str(len(place.body)))
                self.end_headers()
                if not same:
                    with contextlib.suppress(OSError):
                        self.wfile.write(place.body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                connection, address = super().get_request()
                connection.settimeout(10)
                return connection, address

            def handle_error(self, *_):  # a node that breaks off
                pass
        self.server = Server(("127.0.0.1", self.port), Handler)
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def down(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


def wait_for(what, holds, limit=30):
    until = time.monotonic() + limit
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    expect(what, bool(held), True)
    return held


def compose(version, parties=(w, d), signers=("federation",), keys=("federation",), threshold=1, name="Demo federation of Waterrijk", days=None):
    """A signed list, of the party.json of these."""
    path = f.folder / "composed.json"
    words = [word for node in parties for word in ("--party", node.folder / "party.json")]
    words += [word for signer in signers for word in ("--signer", f.folder / f"{signer}.key.pub")]
    f.sluis("membership", "compose", path, "--federation", name, "--list-version", version, "--threshold", threshold, *words)
    if days:
        composed = json.loads(path.read_text())
        composed["refresh_after"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400 * days))
        path.write_text(json.dumps(composed))
    for key in keys:
        f.sluis("membership", "sign", path, "--key", f.folder / f"{key}.key")
    return path.read_text()


def configure(node, sources, more=""):
    path = node.folder / "node.toml"
    text = path.read_text()
    expect(f"{node.key}: there is a threshold to write beside", text.count("\nthreshold = 1\n"), 1)
    text = text.replace("\nthreshold = 1\n", f'\nthreshold = 1\nsources = {json.dumps(sources)}\nevery = "PT1S"\n')
    path.write_text(text.replace('# crl = "tls/crl.pem"', f"{more}#", 1))


def version_of(node):
    return int(node.call("MembershipService/Show", role="operator")["membership"].get("version", 0))


def source_of(node, place, member="fetching"):
    return next(one for one in node.call("MembershipService/Show", role="operator")[member]["sources"] if one["place"] == place)


def findings(node):
    return node.call("NodeService/Status", role="operator").get("findings", [])


def told(node, *words):
    """Whether one finding has all of these words."""
    return any(all(word in finding for word in words) for finding in findings(node))


def metric(node, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{node.port + 2}/metrics", timeout=5).read().decode()
    return [float(line.split(" ")[-1]) for line in text.splitlines() if line.startswith(name)]


def agree(dataset):
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": dataset, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]


def pull(transfer):
    """"whole", or the code with which it was refused."""
    try:
        return "whole" if d.pull(transfer, CROWD, ACTIVITY)[1] else "cut"
    except Refused as refused:
        return json.loads(refused.body)["code"]


class Stream(threading.Thread):
    """A slow pull that runs while something else happens."""

    def __init__(self, transfer):
        super().__init__(daemon=True)
        self.transfer, self.whole, self.begun = transfer, None, threading.Event()
        self.start()
        expect("a slow pull begins", self.begun.wait(20), True)

    def run(self):
        try:
            self.whole = d.pull(self.transfer, CROWD, ACTIVITY, on_chunk=lambda got: self.begun.set(), timeout=120)[1]
        except Refused as refused:
            self.whole = refused.body


def peer_sees():
    """What Waterrijk answers to who shows Duinmeer's certificate: the dataspace catalogue, as a member may ask it."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    context.load_cert_chain(d.folder / "tls/node.pem", d.folder / "tls/node.key")
    ask = urllib.request.Request(f"https://localhost:{w.port}/2025-1/catalog/request", method="POST", headers={"Content-Type": "application/json"},
                                 data=json.dumps({"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}).encode())
    try:
        with urllib.request.urlopen(ask, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def shared_of(node, index):
    return base64.b64decode(json.loads(node.call("AuditService/Proof", {"index": index}, role="dpo")["receipt"])["shared"])


def cuts():
    """How many releases Waterrijk cut, as their party was not to have them any more."""
    return len([e for e in w.log(kinds=["stream-end", "cut"]) if e.get("reason") == "membership"])


def fetched():
    """A new list appears at the second place, while the first is down. A file is a place too."""
    wait_for("Waterrijk has the list", lambda: version_of(w) == 1)
    wait_for("and Duinmeer, from a file", lambda: version_of(d) == 1)
    entry = w.log(kinds=["membership"])
    expect("it is on record as fetched, by nobody", [(e["event"], e.get("person", "")) for e in entry], [("fetched", "")])
    digest = hashlib.sha256(second.body).hexdigest()
    expect("with the place and the digest", f"version 1 from {B} sha256 {digest}".encode() in shared_of(w, entry[0]["index"]), True)
    wait_for("it is asked for again, with its tag", lambda: len([tag for tag in second.asked if tag]) >= 2)
    expect("which costs no entry", len(w.log(kinds=["membership"])), 1)
    down, up = source_of(w, A), source_of(w, B)
    expect("the first place is down", (down.get("failing"), "lastSuccess" in down, bool(down["failure"])), (True, False, True))
    expect("the second is not", (up.get("failing", False), "lastSuccess" in up, "nextTry" in up), (False, True, True))
    shown = w.call("MembershipService/Show", role="operator")["fetching"]
    expect("how long a removal takes at most, and of what it is made", (shown["bound"], shown["fetchBound"], shown["cutBound"], shown["every"]),
           ("PT22S", "PT21S", "PT1S", "PT1S"))
    expect("also as a number", metric(w, 'sluis_list_bound_seconds{list="membership"}'), [22.0])
    expect("and who fails", [metric(w, f'sluis_list_source_failing{{list="membership",source="{place}"}}') for place in (A, B)], [[1.0], [0.0]])
    changes = w.command("membership", "changes", role="operator")
    expect("a person reads what the first list brought", (changes.returncode, *(one.participant in changes.stdout for one in (w, d))), (0, True, True))
    sources = w.command("membership", "sources", role="operator")
    expect("and where lists come from", (sources.returncode, A in sources.stdout, "PT22S" in sources.stdout), (0, True, True))


def removed():
    """Who is not on the newest list loses what runs, and what was agreed with it."""
    global open_transfer
    before, stream = cuts(), Stream(agree(PACED))
    expect("it has access", (peer_sees(), pull(open_transfer)), (200, "whole"))
    second.up(compose(2, parties=(w,)))
    stream.join(60)
    expect("the pull that ran is cut", stream.whole, False)
    expect("it is the newest list that cut it", version_of(w), 2)
    wait_for("which stands in the log", lambda: cuts() > before)
    expect("nobody is let in any more", (peer_sees(), pull(open_transfer) == "whole"), (404, False))
    changes = w.call("MembershipService/Show", role="operator")["changes"]
    expect("what changed", (changes["version"], changes["before"], changes["removed"], changes.get("added", []), changes["place"]),
           ("2", "1", [d.participant], [], B))
    three = compose(3)
    second.up(three)
    wait_for("it is back", lambda: version_of(w) == 3)
    published.write_text(three)
    wait_for("for both", lambda: version_of(d) == 3)
    expect("it is let in, and what it had has ended", (peer_sees(), pull(open_transfer) == "whole"), (200, False))
    open_transfer = agree(DATASET)
    expect("it has access once it has agreed anew", pull(open_transfer), "whole")


def rolled():
    """Two of three new keys sign, and the old one does not any more; no node's configuration is touched."""
    for name in ("second", "third"):
        f.sluis("membership", "key", f.folder / f"{name}.key")
    new = {"signers": ("second", "third"), "threshold": 2}
    second.up(compose(4, **new, keys=("second", "third")))
    wait_for("new signers that no old one named", lambda: told(w, B, "0 valid signatures of trusted keys"))
    second.up(compose(4, **new, keys=("federation", "second")))
    wait_for("one of two new ones did not sign", lambda: told(w, B, "1 valid signatures of the signers that it names"))
    expect("neither is taken", version_of(w), 3)
    four = compose(4, **new, keys=("federation", "second", "third"))
    second.up(four)
    wait_for("old and new together", lambda: version_of(w) == 4)
    second.up(compose(5, **new, keys=("second",)))
    wait_for("then one of two is not enough", lambda: told(w, B, "1 valid signatures of trusted keys, and needs 2"))
    second.up(compose(5, keys=("federation",)))
    wait_for("and the old key signs nothing", lambda: told(w, B, "0 valid signatures of trusted keys, and needs 2"))
    expect("nothing of it is taken", version_of(w), 4)
    five = compose(5, **new, keys=("second", "third"))
    second.up(five)
    wait_for("the new ones alone", lambda: version_of(w) == 5)
    wait_for("then nothing is left to be told of it", lambda: not told(w, B))
    w.stop()
    w.start()
    w.wait_ready()
    expect("kept over a start, with the configuration of before", version_of(w), 5)
    try:
        w.call("MembershipService/Load", {"document": compose(6, keys=("federation",)), "file": "list.json"}, role="operator")
        expect("a person with the old key's list", "taken", "refused")
    except Refused as refused:
        expect("a person with the old key's list", refused.status, 403)
    return four, five, new


def hostile(four, five, new):
    """The first place is up now, and lies. The second is honest, and used."""
    entries = len(w.log(kinds=["membership"]))
    big = base64.urlsafe_b64encode(b" " * 1_000_000).decode()
    lies = (
        ("rolled back", {"body": four}, ("version 4 is older than version 5", "rolls back")),
        ("of another signer", {"body": compose(6, keys=("federation",))}, ("0 valid signatures",)),
        ("garbage", {"body": "<html>no list</html>"}, ("not valid JSON",)),
        ("too large", {"body": f'{{"payload": "{big}", "signatures": []}}'}, ("more than 1048576 bytes",)),
        ("cut short", {"body": five[:-40]}, ("not valid JSON",)),
        ("elsewhere", {"body": b"", "status": 302, "Location": B}, ("a redirect is not followed",)),
        ("not there", {"body": b"", "status": 404}, ("it answers 404",)),
    )
    for what, answer, words in lies:
        first.up(**answer)
        wait_for(f"{what}: told", lambda: any(word in source_of(w, A).get("failure", "") for word in words))
        if "status" not in answer and what != "too large":
            expect(f"{what}: a finding", told(w, A, *words), True)
        expect(f"{what}: not taken", (version_of(w), len(w.log(kinds=["membership"]))), (5, entries))
    first.up(compose(5, parties=(w,), **new, keys=("second", "third")))
    wait_for("the same version with other content", lambda: told(w, A, "CONTRADICTS", "another version 5"))
    first.up(five)
    wait_for("the place says what is true", lambda: not source_of(w, A).get("failing"))
    expect("the contradiction stays told", told(w, "CONTRADICTS"), True)
    expect("the second place was good all the time", source_of(w, B).get("failing", False), False)
    expect("and Duinmeer has its access", (peer_sees(), pull(open_transfer)), (200, "whole"))
    six = compose(6, **new, keys=("second", "third"), days=1)
    second.up(six)
    wait_for("a newer list", lambda: version_of(w) == 6)
    first.up(six)
    wait_for("ends it", lambda: not told(w, "CONTRADICTS"))


def stale():
    w.call("NodeService/DemoClock", {"bySeconds": 2 * 86400}, role="operator")
    first.down()
    wait_for("past refresh_after it is told what was asked", lambda: told(w, "the membership list should be refreshed", "asked", A, "has nothing newer"))


def revoked():
    """Lists of revoked certificates: fetched before anything else at the first start, a revocation cuts what runs."""
    expect("they were fetched", (w.folder / "tls/crl.pem").read_text().count("BEGIN X509 CRL"), 2)
    before = crl.body
    shown = w.call("MembershipService/Show", role="operator")["revocations"]
    expect("and how long it takes is told", (shown["bound"], shown["every"]), ("PT12S", "PT1S"))
    cut, stream = cuts(), Stream(agree(PACED))
    crl.up(revocation_lists(f.folder, d.folder / "tls/node.pem", reason="keyCompromise"))
    stream.join(60)
    expect("who is revoked loses the pull that runs", stream.whole, False)
    wait_for("on record", lambda: cuts() > cut)
    wait_for("and nobody is let in with it", lambda: peer_sees() == 404)
    held = (w.folder / "tls/crl.pem").read_bytes()
    crl.up(before)
    wait_for("lists of before are refused", lambda: told(w, "revoked certificates", "is older than the one in place"))
    crl.up(b"garbage")
    wait_for("so is garbage", lambda: told(w, "revoked certificates", "not a list"))
    expect("the file is as it was", (w.folder / "tls/crl.pem").read_bytes() == held, True)
    expect("and it stays out", peer_sees(), 404)
    crl.up(revocation_lists(f.folder))
    wait_for("until a newer list has it no more", lambda: peer_sees() == 200)
    expect("with access", pull(open_transfer), "whole")


first = second = crl = None
try:
    f.make()
    certificate = of_party(f.folder, "lists", "Federatie van Waterrijk", "")
    first, second, crl = Place(FIRST, certificate), Place(SECOND, certificate), Place(CRL)
    published = f.folder / "published.json"
    published.write_text(compose(1))
    published.chmod(0o644)
    second.up(published.read_text())
    crl.up(revocation_lists(f.folder))
    configure(w, [A, B], f'crl = "tls/crl.pem"\ncrl_sources = ["http://localhost:{CRL}/crl.pem"]\ncrl_every = "PT1S"\n')
    configure(d, [str(published)])
    f.start()
    fetched()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts", "detailed-counts-paced")
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    open_transfer = agree(DATASET)
    revoked()
    removed()
    hostile(*rolled())
    stale()
finally:
    for place in (first, second, crl):
        if place:
            place.down()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
