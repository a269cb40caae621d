#!/usr/bin/env python3
"""Purposes and terms that are published to running nodes: recorded, in force at once, kept over a restart, and never wider
than what was agreed before. And the log says which person did what.

usage: purposes.py BIN_DIR SOURCE_DIR
"""
import hashlib
import json
import pathlib
import shutil
import sys
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, MARKETING, PURPOSE, Refused, scratch  # noqa: E402

CROWD, FESTIVAL = PURPOSE + "CrowdManagement", "https://waterrijk.example/purpose#Festival"
DATASET = "urn:waterrijk:detailed-counts"
APART = f"{FESTIVAL}\tFestivals\tFestivals\tdpv:PublicBenefit\n"
BELOW = f"{FESTIVAL}\tFestivals\tFestivals\t{CROWD}\n"
f = Federation(scratch("purposes"), binary=BIN / "sluis", base_port=19040, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
ACTIVITY = ACTIVITIES["duinmeer"]


def sluis(node, *words, check=True):
    done = f.sluis(*words, "--config", node.folder / "node.toml", check=check)
    return done


def publish(text):
    path = f.folder / "own.tsv"
    path.write_text(text)
    path.chmod(0o644)
    for node in (w, d):
        done = sluis(node, "purpose", "publish", path, check=False)
        expect("purpose publish", (done.returncode, done.stderr), (0, ""))


def agree(purpose):
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": purpose, "waitSeconds": 15})
    expect("agreed", made["negotiation"].get("state"), "FINALIZED")
    agreement = made["negotiation"]["agreement"]
    started = d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]
    return agreement, started["id"]


def pull(transfer, purpose):
    """"whole", or the code with which it was refused. The activity is registered for that purpose first."""
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": purpose, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    try:
        return "whole" if d.pull(transfer, purpose, ACTIVITY)[1] else "cut"
    except Refused as refused:
        return json.loads(refused.body)["code"].split(".")[0]


def restart():
    for node in (w, d):
        node.stop()
        node.start()
        node.wait_ready()


def vocabulary():
    publish(APART)
    _, before = agree(CROWD)
    expect("crowds", pull(before, CROWD), "whole")
    expect("festivals, apart", pull(before, FESTIVAL), "purpose")
    publish(BELOW)
    expect("crowds, as agreed", pull(before, CROWD), "whole")
    expect("festivals, below crowds since", pull(before, FESTIVAL), "purpose")
    restart()
    expect("after a restart: crowds", pull(before, CROWD), "whole")
    expect("after a restart: festivals", pull(before, FESTIVAL), "purpose")
    agreement, after = agree(FESTIVAL)
    expect("a new agreement knows the new version", pull(after, FESTIVAL), "whole")
    versions = w.log(kinds=["purposes"])
    expect("each version is an entry", [e["event"] for e in versions], ["configured", "published", "published"])
    expect("with who published it", {e.get("person") for e in versions[1:]}, {w.call("AuditService/Log", {"kinds": ["published"]}, role="dpo")["entries"][0]["person"]})
    expect("the purpose is listed", FESTIVAL in sluis(w, "purpose", "list", "Festival", "-o", "name").stdout, True)
    return agreement


