#!/usr/bin/env python3
"""The checkpoint that a node keeps beside its store. Of another log: the node is quarantined, which means readable, not ready, and
no exchange. Newest one damaged: the other is whole, and the node starts as ever. Newer than the store: quarantined as well.

usage: slots.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import ssl
import sys
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("slots"), binary=BIN / "sluis", base_port=19640, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def slots(node):
    return [(node.folder / f"checkpoints/checkpoint-{number}").read_bytes() for number in (0, 1)]


def put_slots(both):
    for number, data in enumerate(both):
        (w.folder / f"checkpoints/checkpoint-{number}").write_bytes(data)


def newest(both):
    """Which of two slots has the higher counter."""
    return max((0, 1), key=lambda number: both[number][8:16])


def note_of(slot):
    return slot[20:20 + int.from_bytes(slot[16:20], "big")].decode()


def ready(node):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.port + 2}/readyz", timeout=5) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().strip()


def refusal(ask):
    try:
        return 200, "", ask()
    except Refused as refused:
        said = json.loads(refused.body)
        return refused.status, said["code"], said.get("message")


def start():
    w.start()
    w.wait_ready(path="/livez")


def copy(source, target):
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    if f.user:
        for path in (target, *target.rglob("*")):
            shutil.chown(path, f.user.pw_uid, f.user.pw_gid)


def verified(anchor):
    """The exit of `audit verify` on a fresh export of the stopped node."""
    export = f.folder / "export"
    shutil.rmtree(export, ignore_errors=True)
    f.sluis("audit", "export-log", export, "--config", w.folder / "node.toml", "--payloads")
    (f.folder / "anchor").write_text(anchor)
    return f.sluis("audit", "verify", "--log", export, "--key", w.folder / "log.vkey", "--anchor", f.folder / "anchor", check=False).returncode


def quarantined(why, kept, more, offer, transfer, agreement):
    """The running node shows what it has, says why it is not ready, and lets nothing happen. What waits for it goes on waiting."""
    before, log = slots(w), w.log()
    expect("not ready, and why", ready(w), (503, f"the log is quarantined: {why}"))
    status = w.call("NodeService/Status", role="operator")
    expect("Status says it too", (status.get("ready", False), status["quarantine"]), (False, why))
    listed = f.sluis("audit", "log", "--config", w.folder / "node.toml", "--role", "dpo", "-o", "json")
    expect("its log is readable", (log[:len(kept)], [e["kind"] for e in log[len(kept):]]), (kept, more))
    expect("by command too", json.loads(listed.stdout)["entries"], log)
    expect("a pull is refused", refusal(lambda: d.pull(transfer, CROWD, ACTIVITY)), (503, "not_recorded", None))
    asked = d.call("AgreementService/Request", {"peer": w.participant, "offer": offer, "purpose": CROWD, "waitSeconds": 1})["negotiation"]
    answer = asked["delivery"]["lastAnswer"]
    expect("a negotiation does not begin", (asked.get("state"), asked["waitsFor"], answer.startswith("status 503")), (None, "delivery", True))
    mine = (503, "unavailable", f"the log is quarantined: {why}; restore the store that belongs to the checkpoint, or keep both as evidence")
    expect("its own people cannot publish", refusal(lambda: w.call("ActivityService/Publish", {
        "id": "https://waterrijk.example/activities/x", "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "x"})), mine)
    expect("nor end an agreement", refusal(lambda: w.call("AgreementService/Terminate", {"id": agreement})), mine)
    expect("and nothing was added", w.log(), log)
    nothing_foreign()
    w.stop()
    expect("nor signed", slots(w), before)
    copied(len(log))
    return asked["id"]


def nothing_foreign():
    """Where the log has no checkpoint of its own, none is given out."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    try:
        with urllib.request.urlopen(f"https://localhost:{w.port + 1}/log/checkpoint", context=context, timeout=5) as answer:
            public = answer.read().decode().split("\n")[0]
    except urllib.error.HTTPError as error:
        public = error.code
    expect("the public checkpoint is of this log, or there is none", public, "waterrijk.example/log-demo", 404, 503)
    asked = refusal(lambda: w.call("AuditService/Checkpoint", role="dpo")["origin"])
    expect("as for the DPO", (asked[0], asked[2] if asked[0] == 200 else "quarantined" in asked[2]), (200, "waterrijk.example/log-demo"), (503, True))


