#!/usr/bin/env python3
"""Events that a node tells a municipality's own systems, through the real binary: each once and in order whatever the receiver does, signed so
that another library's rule accepts them and no changed one, of the kinds that were asked for, and without what stays at the node.

usage: webhooks.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import shutil
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import pinned  # noqa: E402

pinned.enter()
from checks import expect, finish  # noqa: E402
from cloudevents.http import from_http  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402

CROWD, DATASET = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts"
KEY, NEXT_KEY = b"waterrijk-tells-its-case-system!", b"the-second-of-waterrijk's-webhook"
f = Federation(scratch("webhooks"), binary=BIN / "sluis", base_port=23040, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


class Receiver:
    """Checks what comes as Standard Webhooks has it, and keeps what it took."""

    def __init__(self, port, *keys):
        self.port, self.keys = port, list(keys)
        self.orders, self.requests, self.taken, self.server = [], [], [], None
        self.lock = threading.Lock()

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answer(self.path, dict(self.headers), body)
                if status is None:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address = True, True

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def good(self, headers, body):
        return any(valid(key, headers, body) for key in self.keys)

    def answer(self, path, headers, body):
        with self.lock:
            self.requests.append((path, headers, body))
            if not self.good(headers, body):
                return 401
            order = self.orders.pop(0) if self.orders else 204
            if isinstance(order, int) and order // 100 != 2:
                return order
            if headers["webhook-id"] not in [headers_of["webhook-id"] for headers_of, _ in self.taken]:  # it may come again
                self.taken.append((headers, body))
            return None if order == "cut after" else order

    def events(self):
        with self.lock:
            return [from_http(headers, body) for headers, body in self.taken]


def valid(key, headers, body):
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(wanted, headers["webhook-signature"]) and abs(int(headers["webhook-timestamp"]) - time.time()) < 300


def secret_is(name, key, mode=0o600):
    path = w.folder / "keys" / name
    path.write_text("whsec_" + base64.b64encode(key).decode() + "\n" if key else "")
    path.chmod(mode)
    if f.user:
        os.chown(path, f.user.pw_uid, f.user.pw_gid)


def wait_for(what, holds, limit=60):
    until = time.monotonic() + limit
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    expect(what, holds(), True)


def log_of(*kinds):
    entries, token = [], ""
    while True:
        page = w.call("AuditService/Log", {"kinds": list(kinds), "pageToken": token})
        entries += page.get("entries", [])
        token = page.get("nextPageToken", "")
        if not token:
            return entries


def indexes(*kinds):
    return [int(entry.get("index", 0)) for entry in log_of(*kinds)]


def told(receiver):
    return [event.data["entry"] for event in receiver.events()]


def configure():
    plain = (w.folder / "node.toml").read_text()
    secret_is("cases.webhook", KEY)
    secret_is("archive.webhook", KEY)
    good = plain + f'''
[[webhook]]
url = "http://127.0.0.1:{cases.port}/hooks/sluis"
secret = "keys/cases.webhook"
kinds = ["agreement", "agreement-ended", "transfer"]

[[webhook]]
url = "http://127.0.0.1:{archive.port}/all"
secret = "keys/archive.webhook"
'''
    (w.folder / "node.toml").write_text(good)
    expect("the configuration", f.sluis("config", "check", w.folder / "node.toml", check=False).returncode, 0)
    line = good.splitlines().index("[[webhook]]") + 2
    for what, wrong, place, said in (
            ("in clear to elsewhere", good.replace(f"http://127.0.0.1:{cases.port}", "http://cases.waterrijk.example"), f":{line}:", "must begin with https://"),
            ("of a kind that there is not", good.replace('"agreement-ended"', '"agreement-endet"'), f":{line + 2}:", "did you mean `agreement-ended`"),
            ("of a kind twice", good.replace('"agreement-ended"', '"agreement"'), f":{line + 2}:", "`agreement` is named twice"),
            ("named twice", good + good[good.index("\n[[webhook]]"):], ":", "this webhook is named twice"),
            ("without a secret", good.replace('secret = "keys/cases.webhook"\n', ""), ":", "secret")):
        (w.folder / "wrong.toml").write_text(wrong)
        done = f.sluis("serve", "--config", w.folder / "wrong.toml", check=False)
        expect(f"a webhook {what} is refused at the start: {done.stderr}", (done.returncode, f"wrong.toml{place}" in done.stderr, said in done.stderr), (1, True, True))
    for what, key, mode, said in (("that others can read", KEY, 0o644, "others can read the secret"), ("that is empty", b"", 0o600, "holds no credential"),
                                  ("that is too short", b"short", 0o600, "holds no secret of a webhook")):
        secret_is("cases.webhook", key, mode)
        done = f.sluis("serve", "--config", w.folder / "node.toml", check=False)
        expect(f"a secret {what}", (done.returncode, said in done.stderr), (1, True))
    secret_is("cases.webhook", KEY)
    listed = f.sluis("key", "list", "--config", w.folder / "node.toml", check=False).stdout
    expect("it is among the keys", ("cases.webhook" in listed, base64.b64encode(KEY).decode() in listed), (True, False))


def agree():
    agreement = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    return agreement, d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]["id"]


def pull(transfer):
    return len(d.pull(transfer, CROWD, ACTIVITIES["duinmeer"])[0])


def exchange():
    global agreement
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    w.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts"), "file": "detailed-counts.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITIES["duinmeer"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    agreement, transfer = agree()
    expect("a pull", pull(transfer) > 1000, True)


def in_health():
    wait_for("all is told", lambda: told(archive) == indexes())
    wait_for("what was asked for is told", lambda: told(cases) == indexes("agreement", "agreement-ended", "transfer"))
    expect("there was something", len(told(cases)) > 1, True)
    expect("each once", len(cases.requests), len(cases.taken))
    expect("where it belongs", ({path for path, *_ in cases.requests}, {path for path, *_ in archive.requests}), ({"/hooks/sluis"}, {"/all"}))
    by_index = {int(entry.get("index", 0)): entry for entry in log_of()}
    for event in archive.events():
        entry = by_index[event.data["entry"]]
        expect("an event is its entry's", (event["source"], event["type"], event.data.get("agreement", ""), event.data.get("counterparty", "")),
               (w.participant, "org.w3id.sluis." + entry["kind"], entry.get("agreement", ""), entry.get("counterparty", "")))
    everything = b"".join(body for _, body in archive.taken)
    for inside in (ACTIVITIES["waterrijk"], ACTIVITIES["duinmeer"], "steward"):
        expect(f"{inside} stays here", inside.encode() in everything, False)
    headers, body = cases.taken[0]
    for what, changed in (("another body", (headers, body.replace(b"agreement", b"agreemend", 1))), ("another id", ({**headers, "webhook-id": "0"}, body)),
                          ("another time", ({**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body))):
        expect(f"{what} is found", (valid(KEY, headers, body), valid(KEY, *changed)), (True, False))


def in_trouble():
    """Refused, cut, cut after it was taken, away while the node dies: each event arrives, in order, once for who looks at its id."""
    cases.orders[:] = [503, 429, "cut after"]
    d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})
    wait_for("each order was followed", lambda: not cases.orders)
    wait_for("all arrives", lambda: told(cases) == indexes("agreement", "agreement-ended", "transfer"))
    expect("one came again", len(cases.requests) > len(cases.taken), True)
    cases.stop()
    agree()
    w.kill()
    w.start()
    w.wait_ready()
    expect("an exchange without it", pull(agree()[1]) > 1000, True)
    cases.start()
    wait_for("what happened meanwhile arrives", lambda: told(cases) == indexes("agreement", "agreement-ended", "transfer"))
    wait_for("the other has all of it", lambda: told(archive) == indexes())


def secret_rotated():
    cases.keys.append(NEXT_KEY)
    secret_is("cases.webhook", NEXT_KEY)
    w.call("AgreementService/Terminate", {"id": agreement, "code": "ended", "sentence": "it is over"})
    wait_for("it goes on", lambda: told(cases) == indexes("agreement", "agreement-ended", "transfer"))
    headers, body = cases.taken[-1]
    expect("under the new secret", (valid(NEXT_KEY, headers, body), valid(KEY, headers, body)), (True, False))
    cases.keys[:] = [KEY]
    d.call("TransferService/Start", {"agreement": agree()[0], "waitSeconds": 15})
    wait_for("who does not know the secret is told to the operator",
             lambda: "it answers 401" in json.dumps(w.call("NodeService/Doctor", {}, role="operator")) or "it answers 401" in f.sluis(
                 "doctor", "--config", w.folder / "node.toml", "--role", "operator", check=False).stdout)
    log = (f.folder / "waterrijk.log").read_text()
    expect("no secret in the log", [base64.b64encode(key).decode() in log for key in (KEY, NEXT_KEY)], [False, False])


try:
    f.make()
    cases, archive = Receiver(f.base_port + 20, KEY), Receiver(f.base_port + 21, KEY)
    cases.start()
    archive.start()
    configure()
    f.start()
    f.join()
    exchange()
    in_health()
    in_trouble()
    secret_rotated()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
