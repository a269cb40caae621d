"""Four nodes of a demo federation: made, started, asked, stopped. The story and the integration tests use it."""
import contextlib
import datetime
import json
import os
import pathlib
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DISK = pathlib.Path(os.environ.get("TMPDIR", "/var/tmp"))  # on a disk, where a sync means something
PURPOSE = "https://waterrijk.example/purpose#"
MARKETING = "https://w3id.org/dpv#Marketing"

PARTIES = {
    # key: (participant, name, class, OIN, first port)
    "waterrijk": ("did:web:waterrijk.example", "Gemeente Waterrijk", "municipality", "00000099000000001000", 0),
    "duinmeer": ("did:web:duinmeer.example", "Gemeente Duinmeer", "municipality", "00000099000000002000", 10),
    "stroomplein": ("did:web:stroomplein.example", "Stroomplein B.V.", "company", "00000099000000003000", 20),
    "parkwijs": ("did:web:parkwijs.example", "Parkwijs B.V.", "company", "00000099000000004000", 30),
}


ACTIVITIES = {key: f"https://{key}.example/activities/{what}" for key, what in
              {"waterrijk": "routes", "duinmeer": "crowd", "stroomplein": "deliveries", "parkwijs": "deliveries"}.items()}


def scratch(name):
    """A new folder for a federation of a test or a benchmark."""
    return tempfile.mkdtemp(prefix=f"sluis-{name}-", dir=DISK)


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


def unprivileged():
    """The words before a command that leave root, and the user's ids; nothing for who is no root."""
    if os.geteuid() != 0:
        return [], None
    try:
        user = pwd.getpwnam("sluis-demo")
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "sluis-demo"], check=True)
        user = pwd.getpwnam("sluis-demo")
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"], user


def take_down(folder):
    """Stops the nodes of a federation, whoever started them, and removes its folder. Leaves alone what `make` did not make."""
    folder = pathlib.Path(folder)
    if not folder.exists():
        return
    if not (folder / "federation.key").exists():
        sys.exit(f"{folder} is no federation's folder: nothing was removed")

    def running():
        """Those that still serve from this folder: a number alone may be another process by now."""
        for path in folder.glob("*.pid"):
            command = pathlib.Path("/proc", path.read_text().strip(), "cmdline")
            with contextlib.suppress(OSError):
                if f"{folder / path.stem}/node.toml".encode() in command.read_bytes().split(b"\0"):
                    yield int(command.parent.name)

    try:
        for number, until in ((signal.SIGTERM, time.monotonic() + 15), (signal.SIGKILL, time.monotonic() + 20)):
            for process in running():
                os.kill(process, number)
            while list(running()) and time.monotonic() < until:
                time.sleep(0.05)
        shutil.rmtree(folder)
    except PermissionError as error:
        sys.exit(f"{folder} is another user's: {error}")


def remove_user():
    """The user as whom nodes run where root starts them. It stays while something still runs as it."""
    with contextlib.suppress(KeyError):
        pwd.getpwnam("sluis-demo")
        if os.geteuid() != 0:
            sys.exit("root made the user sluis-demo, and has to remove it")
        return subprocess.run(["userdel", "sluis-demo"]).returncode
    return 0


