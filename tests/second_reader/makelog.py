"""Logs with a key of our own, so that a signed log may say what no node would sign. Everything after connector/docs/log-format.md."""
import base64
import hashlib
import hmac
import pathlib
import subprocess
import tempfile

from notes import DER
from reader import commitment, leaf_hash, name_of, node_hash, root_of, tile_names

SECRET = bytes.fromhex("302e020100300506032b657004220420")  # before the 32 bytes of an Ed25519 seed (RFC 8410)


def b64(data):
    return base64.b64encode(data).decode()


def openssl(*words, **files):
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            pathlib.Path(folder, name).write_bytes(data)
        return subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=True).stdout


class Signer:
    def __init__(self, name, seed, algorithm=1):
        self.name, self.secret = name, SECRET + seed
        public = openssl("pkey", "-inform", "DER", "-in", "key", "-pubout", "-outform", "DER", key=self.secret)
        assert public.startswith(DER)
        data = bytes([algorithm]) + public[len(DER):]
        self.id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(data)}"

    def sign(self, data):
        return openssl("pkeyutl", "-sign", "-keyform", "DER", "-inkey", "key", "-rawin", "-in", "data", key=self.secret, data=data)

    def line(self, body, name=None):
        return f"— {name or self.name} {b64(self.id + self.sign(body))}\n".encode()

    def cosignature(self, body, time):
        return f"— {self.name} {b64(self.id + time.to_bytes(8, 'big') + self.sign(b'cosignature/v1%ctime %d%c' % (10, time, 10) + body))}\n".encode()

    def note(self, size, root, body=None, behind=b""):
        body = body or f"{self.name}\n{size}\n{b64(root)}\n".encode()
        return body + b"\n" + self.line(body) + behind


def sized(data):
    return len(data).to_bytes(4, "big") + data


def made_entry(number, shared=b"", internal=b"", kind=31, version=1):
    """An entry with its payload; the keys follow from the number."""
    k, k2 = (hashlib.sha256(f"{number} {which}".encode()).digest() for which in "ab")
    start = bytes([version, kind]) + (498825).to_bytes(4, "big") + bytes(32)
    entry = start + commitment(k, start, shared, hmac.digest(k2, internal, "sha256"))
    return entry, sized(shared) + sized(internal) + sized(k) + sized(k2)


def write_log(folder, signer, entries, payloads=None, note=None, cosigned=None):
    """A folder as export-log writes one; `note` in place of the right checkpoint, `cosigned` beside it."""
    folder, level, row = pathlib.Path(folder), 0, [leaf_hash(one) for one in entries]

    def put(name, data):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    put("checkpoint", note or signer.note(len(entries), root_of(row)))
    if cosigned is not None:
        put("checkpoint.cosigned", cosigned)
    for name, number, width in tile_names("tile/entries/", len(entries)):
        put(name, b"".join(len(one).to_bytes(2, "big") + one for one in entries[256 * number:256 * number + width]))
        if payloads is not None:
            put(f"payloads/{name_of(number)}", b"".join(sized(one) for one in payloads[256 * number:256 * number + width]))
    while row:
        for name, number, width in tile_names(f"tile/{level}/", len(row)):
            put(name, b"".join(row[256 * number:256 * number + width]))
        row, level = [root_of(row[at:at + 256]) for at in range(0, len(row) - 255, 256)], level + 1


def audit_path(index, row):
    """RFC 6962 section 2.1.1."""
    if len(row) < 2:
        return []
    cut = 1 << (len(row) - 1).bit_length() - 1
    left, right = row[:cut], row[cut:]
    return [*audit_path(index, left), root_of(right)] if index < cut else [*audit_path(index - cut, right), root_of(left)]


def proof_of(index, path, note):
    return b"c2sp.org/tlog-proof@v1\nindex %d\n" % index + b"".join(b64(one).encode() + b"\n" for one in path) + b"\n" + note


__all__ = ["Signer", "audit_path", "b64", "made_entry", "node_hash", "proof_of", "sized", "write_log"]
