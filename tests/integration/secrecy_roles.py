#!/usr/bin/env python3
"""What each role of management may not see: each method that is not a role's refuses it with one answer, whatever it asks for and whether
that is there, over Connect JSON and gRPC; so do the decision point and the intake. Whose role has ended is a stranger. What the others
answer to a role holds nothing that is not for it. And an application learns nothing of the decisions about others.

usage: secrecy_roles.py BIN_DIR SOURCE_DIR
"""
import base64
import datetime
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support"), str(SOURCE / "tests/integration")]
from checks import expect, finish  # noqa: E402
from contract import contract  # noqa: E402
from federation import ACTIVITIES, MARKETING, PURPOSE, Federation, scratch  # noqa: E402
from secrecy_asking import Caller, Findings, blind, twin  # noqa: E402

KNOWN = {
    "the time of another's decision": "The log is looked through from its end until the decision is found: all of it for one that is not there.",
}
CROWD, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
ROLES = ("steward", "privacy_officer", "dpo", "auditor", "application", "operator", "panel_member", "council_clerk")
DECISION_POINT = {"Evaluation": "evaluation", "Evaluations": "evaluations", "SearchSubject": "search/subject", "SearchResource": "search/resource",
                  "SearchAction": "search/action"}
SITUATION = """[[situation]]
id = "https://waterrijk.example/situations/crowds"
title = "Crowds in the centre"
where = "The shopping streets around the Market"
declared_by = ["operator"]
renewed_by = ["privacy_officer"]
opens = ["{}"]
closes = []
longest = "P2D"
"""
findings = Findings(KNOWN)
f = Federation(scratch("secrecy-roles"), binary=BIN / "sluis", base_port=20880, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


TABLE = contract(SOURCE)
METHODS = [method for method in TABLE if method.service != "AuthzenService"]


def token(role, node=w):
    return {"Authorization": f"Bearer {(node.folder / 'tokens' / role).read_text().strip()}"}


def managers():
    """One kept connection each, and what it shows."""
    return {role: (Caller(w.port + 2), token(role)) for role in ROLES}


def may_sign():
    """The DPO has a key with which she signs findings."""
    f.sluis("audit", "key", f.folder / "dpo.key")
    pem = "".join((f.folder / "dpo.key.pub").read_text().splitlines()[1:-1])
    listed = json.loads((w.folder / "roles.json").read_text())
    for holder in listed["roles"]:
        if holder["role"] == "dpo":
            holder["key"] = base64.urlsafe_b64encode(base64.b64decode(pem)[-32:]).decode().rstrip("=")
    (w.folder / "roles.json").write_text(json.dumps(listed))


def things():
    """What is there, by the names that the fields of requests have: an exchange, an activity, a situation; and people for all roles."""
    config = w.folder / "node.toml"
    soon = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=2)).strftime("%Y-%m-%d")
    for role, name, more in (("auditor", "auditor", ("--until", soon)), ("application", "other", ("--activity", ACTIVITY)),
                             ("panel_member", "panel_member", ()), ("council_clerk", "council_clerk", ())):
        f.sluis("role", "add", "--config", config, "--role", role, "--person", f"Somebody 81, {role}", *more, "--token-file", w.folder / "tokens" / name)
    may_sign()
    offered = f.offer_counts()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    w.call("ActivityService/Publish", {"id": ACTIVITIES["waterrijk"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Routes"},
           role="privacy_officer")
    until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    w.call("DeclarationService/Declare", {"id": "https://waterrijk.example/situations/crowds", "until": until, "why": "The Market is full"}, role="operator")
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]
    transfer = d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]
    expect("a pull", d.pull(transfer["id"], CROWD, ACTIVITY)[1], True)
    refused_one = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": MARKETING, "waitSeconds": 15})["negotiation"]
    expect("a refusal", refused_one["state"], "TERMINATED")
    entry = w.wait_log(1, kinds=["stream-end"])[0]
    return {"agreement": made["agreement"], ("AgreementService", "id"): made["agreement"], "negotiation": made["peerId"], "refused": refused_one["peerId"],
            ("TransferService", "id"): transfer["peerId"], "transaction": entry["transaction"], "decision": entry["transaction"],
            "peer": d.participant, "party": d.participant, "participant": d.participant, "activity": ACTIVITY,
            "offer": offered["offer"]["id"], "dataset": DATASET, ("DatasetService", "id"): DATASET, ("ActivityService", "id"): ACTIVITIES["waterrijk"],
            ("DeclarationService", "id"): "https://waterrijk.example/situations/crowds", "kind": "situation",
            ("TransferService", "code"): "pause", "code": "ended", "reason": "a fault", "why": "none", "purpose": CROWD,
            # Of these names the fields are something else.
            ("TermsService", "offer"): None, ("AuditService", "decision"): None}


