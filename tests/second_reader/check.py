#!/usr/bin/env python3
"""Two readers of one log: Sluis's own verifier, and reader.py, which was written from the page alone. They are shown real logs,
logs made here, and the same damages; each must say what the page says, and both the same.

usage: check.py BIN_DIR SOURCE_DIR
"""
import base64
import concurrent.futures
import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import traceback

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
if not (BIN / "sluis").exists() or not shutil.which("openssl"):
    print("skipped: it needs the binary and openssl")
    sys.exit(77)
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402
import cases  # noqa: E402
import cases_policy  # noqa: E402
import cases_pruned  # noqa: E402
import guesses  # noqa: E402
import reader  # noqa: E402
from makelog import Signer, audit_path, proof_of, write_log  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("reader"), binary=BIN / "sluis", base_port=20740, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
WORK = f.folder / "work"
pool, started = concurrent.futures.ThreadPoolExecutor(1), set()


def page():
    """The example at the end of the page, with all of its figures."""
    text = (SOURCE / "connector/docs/log-format.md").read_text().split("## 9.")[1]
    row = {name: bytes.fromhex(re.sub(r"\s", "", value)) for name, value in
           re.findall(r"^    (shared|internal|inner|C|entry 1|leaf \d|node 0-1|root) +((?:[0-9a-f]+\s+)+?)(?=    [a-z]|    C |\n|\Z)", text, re.M)}
    log, witness = Signer("waterrijk.example/log", b"\1" * 32), Signer("duinmeer.example", b"\2" * 32, 4)
    expect("both keys", [one.vkey in text for one in (log, witness)], [True] * 2)
    k, k2, start = bytes(range(32)), bytes(range(32, 64)), bytes.fromhex("011400079c89") + b"\xab" * 32
    inner = reader.hmac.digest(k2, row["internal"], "sha256")
    entry = start + reader.commitment(k, start, row["shared"], inner)
    expect("the commitment", (inner, entry[38:], entry), (row["inner"], row["C"], row["entry 1"]))
    expect("what it says", reader.told(entry, row["shared"]), ("decision", "2026-11-27T09:30:00.250000Z", "permitted"))
    entries = [bytes.fromhex("010100079c89") + bytes(32) + b"\x11" * 32, entry, bytes.fromhex("010200079c89") + bytes(32) + b"\x22" * 32]
    leaves = [reader.leaf_hash(one) for one in entries]
    expect("the hashes", [*leaves, reader.node_hash(*leaves[:2]), reader.root_of(leaves)], [row[name] for name in ("leaf 0", "leaf 1", "leaf 2", "node 0-1", "root")])
    payload = b"".join(map(cases.sized, (row["shared"], row["internal"], k, k2)))
    note = "\n".join(line[4:] for line in text[text.index("    waterrijk.example/log\n"):].splitlines()).rstrip("\n").encode() + b"\n"
    body = note[:note.rfind(b"\n\n") + 1]
    expect("the note, signed anew", log.note(3, row["root"], behind=witness.cosignature(body, 1795771800)), note)
    expect("who cosigned, and when", reader.Note(note, reader.Key(log.vkey)).cosigned(reader.Key(witness.vkey, 4)), 1795771800)
    write_log(WORK / "example", log, entries, [b"", payload, b""], note)
    for name, size in (("tile/entries/000.p/3", 216), ("payloads/000", 156)):
        data = (WORK / "example" / name).read_bytes()
        expect(name, (len(data), reader.hashlib.sha256(data).hexdigest() in text), (size, True))
    both("the example, without an anchor", 3, WORK / "example", log.vkey)
    both("the example, from its checkpoint on", 0, WORK / "example", log.vkey, note)
    proof = proof_of(1, audit_path(1, leaves), note)
    expect("its path", proof.count(b"\n", 0, proof.index(b"\n\n")), 3)
    receipt = {name: base64.b64encode(value).decode() for name, value in (("leaf", entry), ("shared", row["shared"]), ("k", k), ("inner", inner))}
    both_proof("the example's receipt", 0, json.dumps({**receipt, "proof": proof.decode()}).encode(), log.vkey)


def file(name, data):
    path = WORK / name
    path.write_bytes(data)
    path.chmod(0o644)
    return path


def opened(folder):
    """Also for the user as whom the binary runs where root runs this."""
    for where, folders, files in os.walk(folder):
        os.chmod(where, 0o755)
        for one in files:
            path = pathlib.Path(where, one)
            if path.is_file() and not path.is_symlink():
                path.chmod(0o644)


def ours(*words):
    """reader.py, as a command the first time, then called here: that spares most of the time."""
    words = list(map(str, words))
    if words[0] not in started:
        started.add(words[0])
        return subprocess.run([sys.executable, HERE / "reader.py", *words], capture_output=True, text=True, timeout=60)
    with contextlib.redirect_stdout(io.StringIO()) as told, contextlib.redirect_stderr(io.StringIO()) as failed:
        try:
            code = reader.main(words)
        except Exception:
            code = f"crashed: {traceback.format_exc()}"
    return subprocess.CompletedProcess(words, code, told.getvalue(), failed.getvalue())


def each(theirs, mine):
    """Both at once."""
    waiting = pool.submit(theirs)
    seen = mine()
    return waiting.result(), seen


def agree(what, wanted, theirs, mine):
    told = f"{what}\n    sluis: {' | '.join((theirs.stderr + theirs.stdout).split(chr(10)))[-400:]}\n    reader: {' | '.join((mine.stdout + mine.stderr).split(chr(10))[-4:])[:300]}\n   "
    codes = (theirs.returncode, mine.returncode)
    expect(what if codes == (wanted, wanted) else told + " exit codes (sluis, reader)", codes, (wanted, wanted))


