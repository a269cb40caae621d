"""The story of the demo, scene by scene. Every scene is one or more assertions on what really happened."""
import argparse
import csv
import datetime
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time

from federation import DISK, MARKETING, PURPOSE, ROOT, Federation, Refused, remove_user, scratch, take_down

DEMO = DISK / "sluis-demo"
CROWD, NAVIGATION = PURPOSE + "CrowdManagement", PURPOSE + "Navigation"
DETAILED, PACED, PARKING = "urn:waterrijk:detailed-counts", "urn:waterrijk:detailed-counts-paced", "urn:stroomplein:parking"
ACTIVITY_CROWD = "https://duinmeer.example/activities/crowd"
ACTIVITY_ROUTES = "https://waterrijk.example/activities/routes"
MOVED = datetime.timedelta(days=8)  # all clocks, in scene 8
STREETS = ("Mary st/Jervis st", "Capel st/Mary street", "Grafton st/Monsoon", "Grafton Street/CompuB")


class Story:
    def __init__(self, federation):
        self.f = federation
        self.w, self.d, self.s, self.p = (federation.nodes[k] for k in ("waterrijk", "duinmeer", "stroomplein", "parkwijs"))
        self.passed = self.failed = 0

    def play(self):
        scenes = [self.publish, self.open_data, self.catalogues, self.negotiate, self.pull, self.function_creep, self.equal_refusal,
                  self.retention, self.cut, self.dpo_lists, self.dpo_verifies]
        for number, scene in enumerate(scenes, 1):
            title = scene.__doc__.split("\n")[0]
            try:
                scene()
                self.passed += 1
                print(f"✓ {number:2} {title}", flush=True)
            except Exception as error:  # a scene that breaks in any way is a scene that failed
                self.failed += 1
                print(f"✗ {number:2} {title}\n     {type(error).__name__}: {error}", flush=True)

    def check(self, what, good):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'✓' if good else '✗'}    {what}", flush=True)

    @staticmethod
    def holds(condition, what):
        if not condition:
            raise AssertionError(what)

    def runs(self, node, *words, role=None, code=0):
        """A command, as somebody with that role types it at that node. What it printed: data, then messages."""
        done = node.command(*words, role=role)
        self.holds(done.returncode == code, f"sluis {' '.join(map(str, words))}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def request(self, node, peer, dataset, purpose):
        return node.call("AgreementService/Request", {"peer": peer.participant, "offer": dataset, "purpose": purpose, "waitSeconds": 15})["negotiation"]

    def settled(self, node, negotiation, state):
        until = time.monotonic() + 10
        while time.monotonic() < until:
            shown = node.call("AgreementService/Show", {"id": negotiation["id"], "waitSeconds": 5})
            if shown.get("negotiation", {}).get("state") == state:
                return shown
        raise AssertionError(f"{node.key}: not {state}: {shown}")

    def agree(self, consumer, provider, dataset, purpose):
        negotiation = self.request(consumer, provider, dataset, purpose)
        shown = self.settled(consumer, negotiation, "FINALIZED")
        agreement = shown["negotiation"]["agreement"]
        return consumer.call("AgreementService/Show", {"id": agreement})["agreement"]

    def start_transfer(self, node, agreement):
        transfer = node.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]
        if transfer.get("state") != "STARTED":
            transfer = node.call("TransferService/Show", {"id": transfer["id"], "waitSeconds": 10})["transfer"]
        self.holds(transfer.get("state") == "STARTED", f"the transfer did not start: {transfer}")
        return transfer

    def publish(self):
        """Waterrijk publishes open counts and detailed counts"""
        self.f.put_data(self.w, "open-counts.csv", "footfall-2023-06.csv", *STREETS)
        self.f.put_data(self.w, "detailed-counts.csv", "footfall-2023-06.csv")
        self.f.publish(self.w, "open-counts", "detailed-counts")
        listed = {d["id"] for d in self.w.call("DatasetService/List")["datasets"]}
        self.holds(listed == {"urn:waterrijk:open-counts", DETAILED}, f"published: {listed}")
        self.holds(len(self.w.log(kinds=["published"])) == 2, "each publication has its entry")

    def open_data(self):
        """Anybody downloads the open counts; the hour's count is in the log"""
        rows = list(csv.DictReader(io.StringIO(self.w.open_data("/open/urn:waterrijk:open-counts").decode())))
        self.holds({row["counter"] for row in rows} == set(STREETS) and len(rows) == 4 * 720, "four streets, one row an hour")
        source = list(csv.DictReader((self.w.folder / "datasets/open-counts.csv").open(encoding="utf-8")))
        hidden = 0
        for shown, real in zip(rows, source):
            cells = [(shown[c], real[c]) for c in ("total", "in", "out")]
            for s, r in cells:
                self.holds(s == "x" or s == r, f"a cell is neither real nor hidden: {shown} {real}")
                self.holds(r != "" or s == "", "no reading stays empty")
                self.holds(r == "" or int(r) >= 10 or s == "x", f"a small cell is shown: {shown}")
            hidden_here = sum(s == "x" for s, _ in cells)
            self.holds(hidden_here != 1 or any(r == "" for _, r in cells), f"a hidden cell can be computed back: {shown}")
            hidden += hidden_here
        self.holds(hidden > 100, "the data have small cells")
        self.holds(len(self.w.wait_log(1, kinds=["open-hour"])) == 1, "the log has the opened hour")

    def catalogues(self):
        """Three parties see the same offer, each with the proof that it stands in Waterrijk's log"""
        hashes = set()
        for node in (self.d, self.s, self.p):
            found = node.call("CatalogService/Fetch", {"peer": self.w.participant})
            offer = next(d for d in found["datasets"] if d["dataset"] == DETAILED)["offers"][0]
            self.holds(offer["proof"] == "proven" and offer["usable"], f"{node.key} has the proof: {offer}")
            hashes.add(offer["offer"]["hash"])
        self.holds(len(hashes) == 1, f"one offer for all: {hashes}")
        self.offer_hash = hashes.pop()

    def negotiate(self):
        """Duinmeer and Waterrijk agree on crowd management; both hold the same agreement"""
        self.agreement = self.agree(self.d, self.w, DETAILED, CROWD)
        theirs = self.w.call("AgreementService/Show", {"id": self.agreement["id"]})["agreement"]
        self.holds(theirs["agreementHash"] == self.agreement["agreementHash"], "the same hash on both sides")
        self.holds(self.agreement["offerHash"] == self.offer_hash, "it follows the published offer")
        for node in (self.d, self.w):
            finalized = node.wait_log(1, kinds=["negotiation"], event="finalized", dataset=DETAILED)
            self.holds(any(e["event"].lower() == "finalized" for e in finalized), f"{node.key} recorded FINALIZED")

    def pull(self):
        """Duinmeer's application pulls through its own node; both logs hold the same transaction"""
        self.d.call("ActivityService/Publish", {"id": ACTIVITY_CROWD, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
        self.transfer = self.start_transfer(self.d, self.agreement["id"])
        data, whole = self.d.pull(self.transfer["id"], CROWD, ACTIVITY_CROWD)
        self.holds(whole and data == (self.w.folder / "datasets/detailed-counts.csv").read_bytes(), f"the whole file came: {len(data)} bytes")
        released = [e for e in self.w.wait_log(1, kinds=["decision"], party=self.d.participant) if e.get("decision") == "permit"]
        received = self.d.wait_log(1, kinds=["received"], party=self.w.participant)
        self.holds(len(released) == 1 and len(received) == 1, f"one release, one receipt: {released} {received}")
        self.holds(released[0]["transaction"] == received[0]["transaction"], "the same transaction in both logs")
        ended = self.w.wait_log(1, kinds=["stream-end"], party=self.d.participant)
        digest = hashlib.sha256(data).hexdigest()
        self.holds(ended[0]["digest"] == digest == received[0]["digest"], "both recorded the digest of what came")

    def function_creep(self):
        """Marketing under that agreement is refused by Duinmeer's own node, and by Waterrijk's gate"""
        try:
            self.d.pull(self.transfer["id"], MARKETING, ACTIVITY_CROWD)
            raise AssertionError("marketing was released")
        except Refused as refused:
            own = json.loads(refused.body)
        self.explains(own)
        entries = self.refusals_at(self.d)
        self.holds([e["reason"] for e in entries] == ["purpose"], f"Duinmeer's log has its refusal: {entries}")
        self.holds(not self.refusals_at(self.w), "Waterrijk was not even asked")
        status, theirs = self.rogue_asks(self.d, self.transfer, MARKETING, ACTIVITY_CROWD)
        self.holds(status == 403, f"the gate refused the rogue: {status} {theirs}")
        self.explains(theirs)
        entries = self.refusals_at(self.w)
        self.holds([e["reason"] for e in entries] == ["purpose"], f"Waterrijk's log has the rogue: {entries}")
        print(f"     Duinmeer's own node: {own['reason'][0]}\n     Waterrijk's gate:    {theirs['reason'][0]}")

    def rogue_asks(self, node, transfer, purpose, activity):
        """Past its own node, with that node's keys and handle, straight at the provider's gate. Status and body."""
        node.stop()  # the rogue reads what the node keeps, as an insider would
        rogue = subprocess.run([*self.f.leave_root, self.f.rogue, "--config", node.folder / "node.toml", "--transfer", transfer["id"],
                                "--purpose", purpose, "--activity", activity], capture_output=True, text=True)
        node.start()
        node.wait_ready()
        self.holds(rogue.returncode == 0, f"the rogue was answered: {rogue.stdout}{rogue.stderr}")
        status, body = rogue.stdout.split(" ", 1)
        return int(status), json.loads(body)

    def explains(self, refusal):
        parameters = refusal.get("parameters", {})
        self.holds(refusal["code"] == "purpose", f"the reason is the purpose: {refusal}")
        self.holds({"rule", "constraint", "asked", "needed"} <= parameters.keys(), f"rule, constraint, asked, needed: {parameters}")
        self.holds("Marketing" in parameters["asked"] and "CrowdManagement" in parameters["needed"], f"both purposes: {parameters}")
        self.holds(refusal["reason"] and refusal["reason"][0], "there is a sentence")

    def equal_refusal(self):
        """Stroomplein and Parkwijs ask for marketing: the same refusal; for crowd management Stroomplein gets it"""
        reasons = []
        for node in (self.s, self.p):
            said, _ = self.runs(node, "agreement", "request", self.w.participant, DETAILED, "--purpose", MARKETING, "--wait", "-o", "json", code=1)
            negotiation = json.loads(said)["negotiation"]
            self.holds(negotiation["state"] == "TERMINATED", f"{node.key} is refused: {negotiation}")
            reasons.append(negotiation["reason"])
        self.holds(reasons[0] == reasons[1] and reasons[0]["code"] == "purpose", f"the very same refusal: {reasons}")
        print(f"     Both are told: {reasons[0]['sentences'][0]}")
        self.agree(self.s, self.w, DETAILED, CROWD)

    def retention(self):
        """Stroomplein's parking data: seven days of access, then cut, refused, deletion due, confirmed and receipted"""
        self.f.put(self.s, "parking.csv", (pathlib.Path(__file__).parent / "data/parking-2026-07-06_2026-07-07.csv").read_text(encoding="utf-8"))
        self.f.publish(self.s, "parking")
        self.w.call("CatalogService/Fetch", {"peer": self.s.participant})
        self.w.call("ActivityService/Publish", {"id": ACTIVITY_ROUTES, "purpose": NAVIGATION, "from": "2026-01-01T00:00:00Z", "title": "Routes to free places"})
        said, _ = self.runs(self.w, "agreement", "request", self.s.participant, PARKING, "--purpose", NAVIGATION, "--wait", "-o", "json")
        negotiation = json.loads(said)["negotiation"]
        self.holds(negotiation["state"] == "FINALIZED", f"agreed: {negotiation}")
        agreement = negotiation["agreement"]
        transfer = self.start_transfer(self.w, agreement)
        asks = ("pull", transfer["id"], "--purpose", NAVIGATION, "--activity", ACTIVITY_ROUTES, "-O")
        fetched = self.f.folder / "fetched-parking.csv"
        _, told = self.runs(self.w, *asks, fetched)
        data = fetched.read_bytes()
        self.holds(told == f"{fetched}: {len(data.splitlines()) - 1} rows, {len(data)} bytes\n", f"a first pull came whole: {told}")
        ended = self.s.wait_log(1, kinds=["stream-end"], party=self.w.participant)
        self.holds(ended[0]["digest"] == hashlib.sha256(data).hexdigest(), f"as it was sent: {ended}")
        began, result = threading.Event(), {}

        def slow():
            result["data"], result["whole"] = self.w.pull(transfer["id"], NAVIGATION, ACTIVITY_ROUTES, on_chunk=lambda _: began.set())

        puller = threading.Thread(target=slow)
        puller.start()
        self.holds(began.wait(10), "the paced pull began")
        started = time.monotonic()
        # The provider's clock first: its gate cuts, where otherwise Waterrijk's own node might, which has the same terms.
        for node in (self.s, self.w, self.d, self.p):
            node.call("NodeService/DemoClock", {"bySeconds": MOVED.total_seconds()}, role="operator")
        self.holds(time.monotonic() - started < 1, "four clocks within a second")
        puller.join(10)
        self.holds(not puller.is_alive() and not result["whole"] and len(result["data"]) < len(data), "the stream was cut")
        cuts = self.s.wait_log(1, kinds=["cut"], party=self.w.participant)
        self.holds([e["reason"] for e in cuts] == ["elapsed"], f"Stroomplein cut it, and says why: {cuts}")
        received = self.w.wait_log(2, kinds=["received"], party=self.s.participant)[-1]
        self.holds((received["transaction"], received["end"]) == (cuts[0]["transaction"], "cut"), f"Waterrijk knows it is not whole: {received}")
        self.refused_as_elapsed(transfer)
        _, told = self.runs(self.w, *asks, self.f.folder / "late.csv", code=1)
        self.holds("refused (elapsed)" in told and not (self.f.folder / "late.csv").exists(), f"nor with the command: {told}")
        due, _ = self.runs(self.w, "retention", "list", "--due", "-o", "name", role="privacy_officer")
        self.holds(due == agreement + "\n", f"the deletion is due: {due}")
        fetched.unlink()  # what is confirmed has been done
        self.runs(self.w, "retention", "confirm", agreement, role="dpo", code=1)
        said, _ = self.runs(self.w, "retention", "confirm", agreement, role="privacy_officer")
        self.holds(["state", "confirmed"] in [line.split() for line in said.splitlines()], f"the deletion is confirmed: {said}")
        self.runs(self.w, "retention", "confirm", agreement, role="privacy_officer", code=1)
        receipts = self.s.wait_log(1, limit=8, kinds=["receipt"], event="retention-confirmed", party=self.w.participant)
        self.holds(any(e["event"] == "retention-confirmed" for e in receipts), f"the receipt reached Stroomplein: {receipts}")

    def refused_as_elapsed(self, transfer):
        """By Waterrijk's own node; and, for who goes past that, by Stroomplein's gate, which writes it down."""
        try:
            self.w.pull(transfer["id"], NAVIGATION, ACTIVITY_ROUTES)
            raise AssertionError("data after the access had ended")
        except Refused as refused:
            own = json.loads(refused.body)
        self.holds(own["code"] == "elapsed", f"refused as elapsed: {own}")
        self.holds(not self.refusals_at(self.s), "Stroomplein was not even asked")
        status, theirs = self.rogue_asks(self.w, transfer, NAVIGATION, ACTIVITY_ROUTES)
        self.holds((status, theirs["code"]) == (403, "elapsed"), f"the gate refused the rogue: {status} {theirs}")
        refused = self.refusals_at(self.s)
        self.holds([(e["counterparty"], e["reason"]) for e in refused] == [(self.w.participant, "elapsed")], f"Stroomplein's log has the rogue: {refused}")
        print(f"     Waterrijk's own node: {own['reason'][0]}\n     Stroomplein's gate:   {theirs['reason'][0]}")

    @staticmethod
    def at(entry):
        """The time of an entry, to the microsecond. All nodes of the demo stand on one machine and share its clock."""
        return datetime.datetime.fromisoformat(entry["time"].replace("Z", "+00:00"))

    @staticmethod
    def refusals_at(node):
        return node.log(kinds=["decision"], decision="refused")

    def cut(self):
        """Waterrijk ends its agreement during a paced pull: nothing arrives later than a second after"""
        self.f.publish(self.w, "detailed-counts-paced")
        self.d.call("CatalogService/Fetch", {"peer": self.w.participant})
        agreement = self.agree(self.d, self.w, PACED, CROWD)
        transfer = self.start_transfer(self.d, agreement["id"])
        arrivals, result, began = [], {}, threading.Event()

        def arrive(_):
            arrivals.append(datetime.datetime.now(datetime.timezone.utc) + MOVED)
            began.set()

        def slow():
            result["data"], result["whole"] = self.d.pull(transfer["id"], CROWD, ACTIVITY_CROWD, on_chunk=arrive)

        puller = threading.Thread(target=slow)
        puller.start()
        self.holds(began.wait(10), "the paced pull began")
        time.sleep(1.2)
        self.w.call("AgreementService/Terminate", {"id": agreement["id"], "code": "approval.withdrawn", "sentence": "the council withdrew its approval"})
        puller.join(10)
        self.holds(not puller.is_alive() and not result["whole"], "the stream was cut")
        ended = self.at(self.w.wait_log(1, kinds=["agreement-ended"], agreement=agreement["id"])[0])
        received = self.d.wait_log(1, kinds=["received"], agreement=agreement["id"])[0]
        self.holds(received["end"] == "cut" and int(received["bytes"]) >= len(result["data"]) > 0, f"Duinmeer has what came, as cut: {received}")
        last = {"the last byte reached the application": arrivals[-1], "Duinmeer's node had the last of it": self.at(received)}
        for what, when in last.items():
            late = (when - ended).total_seconds()
            self.holds(late <= 1, f"{what} {late:.3f} s after the end was committed")
            print(f"     {what} {abs(late) * 1000:.0f} ms {'after' if late > 0 else 'before'} Waterrijk's log has the end")
        receipts = self.d.wait_log(1, kinds=["receipt"], event="agreement-ended", agreement=agreement["id"])
        self.holds(any(e["event"] == "agreement-ended" for e in receipts), f"Duinmeer has the receipt of the end: {receipts}")
        cuts = self.w.wait_log(1, kinds=["cut"], party=self.d.participant)
        self.holds(any(e["reason"] == "approval.withdrawn" for e in cuts), f"the cut is in the log with its reason: {cuts}")

    def dpo_lists(self):
        """Waterrijk's DPO keeps a checkpoint and lists who got what, for which purpose, and what was refused"""
        until = time.monotonic() + 20
        while len([e for e in self.listed("--kind", "receipt") if e["event"] == "received"]) < len(self.listed("--kind", "cut") + self.listed("--kind", "stream-end")) \
                and time.monotonic() < until:
            time.sleep(0.05)  # what each party's log says of its pulls comes by itself
        kept = self.f.folder / "kept-checkpoint"
        self.runs(self.w, "audit", "checkpoint", "-O", kept, role="dpo")
        self.kept = kept.read_text()
        self.kept_size = int(self.kept.splitlines()[1])
        told, _ = self.runs(self.w, "audit", "log", role="dpo")
        self.holds(len(told.splitlines()) > self.kept_size, "one command lists every entry, below a heading")
        releases = self.listed("--kind", "decision", "--party", self.d.participant, "--decision", "permit")
        self.holds([(e["dataset"], e["purpose"]) for e in releases] == [(DETAILED, CROWD), (PACED, CROWD)], f"two releases to Duinmeer: {releases}")
        cuts = self.listed("--kind", "cut", "--party", self.d.participant)
        self.holds([e["transaction"] for e in cuts] == [releases[1]["transaction"]], f"one of them cut: {cuts}")
        refused = self.listed("--kind", "decision", "--party", self.d.participant, "--decision", "refused")
        self.holds([e["purpose"] for e in refused] == [MARKETING], f"the rogue's refusal: {refused}")
        ended = [e for e in self.listed("--kind", "negotiation", "--dataset", DETAILED) if e["event"] == "terminated"]
        self.holds([e["counterparty"] for e in ended] == [self.s.participant, self.p.participant], f"two terminated negotiations: {ended}")
        theirs = self.listed("--kind", "agreement", "--party", self.s.participant, "--dataset", DETAILED)
        self.holds(len(theirs) == 1, f"one agreement of Stroomplein: {theirs}")
        own = self.listed("--kind", "received", "--dataset", PARKING, "--purpose", NAVIGATION)
        self.holds([e["end"] for e in own] == ["complete", "cut"], f"the own pulls of parking: {own}")
        self.holds(len(self.listed("--kind", "open-hour")) == 1, "the open count")
        self.holds(not self.listed("--from", "2100-01-01"), "nothing of the next century")
        for until in ("2098-12-31T00:00:00Z", "2099-12-31T00:00:00Z"):
            self.w.call("ActivityService/Publish", {"id": ACTIVITY_ROUTES, "purpose": NAVIGATION, "from": "2026-01-01T00:00:00Z", "until": until, "title": "Routes"})
        later, _ = self.runs(self.w, "audit", "checkpoint", role="dpo")
        self.holds(int(later.splitlines()[1]) == self.kept_size + 2, f"two more entries follow: {later}")

    def listed(self, *filters):
        """What Waterrijk's DPO gets with one command."""
        said, _ = self.runs(self.w, "audit", "log", *filters, "-o", "json", role="dpo")
        return json.loads(said)["entries"]

    def dpo_verifies(self):
        """She verifies a copy without the node; a changed byte is named, the insider's cut copy is caught"""
        laptop = self.f.folder / "laptop"
        shutil.rmtree(laptop, ignore_errors=True)
        self.w.stop()
        try:
            self.f.sluis("audit", "export-log", self.w.folder / "export", "--config", self.w.folder / "node.toml", "--payloads")
            subprocess.run([*self.f.leave_root, self.f.insider, "--config", self.w.folder / "node.toml", "--size", str(self.kept_size - 3),
                            "--out", self.w.folder / "cut"], check=True, capture_output=True)
        finally:
            self.w.start()
            self.w.wait_ready()
        laptop.mkdir()
        for name in ("export", "cut"):
            shutil.move(self.w.folder / name, laptop / name)
        key, anchor = laptop / "waterrijk.vkey", laptop / "kept-checkpoint"
        key.write_text((self.w.folder / "log.vkey").read_text())
        anchor.write_text(self.kept)
        subprocess.run(["chmod", "-R", "a+rX", laptop], check=True)

        def verify(folder, *more):
            return self.f.sluis("audit", "verify", "--log", folder, "--key", key, *more, check=False)

        good = verify(laptop / "export", "--anchor", anchor)
        self.holds(good.returncode == 0, f"in order: {good.stdout}{good.stderr}")
        self.holds(verify(laptop / "export").returncode == 3, "without an anchor it is not proven")
        entries = next((laptop / "export/tile/entries").rglob("[0-9]*"))
        while entries.is_dir():
            entries = next(entries.iterdir())
        damaged = bytearray(entries.read_bytes())
        damaged[72 * 5 + 30] ^= 1
        original = entries.read_bytes()
        entries.write_bytes(damaged)
        found = verify(laptop / "export", "--anchor", anchor)
        entries.write_bytes(original)
        self.holds(found.returncode == 1 and "entry 5" in found.stdout + found.stderr, f"the changed byte is named: {found.stdout}")
        cut = verify(laptop / "cut", "--anchor", anchor)
        self.holds(cut.returncode == 1 and "cut short" in cut.stdout + cut.stderr, f"the insider is caught: {cut.stdout}")
        self.holds(verify(laptop / "cut").returncode == 3, "whom only the kept checkpoint gives away")


def next_steps(federation):
    """What to try while the nodes run: what it shows, and the command, typed in the project's folder."""
    built = federation.source_binary
    sluis = built.relative_to(ROOT) if built.is_relative_to(ROOT) else built
    w, p, laptop = federation.waterrijk, federation.parkwijs, federation.folder / "laptop"
    as_anybody = f"curl -fsS --cacert {w.folder}/tls/roots.pem https://localhost:{w.port + 1}"
    return [
        ("who got what from Waterrijk, for which purpose, and what was refused: its DPO's view",
         f"{sluis} audit log --config {w.folder}/node.toml --role dpo"),
        ("the refusals with their reasons, in Dutch",
         f"{sluis} audit log --decision refused --lang nl -o json --config {w.folder}/node.toml --role dpo"),
        ("the log on her laptop, verified without any node",
         f"{sluis} audit verify --log {laptop}/export --key {laptop}/waterrijk.vkey --anchor {laptop}/kept-checkpoint"),
        ("what Parkwijs may ask Waterrijk for", f"{sluis} catalog fetch {w.participant} --config {p.folder}/node.toml"),
        ("the open counts, as anybody gets them", f"{as_anybody}/open/urn:waterrijk:open-counts -o {federation.folder}/open-counts.csv"),
        ("the public catalogue", f"{as_anybody}/catalog.ttl"),
        ("how a node is doing", f"{sluis} status --config {w.folder}/node.toml"),
        ("the end: stops and removes all of it", "deploy/demo --down" + ("" if federation.folder == DEMO else f" {federation.folder}")),
    ]


def try_next_steps(story):
    """All that is printed works, down to the last, which takes the federation down."""
    faults = []
    for _, command in next_steps(story.f):
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            faults.append(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    if story.f.folder.exists() or any(node.process and node.process.poll() is None for node in story.f.nodes.values()):
        faults.append("after `deploy/demo --down` something was left")
    story.check("\n".join(["each command of `what to try next` works", *faults]), not faults)


def arguments():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--check", action="store_true", help="stops the nodes afterwards, and ends `N passed, M failed`")
    words.add_argument("--test", action="store_true", help="the same in a folder and on ports of its own, with what is printed to be tried next")
    words.add_argument("--bin", type=pathlib.Path, default=ROOT / "build/release/bin", help="where the built programs are")
    words.add_argument("--down", nargs="?", type=pathlib.Path, const=DEMO, metavar="FOLDER", help="stops and removes what the demo made")
    return words.parse_args()


def judge(story, test, ready, took):
    """What --check promises, with the build done. A test runs beside others on whatever machine there is: there the same two
    checks find what hangs, not what is slow."""
    ready_limit, story_limit = (10, 120) if test else (2, 30)
    story.check(f"four nodes were ready within {ready_limit} s: after {ready:.2f} s", ready <= ready_limit)
    story.check(f"the story took less than {story_limit} s: {took:.1f} s", took < story_limit)


def main():
    asked = arguments()
    if asked.down:
        take_down(asked.down)
        return remove_user() if asked.down == DEMO else 0  # tests share that user
    check = asked.check or asked.test
    if not asked.test:
        take_down(DEMO)
    federation = Federation(scratch("story") if asked.test else DEMO, binary=asked.bin / "sluis",
                            base_port=18540 if asked.test else 18440)
    story = Story(federation)
    try:
        federation.make()
        began = time.monotonic()
        federation.start()
        ready = time.monotonic() - began
        federation.join()
        story.play()
        took = time.monotonic() - began - ready
        if check:
            judge(story, asked.test, ready, took)
        else:
            print(f"four nodes were ready after {ready:.2f} s; the story took {took:.1f} s")
        if asked.test:
            try_next_steps(story)
    finally:
        if check:
            federation.stop()
        if asked.test:
            shutil.rmtree(federation.folder, ignore_errors=True)
    if check:
        print(f"{story.passed} passed, {story.failed} failed")
    else:
        print(f"\nThe nodes are running, all data are in {federation.folder}. What to try next, in {ROOT}:\n")
        print("\n".join(f"  # {what}\n  {command}" for what, command in next_steps(federation)))
    return 1 if story.failed else 0


sys.exit(main())