def never(there):
    """The same of what never was."""
    keep = ("kind", "code", ("TransferService", "code"), "reason", "why", "purpose")
    return {name: value if name in keep or value is None else twin(value) for name, value in there.items()}


def refused(there):
    """Each role at each method that is not its own."""
    none, count, told = never(there), 0, set()
    for role, (caller, shown) in managers().items():
        for method in METHODS:
            if role in method.roles:
                continue
            bodies = (method.body(there), method.body(none), {}, {"id": "x" * 3000}, b"{", b"[" * 900, b'{"id":"\xff"}', b"")
            answers = {caller.ask("POST", method.path, body, shown) for body in bodies}
            expect(f"{role} at {method.name}: one answer, whatever is asked", (len(answers), {one.status for one in answers}), (1, {403}))
            told |= {one.body.replace(f"{method.service}.{method.name}".encode(), b"<method>") for one in answers}
            count += 1
    print(f"{count} pairs of a role and a method that is not its own")
    expect("every role has some", len({word for body in told for word in re.findall(rb"role `(\w+)` may not", body)}), len(ROLES))
    form = rb"role `\w+` may not call `sluis\.v1\.<method>`; use the token of one of (`\w+`(, )?)+"
    expect("a refusal says the role, the method and whose it is, and nothing of the node",
           [body for body in told if not re.fullmatch(form, json.loads(body)["message"].encode())], [])


def allowed(there):
    """Whose method it is, is told: so a refusal could have told it."""
    none, apart = never(there), set()
    for role, (caller, shown) in managers().items():
        for method in METHODS:
            if role not in method.roles or method.name in ("Watch", "Reconcile", "Backup", "DemoClock", "Fetch"):
                continue
            if method.changes and "dry_run" not in method.fields:
                continue
            one, other = (caller.ask("POST", method.path, method.body(asked), shown) for asked in (there, none))
            expect(f"{role} may call {method.name}", 403 in (one.status, other.status) and method.service != "DeclarationService", False)
            if (one.status, len(one.body)) != (other.status, len(other.body)):
                apart.add(method.path[10:])
    print(f"{len(apart)} methods tell those whose they are what is there")
    wanted = {"AgreementService/Show", "AgreementService/Terminate", "TransferService/Show", "TransferService/Suspend", "DatasetService/Show",
              "DatasetService/Retract", "ActivityService/Show", "DeclarationService/Show", "AuditService/Log", "AuditService/Report", "AuditService/Proof",
              "TermsService/ExplainDecision", "TermsService/Explain", "TermsService/Test"}
    expect("these do", wanted - apart, set())


def strangers(there):
    """Without a role, with a guess, and with a role that is over: one answer for all methods and all that is asked. Of a role that is over no
    more is told than of a guess; why stands in the node's own log."""
    roles = w.folder / "roles.json"
    listed = json.loads(roles.read_text())
    over = "A" * 43
    listed["roles"].append({"role": "auditor", "person": "Cas 81", "sha256": hashlib.sha256(over.encode()).hexdigest(), "until": "2020-01-02T00:00:00Z"})
    roles.write_text(json.dumps(listed))
    caller, none, told = Caller(w.port + 2), never(there), []
    for who, shown, said in (("nobody", {}, b"no role token"), ("a guess", {"Authorization": "Bearer " + "B" * 43}, b"unknown token"),
                             ("an auditor whose time is over", {"Authorization": f"Bearer {over}"}, b"unknown token")):
        answers = {caller.ask("POST", method.path, body, shown) for method in METHODS for body in (method.body(there), method.body(none), b"{")}
        expect(f"{who}: one answer", (len(answers), {one.status for one in answers}), (1, {401}))
        expect(f"{who} is told why", said in next(iter(answers)).body, True)
        told.append(next(iter(answers)))
    expect("a role that is over is a guess", (told[2].status, told[2].body), (told[1].status, told[1].body))
    expect("an auditor in time has the log", caller.ask("POST", "/sluis.v1.AuditService/Log", {}, token("auditor")).status, 200)


