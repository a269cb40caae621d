#!/usr/bin/env python3
"""What was erased is gone: from the store, its keys and its copies, also when the node is killed on the way; every proof stays, and what was
not erased can be read. Through the real binary.

usage: erasure.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, PURPOSE, Federation, Refused, scratch  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("erasure"), binary=BIN / "sluis", base_port=21040, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
BACKUP, KEYS = f.folder / "backup", f.folder / "backup-keys"


def run(node, *words, role=None, code=0):
    done = node.command(*words, role=role)
    expect(f"sluis {' '.join(map(str, words))}", done.returncode if done.returncode == code else (done.returncode, done.stderr), code)
    return done


def erase(*words, role, code=0):
    return json.loads(run(w, "audit", "erase", *words, "--no-input", "--output", "json", role=role, code=code).stdout or "{}")


def forms(text):
    """The text as it may lie in a file: as it is, and within base64 wherever it begins there."""
    data = text.encode()
    yield data
    for skip in range(3):
        whole = base64.b64encode(b"\0" * skip + data)
        yield whole[4 if skip else 0:len(whole) - 4]


def holders(words, folders):
    """Files that hold any of these words, in any form."""
    wanted = [form for word in words for form in forms(word)]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                content = path.read_bytes()
                if any(form in content for form in wanted):
                    yield path


def pull(transfer):
    got, whole = d.pull(transfer["id"], CROWD, ACTIVITY)
    expect("a pull", whole and len(got) > 0, True)
    transaction = d.wait_log(1, kinds=["received"])[-1]["transaction"]
    until = time.monotonic() + 20
    while time.monotonic() < until and "receipt" not in [e["kind"] for e in w.log(transaction=transaction)]:
        time.sleep(0.05)  # the consumer's acknowledgement comes by itself
    return transaction


def held(node, peer, transaction):
    """How many receipts of the other party's log the node's store has of it."""
    name = hashlib.sha256(f"{peer.participant}\0{transaction}".encode()).hexdigest()
    return subprocess.run([f.insider, "--config", node.folder / "node.toml", "--count", f"request-receipts/provider/{name}"], capture_output=True, text=True,
                          check=True).stdout.strip()


def ranges(numbers):
    """As `1,3-5`."""
    out = []
    for number in numbers:
        if out and number == out[-1][1] + 1:
            out[-1][1] = number
        else:
            out.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in out)


def verified(node, name):
    """A fresh export of the log, and what `audit verify` says of it."""
    target = f.folder / name
    run(node, "audit", "export-log", target, "--payloads")
    return f.sluis("audit", "verify", "--log", target, "--key", (node.folder / "log.vkey").read_text().strip(), "--anchor", f.folder / "anchor",
                   "--output", "json", check=False)


def begin():
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text() + f'\n[backup]\nstore = "{BACKUP}"\nkeys = "{KEYS}"\n')
    f.start()
    f.join()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})
    return made["negotiation"]["agreement"], d.call("TransferService/Start", {"agreement": made["negotiation"]["agreement"], "waitSeconds": 15})["transfer"]


def what_may_not(agreement):
    """Errors that say why; nothing is asked for by them."""
    published = w.log(kinds=["published"])[0].get("index", "0")
    for words, said in ((("--basis", "GDPR art. 17"), "what to erase"), (("--transaction", "urn:uuid:none", "--basis", "b"), "no entry fits"),
                        (("--entry", published, "--basis", "b"), "public"), (("--entry", "999999", "--basis", "b"), "there is no entry"),
                        (("--party", d.participant), "legal ground"), (("--confirm", "0000000000000000"), "waits")):
        done = w.command("audit", "erase", *words, "--no-input", role="privacy_officer")
        expect(f"audit erase {' '.join(map(str, words))}", (done.returncode, said in done.stderr), (1, True))
    about = next(e.get("index", "0") for e in w.log(kinds=["agreement"]) if e["agreement"] == agreement)
    done = w.command("audit", "erase", "--entry", about, "--basis", "b", "--no-input", role="privacy_officer")
    expect("an agreement that runs", (done.returncode, "still runs" in done.stderr), (1, True))
    for role in ("dpo", "operator", "application"):
        expect(f"{role} asks for none", w.command("audit", "erase", "--party", d.participant, "--basis", "b", "--no-input", role=role).returncode, 1)
    expect("nothing waits", json.loads(run(w, "audit", "erasures", "--output", "json", role="dpo").stdout).get("erasures", []), [])


def one_transaction(gone, stays):
    """Two persons, and what is left of it."""
    before = w.log(transaction=gone)
    expect("the transaction is in the log", sorted(e["kind"] for e in before), ["decision", "receipt", "stream-end"])
    expect("and what the other party's log proves of it is held", held(w, d, gone), "1")
    proofs = []
    for entry in before:
        proofs.append(f.folder / f"proof-{entry['index']}")
        run(w, "audit", "proof", entry.get("index", "0"), "-O", proofs[-1], role="dpo")
    run(w, "audit", "checkpoint", "-O", f.folder / "anchor", role="dpo")
    old_key = next((w.folder / "payload_keys").glob("*.key")).read_bytes()
    run(w, "backup", "create", role="operator")
    planned = erase("--transaction", gone, "--basis", "GDPR art. 17", "--dry-run", role="privacy_officer")
    expect("a dry run finds what it would be", planned["erasure"]["count"], "3")
    asked = erase("--transaction", gone, "--basis", "GDPR art. 17", role="privacy_officer")["erasure"]
    expect("it waits", [e["id"] for e in json.loads(run(w, "audit", "erasures", "--output", "json", role="dpo").stdout)["erasures"]], [asked["id"]])
    done = w.command("audit", "erase", "--confirm", asked["id"], "--no-input", role="privacy_officer")
    expect("who asked does not confirm", (done.returncode, "second person" in done.stderr), (1, True))
    expect("and nothing went", len(w.log(transaction=gone)), 3)
    expect("the other person does", erase("--confirm", asked["id"], role="steward")["done"], True)
    expect("it is not found any more", w.log(transaction=gone), [])
    numbers = [int(e.get("index", "0")) for e in before]
    expect("its entries say only that", [(e["kind"], e.get("erased")) for e in w.log() if int(e.get("index", "0")) in numbers], [(e["kind"], True) for e in before])
    expect("what was not erased is there", sorted(e["kind"] for e in w.log(transaction=stays)), ["decision", "receipt", "stream-end"])
    expect("nor is what the other's log said of it held any more; of the rest it is", (held(w, d, gone), held(w, d, stays)), ("0", "1"))
    records = w.log(kinds=["erasure"])
    expect("three entries record it", [e["event"] for e in records], ["asked", "confirmed", "erased"])
    expect("by two persons", (records[0]["person"][:15], records[1]["person"][:7]), ("privacy_officer", "steward"))
    told = json.loads(records[2]["document"])
    expect("with ground and numbers", (told["basis"], told["entries"]), ("GDPR art. 17", ranges(numbers)))
    expect("and not with what is gone", gone in json.dumps(records), False)
    for proof in proofs:
        expect("a proof from before still holds", f.sluis("audit", "verify-proof", proof, "--key", (w.folder / "log.vkey").read_text().strip(), check=False).returncode, 0)
    done = verified(w, "exported")
    report = json.loads(done.stdout)
    expect("the whole log is proven", (done.returncode, report["consistent"], report["payloadsErased"]), (0, True, 3))
    return old_key


def in_no_file(gone, stays, old_key):
    """Of store, checkpoints, keys, and copies. That the search finds what it looks for is shown on the consumer's own records."""
    ours = [w.folder, BACKUP, KEYS]
    expect("no file holds the transaction", [str(path) for path in holders([gone, gone.removeprefix("urn:uuid:")], ours)], [])
    expect("nor the key that opened it", [str(path) for folder in ours for path in folder.rglob("*") if path.is_file() and old_key in path.read_bytes()], [])
    (f.folder / "bait").mkdir(exist_ok=True)
    (f.folder / "bait" / "file").write_bytes(b"xx" + base64.b64encode(b"y" + gone.encode() + b"zz"))
    expect("a search that would have found it", len(list(holders([gone], [f.folder / "bait"]))), 1)
    held = [str(path) for path in holders([d.oin], [w.folder / "payload_keys", w.folder / "checkpoints"])]
    expect("nor is a number beside the log", held, [])
    expect("the key has a successor", sorted(path.name[7:] for path in (w.folder / "payload_keys").glob("*.key")), [".2.key"])
    del stays


