#!/usr/bin/env python3
"""What a node is worth after it was lost, through the real binary: a backup under load, put back on an empty machine, under a log of its own
that says so; agreements, processes and datasets that are held until they are settled, whatever became of them in what was lost; keys of the log
that are changed; and two logs that do not agree.

usage: recovery.py BIN_DIR SOURCE_DIR
"""
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
from logs import agreed, list_logs  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("recovery"), binary=BIN / "sluis", base_port=20640, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
BACKUP, KEYS = f.folder / "backup", f.folder / "backup-keys"
versions = iter(range(2, 20))
moved = 0  # seconds, the clocks of both


def run(node, *words, role=None, code=0):
    done = node.command(*words, role=role)
    expect(f"sluis {' '.join(map(str, words))}", done.returncode, code) if done.returncode == code else expect(f"sluis {' '.join(map(str, words))}", (done.returncode, done.stdout, done.stderr), code)
    return done


def reconcile(node, peer, *words, code=0):
    done = run(node, "audit", "reconcile", peer.participant, *words, "--output", "json", role="dpo", code=code)
    return json.loads(done.stdout or "{}")


def pull(transfer):
    """How many bytes came, or the code of the refusal."""
    try:
        got, whole = d.pull(transfer["id"], CROWD, ACTIVITY)
        return len(got) if whole else "cut"
    except Refused as refused:
        return json.loads(refused.body).get("code", refused.body)


def begun(agreement):
    return d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]


def state(node, transfer):
    return node.call("TransferService/Show", {"id": transfer["id"] if node is d else transfer["peerId"]})["transfer"]["state"]


def wait_for(what, found, wanted):
    until = time.monotonic() + 15
    while found() != wanted and time.monotonic() < until:
        time.sleep(0.05)
    expect(what, found(), wanted)


def rogue(folder, transfer):
    """What the gate says to a consumer that lies: with its node's keys, and the handle of before."""
    done = subprocess.run([*f.leave_root, f.rogue, "--config", folder / "node.toml", "--transfer", transfer["id"], "--purpose", CROWD, "--activity", ACTIVITY,
                           "--moved", str(moved)], capture_output=True, text=True, timeout=60)
    status, _, body = done.stdout.partition(" ")
    return (status, json.loads(body).get("code", body)) if status in ("403", "404") else (status, done.stderr)


def copy_of_consumer(name):
    """Its folder as it is now, by which it can claim later that nothing happened since."""
    d.stop()
    shutil.copytree(d.folder, f.folder / name)
    if f.user:
        subprocess.run(["chown", "-R", f"{f.user.pw_uid}:{f.user.pw_gid}", f.folder / name], check=True)
    d.start()
    d.wait_ready()
    return f.folder / name


