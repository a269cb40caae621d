#!/usr/bin/env python3
"""Lets one system call that changes files fail, or kills the program at it, while the real binary changes a node's evidence: the log's
key is changed, on a node that stands still and on one that runs, entries are erased, an erasure that was broken off goes on at start, a copy is made, a copy is put back. After each the
node starts again or the command is given again, and then: every entry is there that was, every checkpoint that was ever signed is of
the log that is there, the log verifies from a checkpoint that was kept before, what was to be erased is wholly readable or gone, one
payload key a month is left, a copy that was said to be made can be used, and a node that was put back signs nothing until
`log recover`.

Without a fault each scenario runs first, and its calls are counted; of each kind the first and the last are taken, and others evenly
between; with SLUIS_SOAK all. Nodes that run are traced from the command on: that needs root, or a kernel that lets one trace one's own.

usage: sweep_node.py BIN_DIR SOURCE_DIR [BETWEEN]
BETWEEN: so many of each kind between the first and the last.
"""
import base64
import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import sys
import time

from injection import ENDS_THE_STORE, KILL, KINDS, Case, Done, calls_of, met, skip, strace_options, strace_words, summary

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/second_reader"), str(SOURCE / "tests/support")]
from federation import ACTIVITIES, PURPOSE, Federation, Refused, scratch  # noqa: E402
from node_room import LIMIT_S, Room, Wrong, holders, leaves_of, need  # noqa: E402
from logs import list_logs  # noqa: E402
from reader import root_of  # noqa: E402

ALL = 1_000_000
BETWEEN = int(sys.argv[3]) if len(sys.argv) > 3 else (ALL if os.environ.get("SLUIS_SOAK") else 0)
ROOM_FOR_ONE = 6 << 10  # bytes: for the word that an erasure is confirmed, not for all that is wrapped again after it
TRIES = 3
COPIES_S = 5  # for keys in copies to go, once an erasure is recorded
QUIET_S = 2  # for what a node does after it could not say a word
NONE_FOLLOWS, NOT_AGAIN = "no other log could follow", "the node does not start again yet"
LEFT, GIVEN_UP = "copies of erased keys are left", "an erasure cannot be gone on with"  # what the node says to its operator
ERASED = '"event":"erased"'
# A close that fails is tried where all calls are: there are so many of them, also of connections.
CALLS = KINDS if BETWEEN == ALL else {call: actions for call, actions in KINDS.items() if call != "close"}
CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("sweep-node"), binary=BIN / "sluis", base_port=21240, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


# -- what holds after each -----------------------------------------------------------------------------------------------------

def entries_hold(room, gone=(), upto=ALL):
    """Each entry that was acknowledged says what it said; those that are `gone` say only that."""
    now = room.by_number()
    for number, entry in kept.items():
        if number >= upto:
            continue
        if number in gone:
            need(f"entry {number} was erased", (now.get(number, {}).get("kind"), now.get(number, {}).get("erased")), (entry["kind"], True))
        else:
            need(f"entry {number}", now.get(number), entry)


def logs_hold(room, keys, erased=0):
    """The stopped node's logs, each under its key: the first verifies from the anchor, and each checkpoint ever seen is of them."""
    room.see()
    by_origin = {}
    for note in room.notes:
        origin, size, root = note.split("\n")[:3]
        by_origin.setdefault(origin, []).append((int(size), root, note))
    need("logs that signed", set(by_origin) <= set(keys))
    for origin, vkey in keys.items():
        export = room.place / f"export-{origin.replace('/', '-')}"
        room.sluis("audit", "export-log", export, "--payloads", "--config", room.folder / "node.toml", *(() if len(keys) == 1 else ("--origin", origin)))
        signed = sorted(by_origin[origin])
        (room.place / "anchor").write_text(anchor if origin == ORIGIN else signed[-1][2])
        report = json.loads(room.sluis("audit", "verify", "--log", export, "--key", vkey, "--anchor", room.place / "anchor", "--output", "json").stdout)
        need("payloads that are erased", report["payloadsErased"] if origin == ORIGIN else erased, erased)
        leaves = list(leaves_of(export))
        for size, root, _ in signed:
            if size > len(leaves) or base64.b64encode(root_of(leaves[:size])).decode() != root:
                raise Wrong(f"`{origin}` signed another log of {size} entries than the one that is there, of {len(leaves)}")


