"""A copy of a node for one case after the other, and what is looked at in it afterwards."""
import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request

from federation import Node
from injection import met
from reader import leaf_hash

LIMIT_S = 20  # nothing here may take as long


class Wrong(Exception):
    """What must hold does not."""


def need(what, got, wanted=True):
    if got != wanted:
        raise Wrong(f"{what}: got {str(got)[:300]}, wanted {str(wanted)[:300]}")


class Room(Node):
    """A copy of the node with its backups, on ports of its own. One case after the other is played in it."""

    def __init__(self, federation, number):
        super().__init__(federation, "waterrijk")
        self.first_port = self.port
        self.key, self.port = f"room-{number}", federation.base_port + 20 + 10 * number
        self.place = federation.folder / self.key
        self.folder, self.backup, self.keys, self.trace = (self.place / name for name in ("node", "backup", "backup-keys", "trace"))
        self.notes, self.said = set(), ""

    def fill(self, base, notes=()):
        shutil.rmtree(self.place, ignore_errors=True)
        subprocess.run([*self.federation.leave_root, "cp", "-a", base, self.place], check=True)
        self.configure()
        self.notes, self.said = set(notes), ""
        self.see()

    def configure(self):
        """Ports and places of the room, in what was another's configuration."""
        config = self.folder / "node.toml"
        text = re.sub(r"(127\.0\.0\.1|localhost):(\d+)", lambda found: f"{found[1]}:{int(found[2]) - self.first_port + self.port}", config.read_text())
        config.write_text(text.replace(f'"{self.federation.folder}/backup', f'"{self.place}/backup'))

    def start(self, words=()):
        with (self.place / "errors").open("ab") as errors:
            self.process = subprocess.Popen([*self.federation.leave_root, *words, self.federation.binary, "serve", "--config", self.folder / "node.toml"],
                                            stdout=errors, stderr=errors, start_new_session=True)

    def up(self, path="/livez"):
        """Whether it came up; else how it ended."""
        until, said = time.monotonic() + LIMIT_S, ""
        while time.monotonic() < until:
            if (code := self.process.poll()) is not None:
                self.process = None
                return code
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 2}{path}", timeout=1):
                    return True
            except urllib.error.HTTPError as error:
                said = error.read().decode(errors="replace").strip()
            except OSError:  # it does not listen yet
                pass
            time.sleep(0.01)
        raise Wrong(f"the node does not come up, nor does it end: {said or self.tail()}")

    def ends(self):
        """It is about to end."""
        try:
            self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Wrong(f"it answers nothing, and does not end: {self.tail()}") from None

    def output(self):
        """All that the node told its operator."""
        return (self.place / "errors").read_text(errors="replace")

    def lost_a_word(self):
        """Whether the fault was that of a line to its operator: then it is not known what else the node would have said."""
        return any("write(2, " in line for line in met(self.trace.read_text(errors="replace"))) if self.trace.exists() else False

    def tail(self):
        return self.output()[-600:].strip()

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def end(self):
        """As its operator would, also under strace. How it ended."""
        self.signal(signal.SIGTERM)
        self.ends()
        code, self.process = self.process.returncode, None
        return code

    def kill(self):
        """And what strace it may run under."""
        if self.process:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def restart(self):
        self.kill()
        self.start()
        if self.up("/readyz") is not True:
            raise Wrong(f"the node does not start again: {self.tail()}")
        self.see()

    def run(self, *words, code=0):
        try:
            done = subprocess.run([*self.federation.leave_root, *map(str, words)], capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            raise Wrong(f"it does not end: {' '.join(map(str, words))}") from None
        if code is not None and done.returncode != code:
            raise Wrong(f"{' '.join(map(str, words[1:4]))}: exit {done.returncode}: {(done.stdout + done.stderr).strip()[-400:]}")
        return done

    def sluis(self, *words, code=0):
        return self.run(self.federation.binary, *words, code=code)

    def see(self):
        """Keeps every checkpoint that is in a slot: what was signed is given out, or may be."""
        for path in (self.folder / "checkpoints").rglob("checkpoint-?"):
            slot = path.read_bytes()
            if note := slot[20:20 + int.from_bytes(slot[16:20], "big")]:
                self.notes.add(note.decode())

    def slots(self):
        return {path: path.read_bytes() for path in self.folder.glob("checkpoints/**/checkpoint-?")}

    def by_number(self, **filters):
        return {int(entry.get("index", 0)): entry for entry in self.log(**filters)}


def leaves_of(export):
    """The hashes of all entries: each is its length in two bytes, and 70 bytes."""
    for path in sorted(one for one in (export / "tile/entries").rglob("*") if one.is_file()):
        data = path.read_bytes()
        yield from (leaf_hash(data[at + 2:at + 72]) for at in range(0, len(data), 72))


def holders(words, folders):
    """Files that hold any of these, as it is or within base64 wherever it begins there."""
    wanted = []
    for word in words:
        wanted.append(word)
        for begun in range(3):
            whole = base64.b64encode(b"\0" * begun + word)
            wanted.append(whole[4 if begun else 0:len(whole) - 4])
    for folder in folders:
        for path in folder.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # a node that runs makes files, and takes them away
                if path.is_file() and any(one in path.read_bytes() for one in wanted):
                    yield str(path.relative_to(folder.parent))
