#!/usr/bin/env python3
"""Where the data of a dataset come from: parts of a file and pulls that go on, files of a folder, an HTTP service of the organisation's own.

usage: sources.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import ssl
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
f = Federation(scratch("sources"), binary=BIN / "sluis", base_port=22640, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
base_port = 22740
SERVICE = base_port + 5  # of Waterrijk's own
SECRET = "Bearer the-secret-of-the-source"
FILE = 'file = "detailed-counts.csv"\n'


def publish(name, source, terms=""):
    """A dataset of Waterrijk under this name, with another `[source]`; agreed and started by Duinmeer. The transfer's number."""
    text = f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", f"urn:waterrijk:{name}").replace(FILE, source)
    w.call("DatasetService/Publish", {"toml": text + terms, "file": f"{name}.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": f"urn:waterrijk:{name}", "purpose": CROWD, "waitSeconds": 20})["negotiation"]
    expect(f"{name} is agreed", made.get("state"), "FINALIZED")
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 20})["transfer"]["id"]


def ask(transfer, below="", **headers):
    """Through Duinmeer's intake. Status, headers, body; of a stream that was cut the status is "cut", of a refusal the body its code."""
    connection = http.client.HTTPConnection("127.0.0.1", d.port + 2, timeout=60)
    try:
        connection.request("GET", f"/intake/{transfer}{below}", headers={
            "Authorization": f"Bearer {d.token('application')}", "Sluis-Purpose": CROWD, "Sluis-Activity": ACTIVITY, **headers})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 206):
            body = json.loads(body)["code"]
        return answer.status, answer.headers, body
    except (http.client.HTTPException, OSError):
        return "cut", {}, b""
    finally:
        connection.close()


def rows(count, first=0):
    return "".join(f"2026-06-01T{n % 24:02}:00:00+02:00,K{n},{n % 50 + 20},{n % 25 + 10},{n % 50 + 20 - n % 25 - 10}\n" for n in range(first, first + count))


HEADER = "time,counter,total,in,out\n"


def newest(node, kind, event, behind=0):
    """The last entry of this kind, once there are more than were before: whoever asked may see its end before it is recorded."""
    node.wait_log(behind + 1, kinds=[kind])
    return [e for e in node.wait_log(1, kinds=[kind]) if e["event"] == event][-1]


def told_sources(node):
    """The sources that the log names, by the export that has them."""
    text = f.sluis("audit", "export", "--format", "adl", "--role", "dpo", "--config", node.folder / "node.toml").stdout
    return re.findall(r'"source" ?: ?"((?:[^"\\]|\\.)*)"', text)


def parts_of_a_file():
    whole = (HEADER + rows(4000)).encode()
    f.put(w, "parts.csv", whole.decode())
    transfer = publish("parts", 'file = "parts.csv"\n')
    status, headers, body = ask(transfer)
    expect("all of it", (status, body == whole, headers["Accept-Ranges"]), (200, True, "bytes"))
    tag = headers["ETag"]
    before = len(w.log(kinds=["decision"]))
    ends = {kind: len(node.log(kinds=[kind])) for node, kind in ((w, "stream-end"), (d, "received"))}
    status, headers, body = ask(transfer, Range="bytes=1000-4999", **{"If-Match": tag})
    expect("a part", (status, body == whole[1000:5000], headers["Content-Range"]), (206, True, f"bytes 1000-4999/{len(whole)}"))
    expect("with the digest of the whole", headers["Repr-Digest"], "sha-256=:" + base64.b64encode(hashlib.sha256(whole).digest()).decode() + ":")
    expect("is a decision of its own", len(w.log(kinds=["decision"])), before + 1)
    for node, kind in ((w, "stream-end"), (d, "received")):
        end = newest(node, kind, "complete", ends[kind])
        expect(f"{node.key}: its end has its bytes and digest", (int(end["bytes"]), end["digest"]), (4000, hashlib.sha256(whole[1000:5000]).hexdigest()))
    expect("the provider's records have the part", sum(s.endswith(f"; bytes 1000-4999/{len(whole)}") for s in told_sources(w)) >= 1, True)
    status, headers, body = ask(transfer, Range="bytes=0-1,5-6", **{"If-Match": tag})
    expect("of several ranges all of it", (status, body == whole), (200, True))
    expect("what is not there", ask(transfer, Range=f"bytes={len(whole)}-")[::2], (416, "source.no_such_range"))
    expect("another version", ask(transfer, Range="bytes=10-", **{"If-Match": '"0123"'})[::2], (412, "source.other_version"))
    expect("is refused with a record", [e["reason"] for e in w.log(kinds=["decision"])][-1], "source.other_version")
    expect("at either side", newest(d, "received", "refused")["reason"], "source.other_version")


