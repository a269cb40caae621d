"""What real nodes write, held against the standards: two nodes exchange, refuse, cut, crash and answer questions; then each exports its
records, and each is checked, counted, and joined with those of the other node.

usage: nodes.py SUITE BIN_DIR SOURCE_DIR [--cases DIR]      SUITE: adl, ldv, fsc or prov; DIR: files of one form instead
"""
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SUITE, BIN, SOURCE = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
sys.path[:0] = [str(HERE), str(SOURCE / "deploy/demo.d")]
import adl  # noqa: E402
import fsc  # noqa: E402
import ldv  # noqa: E402
import prov_check  # noqa: E402
from federation import ACTIVITIES, Federation, MARKETING, PURPOSE, Refused, scratch  # noqa: E402

CROWD, DATASET = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts"
OWN_ACTIVITY = "https://waterrijk.example/activities/counting"
VECTORS = os.environ.get("SLUIS_VECTORS_DIR", "")
count = collections.Counter()


def held(what, findings):
    """One check: it passes where nothing was found."""
    findings = list(findings)
    count["failed" if findings else "passed"] += 1
    for one in findings[:5]:
        print(f"✗ {what}: {one}")


def same(what, got, wanted):
    held(what, [] if got == wanted else [f"got {str(got)[:300]}, wanted {str(wanted)[:300]}"])


def finish():
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    sys.exit(1 if count["failed"] else 0)


def check(form, text):
    return {"adl": adl.check, "ldv": ldv.check, "fsc": fsc.check}[form](text)


def cases(folder):
    """Files of others: each has to be right."""
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if not files:
        print(f"`{folder}` holds no file")
        sys.exit(2)
    for path in files:
        text = path.read_text()
        if SUITE != "prov":
            held(path.name, check(SUITE, text))
        else:
            held(path.name, prov_check.check_turtle(text) if path.suffix == ".ttl" else prov_check.check_json(text))
    finish()


if SUITE == "prov":  # a reader that others wrote is among the pinned packages
    sys.path.append(str(SOURCE / "tests/support"))
    import pinned  # noqa: E402
    pinned.enter()
if "--cases" in sys.argv:
    cases(pathlib.Path(sys.argv[sys.argv.index("--cases") + 1]))