def trusting(key, policy):
    words = [] if key is None else ["--key", key]
    return words if policy is None else [*words, "--policy", file("policy", policy) if isinstance(policy, bytes) else policy]


def both(what, wanted, folder, key, anchor=None, policy=None, later=()):
    """Both verifiers over one folder. `wanted`: the exit code that the page says."""
    opened(folder)
    words = trusting(key, policy) + [word for one in later for word in ("--later-key", one)]
    if anchor is not None:
        words += ["--anchor", file("anchor", anchor) if isinstance(anchor, bytes) else anchor]
    theirs, mine = each(lambda: f.sluis("audit", "verify", "--log", folder, *words, check=False), lambda: ours("log", folder, *words, "--json"))
    agree(what, wanted, theirs, mine)
    return theirs, mine


def both_proof(what, wanted, data, key, policy=None):
    path = WORK / "nothing" if data is None else file("proof", data)
    kind = "conflict" if (data or b"").startswith(b"sluis/conflict") else "receipt"
    words = trusting(key, policy)
    agree(what, wanted, *each(lambda: f.sluis("audit", "verify-proof", path, *words, check=False), lambda: ours(kind, path, *words)))


def grow(count, name):
    for number in range(count):
        w.call("ActivityService/Publish", {"id": f"https://waterrijk.example/activities/{name}-{number}", "purpose": CROWD,
                                           "from": "2026-01-01T00:00:00Z", "title": name})


def exchange():
    """Offer, agreement, two pulls."""
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    agreement = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    transfer = d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]["id"]
    for _ in range(2):
        expect("a pull came whole", d.pull(transfer, CROWD, ACTIVITY)[1], True)
    w.wait_log(2, kinds=["stream-end"])
    d.wait_log(2, kinds=["received"])


def receipts(node):
    """Some of them, each held against both; the first and the last as the command prints them."""
    log, key = node.log(), node.folder / "log.vkey"
    kept = [node.call("AuditService/Proof", {"index": one}, role="dpo")["receipt"].encode() for one in {0, 1, len(log) // 2, len(log) - 2, len(log) - 1}]
    for at, receipt in enumerate(kept):
        both_proof(f"a receipt of {node.key} ({at})", 0, receipt, key)
    out = f.folder / "receipt"
    expect("audit proof", node.command("audit", "proof", 1, "-O", out, role="dpo").returncode, 0)
    both_proof("a receipt as audit proof prints it", 0, out.read_bytes(), key)
    return kept


def export(node, name, *words):
    folder = f.folder / name
    f.sluis("audit", "export-log", folder, *words, "--config", node.folder / "node.toml")
    return folder


def same_view(node, folder, log):
    """Size, root, and what each entry says, as both tell it."""
    theirs, mine = both(f"the log of {node.key}", 3, folder, node.folder / "log.vkey")
    seen = json.loads(mine.stdout)
    note = (folder / "checkpoint").read_text().split("\n")
    root = base64.b64decode(note[2]).hex()
    expect("no problem", seen["problems"], [])
    expect("size and root", (str(seen["size"]), seen["root"]), (note[1], root))
    expect("as sluis tells them", [one for one in (note[1], *re.findall("[0-9a-f]{64}|[A-Za-z0-9+/]{43}=", theirs.stdout)) if one not in (note[1], root, note[2])], [])
    expect("sluis tells size and root", (note[1] in theirs.stdout, root in theirs.stdout or note[2] in theirs.stdout), (True, True))
    listed = [[int(one.get("index", 0)), one["kind"], one.get("event", "")] for one in log]
    expect("kinds and events as the node lists them", [[one[0], one[1], one[3]] for one in seen["entries"]][:len(log)], listed)
    moments = [(one["time"][:19], entry[2][:19]) for one, entry in zip(log, seen["entries"]) if "time" in one]
    expect("times as the node lists them", [pair for pair in moments if pair[0] != pair[1]], [])
    expect("with the note as anchor", both("and with an anchor", 0, folder, node.folder / "log.vkey", (folder / "checkpoint").read_bytes())[0].returncode, 0)


try:
    began = time.monotonic()
    f.begin()
    WORK.mkdir()
    WORK.chmod(0o755)
    page()
    exchange()
    grow(230, "first")
    logs = {one: one.log() for one in (w, d)}
    kept = {one: receipts(one) for one in (w, d)}
    f.stop()
    early = export(w, "early", "--payloads")
    same_view(w, early, logs[w])
    same_view(d, export(d, "theirs", "--payloads"), logs[d])
    w.start()
    w.wait_ready()
    grow(60, "second")
    w.stop()
    late, bare = export(w, "late", "--payloads"), export(w, "bare")
    size = int((late / "checkpoint").read_text().split("\n")[1])
    expect("there are a full bundle and one that is not", 256 < size < 512, True)
    key, anchor = (w.folder / "log.vkey").read_text().strip(), (early / "checkpoint").read_bytes()
    both("the later log, from the earlier on", 0, late, key, anchor)
    both("the same without payloads", 0, bare, key, anchor)
    both("the earlier log, from the later on: it was cut", 1, early, key, (late / "checkpoint").read_bytes())
    cases.damages(WORK, both, late, key, (d.folder / "log.vkey").read_text().strip(), anchor)
    cases.receipts(both_proof, kept[w], key, (d.folder / "log.vkey").read_text().strip())
    cases.own(WORK, both, both_proof)
    cases_policy.policies(WORK, both, both_proof)
    cases_pruned.pruned(WORK, both)
    guesses.attack(late)
    print(f"{time.monotonic() - began:.1f} s")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
