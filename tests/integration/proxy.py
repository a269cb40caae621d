#!/usr/bin/env python3
"""A node that reaches other nodes through a CONNECT proxy alone: Waterrijk's name is known to the proxy and to nobody else. A pull through it, with
a credential; a host that the proxy refuses; a proxy that is away, slow or no proxy; and what the proxy and the peer see.

usage: proxy.py BIN_DIR SOURCE_DIR
"""
import base64
import json
import pathlib
import re
import shutil
import socket
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import foreign  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

f = Federation(scratch("proxy"), binary=BIN / "sluis", base_port=23140, parties=("waterrijk", "duinmeer", "stroomplein"))
w, d, s = (f.nodes[key] for key in ("waterrijk", "duinmeer", "stroomplein"))
w.host, s.host = "waterrijk.example", "stroomplein.example"
GOOD = "Basic " + base64.b64encode(b"duinmeer:geheim-van-de-proxy").decode()
CROWD, PROXY = PURPOSE + "CrowdManagement", f.base_port + 35

HEADER = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x0a\0\0\x01\xc3\x50\x20\xfb"  # 192.0.2.7 calls


class Proxy:
    """Answers CONNECT: for Waterrijk's name it opens a way to its port on this machine, for others it does not. Keeps all that it sees.
    `way`: how it behaves otherwise."""

    def __init__(self, port):
        self.port, self.asked, self.seen, self.way, self.listener, self.header = port, [], b"", None, None, b""
        self.lock = threading.Lock()

    def start(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(connection,), daemon=True).start()

    def one(self, connection):
        with connection:
            connection.settimeout(60)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                got = connection.recv(1)
                if not got:
                    return
                head += got
            line, *rest = head.decode().split("\r\n")
            headers = dict(one.split(": ", 1) for one in rest if one)
            with self.lock:
                self.asked.append(line)
            if self.way == "silent":
                time.sleep(20)
            elif self.way == "garbage":
                connection.sendall(b"220 mail.example ESMTP\r\n")
            elif headers.get("proxy-authorization") != GOOD:
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n")
            elif line.split()[1] != f"waterrijk.example:{w.port}":
                connection.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
            else:
                with socket.create_connection(("127.0.0.1", w.port)) as other:
                    other.sendall(self.header)
                    connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=self.pass_on, args=(other, connection))
                    back.start()
                    self.pass_on(connection, other)
                    back.join()

    def pass_on(self, source, target):
        try:
            while got := source.recv(65536):
                with self.lock:
                    self.seen += got
                target.sendall(got)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


proxy = Proxy(PROXY)


def credential(text, mode=0o600):
    foreign.write(f, d.folder / "keys/proxy.credential", text + "\n", mode)


def configure(table):
    foreign.write(f, d.folder / "node.toml", plain + table)


def fetched(peer=w):
    """Of a peer's catalogue: how many datasets, or what is said instead."""
    try:
        return len(d.call("CatalogService/Fetch", {"peer": peer.participant}).get("datasets", []))
    except Refused as refused:
        return refused.body


def says(what, got, part):
    expect(what, part if part in str(got) else got, part)


def checked(table):
    configure(table)
    done = f.sluis("config", "check", d.folder / "node.toml", check=False)
    return done.returncode, done.stdout + done.stderr


def doctor(peer):
    done = d.command("doctor", "peer", peer.name, "-o", "json", role="operator")
    return {one["name"]: one for one in json.loads(done.stdout)["checks"]} if done.stdout else done.stderr


