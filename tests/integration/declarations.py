#!/usr/bin/env python3
"""Terms that depend on a declared situation, between two nodes: the requester's own node denies before it is declared, knows by proof
that it is in force, and denies when it is over; a later end takes another role and person; an ended one cuts what streams; one that closes
closes; what was declared is public afterwards. An assessment is never on consent. Both logs prove all of it.

usage: declarations.py BIN_DIR SOURCE_DIR
"""
import datetime
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

CROWD, NAVIGATION, DATASET = PURPOSE + "CrowdManagement", PURPOSE + "Navigation", "urn:waterrijk:detailed-counts-paced"
FULL, FLOOD = (f"https://waterrijk.example/situations/{name}" for name in ("crowds", "flood"))
STUDY, ACTIVITY = "https://waterrijk.example/assessments/study", ACTIVITIES["duinmeer"]
f = Federation(scratch("declarations"), binary=BIN / "sluis", base_port=20440, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
SITUATIONS = f"""[[situation]]
id = "{FULL}"
title = "Crowds in the centre"
where = "The shopping streets around the Market"
declared_by = ["operator"]
renewed_by = ["privacy_officer"]
opens = ["{CROWD}"]
closes = []
longest = "P2D"

[[situation]]
id = "{FLOOD}"
title = "High water"
where = "The quays"
declared_by = ["operator"]
renewed_by = ["council_clerk"]
opens = []
closes = ["{NAVIGATION}"]
longest = "PT6H"
decided_by = "The council, 12 May 2026"
"""


def now(**ahead):
    """The nodes' time, which moves with `pass_time`."""
    return (datetime.datetime.now(datetime.timezone.utc) + moved + datetime.timedelta(**ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")


moved = datetime.timedelta()


def pass_time(**by):
    global moved
    moved += datetime.timedelta(**by)
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": str(int(datetime.timedelta(**by).total_seconds()))}, role="operator")


def run(node, *words, role=None):
    done = node.command(*words, role=role)
    return done.returncode, done.stdout, done.stderr


def write(path, text):
    path.write_text(text)
    path.chmod(0o644)
    return path


def offer(situation):
    def on(left, op, right):
        return {"leftOperand": left, "operator": op, "rightOperand": right}

    def use(*constraints):
        return {"action": "use", "constraint": list(constraints)}
    return json.dumps({"@id": "urn:waterrijk:offer:situations", "@type": "Offer",
                       "permission": [use(on("purpose", "isA", CROWD), on("sluis:situation", "isAnyOf", situation)),
                                      use(on("purpose", "isA", NAVIGATION))],
                       "prohibition": [use(on("purpose", "isA", NAVIGATION), on("sluis:situation", "isAnyOf", FLOOD))]})


def publish():
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    head = f.dataset("detailed-counts-paced").split("[terms]")[0].replace("16 KiB/s", "256 KiB/s")
    toml = 'offer = "situations.json"\n' + head + "[terms]\nprocessing_activity = true\n"
    f.put(w, "situations.json", offer(FULL[:-1]))
    try:
        w.call("DatasetService/Publish", {"toml": toml, "file": "counts.toml"})
        expect("terms that name a situation nobody can declare", "published", "refused")
    except Refused as refused:
        says = [f"did you mean `{FULL}`" in refused.body, "/permission/0/constraint/1" in refused.body]
        expect(f"are refused with the nearest that is defined: {refused.body}", says, [True, True])
    f.put(w, "situations.json", offer(FULL))
    w.call("DatasetService/Publish", {"toml": toml, "file": "counts.toml"})


def agree():
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "waitSeconds": 15})["negotiation"]
    expect("agreed", made.get("state"), "FINALIZED")
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]


def pull(transfer, purpose=CROWD, **with_):
    """"whole", "cut", or the code with which it was refused."""
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": purpose, "title": "Crowds"})
    try:
        return "whole" if d.pull(transfer, purpose, ACTIVITY, **with_)[1] else "cut"
    except Refused as refused:
        return json.loads(refused.body)["code"]