class Node:
    def __init__(self, federation, key):
        self.federation, self.key = federation, key
        self.participant, self.name, self.party_class, self.oin, offset = PARTIES[key]
        self.port = federation.base_port + offset
        self.folder = federation.folder / key
        self.host, self.address = "localhost", "127.0.0.1"  # by which others reach it, and where it listens
        self.demo = True  # a clock that can be moved, on loopback only
        self.process = None

    def init(self):
        self.federation.sluis("init", self.folder, *(["--demo"] if self.demo else []), "--participant", self.participant, "--name", self.name, "--class",
                              self.party_class, "--oin", self.oin, "--contact", f"data@{self.key}.example", "--port", str(self.port),
                              "--host", self.host, "--address", self.address, "--authority", self.federation.folder / "authority", "--federation-key",
                              self.federation.folder / "federation.key.pub", "--purposes", self.federation.purposes, "--activity", ACTIVITIES[self.key])
        config = self.folder / "node.toml"
        text = config.read_text()
        if "\n[network]\n" not in text:  # a node that others could reach calls public addresses alone; here all peers are on this machine
            config.write_text(text + '\n[network]\ninner = ["127.0.0.0/8", "::1"]\n')

    def start(self):
        log = open(self.federation.folder / f"{self.key}.log", "ab")
        self.process = subprocess.Popen([*self.federation.leave_root, self.federation.binary, "serve", "--config", self.folder / "node.toml"],
                                        stdout=log, stderr=log)
        (self.federation.folder / f"{self.key}.pid").write_text(f"{self.process.pid}\n")  # for who takes it down later

    def wait_ready(self, limit=10, path="/readyz"):
        """Ready is what /readyz calls so: not only alive (/livez), but with a clock and a log that it can go on with."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.key} ended with {self.process.returncode}: {self.log_tail()}")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 2}{path}", timeout=1):
                    return
            except OSError:  # not listening yet, or 503
                time.sleep(0.01)
        raise RuntimeError(f"{self.key} is not ready: {self.log_tail()}")

    def log_tail(self):
        return (self.federation.folder / f"{self.key}.log").read_text(errors="replace")[-2000:]

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self.process = None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def token(self, role):
        return (self.folder / "tokens" / role).read_text().strip()

    def command(self, *words, role=None):
        """What a person types: the command line, asking this node with the token of a role. Exit code, stdout, stderr."""
        return self.federation.sluis(*words, "--config", self.folder / "node.toml", *(("--role", role) if role else ()), check=False)

    def call(self, method, request=None, role="steward", timeout=30):
        """A management method over HTTP, as Connect JSON."""
        ask = urllib.request.Request(f"http://127.0.0.1:{self.port + 2}/sluis.v1.{method}", data=json.dumps(request or {}).encode(),
                                     headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token(role)}"})
        try:
            with urllib.request.urlopen(ask, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None

    def open_data(self, path, timeout=10):
        context = ssl.create_default_context(cafile=str(self.folder / "tls" / "roots.pem"))
        with urllib.request.urlopen(f"https://localhost:{self.port + 1}{path}", context=context, timeout=timeout) as answer:
            return answer.read()

    def pull(self, transfer, purpose, activity, on_chunk=None, on_head=None, timeout=60):
        """Through the node's own intake, as an application. The bytes, and whether they came whole. `on_head` gets the headers."""
        ask = urllib.request.Request(f"http://127.0.0.1:{self.port + 2}/intake/{transfer}",
                                     headers={"Authorization": f"Bearer {self.token('application')}", "Sluis-Purpose": purpose,
                                              "Sluis-Activity": activity})
        got = b""
        try:
            with urllib.request.urlopen(ask, timeout=timeout) as answer:
                if on_head:
                    on_head(answer.headers)
                while chunk := answer.read1(65536):
                    got += chunk
                    if on_chunk:
                        on_chunk(got)
            return got, True
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from None
        except (OSError, ValueError):  # a reset, or an end without the final chunk
            return got, False
        except Exception as error:
            if type(error).__name__ == "IncompleteRead":
                return got + error.partial, False
            raise

    def log(self, **filters):
        entries, token = [], ""
        while True:
            page = self.call("AuditService/Log", {**filters, "pageSize": 1000, "pageToken": token}, role="dpo")
            entries += page.get("entries", [])
            token = page.get("nextPageToken", "")
            if not token:
                return entries

    def wait_log(self, count, limit=5, **filters):
        until = time.monotonic() + limit
        while True:
            entries = self.log(**filters)
            if len(entries) >= count or time.monotonic() > until:
                return entries
            time.sleep(0.02)