def from_a_copy(gone, stays):
    """The copy of before the erasure, put back: nothing of what was erased; the copy of after: what stays can be read."""
    for which, readable in ((1, False), (2, True)):
        into = f.folder / f"restored-{which}"
        done = f.sluis("backup", "restore", BACKUP, "--id", which, "--keys", KEYS, "--into", into, check=False)
        expect(f"copy {which} is put back", done.returncode if done.returncode == 0 else done.stderr, 0)
        target = f.folder / f"copied-log-{which}"
        done = f.sluis("audit", "export-log", target, "--payloads", "--config", into / "node.toml", check=False)
        expect("its log is exported", done.returncode if done.returncode == 0 else done.stderr, 0)
        payloads = b"".join(path.read_bytes() for path in sorted((target / "payloads").rglob("*")) if path.is_file())
        expect(f"copy {which}: what was erased", gone.encode() in payloads, False)
        expect(f"copy {which}: what stays", stays.encode() in payloads, readable)


def killed(transfer):
    """Killed on the way, over and over: at the next start it goes on; never is anything lost that stays."""
    stays = pull(transfer)
    for wait in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4):
        gone = pull(transfer)
        w.wait_log(2, transaction=gone)
        asked = erase("--transaction", gone, "--basis", "GDPR art. 17", role="privacy_officer")["erasure"]["id"]
        confirming = threading.Thread(target=w.command, args=("audit", "erase", "--confirm", asked, "--no-input"), kwargs={"role": "steward"})
        confirming.start()
        time.sleep(wait)
        w.kill()
        confirming.join()
        w.start()
        w.wait_ready(30)
        until = time.monotonic() + 30  # what was confirmed goes on beside the exchanges
        while any(e.get("confirmedBy") for e in w.call("AuditService/Erasures", {}, role="dpo").get("erasures", [])) and time.monotonic() < until:
            time.sleep(0.05)
        left = json.loads(run(w, "audit", "erasures", "--output", "json", role="dpo").stdout).get("erasures", [])
        if left:  # it was killed before the confirmation was on the disk
            expect("not confirmed yet: all is there", len(w.log(transaction=gone)), 3)
            expect("and it can be confirmed now", erase("--confirm", asked, role="steward")["done"], True)
        expect("gone", w.log(transaction=gone), [])
        expect("in no file", [str(path) for path in holders([gone.removeprefix("urn:uuid:")], [w.folder])], [])
        expect("what stays", sorted(e["kind"] for e in w.log(transaction=stays)), ["decision", "receipt", "stream-end"])
        expect("one key is left", len(list((w.folder / "payload_keys").glob("*.key"))), 1)
    expect("the whole log is proven", verified(w, "exported-again").returncode, 0)


