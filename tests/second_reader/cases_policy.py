"""What both readers are shown of policies: files of every form, and one log whose checkpoints have cosignatures or not."""
import hmac
import json
import shutil

from cases import flip
from makelog import Signer, audit_path, b64, made_entry, proof_of, write_log
from reader import leaf_hash, root_of

WHEN = 1795771800


def forms(log, a, b, c):
    """Policies over a note that witnesses a and b cosigned and c did not, and what an export ends with."""
    two, three = f"witness a {a}\nwitness b {b}\n", f"witness a {a}\nwitness b {b}\nwitness c {c}\n"
    name, key_id, data = a.split("+", 2)
    ml_dsa = f"witness m {name}+{key_id}+{b64(bytes([6]) + bytes(32))}\n"
    for what, text, wanted in (
            ("one witness", f"{two}quorum a\n", 0), ("one that did not sign", f"{three}quorum c\n", 3), ("any", f"{three}group g any c b\nquorum g\n", 0), ("all", f"{three}group g all a b c\nquorum g\n", 3),
            ("all of two", f"{three}group g all a b\nquorum g\n", 0), ("a number", f"{three}group g 2 a b c\nquorum g\n", 0), ("a larger number", f"{three}group g 3 a b c\nquorum g\n", 3),
            ("groups in groups", f"{three}group g any a c\ngroup h all g b\nquorum h\n", 0), ("groups that are not met", f"{three}group g all a c\ngroup h any g\nquorum h\n", 3), ("nobody", "quorum none\n", 3),
            ("a quorum above other lines", f"witness a {a}\nquorum a\nwitness b {b}\nlog {log}\n", 0), ("addresses", f"log {log} https://waterrijk.example/log\nwitness a {a} https://a.example\nquorum a\n", 0),
            ("white space", f"\t # all\n\n \t\n\twitness \ta\t {a} \nquorum\ta \n", 0), ("names of other words", f"witness any {a}\nwitness 2 {b}\ngroup all all any 2\nquorum all\n", 0),
            ("a comment without a space", f"{two}#quorum b\nquorum a\n", 0), ("a comment behind a line", f"{two}quorum a # all\n", 2), ("no quorum", two, 2), ("empty", "", 2), ("two quorums", f"{two}quorum a\nquorum b\n", 2),
            ("the same quorum twice", f"{two}quorum a\nquorum a\n", 2), ("none and one", f"{two}quorum none\nquorum a\n", 2), ("an unknown quorum", f"{two}quorum c\n", 2), ("a quorum of two", f"{two}quorum a b\n", 2),
            ("a quorum without a name", f"{two}quorum\n", 2), ("a quorum before its witness", f"quorum a\n{two}", 2), ("a group before its witness", f"group g any a\n{two}quorum g\n", 2),
            ("a name twice", f"{two}witness a {c}\nquorum a\n", 2), ("a group called as a witness", f"{two}group a any b\nquorum a\n", 2), ("a witness called none", f"witness none {a}\nquorum none\n", 2),
            ("a group called none", f"{two}group none any a\nquorum none\n", 2), ("none as a member", f"{two}group g any none a\nquorum g\n", 2), ("a member twice", f"{two}group g 2 a a\nquorum g\n", 2),
            ("a member of two groups", f"{two}group g any a\ngroup h any a b\nquorum h\n", 2), ("a group in itself", f"{two}group g any g a\nquorum g\n", 2), ("no members", f"{two}group g all\nquorum g\n", 2),
            ("nought of them", f"{two}group g 0 a b\nquorum g\n", 2), ("too many of them", f"{two}group g 3 a b\nquorum g\n", 2), ("a zero in front", f"{two}group g 01 a b\nquorum g\n", 2), ("a sign", f"{two}group g +1 a b\nquorum g\n", 2),
            ("a number of 2^64 and one", f"{two}group g {(1 << 64) + 1} a b\nquorum g\n", 2), ("another word for any", f"{two}group g one a b\nquorum g\n", 2), ("capitals", f"{two}Quorum a\n", 2),
            ("a key twice", f"{two}witness c {a}\nquorum a\n", 2), ("a log twice", f"log {log}\nlog {log}\nquorum none\n", 2), ("a log's key as a witness", f"witness a {log}\nquorum a\n", 2), ("a witness's key as a log", f"log {a}\n{two}quorum b\n", 2),
            ("a witness of ML-DSA", f"{two}{ml_dsa}quorum a\n", 2), ("another id of a key", f"witness a {name}+00000000+{data}\nquorum a\n", 2), ("a witness without a name", f"witness {a}\nquorum none\n", 2), ("an item more", f"witness a {a} https://a more\nquorum a\n", 2),
            ("an unknown line", f"{two}mirror a\nquorum a\n", 2), ("CRLF", f"{two}quorum a\n".replace("\n", "\r\n"), 2), ("a form feed", f"{two}\f\nquorum a\n", 2), ("a zero byte", f"{two}# \0\nquorum a\n", 2), ("a DEL", f"{two}# \x7f\nquorum a\n", 2),
            ("no newline at its end", f"{two}quorum a", 2), ("a BOM", f"\ufeff{two}quorum a\n", 2), ("64 KiB and more", f"{two}quorum a\n" + "#" * 65536 + "\n", 2)):
        yield what, text.encode(), wanted
    yield "names that are no UTF-8", f"witness K {a}\nwitness ".encode() + b"\xe2\x84 " + f"{c}\ngroup caf".encode() + b"\xe9 any K\nquorum caf\xe9\n", 0


