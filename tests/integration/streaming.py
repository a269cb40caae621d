#!/usr/bin/env python3
"""Releases that stream: a service that is faster than its reader, one that falls silent or breaks, going on behind a row, and a provider whose certificate
is revoked while its data are pulled.

usage: streaming.py BIN_DIR SOURCE_DIR
"""
import http.client
import json
import os
import pathlib
import shutil
import socket
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import revocation_lists  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402
from slow_readers import ACTIVITY, CROWD, HEADER, Readers, from_service, published, rows  # noqa: E402

f = Federation(scratch("streaming"), binary=BIN / "sluis", base_port=24340, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
PORT = 24340 + 95
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
TWO = (HEADER + "2026-06-01T00:00:00+02:00,K1,30,10,20\n2026-06-01T01:00:00+02:00,K1,30,10,20\n").encode()


class Service:
    """Waterrijk's own counting service, byte for byte. `sent`: of an endless body, as far as it was taken."""

    def __init__(self):
        self.answer, self.endless, self.silent, self.sent = HEAD + b"Content-Length: 0\r\n\r\n", False, False, 0
        self.listener = socket.create_server(("127.0.0.1", PORT))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                one, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(one,), daemon=True).start()

    def serve(self, one):
        with one:
            try:
                one.recv(65536)
                one.sendall(self.answer)
                block = rows(1).encode()
                self.sent = 0
                while self.endless:
                    self.sent += one.send(block)
                if self.silent:
                    one.recv(1)
            except OSError:
                pass


def ask(transfer, **headers):
    """Through Duinmeer's intake. Status, headers, body; of a stream that was cut the status is "cut" and the body what came; of a refusal its code."""
    connection = http.client.HTTPConnection("127.0.0.1", d.port + 2, timeout=60)
    body = b""
    try:
        connection.request("GET", f"/intake/{transfer}", headers={
            "Authorization": f"Bearer {d.token('application')}", "Sluis-Purpose": CROWD, "Sluis-Activity": ACTIVITY, **headers})
        answer = connection.getresponse()
        while part := answer.read1(65536):
            body += part
        if answer.status not in (200, 206):
            body = json.loads(body)["code"]
        return answer.status, answer.headers, body
    except (http.client.HTTPException, OSError):
        return "cut", {}, body
    finally:
        connection.close()


def ended(node, kind, before):
    """The last entry of this kind, once there is one more than there were."""
    return node.wait_log(before + 1, kinds=[kind])[-1]


def count(node, kind):
    return len(node.log(kinds=[kind]))


def put(path, text):
    path.write_text(text)
    if f.user:
        os.chown(path, f.user.pw_uid, f.user.pw_gid)


def slower_than_the_service(service, transfer):
    service.answer, service.endless = HEAD + b"Content-Length: 4000000000\r\n\r\n" + HEADER.encode(), True
    readers = Readers(d, transfer)
    before = -1
    readers.grow(1)
    while service.sent != before:  # until it can send no more
        before = service.sent
        time.sleep(2)
    service.endless = False
    expect("a service is slowed to its reader", 0 < before < 256_000_000, True)
    print(f"    it could send {before / 1e6:.1f} MB to one who read some KB")
    cut = count(w, "cut") + count(w, "stream-end")
    readers.close()
    until = time.monotonic() + 60
    while count(w, "cut") + count(w, "stream-end") == cut and time.monotonic() < until:
        time.sleep(0.2)
    expect("and its end is recorded", count(w, "cut") + count(w, "stream-end"), cut + 1)


