#!/usr/bin/env python3
"""A second verifier of a Sluis log, written from connector/docs/log-format.md alone. It shares no code with Sluis.

usage: reader.py log DIR --key VKEY [--anchor FILE] [--policy FILE] [--later-key VKEY]... [--json]
       reader.py receipt FILE --key VKEY [--policy FILE]
       reader.py conflict FILE --key VKEY
VKEY is the text of a key or a file that has it; a policy that names one log has it, too.
Exit codes: section 7 (log) and 5, 6 (receipt, conflict) of the page.
"""
import argparse
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import re
import stat
import sys

from notes import Bad, Key, Note, Unread, base64_of, number_of
from policy import Policy

KINDS = {1: "node-started", 2: "node-stopped", 3: "published", 4: "retracted", 5: "membership", 6: "purposes", 10: "negotiation",
         11: "agreement", 12: "agreement-ended", 13: "transfer", 20: "decision", 21: "intent", 22: "stream-end", 23: "cut",
         24: "received", 25: "open-hour", 26: "open-total", 27: "refused-count", 30: "retention-confirmed", 31: "activity",
         32: "receipt", 33: "declaration", 34: "log-ended", 35: "log-begun", 36: "reconciled", 37: "backup", 38: "erasure", 39: "looked",
         40: "findings-signed", 41: "package", 42: "pruned", 43: "receipt-missing"}
LEAF, WIDE = 70, 256
MOST_TOLD = 20  # of one sort of problem; a note may claim any size


# -- hashes: RFC 6962 section 2.1 -------------------------------------------------------------------------------------------

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes):
    stack = []  # whole trees that wait for their right side: their size and root
    for one in hashes:
        size = 1
        while stack and stack[-1][0] == size:
            one, size = node_hash(stack.pop()[1], one), 2 * size
        stack.append((size, one))
    if not stack:
        return hashlib.sha256(b"").digest()
    root = stack.pop()[1]
    while stack:
        root = node_hash(stack.pop()[1], root)
    return root


def path_root(index, size, one, path):
    """The root that an audit path leads to; no hash may be left over or lack."""
    if index >= size:
        raise Bad("the index is not below the size")
    at, last = index, size - 1
    for other in path:
        if last == 0:
            raise Bad("a hash of the proof is left over")
        if at & 1 or at == last:
            one = node_hash(other, one)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            one = node_hash(one, other)
        at, last = at >> 1, last >> 1
    if last:
        raise Bad("the proof lacks a hash")
    return one


# -- entries and payloads: sections 1 and 2 ---------------------------------------------------------------------------------

def commitment(k, start, shared, inner):
    return hmac.digest(k, start + hashlib.sha256(shared).digest() + inner, "sha256")


def payload_of(data):
    parts = []
    for _ in range(4):
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            raise Bad("a payload that ends early")
        parts.append(data[4:4 + length])
        data = data[4 + length:]
    if data or len(parts[2]) != 32 or len(parts[3]) != 32:
        raise Bad("a payload with keys of another length, or with more behind them")
    return parts


def varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Bad("a message that ends early")
        value |= (data[at] & 127) << shift
        at += 1
        if data[at - 1] < 128:
            return value & (1 << 64) - 1, at
    raise Bad("a varint that is too long")


def fields(data):
    """A protobuf message: the last value of each field, by its number. Groups and unknown fields are passed over."""
    found, at, groups = {}, 0, []
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        elif wire in (1, 5):
            value, at = None, at + (8 if wire == 1 else 4)
        elif wire == 3:
            groups.append(number)
            continue
        elif wire == 4 and groups and groups.pop() == number:
            continue
        else:
            raise Bad("no message")
        if not number or at > len(data):
            raise Bad("no message")
        if not groups:
            found[number] = value
    if groups:
        raise Bad("no message")
    return found