def beside(there):
    """The decision point and the intake, which are no methods of Connect."""
    caller = Caller(w.port + 2)
    of_none = never(there)
    for role in ROLES:
        if role == "application":
            continue
        for name in DECISION_POINT.values():
            answers = {caller.ask("POST", f"/access/v1/{name}", question(asked, d.participant), token(role)) for asked in (there, of_none)}
            answers |= {caller.ask("POST", f"/access/v1/{name}", body, token(role)) for body in (b"{", b"", b"[]")}
            expect(f"{role} at {name}: one answer", (len(answers), {one.status for one in answers}), (1, {403}))
        named = {**token(role), "Sluis-Purpose": CROWD, "Sluis-Activity": ACTIVITY}
        pulls = {caller.ask("GET", f"/intake/{asked['TransferService', 'id']}", None, named) for asked in (there, of_none)}
        pulls.add(caller.ask("GET", "/intake/x", None, token(role)))
        expect(f"{role} at the intake: one answer", (len(pulls), {one.status for one in pulls}), (1, {403}))
    for shown in ({}, {"Authorization": "Bearer " + "B" * 43}):
        pulls = {caller.ask("GET", f"/intake/{asked['TransferService', 'id']}", None, shown) for asked in (there, of_none)}
        expect("nobody at the intake", (len(pulls), {one.status for one in pulls}), (1, {401}))


def question(asked, party, purpose=CROWD):
    return {"subject": {"type": "party", "id": party}, "resource": {"type": "agreement", "id": asked["agreement"]},
            "action": {"name": "use", "properties": {"purpose": purpose, "processing_activity_id": ACTIVITY}}}


def over_grpc(there):
    """The same table, the same answers; curl speaks HTTP/2 as gRPC has it."""
    sent, commands = f.folder / "sent", []
    sent.mkdir()
    none = never(there)
    asked = [(role, method) for role in ROLES for method in METHODS if role not in method.roles]
    rightful_one = "dpo", next(method for method in METHODS if method.path.endswith("AgreementService/Show"))
    for number, (role, method) in enumerate([*asked, rightful_one]):
        for which, message in (("there", method.bytes(there)), ("none", method.bytes(none)), ("torn", b"\0\0\0\0\2\x0a\x7f")):
            data = sent / f"{number}.{which}"
            data.write_bytes(message)
            # A host's name each: curl keeps no connection then.
            commands.append("\n".join((f'url = "http://{which}{number}.example:{w.port + 3}{method.path}"', f'connect-to = "::127.0.0.1:{w.port + 3}"',
                                       "http2-prior-knowledge", "silent", f'data-binary = "@{data}"',
                                       f'dump-header = "{data}.head"', f'output = "{data}.body"',
                                       'header = "content-type: application/grpc"', 'header = "te: trailers"',
                                       f'header = "authorization: {token(role)["Authorization"]}"')))
    (sent / "asked").write_text("\nnext\n".join(commands))
    expect("curl asks", subprocess.run(["curl", "-K", sent / "asked"], capture_output=True).returncode, 0)

    def answer(number, which):
        body = sent / f"{number}.{which}.body"
        lines = sorted((sent / f"{number}.{which}.head").read_text().lower().splitlines())
        return lines, body.read_bytes() if body.exists() else b""

    for number, (role, method) in enumerate(asked):
        one = answer(number, "there")
        expect(f"{role} at {method.name} over gRPC: one answer", (answer(number, "none"), answer(number, "torn")), (one, one))
        expect(f"{role} at {method.name} over gRPC: refused", ("grpc-status: 7" in one[0], one[1]), (True, b""))
    rightful = [answer(len(asked), which) for which in ("there", "none")]
    expect("whose method it is, is told", ("grpc-status: 0" in rightful[0][0], there["agreement"].encode() in rightful[0][1]), (True, True))
    expect("also that there is none", "grpc-status: 5" in rightful[1][0], True)


def in_sight(there):
    """All that the reading methods of a role answer, asked as widely as they allow: what may stand in it, and what not."""
    transactions = {entry["transaction"] for entry in w.log() if entry.get("transaction")}
    persons = {f"{role} of {w.name}" for role in ("steward", "operator", "privacy_officer")}
    exchanges = {"a party": d.participant, "an agreement": there["agreement"], "a transfer": there["TransferService", "id"],
                 "a negotiation": there["negotiation"]}
    log = {"another's activity": ACTIVITY, "a certificate": next(e["certificate"] for e in w.log(kinds=["decision"]) if e.get("certificate"))}
    internal = (*log, "a transaction", "a person of the log")
    hidden = {"operator": internal, "application": internal, "panel_member": (*exchanges, *internal), "council_clerk": (*exchanges, *internal)}
    of_others = {**exchanges, **log}
    for role, (caller, shown) in managers().items():
        everything = b""
        for method in METHODS:
            if role not in method.roles or method.changes or method.name in ("Watch", "Fetch"):
                continue
            for body in ({}, {name: value for name, value in method.body(there).items() if name in ("id", "kind", "dataset", "decision")}):
                if method.service == "DeclarationService" and method.name in ("List", "Show"):
                    continue  # who declared a situation stands there, for all whose it is
                answer = caller.ask("POST", method.path, body, shown)
                everything += answer.body if answer.status == 200 else b""
        there_is = {what for what, word in of_others.items() if word.encode() in everything}
        there_is |= {"a transaction"} if any(one.encode() in everything for one in transactions) else set()
        there_is |= {"a person of the log"} if any(one.encode() in everything for one in persons) else set()
        expect(f"{role} sees nothing that is not for it", there_is & set(hidden.get(role, ())), set())
        if role in ("dpo", "auditor", "steward"):
            expect(f"{role} does", {*exchanges, *internal} - there_is, set())