def copies_that_cannot_be_mended(transfer):
    """Keys of copies cannot be removed: it is told until they are gone, which the next copy sees to."""
    gone = pull(transfer)
    w.wait_log(2, transaction=gone)
    run(w, "backup", "create", role="operator")
    old = next((w.folder / "payload_keys").glob("*.key"))
    held = lambda: sorted(path.parent for path in KEYS.rglob(old.name))  # noqa: E731
    expect("copies hold the key", bool(held()), True)
    folders = held()
    for folder in folders:
        folder.chmod(0o500)
    asked = erase("--transaction", gone, "--basis", "GDPR art. 17", role="privacy_officer")["erasure"]["id"]
    done = erase("--confirm", asked, role="steward")
    expect("it is done here, and says what is left", (done["done"], bool(done.get("left"))), (True, True))
    told = lambda: [one for one in w.call("NodeService/Status").get("findings", []) if asked in one]  # noqa: E731
    expect("it is a finding", len(told()), 1)
    w.stop()
    w.start()
    w.wait_ready()
    expect("after a start, too", (len(told()), bool(held())), (1, True))
    for folder in folders:
        folder.chmod(0o700)
    run(w, "backup", "create", role="operator")
    expect("the next copy sees to it", (told(), held()), ([], []))


def a_party(agreement, transfer):
    """All about a party, once nothing runs with it any more. Its number is in what stays only where the law has it: the terms, the list."""
    last = pull(transfer)
    w.wait_log(2, transaction=last)
    while_running = erase("--party", "Gemeente Duinmeer", "--basis", "GDPR art. 17", "--dry-run", role="privacy_officer")["erasure"]
    expect("what still runs is kept", int(while_running["kept"]) >= 2, True)
    w.call("AgreementService/Terminate", {"id": agreement, "code": "done", "sentence": "it is over"})
    asked = erase("--party", "Gemeente Duinmeer", "--basis", "GDPR art. 17", role="privacy_officer")["erasure"]
    expect("then nothing is", asked.get("kept", "0"), "0")
    expect("erased", erase("--confirm", asked["id"], role="steward")["done"], True)
    expect("no entry is about the party", [e for e in w.log(party=d.participant) if int(e.get("index", "0")) < int(w.log(kinds=["erasure"])[-3].get("index", "0"))], [])
    expect("the whole log is proven", verified(w, "exported-at-last").returncode, 0)


def lost_key():
    """A key that was not erased, and is gone: the node says so instead of making another."""
    w.stop()
    (key,) = (w.folder / "payload_keys").glob("*.key")
    moved = key.with_suffix(".away")
    key.rename(moved)
    served = subprocess.run([*f.leave_root, f.binary, "serve", "--config", w.folder / "node.toml"], capture_output=True, text=True, timeout=20)
    expect("a payload key is missing", (served.returncode, key.name in served.stderr and "gone" in served.stderr), (1, True))
    expect("and no other was made", list((w.folder / "payload_keys").glob("*.key")), [])
    key.write_bytes(b"k" * 32)
    shutil.copystat(moved, key)
    if f.user:
        shutil.chown(key, f.user.pw_uid, f.user.pw_gid)
    served = subprocess.run([*f.leave_root, f.binary, "serve", "--config", w.folder / "node.toml"], capture_output=True, text=True, timeout=20)
    expect("another key is in its place", (served.returncode, key.name in served.stderr and "not the one" in served.stderr), (1, True))
    moved.replace(key)
    w.start()
    w.wait_ready()


try:
    agreement, transfer = begin()
    what_may_not(agreement)
    gone, stays = pull(transfer), pull(transfer)
    for one in (gone, stays):
        w.wait_log(2, transaction=one)
    old_key = one_transaction(gone, stays)
    in_no_file(gone, stays, old_key)
    from_a_copy(gone, stays)
    killed(transfer)
    copies_that_cannot_be_mended(transfer)
    a_party(agreement, transfer)
    lost_key()
except Refused as refused:
    expect("a call", refused.body, "an answer")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