def one_key(room):
    """Of its month, and not the first: a key that was made before it was confirmed is passed over."""
    left = [path.name for path in sorted((room.folder / "payload_keys").iterdir())]
    need("payload keys", [bool(re.fullmatch(rf"{MONTH}\.\d+\.key", name)) or left for name in left], [True])


# -- the scenarios: what is done under strace, and what is looked at afterwards -----------------------------------------------------

class Scenario:
    """`act` answers what the program acknowledged, and nothing where it did not. `number` tells the cases apart that may go on in two ways."""
    base = "base"
    running = False  # a node that is traced from the command on

    def act(self, room, words):
        raise NotImplementedError

    def check(self, room, acknowledged, number):
        raise NotImplementedError


class Rotate(Scenario):
    name = "log rotate-key"

    def act(self, room, words):
        done = room.run(*words, f.binary, "log", "rotate-key", "--config", room.folder / "node.toml", code=None)
        room.ended, room.said = done.returncode, done.stderr
        return done.stdout.strip() if done.returncode == 0 else None

    def again(self, room):
        if len(list(room.folder.glob("keys/log-*.key"))) > 0:  # the next log has the name of its second
            time.sleep(1 - time.time() % 1)
        done = room.sluis("log", "rotate-key", "--config", room.folder / "node.toml", code=None)
        need("rotate-key again", done.returncode == 0 or "has not begun yet" in done.stderr or done.stderr)

    def check(self, room, acknowledged, number):
        room.see()
        if number % 2:  # the command is given again
            self.again(room)
        room.start()
        came = room.up("/readyz")
        if came is not True and "goes on where it was broken off" in room.tail():
            self.again(room)
            room.start()
            came = room.up("/readyz")
        if came is not True:
            raise Wrong(f"the node does not start again: {room.tail()}")
        entries_hold(room)
        ended, begun = room.log(kinds=["log-ended"]), room.log(kinds=["log-begun"])
        need("an end and a beginning, or neither", (len(ended), len(begun)), (1, 1) if number % 2 or acknowledged or ended or begun else (0, 0))
        keys = {ORIGIN: vkey}
        if ended:
            following = json.loads(ended[0]["document"])["next"]
            keys[following["origin"]] = following["vkey"]
            need("the newest log", room.call("NodeService/Status")["logOrigin"], following["origin"])
            need("the key that was said", acknowledged in (None, following["vkey"]))
            seal = json.loads(begun[0]["document"])["previous"]["checkpoint"]
            need("the last checkpoint covers the end", seal.split("\n")[1], str(int(ended[0].get("leaf", 0)) + 1))
            room.notes.add(seal)
        room.kill()
        logs_hold(room, keys)