def published(name, *changes):
    text = f.dataset("detailed-counts").replace('"urn:waterrijk:detailed-counts"', f'"urn:waterrijk:{name}"')
    for old, new in changes:
        text = text.replace(old, new)
    w.call("DatasetService/Publish", {"toml": text, "file": f"{name}.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    return f"urn:waterrijk:{name}"


def before_the_gap(agreement):
    """What the backup holds, and what becomes otherwise in the time that is lost."""
    made = {"ended": begun(agreement), "suspended": begun(agreement), "gone": published("retracted-counts")}
    made["gone agreement"], made["gone transfer"] = agreed(w, d, made["gone"], CROWD)
    asked = published("approved-counts", ("processing_activity = true", "processing_activity = true\nsteward_approval = true"))
    made["asked"] = d.call("AgreementService/Request", {"peer": w.participant, "offer": asked, "purpose": CROWD, "waitSeconds": 1})["negotiation"]["id"]

    def waiting():
        return [one["id"] for one in w.call("AgreementService/ListNegotiations", {"waitsFor": "steward"}).get("negotiations", [])]
    wait_for("it waits for the steward", lambda: len(waiting()), 1)
    made["asked here"] = waiting()[0]
    made["copy"] = copy_of_consumer("before-the-gap")
    for what in ("ended", "suspended", "gone transfer"):
        expect(f"the one that lies gets the data while it may: {what}", rogue(made["copy"], made[what])[0], "200")
    return made


def in_the_gap(made, agreement):
    w.call("TransferService/Terminate", {"id": made["ended"]["peerId"], "code": "approval.withdrawn", "sentence": "withdrawn"})
    w.call("TransferService/Suspend", {"id": made["suspended"]["peerId"], "code": "pause", "sentence": "maintenance"})
    w.call("DatasetService/Retract", {"id": made["gone"]})
    wait_for("the consumer knows of the end", lambda: state(d, made["ended"]), "TERMINATED")
    wait_for("and of the suspension", lambda: state(d, made["suspended"]), "SUSPENDED")
    made["begun"] = begun(agreement)
    w.call("AgreementService/Approve", {"negotiation": made["asked here"]})
    wait_for("what was asked for is agreed", lambda: d.call("AgreementService/Show", {"id": made["asked"]})["negotiation"]["state"], "FINALIZED")
    made["unknown agreement"] = d.call("AgreementService/Show", {"id": made["asked"]})["negotiation"]["agreement"]
    made["unknown transfer"] = begun(made["unknown agreement"])
    for what in ("begun", "unknown transfer"):
        expect(f"data flow: {what}", isinstance(pull(made[what]), int), True)
    made["later copy"] = copy_of_consumer("after-the-gap")


OVER = ("404", "not_found")  # the handle of a transfer that is known to be over is none any more


def held(code):
    return "403", code


def nothing_for_who_lies(made, when, ended, suspended, gone):
    """What ended, what was suspended, and what is of a dataset that was taken off: with the answer to each."""
    for what, answer in (("ended", ended), ("suspended", suspended), ("gone transfer", gone)):
        expect(f"{when}: nothing for who lies: {what}", rogue(made["copy"], made[what]), answer)
    for what in ("begun", "unknown transfer"):
        expect(f"{when}: what began in what was lost opens nothing: {what}", rogue(made["later copy"], made[what]), ("404", "not_found"))


def offered():
    return sorted(one["dataset"] for one in d.call("CatalogService/Fetch", {"peer": w.participant}).get("datasets", []))


def held_by(finder):
    """How many findings say that something is held."""
    if finder == "status":
        return sum("held since the recovery" in one for one in w.call("NodeService/Status", {}).get("findings", []))
    found = json.loads(run(w, "audit", "findings", "--output", "json", role="dpo").stdout).get("findings", [])
    return sum(one["code"] == "recovery.held" for one in found)


def same_logs(transfer):
    for node, peer in ((w, d), (d, w)):
        found = reconcile(node, peer)
        expect("two honest logs are the same", found.get("differences", []), [])
        expect("and something was compared", int(found["entries"]) >= 3 and int(found["peerEntries"]) >= 3, True)
        (noted,) = node.log(kinds=["reconciled"])
        expect("it is on record, with the peer's checkpoint", (noted["event"], noted["counterparty"], noted["person"].split(" ")[0]), ("same", peer.participant, "dpo"))
    expect("what is not in the list has no log to compare", run(w, "audit", "reconcile", "did:web:nobody.example", role="dpo", code=1).returncode, 1)
    again = reconcile(w, d, "--from", "2100-01-01T00:00:00Z", "--until", "2100-01-02T00:00:00Z")
    expect("of a time without entries", (again.get("differences", []), again.get("entries", "0")), ([], "0"))


def backup_under_load(transfer):
    """While the consumer pulls, over and over."""
    stop, sizes = threading.Event(), []

    def keep_pulling():
        while not stop.is_set():
            sizes.append(pull(transfer))
    puller = threading.Thread(target=keep_pulling)
    puller.start()
    while len(sizes) < 3:
        time.sleep(0.02)
    made = json.loads(run(w, "backup", "create", "--output", "json", role="operator").stdout)
    stop.set()
    puller.join()
    expect("every pull went on meanwhile", {one for one in sizes if not isinstance(one, int) or one == 0}, set())
    done = f.sluis("backup", "verify", BACKUP, "--key", (w.folder / "log.vkey").read_text().strip(), check=False)
    expect("backup verify", (done.returncode, f"{made['entries']} entries" in done.stdout), (0, True))
    expect("without a key from elsewhere it is not proven", f.sluis("backup", "verify", BACKUP, check=False).returncode, 3)
    expect("nobody but an operator makes one", w.command("backup", "create", role="steward").returncode, 1)
    copied = sorted(path.name for path in KEYS.rglob("*.key"))
    expect("the keys are there, apart", ("log.key" in copied, "claim.key" in copied, [path for path in BACKUP.rglob("*.key")]), (True, True, []))
    expect("and for their owner only", {oct(path.stat().st_mode & 0o077) for path in KEYS.rglob("*.key")}, {"0o0"})
    return int(made["entries"])


def damage():
    """A backup that was damaged is not put back."""
    copy = f.folder / "damaged"
    shutil.copytree(BACKUP, copy)
    victim = max((path for path in copy.rglob("*") if path.suffix in (".sst", ".log") and path.stat().st_size > 100), key=lambda path: path.stat().st_size)
    with victim.open("r+b") as file:
        file.seek(victim.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    if f.user:
        subprocess.run(["chown", "-R", str(f.user.pw_uid), copy], check=True)
    expect("a damaged backup is found", f.sluis("backup", "verify", copy, check=False).returncode, 1)
    done = f.sluis("backup", "restore", copy, "--keys", KEYS, "--into", f.folder / "from-damaged", check=False)
    expect("and not put back", (done.returncode, (f.folder / "from-damaged/node.toml").exists()), (1, False))


def lose(transfer, entries):
    """What happens after the backup, and then the machine is gone."""
    expect("a pull after the backup", isinstance(pull(transfer), int), True)
    w.wait_log(1, kinds=["stream-end"])
    last = w.call("AuditService/Checkpoint", {}, role="dpo")
    expect("more was recorded than the backup holds", int(last["size"]) > entries, True)
    (f.folder / "last-known").write_text(last["note"])
    (f.folder / "last-known").chmod(0o644)
    w.kill()
    shutil.move(w.folder, f.folder / "lost")
    done = f.sluis("backup", "restore", BACKUP, "--keys", KEYS, "--into", w.folder, check=False)
    expect("backup restore", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    shutil.copytree(f.folder / "lost/datasets", w.folder / "datasets")
    shutil.copytree(f.folder / "lost/tokens", w.folder / "tokens")
    shutil.copy2(f.folder / "lost/party.json", w.folder / "party.json")
    if f.user:
        subprocess.run(["chown", "-R", str(f.user.pw_uid), w.folder], check=True)
    expect("into a folder that holds something it is not put", f.sluis("backup", "restore", BACKUP, "--keys", KEYS, "--into", w.folder, check=False).returncode, 1)
    w.start()
    w.wait_ready(path="/livez")
    status = w.call("NodeService/Status", {})
    expect("a restored node shows its log and signs nothing", (status.get("ready", False), "restored from a backup" in status["quarantine"]), (False, True))
    expect("and releases nothing", isinstance(pull(transfer), int), False)
    w.stop()
    return int(last["size"])


def recover(size):
    tokens = [w.folder / "tokens" / role for role in ("steward", "dpo")]
    recover_words = ["log", "recover", "--config", w.folder / "node.toml", "--reason", "the disk broke", "--last-known", f.folder / "last-known"]
    for those in (tokens[:1], [tokens[0], tokens[0]], [tokens[0], w.folder / "tokens/application"]):
        done = f.sluis(*recover_words, *(word for token in those for word in ("--token-file", token)), check=False)
        expect("recovery takes two persons who may", done.returncode, 1)
    both = [word for token in tokens for word in ("--token-file", token)]
    expect("a dry run changes nothing", f.sluis(*recover_words, *both, "--dry-run", check=False).returncode, 0)
    done = f.sluis(*recover_words, *both, check=False)
    expect("log recover", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    key = done.stdout.strip()
    expect("it says what is held, and what to do", [one in done.stderr for one in ("3 agreements", "1 negotiations", "5 transfers", "3 datasets", "audit reconcile", "dataset confirm")], [True] * 6)
    expect("twice it does nothing", f.sluis(*recover_words, *both, check=False).returncode, 1)
    w.start()
    w.wait_ready()
    (first,) = w.log(kinds=["log-begun"])
    document = json.loads(first["document"])
    expect("the new log begins with the old one", (int(first.get("leaf", 0)), first["log"], document["previous"]["origin"]),
           (0, key.split("+")[0], "waterrijk.example/log-demo"))
    expect("and names what is lost", (document["lost"]["end"], document["lost"]["first"] <= size, document["reason"]), (size, True, "the disk broke"))
    expect("and who did it, in the part that stays here", ("steward of" in first["person"], "dpo of" in first["person"], "steward" in first["document"]), (True, True, False))
    old = w.log(kinds=["decision"])[0]
    expect("old entries keep their numbers and their log", (old["log"], int(old["leaf"])), ("waterrijk.example/log-demo", int(old["index"])))
    list_logs(f, w, next(versions), key)
    return key, int(old["index"])


def proofs(old_index, old_key, new_key):
    for index, key in ((old_index, old_key), (int(w.log(kinds=["log-begun"])[0]["index"]), new_key)):
        path = f.folder / f"proof-{index}.json"
        path.write_text(w.call("AuditService/Proof", {"index": index}, role="dpo")["receipt"])
        path.chmod(0o644)
        done = f.sluis("audit", "verify-proof", path, "--key", key, check=False)
        expect("an entry of either log is proven by the key of its log", (done.returncode, done.stderr), (0, ""))
    for name, key, origin in (("old", old_key, old_key.split("+")[0]), ("new", new_key, "")):
        done = w.command("audit", "export-log", f.folder / f"export-{name}", *(("--origin", origin) if origin else ()))
        expect(f"export of the {name} log", (done.returncode, done.stderr), (0, ""))
        expect(f"which verifies by itself: {name}", f.sluis("audit", "verify", "--log", f.folder / f"export-{name}", "--key", key, check=False).returncode, 3)


def settle(agreement, transfer, ended, made):
    global moved
    nothing_for_who_lies(made, "at once", *[held("dataset.suspended")] * 3)
    moved = 1200  # what began a moment ago may be under way still, and is not compared
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": moved})
    nothing_for_who_lies(made, "after the recovery", *[held("dataset.suspended")] * 3)
    expect("nothing is on offer, and nothing released", (offered(), pull(transfer)), ([], "dataset.suspended"))
    expect("which is told", (held_by("status"), held_by("findings")), (2, 4))
    expect("as doctor does", "held since the recovery" in w.command("doctor", role="operator").stdout, True)
    expect("no transfer is begun under what is held", w.command("transfer", "resume", made["suspended"]["peerId"], role="steward").returncode, 1)
    w.stop()
    w.start()
    w.wait_ready()
    expect("a restart forgets none of it", (offered(), pull(transfer), held_by("status")), ([], "dataset.suspended", 2))

    run(w, "dataset", "confirm", DATASET, role="steward")
    expect("what a steward confirms is on offer again, and recorded", (offered(), w.log(kinds=["published"], dataset=DATASET)[-1]["person"].split(" ")[0]), ([DATASET], "steward"))
    expect("once", w.command("dataset", "confirm", DATASET, role="steward").returncode, 1)
    w.call("DatasetService/Retract", {"id": made["gone"]})
    run(w, "dataset", "confirm", "*", role="steward")
    expect("or all that are left", offered(), sorted([DATASET, "urn:waterrijk:approved-counts"]))
    nothing_for_who_lies(made, "with the datasets confirmed", held("agreement.held"), held("agreement.held"), held("dataset.gone"))

    expect("held until both logs were compared", pull(transfer), "agreement.held")
    expect("which the steward sees", ["held" in w.call("AgreementService/Show", {"id": one})["agreement"] for one in (agreement, ended)], [True, True])
    found = reconcile(w, d, code=1)
    lost = {(one["what"], one["about"]) for one in found["differences"]}
    expect("what the backup did not hold is named by the other log", ("missing here", "release") in lost or ("missing here", "request") in lost, True)
    expect("each with the peer's proof", all(one.get("peerProof") for one in found["differences"] if one["what"] == "missing here"), True)
    expect("comparing alone frees nothing", (pull(transfer), [one for one in found["held"] if " " not in one]), ("agreement.held", sorted([agreement, ended, made["gone agreement"]])))
    expect("nor ends anything", (state(w, made["ended"]), state(w, made["suspended"])), ("STARTED", "STARTED"))
    folder = f.folder / "differences"
    settled = reconcile(w, d, "--settle", code=1)
    expect("what ended in the time that was lost has ended", sorted(settled["settled"]), sorted([ended, f"transfer {made['ended']['peerId']}"]))
    expect("and what was suspended is", (state(w, made["ended"]), state(w, made["suspended"])), ("TERMINATED", "SUSPENDED"))
    expect("what its consumer alone says to go on is held", [one["peerId"] for one in (transfer, made["suspended"], made["gone transfer"]) if f"transfer {one['peerId']}" not in settled["held"]], [])
    expect("each with what the other party says", any(transfer["peerId"] in note and "`started`" in note for note in settled["notes"]), True)
    expect("also of what is agreed there, and not here", any(made["asked here"] in note and "`finalized`" in note for note in settled["notes"]), True)
    expect("so nothing flows", pull(transfer), "agreement.held")
    nothing_for_who_lies(made, "with what the other party says taken over", OVER, held("agreement.held"), held("dataset.gone"))
    settled = reconcile(w, d, "--settle", "--apply", agreement, "-O", folder, code=1)
    expect("until a person is sure that it was not ended", (settled["settled"], agreement in settled["held"]), ([agreement], False))
    expect("which is on record", [(one["event"], one["agreement"]) for one in w.log(kinds=["reconciled"]) if one["event"] == "applies-again"], [("applies-again", agreement)])
    shown = w.call("AgreementService/Show", {"id": ended})["agreement"]
    expect("and has ended here, too", bool(shown.get("ended") or shown.get("endedBy") or "ended" in json.dumps(shown)), True)
    proof = next(folder.glob("*-there-*.json"))
    done = f.sluis("audit", "verify-proof", proof, "--key", (d.folder / "log.vkey").read_text().strip(), check=False)
    expect("the peer's proof stands alone", (done.returncode, done.stderr), (0, ""))
    expect("with the agreement its transfers do not go on", pull(transfer), "transfer.held")
    nothing_for_who_lies(made, "with the agreement", OVER, held("transfer.held"), held("dataset.gone"))
    settled = reconcile(w, d, "--settle", "--apply", transfer["peerId"], "--apply", made["suspended"]["peerId"], code=1)
    expect("a person says of each that it does", sorted(settled["settled"]), sorted(f"transfer {one['peerId']}" for one in (transfer, made["suspended"])))
    expect("data flow again", isinstance(pull(transfer), int), True)
    expect("and what was suspended stays so", rogue(made["copy"], made["suspended"]), ("403", "transfer.not_started"))
    w.call("TransferService/Resume", {"id": made["suspended"]["peerId"]})
    wait_for("until it is resumed", lambda: (state(w, made["suspended"]), state(d, made["suspended"])), ("STARTED", "STARTED"))
    expect("and data flow under it", isinstance(pull(made["suspended"]), int), True)
    w.call("AgreementService/Refuse", {"negotiation": made["asked here"], "code": "recovered"})
    w.call("AgreementService/Terminate", {"id": made["gone agreement"], "code": "over", "sentence": "retracted"})
    wait_for("what a person ends is held no more", lambda: (held_by("status"), held_by("findings")), (0, 0))
    nothing_for_who_lies({**made, "suspended": made["ended"]}, "at the end", OVER, OVER, OVER)
    d.wait_log(2, kinds=["received"])
    # The consumer had a receipt of the old log; what it asks of the new one it can check.
    found = reconcile(d, w, code=1)
    expect("seen from the other side", {one["what"] for one in found["differences"]}, {"missing there", "missing here"})
    expect("it lacks what the one that lies asked for past its node, and nothing else", [one["about"] for one in found["differences"] if one["what"] == "missing here"], ["request"] * 3)
    # A recovered log may be shorter than it signed, as the one behind it is listed and shown: that is told, and no accusation.
    expect("that the log lost its end is told", len([note for note in found.get("notes", []) if "of this party ended with" in note]), 1)
    expect("and stands against nobody", [one["event"] for one in d.log(kinds=["reconciled"]) if one["event"] == "contradicts"], [])
    again = reconcile(d, w, code=1)
    expect("from then on it is held to its end", ({one["what"] for one in again["differences"]}, [note for note in again.get("notes", []) if "ended with" in note]), ({"missing there", "missing here"}, []))


def rotate(transfer):
    refused = f.sluis("log", "rotate-key", "--config", w.folder / "node.toml", check=False)
    expect("not while the node runs", (refused.returncode, "in use" in refused.stderr), (1, True))
    before = w.call("NodeService/Status", {})["logOrigin"]
    w.kill()
    slots = {path: path.read_bytes() for path in (w.folder / "checkpoints").rglob("checkpoint-?")}
    entries = len(list((w.folder / "keys").iterdir()))
    dry = f.sluis("log", "rotate-key", "--config", w.folder / "node.toml", "--dry-run", check=False)
    expect("a dry run signs nothing and makes no key", (dry.returncode, {path: path.read_bytes() for path in slots} == slots, len(list((w.folder / "keys").iterdir()))), (0, True, entries))
    done = f.sluis("log", "rotate-key", "--config", w.folder / "node.toml", check=False)
    expect("log rotate-key", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    w.start()
    w.wait_ready()
    list_logs(f, w, next(versions), done.stdout.strip())
    (ended,), begun = w.log(kinds=["log-ended"]), w.log(kinds=["log-begun"])
    said = json.loads(ended["document"])["next"]
    expect("the old log names its successor", (ended["log"], said["vkey"]), (before, done.stdout.strip()))
    document = json.loads(begun[-1]["document"])
    expect("the new one holds the last checkpoint of the old", (document["previous"]["origin"], document["previous"]["checkpoint"].split("\n")[1]), (before, str(int(ended["leaf"]) + 1)))
    listed = [line.split(" ") for line in w.open_data("/log/logs").decode().splitlines()]
    expect("three logs, of which two have ended", [origin for _, origin in listed][1:], [before, said["vkey"].split("+")[0]])
    expect("the last checkpoint of each is for everybody", [w.open_data(f"/log/{name}/checkpoint").decode().split("\n")[0] for name, _ in listed[:2]],
           [origin for _, origin in listed[:2]])
    expect("as the next one names it", w.open_data(f"/log/{listed[1][0]}/checkpoint").decode(), document["previous"]["checkpoint"])
    expect("nothing is held after that", isinstance(pull(transfer), int), True)
    w.kill()
    w.start()
    w.wait_ready()
    expect("and it survives a kill", (len(w.log(kinds=["log-begun"])), isinstance(pull(transfer), int)), (2, True))


def configurations():
    """Of backups, and of the log's name, that are refused with the place."""
    original = config.read_text()
    for what, old, new in (("keys among the store's", f'keys = "{KEYS}"', f'keys = "{BACKUP}/keys"'), ("no backup kept", "[backup]", "[backup]\nkeep = 0"),
                           ("keys kept for ever", "[backup]", "[backup]\nkeys_days = 100000"), ("a place missing", f'keys = "{KEYS}"', ""),
                           ("a log whose name has a space", 'log_origin = "waterrijk.example/log-demo"', 'log_origin = "water rijk"')):
        expect(f"there is something to change: {what}", old in original, True)
        config.write_text(original.replace(old, new))
        done = f.sluis("config", "check", config, check=False)
        expect(f"refused with its place: {what}", (done.returncode, "node.toml:" in done.stderr), (1, True))
    config.write_text(original)
    expect("in order again", f.sluis("config", "check", config, check=False).returncode, 0)


def forgets():
    """An older copy of the store under a node whose log has gone on: a later log is known beside it."""
    w.stop()
    shutil.rmtree(w.folder / "store")
    shutil.copytree(f.folder / "lost/store", w.folder / "store")
    if f.user:
        subprocess.run(["chown", "-R", str(f.user.pw_uid), w.folder / "store"], check=True)
    w.start()
    w.wait_ready(path="/livez")
    expect("a store from before a recovery signs nothing", "another log followed" in w.call("NodeService/Status", {}).get("quarantine", ""), True)


try:
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text() + f'\n[backup]\nstore = "{BACKUP}"\nkeys = "{KEYS}"\n')
    old_key = (w.folder / "log.vkey").read_text().strip()
    f.start()
    f.join()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    agreement, transfer = agreed(w, d, DATASET, CROWD)
    to_end, _ = agreed(w, d, DATASET, CROWD)
    expect("data flow", isinstance(pull(transfer), int), True)
    w.wait_log(1, kinds=["stream-end"])
    d.wait_log(1, kinds=["received"])
    same_logs(transfer)
    made = before_the_gap(agreement)
    entries = backup_under_load(transfer)
    damage()
    w.call("AgreementService/Terminate", {"id": to_end, "code": "over", "sentence": "no longer needed"})
    d.wait_log(1, kinds=["receipt"], event="agreement-ended")
    in_the_gap(made, agreement)
    size = lose(transfer, entries)
    new_key, old_index = recover(size)
    proofs(old_index, old_key, new_key)
    settle(agreement, transfer, to_end, made)
    rotate(transfer)
    configurations()
    forgets()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