def pulls_that_go_on():
    """The file is larger than what stands in buffers, so that a pull whose node is killed has some of it."""
    whole = (HEADER + rows(40_000)).encode()
    f.put(w, "slow.csv", whole.decode())
    transfer = publish("slow", 'file = "slow.csv"\npace = "512 KiB/s"\n')
    target = f.folder / "duinmeer" / "pulled.csv"
    words = ("pull", transfer, "--purpose", CROWD, "--activity", ACTIVITY, "-O", target)
    part = target.with_name("pulled.csv.part")

    def broken():
        """A pull whose provider is killed when something has come; then it is back."""
        pulling = threading.Thread(target=lambda: done.append(d.command(*words)))
        done = []
        pulling.start()
        until = time.monotonic() + 20
        while time.monotonic() < until and not (part.exists() and part.stat().st_size > 200_000):
            time.sleep(0.01)
        w.kill()
        pulling.join(40)
        w.start()
        w.wait_ready(30)
        return done[0]

    cut = broken()
    expect("a pull that breaks", (cut.returncode, "--continue" in cut.stderr), (1, True))
    there = part.stat().st_size
    expect("keeps what came", 0 < there < len(whole) and whole.startswith(part.read_bytes()), True)
    done = d.command(*words, "--continue")
    expect("and goes on", (done.returncode, f"continued at byte {there}," in done.stderr), (0, True))
    expect("to the whole", target.read_bytes() == whole, True)
    expect("nothing else is left", (part.exists(), target.with_name("pulled.csv.part.version").exists()), (False, False))
    expect("the part that came then is recorded", int(newest(d, "received", "complete")["bytes"]), len(whole) - there)

    target.unlink()
    broken()
    other = (HEADER + rows(40_000, 7)).encode()
    f.put(w, "slow.csv", other.decode())
    done = d.command(*words, "--continue")
    expect("a source that changed begins anew", (done.returncode, "the source has changed since" in done.stderr), (0, True))
    expect("and is the new one only", target.read_bytes() == other, True)
    expect("without a file there is nothing to go on with", d.command("pull", transfer, "--purpose", CROWD, "--activity", ACTIVITY, "--continue").returncode, 2)


def through_a_transform():
    f.put(w, "dropped.csv", HEADER + rows(10))
    transfer = publish("dropped", 'file = "dropped.csv"\n', "")
    f.put(w, "dropped.csv", HEADER.replace("time,", "secret,time,") + re.sub("(?m)^", "S,", rows(10)).removesuffix("S,"))
    status, headers, body = ask(transfer, Range="bytes=0-9")
    expect("a column that nobody declared: no parts", (status, headers["Accept-Ranges"], body == (HEADER + rows(10)).encode()), (200, "none", True))
    transfer = publish("small", 'file = "dropped.csv"\n', "suppress_small_cells = { min_cell_size = 25 }\n")
    status, headers, body = ask(transfer, Range="bytes=0-9")
    expect("suppressed: no parts in bytes", (status, headers["Accept-Ranges"], b",x," in body), (200, "rows", True))
    expect("and another version", ask(transfer, **{"If-Match": '"x"'})[::2], (412, "source.other_version"))


