#!/usr/bin/env python3
"""Certificates that are not what they seem, and versions of TLS that are too old: from callers at every listener, and from servers that
answer in a party's place, who get no byte of a request.

usage: hostile_tls.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import time
import warnings

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import altered, certificate  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import Federation, Refused, scratch  # noqa: E402
from hostile_wire import LISTENERS, Liar, Wire, answer, certificate_of, client_tls, started, statuses, tls_everywhere  # noqa: E402

CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
HERE, UNLISTED = "DNS:localhost,IP:127.0.0.1", "not in the membership list"
f = Federation(scratch("hostile-tls"), binary=BIN / "sluis", base_port=22240, parties=("waterrijk", "duinmeer", "parkwijs"))
w, d, p = (f.nodes[key] for key in ("waterrijk", "duinmeer", "parkwijs"))
MEMBER = json.dumps({"@context": CONTEXT, "@type": "CatalogRequestMessage"}).encode()
CATALOG = (f"POST /2025-1/catalog/request HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(MEMBER)}\r\n"
           "\r\n").encode() + MEMBER
NUMBER = d.oin


def subject(*numbers, name="duinmeer.example", between="/"):
    return f"/C=NL/O={d.name}/CN={name}/" + between.join(f"serialNumber={number}" for number in numbers)


def asks(shown):
    """What a member's question is answered to who shows this: 200 to members, 404 to all others."""
    try:
        with Wire(w.port, client_tls(w.folder / "tls/roots.pem", shown)) as wire:
            wire.send(CATALOG.replace(b"Host:", b"Connection: close\r\nHost:", 1))
            got = statuses(wire.read()[0])
            return got[0] if got else "no answer"
    except OSError as error:
        return f"no connection: {error}"


# Who asks.

def of_ours(name, **more):
    return certificate(f.folder, name, usage="clientAuth,serverAuth", **{"subject": subject(NUMBER), "names": HERE, **more})


def with_bytes(name, before, after):
    """A certificate in which some bytes are others."""
    return altered(of_ours(name, subject=before), f.folder / "authority/intermediate.key", *after)


def authority_with(name, issuer, common_name, **more):
    return certificate(f.folder, name, issuer=issuer, subject=f"/C=NL/O=Sluis development/CN={common_name}", authority=True, **more)


def callers():
    """Members are known by issuer and number; who has only something like them is nobody, and the caller cannot tell why."""
    expect("a renewed certificate of a member", asks(of_ours("renewed")), 200)
    expect("its own", asks(d), 200)
    ours = "Sluis development services"
    expired = authority_with("expired-authority", "root", ours, expired=True)
    stranger_root = authority_with("stranger-root", None, "Sluis development root")
    stranger = authority_with("stranger", stranger_root, ours)
    nul = authority_with("nul-authority", "root", ours + "~x")
    altered(nul, f.folder / "authority/root.key", (ours + "~x").encode(), (ours + "\0x").encode())
    other_name = authority_with("other-authority", "root", "Sluis development other")
    of_parkwijs = certificate_of(p)
    two = NUMBER, p.oin
    for what, made, said in (
            ("two numbers, its own first", of_ours("two", subject=subject(*two)), UNLISTED),
            ("two numbers, its own last", of_ours("two-last", subject=subject(*reversed(two))), UNLISTED),
            ("two numbers in one part", of_ours("two-joined", subject=subject(*two, between="+")), UNLISTED),
            ("its own number twice", of_ours("twice", subject=subject(NUMBER, NUMBER)), UNLISTED),
            ("a NUL behind the number", with_bytes("nul-number", subject(NUMBER + "Zx"), (f"{NUMBER}Zx".encode(), f"{NUMBER}\0x".encode())), UNLISTED),
            ("a NUL at the number's end", with_bytes("nul-end", subject(NUMBER + "Z"), (f"{NUMBER}Z".encode(), f"{NUMBER}\0".encode())), UNLISTED),
            ("a NUL before the number", with_bytes("nul-before", subject("Z" + NUMBER), (f"Z{NUMBER}".encode(), f"\0{NUMBER}".encode())), UNLISTED),
            ("a space behind the number", with_bytes("space", subject(NUMBER + "Z"), (f"{NUMBER}Z".encode(), f"{NUMBER} ".encode())), UNLISTED),
            ("the number in the common name", of_ours("named", subject=f"/CN={NUMBER}"), UNLISTED),
            ("no number", of_ours("numberless", subject="/CN=duinmeer.example"), UNLISTED),
            ("an authority with a NUL in its name", of_ours("nul-issuer", issuer=nul), UNLISTED),
            ("another authority", of_ours("other-issuer", issuer=other_name), UNLISTED),
            ("an authority that has expired", of_ours("old-issuer", issuer=expired), "certificate has expired"),
            ("a root that nobody trusts", of_ours("untrusted", issuer=stranger), "self-signed certificate in certificate chain"),
            ("a signature by another member's certificate", of_ours("by-member", issuer=of_parkwijs), "invalid CA certificate"),
            ("an altered number", tampered("tampered"), "certificate signature failure"),
            ("a certificate for servers", certificate(f.folder, "server-only", usage="serverAuth", subject=subject(NUMBER)), "unsuitable certificate purpose"),
            ("one that has expired", certificate(f.folder, "expired", expired=True, subject=subject(NUMBER)), "certificate has expired")):
        before = len((f.folder / "waterrijk.log").read_text())
        expect(f"a caller with {what}", asks(made), 404)
        told = (f.folder / "waterrijk.log").read_text()[before:]
        expect(f"a caller with {what}, in the operator's log", [said in line for line in told.splitlines() if "not authenticated" in line] or told, [True])


