#!/usr/bin/env python3
"""An older log of a node, through the real binary: everybody can still get its tiles and last checkpoint; when it is old enough its entries are
removed, by two persons in two roles, also over a kill; what was proven of them still is, and every reader says that they are gone.

usage: pruning.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
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
from federation import ACTIVITIES, PURPOSE, Federation, scratch  # noqa: E402
from logs import agreed, list_logs  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
READER = SOURCE / "tests/second_reader/reader.py"
f = Federation(scratch("pruning"), binary=BIN / "sluis", base_port=21740, parties=("waterrijk", "duinmeer"), list_days=(400, 500))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
GONE = ("was pruned on", "were pruned on")


def run(*words, role=None, code=0):
    done = w.command(*words, role=role)
    expect(f"sluis {' '.join(map(str, words))}" + ("" if done.returncode == code else done.stdout + done.stderr), done.returncode, code)
    return done


def ask(path):
    """Of Waterrijk's public listener: status, header and body."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    try:
        with urllib.request.urlopen(f"https://localhost:{w.port + 1}{path}", context=context, timeout=10) as answer:
            return answer.status, answer.headers.get("cache-control"), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("cache-control"), error.read()


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def root_of(leaves):
    """RFC 6962 section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(leaves[:split]) + root_of(leaves[split:])).digest()


def both_say(what, wanted, folder, key, *words):
    """Sluis's verifier and the second reader, which share no code."""
    theirs = f.sluis("audit", "verify", "--log", folder, "--key", key, *words, check=False)
    mine = subprocess.run([sys.executable, READER, "log", folder, "--key", key, *map(str, words)], capture_output=True, text=True)
    told = "" if (theirs.returncode, mine.returncode) == (wanted, wanted) else f"\n{theirs.stdout}{theirs.stderr}\n{mine.stdout[-2000:]}{mine.stderr}"
    expect(what + told, (theirs.returncode, mine.returncode), (wanted, wanted))
    return theirs.stdout + mine.stdout


def grow(count, name):
    for number in range(count):
        w.call("ActivityService/Publish", {"id": f"https://waterrijk.example/activities/{name}-{number}", "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": name})


def next_log():
    w.stop()
    done = f.sluis("log", "rotate-key", "--config", w.folder / "node.toml")
    w.start()
    w.wait_ready()
    return done.stdout.strip()


def tiles_of(name):
    """What everybody gets of an older log: its note, and the root of its tiles."""
    status, cached, note = ask(f"/log/{name}/checkpoint")
    expect(f"the last checkpoint of {name}, for good", (status, "immutable" in (cached or "")), (200, True))
    size = int(note.split(b"\n")[1])
    row = b""
    for at in range(0, size, 256):
        width = min(256, size - at)
        status, cached, body = ask(f"/log/{name}/tile/0/{at // 256:03}" + ("" if width == 256 else f".p/{width}"))
        expect("a tile of it, for good", (status, "immutable" in (cached or ""), len(body)), (200, True, 32 * width))
        row += body
    leaves = [row[at:at + 32] for at in range(0, len(row), 32)]
    expect("the tiles have the root", root_of(leaves), base64.b64decode(note.split(b"\n")[2]))
    expect("a tile of level 1", ask(f"/log/{name}/tile/1/000.p/{size // 256}")[2], b"".join(root_of(leaves[at:at + 256]) for at in range(0, size - 255, 256)))
    for path in (f"/log/{name}/tile/0/{size // 256:03}.p/{size % 256 + 1}", f"/log/{name}/tile/entries/000", f"/log/{name}/payloads/000", f"/log/{name}/", f"/log/{name}",
                 f"/log/{name}x/checkpoint", "/log/../log/checkpoint", "/log//checkpoint"):
        expect(f"nothing else: {path}", ask(path)[0], 400, 404)
    expect("a slash behind it is the same", ask(f"/log/{name}/checkpoint/")[2], ask(f"/log/{name}/checkpoint")[2])
    return note, leaves


def public(second, third):
    names = [key.split("+")[0].split("/")[-1] for key in (second, third)]
    listed = [line.split(" ") for line in ask("/log/logs")[2].decode().splitlines()]
    expect("which logs there are", listed, [["first", "waterrijk.example/log-demo"], [names[0], second.split("+")[0]], [names[1], third.split("+")[0]]])
    expect("the newest is where it always is", (ask("/log/checkpoint")[0], ask(f"/log/{names[1]}/checkpoint")[0]), (200, 404))
    return tiles_of("first")


