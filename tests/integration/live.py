#!/usr/bin/env python3
"""Live streams: a file that grows, through both nodes to applications, as lines and as events; how each end is recorded at either side.

usage: live.py BIN_DIR SOURCE_DIR
"""
import hashlib
import http.client
import json
import pathlib
import shutil
import socket
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
f = Federation(scratch("live"), binary=BIN / "sluis", base_port=23540, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
NOW = w.folder / "datasets/counts-now.jsonl"
PATIENCE = 30  # seconds, for what comes or ends by itself; longer than whatever a node waits for


def live_dataset(name, terms="", source='follow = "counts-now.jsonl"\n', media_type="application/jsonl"):
    text = f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", f"urn:waterrijk:{name}").replace('file = "detailed-counts.csv"\n', source)
    text = text.replace('"text/csv"', f'"{media_type}"').replace('{ name = "counter", action = "keep" }', '{ name = "counter", action = "drop" }')
    return {"toml": text + terms, "file": f"{name}.toml"}


def publish(name, terms=""):
    """A live dataset of Waterrijk, agreed and started by Duinmeer: the transfer, as Duinmeer has it."""
    w.call("DatasetService/Publish", live_dataset(name, terms))
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": f"urn:waterrijk:{name}", "purpose": CROWD, "waitSeconds": 20})["negotiation"]
    expect(f"{name} is agreed", made.get("state"), "FINALIZED")
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 20})["transfer"]


def begin_file(text=""):
    f.put(w, "next.jsonl", text)
    (w.folder / "datasets/next.jsonl").rename(NOW)


def line(total, **more):
    return json.dumps({"time": f"2026-06-01T10:{total % 60:02}:00+02:00", "counter": "Marktstraat", "total": total, "in": total, "out": 0,
                       "face": "nobody's", **more}) + "\n"


def row(total):
    """What is left of it: no counter, and nothing that was not declared."""
    return json.dumps({"time": f"2026-06-01T10:{total % 60:02}:00+02:00", "total": total, "in": total, "out": 0}, separators=(",", ":")) + "\n"


def write(text):
    with NOW.open("a") as out:
        out.write(text)


def wait(condition, limit=PATIENCE):
    until = time.monotonic() + limit
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


class Reader(threading.Thread):
    """An application that reads a live stream. `body` as it comes; `whole` once it ended: with the final chunk, or cut."""

    def __init__(self, transfer, below="", **headers):
        super().__init__(daemon=True)
        self.body, self.whole, self.status, self.refusal, self.came = b"", None, None, None, []
        self.connection = http.client.HTTPConnection("127.0.0.1", d.port + 2, timeout=PATIENCE)
        self.ask = (f"/intake/{transfer['id']}{below}", {"Authorization": f"Bearer {d.token('application')}", "Sluis-Purpose": CROWD,
                                                         "Sluis-Activity": ACTIVITY, **headers})
        self.start()
        wait(lambda: self.status is not None or self.whole is not None)

    def run(self):
        try:
            self.connection.connect()
            self.socket = self.connection.sock
            self.connection.request("GET", self.ask[0], headers=self.ask[1])
            answer = self.connection.getresponse()
            self.headers = answer.headers
            self.transaction = answer.headers.get("sluis-transaction")
            if answer.status != 200:
                self.refusal = json.load(answer)["code"]
                self.status = answer.status
                return
            self.status = 200
            while part := answer.read1(65536):
                self.body += part
                self.came.append(time.monotonic())
            self.whole = True
        except (OSError, http.client.HTTPException):
            self.whole = False

    def data(self):
        """Without what is no data: the rows."""
        return "".join(one + "\n" for one in self.body.decode().split("\n") if one)

    def ended(self, limit=PATIENCE):
        """Whether it came whole; nothing: it still runs."""
        wait(lambda: self.whole is not None, limit)
        return self.whole

    def leave(self):
        self.socket.shutdown(socket.SHUT_RDWR)


def running(node, transfer):
    return node.call("TransferService/Show", {"id": transfer["id" if node is d else "peerId"]})["transfer"].get("streams", [])


def end_of(node, reader):
    """The record of how the pull of this application ended."""
    found = []

    def there():
        found[:] = [e for e in node.log(kinds=["stream-end", "cut", "received"]) if e.get("transaction") == reader.transaction]
        return found
    wait(there)
    return found[-1] if found else {}


def expect_ends(what, reader, rows, provider, consumer):
    """Event and reason at either side, and that both have these rows."""
    for node, wanted in ((w, provider), (d, consumer)):
        end = end_of(node, reader)
        expect(f"{what}: {node.key}'s record", (end.get("event"), end.get("reason", "")), *(wanted if isinstance(wanted, list) else [wanted]))
        expect(f"{what}: {node.key} has the rows", (int(end.get("rows", 0)), int(end.get("bytes", 0)), end.get("digest")),
               (rows.count("\n"), len(rows), hashlib.sha256(rows.encode()).hexdigest()))