def folder():
    place = w.folder / "datasets/counts"
    place.mkdir()
    for number, month in enumerate(("2026-01", "2026-02", "2026-03")):
        f.put(w, f"counts/counts-{month}.csv", HEADER + rows(2, 10 * number))
    f.put(w, "counts/other.csv", HEADER + rows(1, 99))
    if f.user:
        os.chown(place, f.user.pw_uid, f.user.pw_gid)
    what = 'folder = "counts"\npattern = "counts-*.csv"\n'
    transfer = publish("newest", what)
    expect("the newest", ask(transfer)[2].decode(), HEADER + rows(2, 20))
    f.put(w, "counts/counts-2026-04.csv", HEADER + rows(2, 30))
    expect("and a newer one", ask(transfer)[2].decode(), HEADER + rows(2, 30))
    expect("of which there is no choice", ask(transfer, "?from=counts-2026-01")[::2], (403, "source.choice"))
    transfer = publish("months", what + 'choose = "range"\nselects = "time"\n')
    expect("all, with one header", ask(transfer)[2].decode(), HEADER + "".join(rows(2, 10 * n) for n in range(4)))
    status, headers, body = ask(transfer, "?from=counts-2026-02&to=counts-2026-03")
    expect("a range", (status, headers["Accept-Ranges"], body.decode()), (200, "rows", HEADER + rows(2, 10) + rows(2, 20)))
    expect("is in the records", any(re.match(r"counts/counts-\*\.csv files=2 first=counts-2026-02\.csv last=counts-2026-03\.csv sha256=[0-9a-f]{64}$", s) for s in told_sources(w)), True)
    done = d.command("pull", transfer, "?from=counts-2026-02&to=counts-2026-02", "--purpose", CROWD, "--activity", ACTIVITY)
    expect("by the command too", (done.returncode, done.stdout), (0, HEADER + rows(2, 10)))
    expect("an empty one", ask(transfer, "?from=counts-2027")[::2], (404, "source.none"))
    expect("with a record", [e["reason"] for e in w.log(kinds=["decision"])][-1], "source.none")
    f.put(w, "counts/counts-2026-02.csv", "counter,time,total,in,out\n" + rows(2, 10))
    expect("another header cuts", ask(transfer)[0], "cut")
    expect("with a record", newest(w, "cut", "cut")["reason"], "source.malformed")
    (place / "counts-2026-05.csv").symlink_to(w.folder / "node.toml")
    expect("a link is not followed", ask(transfer, "?from=counts-2026-05")[::2], (503, "source.unavailable"))


