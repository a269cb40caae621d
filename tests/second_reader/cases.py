"""What both readers are shown: damages of a real log and of real receipts, and logs signed with a key of our own."""
import base64
import contextlib
import hmac
import json
import os
import random
import shutil

from makelog import Signer, audit_path, b64, made_entry, proof_of, sized, write_log
from reader import leaf_hash, root_of

BUNDLE, TILE = "tile/entries/", "tile/0/"


def flip(data, at, bit=1):
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1:]


class Copy:
    """A copy of a folder that is damaged and then put back."""

    def __init__(self, work, source, both, key):
        self.source, self.at, self.both, self.key, self.count = source, work / "damaged", both, key, 0

    def __call__(self, what, damage, wanted=1, key=None, anchor=None):
        shutil.rmtree(self.at, ignore_errors=True)
        shutil.copytree(self.source, self.at)
        damage(self.at)
        self.count += 1
        self.both(what, wanted, self.at, key or self.key, anchor)

    def edit(self, what, name, change, wanted=1):
        def damage(at):
            (at / name).write_bytes(change((at / name).read_bytes()))
        self(f"{name}: {what}", damage, wanted)


def swap(one, other):
    def damage(at):
        first, second = (at / one).read_bytes(), (at / other).read_bytes()
        (at / one).write_bytes(second)
        (at / other).write_bytes(first)
    return damage


def move(one, other):
    def damage(at):
        (at / other).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(at / one, at / other)
    return damage


def add(name, data=b"x"):
    def damage(at):
        (at / name).parent.mkdir(parents=True, exist_ok=True)
        (at / name).write_bytes(data)
    return damage


def link(name, target):
    def damage(at):
        with contextlib.suppress(FileNotFoundError):
            os.rename(at / name, at.parent / "aside")
        (at / name).symlink_to(target)
    return damage


def folder_for(name):
    def damage(at):
        (at / name).unlink()
        (at / name).mkdir()
    return damage


def pipe(name):
    def damage(at):
        if (at / name).exists():
            (at / name).unlink()
        os.mkfifo(at / name)
    return damage


def records(data):
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(data[4:4 + length])
        data = data[4 + length:]
    return found


def on_record(number, change):
    """A change of one payload of a file."""
    def damage(data):
        found = records(data)
        found[number] = change(found[number])
        return b"".join(map(sized, found))
    return damage


def other_record(data):
    found = records(data)
    found[3], found[4] = found[4], found[3]
    return b"".join(map(sized, found))


