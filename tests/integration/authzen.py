#!/usr/bin/env python3
"""Another system of the municipality asks the node as a policy decision point (NLgov AuthZEN): what it is answered, what it may
search for, what it is refused, who may ask, and that each answer stands in the log and can be asked again under other terms.

usage: authzen.py BIN_DIR SOURCE_DIR
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
from federation import ACTIVITIES, Federation, MARKETING, PURPOSE, scratch  # noqa: E402

CROWD, DATASET = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts"
OTHERS = ("steward", "privacy_officer", "dpo", "operator")
EVALUATION, EVALUATIONS = "/access/v1/evaluation", "/access/v1/evaluations"
f = Federation(scratch("authzen"), binary=BIN / "sluis", base_port=20240, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
ACTIVITY = ACTIVITIES["duinmeer"]


def post(path, body, token=None, node=w, **headers):
    """Status, headers, body."""
    sent = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    token = node.token("application") if token is None else token
    if token:
        sent["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{node.port + 2}{path}", data=data, method="POST", headers=sent)
    try:
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def ask(path, body, node=w):
    status, _, text = post(path, body, node=node)
    expect(f"{path} is answered", status, 200)
    return json.loads(text) if status == 200 else {}


def party(name):
    return {"type": "party", "id": name}


def use(purpose, activity=ACTIVITY):
    return {"name": "use", "properties": {"purpose": purpose, "processing_activity_id": activity}}


def question(agreement, purpose=CROWD, subject=None, activity=ACTIVITY):
    return {"subject": subject or party(d.participant), "resource": {"type": "agreement", "id": agreement}, "action": use(purpose, activity)}


def code(answer):
    return answer.get("decision"), answer.get("context", {}).get("code")


def make_agreement():
    f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 20})["negotiation"]
    return made["agreement"]


def configuration():
    base = f"http://127.0.0.1:{w.port + 2}"
    with urllib.request.urlopen(f"{base}/.well-known/authzen-configuration", timeout=10) as answer:
        told = json.load(answer)
    expect("the decision point", told.pop("policy_decision_point"), base)
    expect("its endpoints", set(told), {"access_evaluation_endpoint", "access_evaluations_endpoint", "search_subject_endpoint",
                                        "search_resource_endpoint", "search_action_endpoint"})
    for name, url in told.items():
        expect(f"{name} is there", post(url.removeprefix(base), {}, token="")[0], 401)
    return [url.removeprefix(base) for url in told.values()]


def evaluations(agreement):
    status, headers, text = post(EVALUATION, question(agreement), X_Request_ID="bfe9eb29-ab87")
    answer = json.loads(text)
    expect("a permit", (status, answer["decision"]), (200, True))
    expect("the request's id comes back", headers["X-Request-ID"], "bfe9eb29-ab87")
    expect("as JSON", headers["Content-Type"], "application/json")
    denied = ask(EVALUATION, question(agreement, MARKETING))
    expect("another purpose", code(denied), (False, "purpose"))
    for reader in ("reason_admin", "reason_user"):
        expect(f"{reader} in both languages", set(denied["context"][reader]), {"en", "nl"})
    whole = {"subject": party(d.participant), "resource": {"type": "dataset", "id": DATASET}, "action": use(CROWD)}
    expect("a dataset, whichever agreement", ask(EVALUATION, whole)["decision"], True)
    expect("an unknown subject", code(ask(EVALUATION, question(agreement, subject=party("did:web:nobody.example")))), (False, "agreement.unknown"))
    expect("an unknown resource", code(ask(EVALUATION, question("urn:uuid:none"))), (False, "agreement.unknown"))
    expect("an unknown purpose", code(ask(EVALUATION, question(agreement, "urn:no-such-purpose"))), (False, "indeterminate"))
    expect("no activity", code(ask(EVALUATION, question(agreement, activity=""))), (False, "activity.missing"))
    expect("another kind of subject", code(ask(EVALUATION, question(agreement, subject={"type": "user", "id": "alice"}))), (False, "subject.unsupported"))
    own = ask(EVALUATION, question(agreement), node=d)
    expect("the consumer asks its own node", own["decision"], True)


def batches(agreement):
    yes, no = {"action": use(CROWD)}, {"action": use(MARKETING)}

    def answers(semantic, *items):
        asked = {**question(agreement), "evaluations": list(items), "options": {"evaluations_semantic": semantic} if semantic else {}}
        return [one["decision"] for one in ask(EVALUATIONS, asked)["evaluations"]]
    expect("all", answers(None, yes, no, yes), [True, False, True])
    expect("execute_all", answers("execute_all", {}, no), [True, False])
    expect("deny_on_first_deny", answers("deny_on_first_deny", yes, no, yes), [True, False])
    expect("permit_on_first_permit", answers("permit_on_first_permit", no, yes, no), [False, True])
    expect("an item that cannot be read", answers(None, yes, {"resource": 7}), [True, False])
    expect("no list: one answer", ask(EVALUATIONS, question(agreement))["decision"], True)
    expect("an unknown semantic", post(EVALUATIONS, {**question(agreement), "evaluations": [{}], "options": {"evaluations_semantic": "x"}})[0], 400)
    expect("too many", post(EVALUATIONS, {**question(agreement), "evaluations": [{}] * 51})[0], 400)


def searches(agreement):
    dataset = {"type": "dataset", "id": DATASET}
    found = ask("/access/v1/search/subject", {"subject": {"type": "party"}, "resource": dataset, "action": use(CROWD)})
    expect("who may", found["results"], [party(d.participant)])
    expect("in one page", found["page"], {"next_token": "", "count": 1})
    found = ask("/access/v1/search/subject", {"subject": {"type": "party"}, "resource": dataset, "action": use(MARKETING)})
    expect("nobody for marketing", found["results"], [])
    asked = {"subject": party(d.participant), "resource": {"type": "dataset"}, "action": use(CROWD)}
    expect("what it may have", ask("/access/v1/search/resource", asked)["results"], [dataset])
    asked = {"subject": party(d.participant), "resource": {"type": "agreement", "id": agreement}}
    actions, token = [], None
    while token != "":
        page = ask("/access/v1/search/action", {**asked, "page": {"token": token} if token else {"limit": 1}})
        expect("a page has its limit", len(page["results"]) <= 1, True)
        actions, token = actions + page["results"], page["page"]["next_token"]
    expect("what it may do", [a["properties"]["purpose"] for a in actions], [CROWD])
    for action in actions:
        expect("which an evaluation permits", ask(EVALUATION, {**asked, "action": action})["decision"], True)
    expect("a token of another question", post("/access/v1/search/subject", {"subject": {"type": "party"}, "resource": dataset, "action": use(CROWD), "page": {"token": "AAAA"}})[0], 400)


def refusals(paths, agreement):
    before = len(w.log(kinds=["decision"]))
    for path in paths:
        expect("no token", post(path, question(agreement), token="")[1]["WWW-Authenticate"], "Bearer")
        expect("a guessed token", post(path, question(agreement), token="guessed")[0], 401)
        for role in OTHERS:
            expect(f"{path} as {role}", post(path, question(agreement), token=w.token(role))[0], 403)
        for text in (b"{", b"", b"[]", b"{}", b'{"subject":1,"subject":1}', b'{"subject":"\xff"}', b"[" * 5000):
            status, headers, said = post(path, text, X_Request_ID="r-2")
            expect(f"{path} with {text[:20]}", (status, headers["Content-Type"].split(";")[0], headers["X-Request-ID"], bool(said)),
                   (400, "text/plain", "r-2", True))
        expect("another media type", post(path, question(agreement), Content_Type="text/plain")[0], 400)
        expect("too large", post(path, b'{"x":"' + b"a" * (300 << 10) + b'"}')[0], 413)
        expect("an id that is too long", post(path, question(agreement), X_Request_ID="x" * 257)[0], 400)
    expect("nothing of it was decided", len(w.log(kinds=["decision"])), before)


def record(agreement):
    for purpose, decision, wanted in ((CROWD, "permit", True), (MARKETING, "refused", False)):
        before = len(w.log(kinds=["decision"], event="evaluated", purpose=purpose, decision=decision))
        answer = ask(EVALUATION, question(agreement, purpose))
        found = w.log(kinds=["decision"], event="evaluated", purpose=purpose, decision=decision)
        expect(f"{decision} is one entry more", (answer["decision"], len(found)), (wanted, before + 1))
        entry = found[-1]
        expect("which says what was asked", (entry["transaction"], entry["agreement"], entry["counterparty"], entry["dataset"], entry["activity"]),
               (answer["context"]["id"], agreement, d.participant, DATASET, ACTIVITY))
        expect("and what was decided", entry["reason"], answer["context"]["code"])
    expect("only those are found", {e["event"] for e in w.log(event="evaluated")}, {"evaluated.permitted", "evaluated.refused"})
    done = w.command("audit", "log", "--kind", "decision", "--event", "evaluated.refused", "--purpose", MARKETING, "--decision", "refused",
                     "-o", "json", role="dpo")
    expect("by the command too", (done.returncode, {e["purpose"] for e in json.loads(done.stdout)["entries"]}), (0, {MARKETING}))
    searched = w.log(event="searched")
    expect("each search is an entry", {e["event"] for e in searched}, {"searched.subject", "searched.resource", "searched.action"})
    expect("that says what was told", any(d.participant in e["response"] for e in searched if e["event"] == "searched.subject"), True)
    done = w.command("explain", entry["transaction"], role="dpo")
    expect("an evaluation is explained", (done.returncode, bool(done.stdout)), (0, True))


def replay(agreement):
    """What was evaluated counts as a request on record: a purpose less, and what was permitted for it would be refused."""
    path = f.folder / "narrower.toml"
    path.write_text(f.dataset("detailed-counts").replace(f'"{CROWD}"', f'"{MARKETING}"'))
    path.chmod(0o644)
    done = w.command("terms", "test", path, "--replay", "2020-01-01T00:00:00Z..2100-01-01T00:00:00Z", "-o", "json")
    expect("a replay", (done.returncode, done.stderr), (0, ""))
    told = json.loads(done.stdout)
    evaluated = w.log(kinds=["decision"], event="evaluated", dataset=DATASET)
    of_terms = [e for e in evaluated if e["agreement"] == agreement]
    would = {e["transaction"] for e in of_terms if e["purpose"] == CROWD and e["decision"] == "permit"}
    expect("all with this agreement are asked again", int(told["askedAgain"]) >= len(of_terms), True)
    expect("what was permitted would be refused", {e["transaction"] for e in told["refused"]}, would)


def survives():
    before = len(w.log(event="evaluated"))
    w.kill()
    w.start()
    w.wait_ready()
    expect("a killed node still has each answer", len(w.log(event="evaluated")), before)


try:
    f.begin()
    made = make_agreement()
    endpoints = configuration()
    evaluations(made)
    batches(made)
    searches(made)
    refusals(endpoints, made)
    record(made)
    replay(made)
    survives()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