def terms():
    offer = json.loads(w.call("DatasetService/Show", {"id": DATASET})["dataset"]["offers"][0]["policy"])
    path = f.folder / "offer.json"
    path.write_text(json.dumps({**offer, "target": DATASET}))
    path.chmod(0o644)
    done = sluis(w, "terms", "publish", path, check=False)
    expect("terms that stand in the dataset's file", (done.returncode, "dataset file" in done.stderr), (1, True))
    text = f.dataset("detailed-counts")
    path = f.folder / "new.toml"
    path.write_text(text.replace("processing_activity = true", 'processing_activity = true\ndelete_after = "P7D"'))
    path.chmod(0o644)
    done = sluis(w, "terms", "publish", path, "--dry-run", check=False)
    expect("a dry run", (done.returncode, "nothing was changed" in done.stderr), (0, True))
    expect("changes nothing", int(w.call("DatasetService/Show", {"id": DATASET})["dataset"]["version"]), 1)
    done = sluis(w, "terms", "publish", path, check=False)
    expect("new terms, with a word on a class that nobody has", (done.returncode, done.stderr.count("\n"), "no member has the class `company`" in done.stderr), (0, 1, True))
    expect("are a new version", int(w.call("DatasetService/Show", {"id": DATASET})["dataset"]["version"]), 2)
    done = sluis(w, "terms", "publish", path, check=False)
    expect("the same again", (done.returncode, "so already" in done.stderr), (0, True))
    shutil.copy2(path, f.folder / "same.toml")
    path.write_text(text.replace('"urn:waterrijk:detailed-counts"', '"urn:waterrijk:unknown"'))
    expect("of a dataset that is not on offer", sluis(w, "terms", "publish", path, check=False).returncode, 1)


def wait_for_steward(**asked):
    """A request that waits for Waterrijk's steward; its id there."""
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:approved-counts", "waitSeconds": 1, **asked})
    for _ in range(100):
        waiting = w.call("AgreementService/ListNegotiations", {"waitsFor": "steward"}).get("negotiations", [])
        if waiting:
            return waiting[0]["id"], made["negotiation"]["id"]
        time.sleep(0.05)
    raise RuntimeError("nothing waits for the steward")