def policies(work, both, both_proof):
    log, other_log = Signer("third.example/log", b"\6" * 32), Signer("third.example/log", b"\7" * 32)
    a, b, c = (Signer(f"{name}.example", bytes([seed]) * 32, 4) for name, seed in (("duinmeer", 8), ("panel", 9), ("stroomplein", 10)))
    made = [made_entry(at, b"\x12\x01a", b"\x0a\x01x") for at in range(300)]
    entries = [one for one, _ in made]
    hashes, place = [leaf_hash(one) for one in entries], work / "watched"

    def note(size, *by, root=None, more=b""):
        text = log.note(size, root or root_of(hashes[:size]))
        body = text[:text.index(b"\n\n") + 1]
        return text + b"".join(one.cosignature(body, WHEN) for one in by) + more

    def shown(what, wanted, newest, cosigned=None, policy=None, anchor=None, key=log.vkey, size=300):
        shutil.rmtree(place, ignore_errors=True)
        write_log(place, log, entries[:size], None, newest, cosigned)
        both(f"a watched log: {what}", wanted, place, key, anchor, policy)

    write_log(place, log, entries, None, note(300, a, b))
    for what, text, wanted in forms(log.vkey, a.vkey, b.vkey, c.vkey):
        both(f"a policy: {what}", wanted, place, log.vkey, None, text)
    both("a policy that is not there", 2, place, log.vkey, None, work / "nothing")
    # The key, and the logs of a policy.
    pair = f"witness a {a.vkey}\nwitness b {b.vkey}\ngroup g all a b\nquorum g\n".encode()
    line, other_line = (f"log {one.vkey}\n".encode() for one in (log, other_log))
    both("no key", 2, place, None)
    both("no key, and a policy without a log", 2, place, None, None, pair)
    both("no key, and a policy of the log", 0, place, None, None, line + pair)
    both("no key, and a policy of another log", 1, place, None, None, other_line + pair)
    both("no key, and a policy of two", 2, place, None, None, line + other_line + pair)
    both("the key, and a policy of two", 0, place, log.vkey, None, line + other_line + pair)
    both("the key, and a policy of another log", 2, place, log.vkey, None, other_line + pair)
    # Cosignatures, where they are and where not.
    wrong = f"— {a.name} {b64(a.id + bytes(72))}\n".encode()
    strange = f"— {c.name} {b64(c.id + bytes(72))}\n".encode()
    shown("a wrong cosignature", 1, note(300, a, b, more=wrong), None, pair)
    shown("a wrong one, and nobody is asked", 3, note(300, a, b, more=wrong))
    shown("a wrong one of somebody else", 0, note(300, a, b, more=strange), None, pair)
    shown("one of two", 3, note(300, a), None, pair)
    shown("signed twice", 0, note(300, a, b, a), None, pair)
    shown("no entries", 3, note(0, a, b, root=root_of([])), None, pair, size=0)
    for size in (1, 255, 256, 299, 300):
        shown(f"cosigned at {size}", 0, note(300), note(size, a, b), pair)
    shown("cosigned at another root", 1, note(300), note(256, a, b, root=bytes(32)), pair)
    shown("cosigned at another root, and nobody is asked", 1, note(300), note(256, a, b, root=bytes(32)))
    shown("cosigned, and nobody is asked", 3, note(300), note(256, a, b))
    shown("cosigned at a size that is gone", 1, note(299), note(300, a, b), pair, size=299)
    shown("cosigned, of no entries", 1, note(300), note(0, a, b, root=root_of([])), pair)
    shown("half on one note, half on another", 3, note(300, a), note(256, b), pair)
    shown("enough on one note, none on the other", 0, note(300, a, b), note(256), pair)
    shown("a wrong cosignature beside", 1, note(300, a, b), note(256, a, b, more=wrong), pair)
    for what, data in (("empty", b""), ("no note", b"hello\n"), ("a bit of its signature", flip(note(256), len(note(256)) - 6)), ("of another log", other_log.note(256, root_of(hashes[:256])))):
        shown(f"beside the checkpoint: {what}", 1, note(300, a, b), data, pair)
        shown(f"beside the checkpoint, with an anchor: {what}", 1, note(300), data, None, note(9))
    for what, change in (("a link", lambda at: at.symlink_to("checkpoint")), ("a folder", lambda at: at.mkdir())):
        shutil.rmtree(place)
        write_log(place, log, entries, None, note(300, a, b))
        change(place / "checkpoint.cosigned")
        both(f"beside the checkpoint: {what}", 1, place, log.vkey, None, pair)
    # With an anchor that was kept, both must hold.
    shown("an anchor, and enough", 0, note(300, a, b), None, pair, note(9))
    shown("an anchor, and not enough", 3, note(300), None, pair, note(9))
    shown("an anchor that has them itself", 0, note(300), None, pair, note(256, a, b))
    shown("an anchor with a wrong one", 1, note(300, a, b), None, pair, note(256, more=wrong))
    shown("enough, and an anchor of another root", 1, note(300, a, b), None, pair, note(9, root=bytes(32)))
    shown("an anchor, and nobody is asked", 0, note(300), None, b"quorum none\n", note(9))
    # A receipt's note.
    path, inner = audit_path(7, hashes[:300]), hmac.digest(made[7][1][-32:], b"\x0a\x01x", "sha256")
    receipt = {name: b64(value) for name, value in {"leaf": entries[7], "shared": b"\x12\x01a", "k": made[7][1][-68:-36], "inner": inner}.items()}
    for what, text, policy, key, wanted in (("enough", note(300, a, b), pair, log.vkey, 0), ("not enough", note(300, b), pair, log.vkey, 3), ("nobody is asked", note(300), b"quorum none\n", log.vkey, 0),
                                            ("a wrong one", note(300, a, b, more=wrong), pair, log.vkey, 1), ("no policy", note(300, b, more=wrong), None, log.vkey, 0), ("no key", note(300, a, b), line + pair, None, 0),
                                            ("neither", note(300, a, b), None, None, 2), ("no policy that is one", note(300, a, b), pair[:-1], log.vkey, 2), ("another log", note(300, a, b), other_line + pair, None, 1)):
        both_proof(f"a watched receipt: {what}", wanted, json.dumps({**receipt, "proof": proof_of(7, path, text).decode()}).encode(), key, policy)
