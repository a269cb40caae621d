#!/usr/bin/env python3
"""Requests that two readers would read differently, that never end, or that are more than they seem; and callers who say nothing. At every
listener: the answer, the end of the connection, nothing behind it taken for a request, others served, and memory bounded.

usage: hostile_http.py BIN_DIR SOURCE_DIR
"""
import gzip
import json
import pathlib
import shutil
import socket
import sys
import threading
import time
import zlib

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402
from hostile_wire import Wire, client_tls, few_files, memory, raise_files, statuses, together  # noqa: E402

CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
GROWN_MIB = 300  # that a node may take more of, under all of this at once
PATIENCE = 60  # seconds until an answer counts as missing: on a busy machine many pass. What is fast is not measured here
few_files()
f = Federation(scratch("hostile-http"), binary=BIN / "sluis", base_port=22140, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


class Listener:
    """One of a node's, with a request that it takes and one that stands behind an attack."""

    def __init__(self, name, port, tls, method, path, headers, body, behind):
        self.name, self.port, self.tls, self.method, self.path = name, port, tls, method, path
        self.headers, self.body, self.behind = f"Host: localhost\r\n{headers}".encode(), body, f"GET {behind} HTTP/1.1\r\nHost: x\r\n\r\n".encode()

    def start(self):
        return f"{self.method} {self.path} HTTP/1.1\r\n".encode()

    def good(self):
        return self.start() + self.headers + f"Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body

    def ask(self, data, answers=None):
        """Until the connection ends, or so many answers came."""
        with Wire(self.port, self.tls, PATIENCE) as wire:
            wire.send(data)
            return wire.read(PATIENCE, answers)

    def served(self, tries=3):
        """Whether a good request on a new connection is answered, and after how many seconds. Where that connection had to give way before
        its request was there, as it may in a crowd on a slow machine, it is asked on another, as clients do."""
        began = time.monotonic()
        for _ in range(tries):
            try:
                got, _ = self.ask(self.good().replace(b"Host: localhost\r\n", b"Host: localhost\r\nConnection: close\r\n", 1))
            except OSError:  # in the middle of its handshake
                continue
            if got:
                return statuses(got) == [200], time.monotonic() - began
        return False, time.monotonic() - began


def listeners(node, member):
    json_type = "Content-Type: application/json\r\n"
    exchange = Listener("exchange", node.port, client_tls(node.folder / "tls/roots.pem", member), "POST", "/2025-1/catalog/request", json_type,
                        json.dumps({"@context": CONTEXT, "@type": "CatalogRequestMessage"}).encode(), "/.well-known/dspace-version")
    public = Listener("public", node.port + 1, client_tls(node.folder / "tls/roots.pem"), "GET", "/catalog.ttl", "", b"", "/catalog.jsonld")
    management = Listener("management", node.port + 2, None, "POST", "/sluis.v1.NodeService/Status",
                          f"{json_type}Authorization: Bearer {node.token('operator')}\r\n", b"{}", "/livez")
    return exchange, public, management


def refused(listener, what, data, wanted=(400,)):
    """One answer, of these; then the end of the connection; so what came behind was no request."""
    got, ended = listener.ask(data + listener.behind)
    expect(f"{listener.name}: {what}", (len(statuses(got)) == 1 and statuses(got)[0] in wanted, ended) or statuses(got), (True, True))
    if len(statuses(got)) != 1 or statuses(got)[0] not in wanted or not ended:
        print(f"    {statuses(got)}, {'ended' if ended else 'still open'}: {got[:200]}")


# Where a request ends.

def heads(listener):
    """Heads that are read differently by different readers, each with a body as it would be by the one reading."""
    start, headers, size = listener.start(), listener.headers, len(listener.body)
    length = f"Content-Length: {size}\r\n".encode()
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (size, listener.body) if size else b"0\r\n\r\n"
    for what, more, body in (
            ("both lengths", length + chunked, chunks), ("both lengths, the other way round", chunked + length, chunks),
            ("two lengths that differ", length + f"Content-Length: {size + 7}\r\n".encode(), listener.body),
            ("two lengths that are the same", length + length, listener.body),
            ("a list of lengths", f"Content-Length: {size}, {size}\r\n".encode(), listener.body),
            ("a length with a sign", f"Content-Length: +{size}\r\n".encode(), listener.body),
            ("a negative length", b"Content-Length: -1\r\n", listener.body), ("a length in hexadecimal", b"Content-Length: 0x2\r\n", listener.body),
            ("a length of nothing", b"Content-Length: \r\n", listener.body), ("a length with a fraction", b"Content-Length: 2.0\r\n", listener.body),
            ("a length beyond 64 bits", b"Content-Length: 18446744073709551617\r\n", listener.body),
            ("another coding", b"Transfer-Encoding: gzip\r\n", chunks),
            ("another coding before chunks", b"Transfer-Encoding: gzip, chunked\r\n", chunks),
            ("chunks before another coding", b"Transfer-Encoding: chunked, gzip\r\n", chunks),
            ("chunks twice", b"Transfer-Encoding: chunked, chunked\r\n", chunks),
            ("chunks twice, in two headers", chunked + chunked, chunks), ("a coding that looks like it", b"Transfer-Encoding: xchunked\r\n", chunks),
            ("a coding in quotes", b'Transfer-Encoding: "chunked"\r\n', chunks),
            ("a coding behind a tab of its own", b"Transfer-Encoding: \x0bchunked\r\n", chunks),
            ("no coding", b"Transfer-Encoding: identity\r\n", chunks), ("an empty coding", b"Transfer-Encoding: \r\n", chunks),
            ("a coding and a length, hidden by a space", length + b"Transfer-Encoding : chunked\r\n", chunks),
            ("a folded line", length + b"X-A: b\r\n c\r\n", listener.body), ("a line folded by a tab", length + b"X-A: b\r\n\tc\r\n", listener.body),
            ("a length in a folded line", b"X-A: b\r\n " + length, listener.body), ("a bare LF", length + b"X-A: b\nX-B: c\r\n", listener.body),
            ("a bare CR", length + b"X-A: b\rX-B: c\r\n", listener.body), ("a NUL in a value", length + b"X-A: b\0c\r\n", listener.body),
            ("a NUL in a name", length + b"X-\0A: b\r\n", listener.body), ("a space before the colon", length + b"X-A : b\r\n", listener.body),
            ("a name that is empty", length + b": b\r\n", listener.body), ("a line without a colon", length + b"nonsense\r\n", listener.body),
            ("a name that is none", length + b"X(A): b\r\n", listener.body), ("two hosts", length + b"Host: other\r\n", listener.body)):
        refused(listener, what, start + headers + more + b"\r\n" + body)
    refused(listener, "a head that ends in bare LFs", (start + headers + length).replace(b"\r\n", b"\n") + b"\n" + listener.body)
    refused(listener, "a first line that is folded", start + b" X-A: b\r\n" + headers + length + b"\r\n" + listener.body)
    refused(listener, "no host", start + length + b"\r\n" + listener.body)
    refused(listener, "chunks in HTTP/1.0", start.replace(b"1.1", b"1.0") + headers + chunked + b"\r\n" + chunks)
    for what, line in (("two spaces", b"%s  %s HTTP/1.1\r\n"), ("a later version", b"%s %s HTTP/2.0\r\n"), ("a version in small letters", b"%s %s http/1.1\r\n"),
                       ("no version", b"%s %s\r\n"), ("a NUL in the path", b"%s %s\0 HTTP/1.1\r\n"),
                       ("more behind the version", b"%s %s HTTP/1.1 x\r\n"),
                       ("a colon in the method", b"%s: %s HTTP/1.1\r\n")):
        refused(listener, f"a first line with {what}", line % (listener.method.encode(), listener.path.encode()) + headers + length + b"\r\n" + listener.body)


def chunks(listener):
    """Bodies in chunks that are none."""
    begun = listener.start() + listener.headers + b"Transfer-Encoding: chunked\r\n\r\n"
    body = listener.body
    size = b"%x" % len(body)
    got, _ = listener.ask(begun + size + b";a=b\r\n" + body + b"\r\n0\r\nX-Trailer: a\r\n\r\n" + listener.behind, answers=2)
    expect(f"{listener.name}: chunks as they should be, and a request behind them", statuses(got), [200, 200])
    for what, odd in (("a size that is no number", b"xyz\r\n" + body + b"\r\n0\r\n\r\n"), ("a size beyond 64 bits", b"1" + b"0" * 16 + b"\r\n" + body),
                      ("a size below zero", b"-1\r\n" + body + b"\r\n0\r\n\r\n"),
                      ("a size with a prefix", b"0x" + size + b"\r\n" + body + b"\r\n0\r\n\r\n"),
                      ("no size", b"\r\n" + body + b"\r\n0\r\n\r\n"), ("no line break behind the bytes", size + b"\r\n" + body + b"0\r\n\r\n"),
                      ("more bytes than said", size + b"\r\n" + body + b"xx\r\n0\r\n\r\n"),
                      ("a bare LF behind the size", size + b"\n" + body + b"\r\n0\r\n\r\n"),
                      ("a bare LF behind the bytes", size + b"\r\n" + body + b"\n0\r\n\r\n"),
                      ("a space before the size", b" " + size + b"\r\n" + body + b"\r\n0\r\n\r\n"),
                      ("a NUL in an extension", size + b";a=\0\r\n" + body + b"\r\n0\r\n\r\n"),
                      ("an extension without end", size + b";a=" + b"b" * 40_000 + b"\r\n" + body + b"\r\n0\r\n\r\n"),
                      ("trailers without end", size + b"\r\n" + body + b"\r\n0\r\n" + b"".join(b"X-%d: a\r\n" % i for i in range(8000)) + b"\r\n"),
                      ("a bare LF at the end", size + b"\r\n" + body + b"\r\n0\r\n\n")):
        refused(listener, f"chunks with {what}", begun + odd, (400, 413))
    refused(listener, "a size of 2^64 - 16", begun + b"FFFFFFFFFFFFFFF0\r\n" + body, (400, 413))
    refused(listener, "extensions to many small chunks", begun + b"1;" + b"a" * 4000 + b"\r\n" + b" \r\n" + (b"1;" + b"a" * 4000 + b"\r\n \r\n") * 200 + b"0\r\n\r\n",
            (400, 413))


def floods(listener):
    start, headers = listener.start(), listener.headers
    refused(listener, "a header of 20 KB", start + headers + b"X-A: " + b"a" * 20_000 + b"\r\n\r\n", (431,))
    refused(listener, "a header of 8 MB", start + headers + b"X-A: " + b"a" * 8_000_000 + b"\r\n\r\n", (431,))
    refused(listener, "5,000 headers", start + headers + b"".join(b"X-%d: a\r\n" % i for i in range(5000)) + b"\r\n", (431,))
    refused(listener, "100,000 headers", start + headers + b"".join(b"X-%d:\r\n" % i for i in range(100_000)) + b"\r\n", (431,))
    refused(listener, "a name of 20 KB", start + headers + b"a" * 20_000 + b": b\r\n\r\n", (431,))
    refused(listener, "a path of 20 KB", b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + headers + b"\r\n", (414, 431))
    refused(listener, "a path of 2 MB", b"GET /" + b"a" * 2_000_000 + b" HTTP/1.1\r\n" + headers + b"\r\n", (414, 431))
    refused(listener, "a method of 20 KB", b"A" * 20_000 + b" / HTTP/1.1\r\n" + headers + b"\r\n", (400, 414, 431))


# What a body is.

def compressed(listener):
    bomb = b'{"a":"' + b"0" * (4 << 20) + b'"}'
    wanted = (501,) if listener.name == "management" else (415,)  # Connect has a status of its own for it
    for coding, body in (("gzip", gzip.compress(bomb)), ("deflate", zlib.compress(bomb)), ("br", b"\x0b"), ("gzip, gzip", gzip.compress(gzip.compress(bomb))),
                         ("GZIP", gzip.compress(listener.body)), ("x-gzip", gzip.compress(listener.body))):
        head = listener.start() + listener.headers + f"Content-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        got, ended = listener.ask(head + body, answers=1 if wanted == (501,) else None)
        expect(f"{listener.name}: a body in {coding}", statuses(got), [wanted[0]])
        expect("and it is not read", ended or wanted == (501,), True)
    head = listener.start() + listener.headers + f"Content-Encoding: identity\r\nContent-Length: {len(listener.body)}\r\n\r\n".encode()
    expect(f"{listener.name}: a body as it is, which says so", statuses(listener.ask(head + listener.body, answers=1)[0]), [200])


def documents(listener):
    """JSON that is none, or more than it seems. Each is refused, and soon."""
    inner = listener.body[1:]
    for what, body, wanted in (
            ("a key twice", b'{"@type":"CatalogRequestMessage",' + inner if listener.name == "exchange" else b'{"language":"nl","language":"en"}', (400,)),
            ("the same key, spelt otherwise", b'{"\\u0040type":"x",' + inner if listener.name == "exchange" else b'{"language":"nl","l\\u0061nguage":"en"}', (400,)),
            ("a nesting of 100", b'{"a":' + b"[" * 100 + b"]" * 100 + b"," + (inner if len(inner) > 1 else b'"b":1}'), (400,)),
            ("a nesting of 400,000", b"[" * 400_000 + b"]" * 400_000, (400,)),
            ("objects in one another", b'{"a":' * 150_000 + b"1" + b"}" * 150_000, (400,)),
            ("an opening that never closes", b"[" * 900_000, (400,)), ("500,000 elements", b"[" + b"1," * 500_000 + b"1]", (400,)),
            ("a million elements", b"[" + b"1," * 1_000_000 + b"1]", (400, 413)),
            ("100,001 members", b"{" + b",".join(b'"%d":1' % i for i in range(80_000)) + b',"a":[' + b"1," * 30_000 + b"1]}", (400, 413)),
            ("invalid UTF-8", b'{"a":"\xc3\x28",' + (inner if len(inner) > 1 else b'"b":1}'), (400,)),
            ("UTF-8 that is too long", b'{"a":"\xc0\xaf"}', (400,)), ("a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}', (400,)),
            ("a lone surrogate", b'{"a":"\\ud800",' + (inner if len(inner) > 1 else b'"b":1}'), (400,)),
            ("surrogates the wrong way round", b'{"a":"\\udc00\\ud800"}', (400,)), ("a lone surrogate in a key", b'{"\\udfff":1}', (400,)),
            ("a number of 900,000 digits", b'{"a":' + b"9" * 900_000 + b"}", (400,)), ("an exponent without end", b'{"a":1e999999999}', (400,)),
            ("a NUL behind it", listener.body + b"\0", (400,)), ("two documents", listener.body + listener.body, (400,)),
            ("UTF-16", listener.body.decode().encode("utf-16"), (400,)),
            ("a mark before it", b"\xef\xbb\xbf" + listener.body, (400,)), ("no document", b" ", (400,)), ("NaN", b'{"a":NaN}', (400,))):
        began = time.monotonic()
        got, _ = listener.ask(listener.start() + listener.headers + b"Connection: close\r\n" + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        took = time.monotonic() - began
        expect(f"{listener.name}: {what}", len(statuses(got)) == 1 and statuses(got)[0] in wanted or (statuses(got), got[-200:]), True)
        expect(f"{listener.name}: {what}, soon", took < PATIENCE / 2 or took, True)  # what grows with the square would take minutes


# Who takes time, and who says nothing.

def a_byte_a_second(listener):
    """The head's time is over, and the body's, though bytes keep coming for 40 seconds; it is the whole request's that counts."""
    good = listener.good()
    head = good.index(b"\r\n\r\n") + 4
    def dribble(what, at_once):
        with Wire(listener.port, listener.tls) as wire:
            began = time.monotonic()
            wire.send(good[:at_once])
            got = ended = b""
            for byte in (good[at_once:] * 10)[:40]:
                wire.send(bytes([byte]))
                more, ended = wire.read(1)
                got += more
                if ended:
                    break
            took = time.monotonic() - began
            expect(f"{listener.name}: {what}, a byte a second", (statuses(got), bool(ended), took > 10 or took), ([408], True, True))

    parts = [lambda: dribble("a head", 1)]
    if listener.body:
        long = listener.start() + listener.headers + b"Content-Length: 1000\r\n\r\n"
        good = long + b" " * 1000
        head = len(long)
        parts = [lambda: dribble("a head", 1), lambda: dribble("a body", head)]
    together(*parts)


def a_handshake_a_byte_at_a_time(listener):
    """A record of TLS that says how long it is, and comes one byte a second; for 40 at most."""
    with Wire(listener.port) as wire:
        began = time.monotonic()
        wire.send(b"\x16\x03\x01\x02\x00")
        ended = False
        while not ended and time.monotonic() - began < 40:
            wire.send(b"\x01")
            _, ended = wire.read(1)
        expect(f"{listener.name}: a handshake, a byte a second", (ended, time.monotonic() - began > 10), (True, True))


def watch(stop, told, *all_of_them):
    """Good requests on new connections, all the while; and what the node has in memory."""
    while not stop.is_set():
        for listener in all_of_them:
            try:
                told["served"].append((listener.name, *listener.served()))
            except OSError as error:
                told["served"].append((listener.name, False, str(error)))
        told["memory"].append(memory(w))
        stop.wait(0.2)


def still_open(crowd):
    """Those of them whose connection has not ended; the others are let go."""
    out = []
    for one in crowd:
        try:
            ended = not one.recv(1)
        except BlockingIOError:
            ended = False
        except OSError:  # a reset
            ended = True
        if ended:
            one.close()
        else:
            out.append(one)
    return out


def silent(listener, closed_within):
    """As many as the machine lets us, who connect and say nothing."""
    count = 10_000 if FILES > 4000 else max(100, FILES - 600)  # about a thousand of them are open at once, as many as the listener takes
    crowd, connected, refusals = [], 0, 0
    began = time.monotonic()
    for number in range(count):
        try:
            one = socket.create_connection(("127.0.0.1", listener.port), timeout=10)
            one.setblocking(False)
            crowd.append(one)
            connected += 1
        except OSError:
            refusals += 1
        if number % 250 == 249:
            crowd = still_open(crowd)
    took = time.monotonic() - began
    expect(f"{listener.name}: most of the crowd could connect", connected > count * 0.9, True)
    expect(f"{listener.name}: and not all of them stay", len(crowd) < 2500 or len(crowd), True)
    until = time.monotonic() + closed_within
    while crowd and time.monotonic() < until:
        time.sleep(0.5)
        crowd = still_open(crowd)
    print(f"    {listener.name}: {connected} connected in {took:.0f} s and said nothing, {refusals} could not; the last was closed after "
          f"{time.monotonic() - began:.0f} s")
    expect(f"{listener.name}: who says nothing is closed after the time-out", len(crowd), 0)
    for one in crowd:
        one.close()


def crowds(exchange, public, management):
    before, stop, told = memory(w), threading.Event(), {"served": [], "memory": []}
    kept = Wire(exchange.port, exchange.tls)
    kept.send(exchange.good())
    expect("one who has had an answer", statuses(kept.read(PATIENCE, 1)[0]), [200])
    watching = threading.Thread(target=watch, args=(stop, told, exchange, public, management))
    watching.start()
    together(lambda: silent(exchange, 15 + PATIENCE), lambda: silent(management, 60 + PATIENCE))
    stop.set()
    watching.join()
    for name in ("exchange", "public", "management"):
        times = [took for listener, good, took in told["served"] if listener == name and good]
        bad = [took for listener, good, took in told["served"] if listener == name and not good]
        expect(f"others are served at the {name} listener meanwhile", (bad, len(times) > 5), ([], True))
        print(f"    {name}: {len(times)} others were served meanwhile, the slowest after {max(times, default=99):.2f} s")
    print(f"    the node had {before} MiB in memory before, at most {max(told['memory'])} MiB in the crowd, {memory(w)} MiB after it")
    expect("the node's memory is bounded", max(told["memory"]) - before < GROWN_MIB, True)


def attacks(exchange, public, management):
    """At another node than the crowd: there whoever has been waited for longest gives way, and some of these take their time."""
    for one in (exchange, public, management):
        expect(f"{one.name}: two good requests at once get two answers", statuses(one.ask(one.good() + one.behind, answers=2)[0]), [200, 200])
    slow = [threading.Thread(target=a_byte_a_second, args=(one,)) for one in (exchange, public, management)]
    slow += [threading.Thread(target=a_handshake_a_byte_at_a_time, args=(one,)) for one in (exchange, public)]
    for one in slow:
        one.start()
    for one in (exchange, public, management):
        heads(one)
        floods(one)
    for one in (exchange, management):
        chunks(one)
        compressed(one)
        documents(one)
    for one in slow:
        one.join()


try:
    f.begin()
    FILES = raise_files()
    for node in (w, d):
        allowed = next(line.split()[3:5] for line in pathlib.Path(f"/proc/{node.process.pid}/limits").read_text().splitlines() if line.startswith("Max open files"))
        expect("a node asks for as many open files as it may need", int(allowed[0]) >= min(16_384, int(allowed[1])) or allowed, True)
    together(lambda: attacks(*listeners(d, w)), lambda: crowds(*listeners(w, d)))
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
    expect("and are ready", [one.served()[0] for node, member in ((w, d), (d, w)) for one in listeners(node, member)], [True] * 6)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
