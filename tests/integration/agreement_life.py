#!/usr/bin/env python3
"""The life of an agreement: people propose other terms in turn, newer terms are told and asked for, it ends when its terms permit nothing any
more and when a membership does; and who watches the log goes on after a restart.

usage: agreement_life.py BIN_DIR SOURCE_DIR
"""
import datetime
import json
import pathlib
import shutil
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, DATASET, ACTIVITY, DAY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"], 86400
f = Federation(scratch("agreement-life"), binary=BIN / "sluis", base_port=25740, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def wait_for(what, holds, limit=20):
    until = time.monotonic() + limit
    while not holds() and time.monotonic() < until:
        time.sleep(0.05)
    expect(what, holds(), True)


def publish(**terms):
    """The dataset with more in its terms."""
    text = f.dataset("detailed-counts").replace("processing_activity = true", "processing_activity = true" + "".join(f"\n{key} = {value}" for key, value in terms.items()))
    w.call("DatasetService/Publish", {"toml": text, "file": "detailed-counts.toml"})


def request(**more):
    return d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15, **more})["negotiation"]


def show(node, agreement):
    return node.call("AgreementService/Show", {"id": agreement})["agreement"]


def start(agreement):
    return d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]


def transfers(node, agreement):
    return [one["state"] for one in node.call("TransferService/List", {"agreement": agreement}).get("transfers", [])]


def refusal(ask):
    try:
        return "not refused", ask()
    except Refused as refused:
        return refused.status, json.loads(refused.body)["message"]


def pulled(transfer):
    """"whole", "other" data, or "refused"."""
    try:
        data, whole = d.pull(transfer, CROWD, ACTIVITY)
        return "whole" if whole and data == (w.folder / "datasets/detailed-counts.csv").read_bytes() else "other"
    except Refused:
        return "refused"


def restart():
    """Both, so that what differs waits for a person; a negotiation has three days."""
    for node in (w, d):
        node.stop()
        config = node.folder / "node.toml"
        config.write_text(config.read_text().replace('other_offers = "refuse"', 'other_offers = "steward"\nnegotiation_days = 3'))
        node.start()
    for node in (w, d):
        node.wait_ready()


def waiting(node):
    return node.call("AgreementService/ListNegotiations", {"waitsFor": "steward"}).get("negotiations", [])


def terms_file(name, purpose):
    path = f.folder / name
    path.write_text(json.dumps({"@type": "Offer", "@id": f"urn:offer:{name}", "target": DATASET,
                                "permission": [{"action": "use", "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": purpose}]}]}))
    return path