def read(answer, name):
    """An error of Connect without the name that was asked for, which its detail has in base64."""
    said = json.loads(answer.body)
    return answer.status, answer.headers, said["code"], said["message"].replace(f"`{name}`", "`<0>`"), [one["debug"] for one in said["details"]]


def applications(there):
    """An application is told of its own decisions only, and cannot tell another's from none."""
    caller = Caller(w.port + 2)
    mine, other = token("application"), token("other")
    asked = caller.ask("POST", "/access/v1/evaluation", question(there, d.participant), mine)
    own = json.loads(asked.body)["context"]["id"]
    index = w.log(transaction=own)[0]["index"]
    theirs = next(e for e in w.log(kinds=["decision"]) if e["event"] == "permitted")

    def explain(name, shown):
        return caller.ask("POST", "/sluis.v1.TermsService/ExplainDecision", {"decision": name}, shown)

    for name in (own, index):
        expect("its own decision is explained", explain(name, mine).status, 200)
        expect("and not to another application", explain(name, other).status, 404)
    for what, name, none in (("by its transaction", own, twin(own)), ("by its pull's transaction", theirs["transaction"], twin(theirs["transaction"])),
                             ("by its negotiation", there["refused"], twin(there["refused"])), ("by its index", index, "9" * len(index))):
        findings.check(f"another's decision {what}", read(explain(name, other), name), read(explain(none, other), none))
    answers = []
    for which in (there, never(there)):
        got = caller.ask("POST", "/access/v1/evaluation", question(which, "did:web:parkwijs.example"), other)
        answers.append(blind(got, which["agreement"], json.loads(got.body)["context"]["id"]))
    expect("another's agreement, and none, at the decision point", answers[0], answers[1])
    expect("a permit there could be told", json.loads(caller.ask("POST", "/access/v1/evaluation", question(there, d.participant), other).body)["decision"], True)
    for kind in ("subject", "resource", "action"):
        pages = []
        for which in (there, never(there)):
            body = question(which, "did:web:parkwijs.example", MARKETING)
            sought = body.pop(kind)
            got = caller.ask("POST", f"/access/v1/search/{kind}", body if kind == "action" else {**body, kind: {"type": sought["type"]}}, other)
            pages.append(blind(got, which["agreement"], json.loads(got.body)["context"]["id"] if got.status == 200 else "-"))
        expect(f"a search for each {kind} of it", (pages[0], pages[0].status), (pages[1], 200))
    expect("the DPO is told of a refused negotiation", w.call("TermsService/ExplainDecision", {"decision": there["refused"]}, role="dpo")["code"], "purpose")
    many = {**question(there, d.participant), "evaluations": [{}] * 50}
    for _ in range(20):
        expect("a batch of evaluations", caller.ask("POST", "/access/v1/evaluations", many, mine).status, 200)
    own = json.loads(caller.ask("POST", "/access/v1/evaluation", question(there, d.participant), mine).body)["context"]["id"]
    findings.timed("another's decision", lambda: explain(own, other), lambda: explain(twin(own), other), rounds=100)


try:
    f.make()
    config = w.folder / "node.toml"
    text = config.read_text().replace(f'listen = "127.0.0.1:{w.port + 2}"', f'listen = "127.0.0.1:{w.port + 2}"\ngrpc = "127.0.0.1:{w.port + 3}"')
    config.write_text(text.replace('# situations = "situations.toml"', 'situations = "situations.toml"\n#'))
    (w.folder / "situations.toml").write_text(SITUATION.format(CROWD))
    (w.folder / "situations.toml").chmod(0o644)
    f.start()
    f.join()
    known = things()
    refused(known)
    allowed(known)
    strangers(known)
    beside(known)
    over_grpc(known)
    in_sight(known)
    applications(known)
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
