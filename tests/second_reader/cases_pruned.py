"""Logs whose entries were pruned (sections 3 and 7 of the page): what a later log has to say, and what is not enough."""
import hashlib
import json
import shutil

from makelog import Signer, audit_path, b64, made_entry, proof_of, write_log
from reader import commitment, leaf_hash, payload_of, root_of


def said(of, by, kind=42, digest=None, size=None, note_by=None, number=2):
    """A receipt of an entry of the log of `by`, which says that `of`, as it is, was pruned."""
    _, payload = made_entry(number, b"said", b"", kind)
    shared, internal, k, k2 = payload_of(payload)
    start = bytes([1, kind]) + (498825).to_bytes(4, "big") + (hashlib.sha256(of).digest() if digest is None else digest)
    inner = hashlib.sha256(b"inner").digest()
    leaf = start + commitment(k, start, shared, inner)
    row = [leaf_hash(made_entry(at)[0]) for at in range(5)]
    row[number] = leaf_hash(leaf)
    note = (note_by or by).note(5, root_of(row))
    return {"leaf": b64(leaf), "shared": b64(shared), "k": b64(k), "inner": b64(inner), "proof": proof_of(number, audit_path(number, row), note).decode()}


def pruned(work, both):
    old, new, other = Signer("waterrijk.example/log", b"\3" * 32), Signer("waterrijk.example/log/2", b"\4" * 32), Signer("waterrijk.example/log/2", b"\5" * 32)
    entries = [made_entry(at)[0] for at in range(300)]
    row = [leaf_hash(one) for one in entries]
    note, anchor = old.note(300, root_of(row)), old.note(257, root_of(row[:257]))
    body = note[:note.index(b"\n\n") + 1]
    good = said(body, new)

    def case(what, wanted, text=good, later=(new.vkey,), change=None, with_anchor=anchor, cosigned=None):
        folder = work / "pruned"
        shutil.rmtree(folder, ignore_errors=True)
        write_log(folder, old, entries, note=note, cosigned=cosigned)
        shutil.rmtree(folder / "tile/entries")
        if text is not None:
            (folder / "pruned").write_text(text if isinstance(text, str) else json.dumps(text))
        if change:
            change(folder)
        both(f"pruned: {what}", wanted, folder, old.vkey, with_anchor, later=later)

    def flip(name, at=40):
        def change(folder):
            data = bytearray((folder / name).read_bytes())
            data[at] ^= 1
            (folder / name).write_bytes(data)
        return change

    def put(name, data=b"x"):
        def change(folder):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return change

    def gone(name):
        return lambda folder: (folder / name).unlink()

    case("as it is", 0)
    case("with the last checkpoint as anchor", 0, with_anchor=note)
    case("with the keys of two later logs", 0, later=(old.vkey, new.vkey))
    case("without an anchor", 3, with_anchor=None)
    case("without the later log's key", 3, later=())
    case("with another key under the later log's name", 1, later=(other.vkey,))
    case("with the key of the log itself", 3, later=(old.vkey,))
    case("an older checkpoint with cosignatures of nobody", 0, cosigned=anchor)
    case("an anchor of another history", 1, with_anchor=old.note(257, bytes(32)))
    for name, change in (("no word", gone("pruned")), ("a tile of level 0 that is changed", flip("tile/0/000")), ("the last one", flip("tile/0/001.p/44")),
                         ("one of level 1", flip("tile/1/000.p/1", 4)), ("a tile that is gone", gone("tile/0/000")), ("the last that is gone", gone("tile/0/001.p/44")),
                         ("entries", put("tile/entries/000")), ("payloads", put("payloads/000")), ("a file more", put("more"))):
        case(name, 1, change=change)
    for name, text in (("nothing", ""), ("no JSON", "pruned"), ("an empty object", {}), ("a member less", {key: value for key, value in good.items() if key != "inner"}),
                       ("another kind", said(body, new, kind=41)), ("no digest", said(body, new, digest=bytes(32))), ("another checkpoint", said(old.note(299, root_of(row[:299])), new)),
                       ("the whole note for its body", said(note, new)), ("of itself", said(body, old)), ("a leaf that commits to something else", {**good, "shared": b64(b"more")}),
                       ("a proof that does not hold", {**good, "proof": said(body, new, number=3)["proof"]}), ("signed with another key", said(body, new, note_by=other)),
                       ("a proof of another form", {**good, "proof": good["proof"].replace("tlog-proof", "proof")}), ("k of 31 bytes", {**good, "k": b64(bytes(31))})):
        case(name, 1, text)
    case("a wrong proof, and no key for it", 3, {**good, "proof": said(body, new, number=3)["proof"]}, later=())