def counters():
    """Waterrijk answers a request with other terms, Duinmeer these with others again; what both saw is agreed."""
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = request(purpose="dpv:Marketing", waitSeconds=0)
    wait_for("it waits for Waterrijk's steward", lambda: len(waiting(w)) == 1)
    (here,) = waiting(w)
    expect("how it differs from what is published", here["difference"]["code"], "purpose")
    deadline = datetime.datetime.fromisoformat(here["deadline"].replace("Z", "+00:00")) - datetime.datetime.fromisoformat(here["created"].replace("Z", "+00:00"))
    expect("the days are the configuration's", deadline.days, 3)
    table = w.command("negotiation", "list", "--waits-for", "steward", role="steward").stdout
    expect("a person sees until when, and what is other", ("DEADLINE" in table, here["deadline"][:10] in table, "DIFFERS" in table), (True, True, True))
    nonsense = f.folder / "nonsense.json"
    nonsense.write_text(terms_file("bad.json", CROWD).read_text().replace(CROWD, "dpv:NoSuchPurpose"))
    done = w.command("agreement", "counter", here["id"], nonsense, role="steward")
    expect("terms that nobody could keep", (done.returncode, "NoSuchPurpose" in done.stderr), (1, True))
    research = "https://w3id.org/dpv#AcademicResearch"
    done = w.command("agreement", "counter", here["id"], terms_file("first.json", research), "--dry-run", role="steward")
    expect("tried", (done.returncode, w.call("AgreementService/Show", {"id": here["id"]})["negotiation"]["state"]), (0, "REQUESTED"))
    done = w.command("agreement", "counter", here["id"], terms_file("first.json", research), role="steward")
    expect("Waterrijk's steward proposes other terms", done.returncode, 0)
    wait_for("which Duinmeer's steward finds", lambda: len(waiting(d)) == 1)
    (there,) = waiting(d)
    expect("with what is other than was asked", (there["id"], there["state"], there["difference"]["code"], "AcademicResearch" in there["difference"]["sentences"][0]),
           (made["id"], "OFFERED", "purpose", True))
    third = "https://w3id.org/dpv#NonCommercialResearch"
    expect("Duinmeer's answers in turn", d.command("agreement", "counter", made["id"], terms_file("second.json", third), role="steward").returncode, 0)
    wait_for("which is Waterrijk's to decide", lambda: len(waiting(w)) == 1)
    expect("compared with its own last word", ("AcademicResearch" in waiting(w)[0]["difference"]["sentences"][0], waiting(w)[0]["state"]), (True, "REQUESTED"))
    w.call("AgreementService/Approve", {"negotiation": here["id"]})
    made = d.call("AgreementService/Show", {"id": made["id"], "waitSeconds": 15})["negotiation"]
    expect("agreed", made["state"], "FINALIZED")
    both = [show(node, made["agreement"]) for node in (w, d)]
    expect("on what both saw", ([one["purposes"] for one in both], both[0]["agreementHash"] == both[1]["agreementHash"]), ([[third], [third]], True))
    people = [entry.get("person") for entry in w.log(kinds=["negotiation"]) if entry.get("event") == "countered"]
    expect("who proposed it is on record", [bool(one) for one in people], [True])
    d.call("CatalogService/Fetch", {"peer": w.participant})
    expect("the catalogue says what it said before, and of this agreement that is something else", "newerTerms" in show(d, made["agreement"]), True)
    return made["agreement"]


def newer():
    """Terms are published anew: a running agreement stays, and who answers for it is told."""
    publish()
    agreement = request()["agreement"]
    start(agreement)
    d.call("CatalogService/Fetch", {"peer": w.participant})
    expect("nothing newer", "newerTerms" in show(d, agreement), False)
    expect("nothing to renew", refusal(lambda: d.call("AgreementService/Renew", {"id": agreement}))[0], 400)
    publish(delete_after='"P7D"')
    d.call("CatalogService/Fetch", {"peer": w.participant})
    seen = show(d, agreement).get("newerTerms", {})
    expect("newer terms are told", (bool(seen.get("seen")), seen.get("offer", "").startswith("urn:sluis:offer:")), (True, True))
    listed = d.command("agreement", "list", "--active", role="steward").stdout
    expect("in the list", ("NEWER TERMS" in listed, seen["offer"] in listed), (True, True))
    findings = d.call("NodeService/Status", role="operator").get("findings", [])
    expect("as a finding", any("offers other terms by now" in one for one in findings), True)
    expect("and the agreement is what it was", (show(d, agreement)["state"], "deleteAfter" in show(d, agreement)), ("active", False))
    d.call("CatalogService/Fetch", {"peer": w.participant})
    expect("the time is that of the first sight", show(d, agreement)["newerTerms"], seen)
    kept = d.call("AgreementService/Renew", {"id": agreement, "waitSeconds": 15})["negotiation"]
    expect("asked for", (kept["state"], kept["renews"], show(d, kept["agreement"])["deleteAfter"]), ("FINALIZED", agreement, "P7D"))
    expect("the old one stays", (show(d, agreement)["state"], transfers(d, agreement)), ("active", ["STARTED"]))
    done = d.command("agreement", "renew", agreement, "--end-old", "--wait", "-o", "json", role="steward")
    expect("or ends with it", done.returncode, 0)
    wait_for("on both sides", lambda: [show(node, agreement)["state"] for node in (d, w)] == ["ended", "ended"])
    expect("with the reason", (show(d, agreement)["reason"]["code"], transfers(d, agreement)), ("renewed", ["TERMINATED"]))
    findings = d.call("NodeService/Status", role="operator").get("findings", [])
    expect("no other agreement has newer terms, but the one for another purpose", any("1 agreement(s)" in one for one in findings), True)