def tampered(name):
    """Parkwijs's number made into Duinmeer's, with the signature as it was."""
    made = of_ours(name, subject=subject(p.oin))
    leaf, end, rest = made[0].read_text().partition("-----END CERTIFICATE-----\n")
    raw = ssl.PEM_cert_to_DER_cert(leaf + end).replace(p.oin.encode(), NUMBER.encode())
    made[0].write_text(ssl.DER_cert_to_PEM_cert(raw) + rest)
    return made


def revoked():
    """There are no lists of revoked certificates: who is not in the newest membership list any more is out, on a kept connection as well."""
    with Wire(w.port, client_tls(w.folder / "tls/roots.pem", d)) as kept:
        kept.send(CATALOG)
        expect("before", statuses(kept.read(1)[0]), [200])
        made = of_ours("successor")
        sha256 = subprocess.run(["openssl", "x509", "-in", made[0], "-noout", "-fingerprint", "-sha256"], capture_output=True, text=True, check=True)
        party = d.folder / "party.json"
        own = json.loads(party.read_text())
        own["certificates"] = [{"sha256": sha256.stdout.split("=")[1].strip().replace(":", "").lower(), "from": own["certificates"][0]["from"]}]
        party.write_text(json.dumps(own))
        document = f.membership(2)
        w.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")
        kept.send(CATALOG)
        expect("a certificate that was taken off the list, on its connection", statuses(kept.read(1)[0]), [404])
    expect("and on another", asks(d), 404)
    expect("the one that is listed instead", asks(made), 200)


# Who answers.