def broken(service, transfer):
    chunk = b"%x\r\n%s\r\n" % (len(TWO), TWO)
    for what, answer in (("ends early", HEAD + b"Content-Length: 5000\r\n\r\n" + TWO),
                         ("is longer than it says", HEAD + b"Content-Length: %d\r\n\r\n" % len(TWO) + TWO + b"and more"),
                         ("has a bad chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"zz\r\n"),
                         ("lacks its last chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)):
        service.answer, before = answer, count(w, "stream-end")
        status, _, body = ask(transfer)
        expect(f"a body that {what} ends visibly broken", (status, TWO.startswith(body)), ("cut", True))
        expect("with a record", ended(w, "stream-end", before)["reason"], "upstream.incomplete")
    service.answer = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk + b"0\r\n\r\n"
    expect("a good one is whole", ask(transfer)[::2], (200, TWO))


def silent(service, patient, impatient):
    service.answer, service.silent = HEAD + b"Content-Length: 5000\r\n\r\n" + TWO, True
    before = count(w, "stream-end")
    expect("a service that falls silent is given up", ask(impatient)[0], "cut")
    expect("and told apart", ended(w, "stream-end", before)["reason"], "upstream.stalled")
    shown, got = w.call("TransferService/List")["transfers"], []
    own = next(one["id"] for one in shown if one.get("peerId") == patient)
    before = count(w, "cut")
    pulling = threading.Thread(target=lambda: got.append(ask(patient)))
    pulling.start()
    until = time.monotonic() + 20
    while not any(int(one.get("rows", 0)) >= 1 for one in d.call("TransferService/Show", {"id": patient})["transfer"].get("streams", [])) and time.monotonic() < until:
        time.sleep(0.05)
    w.call("TransferService/Suspend", {"id": own, "code": "pause", "sentence": "maintenance"})
    pulling.join(5)  # far less than the five minutes for which it may be silent
    expect("a cut reaches the reader of one that says nothing", got and got[0][0], "cut")
    expect("and is recorded meanwhile", ended(w, "cut", before)["event"], "cut")
    service.silent = False


def behind_a_row():
    text = HEADER + "".join(f"2026-06-01T{n % 24:02}:00:00+02:00,K{n},{n % 50 + 20},{n % 25 + 10},{n % 50 + 20 - n % 25 - 10}\n" for n in range(40_000))
    f.put(w, "slow.csv", text)
    transfer = published(f, "slow", 'file = "slow.csv"\n', "suppress_small_cells = { min_cell_size = 25 }\n")
    status, headers, whole = ask(transfer)
    expect("rows one could go on behind", (status, headers["Accept-Ranges"], b",x," in whole), (200, "rows", True))
    lines, decisions = whole.splitlines(keepends=True), count(w, "decision")
    status, part, body = ask(transfer, Range="rows=39000-", **{"If-Match": headers["ETag"]})
    expect("the rest", (status, part["Content-Range"], body == b"".join(lines[39001:])), (206, "rows 39000-39999/40000", True))
    expect("is a decision of its own", count(w, "decision"), decisions + 1)
    for node, kind in ((w, "stream-end"), (d, "received")):  # an end is recorded after the last byte
        until = time.monotonic() + 10
        while int(node.wait_log(2, kinds=[kind])[-1].get("rows", 0)) != 1000 and time.monotonic() < until:
            time.sleep(0.05)
        expect(f"{node.key}: its end has its rows", int(node.wait_log(2, kinds=[kind])[-1]["rows"]), 1000)
    expect("without a version", ask(transfer, Range="rows=1-")[::2], (412, "source.unnamed_version"))
    expect("behind the last", ask(transfer, Range="rows=40000-", **{"If-Match": headers["ETag"]})[::2], (416, "source.no_such_row"))

    w.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", "urn:waterrijk:slow").replace(
        'file = "detailed-counts.csv"', 'file = "slow.csv"\npace = "512 KiB/s"') + "suppress_small_cells = { min_cell_size = 25 }\n", "file": "slow.toml"})
    target = f.folder / "duinmeer" / "pulled.csv"
    part, done = target.with_name("pulled.csv.part"), []
    words = ("pull", transfer, "--purpose", CROWD, "--activity", ACTIVITY, "-O", target)
    pulling = threading.Thread(target=lambda: done.append(d.command(*words)))
    pulling.start()
    until = time.monotonic() + 20
    while time.monotonic() < until and not (part.exists() and part.stat().st_size > 200_000):
        time.sleep(0.01)
    w.kill()
    pulling.join(40)
    w.start()
    w.wait_ready(30)
    there = part.read_bytes()
    expect("a pull that breaks keeps what came", (done[0].returncode, 0 < len(there) < len(whole), whole.startswith(there)), (1, True, True))
    again = d.command(*words, "--continue")
    expect("and goes on behind the last whole row", (again.returncode, f"continued behind row {there.count(10) - 1}," in again.stderr), (0, True))
    expect("to the whole", target.read_bytes() == whole, True)
    f.put(w, "slow.csv", text + text.splitlines(keepends=True)[-1])
    expect("another version", ask(transfer, Range="rows=1-", **{"If-Match": headers["ETag"]})[::2], (412, "source.other_version"))
    expect("is refused with a record", w.log(kinds=["decision"])[-1]["reason"], "source.other_version")


def revoked():
    f.put(w, "paced.csv", HEADER + rows(4))
    transfer = published(f, "paced", 'file = "paced.csv"\npace = "16 KiB/s"\n')
    got, before = [], count(d, "received")
    pulling = threading.Thread(target=lambda: got.append(ask(transfer)))
    pulling.start()
    until = time.monotonic() + 20
    while not d.call("TransferService/Show", {"id": transfer})["transfer"].get("streams") and time.monotonic() < until:
        time.sleep(0.05)
    time.sleep(1)
    expect("a pull that runs", (pulling.is_alive(), count(d, "received")), (True, before))
    put(d.folder / "tls/crl.pem", revocation_lists(f.folder, w.folder / "tls/node.pem"))
    pulling.join(20)
    expect("is cut once its provider's certificate is revoked", got and got[0][0], "cut")
    end = ended(d, "received", before)
    expect("with the reason", (end["event"], end["reason"]), ("cut", "membership"))
    expect("and none begins", ask(transfer)[0], 502)


service = Service()
try:
    f.make()
    put(d.folder / "tls/crl.pem", revocation_lists(f.folder))
    settings = (d.folder / "node.toml").read_text()
    expect("there is a place for lists", '# crl = "tls/crl.pem"' in settings, True)
    put(d.folder / "node.toml", settings.replace('# crl = "tls/crl.pem"', 'crl = "tls/crl.pem"', 1))
    f.start()
    f.join()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    patient = published(f, "service", from_service(PORT) + 'silence = "PT5M"\n')
    slower_than_the_service(service, patient)
    broken(service, patient)
    silent(service, patient, published(f, "service-impatient", from_service(PORT) + 'silence = "PT1S"\n'))
    behind_a_row()
    revoked()
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    service.listener.close()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
