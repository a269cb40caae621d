#!/usr/bin/env python3
"""A node's log, read by a verifier and a note reader that others wrote (main.go): it accepts checkpoint, tiles, entries and receipts,
and refuses each forgery. Our own verifier must find the same of each.

usage: tlog.py BIN_DIR SOURCE_DIR [VECTORS_DIR]
"""
import base64
import json
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402

HERE = SOURCE / "conformance/others"
GOLDEN_KEY = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
ENTRIES = 600  # more than two full tiles


def go_or_skip():
    version = subprocess.run(["go", "version"], capture_output=True, text=True).stdout if shutil.which("go") else ""
    found = re.search(r"go(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < (1, 21):
        print("skipped: no Go 1.21 or newer")
        sys.exit(77)


def build():
    program = SOURCE.resolve() / "build/peers/tlog"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["go", "build", "-o", program, "."], cwd=HERE, check=True, stdout=sys.stderr)
    return program


def theirs(*words):
    done = subprocess.run([program, *words], capture_output=True, text=True)
    return done.returncode, done.stdout.strip() or done.stderr.strip()


def ours(folder):
    return f.sluis("audit", "verify", "--log", folder, "--key", key, check=False).returncode


def flipped(path, at):
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 1
    path.write_bytes(content)


def forged(name, change):
    """A copy of the log in which something was changed: both verifiers refuse it."""
    copy = f.folder / "forged"
    shutil.copytree(log, copy)
    change(copy)
    code, why = theirs(key, copy)
    expect(f"theirs refuses {name}", (code, bool(why)), (1, True))
    expect(f"ours refuses {name}", ours(copy), 1)
    shutil.rmtree(copy)


def forged_receipt(name, change):
    receipt = json.loads(receipts[0].read_text())
    change(receipt)
    file = f.folder / "forged.json"
    file.write_text(json.dumps(receipt))
    expect(f"theirs refuses {name}", theirs(key, log, file)[0], 1)
    expect(f"ours refuses {name}", f.sluis("audit", "verify-proof", file, "--key", key, check=False).returncode != 0, True)


def other_hash(receipt):
    lines = receipt["proof"].split("\n")
    hash_bytes = bytearray(base64.b64decode(lines[2]))
    hash_bytes[0] ^= 1
    lines[2] = base64.b64encode(hash_bytes).decode()
    receipt["proof"] = "\n".join(lines)


def short_hash(receipt):
    lines = receipt["proof"].split("\n")
    lines[2] = base64.b64encode(base64.b64decode(lines[2])[:31]).decode()
    receipt["proof"] = "\n".join(lines)


def swapped(copy):
    first, second = copy / "tile/entries/000", copy / "tile/entries/001"
    first.rename(copy / "aside")
    second.rename(first)
    (copy / "aside").rename(second)


def smaller(copy):
    """A checkpoint that says one entry less, with the signature of the other."""
    text = (copy / "checkpoint").read_text().split("\n")
    text[1] = str(int(text[1]) - 1)
    (copy / "checkpoint").write_text("\n".join(text))


def fill(entries):
    """Questions about an agreement that there is not: each is an entry."""
    asked = {"subject": {"type": "party", "id": w.participant}, "resource": {"type": "agreement", "id": "urn:uuid:none"}, "action": {"name": "use"}}
    body = json.dumps({"evaluations": [asked] * 20}).encode()
    for _ in range(entries // 20):
        request = urllib.request.Request(f"http://127.0.0.1:{w.port + 2}/access/v1/evaluations", data=body,
                                         headers={"Content-Type": "application/json", "Authorization": f"Bearer {w.token('application')}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()


go_or_skip()
program = build()
if len(sys.argv) > 3 and (pathlib.Path(sys.argv[3]) / "tlog/golden-log").is_dir():
    expect("theirs reads the golden log", theirs(GOLDEN_KEY, pathlib.Path(sys.argv[3]) / "tlog/golden-log"), (0, "15 entries, 15 older sizes, 0 receipts"))
f = Federation(scratch("others"), binary=BIN / "sluis", base_port=19540, parties=("waterrijk",))
w = f.nodes["waterrijk"]
try:
    f.begin()
    fill(ENTRIES)
    key = (w.folder / "log.vkey").read_text().strip()
    size = int(w.call("AuditService/Log", {"pageSize": 1}, role="dpo")["logSize"])
    expect("so many entries", size > ENTRIES, True)
    receipts = []
    for index in (0, 255, 256, size - 1):
        receipts.append(f.folder / f"receipt-{index}.json")
        expect(f"a receipt of entry {index}", w.command("audit", "proof", index, "-O", receipts[-1], role="dpo").returncode, 0)
    w.stop()
    log = f.folder / "log"
    expect("exported", w.command("audit", "export-log", log).returncode, 0)
    exported = int((log / "checkpoint").read_text().split("\n")[1])
    expect("theirs accepts all of it", theirs(key, log, *receipts), (0, f"{exported} entries, {exported} older sizes, {len(receipts)} receipts"))
    expect("and so does ours", ours(log), 3)  # there is no anchor
    forged("a changed entry", lambda copy: flipped(copy / "tile/entries/001", 100))
    forged("a changed entry at the end", lambda copy: flipped(next((copy / "tile/entries").glob("*.p/*")), -1))
    forged("a changed tile", lambda copy: flipped(copy / "tile/0/000", 5))
    forged("a changed tile of the level above", lambda copy: flipped(next((copy / "tile/1").rglob("*.p/*")), 40))
    forged("a tile that is cut short", lambda copy: (copy / "tile/0/001").write_bytes((copy / "tile/0/001").read_bytes()[:-32]))
    forged("two bundles in each other's place", swapped)
    forged("a smaller checkpoint", smaller)
    forged("a changed signature", lambda copy: flipped(copy / "checkpoint", -20))
    forged("a bundle that is gone", lambda copy: (copy / "tile/entries/001").unlink())
    forged_receipt("a receipt with another path", other_hash)
    forged_receipt("a receipt with a hash of another length", short_hash)
    forged_receipt("a receipt of another entry", lambda receipt: receipt.update(leaf=json.loads(receipts[1].read_text())["leaf"]))
    forged_receipt("a receipt with another index", lambda receipt: receipt.update(proof=receipt["proof"].replace("index 0", "index 1")))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