def activity(number):
    return {"id": f"{ACTIVITIES['waterrijk']}-{number}", "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "x"}


class Served(Scenario):
    """A command to a node that runs."""
    running = True

    def asked(self, room, method, request, role):
        """The answer; nothing, where it was refused or the node is gone."""
        try:
            return room.call(method, request, role=role, timeout=LIMIT_S)
        except Refused as refused:
            room.said = refused.body
        except TimeoutError:
            raise Wrong(f"no answer, and no end: {room.tail()}") from None
        except (OSError, http.client.HTTPException) as gone:
            room.said = str(gone)
            room.ends()
        return None

    def go_on(self, room, number):
        """In the same node where it lives, and `number` is odd; else in one that is started anew. Whether it was."""
        if room.process and room.process.poll() is None and number % 2:
            return False
        room.restart()
        return True


class Erase(Served):
    name = "erasure, confirmed"

    def confirm(self, room):
        return self.asked(room, "AuditService/Erase", {"confirm": erasure}, "steward") or {}

    def act(self, room, words):
        del words
        answer = self.confirm(room)
        return answer if answer.get("done") else None

    def check(self, room, acknowledged, number):
        anew = self.go_on(room, number)
        finished = acknowledged is not None  # by the node, here or before; else its last step, the copies, may have been left
        if waits := self.waits(room):
            need("an erasure that was said to be done", acknowledged, None)
            if not waits[0].get("confirmedBy"):  # nothing of it was done
                entries_hold(room)
            finished = self.confirm_again(room)
        need("of the erasure", [entry["event"] for entry in room.log(kinds=["erasure"])], ["asked", "confirmed", "erased"])
        need("entries of the transaction", room.log(transaction=gone_transaction), [])
        entries_hold(room, gone)
        self.copies_dropped(room)
        recorded, started = (int(room.log(kinds=[kind])[-1]["index"]) for kind in ("erasure", "node-started"))
        room.kill()
        self.gone(room, finished or (anew and recorded > started))

    def go_on(self, room, number):
        """What was confirmed goes on at start, beside the exchanges."""
        said = room.output()
        if not super().go_on(room, number):
            return False
        until = time.monotonic() + LIMIT_S
        while any(one.get("confirmedBy") for one in self.waits(room)):
            if GIVEN_UP in room.output()[len(said):] or time.monotonic() > until:
                raise Wrong(f"what was confirmed does not go on: {room.tail()}")
            time.sleep(0.02)
        return True

    def waits(self, room):
        return room.call("AuditService/Erasures", role="dpo").get("erasures", [])

    def confirm_again(self, room):
        """Whether that did it; else it was done before, which was not known. In the same node it may take more than one try: a store that
        failed is opened again by whoever commits next."""
        for tries in range(1, TRIES + 1):
            if self.confirm(room).get("done"):
                told["confirmed again"] += 1
                told["took more than one try"] += tries > 1
                return True
            refusal = room.said
            self.asked(room, "ActivityService/Publish", activity(tries), "steward")
            if not self.waits(room):
                return False
        raise Wrong(f"it cannot be confirmed again: {refusal}")

    def copies_dropped(self, room):
        """Waits for it: it comes after the entry that records the erasure."""
        until = time.monotonic() + COPIES_S
        while not (left := LEFT in room.output()) and list(holders([old_key], [room.keys])) and time.monotonic() < until:
            time.sleep(0.02)
        return left

    def gone(self, room, finished):
        one_key(room)
        need("files that hold what was erased", sorted(holders([gone_transaction.removeprefix("urn:uuid:").encode()], [room.folder])), [])
        left = sorted(holders([old_key], [room.folder, room.backup, room.keys]))
        need("the key in the node's own folder", [one for one in left if one.startswith("node/")], [])
        if left and LEFT not in room.output():
            told["copies kept the key without a word"] += 1
            if finished and not room.lost_a_word():
                raise Wrong(f"files that hold the key: {left}, and nothing says so")
        logs_hold(room, {ORIGIN: vkey}, len(gone))


class GoesOn(Erase):
    name = "erasure, going on at start"
    base = "broken-off"
    running = False

    def act(self, room, words):
        """Until it has gone on, or given up. It ends before it is looked at: in each of its threads the same fault may be met."""
        room.start(words)
        came = room.up()
        until = time.monotonic() + LIMIT_S
        while came is True and room.process.poll() is None and not (ERASED in room.output() or GIVEN_UP in room.output()):
            if time.monotonic() > until:
                need("it goes on, or gives up", room.lost_a_word() or room.tail())
                break
            if room.lost_a_word():
                until = min(until, time.monotonic() + QUIET_S)
            time.sleep(0.02)
        room.ended = room.end() if came is True else came  # after what follows its entry
        return {} if room.ended == 0 and ERASED in room.output() and GIVEN_UP not in room.output() else None


class Follow(Served):
    name = "log follow"
    base = "prepared"

    def newest(self, room):
        try:
            return room.call("NodeService/Status")["logOrigin"]
        except (OSError, http.client.HTTPException, Refused, KeyError):  # it goes from one log to the next
            return None

    def came(self, room, origin, limit=LIMIT_S):
        """Whether this log is written, before anything else becomes of the node."""
        until = time.monotonic() + limit
        while time.monotonic() < until and room.process.poll() is None:
            if self.newest(room) == origin:
                return True
            if NONE_FOLLOWS in room.output() or NOT_AGAIN in room.output():
                return False
            time.sleep(0.02)
        return False

    def act(self, room, words):
        del words
        answer = self.asked(room, "NodeService/RotateLogKey", {}, "operator")
        if answer:
            self.came(room, answer["follows"])
        return answer and answer["key"]

    def check(self, room, acknowledged, number):
        room.see()
        room.kill()
        (room.place / "errors").write_text("")
        room.restart()
        came = self.came(room, next_key.split("+")[0], LIMIT_S if acknowledged else QUIET_S)
        if acknowledged or came:
            need("what was asked for goes on at start", came)
            need("it answers", room.up("/readyz"))
        need("the key that was said", acknowledged in (None, next_key))
        entries_hold(room)
        ended, begun = room.log(kinds=["log-ended"]), room.log(kinds=["log-begun"])
        need("an end and a beginning, or neither", (len(ended), len(begun)), (1, 1) if came else (0, 0))
        keys = {ORIGIN: vkey}
        if came:
            keys[next_key.split("+")[0]] = next_key
            seal = json.loads(begun[0]["document"])["previous"]["checkpoint"]
            need("the last checkpoint covers the end", seal.split("\n")[1], str(int(ended[0].get("leaf", 0)) + 1))
            need("nothing comes after it", int(begun[0]["index"]), int(ended[0]["index"]) + 1)
            room.notes.add(seal)
        room.kill()
        logs_hold(room, keys)


class Backup(Served):
    name = "backup create"

    def create(self, room):
        return self.asked(room, "NodeService/Backup", {}, "operator")

    def act(self, room, words):
        del words
        return self.create(room)

    def check(self, room, acknowledged, number):
        if acknowledged:
            self.usable(room, acknowledged)
        self.go_on(room, number)
        made = self.create(room)
        need("a copy can be made afterwards", made is not None or room.said)
        entries_hold(room)
        self.usable(room, made)
        self.usable(room, {"id": 1, "entries": str(first_copy_entries)})  # the one of before
        room.kill()
        logs_hold(room, {ORIGIN: vkey})

    def usable(self, room, made):
        """It verifies, holds what it says, and has every key that the node has."""
        done = room.sluis("backup", "verify", room.backup, "--id", made["id"], "--key", vkey)
        need("entries of the copy", re.search(r": (\d+) entries", done.stdout)[1], made["entries"])
        if "keysFolder" in made:
            keys = pathlib.Path(made["keysFolder"])
            for source in [*(room.folder / "payload_keys").glob("*.key"), *(room.folder / "keys").glob("*.key"), room.folder / "node.toml"]:
                copied = keys / source.relative_to(room.folder)
                need(f"a copy of {source.name}", copied.exists() and copied.read_bytes() == source.read_bytes())
            room.sluis("backup", "restore", room.backup, "--id", made["id"], "--keys", keys, "--into", room.place / "dry", "--dry-run")


class Restore(Scenario):
    name = "backup restore"

    def restore(self, room, words, into):
        return room.run(*words, f.binary, "backup", "restore", room.backup, "--keys", room.keys, "--into", into, code=None)

    def act(self, room, words):
        done = self.restore(room, words, room.place / "restored")
        room.ended, room.said = done.returncode, done.stderr
        return done.returncode == 0 or None

    def check(self, room, acknowledged, number):
        into = room.place / "restored"
        if not (into / "node.toml").exists():  # no node starts on what is half there
            need("a restore that was said to be made has a configuration", acknowledged, None)
            again = self.restore(room, (), into)
            if again.returncode != 0:
                need("it is not written over", "is not empty" in again.stderr or again.stderr)
                into = room.place / "restored-anew"
                again = self.restore(room, (), into)
                need("restored anew", again.returncode == 0 or again.stderr)
        (copied,) = room.keys.iterdir()
        for source in (path for path in copied.rglob("*") if path.is_file()):
            need(f"{source.name} was put back", (into / source.relative_to(copied)).read_bytes() == source.read_bytes())
        room.run("cp", "-a", room.folder / "tokens", into)
        room.folder = into
        try:
            room.configure()
            self.signs_nothing(room)
            self.recover(room)
        finally:
            room.folder = room.place / "node"

    def signs_nothing(self, room):
        signed = room.slots()
        room.start()
        if room.up() is not True:
            raise Wrong(f"the restored node does not come up: {room.tail()}")
        status = room.call("NodeService/Status")
        need("it waits for log recover", (status.get("ready", False), "restored from a backup" in status.get("quarantine", "")), (False, True))
        try:
            room.call("ActivityService/Publish", activity(0))
            raise Wrong("a restored node takes what is to be recorded")
        except Refused as refused:
            need("why it does not", "quarantined" in refused.body or refused.body)
        entries_hold(room, upto=first_copy_entries)
        room.kill()
        need("nothing was signed", room.slots(), signed)

    def recover(self, room):
        tokens = [word for role in ("steward", "dpo") for word in ("--token-file", room.folder / "tokens" / role)]
        new_key = room.sluis("log", "recover", "--config", room.folder / "node.toml", "--reason", "the disk broke", *tokens).stdout.strip()
        room.notes = {note for note in room.notes if int(note.split("\n")[1]) <= first_copy_entries}  # what came later is lost
        room.restart()
        entries_hold(room, upto=first_copy_entries)
        need("the new log has begun", len(room.log(kinds=["log-begun"])), 1)
        seal = json.loads(room.log(kinds=["log-begun"])[0]["document"])["previous"]["checkpoint"]
        need("the old log ends where the copy does", int(seal.split("\n")[1]), first_copy_entries)
        room.kill()
        logs_hold(room, {ORIGIN: vkey, new_key.split("+")[0]: new_key})


# -- playing them ---------------------------------------------------------------------------------------------------------------

class Attached:
    """strace on a node that runs, as long as this is there."""

    def __init__(self, words, node):
        self.strace = subprocess.Popen([*words, "-p", str(node.process.pid)], stderr=subprocess.PIPE, text=True)
        first = self.strace.stderr.readline()
        if "attached" not in first:
            self.strace.wait()
            skip(f"strace may not trace a node that runs: {first.strip()}")

    def end(self):
        self.strace.send_signal(signal.SIGINT)
        try:
            self.strace.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            self.strace.kill()
            self.strace.communicate()


def under_strace(scenario, room, options, case):
    """(what it acknowledged, whether the program was killed or how it ended)."""
    words = strace_words(["-f"] if scenario.running else options, room.trace, case, CALLS)
    room.ended = 0
    if not scenario.running:
        return scenario.act(room, words), room.ended
    room.restart()
    attached = Attached(words, room)
    try:
        acknowledged = scenario.act(room, words)
    finally:
        attached.end()
    return acknowledged, room.process.poll() or 0


def may_end_with(status, case):
    """0 and 1 are its own, 127 that of who cannot even load it; and what the fault was."""
    if case and case.action == KILL and status == -signal.SIGKILL:
        return True
    return status in (0, 1, 127) or (status == -signal.SIGABRT and bool(case) and case.call in ENDS_THE_STORE)


def play(scenario, room, options, case, number):
    done = Done(case, acknowledged=len(kept))
    calls, text = {}, ""
    try:
        room.fill(f.folder / scenario.base, [anchor])
        acknowledged, status = under_strace(scenario, room, options, case)
        text = room.trace.read_text(errors="replace")
        done.fired = status == -signal.SIGKILL if case and case.action == KILL else bool(met(text))
        if case is None:
            calls = calls_of(room.trace, room.place)
        room.see()
        if not may_end_with(status, case):
            raise Wrong(f"it ends with {status}: {room.said.strip()[-300:]} {room.tail()}")
        if not done.fired and acknowledged is None:
            raise Wrong(f"it fails without a fault: {room.said.strip()[-300:]} {room.tail()}")
        scenario.check(room, acknowledged, number)
    except (Wrong, Refused, OSError, KeyError, ValueError) as wrong:
        at = (met(text) or text.splitlines())[-1:] if case else []
        done.wrong = f"{type(wrong).__name__ if not isinstance(wrong, Wrong) else ''} {wrong}".strip() + "".join(f"\n    at {line[:300]}" for line in at)
    finally:
        room.kill()
    return done, calls


class Prepared:
    """A scenario, and its calls without a fault."""

    def __init__(self, scenario, room, options):
        self.scenario = scenario
        done, self.calls = play(scenario, room, options, None, 0)
        if done.wrong:
            raise RuntimeError(f"{scenario.name}, without a fault: {done.wrong}")

    def cases(self):
        """The first and last call of a kind with an error and a kill each; evenly between them, in turn what there is. Or all."""
        for call, numbers in sorted(self.calls.items()):
            errors = [action for action in CALLS[call] if action != KILL]
            count = min(len(numbers), BETWEEN + 2)
            taken = sorted({numbers[round(i * (len(numbers) - 1) / max(count - 1, 1))] for i in range(count)})
            for at, number in enumerate(taken):
                if BETWEEN >= ALL:
                    actions = CALLS[call]
                elif number in (taken[0], taken[-1]):
                    actions = (errors[0] if at == 0 else errors[-1], KILL)
                else:
                    actions = (CALLS[call][at % len(CALLS[call])],)
                for action in actions:
                    yield Case(self.scenario, call, number, action)

    def there(self):
        return sum(len(numbers) * len(CALLS[call]) for call, numbers in self.calls.items())


# -- what all of them begin with ----------------------------------------------------------------------------------------------------

def pull(transfer):
    """The transaction of one that came whole."""
    for _ in range(TRIES):
        head = []
        if d.pull(transfer, CROWD, ACTIVITY, on_head=head.append)[1]:
            return head[0]["sluis-transaction"]
        told["pulls of the preparation that were cut"] += 1
    raise RuntimeError("no pull comes whole")


def settled():
    """The log, once nothing is added any more: what is under way between the two nodes has come to its end."""
    before, now = None, w.log()
    while before != now:
        time.sleep(0.3)
        before, now = now, w.log()
    return now


def make_base():
    """A node with an agreement, pulls, a copy of itself, and an erasure that waits for a second person."""
    global next_key, kept, anchor, gone_transaction, gone, erasure, old_key, first_copy_entries, vkey, ORIGIN, MONTH
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text() + f'\n[backup]\nstore = "{f.folder}/backup"\nkeys = "{f.folder}/backup-keys"\n')
    f.start()
    f.join()
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    transfer = d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]
    transactions = [pull(transfer) for _ in range(6)]
    gone_transaction = transactions[2]
    gone = [int(entry.get("index", 0)) for entry in w.wait_log(2, transaction=gone_transaction)]
    settled()
    anchor = w.call("AuditService/Checkpoint", role="dpo")["note"]
    first_copy_entries = int(w.call("NodeService/Backup", role="operator")["entries"])
    erasure = w.call("AuditService/Erase", {"transaction": gone_transaction, "basis": "GDPR art. 17"}, role="privacy_officer")["erasure"]["id"]
    next_key = w.command("log", "next").stdout.strip()
    list_logs(f, w, 2, next_key)
    kept = {int(entry.get("index", 0)): entry for entry in settled()}
    vkey = (w.folder / "log.vkey").read_text().strip()
    ORIGIN = vkey.split("+")[0]
    (key,) = (w.folder / "payload_keys").glob("*.key")
    old_key, MONTH = key.read_bytes(), key.stem
    f.stop()
    shutil.rmtree(w.folder / "datasets")
    base = f.folder / "base"
    subprocess.run([*f.leave_root, "mkdir", base, w.folder / "datasets"], check=True)
    for source, name in ((w.folder, "node"), (f.folder / "backup", "backup"), (f.folder / "backup-keys", "backup-keys")):
        source.rename(base / name)
    subprocess.run([*f.leave_root, "cp", "-a", base, f.folder / "prepared"], check=True)
    for path in base.glob("node/keys/log-*"):  # the others begin without
        path.unlink()