f = Federation(scratch("records"), binary=BIN / "sluis", base_port=21140, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
TRACES = [f"{i:032x}" for i in range(0xA0, 0xA9)]
SPAN = "00f067aa0ba902b7"


def traceparent(i):
    return f"00-{TRACES[i]}-{SPAN}-01"


def asking(node, path, body=None, headers=None):
    sent = {"Content-Type": "application/json", "Authorization": f"Bearer {node.token('application')}", **(headers or {})}
    request = urllib.request.Request(f"http://127.0.0.1:{node.port + 2}{path}", data=None if body is None else json.dumps(body).encode(), headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""
    except Exception:  # an answer that ends in its middle
        return 0, b""


def pull(transfer, purpose=CROWD, i=None):
    headers = {"Sluis-Purpose": purpose, "Sluis-Activity": ACTIVITIES["duinmeer"], **({} if i is None else {"traceparent": traceparent(i), "tracestate": "city=1"})}
    return asking(d, f"/intake/{transfer}", None, headers)[0]


def agree(dataset):
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": dataset, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    return made, d.call("TransferService/Start", {"agreement": made, "waitSeconds": 15})["transfer"]["id"]


def in_the_middle(transfer, act, i=None):
    """Does something while a paced pull runs."""
    puller = threading.Thread(target=pull, args=(transfer, CROWD, i))
    before = len(w.log(kinds=["decision"]))
    puller.start()
    w.wait_log(before + 1, kinds=["decision"])
    time.sleep(0.3)
    act()
    puller.join()


def until(transfer, state):
    limit = time.monotonic() + 20
    while d.call("TransferService/Show", {"id": transfer})["transfer"]["state"] != state:
        if time.monotonic() > limit:
            raise RuntimeError(f"the transfer is not {state}")
        time.sleep(0.05)


def exchange():
    """All that has a record: what was done, and how often."""
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    w.call("ActivityService/Publish", {"id": OWN_ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Counting"})
    for name in ("detailed-counts", "detailed-counts-paced"):
        w.call("DatasetService/Publish", {"toml": f'processed_under = "{OWN_ACTIVITY}"\n' + f.dataset(name), "file": f"{name}.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITIES["duinmeer"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    agreement, transfer = agree(DATASET)
    paced_agreement, paced = agree(DATASET + "-paced")
    same("a pull within a trace", pull(transfer, i=0), 200)
    same("a pull that begins one", pull(transfer), 200)
    same("refused by its own node", pull(transfer, MARKETING, i=1), 403)
    rogue = subprocess.run([f.rogue, "--config", d.folder / "node.toml", "--transfer", transfer, "--purpose", MARKETING, "--activity", ACTIVITIES["duinmeer"]],
                           capture_output=True, text=True)
    same("refused by the provider", rogue.stdout[:3], "403")
    # The decision point: one, a batch, a batch that stops, three searches.
    subject, resource = {"type": "party", "id": d.participant}, {"type": "dataset", "id": DATASET}
    use = {"name": "use", "properties": {"purpose": CROWD, "processing_activity_id": ACTIVITIES["duinmeer"], "algorithm_id": "https://waterrijk.example/algorithms/1"}}
    other = {"name": "use", "properties": {"purpose": MARKETING}}
    question = {"subject": subject, "resource": resource, "action": use}
    for path, body in (("evaluation", question), ("evaluation", {**question, "action": other}),
                       ("evaluations", {**question, "evaluations": [{}, {"action": other}, {"resource": {"type": "dataset"}}]}),
                       ("evaluations", {**question, "evaluations": [{"action": other}, {}], "options": {"evaluations_semantic": "deny_on_first_deny"}}),
                       ("search/subject", {**question, "subject": {"type": "party"}}), ("search/resource", {**question, "resource": {"type": "dataset"}}),
                       ("search/action", {"subject": subject, "resource": resource})):
        same(f"/access/v1/{path}", asking(w, f"/access/v1/{path}", body, {"traceparent": traceparent(2)})[0], 200)
    asking(w, "/access/v1/evaluation", {**question, "context": {"traceparent": traceparent(3), "tracestate": "", "time": "2026-11-27T09:00:00Z"}})
    # Cut by a rule, in both logs; a crash of the provider, one of the consumer.
    providers = d.call("TransferService/Show", {"id": paced})["transfer"]["peerId"]
    in_the_middle(paced, lambda: w.call("TransferService/Suspend", {"id": providers, "code": "pause", "sentence": "maintenance"}), 4)
    until(paced, "SUSPENDED")
    w.call("TransferService/Resume", {"id": providers})
    until(paced, "STARTED")

    def crash(node):
        node.kill()
        node.start()
        node.wait_ready()
    in_the_middle(paced, lambda: crash(w), 5)
    in_the_middle(paced, lambda: crash(d), 6)
    in_the_middle(paced, lambda: w.call("AgreementService/Terminate", {"id": paced_agreement, "code": "over", "sentence": "it is over"}), 7)
    return agreement


def export(node, form, code=0):
    done = node.command("audit", "export", "--format", form, role="dpo")
    same(f"{node.key}: audit export --format {form}", (done.returncode, done.stderr), (code, ""))
    return done.stdout


def records(node, form):
    """Checked as they are; and a part of them, from the middle on."""
    text = export(node, form)
    held(f"{node.key}'s {form}", check(form, text))
    same(f"{node.key}'s {form}, the same again", export(node, form) == text, True)
    return [json.loads(line) for line in text.splitlines()]


def adl_suite():
    ours, theirs = records(w, "adl"), records(d, "adl")
    events = collections.Counter(one["event_name"].removeprefix("adl.") for one in ours)
    same("each call to the decision point is one record", {name: events[name] for name in ("access_evaluations", "search_subject", "search_resource", "search_action")},
         {"access_evaluations": 2, "search_subject": 1, "search_resource": 1, "search_action": 1})
    asked = [one for one in ours if one["event_name"] == "adl.access_evaluation" and one["body"]["adl.core.request"]["subject"]["type"] == "party" and "sluis.application.name" not in one["attributes"]]
    # two pulls, a refusal, four paced pulls; and two of these were ended by a rule
    same("each data request is one, and each cut by a rule", sorted(one["body"]["adl.core.response"]["decision"] for one in asked), [False] * 3 + [True] * 6)
    batches = [one["body"]["adl.core.response"]["evaluations"] for one in ours if one["event_name"] == "adl.access_evaluations"]
    same("the batches, whole and stopped", sorted(len(one) for one in batches), [1, 3])
    same("the log says as many decisions", len(ours), len({e.get("index", "0") for e in w.log(kinds=["decision"])}) - 2 + 2)
    by_trace = {(one["trace_id"], one.get("parent_span_id")): one for one in ours if one["trace_id"] in TRACES}
    same("what came in the call's header", by_trace.get((TRACES[2], SPAN)) is not None, True)
    same("and in what was asked", by_trace.get((TRACES[3], SPAN)) is not None, True)
    mine = [one for one in theirs if one["trace_id"] == TRACES[0]]
    same("the consumer decided below the application's span", [one.get("parent_span_id") for one in mine], [SPAN])
    same("the refusal of its own node", [one["body"]["adl.core.response"]["decision"] for one in theirs if one["trace_id"] == TRACES[1]], [False])
    same("and the provider within the same trace", sum(one["trace_id"] == TRACES[0] for one in ours), 1)
    entries = {int(e.get("index", "0")): e for e in w.log()}
    held("each names its entry of the log", [one for one in ours if entries[one["attributes"]["sluis.log.entry"]]["kind"] not in ("decision", "cut")])
    held("no record holds who works here", [one for one in ours + theirs if "steward of" in json.dumps(one)])
    partly = w.command("audit", "export", "--format", "adl", "--from", min(e["time"] for e in w.log(event="evaluated")), role="dpo")
    held("a part of a log", check("adl", partly.stdout))
    same("is a part", 0 < len(partly.stdout.splitlines()) < len(ours), True)


def ldv_suite():
    ours, theirs = records(w, "ldv"), records(d, "ldv")
    if VECTORS:
        for node in (w, d):
            held(f"{node.key}: the schema of the draft extension", ldv.check_vectors(export(node, "ldv"), pathlib.Path(VECTORS)))
    else:
        count["skipped"] += 1
    same("one line a release", len(ours), len(w.log(kinds=["stream-end", "cut"])))
    same("and one for each that came in", len(theirs), len(d.log(kinds=["received"])))
    same("the provider's own activity", {one["attributes"].get("dpl.core.processing_activity_id") for one in ours}, {OWN_ACTIVITY})
    same("the consumer's", {one["attributes"].get("dpl.core.processing_activity_id") for one in theirs}, {ACTIVITIES["duinmeer"]})
    spans = {one["span_id"]: one for one in theirs}
    for one in ours:
        caller = spans.get(one.get("parent_span_id"))
        same("a release is below what the consumer did, in the same trace", caller is not None and caller["trace_id"] == one["trace_id"], True)
        same("and names its caller", one["attributes"]["dpl.core.foreign_operation.processor"], f"https://localhost:{d.port}")
    same("what the application sent went on", {TRACES[i] for i in (0, 4, 5, 6, 7)} <= {one["trace_id"] for one in ours}, True)
    status = {one["trace_id"]: one["status"] for one in ours}
    same("a crash is an error, a rule is none", (status[TRACES[0]], status[TRACES[4]], status[TRACES[5]], status[TRACES[7]]), ("Unset", "Unset", "Error", "Unset"))
    same("also at the consumer", {one["trace_id"]: one["status"] for one in theirs}[TRACES[6]], "Error")
    held("times go forward", [one for one in ours + theirs if one["end_time"] < one["start_time"]])
    held("no line holds who works here", [one for one in ours + theirs if "steward of" in json.dumps(one)])


def fsc_suite():
    ours, theirs = records(w, "fsc"), records(d, "fsc")
    same("what was sent is what came, but for what went past its own node", {one["transaction_id"] for one in theirs} - {one["transaction_id"] for one in ours}, set())
    same("directions", ({one["direction"] for one in ours}, {one["direction"] for one in theirs}), ({"DIRECTION_INCOMING"}, {"DIRECTION_OUTGOING"}))
    sides = {(one["source"]["outway_peer_id"], one["destination"]["service_peer_id"]) for one in ours + theirs}
    same("both logs name both sides alike", sides, {(d.oin, w.oin)})
    for node in (w, d):
        held(f"{node.key}: what the Dutch profile adds: OINs, and UUIDs of version 7", fsc.check(export(node, "fsc"), digikoppeling=True))


def prov_suite():
    for node in (w, d):
        turtle, told = export(node, "prov"), export(node, "prov-json")
        held(f"{node.key}: Turtle", prov_check.check_turtle(turtle))
        held(f"{node.key}: PROV-JSON", prov_check.check_json(told))
        held(f"{node.key}: both say the same", prov_check.differences(turtle, told))
        others = prov_check.package(told)
        if others is None:
            count["skipped"] += 1
        else:
            held(f"{node.key}: a reader that others wrote", others)
        document = json.loads(told)
        same(f"{node.key}: agreements", sum("odrl:Agreement" in json.dumps(one.get("prov:type", "")) for one in document["entity"].values()), 2)
        same(f"{node.key}: one of them has ended", len(document["wasInvalidatedBy"]), 1)
        payloads = [name for name in document["entity"] if name.startswith("urn:sluis:payload:")]
        same(f"{node.key}: what was released or came", len(payloads) >= 2, True)
        same(f"{node.key}: and is derived from the dataset", {one["prov:generatedEntity"] for one in document["wasDerivedFrom"].values()} >= set(payloads), True)


try:
    f.begin()
    exchange()
    d.wait_log(5, kinds=["received"])
    w.wait_log(5, kinds=["stream-end", "cut"])
    {"adl": adl_suite, "ldv": ldv_suite, "fsc": fsc_suite, "prov": prov_suite}[SUITE]()
except Refused as refused:
    held("a call", [refused.body])
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
