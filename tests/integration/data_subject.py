#!/usr/bin/env python3
"""A request that is about one person: what its node keeps of that, who finds it again, and who does not. Through the real binary.

usage: data_subject.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import sys
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
PERSON, OTHER = "123456782", "999999990"
f = Federation(scratch("data-subject"), binary=BIN / "sluis", base_port=24740, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def agree():
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "title": "Crowds", "from": "2026-01-01T00:00:00Z"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:detailed-counts", "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]


def file(name, text):
    path = f.folder / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def pull(transfer, subject=None):
    words = ("--subject-type", "BSN", "--subject-id", file("id.txt", subject + "\n")) if subject else ()
    done = d.command("pull", transfer, "--purpose", CROWD, "--activity", ACTIVITY, "-O", f.folder / "got.csv", *words)
    (f.folder / "got.csv").unlink(missing_ok=True)
    return done.returncode, done.stderr


def subject(*words, role, code=0):
    done = d.command("audit", "subject", *words, "--no-input", role=role)
    expect(f"audit subject {words[0]} as {role}: {done.stderr}", done.returncode, code)
    return done


def pulls(transfer):
    expect("about a person", pull(transfer, PERSON)[0], 0)
    expect("about another", pull(transfer, OTHER)[0], 0)
    expect("about nobody", pull(transfer)[0], 0)
    ask = urllib.request.Request(f"http://127.0.0.1:{d.port + 2}/intake/{transfer}",
                                 headers={"Authorization": f"Bearer {d.token('application')}", "Sluis-Purpose": CROWD, "Sluis-Activity": ACTIVITY,
                                          "Sluis-Data-Subject": PERSON})
    try:
        urllib.request.urlopen(ask, timeout=20)
        expect("a number without its kind", "taken", "refused")
    except urllib.error.HTTPError as error:
        expect("a number without its kind", (error.code, json.loads(error.read())["code"]), (400, "data_subject.malformed"))


def two_persons():
    words = ("--type", "BSN", "--id", file("who.txt", PERSON), "--basis", "Request 2026-88")
    planned = json.loads(subject(*words, "--dry-run", "--output", "json", role="privacy_officer").stdout)
    expect("a trial asks for nothing", (planned["dryRun"], len(d.log(kinds=["looked"]))), (True, 0))
    lookup = subject(*words, "--output", "name", role="privacy_officer").stdout.strip()
    waits = subject("--read", lookup, role="dpo")
    expect("the second person reads on which ground", ("Request 2026-88" in waits.stderr, waits.stdout), (True, ""))
    same = words[:4]
    subject("--confirm", lookup, *same, role="privacy_officer", code=1)
    subject("--confirm", lookup, role="dpo", code=2)
    subject(*words, role="steward", code=1)
    found = json.loads(subject("--confirm", lookup, *same, "--output", "json", role="dpo").stdout)
    expect("the request about her, and what came", [(e["kind"], e["event"]) for e in found["entries"]], [("intent", "intended"), ("received", "complete")])
    expect("of one transaction", len({e["transaction"] for e in found["entries"]}), 1)
    table = subject("--read", lookup, "--lang", "nl", role="privacy_officer")
    expect("as a table", ("TRANSACTION" in table.stdout, "stemde in" in table.stderr, table.stdout.count("intent")), (True, True, 1))
    expect("each look is on record", [e["event"] for e in d.log(kinds=["looked"])], ["subject.asked", "subject.confirmed", "subject.read", "subject.read"])
    none = ("--type", "BSN", "--id", file("none.txt", "111111110"))
    other = subject(*none, "--basis", "Request 2026-89", "--output", "name", role="dpo").stdout.strip()
    expect("nobody is found who is not there", json.loads(subject("--confirm", other, *none, "--output", "json", role="privacy_officer").stdout)["entries"], [])
    wrong = subject(*none, "--basis", "Request 2026-90", "--output", "name", role="dpo").stdout.strip()
    differs = subject("--confirm", wrong, *same, role="privacy_officer", code=1)
    expect("the second person has another in mind", "not the person" in differs.stderr, True)


def records():
    for node in (w, d):
        text = node.command("audit", "export", "--format", "ldv", role="dpo").stdout
        expect("records name nobody", ("data_subject" in text, len(text.splitlines()) >= 3), (False, True))


def nowhere():
    """Neither on the disks of both nodes nor in what they print is the number itself."""
    for node in (w, d):
        node.stop()
        found = [str(path) for path in node.folder.rglob("*") if path.is_file() and any(one.encode() in path.read_bytes() for one in (PERSON, OTHER))]
        expect(f"in no file of {node.key}", found, [])


try:
    f.begin()
    transfer = agree()
    pulls(transfer)
    two_persons()
    records()
    nowhere()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