def make_broken_off(room):
    """The same, but the erasure is confirmed, and the disk had no room for more than that word."""
    room.fill(f.folder / "base")
    room.restart()
    newest = max(room.folder.glob("store/*.log"))
    limit = newest.stat().st_size + ROOM_FOR_ONE
    room.run("prlimit", "--pid", room.process.pid, f"--fsize={limit}:{limit}")
    if Erase().confirm(room):
        raise RuntimeError("the erasure was not broken off")
    room.kill()
    need("both keys are there", sorted(path.name for path in room.folder.glob("payload_keys/*")), [f"{MONTH}.2.key", f"{MONTH}.key"])
    (room.place / "errors").unlink()
    text = (f.folder / "base/node/node.toml").read_text()
    (room.folder / "node.toml").write_text(text)
    room.place.rename(f.folder / "broken-off")


told = collections.Counter()  # what is no failure, and worth a word
rooms = [Room(f, number) for number in range(min(2 * (os.cpu_count() or 1), 6))]  # they wait for the disk half of the time


def main():
    if os.geteuid() != 0:
        skip("a node is not dumpable: strace shows what it does to root alone")
    options = strace_options()
    began = time.monotonic()
    make_base()
    free = queue.SimpleQueue()
    make_broken_off(rooms[0])
    for room in rooms:
        free.put(room)

    def in_a_room(do):
        room = free.get()
        try:
            return do(room)
        finally:
            free.put(room)

    with concurrent.futures.ThreadPoolExecutor(len(rooms)) as pool:
        scenarios = (Rotate(), Follow(), Erase(), GoesOn(), Backup(), Restore())
        prepared = list(pool.map(lambda scenario: in_a_room(lambda room: Prepared(scenario, room, options)), scenarios))
        cases = [case for each in prepared for case in each.cases()]
        results = list(pool.map(lambda one: in_a_room(lambda room: play(one[1].scenario, room, options, one[1], one[0])[0]), enumerate(cases)))
    print("told only: " + ", ".join(f"{what}: {count}" for what, count in sorted(told.items())))
    return summary(prepared, results, "", sum(each.there() for each in prepared), time.monotonic() - began)


try:
    code = main()
finally:
    for room in rooms:
        room.kill()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
sys.exit(code)