def over():
    """Terms with an end: nobody has to end the agreement."""
    end = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    publish(until=f'"{end}"')
    d.call("CatalogService/Fetch", {"peer": w.participant})
    agreement = request()["agreement"]
    start(agreement)
    expect("when it will be over", [show(node, agreement)["over"] for node in (w, d)], [end, end])
    for node in (w, d):
        node.call("NodeService/DemoClock", {"bySeconds": 2 * DAY}, role="operator")
    status, message = refusal(lambda: d.call("TransferService/Start", {"agreement": agreement}))
    expect("no transfer begins any more, at once", (status, "over" in message), (400, True))
    # A clock that was moved has to stand for a minute before anything is ended for ever by it.
    wait_for("ended on both sides", lambda: [show(node, agreement)["state"] for node in (w, d)] == ["ended", "ended"], limit=120)
    expect("with the reason", [show(node, agreement)["reason"]["code"] for node in (w, d)], ["over", "over"])
    wait_for("and its transfers", lambda: [transfers(node, agreement) for node in (w, d)] == [["TERMINATED"], ["TERMINATED"]])
    expect("on record", [bool(node.log(kinds=["agreement-ended"], agreement=agreement)) for node in (w, d)], [True, True])
    status, message = refusal(lambda: d.call("TransferService/Start", {"agreement": agreement}))
    expect("no transfer begins", (status, "ended" in message), (400, True))


def left():
    """Duinmeer is taken off the list, and comes back: it has to agree anew."""
    publish()
    d.call("CatalogService/Fetch", {"peer": w.participant})
    agreement = request()["agreement"]
    start(agreement)
    both = f.membership(3, name="three.json")
    f.nodes = {"waterrijk": w}
    alone = f.membership(2, name="two.json")
    f.nodes = {"waterrijk": w, "duinmeer": d}
    w.call("MembershipService/Load", {"document": alone, "file": "two.json"}, role="operator")
    wait_for("the agreement ends with the membership", lambda: show(w, agreement)["state"] == "ended")
    expect("with the reason", (show(w, agreement)["reason"]["code"], transfers(w, agreement)), ("membership", ["TERMINATED"]))
    expect("on record", [entry["reason"] for entry in w.log(kinds=["agreement-ended"], agreement=agreement)], ["membership"])
    for node in (w, d):
        node.call("MembershipService/Load", {"document": both, "file": "three.json"}, role="operator")
    transfer = d.call("TransferService/List", {"agreement": agreement})["transfers"][0]["id"]
    expect("who is back gets nothing by it", pulled(transfer), "refused")
    anew = request()
    expect("and may agree anew", anew["state"], "FINALIZED")
    expect("with access", pulled(start(anew["agreement"])["id"]), "whole")


def watched():
    """Who saw entry N goes on with the next, also after a restart between."""
    def watch(*words):
        done = w.command("watch", "-o", "json", *words, role="dpo")
        return [int(json.loads(line).get("index", 0)) for line in done.stdout.splitlines()]
    first = watch("--from", "0", "--count", "3")
    expect("from the first", first, [0, 1, 2])
    w.stop()
    w.start()
    w.wait_ready()
    expect("and on", watch("--from", str(first[-1] + 1), "--count", "3"), [3, 4, 5])


def known_protocol():
    d.call("CatalogService/Fetch", {"peer": w.participant})
    checks = d.call("NodeService/DoctorPeer", {"peer": w.participant}, role="operator")["checks"]
    said = [one["message"] for one in checks if one["name"] == "protocol in use"]
    expect("where the other party's protocol is, and since when that is known", [("/2025-1, as it said at 20" in one) for one in said], [True])


try:
    f.begin()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    publish()
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    restart()
    counters()
    newer()
    known_protocol()
    over()
    left()
    watched()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
