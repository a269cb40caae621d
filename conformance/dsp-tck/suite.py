#!/usr/bin/env python3
"""The compatibility kit of the Dataspace Protocol against a node as it is released: identity scheme `static`, what a case needs the node to
do of itself as its script, agreements by `sluis agreement import`. What the kit wants begun is asked for at the management interface.

usage: suite.py BIN_DIR SOURCE_DIR
"""
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cases

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import foreign  # noqa: E402
from federation import Federation, scratch  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
WANTED = 65  # results of a whole run; the kit itself switches two cases off
KIT = "TCK_PARTICIPANT"  # as the kit calls itself
VALUE = "Bearer of the kit"
POLITE = 0.3  # seconds between the kit's word and ours: it listens for an answer only after it has gone on


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def fetch():
    """The kit and our main class in a folder; fetched once for each state of the two files."""
    for tool in ("java", "javac", "mvn"):
        if not shutil.which(tool):
            skip(f"no {tool}")
    home = SOURCE.resolve() / "build/peers/dsp-tck"
    made_from = hashlib.sha256((HERE / "pom.xml").read_bytes() + (HERE / "Kit.java").read_bytes()).hexdigest()
    if (home / "made-from").exists() and (home / "made-from").read_text() == made_from:
        return home
    shutil.rmtree(home, ignore_errors=True)
    done = subprocess.run(["mvn", "-q", "-B", "-f", HERE / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={home / 'lib'}"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        skip(f"the kit cannot be fetched: {(done.stdout or done.stderr).strip().splitlines()[:1]}")
    subprocess.run(["javac", "-cp", f"{home / 'lib'}/*", "-d", home / "classes", HERE / "Kit.java"], check=True)
    (home / "made-from").write_text(made_from)
    return home


def fill(node, kit):
    """What the kit expects to find: datasets on offer, and agreements that were concluded."""
    template = f.dataset("detailed-counts")
    f.put(node, "detailed-counts.csv", "time,counter,total,in,out\n")
    for dataset in cases.DATASETS:
        node.call("DatasetService/Publish", {"toml": template.replace("urn:waterrijk:detailed-counts", dataset), "file": "dataset.toml"})
    for agreement, role in cases.AGREEMENTS:
        file = f.folder / "agreement.toml"
        foreign.write(f, file, cases.agreement(agreement, role, KIT, kit))
        for person in ("steward", "privacy_officer"):
            done = node.command("agreement", "import", file, role=person)
            if done.returncode != 0:
                raise RuntimeError(f"agreement import: {done.stdout}{done.stderr}")


class Triggers(BaseHTTPRequestHandler):
    """What the kit wants us to begin, asked for at the management interface a little later."""
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"] == VALUE and self.path in ("/negotiations", "/transfers")
        self.send_response(200 if known else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if known:
            threading.Timer(POLITE, self.begin, (self.path, asked)).start()

    def begin(self, path, asked):
        try:
            if path == "/transfers":
                f.waterrijk.call("TransferService/Start", {"agreement": asked["agreementId"]})
            else:
                offer = {"@type": "Offer", "@id": asked["offerId"], "target": asked["datasetId"], "permission": [{"action": "use"}]}
                f.waterrijk.call("AgreementService/Request", {"peer": asked["providerId"], "document": json.dumps(offer),
                                                              "address": asked["connectorAddress"]})
        except Exception as error:  # the case fails by itself, and here stands why
            print(f"✗ {path} {asked}: {error}", file=sys.stderr)

    def log_message(self, *_):
        pass


def run(home, own, kit):
    """The kit's output, line by line. It runs as the nodes do, from a folder that they can read."""
    there = f.folder / "kit"
    shutil.copytree(home, there)
    foreign.write(f, f.folder / "kit.properties", cases.properties(own, kit, f"http://127.0.0.1:{PORT + 7}", f.waterrijk.participant, VALUE))
    command = [*f.leave_root, "java", "-cp", f"{there / 'classes'}:{there / 'lib'}/*", "Kit", f.folder / "kit.properties"]
    with open(f.folder / "kit.log", "w") as log:
        try:
            subprocess.run(command, stdout=log, stderr=log, timeout=240)
        except subprocess.TimeoutExpired:
            print("✗ the kit did not come to its end")
    return (f.folder / "kit.log").read_text(errors="replace")


def report(output):
    passed = re.findall(r"\] SUCCESSFUL: (\S+)", output)
    failed = re.findall(r"\] (?:FAILED|ABORTED): (\S+)", output)
    skipped = re.search(r"^SKIPPED (\d+)$", output, re.M)
    for line in re.findall(r"^WHY (.*)$", output, re.M):
        print(f"✗ {line[:500]}")
    enough = len(passed) >= WANTED and not failed
    if not enough:
        print(f"{WANTED} results were wanted" if failed or passed else output[-2000:])
        shutil.copy2(f.folder / "waterrijk.log", SOURCE / "build" / "dsp-tck-node.log")
    print(f"{len(passed)} passed, {len(failed)} failed, {skipped[1] if skipped else 0} skipped")
    return 0 if enough else 1


home = fetch()
f = Federation(scratch("dsp-tck"), binary=BIN / "sluis", base_port=21440, parties=("waterrijk",))
PORT = f.base_port
OWN, THEIRS = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 8}"
triggers = ThreadingHTTPServer(("127.0.0.1", PORT + 7), Triggers)
threading.Thread(target=triggers.serve_forever, daemon=True).start()
code = 1
try:
    f.make()
    made = (f.waterrijk.folder / "node.toml").read_text()
    foreign.configure(f, f.waterrijk, made, cases.values(KIT, THEIRS, VALUE, f.waterrijk.participant), cases.script(int(POLITE * 1000)))
    foreign.list_peer(f, f.waterrijk, KIT, THEIRS)
    f.start()
    f.join()
    fill(f.waterrijk, THEIRS)
    code = report(run(home, OWN, THEIRS))
finally:
    triggers.shutdown()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
sys.exit(code)