class Service(http.server.BaseHTTPRequestHandler):
    """Waterrijk's own counting service. It sees what the gate sends."""
    protocol_version = "HTTP/1.1"
    asked, mode = [], "good"

    def do_GET(self):
        self.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if self.mode == "redirect":
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{SERVICE}/api/elsewhere")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.mode == "late":
            time.sleep(3)
            return self.close()
        body = (HEADER + rows(5)).encode()
        self.send_response(500 if self.mode == "broken" else 200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("ETag", '"of-the-service"')
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Content-Length", str(len(body) + (1000 if self.mode == "short" else 0)))
        self.end_headers()
        self.wfile.write(body)
        if self.mode == "short":
            self.wfile.flush()
            self.close()

    def close(self):
        self.close_connection = True

    def log_message(self, *_):
        pass


def service():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", SERVICE), Service)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    secret = w.folder / "counts.credential"
    secret.write_text(SECRET + "\n")
    os.chmod(secret, 0o600)
    if f.user:
        os.chown(secret, f.user.pw_uid, f.user.pw_gid)

    def published(name, more=""):
        text = f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", f"urn:waterrijk:{name}").replace(FILE, "")
        http_part = (f'[source.http]\nurl = "http://127.0.0.1:{SERVICE}/api"\ncredential = "counts.credential"\nmethods = ["GET"]\n'
                     'paths = ["/counts", "/counts/{day}"]\nquery = ["from"]\nselects = { day = "time", from = "time" }\ntimeout = "PT1S"\n\n')
        w.call("DatasetService/Publish", {"toml": text.replace("[terms]\n", http_part + "[terms]\n") + more, "file": f"{name}.toml"})
        d.call("CatalogService/Fetch", {"peer": w.participant})
        made = d.call("AgreementService/Request", {"peer": w.participant, "offer": f"urn:waterrijk:{name}", "purpose": CROWD, "waitSeconds": 20})["negotiation"]
        return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 20})["transfer"]["id"]

    try:
        transfer = published("service")
        status, headers, body = ask(transfer, Cookie="of-the-caller", **{"X-Other": "of-the-caller"})
        expect("what the service has", (status, body.decode()), (200, HEADER + rows(5)))
        expect("nothing of its headers", (headers.get("ETag"), headers.get("Set-Cookie"), headers["Accept-Ranges"]), (None, None, "none"))
        path, sent = Service.asked[-1]
        expect("asked of it", path, "/api/counts")
        traced = sent.pop("traceparent", "")
        expect("within the release's trace", bool(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", traced)) or traced, True)
        expect("with its credential and nothing of the caller's", sent,
               {"host": f"127.0.0.1:{SERVICE}", "accept": "text/csv", "accept-encoding": "identity", "authorization": SECRET})
        expect("a path and a key of the lists", ask(transfer, "/counts/2026-06-01?from=10%3A00")[0], 200)
        expect("as they are", Service.asked[-1][0], "/api/counts/2026-06-01?from=10%3A00")
        expect("in the records too", {"GET /counts", "GET /counts/2026-06-01?from=10%3A00"} <= set(told_sources(w)), True)
        before = len(Service.asked)
        for below in ("/persons", "/counts/a/b", "?limit=1", "/counts?from=1&from=2"):
            expect(f"{below} is refused", ask(transfer, below)[::2], (403, "source.choice"))
            expect("with a record", [e["reason"] for e in w.log(kinds=["decision"])][-1], "source.choice")
        small = published("service-small", "suppress_small_cells = { min_cell_size = 25 }\n")
        expect("a choice where small cells are hidden", ask(small, "?from=10")[::2], (403, "source.choice_undoes"))
        expect("was never asked for", len(Service.asked), before)
        expect("all of it may be had", b",x," in ask(small)[2], True)
        for mode, status, code in (("redirect", 502, "upstream.answered"), ("broken", 502, "upstream.answered"), ("late", 504, "upstream.late")):
            Service.mode = mode
            before, ends = len(Service.asked), len(w.log(kinds=["stream-end"]))
            expect(f"a service that is {mode}", ask(transfer)[::2], (status, code))
            expect("was asked once", len(Service.asked), before + 1)
            expect("and its end says so", newest(w, "stream-end", "failed", ends)["reason"], code)
        Service.mode, ends = "short", len(w.log(kinds=["stream-end"]))
        expect("one that stops in the middle", ask(transfer)[0], "cut")
        expect("is no whole", newest(w, "stream-end", "failed", ends)["reason"], "upstream.incomplete")
        Service.mode = "good"
        os.chmod(secret, 0o644)
        expect("a credential that others can read", ask(transfer)[::2], (503, "source.unavailable"))
        os.chmod(secret, 0o600)
    finally:
        server.shutdown()
        server.server_close()
    expect("one that is not there", ask(transfer)[::2], (502, "upstream.unreachable"))
    logs = "".join(path.read_text(errors="replace") for path in f.folder.glob("*.log"))
    expect("its credential is in no log", SECRET.split()[1] in logs, False)
    bad = f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", "urn:waterrijk:bad").replace(
        FILE, "").replace("[terms]\n", '[source.http]\nurl = "http://counts.example/api"\nmethods = ["GET"]\npaths = ["/counts"]\n\n[terms]\n')
    try:
        w.call("DatasetService/Publish", {"toml": bad, "file": "bad.toml"})
        expect("a service in clear elsewhere", "published", "refused")
    except Refused as refused:
        expect("a service in clear elsewhere", (refused.status, "is no address that data are fetched from" in refused.body), (400, True))


def open_data():
    """Parts of what is open to everybody; nobody is recorded."""
    whole = (HEADER + rows(100)).encode()
    f.put(w, "open-counts.csv", whole.decode())
    text = f.dataset("open-counts").replace("traceable_to_small_groups = true", "traceable_to_small_groups = false")
    w.call("DatasetService/Publish", {"toml": text[:text.index("[terms.suppress_small_cells]")], "file": "open-counts.toml"})
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))

    def get(**headers):
        request = urllib.request.Request(f"https://localhost:{w.port + 1}/open/urn:waterrijk:open-counts", headers=headers)
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.load(error)["code"]

    status, headers, body = get()
    expect("open: all of it", (status, headers["Accept-Ranges"], body == whole), (200, "bytes", True))
    status, part, body = get(Range="bytes=-20", **{"If-Range": headers["ETag"]})
    expect("open: a part", (status, part["Content-Range"], body), (206, f"bytes {len(whole) - 20}-{len(whole) - 1}/{len(whole)}", whole[-20:]))
    expect("open: another version", get(**{"If-Match": '"x"'})[::2], (412, "source.other_version"))
    status, headers, code = get(Range="bytes=99999-")
    expect("open: what is not there", (status, headers["Content-Range"], code), (416, f"bytes */{len(whole)}", "source.no_such_range"))


try:
    f.begin()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    parts_of_a_file()
    pulls_that_go_on()
    open_data()
    through_a_transform()
    folder()
    service()
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