def steward(name):
    text = f.dataset("detailed-counts").replace('"urn:waterrijk:detailed-counts"', '"urn:waterrijk:approved-counts"')
    w.call("DatasetService/Publish", {"toml": text.replace("processing_activity = true", "processing_activity = true\nsteward_approval = true"),
                                      "file": "approved.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    here, there = wait_for_steward()
    sluis(w, "agreement", "approve", here)
    d.call("AgreementService/Show", {"id": there, "waitSeconds": 15})
    said = [e for e in w.log(kinds=["negotiation"]) if e["event"] == "approved"]
    expect("who approved", [(e["negotiation"], e.get("person")) for e in said], [(here, name)])
    here, there = wait_for_steward()
    sluis(w, "agreement", "refuse", here, "--reason", "council", "--message", "not this year")
    d.call("AgreementService/Show", {"id": there, "waitSeconds": 15})
    said = [e for e in w.log(kinds=["negotiation"]) if e["event"] == "terminated" and e.get("negotiation") == here]
    expect("who refused", [e.get("person") for e in said], [name])
    theirs = d.wait_log(1, kinds=["negotiation"])
    expect("their log names their own people only", [e for e in theirs if e.get("person") == name and e["event"] in ("approved", "terminated")], [])


def decided_by(agreement):
    """Who decided an approval is on record, and told with each decision that rests on it."""
    council = {"body": "Council of Waterrijk", "kind": "elected", "reference": "2026-114"}
    expect("the body of an approval", w.call("AgreementService/Show", {"id": agreement})["agreement"].get("decidedBy"), council)
    said = [json.loads(e["decidedBy"]) for e in w.log(kinds=["negotiation"]) if e["event"] == "approved" and "decidedBy" in e]
    expect("in the log", said, [council])
    theirs = [e for e in d.log() if "decidedBy" in e]
    expect("in the log of the other party", (theirs, "decidedBy" in d.call("AgreementService/Show", {"id": agreement})["agreement"]), ([], False))
    question = {"subject": {"type": "party", "id": d.participant}, "resource": {"type": "agreement", "id": agreement},
                "action": {"name": "use", "properties": {"purpose": MARKETING, "processing_activity_id": ACTIVITIES["duinmeer"]}}}
    asked = urllib.request.Request(f"http://127.0.0.1:{w.port + 2}/access/v1/evaluation", data=json.dumps(question).encode(),
                                   headers={"Content-Type": "application/json", "Authorization": f"Bearer {w.token('application')}"})
    with urllib.request.urlopen(asked, timeout=10) as answer:
        transaction = json.load(answer)["context"]["id"]
    for lang, sentences in (("en", ["Council of Waterrijk (elected) decided this rule: 2026-114.", "Council of Waterrijk (elected) decided to agree: 2026-114."]),
                           ("nl", ["Council of Waterrijk (gekozen) besloot over deze regel: 2026-114.",
                             "Council of Waterrijk (gekozen) besloot akkoord te gaan: 2026-114."])):
        told = w.call("TermsService/ExplainDecision", {"decision": transaction, "lang": lang}, role="dpo")["told"]
        expect(f"told, {lang}", [line for line in told if "Council" in line], sentences)


def refused_proposal(theirs):
    """Why a proposal was refused, in words, at both sides."""
    ours = next(n["id"] for n in w.call("AgreementService/ListNegotiations").get("negotiations", []) if n["peerId"] == theirs)
    for node, negotiation, lang, first, by, last in (
            (w, ours, "en", "A negotiation with Gemeente Duinmeer about", "We refused on ", "these terms"),
            (w, ours, "nl", "Een onderhandeling met Gemeente Duinmeer over", "Wij zeiden nee op ", "deze voorwaarden"),
            (d, theirs, "en", "A negotiation with Gemeente Waterrijk about", "Gemeente Waterrijk refused on ", "(purpose)")):
        done = node.command("explain", negotiation, "--lang", lang, role="dpo")
        lines = done.stdout.splitlines()
        expect(f"a refused proposal, told at {node.key} in {lang}", (done.returncode, first in lines[0], any(line.startswith(by) for line in lines), any(last in line for line in lines[-4:]), "(purpose)" in done.stdout,
                                                                      "arketing" in done.stdout), (0, True, True, True, True, True))


def asked_again(theirs):
    """Terms that allow more: the proposal that was refused is asked again under them, at Waterrijk; nothing is recorded."""
    ours = next(n["id"] for n in w.call("AgreementService/ListNegotiations").get("negotiations", []) if n["peerId"] == theirs)
    path = f.folder / "more.toml"
    path.write_text(f.dataset("detailed-counts").replace("purposes = [", 'purposes = ["dpv:Marketing", ', 1))
    path.chmod(0o644)
    before = len(w.log())
    done = sluis(w, "terms", "test", path, "--replay", "..", "-o", "json")
    again = json.loads(done.stdout)
    expect("a refused proposal, asked again", [(i.get("before"), i.get("after")) for i in again.get("released", []) if i.get("negotiation") == ours],
           [("purpose", "permitted")])
    done = sluis(w, "terms", "test", path, "--replay", "..", "--lang", "nl")
    expect("told in Dutch", ("nieuw toegestaan" in done.stdout, "newly" in done.stdout, len(w.log()) - before), (True, False, 0))


def other_offers():
    """What is not as published is refused, or waits for the steward: as configured."""
    marketing = {"offer": DATASET, "purpose": "dpv:Marketing"}
    made = d.call("AgreementService/Request", {"peer": w.participant, **marketing, "waitSeconds": 15})["negotiation"]
    expect("refused as configured", (made["state"], made["reason"]["code"]), ("TERMINATED", "purpose"))
    refused_proposal(made["id"])
    asked_again(made["id"])
    config = w.folder / "node.toml"
    config.write_text(config.read_text().replace('other_offers = "refuse"', 'other_offers = "steward"'))
    restart()
    here, there = wait_for_steward(**marketing)
    done = sluis(w, "agreement", "approve", here, "--decided-by", "Council of Waterrijk", "--body-kind", "chosen", check=False)
    expect("a kind of body that there is not", (done.returncode, "/decidedBy/kind" in done.stderr), (1, True))
    sluis(w, "agreement", "approve", here, "--decided-by", "Council of Waterrijk", "--body-kind", "elected", "--decision", "2026-114")
    made = d.call("AgreementService/Show", {"id": there, "waitSeconds": 15})["negotiation"]
    expect("agreed by the steward", made["state"], "FINALIZED")
    decided_by(made["agreement"])
    for node, party in ((w, d), (d, w)):
        shown = json.loads(node.call("AgreementService/Show", {"id": made["agreement"]})["agreement"]["peerIdentity"])
        expect("the other party in law, as it was then", (shown["participant_id"], shown["oin"], "membership_version" in shown),
               (party.participant, party.oin, True))
    here, there = wait_for_steward(**marketing)
    done = sluis(w, "agreement", "refuse", here, "--reason", "council", "--message", "not for this")
    expect("refused by the steward", done.returncode, 0)
    made = d.call("AgreementService/Show", {"id": there, "waitSeconds": 15})["negotiation"]
    expect("with the steward's reason", (made["state"], made["reason"]["code"]), ("TERMINATED", "council"))


def dutch():
    done = sluis(w, "audit", "log", "--decision", "refused", "--lang", "nl", "-o", "json")
    sentences = [e["sentence"] for e in json.loads(done.stdout)["entries"]]
    expect("refusals", bool(sentences), True)
    done = sluis(w, "terms", "publish", f.folder / "offer.json", "--lang", "nl", check=False)
    expect("an error in Dutch", (done.returncode, "De vraag klopt niet" in done.stderr, "doe dit:" in done.stderr), (1, True, True))
    done = sluis(w, "terms", "publish", f.folder / "same.toml", "--lang", "nl", check=False)
    expect("a word in Dutch", (done.returncode, "er is niets veranderd" in done.stderr), (0, True))


def people(agreement):
    sluis(w, "agreement", "terminate", agreement, "--reason", "council", "--message", "the council said so", "--no-input")
    ended = w.log(kinds=["agreement-ended"])
    expect("who ended the agreement", [bool(e.get("person")) for e in ended], [True])
    theirs = d.wait_log(1, kinds=["receipt"], event="agreement-ended")
    expect("which the other party is not told", any(ended[0]["person"] in json.dumps(e) for e in theirs), False)
    return ended[0]["person"]


def pinned():
    """The purposes are those that were pinned, or those that node.toml names by their hash: nobody moves one by editing a file."""
    file, config = w.folder / "dpv-purposes.tsv", w.folder / "node.toml"
    own = file.read_text()
    line = next(one for one in own.splitlines() if one.startswith("https://w3id.org/dpv#Marketing\t"))
    moved = own.replace(line, line.rsplit("\t", 1)[0] + "\thttps://w3id.org/dpv#PublicBenefit")
    digest = hashlib.sha256(moved.encode()).hexdigest()

    def doctor():
        return json.dumps(w.call("NodeService/Doctor", {}, role="operator"))
    expect("nothing about purposes", "purposes" in doctor(), False)
    file.write_text(moved)
    expect(f"doctor, while the node runs: {doctor()}", "would not start again" in doctor(), True)
    w.stop()
    for words in (("config", "check", config), ("serve", "--config", config)):
        done = f.sluis(*words, check=False)
        says = [part in done.stderr for part in ("dpv-purposes.tsv", digest, "purposes_sha256", "more_purposes")]
        expect(f"{words[0]} refuses, with the place and how to mend it: {done.stderr}", (done.returncode, says), (1, [True] * 4))
    config.write_text(config.read_text().replace('purposes = "dpv-purposes.tsv"', f'purposes = "dpv-purposes.tsv"\npurposes_sha256 = "{digest}"'))
    expect("a version that is named on purpose", f.sluis("config", "check", config, check=False).returncode, 0)
    w.start()
    w.wait_ready()
    expect("is an entry of the log", [e["event"] for e in w.log(kinds=["purposes"])][-1], "configured")
    expect("and doctor says so", "`purposes_sha256`" in doctor(), True)
    w.stop()
    file.write_text(own)
    expect("then no other is taken", f.sluis("serve", "--config", config, check=False).returncode, 1)


try:
    f.begin()
    f.offer_counts()
    newest = vocabulary()
    terms()
    name = people(newest)
    steward(name)
    other_offers()
    dutch()
    pinned()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