def refusals(first):
    def refused(role, *words):
        done = run("audit", "prune", *words, "--no-input", role=role, code=1)
        return done.stderr

    expect("the newest log", "newest" in refused("privacy_officer", third.split("+")[0], "--basis", "archive act"), True)
    expect("too young", "keeps entries for 10 days" in refused("privacy_officer", first, "--basis", "archive act"), True)
    expect("no ground", "ground" in refused("privacy_officer", first), True)
    expect("a steward does not ask", "confirms" in refused("steward", first, "--basis", "archive act"), True)
    expect("nor an operator", run("audit", "prune", first, "--basis", "x", "--no-input", role="operator", code=1).returncode, 1)
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": 20 * 86400})
    expect("the older one first", "is older" in refused("privacy_officer", second.split("+")[0], "--basis", "archive act"), True)


def prune(first, size, killed=False):
    before = len(w.log())
    dry = json.loads(run("audit", "prune", first, "--basis", "archive act", "--no-input", "--dry-run", "--output", "json", role="privacy_officer").stdout)
    expect("a dry run says what would go", (int(dry["entries"]) + int(dry["kept"]), dry.get("id", ""), len(w.log())), (size, "", before))
    expect("and that copies have it", "copies that were made before" in dry["notes"][0], True)
    asked = json.loads(run("audit", "prune", first, "--basis", "archive act", "--no-input", "--output", "json", role="privacy_officer").stdout)
    expect("who asks does not confirm", run("audit", "prune", "--confirm", asked["id"], "--no-input", role="privacy_officer", code=1).returncode, 1)
    expect("asked again it is the same", json.loads(run("audit", "prune", first, "--basis", "other", "--no-input", "--output", "json", role="privacy_officer").stdout)["id"], asked["id"])
    if not killed:
        done = json.loads(run("audit", "prune", "--confirm", asked["id"], "--no-input", "--output", "json", role="steward").stdout)
        return int(done["kept"])
    question = subprocess.Popen([*f.leave_root, f.binary, "audit", "prune", "--confirm", asked["id"], "--config", w.folder / "node.toml", "--role", "steward", "--no-input"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 10
    while time.monotonic() < until and not w.call("AuditService/Log", {"kinds": ["pruned"], "event": "pruned"}, role="dpo").get("entries"):
        pass
    w.kill()  # wherever it is by now
    question.wait(20)
    w.start()
    w.wait_ready()
    until = time.monotonic() + 20
    while time.monotonic() < until and any("pruned" in one for one in w.call("NodeService/Status", {}).get("findings", [])):
        time.sleep(0.05)
    return int(asked["kept"])


def readers(first, size, kept, agreement, dataset_entry, offered):
    """Whoever reads is told, and nobody takes it for damage."""
    (asked, pruned) = w.log(kinds=["pruned"])[:2]
    said = json.loads(pruned["document"])
    expect("on record", (asked["event"], pruned["event"], said["origin"], said["count"] + said["kept"], said["basis"]), ("asked", "pruned", first, size, "archive act"))
    expect("and by whom, in the part that stays here", ("privacy" in asked["person"], "steward" in pruned["person"], "steward" in pruned["document"]), (True, True, False))
    expect("the log begins behind it", int(w.log()[0]["index"]), size)
    for words in (("log",), ("report",), ("export", "--format", "csv")):
        done = run("audit", *words, role="dpo")
        expect(f"audit {words[0]} says so", any(one in done.stderr for one in GONE), True)
    done = run("audit", "log", "--from", time.strftime("%Y-%m-%dT00:00:00Z", time.gmtime(time.time() + 15 * 86400)), role="dpo")
    expect("of a later time nothing is missing", any(one in done.stderr for one in GONE), False)
    found = w.call("AuditService/Findings", {}, role="dpo")["findings"]
    expect("a finding says so", [one["code"] for one in found if one["code"] == "log.pruned"], ["log.pruned"])
    for number in (1, 2):
        expect("audit proof says so", any(one in run("audit", "proof", number, role="privacy_officer", code=1).stderr for one in GONE), True)
        expect("explain says so", any(one in run("explain", number, role="privacy_officer", code=1).stderr for one in GONE), True)
    expect("what is kept is proven", (kept > 3, run("audit", "proof", dataset_entry, role="dpo").returncode), (True, 0))
    expect("erasing it is refused", "pruned" in run("audit", "erase", "--entry", dataset_entry, "--basis", "x", "--no-input", role="steward", code=1).stderr, True)
    expect("the package goes without it", run("audit", "package", "-O", f.folder / "package", role="dpo").returncode, 0)
    checked = f.sluis("audit", "verify", "--package", f.folder / "package", "--key", third, check=False)
    expect("and verifies" + checked.stdout + checked.stderr, checked.returncode, 3)
    expect("the agreement runs", bool(w.call("AgreementService/Show", {"id": agreement})["agreement"].get("ended")), False)
    d.stop()  # what was proven to it before it knows
    d.start()
    d.wait_ready()
    expect("the offer is still proven to others", [one["offers"] for one in d.call("CatalogService/Fetch", {"peer": w.participant})["datasets"]], [one["offers"] for one in offered])
    for node, peer in ((w, d), (d, w)):
        done = node.command("audit", "reconcile", peer.participant, role="dpo")
        expect("reconciling says what it did not compare: " + done.stdout + done.stderr, (done.returncode, "was not compared" in done.stderr), (0, True))


def exports(first, anchor):
    """The stranger's view, with both readers."""
    key, folder = (w.folder / "log.vkey").read_text().strip(), f.folder / "pruned"
    done = run("audit", "export-log", folder, "--origin", first, "--payloads")
    expect("the export says so", "were pruned on" in done.stderr, True)
    expect("it holds no entries", ((folder / "tile/entries").exists(), (folder / "payloads").exists(), (folder / "pruned").exists()), (False, False, True))
    told = both_say("proven by the later log", 0, folder, key, "--anchor", anchor, "--later-key", third)
    expect("it is told", "pruned" in told, True)
    both_say("without its key it is not", 3, folder, key, "--anchor", anchor)
    both_say("nor with another's", 3, folder, key, "--anchor", anchor, "--later-key", second)
    both_say("nor without an anchor", 3, folder, key, "--later-key", third)
    both_say("a log that says so of itself", 3, folder, key, "--anchor", anchor, "--later-key", key)
    said = (folder / "pruned").read_text()
    for what, text in (("no word", None), ("no receipt", "{}"), ("the word of another entry", proof_of_another())):
        (folder / "pruned").unlink()
        if text:
            (folder / "pruned").write_text(text)
        both_say(f"not complete: {what}", 1, folder, key, "--anchor", anchor, "--later-key", third)
        (folder / "pruned").write_text(said)
    tile = folder / "tile/0/000"
    whole = tile.read_bytes()
    tile.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    both_say("a damaged tile", 1, folder, key, "--anchor", anchor, "--later-key", third)
    tile.write_bytes(whole)
    (folder / "tile/entries").mkdir()
    (folder / "tile/entries/000").write_bytes(b"x")
    both_say("entries where there are none", 1, folder, key, "--anchor", anchor, "--later-key", third)
    shutil.rmtree(folder / "tile/entries")
    # The newest log, without its entries: nothing sealed it.
    run("audit", "export-log", f.folder / "newest")
    shutil.rmtree(f.folder / "newest/tile/entries")
    (f.folder / "newest/pruned").write_text(said)
    both_say("a log that was not ended", 1, f.folder / "newest", third, "--later-key", third)


def proof_of_another():
    return w.call("AuditService/Proof", {"index": w.log(kinds=["log-begun"])[-1]["index"]}, role="dpo")["receipt"]


try:
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text().replace("\nlog_origin", "\nkeep_log_days = 10\nlog_origin") + f'\n[backup]\nstore = "{f.folder / "backup"}"\nkeys = "{f.folder / "backup-keys"}"\n')
    f.start()
    f.join()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    agreement, transfer = agreed(w, d, DATASET, CROWD)
    expect("a pull", d.pull(transfer["id"], CROWD, ACTIVITY)[1], True)
    w.wait_log(1, kinds=["stream-end"])
    grow(530, "first")
    first = w.call("NodeService/Status", {})["logOrigin"]
    dataset_entry = w.log(kinds=["published"])[0]["index"]
    transaction = w.log(kinds=["decision"])[0]
    kept_proof = f.folder / "proof-before.json"
    kept_proof.write_text(w.call("AuditService/Proof", {"index": transaction["index"]}, role="dpo")["receipt"])
    kept_proof.chmod(0o644)
    offered = d.call("CatalogService/Fetch", {"peer": w.participant})["datasets"]
    run("backup", "create", role="operator")
    second = next_log()
    third = next_log()
    list_logs(f, w, 2, second, third, days=(400, 500))
    note, leaves = public(second, third)
    anchor = f.folder / "anchor"
    anchor.write_bytes(note)
    anchor.chmod(0o644)
    refusals(first)
    kept = prune(first, len(leaves), killed=True)
    expect("everybody still gets the same", tiles_of("first"), (note, leaves))
    readers(first, len(leaves), kept, agreement, dataset_entry, offered)
    done = f.sluis("audit", "verify-proof", kept_proof, "--key", (w.folder / "log.vkey").read_text().strip(), check=False)
    expect("a proof of before holds", (done.returncode, done.stderr), (0, ""))
    run("backup", "create", role="operator")
    for number in (1, 2):
        done = f.sluis("backup", "verify", f.folder / "backup", "--id", number, check=False)
        expect("copies of before and after are whole: " + done.stdout + done.stderr, done.returncode, 3)
    exports(first, anchor)
    w.stop()
    w.start()
    w.wait_ready()
    expect("and it starts again", any(one in run("audit", "log", role="dpo").stderr for one in GONE), True)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
