#!/usr/bin/env python3
"""What everybody can check of a running node's log: checkpoints and hash tiles over HTTP, hashed here anew after RFC 6962 and the
C2SP formats. What nobody may get there. And which entries every run leaves.

usage: public_log.py BIN_DIR SOURCE_DIR
"""
import base64
import collections
import hashlib
import hmac
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, Node, PURPOSE, scratch  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
KINDS = {1: "node-started", 2: "node-stopped", 3: "published", 5: "membership", 10: "negotiation", 11: "agreement", 13: "transfer",
         20: "decision", 22: "stream-end", 27: "refused-count"}
DER = bytes.fromhex("302a300506032b6570032100")  # before the 32 bytes of an Ed25519 key (RFC 8410)
f = Federation(scratch("log"), binary=BIN / "sluis", base_port=19440, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def ask(path, port=1, method="GET", party=None, headers=None, data=None):
    """Waterrijk's public listener, or its exchange listener (0). Status, content type and body."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    if party:
        context.load_cert_chain(party.folder / "tls/node.pem", party.folder / "tls/node.key")
    request = urllib.request.Request(f"https://localhost:{w.port + port}{path}", method=method, headers=headers or {}, data=data)
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status, answer.headers["content-type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read()


def get(path):
    status, _, body = ask(path)
    if status != 200:
        raise RuntimeError(f"{path}: {status} {body[:200]}")
    return body


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(leaves):
    """RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def checkpoint():
    """Size, root and note, after its form and signature held."""
    status, kind, body = ask("/log/checkpoint")
    expect("a checkpoint", (status, kind), (200, "text/plain; charset=utf-8"))
    text, signature = body.decode().split("\n\n")
    origin, size, root = text.split("\n")
    name, key_id, key = (w.folder / "log.vkey").read_text().strip().split("+", 2)
    dash, signer, signed = signature.rstrip("\n").split(" ")
    signed, key = base64.b64decode(signed), base64.b64decode(key)
    expect("of this log", (origin, dash, signer, signed[:4].hex(), key[0]), (name, "—", name, key_id, 1))
    files = {"body": text.encode() + b"\n", "signature": signed[4:], "key": DER + key[1:]}
    for file, data in files.items():
        (f.folder / file).write_bytes(data)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", f.folder / "key", "-rawin", "-in",
                           f.folder / "body", "-sigfile", f.folder / "signature"], capture_output=True, text=True)
    expect("signed with its key", done.returncode, 0)
    return int(size), base64.b64decode(root), body.decode()


def name_of(level, index, width):
    return f"/log/tile/{level}/{index:03}" + ("" if width == 256 else f".p/{width}")