def copied(entries):
    """The stopped node's log can be carried away, with all that it has; a verifier does not call it good."""
    export = f.folder / "evidence"
    shutil.rmtree(export, ignore_errors=True)
    done = f.sluis("audit", "export-log", export, "--config", w.folder / "node.toml", "--payloads", check=False)
    expect("a quarantined log can be exported", (done.returncode, done.stderr), (0, ""))
    bundles = [p for p in (export / "tile/entries").rglob("*") if p.is_file()] if export.exists() else []
    expect("whole", sum(p.stat().st_size for p in bundles), 72 * entries)
    expect("and is not called good", f.sluis("audit", "verify", "--log", export, "--key", w.folder / "log.vkey", check=False).returncode, 1)


def another_log(*exchange):
    kept = w.log()
    w.stop()
    good = slots(w)
    put_slots(slots(d))
    start()
    why = "the kept checkpoint is not of this log: the checkpoint is not signed by the key of `waterrijk.example/log-demo`"
    waiting = quarantined(why, kept, ["node-stopped"], *exchange)
    put_slots(good)
    restored(note_of(good[newest(good)]), waiting, exchange[1])


def older_store(*exchange):
    """The store of yesterday beside the checkpoint of today."""
    w.stop()
    copy(w.folder / "store", f.folder / "store")
    start()
    kept = w.log()
    w.call("ActivityService/Publish", {"id": "https://waterrijk.example/activities/late", "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "late"})
    w.stop()
    copy(w.folder / "store", f.folder / "newer")
    copy(f.folder / "store", w.folder / "store")
    start()
    kept.pop()  # the start after the copy
    waiting = quarantined(f"the log has {len(kept)} entries, the kept checkpoint signs {len(kept) + 3}", kept, [], *exchange)
    copy(f.folder / "newer", w.folder / "store")
    restored(note_of(slots(w)[newest(slots(w))]), waiting, exchange[1])


def restored(anchor, waiting, transfer):
    expect("what belongs together verifies", verified(anchor), 0)
    start()
    expect("ready again", ready(w), (200, "ok"))
    expect("a pull", d.pull(transfer, CROWD, ACTIVITY)[1], True)
    until = time.monotonic() + 20
    while (shown := d.call("AgreementService/Show", {"id": waiting, "waitSeconds": 5})["negotiation"]).get("state") != "FINALIZED" and time.monotonic() < until:
        pass
    theirs = w.call("AgreementService/Show", {"id": shown["peerId"], "waitSeconds": 15})["negotiation"]
    expect("what waited has gone on by itself", (shown.get("state"), theirs.get("state")), ("FINALIZED", "FINALIZED"))


def one_byte(transfer):
    """Of the newest slot: in its mark, its counter, its note, its digest."""
    for name, where in (("mark", 3), ("counter", 9), ("note", 40), ("digest", -1)):
        kept = w.log()
        w.stop()
        both = slots(w)
        last = newest(both)
        end = 20 + int.from_bytes(both[last][16:20], "big") + 32  # of what is not padding
        damaged = bytearray(both[last])
        damaged[where if where >= 0 else end + where] ^= 1
        put_slots([bytes(damaged) if number == last else both[number] for number in (0, 1)])
        start()
        expect(f"{name}: ready", ready(w), (200, "ok"))
        expect(f"{name}: nothing is lost", [e["kind"] for e in w.log()[len(kept):]], ["node-stopped", "node-started"])
        expect(f"{name}: nothing has changed", w.log()[:len(kept)], kept)
        now = slots(w)
        size = int(note_of(now[newest(now)]).split("\n")[1])
        expect(f"{name}: it signs on", (size, now[last] != bytes(damaged)), (len(kept) + 2, True))
        expect(f"{name}: a pull", d.pull(transfer, CROWD, ACTIVITY)[1], True)
        w.wait_log(1, kinds=["stream-end"])
        w.stop()
        expect(f"{name}: it goes on from what the damaged slot had signed", verified(note_of(both[last])), 0)
        start()


try:
    f.begin()
    offered = json.loads(f.offer_counts()["offer"]["policy"])["@id"]
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": offered, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    started = d.call("TransferService/Start", {"agreement": made, "waitSeconds": 15})["transfer"]["id"]
    expect("a pull", d.pull(started, CROWD, ACTIVITY)[1], True)
    w.wait_log(1, kinds=["stream-end"])
    one_byte(started)
    another_log(offered, started, made)
    older_store(offered, started, made)
    expect("the other node lives", d.process.poll(), None)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