class Federation:
    def __init__(self, folder, binary=ROOT / "build/release/bin/sluis", base_port=18440, parties=tuple(PARTIES), list_days=None):
        self.folder, self.base_port, self.list_days = pathlib.Path(folder), base_port, list_days
        self.leave_root, self.user = unprivileged()
        self.source_binary = pathlib.Path(binary)
        self.binary = self.source_binary
        self.rogue = self.source_binary.with_name("sluis_rogue_consumer")
        self.insider = self.source_binary.with_name("sluis_insider")
        self.witness = self.source_binary.with_name("sluis-witness")  # which `sluis witness` starts where it stands beside it
        self.purposes = HERE / "purposes.tsv"
        self.nodes = {key: Node(self, key) for key in parties}

    def __getattr__(self, key):
        try:
            return self.__dict__["nodes"][key]
        except KeyError:
            raise AttributeError(key) from None

    def sluis(self, *words, check=True):
        done = subprocess.run([*self.leave_root, self.binary, *map(str, words)], capture_output=True, text=True)
        if check and done.returncode != 0:
            raise RuntimeError(f"sluis {' '.join(map(str, words))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def make(self):
        """Folders, keys, certificates, and the signed list of who takes part."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.user:  # a home may be closed to others: the binary goes where the demo's own user can run it
            for name in ("binary", "rogue", "insider", "witness"):
                source = getattr(self, name)
                if source.exists():
                    setattr(self, name, pathlib.Path(shutil.copy2(source, self.folder / source.name)))
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
            self.purposes = self.folder / "purposes.tsv"
            shutil.copy2(HERE / "purposes.tsv", self.purposes)
            os.chmod(self.purposes, 0o644)
        self.sluis("membership", "key", self.folder / "federation.key")
        for node in self.nodes.values():
            node.init()
        self.membership(1, self.list_days)

    def membership(self, version, days=None, name="membership.json", key="federation.key"):
        """The signed list, also as a file. `days`: how long it is fresh, and how long it holds; else as it is composed."""
        path = self.folder / name
        parties = [word for node in self.nodes.values() for word in ("--party", node.folder / "party.json")]
        self.sluis("membership", "compose", path, "--federation", "Demo federation of Waterrijk", "--list-version", version,
                   "--signer", self.folder / f"{key}.pub", *parties)
        if days:
            composed = json.loads(path.read_text())
            issued = datetime.datetime.fromisoformat(composed["issued"])
            for member, after in zip(("refresh_after", "valid_until"), days):
                composed[member] = (issued + datetime.timedelta(days=after)).strftime("%Y-%m-%dT%H:%M:%SZ")
            path.write_text(json.dumps(composed))
        self.sluis("membership", "sign", path, "--key", self.folder / key)
        return path.read_text()

    def start(self):
        for node in self.nodes.values():
            node.start()
        for node in self.nodes.values():
            node.wait_ready()

    def join(self):
        document = (self.folder / "membership.json").read_text()
        for node in self.nodes.values():
            node.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")

    def stop(self):
        for node in self.nodes.values():
            if node.process and node.process.poll() is None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes.values():
            node.stop()

    def put(self, node, name, text):
        """A file in the node's folder of datasets, readable by the node."""
        path = node.folder / "datasets" / name
        path.write_text(text)
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def put_data(self, node, name, source, *counters):
        target = self.folder / name
        subprocess.run([HERE / "reshape_counts", HERE / "data" / source, target, *counters], check=True)
        self.put(node, name, target.read_text())

    def dataset(self, name):
        """The text of a dataset file, assessed until a year from now."""
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=365)
        return (HERE / "datasets" / f"{name}.toml").read_text().replace("@ASSESSED_UNTIL@", until.strftime("%Y-%m-%dT00:00:00Z"))

    def publish(self, node, *names):
        for name in names:
            node.call("DatasetService/Publish", {"toml": self.dataset(name), "file": f"{name}.toml"})

    def begin(self):
        self.make()
        self.start()
        self.join()

    def offer_counts(self):
        """Waterrijk publishes its detailed counts. What Duinmeer then finds of them in the catalogue."""
        w, d = self.nodes["waterrijk"], self.nodes["duinmeer"]
        self.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
        self.publish(w, "detailed-counts")
        return d.call("CatalogService/Fetch", {"peer": w.participant})["datasets"][0]["offers"][0]