def tiles(size):
    """All hashes of leaves of a log of that size; the tiles above say the same."""
    rows, level = [[]], 0
    while size >> 8 * level:
        count = size >> 8 * level
        row = b"".join(get(name_of(level, index, min(256, count - 256 * index))) for index in range((count + 255) // 256))
        rows.append([row[at:at + 32] for at in range(0, len(row), 32)])
        expect(f"hashes of level {level}", len(rows[-1]), count)
        if level:
            expect(f"level {level} is the roots below", rows[-1], [root_of(rows[-2][at:at + 256]) for at in range(0, 256 * count, 256)])
        level += 1
    return rows[1]


def grow(count, name):
    for number in range(count):
        w.call("ActivityService/Publish", {"id": f"https://waterrijk.example/activities/{name}-{number}", "purpose": CROWD,
                                           "from": "2026-01-01T00:00:00Z", "title": name})


def later(seconds):
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": seconds}, role="operator")


def newest():
    return int(w.call("AuditService/Checkpoint", role="dpo")["size"])


def growing():
    """A public checkpoint a minute, each consistent with those before. The tiles that it covers, and none beyond."""
    later(61)
    began = time.monotonic()
    size, root, note = checkpoint()
    expect("the newest, when a minute is over", size, newest())
    leaves = tiles(size)
    expect("the tiles' root", root_of(leaves), root)
    grow(270 - size, "first")
    expect("the log has grown", newest(), 270)
    expect("no other checkpoint within a minute", checkpoint()[2], note)
    expect("no tile beyond it", ask(name_of(0, 0, 256))[0], 404)
    expect("nor one of a hash more", ask(name_of(0, 0, size + 1))[0], 404)
    later(54 - int(time.monotonic() - began))
    expect("none after 54 s", checkpoint()[2], note)
    later(7)
    second, second_root, second_note = checkpoint()
    expect("one after 61 s", second, 270)
    more = tiles(second)
    expect("its tiles' root", root_of(more), second_root)
    expect("of which the older log is the beginning", (more[:size], root_of(more[:size])), (leaves, root))
    expect("the older, narrower tile is still there", get(name_of(0, 0, size)), b"".join(leaves))
    return {size: note, second: second_note}, more


def nothing_else(size):
    wide = size % 256
    for path in (name_of(0, 0, 255).replace("000", "0"), name_of(0, 1, wide + 1), name_of(0, 1, 256), name_of(0, 2, 1), name_of(1, 0, 2), name_of(2, 0, 1),
                 "/log/tile/0/999999", "/log/tile/0/x001/000", "/log/tile/0/x999/x999/x999/x999/x999/x999/x999/999", "/log/tile/0/x000/000",
                 "/log/tile/8/000", "/log/tile/64/000", "/log/tile/-1/000", "/log/tile/00/000", "/log/tile/+0/000", "/log/tile/18446744073709551616/000",
                 "/log/tile/0/000.p/0", "/log/tile/0/000.p/256", "/log/tile/0/000.p/257", "/log/tile/0/000.p/-1", "/log/tile/0/000.p/01", "/log/tile/0/000.p/",
                 "/log/tile/0/000.p/1/2", "/log/tile/0/000.p/99999999999999999999999", "/log/tile/0/abc", "/log/tile/0/", "/log/tile/0", "/log/tile/",
                 "/log/tile", "/log/tile/0/000/", "/log/tile/0//000", "/log/tile/0/../0/000", "/log/tile/0/%2e%2e/000", "/log/tile/0/000%00",
                 "/log/tile/0/0%0a00", "/log/tile/0/" + "0" * 9000, "/log/"):
        expect(path[:80], ask(path)[0], 400, 404)
    expect("a slash behind it is the same", ask("/log/checkpoint/")[0], 200)
    for path in ("/log/tile/entries/000", f"/log/tile/entries/001.p/{wide}", "/log/payloads/000", "/payloads/000"):
        expect(f"entries are not for everybody: {path}", ask(path)[0], 404)
    expect("nothing can be put there", (ask("/log/checkpoint", method="POST", data=b"x")[0], ask(name_of(0, 0, 256), method="PUT", data=b"x")[0]), (405, 405))
    expect("a full tile", (ask(name_of(0, 0, 256))[:2], len(get(name_of(0, 0, 256)))), ((200, "application/octet-stream"), 8192))


def profile():
    turtle, linked = ((SOURCE / f"policy/odrl/profile.{ending}").read_bytes() for ending in ("ttl", "jsonld"))
    expect("the profile", ask("/odrl/1"), (200, "application/ld+json", linked))
    expect("the profile as Turtle", ask("/odrl/1.ttl"), (200, "text/turtle", turtle))
    expect("the profile, asked for as Turtle", ask("/odrl/1", headers={"Accept": "text/turtle"}), (200, "text/turtle", turtle))
    expect("no other version", ask("/odrl/2")[0], 404)


def unknown_callers(outsider):
    for _ in range(3):
        expect("without a certificate", ask("/2025-1/catalog/request", 0, "POST", data=b"{}")[0], 404)
    for _ in range(2):
        expect("with one that is not listed", ask("/2025-1/catalog/request", 0, "POST", outsider, data=b"{}")[0], 404)


def exported(kept, leaves):
    """The auditor's copy: its entries hash to the tiles that everybody saw, and to its own checkpoint."""
    w.stop()
    export = f.folder / "export"
    f.sluis("audit", "export-log", export, "--config", w.folder / "node.toml", "--dry-run")
    expect("a dry run writes nothing", export.exists(), False)
    f.sluis("audit", "export-log", export, "--config", w.folder / "node.toml")
    for note in kept.values():
        (f.folder / "kept").write_text(note)
        done = f.sluis("audit", "verify", "--log", export, "--key", w.folder / "log.vkey", "--anchor", f.folder / "kept", check=False)
        expect("verified from the public checkpoint on", done.returncode, 0)
    w.start()
    w.wait_ready()
    entries = []
    for path in sorted((export / "tile/entries").rglob("*"), key=lambda p: p.as_posix()):
        data = path.read_bytes() if path.is_file() else b""
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2:2 + length])
            data = data[2 + length:]
    hashes = [leaf_hash(entry) for entry in entries]
    size, root = (export / "checkpoint").read_text().split("\n")[1:3]
    expect("an entry each", len(entries), int(size))
    expect("the entries' root", root_of(hashes), base64.b64decode(root))
    expect("the entries' hashes are those of the public tiles", hashes[:len(leaves)], leaves)
    expect("a leaf says nothing but version, kind, hour, policy and a commitment", {(len(e), e[0]) for e in entries}, {(70, 1)})
    return entries


def fields(message):
    """The fields of a protobuf message that are bytes, by number."""
    found = collections.defaultdict(list)

    def varint():
        nonlocal message
        value = shift = 0
        while True:
            byte, message = message[0], message[1:]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while message:
        key = varint()
        length = varint()
        if key & 7 == 2:
            found[key >> 3].append(message[:length])
            message = message[length:]
    return found