def damages(work, both, log, key, other_key, anchor):
    """Of a real log of one full bundle and one that is not."""
    copy = Copy(work, log, both, key)
    size = int((log / "checkpoint").read_text().split("\n")[1])
    wide = size - 256
    bundle, tile = f"{BUNDLE}001.p/{wide}", f"{TILE}001.p/{wide}"
    files = ["checkpoint", f"{BUNDLE}000", bundle, f"{TILE}000", tile, "tile/1/000.p/1", "payloads/000", "payloads/001"]
    copy("nothing at all", lambda at: None, 3)
    for name in files:
        length = (log / name).stat().st_size
        copy.edit("its first bit", name, lambda data: flip(data, 0, 128))
        copy.edit("a bit in its middle", name, lambda data: flip(data, length // 2))
        copy.edit("its last bit", name, lambda data: flip(data, length - 1))
        copy.edit("a byte less", name, lambda data: data[:-1])
        copy.edit("a byte more", name, lambda data: data + b"\0")
        copy.edit("empty", name, lambda data: b"")
        copy.edit("twice", name, lambda data: data + data)
        copy(f"{name}: not there", lambda at: (at / name).unlink())
        copy(f"{name}: a link to the same bytes", link(name, work / "aside"))
        (work / "aside").unlink(missing_ok=True)
        copy(f"{name}: a folder", folder_for(name))
        copy(f"{name}: a pipe", pipe(name))
    for name, record in ((f"{BUNDLE}000", 72), (bundle, 72), (f"{TILE}000", 32), (tile, 32)):
        copy.edit("the last record cut", name, lambda data: data[:-record])
        copy.edit("the first record cut", name, lambda data: data[record:])
        copy.edit("a record more", name, lambda data: data + data[-record:])
        copy.edit("two records swapped", name, lambda data: data[record:2 * record] + data[:record] + data[2 * record:])
    copy.edit("an entry of version 2", f"{BUNDLE}000", lambda data: flip(data, 2, 3))
    copy.edit("an entry of another kind", f"{BUNDLE}000", lambda data: flip(data, 3, 3))
    copy.edit("an entry of 69 bytes", bundle, lambda data: b"\0\x45" + data[2:71] + data[72:])
    copy.edit("an entry of 71 bytes", bundle, lambda data: b"\0\x47" + data[2:72] + b"\0" + data[72:])
    for one, other in ((f"{BUNDLE}000", f"{TILE}000"), ("payloads/000", "payloads/001"), ("tile/1/000.p/1", tile), ("checkpoint", tile)):
        copy(f"swapped: {one} and {other}", swap(one, other))
    # Payloads.
    for name in ("payloads/000", "payloads/001"):
        copy.edit("two payloads swapped", name, other_record)
        copy.edit("a payload of another entry", name, lambda data: on_record(3, lambda _: records(data)[5])(data))
        copy.edit("a payload erased", name, on_record(3, lambda _: b""), 3)
        copy.edit("all payloads erased", name, lambda data: bytes(4) * len(records(data)), 3)
        copy.edit("the last payload cut", name, lambda data: b"".join(map(sized, records(data)[:-1])))
        copy.edit("a payload more", name, lambda data: data + sized(records(data)[-1]))
        copy.edit("an erased payload more", name, lambda data: data + bytes(4))
        copy.edit("a payload of one byte", name, on_record(3, lambda _: b"\0"))
        copy.edit("a payload with a byte behind it", name, on_record(3, lambda data: data + b"\0"))
        copy.edit("a payload with an empty field behind it", name, on_record(3, lambda data: data + bytes(4)))
        copy.edit("a bit of shared", name, on_record(3, lambda data: flip(data, 5)))
        copy.edit("a bit of k", name, on_record(3, lambda data: flip(data, len(data) - 40)))
        copy.edit("a bit of k2", name, on_record(3, lambda data: flip(data, len(data) - 1)))
        copy.edit("a length of shared beyond its end", name, on_record(3, lambda data: b"\xff" + data[1:]))
        copy.edit("a record beyond its end", name, lambda data: b"\xff" + data[1:])
        copy.edit("k2 of 31 bytes", name, on_record(3, lambda data: data[:-36] + b"\0\0\0\x1f" + data[-31:]))
    copy("no folder of payloads", lambda at: shutil.rmtree(at / "payloads"), 3)
    copy("an empty folder of payloads", lambda at: [shutil.rmtree(at / "payloads"), (at / "payloads").mkdir()])
    copy("a file called payloads", lambda at: [shutil.rmtree(at / "payloads"), (at / "payloads").write_bytes(b"")])
    # Names, and what else lies there.
    copy("nothing in it", lambda at: [shutil.rmtree(at), at.mkdir()])
    for name in ("extra", ".hidden", "tile/extra", f"{TILE}000.p/1", f"{TILE}000.p/256", f"{TILE}002", f"{TILE}x000/000", "tile/00/000", "tile/2/000", "tile/2/000.p/1",
                 f"{BUNDLE}002.p/1", f"{BUNDLE}000.p/{wide}", f"payloads/001.p/{wide}", "payloads/002", "payloads/0", "payloads/extra", "tile/entries/extra", "checkpoint~"):
        copy(f"another file: {name}", add(name))
    copy("an empty file more", add("tile/1/extra", b""))
    copy("a narrower tile that is right", lambda at: add(f"{TILE}000.p/8", (at / TILE / "000").read_bytes()[:256])(at))
    copy("an empty folder more", lambda at: (at / "folder").mkdir(), 3)
    copy("a link more", link("extra", "checkpoint"))
    copy("a link to a tile more", link("extra", "tile/0/000"))
    copy("a link to a file elsewhere", link("extra", log / "checkpoint"))
    copy("a link among the tiles", link("tile/0/002", "000"))
    copy("a folder called as a tile", lambda at: (at / "tile/0/002").mkdir(), 3)
    copy("a link to nothing", link("extra", "nothing"))
    copy("a link to a folder", link("extra", "tile"))
    copy("a pipe more", pipe("extra"))
    for one, other in ((f"{TILE}000", f"{TILE}0"), (f"{TILE}000", f"{TILE}x000/000"), ("tile/0", "tile/00"), (f"{TILE}000", f"{TILE}0000"), (tile, f"{TILE}001"),
                       (f"{BUNDLE}000", f"{BUNDLE}000.p/256"), (tile, f"{TILE}001.p/0{wide}"), ("payloads/001", f"payloads/001.p/{wide}"),
                       ("tile", "Tile"), ("checkpoint", "Checkpoint")):
        copy(f"{one} called {other}", move(one, other))
    copy("the folder of tiles is a link", lambda at: [shutil.rmtree(work / "aside", ignore_errors=True), link("tile/0", work / "aside")(at)])
    shutil.rmtree(work / "aside", ignore_errors=True)
    copy("the folder of payloads is a link", lambda at: link("payloads", work / "aside")(at))
    shutil.rmtree(work / "aside", ignore_errors=True)
    # One bit anywhere.
    chosen = random.Random(1)
    for _ in range(60):
        name = chosen.choice(files)
        at, bit = chosen.randrange((log / name).stat().st_size), 1 << chosen.randrange(8)
        copy.edit(f"bit {bit} of byte {at}", name, lambda data: flip(data, at, bit))
    # A bundle is damaged, and its tile stands in for it: the damage stays.
    copy("a bundle and its tile are gone", lambda at: [(at / BUNDLE / "000").unlink(), (at / TILE / "000").unlink()])
    # Keys and anchors.
    copy("the key of another log", lambda at: None, 1, other_key)
    name, key_id, data = key.split("+", 2)
    for what, text in (("another id", f"{name}+{'0' * 8}+{data}"), ("another name", f"other+{key_id}+{data}"), ("no id", f"{name}+{data}"), ("nothing", ""),
                       ("half of it", key[:-20]), ("a witness's algorithm", f"{name}+{key_id}+{b64(bytes([4]) + base64.b64decode(data)[1:])}")):
        (work / "key").write_text(text)
        (work / "key").chmod(0o644)
        copy(f"a key with {what}", lambda at: None, 2, work / "key")
    for what, text, wanted in (("lines behind it", key + "\n\n", 3), ("CRLF", key + "\r\n", 3), ("a space before it", " " + key, 2), ("4 KiB behind it", key + "\n" * 4096, 2), ("its id in capitals", f"{name}+{key_id.upper()}+{data}", 3)):
        (work / "key").write_text(text)
        copy(f"a key with {what}", lambda at: None, wanted, work / "key")
    copy("a key that is not there", lambda at: None, 2, work / "nothing")
    nothing = lambda at: None  # noqa: E731
    copy("an anchor", nothing, 0, None, anchor)
    for what, text in (("a bit of its root", flip(anchor, anchor.index(b"\n\n") - 3)), ("a bit of its signature", flip(anchor, len(anchor) - 6)), ("empty", b""),
                       ("no note", b"hello\n"), ("without its newline", anchor[:-1]), ("with CRLF", anchor.replace(b"\n", b"\r\n")), ("unsigned", anchor[:anchor.index(b"\n\n") + 2]),
                       ("twice", anchor + anchor), ("with a line before it", b"\n" + anchor), ("with an empty line behind it", anchor + b"\n")):
        copy(f"an anchor: {what}", nothing, 1, None, text)
    copy("an anchor that is not there", nothing, 2, None, work / "nothing")
    copy("an anchor that is a folder", nothing, 2, None, work)
    copy("a long anchor", nothing, 2, None, anchor + b"x" * 65536)
    copy("an anchor and a damage", lambda at: add("extra")(at), 1, None, anchor)
    both("no such folder", 2, work / "nothing", key)
    both("a file for a folder", 2, log / "checkpoint", key)


def receipts(both_proof, kept, key, other_key):
    """Real receipts, damaged."""
    one, other = json.loads(kept[2]), json.loads(kept[1])
    proof = one["proof"]
    index = int(proof.split("\n")[1][6:])

    def told(what, change, wanted=1):
        both_proof(f"a receipt: {what}", wanted, json.dumps({**one, **change}).encode(), key)

    def reproof(what, text, wanted=1):
        told(f"proof: {what}", {"proof": text}, wanted)

    told("as it is", {}, 0)
    told("another member", {"more": [1, {"a": None}]}, 0)
    both_proof("a receipt under another key", 1, kept[2], other_key)
    both_proof("a receipt with a key that is none", 2, kept[2], "nothing")
    both_proof("a receipt that is not there", 1, None, key)
    for name in ("leaf", "shared", "k", "inner"):
        data = base64.b64decode(one[name])
        for what, value in (("a bit", b64(flip(data, len(data) // 2))), ("its last bit", b64(flip(data, len(data) - 1))), ("a byte less", b64(data[:-1])),
                            ("a byte more", b64(data + b"\0")), ("empty", ""), ("another entry's", other[name]), ("no padding or more", one[name].rstrip("=") + "=" * (not one[name].endswith("="))),
                            ("white space", one[name] + "\n"), ("of web form", "-_" + one[name][2:]), ("no string", 1), ("null", None), ("a list", [one[name]])):
            told(f"{name}: {what}", {name: value})
        both_proof(f"a receipt without {name}", 1, json.dumps({key: value for key, value in one.items() if key != name}).encode(), key)
    told("unused bits", {"k": one["k"][:-2] + chr(ord(one["k"][-2]) + 1) + "="})
    told("another entry's proof", {"proof": other["proof"]})
    lines = proof.split("\n")
    head, path, note = lines[:2], lines[2:lines.index("")], "\n".join(lines[lines.index("") + 1:])

    def built(first=head, hashes=path, behind=note):
        return "\n".join([*first, *hashes, "", behind])

    reproof("as it is", built(), 0)
    for what, word in (("a zero in front", f"index 0{index}"), ("a sign", f"index +{index}"), ("a space more", f"index  {index}"), ("a space behind", f"index {index} "),
                       ("hexadecimal", f"index {index:#x}"), ("another", f"index {index + 1}"), ("none", "index "), ("another word", f"Index {index}"), ("negative", "index -1"),
                       ("above the size", "index 100000"), ("of 64 bits and more", f"index {index + (1 << 64)}"), ("that of the size", f"index {note.split(chr(10))[1]}")):
        reproof(f"the index: {what}", built([head[0], word]))
    reproof("another version", built([head[0].replace("v1", "v2"), head[1]]))
    reproof("no first line", built(head[1:]))
    reproof("an extra line", built([head[0], "extra AAAA", head[1]]))
    reproof("an extra line after the index", built([*head, "extra AAAA"]))
    reproof("a hash less", built(hashes=path[:-1]))
    reproof("a hash more", built(hashes=[*path, path[-1]]))
    reproof("no hashes", built(hashes=[]))
    reproof("hashes in another order", built(hashes=path[::-1]))
    reproof("64 hashes more", built(hashes=path + path[:1] * 64))
    data = base64.b64decode(path[0])
    for what, word in (("of 31 bytes", b64(data[:-1])), ("of 33 bytes", b64(data + b"\0")), ("a bit of it", b64(flip(data, 9))), ("no base64", "!" * 44), ("a space behind it", path[0] + " "),
                       ("no padding", path[0].rstrip("=")), ("unused bits", path[0][:-2] + chr(ord(path[0][-2]) + 1) + "="), ("in hexadecimal", data.hex()), ("empty", "")):
        reproof(f"a hash: {what}", built(hashes=[word, *path[1:]]))
    reproof("CRLF", proof.replace("\n", "\r\n"))
    reproof("no newline at its end", proof[:-1])
    reproof("an empty line behind it", proof + "\n")
    reproof("no note", built(behind=""))
    reproof("empty", "")
    text = json.dumps(one)
    for what, data, wanted in (
            ("a name twice", text[:-1] + f', "k": {json.dumps(one["k"])}}}', 1), ("a name twice, deeper", text[:-1] + ', "x": {"a": 1, "a": 1}}', 1),
            ("in a member receipt", json.dumps({"receipt": text, "index": "3"}), 0), ("in two of them", json.dumps({"receipt": json.dumps({"receipt": text})}), 1),
            ("as an object in a member receipt", json.dumps({"receipt": one}), 1), ("a list of it", f"[{text}]", 1), ("with more behind it", text + "x", 1), ("two of them", text + text, 1),
            ("with white space before it", f" \n{text}", 0), ("with white space behind it", f"{text} \n\n", 0), ("a BOM", "\ufeff" + text, 1), ("cut", text[:-1], 1), ("a comma more", text[:-1] + ",}", 1), ("NaN in it", text[:-1] + ', "x": NaN}', 1),
            ("an escaped letter", text.replace('"leaf"', '"l\\u0065af"'), 0), ("half a pair", text[:-1] + ', "x": "\\ud800"}', 1), ("depth 32", text[:-1] + ', "x": ' + "[" * 31 + "]" * 31 + "}", 0),
            ("depth 33", text[:-1] + ', "x": ' + "[" * 32 + "]" * 32 + "}", 1), ("100,100 values", text[:-1] + ', "x": [' + ",".join("1" * 100_100) + "]}", 1),
            ("1 MiB and more", text + " " * (1 << 20), 1), ("no JSON", "hello", 1), ("nothing", "", 1), ("null", "null", 1), ("a number", "1", 1), ("UTF-16", None, 1)):
        both_proof(f"a receipt: {what}", wanted, text.encode("utf-16") if data is None else data.encode(), key)
    both_proof("a receipt: no UTF-8", 1, text[:-1].encode() + b', "x": "\xff"}', key)


def bodies(signer, size, root, other):
    """Notes of every form over one body, each with what the page says of it."""
    good = signer.note(size, root)
    body = good[:good.index(b"\n\n") + 1]
    own = signer.line(body)
    alien = f"— other {b64(b'abcd' + bytes(64))}\n".encode()
    dash = "— ".encode()

    def made(text):
        return text + b"\n" + signer.line(text)

    yield from (
        ("as it is", good, 0), ("with another's line", good + alien, 0), ("another's before it", body + b"\n" + alien + own, 0), ("signed twice", good + own, 0),
        ("16 lines", good + alien * 15, 0), ("17 lines", good + alien * 16, 1), ("one good, one wrong", good + f"— {signer.name} {b64(signer.id + bytes(64))}\n".encode(), 1),
        ("one good, one short", good + f"— {signer.name} {b64(signer.id + b'x')}\n".encode(), 1), ("the name with another id", good + f"— {signer.name} {b64(bytes(68))}\n".encode(), 0),
        ("the id with another name", body + b"\n" + signer.line(body, "other"), 1), ("only another's", body + b"\n" + alien, 1), ("no line", body + b"\n", 1), ("no empty line", body + own, 1),
        ("junk behind it", good + b"junk\n", 1), ("another dash", good + b"- other AAAAAAAA\n", 1), ("no space behind the dash", good + "—other AAAAAAAA\n".encode(), 1),
        ("no space behind the name", good + dash + b"other\n", 1), ("an empty name", good + dash + b" AAAAAAAA\n", 1), ("four bytes", good + dash + b"other AAAAAA==\n", 1), ("five bytes", good + dash + b"other AAAAAAA=\n", 0),
        ("no padding", good + dash + b"other AAAAAAA\n", 1), ("unused bits", good + dash + b"other AAAAAAB=\n", 1), ("a space more", good + dash + b"other  AAAAAAA=\n", 1), ("a space behind", good + dash + b"other AAAAAAA= \n", 1),
        ("a name with a plus", good + dash + b"ot+her AAAAAAA=\n", 1), ("a name with a tab", good + dash + b"ot\ther AAAAAAA=\n", 1), ("a name that is no UTF-8", good + dash + b"\xff AAAAAAA=\n", 1),
        ("a name with a zero byte", good + dash + b"a\0 AAAAAAA=\n", 0), ("a cosignature that is wrong", good + f"— {other.name} {b64(other.id + bytes(72))}\n".encode(), 0), ("a cosignature", good + other.cosignature(body, 1795771800), 0),
        ("no newline", good[:-1], 1), ("an empty line more", body + b"\n\n" + own, 1), ("four lines", made(body + b"more\n"), 1), ("two lines", made(b"\n".join(body.split(b"\n")[:2]) + b"\n"), 1),
        ("an empty line within", made(body + b"\nmore\n"), 1), ("another origin", made(body.replace(signer.name.encode(), b"other")), 1), ("a zero in front", made(body.replace(b"\n%d\n" % size, b"\n0%d\n" % size)), 1),
        ("a sign", made(body.replace(b"\n%d\n" % size, b"\n+%d\n" % size)), 1), ("a space behind the size", made(body.replace(b"\n%d\n" % size, b"\n%d \n" % size)), 1), ("a size of 2^64", made(body.replace(b"\n%d\n" % size, b"\n%d\n" % (1 << 64))), 1),
        ("a size of 2^64-1", made(body.replace(b"\n%d\n" % size, b"\n%d\n" % ((1 << 64) - 1))), 1), ("no size", made(body.replace(b"\n%d\n" % size, b"\n\n")), 1), ("a root of 31 bytes", signer.note(size, root[:31]), 1),
        ("a root of 33 bytes", signer.note(size, root + b"\0"), 1), ("another root", signer.note(size, flip(root, 3)), 1), ("a root in hexadecimal", made(f"{signer.name}\n{size}\n{root.hex()}\n".encode()), 1),
        ("CRLF within", made(body.replace(b"\n", b"\r\n")), 1), ("nothing", b"", 1), ("a newline", b"\n", 1), ("two newlines", b"\n\n", 1))


def own(work, both, both_proof):
    """Logs that are signed well and say what no node would sign."""
    log, other = Signer("second.example/log", b"\3" * 32), Signer("witness.example", b"\4" * 32, 4)
    made = [made_entry(at, b"\x12\x01%c" % (97 + at % 26), b"\x0a\x01x") for at in range(300)]
    entries, payloads = [one for one, _ in made], [one for _, one in made]
    hashes = [leaf_hash(one) for one in entries]
    place = work / "own"

    def shown(what, wanted, entries, payloads=None, note=None, anchor=None):
        shutil.rmtree(place, ignore_errors=True)
        write_log(place, log, entries, payloads, note)
        both(f"a log of our own: {what}", wanted, place, log.vkey, anchor)

    for size in (1, 2, 3, 255, 256, 257, 300):
        shown(f"of {size}", 3, entries[:size], payloads[:size])
        shown(f"of {size}, all of it anchored", 0, entries[:size], None, None, log.note(size, root_of(hashes[:size])))
    row, root = hashes[:5], root_of(hashes[:5])
    for what, note, wanted in bodies(log, 5, root, other):
        shown(f"checkpoint: {what}", wanted or 3, entries[:5], payloads[:5], note or b"\n\n\n")
        shown(f"anchor: {what}", wanted, entries[:5], None, None, note)
        with contextlib.suppress(UnicodeDecodeError):
            proof = proof_of(2, audit_path(2, row), note).decode()
            inner = hmac.digest(payloads[2][-32:], b"\x0a\x01x", "sha256")
            receipt = {"leaf": entries[2], "shared": payloads[2][4:7], "k": payloads[2][-68:-36], "inner": inner}
            both_proof(f"a receipt of our own: {what}", wanted, json.dumps({**{name: b64(value) for name, value in receipt.items()}, "proof": proof}).encode(), log.vkey)
    for size in (1, 4, 299, 300):
        shown(f"anchored at {size}", 0, entries, None, None, log.note(size, root_of(hashes[:size])))
        shown(f"anchored at {size} with another root", 1, entries, None, None, log.note(size, flip(root_of(hashes[:size]), 0)))
    shown("an anchor that is larger", 1, entries[:5], None, None, log.note(6, root_of(hashes[:6])))
    shown("an anchor of no entries", 1, entries[:5], None, None, log.note(0, root_of([])))
    shown("an anchor of no entries with another root", 1, entries[:5], None, None, log.note(0, bytes(32)))
    shown("no entries", 3, [], None, log.note(0, root_of([])))
    shown("no entries and another root", 1, [], None, log.note(0, bytes(32)))
    # Leaves that no node writes.
    strange = made_entry(7, b"", b"", version=2)
    shown("a leaf of version 2", 1, [*entries[:4], strange[0]])
    shown("a leaf of version 2 with its payload", 1, [*entries[:4], strange[0]], [*payloads[:4], strange[1]])
    shown("a leaf of version 2, erased", 1, [*entries[:4], strange[0]], [*payloads[:4], b""])
    for length in (0, 69, 71):
        shown(f"a leaf of {length} bytes", 1, [*entries[:4], (strange[0] + b"\0")[:length]])
        shown(f"a leaf of {length} bytes, erased", 1, [*entries[:4], (strange[0] + b"\0")[:length]], [*payloads[:4], b""])
    odd = [made_entry(8, b"", b""), made_entry(9, b"\xff\xff", b"\0"), made_entry(10, b"a" * 24576, b"b" * 24576), made_entry(11, b"", b"", kind=99),
           made_entry(12, b"\xf8\x07\x01\x12\x01a", b""), made_entry(13, b"\x08" + b"\xff" * 9 + b"\x01\x12\x02\xff\xff", b"")]
    shown("payloads that are empty, no message, long, of an unknown kind or with unknown fields", 3, [one for one, _ in odd], [one for _, one in odd])
    long = made_entry(14, b"a" * 60000, b"")
    shown("a payload above the bound", 3, [*entries[:4], long[0]], [*payloads[:4], long[1]])
    falling = bytes([1, 31]) + bytes(68)
    shown("an hour that falls", 3, [*entries[:4], falling])
    # More than two levels, and names of more than one group.
    many = [bytes([1, 31]) + at.to_bytes(68, "big") for at in range(256 * 1000 + 257)]
    shown("of 256,257 entries", 3, many)
    for name in ("tile/0/x001/000", "tile/0/x001/001.p/1", "tile/1/003.p/233", "tile/2/000.p/3", f"{BUNDLE}x001/000", f"{BUNDLE}x001/001.p/1"):
        data = (place / name).read_bytes()
        (place / name).write_bytes(flip(data, len(data) - 1))
        both(f"a log of many entries: a bit of {name}", 1, place, log.vkey)
        (place / name).write_bytes(data)
    # Two checkpoints that contradict each other.
    first, second = log.note(5, root), log.note(5, flip(root, 0))
    body = first[:first.index(b"\n\n") + 1]
    head, cut = b"sluis/conflict@v1\n", b"\n---\n"
    alien = f"— other {b64(b'abcd' + bytes(64))}\n".encode()
    for what, data, wanted in (
            ("as it is", head + first + cut + second, 0), ("the other way round", head + second + cut + first, 0), ("the same root", head + first + cut + first, 1), ("other sizes", head + first + cut + log.note(6, root), 1),
            ("a bit of a signature", head + first + cut + flip(second, len(second) - 6), 1), ("another version", b"sluis/conflict@v2\n" + first + cut + second, 1), ("one note", head + first, 1),
            ("three notes", head + first + cut + second + cut + first, 1), ("no newline at its end", head + first + cut + second[:-1], 1), ("a newline more", head + first + cut + second + b"\n", 1),
            ("no empty line", head + first + cut[1:] + second, 1), ("an empty line more", head + first + b"\n" + cut + second, 1), ("CRLF", (head + first + cut + second).replace(b"\n", b"\r\n"), 1), ("four dashes", head + first + b"\n----\n" + second, 1),
            ("cosigned", head + first + other.cosignature(body, 1795771800) + cut + second, 0), ("the second with another's line", head + first + cut + second + alien, 0), ("signed twice", head + first + log.line(body) + cut + second, 0),
            ("another origin", head + first + cut + Signer("other", b"\3" * 32).note(5, root), 1), ("no entries", head + log.note(0, bytes(32)) + cut + log.note(0, root), 0), ("only its first line", head, 1),
            ("64 KiB and more", head + first + cut + second + b"x" * 65536, 1)):
        both_proof(f"a conflict: {what}", wanted, data, log.vkey)
    both_proof("a conflict under another key", 1, head + first + cut + second, Signer("second.example/log", b"\5" * 32).vkey)
    both_proof("a conflict with a key of a witness", 2, head + first + cut + second, other.vkey)
