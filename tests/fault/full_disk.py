#!/usr/bin/env python3
"""A node on a small disk that fills up. While it is full nothing is exchanged in either direction and each refusal says why, nothing is
released that is not on record, /readyz says so, and the node lives. With room again it goes on by itself, and all that was acknowledged
is there. With a reserve (in MiB; D23) it can be read meanwhile, and what ends is recorded, also after a start: an agreement and the stream under it, a
publication, that something is to be erased. Without one (0) a node that is started on a full disk says why it does nothing, and what becomes
of an agreement that is ended meanwhile is told only.

The disk is a tmpfs of its own mount namespace: that needs root, or a kernel that gives such namespaces to others.

usage: full_disk.py BIN_DIR SOURCE_DIR RESERVE
"""
import collections
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE, RESERVE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, PURPOSE, Federation, Refused, scratch  # noqa: E402
from injection import skip  # noqa: E402

SIZE = f"{12 + RESERVE}m"  # less than what the store would take at once for a new write-ahead log: so it takes what it needs, page by page
LEFT = 64 << 10  # bytes for real requests
MARK = "SLUIS_FULL_DISK_MOUNTS"  # in the environment of who has mounts of its own
CROWD = PURPOSE + "CrowdManagement"
COUNTS, PACED, THEIRS = "urn:waterrijk:detailed-counts", "urn:waterrijk:detailed-counts-paced", "urn:duinmeer:detailed-counts"
ENDED = ("urn:waterrijk:ended", "urn:waterrijk:ended-later")
RECOVERS_S = 15  # by itself, once there is room
TITLE = "Routes " * 20


def own_mounts():
    """This program once more, where what it mounts is seen by nobody else and goes with it."""
    if os.environ.get(MARK):
        return
    words = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        words += ["--user", f"--map-user={os.geteuid()}", f"--map-group={os.getegid()}", "--keep-caps"]
    try:
        tried = subprocess.run([*words, "true"], capture_output=True, text=True)
    except FileNotFoundError:
        skip("unshare is not installed")
    if tried.returncode != 0:
        skip(f"no mounts of its own here: {tried.stderr.strip()}")
    os.execvpe(words[0], [*words, sys.executable, *sys.argv], {**os.environ, MARK: "1"})