def servers():
    """Duinmeer's node asks Waterrijk's, and somebody else answers at that address: a name leads where its owner, or who owns its resolver,
    says; what counts is the certificate."""
    w.stop()
    expired = f.folder / "expired-authority.pem", f.folder / "expired-authority.key"
    stranger = f.folder / "stranger.pem", f.folder / "stranger.key"
    both = "clientAuth,serverAuth"

    def of_server(name, **more):
        return certificate(f.folder, name, **{"usage": "serverAuth", "names": HERE, "subject": "/CN=localhost", **more})

    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1

    older = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    older.maximum_version = ssl.TLSVersion.TLSv1_2

    def version(path, _):
        return answer('{"protocolVersions":[{"version":"2025-1","path":"/2025-1","binding":"HTTPS"}]}' if path.startswith("/.well-known") else "{}")

    for what, shown, context, said in (
            ("a certificate for clients", of_server("client-only", usage="clientAuth"), None, "unsuitable certificate purpose"),
            ("no purpose that is for servers", of_server("mailer", usage="emailProtection"), None, "unsuitable certificate purpose"),
            ("another name", of_server("elsewhere", names="DNS:elsewhere.example"), None, "hostname mismatch"),
            ("its name in the common name only", of_server("nameless", names=""), None, "hostname mismatch"),
            ("the name as an address", of_server("address", names="IP:127.0.0.1"), None, "hostname mismatch"),
            ("a wildcard for a part of it", of_server("wild", names="DNS:local*"), None, "hostname mismatch"),
            ("a NUL behind its name", altered(of_server("nul-name", names="DNS:localhost~evil.example"), f.folder / "authority/intermediate.key",
                                              b"localhost~evil.example", b"localhost\0evil.example"), None, "hostname mismatch"),
            ("one that has expired", of_server("old-server", expired=True), None, "certificate has expired"),
            ("an authority that has expired", of_server("old-chain", issuer=expired, usage=both), None, "certificate has expired"),
            ("a root that nobody trusts", of_server("untrusted-server", issuer=stranger, usage=both), None, "self-signed certificate in certificate chain"),
            ("itself for a root", of_server("itself", issuer=None), None, "self-signed certificate"),
            ("a member's signature", of_server("by-member-server", issuer=certificate_of(p)), None, "invalid CA certificate"),
            ("TLS 1.1", of_server("old-tls"), old, "TLS failed"),
            ("TLS 1.2", of_server("older-tls"), older, "TLS failed"),
            ("no TLS", None, None, "TLS failed|time is up")):
        with Liar(w.port, shown, version, context) as liar:
            try:
                got = d.call("CatalogService/Fetch", {"peer": w.participant})
                expect(f"a server with {what}", got, "refused")
            except Refused as refused:
                expect(f"a server with {what}", any(one in refused.body for one in said.split("|")) or refused.body, True)
            expect(f"a server with {what} gets nothing", ([asked[:2] for asked in liar.asked if asked[0] in ("GET", "POST")], liar.taken > 0), ([], True))
    with Liar(w.port, of_server("good"), version) as liar:
        try:
            d.call("CatalogService/Fetch", {"peer": w.participant})
        except Refused:
            pass
        expect("a server with a good certificate is asked", [asked[:2] for asked in liar.asked],
               [("GET", "/.well-known/dspace-version"), ("POST", "/2025-1/catalog/request")])


# Which TLS.

def hello(version, ciphers, compression=b"\0", versions=()):
    """A ClientHello that offers no more than it says."""
    def block(number, content):
        return struct.pack(">HH", number, len(content)) + content

    name = b"localhost"
    extensions = block(0, struct.pack(">HBH", len(name) + 3, 0, len(name)) + name) + block(10, struct.pack(">HHH", 4, 29, 23)) + block(11, b"\1\0")
    extensions += block(13, struct.pack(">HHHHHH", 10, 0x0403, 0x0804, 0x0401, 0x0203, 0x0201))
    if versions:
        extensions += block(43, bytes([2 * len(versions)]) + b"".join(struct.pack(">H", one) for one in versions))
        extensions += block(51, struct.pack(">HHH", 36, 29, 32) + bytes([9] * 32))
    body = struct.pack(">H", version) + bytes(32) + b"\0" + struct.pack(">H", 2 * len(ciphers)) + b"".join(struct.pack(">H", one) for one in ciphers)
    body += bytes([len(compression)]) + compression + struct.pack(">H", len(extensions)) + extensions
    message = b"\1" + len(body).to_bytes(3, "big") + body
    return b"\x16" + struct.pack(">HH", min(version, 0x0301), len(message)) + message


