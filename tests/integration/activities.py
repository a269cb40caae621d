#!/usr/bin/env python3
"""The register of processing activities of a running node: in and out as CSV and JSON without loss, all or nothing; what held at a
time can be asked; and a request whose activity is not registered, not valid then, or for another purpose is denied at the
requester's own node first, and by the provider on what the signed claim says.

usage: activities.py BIN_DIR SOURCE_DIR
"""
import csv
import datetime
import io
import json
import pathlib
import shutil
import subprocess
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, MARKETING, PURPOSE, Refused, scratch  # noqa: E402

CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
f = Federation(scratch("activities"), binary=BIN / "sluis", base_port=20040, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
HEADINGS = ("dplCoreProcessingActivityId,parent,title,purpose,legalBasis,dataSubjectCategories,personalDataCategories,recipientsCategories,"
            "envisagedTimeLimit,controller,processors,owner,dataProtectionOfficer,recipients,measures,impactAssessment,from,until")


def write(name, text):
    path = f.folder / name
    path.write_text(text)
    path.chmod(0o644)
    return path


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def as_csv(those):
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADINGS.split(","), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(those)
    return out.getvalue()


def entries(node):
    return len(node.log(kinds=["activity"]))


def register():
    """History, a version of now, one that is planned; and what an error costs."""
    full = {"dplCoreProcessingActivityId": ACTIVITY, "parent": "https://duinmeer.example/activities/safety", "title": "Drukte in het centrum, \"live\"",
            "purpose": CROWD, "legalBasis": "dpv-gdpr:A6-1-e", "dataSubjectCategories": "Visitors|Residents", "personalDataCategories": "Location",
            "recipientsCategories": "Municipalities", "envisagedTimeLimit": "P7D", "controller": "Gemeente Duinmeer", "processors": "Wolk NV|Net BV",
            "owner": "Afdeling Veiligheid", "dataProtectionOfficer": "fg@duinmeer.example", "recipients": "did:web:waterrijk.example",
            "measures": "Versleuteld|Kleine aantallen weg", "impactAssessment": "DPIA 2024-3", "from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    now = {**full, "title": "Drukte", "from": full["until"], "until": "2099-01-01T00:00:00Z"}
    later = {**now, "purpose": MARKETING, "from": now["until"], "until": ""}
    text = as_csv([full, now, later])
    path = write("register.csv", text)
    for bad, says in ((text.replace("measures", "measure", 1), ":1:2"), (text.replace("2026-01-01", "2026-41-01", 1), ":2:"),
                      (text.replace("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", 1), ":3:"), (text + text.split("\r\n")[3], ":5:"),
                      (text.replace(MARKETING, MARKETING + "s"), ":4:")):
        code, out, err = run(d, "activity", "import", write("bad.csv", bad))
        expect(f"a bad file is refused, with its place: {err}", (code, "bad.csv" + says in err), (1, True))
    expect("and changes nothing", (entries(d), d.call("ActivityService/List")), (0, {}))
    code, out, err = run(d, "activity", "import", path, "--dry-run")
    expect("a dry run says what would change", (code, out.count("new version"), out.count("added"), "dry run" in err), (0, 2, 1, True))
    expect("and changes nothing", entries(d), 0)
    code, out, err = run(d, "activity", "import", path, role="privacy_officer")
    expect("an import", (code, err), (0, ""))
    said = d.log(kinds=["activity"])
    expect("is in the log, with who did it", ([e["event"] for e in said], all(e.get("person") for e in said)), (["registered"] * 3, True))
    code, out, err = run(d, "activity", "import", path)
    expect("the same again changes nothing", (code, entries(d), "so already" in err), (0, 3, True))
    expect("an application may not import", run(d, "activity", "import", path, role="application")[0], 1)
    return text


def run(node, *words, role=None):
    done = node.command(*words, role=role)
    return done.returncode, done.stdout, done.stderr


def round_trip(text):
    """Out of one node as CSV, into another, out as JSON, and so on: nothing is lost."""
    _, out, _ = run(d, "activity", "export")
    expect("what comes out is what went in", rows(out), rows(text))
    expect("with the canonical headings", out.splitlines()[0], HEADINGS)
    expect("into another node", run(w, "activity", "import", write("out.csv", out))[0], 0)
    code, out, _ = run(w, "activity", "export", "--format", "json")
    exported = json.loads(out)["processingActivities"]
    expect("as JSON", (code, len(exported), exported[0]["processors"]), (0, 3, ["Wolk NV", "Net BV"]))
    expect("which is the same register", run(d, "activity", "import", write("out.json", out))[2].count("so already"), 1)
    _, again, _ = run(w, "activity", "export")
    expect("and CSV again", rows(again), rows(text))
    for node in (w, d):
        node.stop()
        node.start()
        node.wait_ready()
    expect("also after a restart", rows(run(w, "activity", "export")[1]), rows(text))


def at_a_time():
    def title(when):
        code, out, _ = run(d, "activity", "show", ACTIVITY, "--at", when, "-o", "json")
        return json.loads(out)["activity"]["title"] if code == 0 else None
    expect("what held in 2024, 2025, now", [title("2024-06-01"), title("2025-06-01"), title("2026-06-01")], [None, "Drukte in het centrum, \"live\"", "Drukte"])
    expect("at the instant", title("2026-01-01T00:00:00Z"), "Drukte")
    expect("in a list", run(d, "activity", "list", "--at", "2024-06-01", "-o", "name")[1], "")
    expect("in a list", run(d, "activity", "list", "--at", "2025-06-01", "-o", "name")[1], ACTIVITY + "\n")
    expect("what holds is shown", json.loads(run(d, "activity", "show", ACTIVITY, "-o", "json")[1])["activity"]["title"], "Drukte")


def agree():
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts")
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    expect("agreed", made.get("state"), "FINALIZED")
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]


def pull(transfer):
    """"whole", or the code with which it was refused and why."""
    try:
        return "whole" if d.pull(transfer, CROWD, ACTIVITY)[1] else "cut"
    except Refused as refused:
        body = json.loads(refused.body)
        return body["code"], body["parameters"].get("why", "").split("` ")[-1].split(":")[0]


def rogue(transfer, activity):
    """Past its own node, with a signed claim that names this activity: what the provider's gate says."""
    d.stop()
    done = subprocess.run([*f.leave_root, f.rogue, "--config", d.folder / "node.toml", "--transfer", transfer, "--purpose", CROWD,
                           "--activity", activity], capture_output=True, text=True)
    d.start()
    d.wait_ready()
    status, body = done.stdout.split(" ", 1)
    return int(status), json.loads(body)["code"] if status != "200" else "whole"


def denied():
    """Before anything is registered, then with what the register says, at the requester's own node."""
    transfer = agree()
    expect("not in the register", pull(transfer), ("activity.not_allowed", "is not in the register"))
    own = [e for e in d.log(kinds=["decision"]) if e.get("reason") == "activity.not_allowed"]
    expect("its own node wrote that down", len(own), 1)
    expect("the provider was not asked", [e for e in w.log(kinds=["decision"])], [])
    return transfer


def decided(transfer):
    expect("registered, valid, for that purpose", pull(transfer), "whole")
    decisions = len(w.log(kinds=["decision"]))
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields = json.loads(run(d, "activity", "show", ACTIVITY, "-o", "json")[1])["activity"]
    keep = {key: value for key, value in fields.items() if key not in ("version", "recorded", "from")}
    code, _, err = run(d, "activity", "import", write("ends.csv", as_csv([{**rows(run(d, "activity", "export", "--at", today())[1])[0], "until": until}])))
    expect(f"it is given an end {err}", code, 0)
    expect("still", pull(transfer), "whole")
    d.call("NodeService/DemoClock", {"bySeconds": str(2 * 86400)}, role="operator")
    w.call("NodeService/DemoClock", {"bySeconds": str(2 * 86400)}, role="operator")
    expect("not valid then", pull(transfer), ("activity.not_allowed", "does not hold now"))
    d.call("ActivityService/Publish", {**{k: v for k, v in keep.items() if k != "until"}, "until": "2099-01-01T00:00:00Z", "purpose": MARKETING})
    expect("not for that purpose", pull(transfer)[0], "activity.not_allowed")
    expect("the provider was asked for what was allowed only", len(w.log(kinds=["decision"])), decisions + 1)


def today():
    """In whole seconds, and not before what began in this one."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def claims(transfer):
    expect("a claim that names an activity", rogue(transfer, ACTIVITY), (200, "whole"))
    expect("a claim that names none", rogue(transfer, ""), (403, "activity.missing"))
    expect("a claim that names no URI", rogue(transfer, "crowds"), (403, "activity.malformed"))
    refused = [e["reason"] for e in w.log(kinds=["decision"]) if e["decision"] != "permit"]
    expect("the provider wrote it down", refused, ["activity.missing", "activity.malformed"])


def rests_on():
    """Terms that ask for a legal basis, and for an impact assessment: by what the requester's register says."""
    assessed = "urn:waterrijk:assessed-counts"
    text = f.dataset("detailed-counts").replace(DATASET, assessed)
    text = text.replace("processing_activity = true", f'processing_activity = true\nlegal_basis = ["eu-gdpr:A6-1-e"]\nimpact_assessment_for = ["{CROWD}"]')
    w.call("DatasetService/Publish", {"toml": text, "file": "assessed.toml"})
    told = run(w, "terms", "explain", "--matrix", assessed)[1]
    expect(f"in the table {told}", "needs DPIA" in told, True)
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": assessed, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    transfer = d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]["id"]
    activity = {"id": ACTIVITY, "purpose": CROWD, "title": "Crowds", "until": "2099-01-01T00:00:00Z"}

    def asked(**more):
        d.call("ActivityService/Publish", {**activity, **more})
        return pull(transfer)
    expect("no basis, no assessment", asked()[0], "value")
    expect("no assessment", asked(legalBasis=["eu-gdpr:A6-1-e"])[0], "value")
    expect("another basis", asked(legalBasis=["eu-gdpr:A6-1-f"], impactAssessment="DPIA 2026-14")[0], "value")
    before = len(w.log(kinds=["decision"]))
    expect("both", asked(legalBasis=["eu-gdpr:A6-1-e"], impactAssessment="DPIA 2026-14"), "whole")
    last = w.log(kinds=["decision"])[-1]
    expect("the provider has what was said", (len(w.log(kinds=["decision"])), last["legalBasis"], last["impactAssessment"]),
           (before + 1, ["https://w3id.org/dpv/legal/eu/gdpr#A6-1-e"], "DPIA 2026-14"))
    expect("a claim that says nothing of it", rogue(transfer, ACTIVITY), (403, "value"))
    for words, code in ((("--legal-basis", "eu-gdpr:A6-1-e", "--impact-assessment", "x"), "permitted"), ((), "value")):
        out = run(w, "terms", "test", assessed, "--as", d.participant, "--purpose", CROWD, "--activity", ACTIVITY, *words)[1]
        expect(f"terms test says so too {out}", f"code  {code}" in out, True)


try:
    f.begin()
    transfer = denied()
    text = register()
    round_trip(text)
    at_a_time()
    claims(transfer)
    rests_on()
    decided(transfer)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