own_mounts()
f = Federation(scratch("full-disk"), binary=BIN / "sluis", base_port=21340, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
filler = w.folder / "filler"
SIZES = {}  # of the datasets, in bytes
published, released, fetched = [], [], []  # what was acknowledged: activities; transactions of which bytes came, to Duinmeer and to Waterrijk


def tell(text):
    print(f"told only: {text}")


# -- the disk -------------------------------------------------------------------------------------------------------------------

def mount_small_disk():
    """Under the whole folder of the node, which is made already."""
    made = f.folder / "made"
    w.folder.rename(made)
    subprocess.run([*f.leave_root, "mkdir", w.folder], check=True)
    owner = (f.user.pw_uid, f.user.pw_gid) if f.user else (os.geteuid(), os.getegid())
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"size={SIZE},mode=0700,uid={owner[0]},gid={owner[1]}".encode()
    if libc.mount(b"none", str(w.folder).encode(), b"tmpfs", 0, options) != 0:
        skip(f"no tmpfs can be mounted: {os.strerror(ctypes.get_errno())}")
    subprocess.run([*f.leave_root, "cp", "-a", f"{made}/.", w.folder], check=True)


def free():
    disk = os.statvfs(w.folder)
    return disk.f_bavail * disk.f_frsize


def fill(leave=0):
    """To the last byte, or so many before it."""
    file = os.open(filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    os.write(file, b"\0" * size)
            except OSError:
                pass
        os.ftruncate(file, os.fstat(file).st_size - leave)
    finally:
        os.close(file)


def brim():
    """What is left is filled by real requests, until none is taken any more; what a store without a reserve gives back when it is opened
    again, by the file."""
    fill(LEFT)
    began, refused = False, 0  # in a row
    for _ in range(500):
        if began and not RESERVE:
            fill()
        code, _ = publish()
        began, refused = began or bool(code), refused + 1 if code else 0
        if refused >= 5 and (RESERVE or free() == 0):
            return True
    return False


# -- what is asked of the nodes ---------------------------------------------------------------------------------------------------

def asked(ask):
    """(0, the answer), or the status of the refusal and what it says."""
    try:
        return 0, ask()
    except Refused as refused:
        said = json.loads(refused.body)
        return refused.status, str(said.get("message") or said.get("reason") or "")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def publish():
    name = f"https://waterrijk.example/activities/{len(published)}"
    code, said = asked(lambda: w.call("ActivityService/Publish", {"id": name, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": TITLE}))
    if not code:
        published.append(name)
    return code, said


def pull(node, transfer, taken):
    """(0, how many bytes) if they came whole; of which any came is noted in `taken`."""
    head = []
    code, said = asked(lambda: node.pull(transfer, CROWD, ACTIVITIES[node.key], on_head=head.append))
    if code:
        return code, said
    got, whole = said
    if got:
        taken.append(head[0]["sluis-transaction"])
    return (0, len(got)) if whole else (-1, f"cut after {len(got)} bytes")


def at(path):
    return asked(lambda: urllib.request.urlopen(f"http://127.0.0.1:{w.port + 2}{path}", timeout=5).read().decode())


def listens():
    try:
        return at("/livez")[0] == 0
    except OSError:
        return False


def transfer_of(node, peer, dataset):
    made = node.call("AgreementService/Request", {"peer": peer.participant, "offer": dataset, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    transfer = node.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]
    until = time.monotonic() + 10
    while node.call("TransferService/Show", {"id": transfer, "waitSeconds": 5})["transfer"].get("state") != "STARTED" and time.monotonic() < until:
        time.sleep(0.05)
    return made["agreement"], transfer


class Stream(threading.Thread):
    """A slow pull of Duinmeer's that runs while the disk fills."""

    def __init__(self, transfer):
        super().__init__(daemon=True)
        self.transfer, self.bytes, self.ended = transfer, 0, None
        self.start()
        until = time.monotonic() + 10
        while not self.bytes and time.monotonic() < until:
            time.sleep(0.05)

    def run(self):
        def came(got):
            self.bytes = len(got)
        try:
            self.ended = d.pull(self.transfer, CROWD, ACTIVITIES["duinmeer"], on_chunk=came,
                                on_head=lambda head: released.append(head["sluis-transaction"]))[1]
        except Refused as refused:
            self.ended = refused.body


# -- the steps --------------------------------------------------------------------------------------------------------------------

def begin():
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text().replace("# reserve_mib = 64 ", f"reserve_mib = {RESERVE} "))
    mount_small_disk()
    f.start()
    f.join()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts", "detailed-counts-paced")
    for name in ENDED:
        w.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts").replace(COUNTS, name), "file": "detailed-counts.toml"})
    f.put_data(d, "detailed-counts.csv", "footfall-2023-06.csv")
    d.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts").replace(COUNTS, THEIRS), "file": "detailed-counts.toml"})
    for node, peer in ((w, d), (d, w)):
        node.call("CatalogService/Fetch", {"peer": peer.participant})
        node.call("ActivityService/Publish", {"id": ACTIVITIES[node.key], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    agreement, theirs = transfer_of(d, w, COUNTS)
    paced, slow = transfer_of(d, w, PACED)
    _, ours = transfer_of(w, d, THEIRS)
    for dataset, (code, size) in ((COUNTS, pull(d, theirs, released)), (THEIRS, pull(w, ours, fetched))):
        expect("data flow", (code, bool(size)), (0, True))
        SIZES[dataset] = size
    return agreement, paced, theirs, slow, ours


def refusals(theirs, ours):
    """In both directions, each with a reason, and nothing comes."""
    before, asked_before = len(released) + len(fetched), len(d.log(kinds=["decision"]))
    for _ in range(3):
        for who, (code, said) in (("Duinmeer pulls", pull(d, theirs, released)), ("Waterrijk pulls", pull(w, ours, fetched))):
            expect(f"{who}: refused, with a reason", (code, bool(said)), (503, True))
    for node, peer, dataset in ((d, w, COUNTS), (w, d, THEIRS)):
        code, said = asked(lambda: node.call("AgreementService/Request", {"peer": peer.participant, "offer": dataset, "purpose": CROWD, "waitSeconds": 1}))
        if code:
            expect(f"{node.key} asks for an agreement: refused, with a reason", (code, bool(said)), (503, True))
        else:  # Duinmeer's own request is on its own record, and waits
            expect(f"{node.key}'s request waits", (node.key, said["negotiation"]["waitsFor"]), ("duinmeer", "delivery"))
    code, said = publish()
    expect("Waterrijk's own people are told as well", (code, bool(said)), (503, True))
    evaluation = urllib.request.Request(f"http://127.0.0.1:{w.port + 2}/access/v1/evaluation", data=b'{"subject":{"type":"party","id":"did:web:duinmeer.example"},"action":{"name":"read"},"resource":{"type":"dataset","id":"urn:waterrijk:detailed-counts"}}',
                                        headers={"Content-Type": "application/json", "Authorization": f"Bearer {w.token('application')}"})
    code, said = asked(lambda: urllib.request.urlopen(evaluation, timeout=10).read())
    expect("a question to the decision point: refused", (code, "no answer" in said), (503, True))
    expect("no byte came", len(released) + len(fetched), before)
    expect("Waterrijk asked for nothing that it could not record", len(d.log(kinds=["decision"])), asked_before)


def full(theirs, ours, paced, stream):
    expect("the disk is full", brim(), True)
    expect("requests filled it", len(published) > 20, True)
    refusals(theirs, ours)
    expect("it lives", (w.process.poll(), at("/livez")[0]), (None, 0))
    not_ready("a full disk")
    for what, ask in (("the status", lambda: w.call("NodeService/Status")), ("the log", w.log),
                      ("the public catalogue", lambda: w.open_data("/catalog.ttl"))):
        code, said = asked(ask)
        if RESERVE:
            expect(f"on a full disk, {what} can be read", code, 0)
        tell(f"on a full disk, {what}: {f'{code} {said.strip()}' if code else 'answered'}")
    running = stream.ended is None
    code, said = asked(lambda: w.call("AgreementService/Terminate", {"id": paced, "code": "over", "sentence": "no longer needed"}))
    came = stream.bytes
    time.sleep(1.5)
    after = f"{'goes on' if stream.ended is None else 'has ended'}, {stream.bytes - came} bytes in 1.5 s" if running else "had ended before"
    tell(f"on a full disk, `agreement terminate`: {f'{code} {said}' if code else 'recorded'}; a stream under it {after}")
    if RESERVE:
        expect("an agreement is ended on a full disk, and the stream under it", (code, after.split(",")[0]), (0, "has ended"))
        ends_recorded()
    return not code


def not_ready(when):
    code, said = at("/readyz")
    expect(f"{when}: the metrics say so", "\nsluis_exchanges_refused 1\n" in at("/metrics")[1], True)
    expect(f"{when}: not ready, and why", (code, "only revocations" in said if RESERVE else "record" in said or "pace" in said), (503, True))


def ends_recorded():
    """By what the reserve gives: a publication that was made for this, and what is to be erased."""
    code, said = asked(lambda: w.call("DatasetService/Retract", {"id": ENDED[0]}))
    expect("a publication ends", code, 0)
    code, said = asked(lambda: w.call("AuditService/Erase", {"party": d.participant, "basis": "the retention period is over"}, role="privacy_officer"))
    expect("that something is to be erased is recorded", (code, said if code else bool(said["erasure"]["id"])), (0, True))
    code, said = publish()
    expect("and all else refused as before", (code, bool(said)), (503, True))


def room_again(theirs, ours):
    """Nothing is done to the node, and nothing that is to be recorded is asked of it."""
    filler.unlink()
    until = time.monotonic() + RECOVERS_S
    while (answered := asked(lambda: w.call("NodeService/Status"))[0] or at("/readyz")[0]) and time.monotonic() < until:
        time.sleep(0.2)
    expect("with room it is ready again by itself", (answered, at("/readyz")), (0, (0, "ok\n")))
    expect("and data flow in both directions", (pull(d, theirs, released), pull(w, ours, fetched)), ((0, SIZES[COUNTS]), (0, SIZES[THEIRS])))
    if RESERVE:
        expect("the reserve is held again", (w.folder / "store" / "reserve").stat().st_size, RESERVE << 20)
    expect("it is the same process", w.process.poll(), None)
    if answered:  # so that the rest can be looked at
        w.kill()
        w.start()
        w.wait_ready()


def told_afterwards():
    """Of what could not be decided: how many, whose, from when until when."""
    def undecided():
        counts = collections.Counter()
        for one in w.log(kinds=["refused-count"]):
            if one["reason"].startswith("undecided."):
                counts[one["reason"]] += int(one["count"])
        return counts
    wanted = {"undecided.data", "undecided.intake", "undecided.evaluation"}
    until = time.monotonic() + 70  # at the latest with the next minute
    while not undecided().keys() >= wanted and time.monotonic() < until:
        time.sleep(0.2)
    told = undecided()
    expect("what could not be decided is told afterwards", told.keys() >= wanted, True)
    expect("each once", [told[reason] for reason in ("undecided.data", "undecided.intake", "undecided.evaluation")], [3, 3, 1])
    said = next(one for one in w.log(kinds=["refused-count"]) if one["reason"] == "undecided.data")
    expect("whose they were", said["counterparty"], d.participant)
    expect("and from when until when", said["sentence"].startswith("Not decided from 20") and " until 20" in said["sentence"], True)


def start_on_full_disk():
    """It ends and says why; or it lives, is not ready, and says why, and with a reserve records what ends."""
    expect("full once more", brim(), True)
    w.kill()
    if not RESERVE:
        fill()
    w.start()
    until = time.monotonic() + 20
    while (code := w.process.poll()) is None and not listens() and time.monotonic() < until:
        time.sleep(0.05)
    if code is None:
        not_ready("a start on a full disk")
        if RESERVE:
            code, said = publish()
            expect("nothing else is recorded after such a start", (code, bool(said)), (503, True))
            code, said = asked(lambda: w.call("DatasetService/Retract", {"id": ENDED[1]}))
            expect("a publication ends after such a start", code, 0)
        w.kill()
    else:
        expect("with a reserve it starts", (bool(RESERVE), w.log_tail() if RESERVE else ""), (False, ""))
        expect("a start on a full disk ends, and says why", (code, "No space left" in w.log_tail()), (1, True))
    filler.unlink()
    w.start()
    w.wait_ready()


def records(kept, anchor):
    """All that was acknowledged, and all that was released."""
    now = {entry.get("index", "0"): entry for entry in w.log()}
    expect("entries of before", [number for number, entry in kept.items() if now.get(number) != entry], [])
    there = "\n".join(entry["document"] for entry in w.log(kinds=["activity"]))
    expect("activities that were published", [name for name in published if f'"{name}"' not in there], [])
    for transaction in released:
        decided = [entry.get("decision") for entry in w.log(transaction=transaction, kinds=["decision"])]
        expect(f"{transaction} was released on record", decided, ["permit"])
    for transaction in fetched:
        expect(f"{transaction} was asked for on record", len(w.log(transaction=transaction, kinds=["intent"])), 1)
    w.stop()
    export = f.folder / "export"
    f.sluis("audit", "export-log", export, "--config", w.folder / "node.toml", "--payloads")
    (f.folder / "anchor").write_text(anchor)
    done = f.sluis("audit", "verify", "--log", export, "--key", w.folder / "log.vkey", "--anchor", f.folder / "anchor", check=False)
    expect("the log verifies", done.returncode, 0)


try:
    agreement, paced, theirs, slow, ours = begin()
    kept = {entry.get("index", "0"): entry for entry in w.log()}
    stream = Stream(slow)
    expect("a slow stream runs", (stream.bytes > 0, stream.ended), (True, None))
    anchor = w.call("AuditService/Checkpoint", role="dpo")["note"]
    ended = full(theirs, ours, paced, stream)
    room_again(theirs, ours)
    told_afterwards()
    if not ended:
        w.call("AgreementService/Terminate", {"id": paced, "code": "over", "sentence": "no longer needed"})
    stream.join(10)
    expect("the stream of the agreement that was ended is cut", stream.ended, False)
    start_on_full_disk()
    expect("data flow after all that", (pull(d, theirs, released), pull(w, ours, fetched)), ((0, SIZES[COUNTS]), (0, SIZES[THEIRS])))
    w.wait_log(1, transaction=released[-1], kinds=["stream-end"])
    records(kept, anchor)
finally:
    f.stop()
    ctypes.CDLL(None).umount2(str(w.folder).encode(), 2)
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