def replies(port, data):
    """The server's first message: an alert with its number, or a ServerHello with its version and compression."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as wire:
        wire.settimeout(5)
        wire.sendall(data)
        got = b""
        try:
            while len(got) < 60 and (more := wire.recv(4096)):
                got += more
        except OSError:
            pass
    if not got:
        return "closed"
    if got[0] == 21:
        return "alert", got[6]
    session = got[43]
    return "hello", struct.unpack(">H", got[9:11])[0], got[44 + session + 2]


CIPHERS = [0x1301, 0x1302, 0xC02B, 0xC02F, 0xC00A, 0xC009, 0xC013, 0xC014, 0x002F, 0x0035, 0x000A, 0x0005]


def newest_alone(name, port):
    """A node whose configuration says nothing of versions."""
    expect(f"{name}: TLS 1.2, where nobody allowed it", replies(port, hello(0x0303, CIPHERS)), ("alert", 70), ("alert", 40), "closed")
    expect(f"{name}: nor by the newer way to say it", replies(port, hello(0x0303, CIPHERS, versions=(0x0303,))), ("alert", 70), ("alert", 40), "closed")
    expect(f"{name}: TLS 1.3 alone", replies(port, hello(0x0303, CIPHERS, versions=(0x0304,))), ("hello", 0x0303, 0))


def versions(name, port):
    ciphers = CIPHERS
    for what, version in (("SSL 3.0", 0x0300), ("TLS 1.0", 0x0301), ("TLS 1.1", 0x0302)):
        expect(f"{name}: {what}", replies(port, hello(version, ciphers)), ("alert", 70), ("alert", 40), "closed")
        expect(f"{name}: {what} by the newer way to say it", replies(port, hello(0x0303, ciphers, versions=(version,))), ("alert", 70), ("alert", 40), "closed")
    expect(f"{name}: TLS 1.2 where it is allowed, and no compression though it is offered", replies(port, hello(0x0303, ciphers, b"\1\0")), ("hello", 0x0303, 0))
    expect(f"{name}: TLS 1.3", replies(port, hello(0x0303, ciphers, versions=(0x0304,))), ("hello", 0x0303, 0))
    expect(f"{name}: compression with TLS 1.3", replies(port, hello(0x0303, ciphers, b"\1\0", (0x0304,))), ("alert", 47), "closed")
    for what, weak in (("no encryption", [0xC006, 0x003B, 0x0002]), ("no certificate", [0xC018, 0x006C, 0x0034]), ("RC4, 3DES and export keys", [5, 4, 10, 0xC007, 0xC008, 3, 8]),
                       ("the key of the certificate for all traffic", [0x009C, 0x009D, 0x002F, 0x0035]), ("CBC", [0xC009, 0xC00A, 0xC023, 0xC024, 0xC013, 0xC014, 0xC027, 0xC028])):
        expect(f"{name}: {what}", replies(port, hello(0x0303, weak)), ("alert", 40), ("alert", 71), "closed")
    asked = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_2", "-msg", "-alpn", "h2"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT)
    time.sleep(1)
    asked.stdin.write(b"R\n")
    asked.stdin.flush()
    try:
        out = asked.communicate(timeout=3)[0]
    except subprocess.TimeoutExpired:
        asked.kill()
        out = asked.communicate()[0]
    again = out.partition(b"RENEGOTIATING")
    expect(f"{name}: it asks to negotiate again", (bool(again[1]), b"ClientHello" in again[2]) or out[-500:], (True, True))
    expect(f"{name}: which is not answered by another", b"ServerHello" in again[0] and b"ServerHello" not in again[2], True)
    if name != "gRPC":  # which ends the connection
        expect(f"{name}: but refused", b"no_renegotiation" in again[2] or b"no renegotiation" in again[2] or again[2][-600:], True)


def downgrades():
    """Each listener of the node that has TLS: of parkwijs, whose management interface is reached with it, over gRPC too."""
    tls_everywhere(p)
    for at, name in enumerate(LISTENERS):
        newest_alone(name, p.port + at)
    config = p.folder / "node.toml"
    text = config.read_text()
    config.write_text(text.replace('roots = "tls/roots.pem"\n', 'roots = "tls/roots.pem"\nmin_version = "1.1"\n'))
    done = f.sluis("config", "check", config, check=False)
    expect("a version that is too old is refused", (done.returncode != 0, "min_version" in done.stdout + done.stderr, '"1.2"' in done.stdout + done.stderr), (True, True, True))
    config.write_text(text.replace('roots = "tls/roots.pem"\n', 'roots = "tls/roots.pem"\nmin_version = "1.2"\n'))
    p.stop()
    started(p)
    for at, name in enumerate(LISTENERS):
        versions(name, p.port + at)


try:
    f.begin()
    callers()
    revoked()
    servers()
    downgrades()
    expect("the nodes live", (d.process.poll(), p.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