def decided():
    """How many requests the provider was asked to decide."""
    return len(w.log(kinds=["decision"]))


def evaluated(purpose=CROWD):
    """What the requester's node answers another system of its own, as a decision point: the code of its answer."""
    agreement = d.call("AgreementService/List")["agreements"][0]["id"]
    asked = {"subject": {"type": "party", "id": d.participant}, "resource": {"type": "agreement", "id": agreement},
             "action": {"name": "use", "properties": {"purpose": purpose, "processing_activity_id": ACTIVITY}}}
    request = urllib.request.Request(f"http://127.0.0.1:{d.port + 2}/access/v1/evaluation", data=json.dumps(asked).encode(),
                                     headers={"Authorization": f"Bearer {d.token('application')}", "Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["context"]["code"]


def public():
    return json.loads(w.open_data("/situations"))


def declare(situation=FULL, until=None, role="operator", *more):
    return run(w, "situation", "declare", situation, "--until", until or now(hours=1), "--why", "The Market is full", *more, role=role)


def opens(transfer):
    expect("denied before it is declared, at the requester's own node", pull(transfer), "value")
    expect("the provider was not asked", decided(), 0)
    code, out, _ = run(w, "situation", "definitions", "-o", "name")
    expect("what can be declared", (code, out.split()), (0, [FULL, FLOOD]))
    code, out, err = declare(FULL, None, "steward")
    expect(f"another role does not declare: {err}", (code, "does not declare" in err), (1, True))
    expect("nor for longer than it may last", declare(FULL, now(days=3))[0], 1)
    code, out, err = declare(FULL, None, "operator", "--dry-run")
    expect("a dry run", (code, "dry run" in err, w.log(kinds=["declaration"])), (0, True, []))
    code, out, err = declare()
    expect("declared", (code, err), (0, ""))
    expect("permitted while it is there", pull(transfer), "whole")
    expect("as its decision point says", evaluated(), "permitted")
    said = w.log(kinds=["declaration"])
    expect("an entry of the log names who", [(e["event"], e["person"]) for e in said], [("declared", "operator of Gemeente Waterrijk")])
    rests = [f"{FULL} {said[0].get('index', 0)}"]
    expect("the provider's decision names what it rests on", w.log(kinds=["decision"])[-1].get("restsOn"), rests)
    expect("and so does the requester's", d.log(kinds=["intent"])[-1].get("restsOn"), rests)
    expect("for another purpose nothing is opened", pull(transfer, MARKETING), "purpose")
    expect("during it, nothing is public", public()["situations"], [])


def renews(transfer):
    renew = ("situation", "renew", FULL, "--until", now(hours=40), "--why", "Still full")
    expect("its declarer does not renew it", run(w, *renew, role="operator")[0], 1)
    code, out, err = run(w, *renew, role="privacy_officer")
    expect("another person in another role does", (code, err), (0, ""))
    expect("who did so last cannot again", run(w, *renew[:4], now(hours=41), *renew[5:], role="privacy_officer")[0], 1)
    pass_time(hours=2)
    expect("permitted after its first end", pull(transfer), "whole")
    pass_time(hours=40)
    expect("denied when it is over, with nobody's doing", pull(transfer), "value")
    expect("by its decision point too", evaluated(), "value")
    over = public()["situations"]
    said = [(s["id"], s["state"], s["where"], s["opens"], [(a["what"], a["role"], a["why"]) for a in s["acts"]]) for s in over]
    expect("public afterwards", said,
           [(FULL, "over", "The shopping streets around the Market", [CROWD],
             [("declared", "operator", "The Market is full"), ("renewed", "privacy_officer", "Still full")])])
    expect("without persons", "Gemeente" in json.dumps(over), False)
    expect("declaring it again at once is a renewal", declare()[0], 1)


def is_cut(transfer):
    pass_time(days=3)
    expect("declared again later", declare()[0], 0)
    began = []

    def end(_):
        if not began:
            began.append(time.monotonic())
            expect("ended early", run(w, "situation", "end", FULL, "--why", "Quiet again", "--no-input", role="operator")[0], 0)
    expect("a stream is cut when it is ended", pull(transfer, on_chunk=end), "cut")
    expect("the provider cut it", [e["reason"] for e in w.wait_log(1, kinds=["cut"])], ["value"])
    expect("refused after", pull(transfer), "value")
    show = json.loads(run(w, "situation", "show", FULL, "-o", "json", role="dpo")[1])["declaration"]
    person = "operator of Gemeente Waterrijk"
    expect("who did what", [(a["what"], a["person"]) for a in show["acts"]], [("declared", person), ("ended", person)])


def closes(transfer):
    expect("open", pull(transfer, NAVIGATION), "whole")
    expect("high water", declare(FLOOD, now(hours=2))[0], 0)
    before = decided()
    expect("closes, at the requester's own node", pull(transfer, NAVIGATION), "prohibited")
    expect("the provider was not asked", decided(), before)
    pass_time(hours=2)
    expect("ends by itself", pull(transfer, NAVIGATION), "whole")
    expect("both are public", sorted({s["id"] for s in public()["situations"]}), [FULL, FLOOD])


def assessments():
    text = (f'id = "{STUDY}"\ntitle = "Study"\npurposes = ["dpv:ScientificResearch"]\nlegal_basis = ["eu-gdpr:A6-1-e"]\n'
            f'why = "compatible"\nuntil = "{now(days=9)}"\n')
    safe = text + 'safeguards = ["per hour and counter", "sluis:suppressSmallCells"]\n'
    for bad, says in ((text, "study.toml:3:"), (safe.replace("eu-gdpr:A6-1-e", "dpv:Consent"), "study.toml:4:"),
                      (safe.replace("why", "wy"), "study.toml:")):
        code, _, err = run(w, "assessment", "record", write(f.folder / "study.toml", bad), role="privacy_officer")
        expect(f"refused at its place: {err}", (code, says in err), (1, True))
    path = write(f.folder / "study.toml", safe)
    expect("not by the steward", run(w, "assessment", "record", path, role="steward")[0], 1)
    expect("recorded", run(w, "assessment", "record", path, role="privacy_officer")[0], 0)
    expect("listed", run(w, "assessment", "list", "-o", "name", role="dpo")[1].split(), [STUDY])
    expect("no secret while it is in force", [(a["id"], a["state"]) for a in public()["assessments"]], [(STUDY, "in force")])


def unknown(transfer):
    w.stop()
    expect("a provider that does not answer", pull(transfer), "declarations.unknown")
    said = d.log(kinds=["decision"], lang="nl")[-1]["sentence"]
    expect(f"said in Dutch: {said}", "situatie" in said, True)
    w.start()
    w.wait_ready()


def proven():
    for node in (w, d):
        anchor = write(f.folder / "anchor", node.call("AuditService/Checkpoint", role="dpo")["note"])
        node.stop()
        export = f.folder / f"export-{node.key}"
        f.sluis("audit", "export-log", export, "--config", node.folder / "node.toml")
        done = f.sluis("audit", "verify", "--log", export, "--key", node.folder / "log.vkey", "--anchor", anchor, check=False)
        expect(f"the log of {node.key} {done.stdout}{done.stderr}", done.returncode, 0)


try:
    f.make()
    write(w.folder / "situations.toml", SITUATIONS)
    config = w.folder / "node.toml"
    config.write_text(config.read_text().replace('other_offers = "refuse"', 'situations = "situations.toml"\nother_offers = "refuse"'))
    f.start()
    f.join()
    publish()
    transfer = agree()
    opens(transfer)
    renews(transfer)
    is_cut(transfer)
    closes(transfer)
    assessments()
    unknown(transfer)
    proven()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