def lines_and_events(transfer):
    begin_file(line(1) + line(2))
    reader = Reader(transfer)
    expect("a live stream", (reader.status, reader.headers["Content-Type"], reader.headers["Transfer-Encoding"]), (200, "application/x-ndjson", "chunked"))
    events = Reader(transfer, "?last=1", Accept="text/event-stream")
    expect("as events", events.headers["Content-Type"], "text/event-stream")
    for total in range(3, 8):
        text = line(total)
        write(text[:20])
        write(text[20:])
        rows = "".join(map(row, range(3, total + 1)))
        expect(f"line {total} comes as it is written", wait(lambda: reader.data() == rows), True)
        expect("and no other", reader.data(), rows)
    expect("events come too", wait(lambda: events.body.count(b"data: ") == 6), True)
    expect("with numbers", [e for e in events.body.decode().split("\n\n") if e and not e.startswith(":")],
           [f"id: {i}\ndata: {row(i + 1)[:-1]}" for i in range(1, 7)])
    rows = "".join(map(row, range(3, 8)))
    for node in (w, d):
        expect(f"{node.key} shows how far they are", sorted((int(s["rows"]), s["endless"]) for s in running(node, transfer)), [(5, True), (6, True)])
        expect("in bytes", sorted(int(s["bytes"]) for s in running(node, transfer)), [len(rows), len(rows) + len(row(2))])
    expect("what is dropped never leaves", b"Marktstraat" in reader.body + events.body or b"face" in reader.body + events.body, False)
    # While nothing is written something that is no data comes, so that nobody takes the connection for dead.
    expect("something that is no data comes", wait(lambda: reader.body.endswith(b"\n\n") and events.body.endswith(b": nothing new\n\n")), True)
    w.call("TransferService/Suspend", {"id": transfer["peerId"], "code": "pause", "sentence": "maintenance"})
    expect("a silent stream is cut at once", (reader.ended(4), events.ended(4)), (False, False))
    told = [("cut", "provider.incomplete"), ("cut", "transfer.not_started")]
    expect_ends("suspended", reader, rows, ("cut", "transfer.not_started"), told)
    expect_ends("suspended, events", events, row(2) + rows, ("cut", "transfer.not_started"), told)
    expect("the decision was one, before the first byte", [e["decision"] for e in w.log(kinds=["decision"]) if e.get("transaction") == reader.transaction], ["permit"])


def goes_on(transfer):
    wait(lambda: d.call("TransferService/Show", {"id": transfer["id"]})["transfer"]["state"] == "SUSPENDED")
    expect("while it is suspended", Reader(transfer).status, 403, 409)
    w.call("TransferService/Resume", {"id": transfer["peerId"]})
    wait(lambda: d.call("TransferService/Show", {"id": transfer["id"]})["transfer"]["state"] == "STARTED")
    reader = Reader(transfer)
    write(line(8))
    expect("resumed: what is written from now on", wait(lambda: reader.data() == row(8)), True)
    expect("one that chooses otherwise", (Reader(transfer, "?from=1").refusal, Reader(transfer, "?last=0").refusal), ("source.choice", "source.choice"))
    return reader


def files_come_and_go(transfer, reader):
    NOW.rename(NOW.with_name("counts-old.jsonl"))
    with NOW.with_name("counts-old.jsonl").open("a") as out:
        out.write(line(9))
    begin_file(line(10))
    write(line(11))
    rows = "".join(map(row, range(8, 12)))
    expect("the old file to its end, then the new one", wait(lambda: reader.data() == rows), True)
    NOW.unlink()
    expect("no file any more is an orderly end", reader.ended(), True)
    expect_ends("the source ended", reader, rows, ("complete", ""), ("complete", ""))
    for node, key in ((w, "peerId"), (d, "id")):
        expect(f"{node.key}: the transfer goes on, it is not finite", node.call("TransferService/Show", {"id": transfer[key]})["transfer"]["state"], "STARTED")
    expect("without a file there is no stream", Reader(transfer).refusal, "source.unavailable")
    begin_file(line(1))
    reader = Reader(transfer)
    write(line(2))
    wait(lambda: reader.data() == row(2))
    f.put(w, "counts-now.jsonl", "")
    expect("a file that becomes shorter ends it", reader.ended(), False)
    expect_ends("truncated", reader, row(2), ("failed", "source.truncated"), ("cut", "provider.incomplete"))
    reader = Reader(transfer)
    write(line(3) + "{\n")
    expect("a line that is none ends it", reader.ended(), False)
    expect("with a reason", end_of(w, reader).get("reason"), "source.malformed")