try:
    f.make()
    plain = (d.folder / "node.toml").read_text()
    table = f'\n[proxy]\naddress = "127.0.0.1:{PROXY}"\ncredential = "keys/proxy.credential"\n'

    # What the configuration may not say.
    for what, bad, said in (("a user in the address", table.replace('"127.0.0.1:', '"duinmeer:geheim@127.0.0.1:'), "names"), ("an address of the web", table.replace('"127', '"http://127'), "host:port"),
                            ("no port", table.replace(f":{PROXY}", ""), "host:port"), ("a host with a port", table + 'direct = ["a.example", "b.example:443"]\n', "without scheme and port"),
                            ("another key", table + 'user = "x"\n', "user")):
        code, text = checked(bad)
        expect(what, (code != 0, "node.toml:" in text, said in text or text), (True, True, True))
    expect("what it may", checked(table + 'direct = [".duinmeer.example", "10.1.2.3"]\n')[0], 0)
    for what, text, mode, said in (("that others can read", GOOD, 0o644, "others can read the secret"), ("that is empty", "", 0o600, "holds no credential")):
        credential(text, mode)
        configure(table)
        done = f.sluis("serve", "--config", d.folder / "node.toml", check=False)
        expect(f"a credential {what}", (done.returncode != 0, said in done.stderr or done.stderr), (True, True))

    # The proxy is not there; then it is, with another credential; then with the right one. Nothing starts anew.
    credential("Basic b3RoZXI=")
    for node in (w, d):
        node.start()
    for node in (w, d):
        node.wait_ready()
        node.call("MembershipService/Load", {"document": (f.folder / "membership.json").read_text(), "file": "membership.json"}, role="operator")
    says("a proxy that is away", fetched(), f"the proxy: `127.0.0.1:{PROXY}` does not answer")
    proxy.start()
    says("another credential", fetched(), "does not take this node's credential (407)")
    credential(GOOD)
    expect("the right one is read at once", fetched(), 0)
    expect("the proxy was asked for nothing else", set(proxy.asked), {f"CONNECT waterrijk.example:{w.port} HTTP/1.1"})

    # An exchange, from the catalogue to the data.
    offer = f.offer_counts()["offer"]["id"]
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": offer, "purpose": CROWD, "waitSeconds": 20})
    agreement = d.call("AgreementService/Show", {"id": made["negotiation"]["id"], "waitSeconds": 20})["agreement"]["id"]
    d.call("ActivityService/Publish", {"id": ACTIVITIES["duinmeer"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    transfer = d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 20})["transfer"]["id"]
    got, whole = d.pull(transfer, CROWD, ACTIVITIES["duinmeer"])
    expect("the data come through it, whole", (whole, got.count(b"\n") > 100), (True, True))
    expect("and passed by as TLS alone", [part for part in (b"Bearer", b"sluis-claim", b"HTTP/1.1", got[:30], b"did:web") if part in proxy.seen], [])
    expect("all of it did", len(proxy.seen) > len(got), True)
    checks = doctor(w)
    expect("doctor", [name for name, one in checks.items() if one["result"] != "ok"], [])
    says("the name is the proxy's to look up", checks["dns"]["message"], f"looked up by the proxy `127.0.0.1:{PROXY}`")

    # A party of the list that the proxy does not let us reach.
    says("a host that it refuses", fetched(s), f"opens no way to `stroomplein.example:{s.port}`: it answers 403")
    checks = doctor(s)
    expect("doctor says which", [name for name, one in checks.items() if one["result"] == "failed"], ["tcp"])
    says("and how to mend it", checks["tcp"]["message"], "403")

    # What is on the way, or is no proxy at all. (Connections that are kept go on: the consumer begins anew each time.)
    for way, said in (("garbage", "no HTTP"), ("silent", "time is up")):
        d.stop()
        d.start()
        d.wait_ready()
        proxy.way = way
        says(f"a proxy that is {way}", fetched(), said)
    proxy.way = None
    expect("and well again", fetched(), 1)

    # The provider takes the proxy for a load balancer, which has to say whom it serves; nobody else may.
    w.stop()
    text = (w.folder / "node.toml").read_text()
    for ranges, header, said in (('"127.0.0.1"', b"", None), ('"127.0.0.0/8", "::1"', HEADER, 1), ('"10.0.0.0/8"', HEADER, None), ('"10.0.0.0/8"', b"", 1)):
        foreign.write(f, w.folder / "node.toml", text.replace("[exchange] ", f"[exchange]\nproxy_protocol_from = [{ranges}] ", 1))
        w.start()
        w.wait_ready()
        proxy.header = header
        got = fetched()
        expect(f"from {ranges}, {'with' if header else 'without'} a header", got if said else isinstance(got, str), said or True)
        w.stop()
    for ranges, said in (('"10.0.0.1/8"', "below its prefix"), ('"proxy.example"', "no address")):
        foreign.write(f, w.folder / "node.toml", re.sub(r"(?m)^\[public\]", f"[public]\nproxy_protocol_from = [{ranges}]", text, count=1))
        done = f.sluis("config", "check", w.folder / "node.toml", check=False)
        expect(f"not {ranges}", (done.returncode != 0, said in done.stdout + done.stderr or done.stderr), (True, True))
    foreign.write(f, w.folder / "node.toml", text)
    w.start()
    w.wait_ready()
    proxy.header = b""

    listed = f.sluis("key", "list", "--config", d.folder / "node.toml", check=False).stdout
    expect("the list of keys has it", ("keys/proxy.credential" in listed, f"known as 127.0.0.1:{PROXY}" in listed), (True, True))
    secret = GOOD.split()[1]
    kept = "".join(path.read_text(errors="replace") for path in f.folder.glob("*.log")) + listed
    expect("the credential is in no log", (secret in kept, "geheim-van-de-proxy" in kept, secret.encode() in proxy.seen), (False, False, False))
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    if proxy.listener:
        proxy.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
