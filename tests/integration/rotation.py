#!/usr/bin/env python3
"""Every kind of key changed by the steps that `sluis key rotate KIND --plan` prints, while Duinmeer pulls from Waterrijk and negotiates with it
all the time, and a slow pull runs. What fails may do so only while a node is started anew, where the plan has that. Then the old key opens
nothing more, and what it signed before still holds.

usage: rotation.py BIN_DIR SOURCE_DIR
"""
import base64
import contextlib
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from certificates import of_party, revocation_lists  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
DATASET, PACED = "urn:waterrijk:detailed-counts", "urn:waterrijk:detailed-counts-paced"
f = Federation(scratch("rotation"), binary=BIN / "sluis", base_port=21940, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
GRPC, COLLECTOR = w.port + 30, w.port + 31
versions = iter(range(2, 100))
KINDS = ("log", "claim", "node", "payloads", "tls", "management", "witness", "membership", "roles", "collector")


def wait_for(what, holds, limit=30):
    until = time.monotonic() + limit
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(0.05)
    expect(what, bool(held), True)


def own(*paths):
    """Files of the nodes' user, as `chown` gives them."""
    for path in paths:
        if f.user:
            os.chown(path, f.user.pw_uid, f.user.pw_gid)


def put(path, content, mode=0o600):
    """Written beside and moved there, as plans say."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content if isinstance(content, bytes) else content.encode())
    beside.chmod(mode)
    own(beside)
    beside.rename(path)


def edit(node, old, new):
    """node.toml."""
    text = (node.folder / "node.toml").read_text()
    expect(f"there is something to change: {old}", old in text, True)
    put(node.folder / "node.toml", text.replace(old, new, 1), 0o644)


def configure(node, more):
    put(node.folder / "node.toml", (node.folder / "node.toml").read_text() + more, 0o644)


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True).stdout


class Load:
    """Pulls and negotiations, one after the other, as long as it lives; what failed, and when it was asked."""

    def __init__(self, transfer):
        self.transfer, self.stopped = transfer, threading.Event()
        self.done, self.failed = {"pull": 0, "negotiation": 0}, []
        self.asks = {"pull": self.pull, "negotiation": self.negotiate}
        self.locks = {what: threading.Lock() for what in self.asks}
        self.threads = [threading.Thread(target=self.run, args=(what,), daemon=True) for what in self.asks]
        for thread in self.threads:
            thread.start()

    def run(self, what):
        while not self.stopped.is_set():
            with self.locks[what]:
                asked, why = time.monotonic(), None
                try:
                    why = self.asks[what]()
                except (Refused, OSError, ValueError, KeyError) as error:
                    why = f"{type(error).__name__} {error}"
                if why:
                    self.failed.append((asked, time.monotonic(), what, why))
                else:
                    self.done[what] += 1
            self.stopped.wait(0.05)

    @contextlib.contextmanager
    def held(self, *kinds):
        """None of these is under way."""
        with contextlib.ExitStack() as stack:
            for what in kinds or self.locks:
                stack.enter_context(self.locks[what])
            yield

    def pull(self):
        got, whole = d.pull(self.transfer, CROWD, ACTIVITY)
        return None if whole and got else f"cut after {len(got)} bytes"

    @staticmethod
    def negotiate():
        made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15}, timeout=40)["negotiation"]
        until = time.monotonic() + 20
        while made.get("state") not in ("FINALIZED", "TERMINATED") and time.monotonic() < until:
            made = d.call("AgreementService/Show", {"id": made["id"], "waitSeconds": 5})["negotiation"]
        return None if made.get("state") == "FINALIZED" else f"{made.get('state')} {made.get('reason')}"

    def go_on(self, many=2):
        """So many more of each are done."""
        wanted = {what: count + many for what, count in self.done.items()}
        wait_for("pulls and negotiations go on", lambda: all(self.done[what] >= count for what, count in wanted.items()), 40)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)


class Change:
    """While it lasts, all goes on; what is asked while a node is started anew may fail."""

    def __init__(self, kind, restarts=False):
        self.kind, self.restarts, self.down = kind, restarts, []

    def __enter__(self):
        done = f.sluis("key", "rotate", self.kind, "--plan", "--config", w.folder / "node.toml")
        self.plan = [re.sub(r"^\d+\. ", "", line) for line in done.stdout.splitlines()]
        expect(f"{self.kind}: the plan has a restart", any("start the node" in step or "start it" in step for step in self.plan), self.restarts)
        load.go_on()
        self.before = len(load.failed)
        return self

    def __exit__(self, kind, error, trace):
        if error:
            return
        load.go_on()
        left = [(what, why) for begun, ended, what, why in load.failed[self.before:]
                if not any(begun <= until and ended >= since for since, until in self.down)]
        expect(f"{self.kind}: what fails does so while a node is away, if the plan has that", left, [])

    def says(self, words):
        expect(f"{self.kind}: a step says `{words}`", any(words in step for step in self.plan), True)

    @contextlib.contextmanager
    def away(self, node):
        """Stopped, and started anew."""
        expect(f"{self.kind}: the plan has a restart", self.restarts, True)
        since = time.monotonic()
        node.stop()
        yield
        node.start()
        node.wait_ready(20)
        self.down.append((since, time.monotonic()))


def publish_list(signers=("federation.key",), keys=("federation.key",), to=None, version=None):
    """Of the party.json of each; signed by `keys`, in force at all."""
    path = f.folder / "membership.json"
    words = [word for node in f.nodes.values() for word in ("--party", node.folder / "party.json")]
    words += [word for signer in signers for word in ("--signer", f.folder / f"{signer}.pub")]
    f.sluis("membership", "compose", path, "--federation", "Demo federation of Waterrijk", "--list-version", version or next(versions), *words)
    for key in keys:
        f.sluis("membership", "sign", path, "--key", f.folder / key)
    document = path.read_text()
    for node in to or f.nodes.values():
        load_list(node, document)
    return document


def load_list(node, document):
    return node.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")


def party(node, change):
    path = node.folder / "party.json"
    said = json.loads(path.read_text())
    change(said)
    put(path, json.dumps(said), 0o644)


def later(seconds):
    """Both clocks; between the two a claim would be of the future."""
    with load.held():
        for node in (w, d):
            node.call("NodeService/DemoClock", {"bySeconds": seconds}, role="operator")


def now():
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def agree(dataset=DATASET):
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": dataset, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    return made["agreement"], d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]


def refusal(transfer):
    """The code with which a pull is refused; "whole" if it is not."""
    try:
        return "whole" if d.pull(transfer, CROWD, ACTIVITY)[1] else "cut"
    except Refused as refused:
        return json.loads(refused.body).get("code")


def receipt_of(node, kind):
    index = int(node.log(kinds=[kind])[0]["index"])
    return node.call("AuditService/Proof", {"index": index}, role="dpo")["receipt"]


def holds(text, key):
    path = f.folder / "receipt"
    path.write_text(text)
    path.chmod(0o644)
    return f.sluis("audit", "verify-proof", path, "--key", key, check=False).returncode


def shown_by(port, name="localhost"):
    """Fingerprint of the certificate that a listener shows."""
    try:
        pem = ssl.get_server_certificate((name, port), timeout=10)
    except OSError:
        return "none"
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()


def fingerprint(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem[:pem.index("-----END CERTIFICATE-----") + 26])).hexdigest()


def peer_sees(certificate, key):
    """What Waterrijk answers to who shows this certificate: the dataspace catalogue, as a member may ask it."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    context.load_cert_chain(certificate, key)
    ask = urllib.request.Request(f"https://localhost:{w.port}/2025-1/catalog/request", method="POST", headers={"Content-Type": "application/json"},
                                 data=json.dumps({"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"}).encode())
    try:
        with urllib.request.urlopen(ask, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def metric(node, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{node.port + 2}/metrics", timeout=5).read().decode()
    return [float(line.split(" ")[-1]) for line in text.splitlines() if line.startswith(name)]


class Stream(threading.Thread):
    """A slow pull that runs while keys change."""

    def __init__(self, transfer):
        super().__init__(daemon=True)
        self.transfer, self.whole = transfer, None
        self.begun = threading.Event()
        self.start()
        expect("a slow pull begins", self.begun.wait(20), True)

    def run(self):
        try:
            self.whole = d.pull(self.transfer, CROWD, ACTIVITY, on_chunk=lambda got: self.begun.set(), timeout=120)[1]
        except Refused as refused:
            self.whole = refused.body


# -- each kind --------------------------------------------------------------------------------------------------------------------

def tls(paced):
    with Change("tls") as change:
        change.says("the same organisation's number")
        old = {node: ((node.folder / "tls/node.pem").read_text(), (node.folder / "tls/node.key").read_text()) for node in (w, d)}
        new = {node: of_party(f.folder, f"{node.key}-next", node.name, node.oin) for node in (w, d)}
        for node in (w, d):  # by fingerprint alone: the strictest list
            party(node, lambda said, node=node: said.update(certificates=[{"sha256": fingerprint(old[node][0]), "from": now()}]))
        publish_list()
        load.go_on()
        change.says("put beside the old one")
        for node in (w, d):
            party(node, lambda said, node=node: said["certificates"].append({"sha256": fingerprint(new[node][0].read_text()), "from": now()}))
        publish_list()
        stream = Stream(paced)
        change.says("moved there")
        for node in (w, d):
            put(node.folder / "tls/node.pem", new[node][0].read_text(), 0o644)
            load.go_on()  # between the two
            doctor = json.dumps(node.call("NodeService/Doctor", {}, role="operator"))
            expect(f"{node.key}: one of two is told", ("node.key" in doctor, max(metric(node, "sluis_tls_files_refused{"))), (True, 1.0))
            put(node.folder / "tls/node.key", new[node][1].read_text())
            change.says("sluis doctor")
            doctor = json.dumps(node.call("NodeService/Doctor", {}, role="operator"))
            expect(f"{node.key}: both are in order", ("node.key" in doctor, max(metric(node, "sluis_tls_files_refused{"))), (False, 0.0))
            expect(f"{node.key}: shown at both listeners", {shown_by(node.port), shown_by(node.port + 1)}, {fingerprint(new[node][0].read_text())})
        load.go_on()
        expect("the slow pull goes on", stream.whole, None)
        change.says("end in the list, and revoked")
        shown = {}
        for name, (certificate, key) in (("old", old[d]), ("new", (new[d][0].read_text(), new[d][1].read_text()))):
            shown[name] = f.folder / f"shown-{name}.pem", f.folder / f"shown-{name}.key"
            for file, text in zip(shown[name], (certificate, key)):
                file.write_text(text)
            expect(f"the {name} certificate at the other party, as both are listed", peer_sees(*shown[name]), 200)
        put(w.folder / "tls/crl.pem", revocation_lists(f.folder, shown["old"][0], reason="superseded"), 0o644)
        expect("once it is revoked", (peer_sees(*shown["old"]), peer_sees(*shown["new"])), (404, 200))
        load.go_on()
        put(w.folder / "tls/crl.pem", revocation_lists(f.folder), 0o644)
        expect("or is not any more", peer_sees(*shown["old"]), 200)
        for node in (w, d):
            party(node, lambda said: said["certificates"].pop(0))
        publish_list()
        load.go_on()
        stream.join(90)
        expect("a pull that began with the old one comes whole", stream.whole, True)
        expect("the old certificate at the other party, and the new one", (peer_sees(*shown["old"]), peer_sees(*shown["new"])), (404, 200))


def claim():
    with Change("claim", restarts=True) as change:
        old_key = d.folder / "keys/claim.key"
        change.says("openssl ecparam -name prime256v1 -genkey -noout")
        put(d.folder / "keys/claim-2.key", openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout"))
        point = openssl("ec", "-in", d.folder / "keys/claim-2.key", "-pubout", "-outform", "DER")[-64:]
        coordinates = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (point[:32], point[32:])]
        party(d, lambda said: said["claim_keys"].append({"kty": "EC", "crv": "P-256", "kid": "claim-2", "x": coordinates[0], "y": coordinates[1], "from": now()}))
        publish_list()
        with change.away(d):
            edit(d, 'claim = "keys/claim.key"', 'claim = "keys/claim-2.key"')
            edit(d, 'claim_kid = "claim-1"', 'claim_kid = "claim-2"')
        load.go_on()
        change.says("have the old one end in the list")
        party(d, lambda said: said["claim_keys"].pop(0))
        publish_list()
    for kid, file, wanted in (("claim-1", old_key.name, ("claim.unknown_key",)), ("claim-2", "claim-2.key", ("whole",))):
        d.stop()
        text = (d.folder / "node.toml").read_text()
        put(d.folder / "node.toml", re.sub(r'claim_kid = ".*"', f'claim_kid = "{kid}"', re.sub(r'claim = ".*"', f'claim = "keys/{file}"', text)), 0o644)
        d.start()
        d.wait_ready(20)
        expect(f"a pull by {kid}", refusal(load.transfer), *wanted)


class Asking(threading.Thread):
    """An application that pulls, and asks again what it did not get, until that comes."""

    def __init__(self, transfer):
        super().__init__(daemon=True)
        self.transfer, self.over, self.whole, self.again, self.lost = transfer, threading.Event(), 0, 0, 0
        self.start()

    def run(self):
        while not self.over.is_set():
            until = time.monotonic() + 20
            while not self.asked():
                self.again += 1
                if time.monotonic() > until:
                    self.lost += 1
                    break
                time.sleep(0.05)

    def asked(self):
        try:
            good = d.pull(self.transfer, CROWD, ACTIVITY)[1]
        except (Refused, OSError):
            good = False
        self.whole += bool(good)
        return good


def goes_over(key):
    """Asked for at the running node; when it was away."""
    since = time.monotonic()
    done = w.command("log", "follow", "--no-input", role="operator")
    expect("log follow" + done.stderr, done.returncode, 0)

    def newest():
        try:
            return w.call("NodeService/Status", {})["logOrigin"] == key.split("+")[0]
        except (OSError, Refused, KeyError):
            return False
    wait_for("the new log is written", newest)
    w.wait_ready(20)
    return since, time.monotonic()


def log():
    with Change("log") as change:
        old_key, old_receipt = (w.folder / "log.vkey").read_text().strip(), receipt_of(w, "decision")
        change.says("sluis log next")
        early = w.command("log", "follow", "--no-input", role="operator")
        expect("nothing is prepared, and nothing follows", (early.returncode, "sluis log next" in early.stderr), (1, True))
        new_key = w.command("log", "next").stdout.strip()
        early = w.command("log", "follow", "--no-input", role="operator")
        expect("others do not know it yet", (early.returncode, "membership list" in early.stderr), (1, True))
        party(w, lambda said: said["log_origins"].append({**said["log_origins"][0], "origin": new_key.split("+")[0], "vkey": new_key}))
        publish_list()
        change.says("sluis log follow")
        refused = w.command("log", "follow", "--no-input", role="steward")
        expect("an operator does it", refused.returncode, 1)
        dry = w.command("log", "follow", "--dry-run", role="operator")
        expect("a dry run changes nothing" + dry.stderr, (dry.returncode, w.call("NodeService/Status", {})["logOrigin"]), (0, old_key.split("+")[0]))
        asking = [Asking(load.transfer) for _ in range(3)]
        wait_for("all of them get data", lambda: all(one.whole > 1 for one in asking))
        change.down.append(goes_over(new_key))
        seen = [one.whole for one in asking]
        wait_for("and do so after it", lambda: all(one.whole > before + 1 for one, before in zip(asking, seen)))
        for one in asking:
            one.over.set()
        for one in asking:
            one.join(60)
        expect("nobody is left without an answer", [one.lost for one in asking], [0, 0, 0])
        load.go_on()
        expect("the new one signs", w.call("NodeService/Status", {})["logOrigin"], new_key.split("+")[0])
        (ended,), (begun,) = w.log(kinds=["log-ended"]), w.log(kinds=["log-begun"])
        previous = json.loads(begun["document"])["previous"]
        expect("the last checkpoint covers the end, and nothing comes after it", (int(previous["size"]), previous["checkpoint"].split("\n")[1], int(begun.get("leaf", 0))),
               (int(ended["leaf"]) + 1, str(int(ended["leaf"]) + 1), 0))
        expect("who asked for it is named", bool(begun.get("person")), True)
        whole = sum(one.whole for one in asking)
        expect("each release that came whole is on record", len(w.wait_log(whole, kinds=["stream-end"])) >= whole, True)
        expect("a receipt of before holds, by the old key alone", (holds(old_receipt, old_key), holds(old_receipt, new_key)), (0, 1))
        newest = w.call("AuditService/Checkpoint", role="dpo")["note"]
        expect("the old one signs nothing any more", (old_key.split("+")[0] + "\n" in newest, newest.startswith(new_key.split("+")[0] + "\n")), (False, True))
    return old_key, new_key, old_receipt


def witness():
    with Change("witness", restarts=True) as change:
        key_of = lambda: re.findall(r'[^" =]*/witness\+[^" ]+', (f.folder / "duinmeer.log").read_text())[-1].rstrip('",')  # noqa: E731
        old = key_of()
        change.says("sluis membership key FILE makes a new one")
        f.sluis("membership", "key", d.folder / "keys/witness-2.key")
        with change.away(d):
            edit(d, 'witness = "keys/witness.key"', 'witness = "keys/witness-2.key"')
        new = key_of()
        expect("another key", old == new, False)
        change.says("they name both for a while")
        with change.away(w):
            configure(w, f'\n[[witnesses.witness]]\nkey = "{new}"\nurl = "https://localhost:{d.port}"\n')

        def complete():
            later(61)  # a new public checkpoint is due, and has its time to be cosigned before another is
            until = time.monotonic() + 5
            while time.monotonic() < until:
                if metric(w, f'sluis_witness_cosigned{{witness="{"+".join(new.split("+")[:2])}"}}') == [1.0]:
                    return True
                time.sleep(0.1)
            return False
        wait_for("the new one cosigns", complete)
        with change.away(w):
            text = (w.folder / "node.toml").read_text()
            put(w.folder / "node.toml", text.replace(f'[[witnesses.witness]]\nkey = "{old}"\nurl = "https://localhost:{d.port}"\n', "", 1), 0o644)
        expect("the old one is not named any more", old in (w.folder / "node.toml").read_text(), False)
        wait_for("and is enough", complete)


def membership():
    with Change("membership", restarts=True) as change:
        change.says("enough of the old signatures that names the new signers")
        f.sluis("membership", "key", f.folder / "second.key")
        publish_list(("federation.key", "second.key"), ("federation.key",))
        change.says("add the new public key to [membership]")
        for node in (w, d):
            with change.away(node):
                shutil.copy2(f.folder / "second.key.pub", node.folder / "keys/second.pub")
                own(node.folder / "keys/second.pub")
                (node.folder / "keys/second.pub").chmod(0o644)
                line = next(line for line in (node.folder / "node.toml").read_text().splitlines() if line.startswith("keys = ["))
                edit(node, line, line.replace("]", ', "keys/second.pub"]'))
        publish_list(("second.key",), ("second.key",))
        change.says("take the old one out once every list in use is signed by the new")
        for node in (w, d):
            with change.away(node):
                edit(node, line.replace("]", ', "keys/second.pub"]'), 'keys = ["keys/second.pub"]')
        load.go_on()
        f.sluis("membership", "compose", f.folder / "old.json", "--federation", "Demo federation of Waterrijk", "--list-version", next(versions), "--signer",
                f.folder / "federation.key.pub", *(word for node in f.nodes.values() for word in ("--party", node.folder / "party.json")))
        f.sluis("membership", "sign", f.folder / "old.json", "--key", f.folder / "federation.key")
        try:
            load_list(d, (f.folder / "old.json").read_text())
            expect("a list of the old signer", "taken", "refused")
        except Refused as refused:
            expect("a list of the old signer", refused.status, 403)


def roles():
    with Change("roles") as change:
        change.says("sluis role add")
        old = d.token("application")
        holder = "application of Gemeente Duinmeer"
        f.sluis("role", "add", "--config", d.folder / "node.toml", "--role", "application", "--person", "Planner", "--activity", ACTIVITY,
                "--token-file", d.folder / "tokens/next")
        put(d.folder / "tokens/application", (d.folder / "tokens/next").read_text())
        load.go_on()
        change.says("a running node reads it at once")
        f.sluis("role", "end", "--config", d.folder / "node.toml", "--role", "application", "--person", holder)
        ask = urllib.request.Request(f"http://127.0.0.1:{d.port + 2}/intake/{load.transfer}", headers={"Authorization": f"Bearer {old}", "Sluis-Purpose": CROWD, "Sluis-Activity": ACTIVITY})
        try:
            urllib.request.urlopen(ask, timeout=10).read()
            expect("the old token", "taken", "refused")
        except urllib.error.HTTPError as error:
            expect("the old token", error.code, 401)


def payloads():
    with Change("payloads") as change:
        change.says("a new one begins with each month by itself")
        files = lambda: {path.name for path in (w.folder / "payload_keys").glob("*.key")}  # noqa: E731
        before, receipt = files(), receipt_of(w, "agreement")
        today = datetime.datetime.fromisoformat(re.sub(r"\.\d+", "", w.call("NodeService/DemoClock", {"bySeconds": 1, "dryRun": True}, role="operator")["now"]).replace("Z", "+00:00"))
        following = (today.replace(day=1) + datetime.timedelta(days=32)).replace(day=1, hour=0, minute=0, second=30)
        later(int((following - today).total_seconds()))
        wait_for("with the next month, the next key", lambda: files() > before)
        load.go_on()
        expect("what the one before seals is read", bool(w.log(kinds=["agreement"])[0].get("agreement")), True)
        expect("and a receipt of before holds", holds(receipt, keys[0]), 0)


def node():
    with Change("node", restarts=True) as change:
        change.says("complete or terminate the transfers in which this node is the consumer")
        left = agree()[1]
        with load.held("pull"):
            d.call("TransferService/Complete", {"id": load.transfer})
            agreement = d.call("TransferService/Show", {"id": load.transfer})["transfer"]["agreement"]
            with change.away(d):
                put(d.folder / "keys/node.key", os.urandom(32))
                put(d.folder / "keys/node.key.changed", b"")
            expect("what was said of the change holds for that one alone", (d.folder / "keys/node.key.changed").exists(), False)
            load.transfer = d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]["id"]
        expect("what was left open gives no access any more, and says so", refusal(left), "transfer.not_open")
        expect("which is on record", "another key of this node" in d.log(kinds=["decision"])[-1]["sentence"], True)
        expect("and can be ended", d.call("TransferService/Terminate", {"id": left, "code": "key", "sentence": "the key is another"})["transfer"]["state"] != "STARTED", True)


def collector():
    shown = []

    class Taker(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            shown.append(self.headers["Authorization"])
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", COLLECTOR), Taker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    put(w.folder / "keys/otel.credential", "Bearer one\n")
    w.stop()
    configure(w, f'\n[[collector]]\nurl = "http://127.0.0.1:{COLLECTOR}/"\nforms = ["adl"]\ncredential = "keys/otel.credential"\n')
    w.start()
    w.wait_ready(20)
    load.go_on()
    try:
        with Change("collector") as change:
            wait_for("records go with the old credential", lambda: "Bearer one" in shown)
            change.says("it is read for each request")
            put(w.folder / "keys/otel.credential", "Bearer two\n")
            wait_for("and with the new one at once", lambda: "Bearer two" in shown)
            load.go_on()
            expect("and never with the old one again", "Bearer one" in shown[shown.index("Bearer two"):], False)
    finally:
        server.shutdown()


def management():
    """Last: from then on Waterrijk's management interface has TLS, and these tests ask Duinmeer's alone."""
    first, second = (of_party(f.folder, f"management-{i}", "Gemeente Waterrijk", "") for i in (1, 2))
    shutil.copy2(w.folder / "tls/roots.pem", w.folder / "tls/staff.pem")
    own(w.folder / "tls/staff.pem")
    with Change("management") as change:
        w.stop()
        since = time.monotonic()
        listen = f'listen = "127.0.0.1:{w.port + 2}"'
        edit(w, listen, f'{listen}\ngrpc = "127.0.0.1:{GRPC}"')
        configure(w, '\n[management.tls]\ncertificate = "tls/management.pem"\nkey = "tls/management.key"\nroots = "tls/staff.pem"\n')
        put(w.folder / "tls/management.pem", first[0].read_text(), 0o644)
        put(w.folder / "tls/management.key", first[1].read_text())
        w.start()

        def ready():
            with contextlib.suppress(OSError):
                context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
                return urllib.request.urlopen(f"https://localhost:{w.port + 2}/readyz", context=context, timeout=2).status == 200
        wait_for("management has TLS", ready)
        change.down.append((since - 1, time.monotonic()))
        expect("its certificate", (shown_by(w.port + 2), shown_by(GRPC)), (fingerprint(first[0].read_text()),) * 2)
        load.go_on()
        change.says("moved there")
        put(w.folder / "tls/management.pem", second[0].read_text(), 0o644)
        expect("one of two: the old one goes on", (shown_by(w.port + 2), ready()), (fingerprint(first[0].read_text()), True))
        put(w.folder / "tls/management.key", second[1].read_text())
        expect("both: the new one", (shown_by(w.port + 2), ready()), (fingerprint(second[0].read_text()), True))
        wait_for("gRPC shows it as well", lambda: shown_by(GRPC) == fingerprint(second[0].read_text()))


def verified(old_key, new_key, old_receipt):
    """Both logs, of the stopped nodes; and what was proven before."""
    for node in (w, d):
        node.stop()
    for name, of, words, key in (("Waterrijk's first", w, ("--origin", old_key.split("+")[0]), old_key), ("Waterrijk's second", w, (), new_key),
                                 ("Duinmeer's", d, (), (d.folder / "log.vkey").read_text().strip())):
        folder = f.folder / f"export-{name.replace(chr(39), '').replace(' ', '-')}"
        f.sluis("audit", "export-log", folder, "--config", of.folder / "node.toml", *words)
        done = f.sluis("audit", "verify", "--log", folder, "--key", key, check=False)
        expect(f"{name} log verifies", done.returncode, 3)  # without an anchor: consistent
    expect("a receipt of before all that still holds", holds(old_receipt, old_key), 0)


load = None
try:
    f.make()
    for one in (w, d):
        configure(one, "\n[quota]\nnegotiations_per_minute = 100000\n")
    put(w.folder / "tls/crl.pem", revocation_lists(f.folder), 0o644)
    edit(w, '# crl = "tls/crl.pem"', 'crl = "tls/crl.pem"')
    f.sluis("membership", "key", d.folder / "keys/witness.key")
    edit(d, "[data]", 'witness = "keys/witness.key"\n\n[data]')
    f.start()
    f.join()
    w.stop()
    own_key = re.findall(r'[^" =]*/witness\+[^" ]+', (f.folder / "duinmeer.log").read_text())[-1].rstrip('",')
    configure(w, f'\n[witnesses]\nquorum = 1\n\n[[witnesses.witness]]\nkey = "{own_key}"\nurl = "https://localhost:{d.port}"\n')
    w.start()
    w.wait_ready()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts")
    w.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts-paced").replace("16 KiB/s", "48 KiB/s"), "file": "paced.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    paced = agree(PACED)[1]
    load = Load(agree()[1])
    listed = json.loads(f.sluis("key", "list", "--config", w.folder / "node.toml", "--json", check=False).stdout)["keys"]
    expect("no kind of key is left out here", {one["kind"] for one in listed} <= set(KINDS), True)
    tls(paced)
    claim()
    keys = log()
    roles()
    witness()
    membership()
    payloads()
    node()
    collector()
    management()
    load.stop()
    verified(*keys)
finally:
    if load:
        load.stopped.set()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