def told(entry, shared):
    """Kind, time and event of an entry, as far as its payload is there."""
    kind = KINDS.get(entry[1], f"kind {entry[1]}")
    if shared is None:
        hour = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(hours=int.from_bytes(entry[2:6], "big"))
        return kind, hour.strftime("%Y-%m-%dT%HZ") if hour.year < 9999 else "?", "(not there)"
    try:
        found = fields(shared)
        time, event = found.get(1, 0), found.get(2, b"")
        time -= (time >> 63) << 64
        moment = datetime.datetime.fromtimestamp(0, datetime.timezone.utc) + datetime.timedelta(microseconds=time)
        return kind, moment.isoformat(timespec="microseconds").replace("+00:00", "Z"), event.decode()
    except (Bad, OverflowError, UnicodeDecodeError, AttributeError, TypeError):
        return kind, "?", "(no message)"


# -- the folder: sections 3 and 7 -------------------------------------------------------------------------------------------

def name_of(number):
    groups = [f"{number % 1000:03}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join(groups)


def tile_names(start, count):
    """The names under `start`, with the number and the width of each."""
    for number in range((count + WIDE - 1) // WIDE):
        width = min(WIDE, count - WIDE * number)
        yield start + name_of(number) + ("" if width == WIDE else f".p/{width}"), number, width


def read(path):
    """A regular file. Nothing else is opened: a link leads out of the folder, and a pipe never ends."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        raise Bad(f"{path.name} is no regular file")
    return path.read_bytes()


class Log:
    """One pass over the folder; `problems` has what does not hold."""

    def __init__(self, folder, key, anchor=None, policy=None, later=()):
        self.folder, self.key, self.problems, self.lines, self.root, self.size = pathlib.Path(folder), key, [], [], None, None
        self.policy, self.met, self.expected, self.pruned, self.unproven = policy, 0, {"checkpoint"}, False, False
        try:
            self.note = self.opened(self.file("checkpoint"))
        except Bad as bad:
            self.problems.append(f"checkpoint: {bad}")
            return
        self.size = self.note.size
        self.pruned = self.unproven = os.path.lexists(self.folder / "pruned")
        rows = self.said_pruned(later) if self.pruned else self.bundles()
        self.tiles(rows)
        whole = [one for number in range(len(rows)) for one in rows.get(number, [None])] if len(rows) * WIDE >= self.size else [None]
        if None in whole:
            self.problems.append("the root cannot be computed")
        else:
            self.root = root_of(whole)
            if self.root != self.note.root:
                self.problems.append("the entries have another root than the checkpoint")
        if os.path.lexists(self.folder / "checkpoint.cosigned"):
            self.expected.add("checkpoint.cosigned")
            self.anchored("checkpoint.cosigned", None, whole)
        if anchor is not None:
            self.anchored("anchor", anchor, whole)
        self.others()

    def opened(self, data):
        """A note of this log, valid for the policy as well. `met` is the largest size at which its quorum is."""
        note = Note(data, self.key)
        if self.policy and self.policy.met(note):
            self.met = max(self.met, note.size)
        return note

    def file(self, name):
        try:
            return read(self.folder / name)
        except FileNotFoundError:
            raise Bad("is not there") from None
        except OSError as error:
            raise Bad(error.strerror) from None

    def each(self, names):
        """The expected files that are there, with their bytes; it gives up where too many are not."""
        missing = 0
        for name, number, width in names:
            self.expected.add(name)
            try:
                yield name, number, width, self.file(name)
            except Bad as bad:
                self.problems.append(f"{name}: {bad}")
                missing += 1
                if missing > MOST_TOLD:
                    self.problems.append("and more")
                    return

    def bundles(self):
        """The hashes of the entries by bundle; None where a bundle is damaged."""
        rows, payloads = {}, stat.S_ISDIR(os.lstat(self.folder / "payloads").st_mode) if os.path.lexists(self.folder / "payloads") else False
        for name, number, width, data in self.each(tile_names("tile/entries/", self.size)):
            entries = []
            while data and len(entries) < width:
                length = int.from_bytes(data[:2], "big")
                if len(data) < 2 + length:
                    break
                entries.append(data[2:2 + length])
                data = data[2 + length:]
            if data or len(entries) != width:
                self.problems.append(f"{name}: has not {width} entries")
                entries = None
            elif bad := [WIDE * number + at for at, one in enumerate(entries) if len(one) != LEAF or one[0] != 1]:
                self.problems.append(f"{name}: entries {bad[:MOST_TOLD]} have another length or version")
            rows[number] = [leaf_hash(one) for one in entries] if entries else [None] * width
            shared = self.payloads(number, width, entries) if payloads else {}
            for at, entry in enumerate(entries or []):
                if len(entry) == LEAF:
                    self.lines.append((WIDE * number + at, *told(entry, shared.get(at))))
        return rows

    def said_pruned(self, later):
        """Section 7, 2: what a later log says in place of the entries. Their hashes are then those of the tiles."""
        self.expected.add("pruned")
        try:
            data = self.file("pruned")
            leaf, shared, k, inner, proof = receipt_parts(data)
            origin = proof_parts(proof)[2].partition(b"\n")[0]
            if not follows(origin, self.key.name):
                raise Bad("is of no later log of the same node")
            if leaf[1] != 42 or leaf[6:38] != hashlib.sha256(self.note.body).digest():
                raise Bad("does not say that this log was pruned")
            if commitment(k, leaf[:38], shared, inner) != leaf[38:]:
                raise Bad("the leaf does not commit to this content")
            for key in later:
                if key.name == origin:
                    receipt_holds(data, key)
                    self.unproven = False
        except Bad as bad:
            self.problems.append(f"pruned: {bad}")
        rows = {}
        for name, number, width in tile_names("tile/0/", self.size):
            if not os.path.lexists(self.folder / name) and number > MOST_TOLD:
                break
            rows[number] = [None] * width
        return rows

    def payloads(self, number, width, entries):
        """What the entries say, by their place in the bundle."""
        name, shared = f"payloads/{name_of(number)}", {}
        self.expected.add(name)
        try:
            data = self.file(name)
            for at in range(width):
                length = int.from_bytes(data[:4], "big")
                if len(data) < 4 + length:
                    raise Bad("has too few records")
                record, data = data[4:4 + length], data[4 + length:]
                if not record:
                    continue
                try:
                    said, internal, k, k2 = payload_of(record)
                    start = entries[at][:38] if entries else None
                    if start is not None and commitment(k, start, said, hmac.digest(k2, internal, "sha256")) != entries[at][38:]:
                        raise Bad("is not what the entry commits to")
                    shared[at] = said
                except Bad as bad:
                    self.problems.append(f"{name}: entry {WIDE * number + at}: {bad}")
            if data:
                raise Bad("has more behind its records")
        except Bad as bad:
            self.problems.append(f"{name}: {bad}")
        return shared

    def tiles(self, rows):
        """Each tile says what follows from the entries. A tile of level 0 stands in for a damaged bundle, for the root alone."""
        level, below = 0, rows
        while count := self.size >> 8 * level:
            above = {}
            for name, number, width, data in self.each(tile_names(f"tile/{level}/", count)):
                got = [data[at:at + 32] for at in range(0, len(data), 32)]
                row = below.get(number, [None] * width)
                if len(data) != 32 * width or [1 for one, other in zip(row, got) if one not in (None, other)]:
                    self.problems.append(f"{name}: is not what follows from the entries")
                elif level == 0 and None in row:
                    rows[number] = got
            for number, row in below.items():
                if len(row) == WIDE:
                    above.setdefault(number // WIDE, {})[number % WIDE] = None if None in row else root_of(row)
            below = {number: [row.get(at) for at in range(max(row) + 1)] for number, row in above.items()}
            level += 1

    def others(self):
        """No other file, and no link. Folders are not counted."""
        extra = []
        for where, folders, files in os.walk(self.folder):
            names = files + [one for one in folders if os.path.islink(os.path.join(where, one))]
            extra += [os.path.relpath(os.path.join(where, one), self.folder) for one in names]
        extra = sorted(set(extra) - self.expected)
        self.problems += [f"{name}: does not belong here" for name in extra[:MOST_TOLD]]

    def anchored(self, name, data, hashes):
        try:
            anchor = self.opened(self.file(name) if data is None else data)
            if anchor.size > self.size:
                raise Bad(f"has {anchor.size} entries, the log {self.size}: it was cut")
            hashes = hashes[:anchor.size]
            if None in hashes or root_of(hashes) != anchor.root:
                raise Bad("has another root: the log was rewritten")
            if not anchor.size:
                raise Bad("has no entries, and proves nothing")
        except Bad as bad:
            self.problems.append(f"{name}: {bad}")


# -- receipts and conflicts: sections 5 and 6 -------------------------------------------------------------------------------

def proof_parts(text):
    """Index, path and note of the text of a tlog-proof."""
    head, empty, note = text.partition(b"\n\n")
    lines = head.split(b"\n")
    if not empty or len(lines) < 2 or lines[0] != b"c2sp.org/tlog-proof@v1" or not lines[1].startswith(b"index "):
        raise Bad("no proof")
    index, path = number_of(lines[1][6:]), [base64_of(line) for line in lines[2:]]
    if len(path) > 64 or [1 for one_of in path if len(one_of) != 32]:
        raise Bad("a proof with hashes of another length, or with too many")
    return index, path, note


def proof_holds(text, key, one):
    """The text of a tlog-proof, for the leaf with this hash. Index and note."""
    index, path, note = proof_parts(text)
    note = Note(note, key)
    if path_root(index, note.size, one, path) != note.root:
        raise Bad("the proof does not lead to the root")
    return index, note


def bounded(data):
    """JSON with no name twice and not too deep; what is beyond RFC 8259 is refused."""
    if len(data) > 1 << 20:
        raise Bad("a receipt that is too long")
    depth = most = 0
    for one in re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data):
        depth += (one in b"[{") - (one in b"]}")
        most = max(most, depth)
    if most > 32:
        raise Bad("a receipt that is too deep")

    def pairs(items):
        if len(dict(items)) != len(items):
            raise Bad("a name comes twice")
        return dict(items)

    def constant(name):
        raise Bad(f"{name} is no JSON")

    try:
        found = json.loads(data.decode(), object_pairs_hook=pairs, parse_constant=constant, parse_int=float)
        json.dumps(found, ensure_ascii=False).encode()  # text is UTF-8: no half of a surrogate pair
    except (ValueError, RecursionError):
        raise Bad("no JSON") from None
    if values(found) > 100_000:
        raise Bad("a receipt of too many values")
    return found


def values(one):
    return 1 + sum(map(values, one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()))


def receipt_parts(data):
    """Leaf, shared, k, inner, and the text of the proof."""
    found = bounded(data)
    if isinstance(found, dict) and isinstance(found.get("receipt"), str):
        found = bounded(found["receipt"].encode())
    if not isinstance(found, dict) or [1 for name in ("leaf", "shared", "k", "inner", "proof") if not isinstance(found.get(name), str)]:
        raise Bad("no receipt")
    leaf, shared, k, inner = (base64_of(found[name]) for name in ("leaf", "shared", "k", "inner"))
    if len(leaf) != LEAF or leaf[0] != 1 or len(k) != 32 or len(inner) != 32:
        raise Bad("leaf, k or inner of another length or version")
    return leaf, shared, k, inner, found["proof"].encode()


def follows(later, earlier):
    """Whether a log of this origin may be a later one of the same node (section 7, 2)."""
    before, slash, _ = later.rpartition(b"/")
    return bool(slash) and later != earlier and before in (earlier, earlier.rpartition(b"/")[0])


def receipt_holds(data, key):
    leaf, shared, k, inner, proof = receipt_parts(data)
    index, note = proof_holds(proof, key, leaf_hash(leaf))
    if commitment(k, leaf[:38], shared, inner) != leaf[38:]:
        raise Bad("the leaf does not commit to this content")
    return index, note, told(leaf, shared)


def conflict_holds(data, key):
    first, cut, second = data.partition(b"\n---\n")
    head, _, first = first.partition(b"\n")
    if not cut or head != b"sluis/conflict@v1":
        raise Bad("no file of a conflict")
    notes = [Note(one, key) for one in (first, second)]
    if notes[0].size != notes[1].size or notes[0].root == notes[1].root:
        raise Bad("they do not contradict each other")
    return notes


# -- the command ------------------------------------------------------------------------------------------------------------

def key_of(word):
    try:
        text = word if "+" in word and not os.path.exists(word) else pathlib.Path(word).read_text()
        if len(text) > 4096:
            raise Bad("a key that is too long")
        return Key(text if text == word else text.rstrip())
    except (Bad, OSError, ValueError) as error:
        raise Unread(f"the key cannot be read: {error}") from None


def limited(path, most, beyond=Unread):
    try:
        with open(path, "rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise beyond(f"{path}: {error.strerror}") from None
    if len(data) > most:
        raise beyond(f"{path}: too long")
    return data


def trusted(words):
    """The key and the policy, which go together."""
    try:
        policy = Policy(limited(words.policy, 1 << 16)) if words.policy else None
    except Bad as bad:
        raise Unread(f"no policy: {bad}") from None
    logs = policy.logs if policy else []
    if words.key is None and len(logs) != 1:
        raise Unread("which log's key?")
    key = logs[0] if words.key is None else key_of(words.key)
    if logs and (key.name, key.public) not in [(one.name, one.public) for one in logs]:
        raise Unread("the policy does not know that key")
    return key, policy


def check_log(words):
    if not os.path.isdir(words.what):
        raise Unread("no such folder")
    (key, policy), anchor = trusted(words), limited(words.anchor, 1 << 16) if words.anchor else None
    log = Log(words.what, key, anchor, policy, [key_of(word) for word in words.later_key])
    if words.json:
        print(json.dumps({"size": log.size, "root": log.root and log.root.hex(), "problems": log.problems, "entries": log.lines, "pruned": log.pruned}))
    else:
        for index, kind, time, event in log.lines:
            print(index, kind, time, event if event.isprintable() else repr(event))
        for problem in log.problems:
            print(f"✗ {problem}")
        print(f"{log.size} entries, root {log.root and log.root.hex()}")
    proven = log.met > 0 if policy and policy.asks else anchor is not None
    return 1 if log.problems else 0 if proven and not log.unproven else 3


def main(argv=None):
    parser = argparse.ArgumentParser(description="A second verifier of a Sluis log.")
    parser.add_argument("command", choices=("log", "receipt", "conflict"))
    parser.add_argument("what")
    for name in ("--key", "--anchor", "--policy"):
        parser.add_argument(name)
    parser.add_argument("--later-key", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args(argv)
    try:
        if words.command == "log":
            return check_log(words)
        key, policy = trusted(words)
        if words.command == "receipt":
            index, note, (kind, time, event) = receipt_holds(limited(words.what, 1 << 20, Bad), key)
            print(f"entry {index} of {note.size}: {kind} {time} {event!r}")
            return 0 if policy is None or policy.met(note) else 3
        first, second = conflict_holds(limited(words.what, 1 << 16, Bad), key)
        print(f"the log signed {first.root.hex()} and {second.root.hex()} for {first.size} entries")
        return 0
    except Bad as bad:
        print(f"✗ {bad}")
        return 1
    except Unread as unread:
        print(unread, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