def shared_of(node, index, leaf=None):
    """What an entry says to the counterparty, after it was held against the leaf that commits to it."""
    receipt = json.loads(node.call("AuditService/Proof", {"index": index}, role="dpo")["receipt"])
    told, k, inner, own = (base64.b64decode(receipt[name]) for name in ("shared", "k", "inner", "leaf"))
    commitment = hmac.digest(k, own[:38] + hashlib.sha256(told).digest() + inner, "sha256")
    expect("the leaf commits to it", (own[38:], leaf or own), (commitment, own))
    return fields(told)


def every_run(entries, offer_hash, agreement):
    log = w.log()
    expect("no gap", [int(e.get("index", 0)) for e in log], list(range(len(log))))
    by_kind = collections.defaultdict(list)
    for entry in log:
        by_kind[entry["kind"]].append(entry)
    for number, kind in KINDS.items():
        there = [i for i, entry in enumerate(entries) if entry[1] == number]
        expect(f"{kind}, in the log and in the leaves", [int(e.get("index", 0)) for e in by_kind[kind] if int(e.get("index", 0)) < len(entries)], there)
        expect(f"{kind} is there", bool(by_kind[kind]), True)
    expect("starts and stops", ([e["event"] for e in by_kind["node-started"]], [e["event"] for e in by_kind["node-stopped"]]), (["started"] * 2, ["stopped"]))
    expect("each run begins with its start", (log[0]["kind"], log[len(entries)]["kind"]), ("node-started", "node-started"))
    expect("and ends with its stop", log[len(entries) - 1]["kind"], "node-stopped")
    published = by_kind["published"]
    expect("the publication names the dataset", [e["dataset"] for e in published], [DATASET])
    leaf = entries[int(published[0]["index"])]
    expect("and its leaf the offer", leaf[6:38].hex(), offer_hash)
    said = shared_of(w, published[0]["index"], leaf)
    expect("the offer itself is on record", (said[9][0].hex(), b"CrowdManagement" in said[19][0]), (offer_hash, True))
    expect("the list is on record", b"version 1 sha256 " in shared_of(w, by_kind["membership"][0]["index"])[19][0], True)
    expect("the negotiation", [e["event"] for e in by_kind["negotiation"]], ["requested", "agreed", "verified", "finalized"])
    expect("the agreement", [(e["agreement"], e["counterparty"]) for e in by_kind["agreement"]], [(agreement["id"], d.participant)])
    said = shared_of(w, by_kind["agreement"][0]["index"], entries[int(by_kind["agreement"][0]["index"])])
    expect("with both hashes", (said[8][0].hex(), said[9][0].hex()), (agreement["agreementHash"], offer_hash))
    expect("the transfer", {(e["event"], e["agreement"]) for e in by_kind["transfer"]}, {("requested", agreement["id"]), ("started", agreement["id"])})
    decisions(by_kind["decision"], entries, said[10][0])
    counted = collections.Counter()
    for entry in by_kind["refused-count"]:
        counted[entry["reason"]] += int(entry["count"])
    expect("callers whom nobody knows are counted", counted, {"no-certificate": 3, "unknown-party": 2})
    expect("and not named", {e.get("counterparty") for e in by_kind["refused-count"]}, {None})


def decisions(mine, entries, program):
    expect("a decision for each pull", [(e["decision"], e["purpose"]) for e in mine], [("permit", CROWD)])
    leaf = entries[int(mine[0]["index"])]
    said = shared_of(w, mine[0]["index"], leaf)
    expect("with what decided", (len(program), said[10][0], said[10][0] != bytes(32)), (32, program, True))
    theirs = [e for e in d.log(kinds=["intent"]) if e["transaction"] == mine[0]["transaction"]]
    expect("and the other node decided with the same", [shared_of(d, e["index"])[10][0] for e in theirs], [program])


try:
    f.make()
    outsider = Node(f, "stroomplein")  # has a certificate of the same authority, and is on no list
    outsider.init()
    f.start()
    f.join()
    offer = f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    expect("the offer is proven to be on record", offer["proof"], "proven")
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    transfer = d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]
    expect("a pull", d.pull(transfer, CROWD, ACTIVITY), ((w.folder / "datasets/detailed-counts.csv").read_bytes(), True))
    w.wait_log(1, kinds=["stream-end"])
    kept, seen = growing()
    unknown_callers(outsider)
    nothing_else(len(seen))
    profile()
    leaves = exported(kept, seen)
    every_run(leaves, offer["offer"]["hash"], d.call("AgreementService/Show", {"id": made["agreement"]})["agreement"])
    expect("the node lives", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
