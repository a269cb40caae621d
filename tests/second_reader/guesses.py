"""A guesser has all entries, and candidates of what they say that are right. Without `k` no guess is told from another."""
import hashlib
import hmac
import pathlib

from checks import expect
from reader import commitment, payload_of

GUESSES = 10_000


def opened(folder):
    """The entries, and the payload of each."""
    entries, payloads = [], []
    for path in sorted(pathlib.Path(folder, "tile/entries").rglob("*"), key=str):
        data = path.read_bytes() if path.is_file() else b""
        entries += [data[at + 2:at + 72] for at in range(0, len(data), 72)]
    for path in sorted(pathlib.Path(folder, "payloads").iterdir()):
        data = path.read_bytes()
        while data:
            length = int.from_bytes(data[:4], "big")
            payloads.append(payload_of(data[4:4 + length]))
            data = data[4 + length:]
    return entries, payloads


def attack(folder):
    entries, payloads = opened(folder)
    expect("a payload for each entry", len(payloads), len(entries))
    hits = [at for at, (entry, (shared, internal, k, k2)) in enumerate(zip(entries, payloads))
            if commitment(k, entry[:38], shared, hmac.digest(k2, internal, "sha256")) == entry[38:]]
    expect("with its keys each entry is matched", hits, list(range(len(entries))))
    keys = [one for _, _, k, k2 in payloads for one in (k, k2)]
    expect("no key comes twice", len(set(keys)), len(keys))
    known, matched, tried = {entry[38:] for entry in entries}, [], 0
    for turn in range(GUESSES):
        at = turn % len(entries)
        entry, (shared, internal, _, _) = entries[at], payloads[at]
        other = payloads[(at + 1 + turn // len(entries)) % len(entries)]
        if other is payloads[at]:
            continue
        word = hashlib.sha256(str(turn).encode()).digest()
        for k, k2 in ((b"", b""), (bytes(32), bytes(32)), (word, word), (entry[38:], entry[38:]), (entry[6:38], entry[6:38]),
                      (hashlib.sha256(shared).digest(), hashlib.sha256(internal).digest()), (other[2], other[3])):
            tried += 1
            inner = hmac.digest(k2, internal, "sha256")
            text = entry[:38] + hashlib.sha256(shared).digest()
            for value in (commitment(k, entry[:38], shared, inner), hashlib.sha256(text + inner).digest(),
                          hashlib.sha256(text + hashlib.sha256(internal).digest()).digest(), hashlib.sha256(shared).digest()):
                if value in known:
                    matched.append(at)
    expect(f"{tried} guesses of the right content without its key", matched, [])
    # Who holds a receipt has shared, k and inner. What is internal stays as hidden, as k2 is not told.
    matched = []
    for turn in range(GUESSES):
        at = turn % len(entries)
        _, internal, k, k2 = payloads[at]
        inner = hmac.digest(k2, internal, "sha256")
        for guess in (k, bytes(32), b"", hashlib.sha256(str(turn).encode()).digest()):
            if hmac.digest(guess, internal, "sha256") == inner or hashlib.sha256(internal).digest() == inner:
                matched.append(at)
    expect("the right internal text, held against a receipt", matched, [])
    expect("no two commitments are equal", len({entry[38:] for entry in entries}), len(entries))