def people_come_and_go(transfer):
    begin_file()
    reader = Reader(transfer)
    write(line(1))
    wait(lambda: reader.data() == row(1))
    reader.leave()
    expect_ends("the application went away", reader, row(1), ("failed", "peer.gone"), ("cut", "peer.gone"))
    reader = Reader(transfer)
    write(line(2))
    wait(lambda: reader.data() == row(2))
    d.kill()
    end = end_of(w, reader)
    expect("the consumer's node was killed", (end.get("event"), end.get("reason"), int(end.get("rows", 0))), ("failed", "peer.gone", 1))
    d.start()
    d.wait_ready(PATIENCE)
    expect("which says so once it is back", end_of(d, reader).get("end"), "unknown")
    reader = Reader(transfer)
    write(line(3))
    wait(lambda: reader.data() == row(3))
    w.kill()
    expect("the provider's node was killed", reader.ended(), False)
    end = end_of(d, reader)
    expect("at the consumer's", (end.get("event"), end.get("reason"), int(end.get("rows", 0)), end.get("digest")),
           ("cut", "provider.incomplete", 1, hashlib.sha256(row(3).encode()).hexdigest()))
    w.start()
    w.wait_ready(PATIENCE)
    expect("and at its own once it is back", end_of(w, reader).get("end"), "unknown")


def ends_of_permission(transfer):
    reader = Reader(transfer)
    write(line(4))
    wait(lambda: reader.data() == row(4))
    published = live_dataset("now")
    published["toml"] = published["toml"].replace('{ name = "time", action = "keep" }', '{ name = "time", action = "drop" }')
    w.call("DatasetService/Publish", published)
    expect("a dataset that is published with other columns cuts it", reader.ended(4), False)
    expect("with a reason", end_of(w, reader).get("reason"), "dataset.changed")
    reader = Reader(transfer, "?last=1")
    expect("and the next has these", wait(lambda: reader.data() == row(4).replace('"time":"2026-06-01T10:04:00+02:00",', "")), True)
    rows = reader.data()
    w.call("AgreementService/Terminate", {"id": transfer["agreement"], "code": "council", "sentence": "the council ended it"})
    expect("an agreement that ends cuts a silent stream", reader.ended(4), False)
    expect_ends("ended", reader, rows, ("cut", "council"), [("cut", "provider.incomplete"), ("cut", "council"), ("cut", "transfer.not_started")])


def small_cells():
    transfer = publish("small", "suppress_small_cells = { min_cell_size = 10 }\n")
    begin_file(line(3))
    reader = Reader(transfer, "?last=1")
    write(line(40))
    hidden = row(3).replace('"total":3,"in":3,"out":0', '"total":"x","in":"x","out":"x"')
    wait(lambda: reader.data().count("\n") == 2)
    expect("small cells are hidden in each line", reader.data().split("\n")[0], hidden[:-1])
    done = []
    pulling = threading.Thread(target=lambda: done.append(d.command("pull", transfer["id"], "?last=2", "--purpose", CROWD, "--activity", ACTIVITY)))
    pulling.start()
    wait(lambda: len(running(w, transfer)) == 2)
    NOW.unlink()
    pulling.join(PATIENCE)
    expect("the command reads a live stream to its end", (done[0].returncode, len([one for one in done[0].stdout.split("\n") if one]), "2 rows" in done[0].stderr), (0, 2, True))


def refused_ones():
    for what, request, words in (
            ("lines of CSV", live_dataset("bad", media_type="text/csv"), "holds JSON lines"),
            ("a pace", live_dataset("bad", source='follow = "counts-now.jsonl"\npace = "16 KiB/s"\n'), "at its own pace"),
            ("a file outside", live_dataset("bad", source='follow = "../node.toml"\n'), "is not a path below")):
        try:
            w.call("DatasetService/Publish", request)
            expect(f"{what} is followed", "published", "refused")
        except Refused as refused:
            expect(f"{what} is not followed", (refused.status, words in refused.body), (400, True))


def a_node_stops(transfer):
    begin_file()
    reader = Reader(transfer)
    write(line(7))
    wait(lambda: reader.data() == row(7))
    w.stop()
    expect("a node that stops cuts it", reader.ended(), False)
    w.start()
    w.wait_ready(PATIENCE)
    expect("with a record", end_of(w, reader).get("reason"), "node.stopping")


try:
    f.begin()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    refused_ones()
    begin_file()
    live = publish("now")
    lines_and_events(live)
    files_come_and_go(live, goes_on(live))
    people_come_and_go(live)
    a_node_stops(live)
    ends_of_permission(live)
    small_cells()
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
