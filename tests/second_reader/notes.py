"""Text, keys and notes: section 4 of connector/docs/log-format.md."""
import base64
import binascii
import functools
import hashlib
import pathlib
import re
import subprocess
import tempfile

DASH = "—".encode() + b" "
DER = bytes.fromhex("302a300506032b6570032100")  # before the 32 bytes of an Ed25519 key (RFC 8410)


class Bad(Exception):
    """Something does not hold."""


class Unread(Exception):
    """The command was called wrongly: exit 2."""


# -- text -------------------------------------------------------------------------------------------------------------------

def base64_of(text):
    """RFC 4648 section 4, padded, no white space, unused bits zero."""
    if isinstance(text, str):
        text = text.encode()
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad(f"no base64: {text[:60]!r}") from None
    if base64.b64encode(data) != text:
        raise Bad(f"base64 in another form: {text[:60]!r}")
    return data


def number_of(text):
    if not re.fullmatch(rb"0|[1-9][0-9]{0,19}", text) or int(text) >= 1 << 64:
        raise Bad(f"no number: {text[:40]!r}")
    return int(text)


# -- keys and notes: section 4 ----------------------------------------------------------------------------------------------

@functools.lru_cache(None)
def signed(key, message, signature):
    """Ed25519, by OpenSSL."""
    if len(signature) != 64:
        return False
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, name) for name in ("key", "message", "signature")]
        for path, data in zip(paths, (DER + key, message, signature)):
            path.write_bytes(data)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0], "-rawin", "-in", paths[1],
                               "-sigfile", paths[2]], capture_output=True)
    return done.returncode == 0


class Key:
    def __init__(self, text, algorithm=1):
        parts = text.split("+", 2)
        if len(parts) != 3 or not parts[0] or re.search("[ \t\r\n]", parts[0]) or not re.fullmatch("[0-9a-fA-F]{8}", parts[1]):
            raise Bad("the key is no vkey")
        self.name, self.id, data = parts[0].encode(), bytes.fromhex(parts[1]), base64_of(parts[2])
        if len(data) != 33 or data[0] != algorithm:
            raise Bad("the key is of another kind")
        if hashlib.sha256(self.name + b"\n" + data).digest()[:4] != self.id:
            raise Bad("the key's id does not follow from it")
        self.public = data[1:]


class Note:
    def __init__(self, data, key):
        try:
            data.decode()
        except UnicodeDecodeError:
            raise Bad("a note that is no UTF-8") from None
        end = data.rfind(b"\n\n")
        if not data.endswith(b"\n") or end < 0:
            raise Bad("a note without a newline at its end or without an empty line")
        self.body, lines = data[:end + 1], data[end + 2:].split(b"\n")[:-1]
        if len(lines) > 16:
            raise Bad("a note with more than 16 signature lines")
        self.lines, mine = [], 0
        for line in lines:
            name, space, rest = line[len(DASH):].partition(b" ")
            if not line.startswith(DASH) or not space or not name or re.search(rb"[\t\r+]", name):
                raise Bad("a line that is no signature")
            rest = base64_of(rest)
            if len(rest) < 5:
                raise Bad("a signature that is too short")
            self.lines.append((name, rest[:4], rest[4:]))
            if (name, rest[:4]) == (key.name, key.id):
                mine += 1
                if not signed(key.public, self.body, rest[4:]):
                    raise Bad("a wrong signature of the log's key")
        if not mine:
            raise Bad("the log's key did not sign it")
        body = self.body.split(b"\n")
        if len(body) != 4:
            raise Bad("a body that is not three lines")
        self.size, self.root = number_of(body[1]), base64_of(body[2])
        if len(self.root) != 32 or body[0] != key.name:
            raise Bad("a root that is not 32 bytes, or the origin of another log")

    def cosigned(self, witness):
        """When the witness signed last, or None where it did not."""
        latest = None
        for name, key_id, data in self.lines:
            if (name, key_id) != (witness.name, witness.id):
                continue
            time = int.from_bytes(data[:8], "big")
            text = b"cosignature/v1\ntime %d\n" % time + self.body
            if len(data) != 72 or not 0 < time <= 253402300799 or not signed(witness.public, text, data[8:]):
                raise Bad("a wrong cosignature")
            latest = max(latest or 0, time)
        return latest
