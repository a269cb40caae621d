#!/usr/bin/env python3
"""A DPO with a key of her own, and an auditor with an end: what she makes of the findings, signed on her own machine, recorded, proven to
her and held against her key; and what a period needs, taken along as a package in which one byte that changed has a name. Who may do
neither.

usage: findings_signed.py BIN_DIR SOURCE_DIR
"""
import base64
import datetime
import hashlib
import json
import pathlib
import shutil
import ssl
import stat
import sys
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, Refused, scratch  # noqa: E402

CROWD, ACTIVITY, DATASET = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"], "urn:waterrijk:detailed-counts"
ROLES = ("steward", "privacy_officer", "operator", "application", "panel_member", "council_clerk")
f = Federation(scratch("findings-signed"), binary=BIN / "sluis", base_port=21640, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
laptop = f.folder / "laptop"  # hers, and the auditor's: no node's folder


def day(after):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=after)).strftime("%Y-%m-%d")


def offline(*words):
    done = f.sluis("audit", *words, check=False)
    return done.returncode, done.stdout + done.stderr


def role(person, name, *more):
    f.sluis("role", "add", "--config", w.folder / "node.toml", "--role", name, "--person", person, "--token-file", w.folder / "tokens" / person, *more)


def refused(who, method, request):
    try:
        w.call(f"AuditService/{method}", request, role=who)
        return "taken"
    except Refused as error:
        return error.status


def keys():
    f.sluis("audit", "key", laptop / "fatima.key")
    f.sluis("audit", "key", laptop / "bo.key")
    expect("for her alone", stat.S_IMODE((laptop / "fatima.key").stat().st_mode), 0o600)
    expect("not twice", f.sluis("audit", "key", laptop / "fatima.key", check=False).returncode, 1)
    code, said = offline("key", w.folder / "dpo.key")
    expect("never in a node's folder", (code, "your own machine" in said, (w.folder / "dpo.key").exists()), (2, True, False))
    role("Fatima", "dpo", "--signing-key", laptop / "fatima.key.pub")
    role("Bo", "dpo", "--signing-key", laptop / "bo.key.pub")
    role("Cas", "auditor", "--until", day(60))  # the node's clock is moved on the way
    for name in ("panel_member", "council_clerk"):
        role(name, name)
    add = ("role", "add", "--config", w.folder / "node.toml", "--token-file", laptop / "none")
    done = f.sluis(*add, "--role", "dpo", "--person", "X", "--signing-key", laptop / "fatima.key", check=False)
    expect("a private key has no place there", (done.returncode, "is a private key" in done.stderr), (1, True))
    done = f.sluis(*add, "--role", "auditor", "--person", "X", "--until", day(2), "--signing-key", laptop / "bo.key.pub", check=False)
    expect("only a dpo signs", (done.returncode, "only a `dpo` signs" in done.stderr), (1, True))
    done = f.sluis(*add, "--role", "dpo", "--person", "Xenia", "--signing-key", laptop / "bo.key.pub", check=False)
    expect("no key of another", (done.returncode, "two persons" in done.stderr), (1, True))
    listed = f.sluis("role", "list", "--config", w.folder / "node.toml").stdout
    expect("the list says with which key", [line for line in listed.splitlines() if "\tFatima\t" in line and "signs with" in line] != [], True)


def something_to_find():
    """Terms become narrower than an agreement that goes on being used."""
    for node in (w, d):
        node.call("ActivityService/Publish", {"id": ACTIVITIES[node.key], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    transfer = d.call("TransferService/Start", {"agreement": made, "waitSeconds": 15})["transfer"]["id"]
    text = f.dataset("detailed-counts")
    classes = next(line for line in text.splitlines() if line.startswith("classes = "))
    w.call("DatasetService/Publish", {"toml": text.replace(classes, 'classes = ["company"]'), "file": "detailed-counts.toml"})
    expect("a pull under the older terms", d.pull(transfer, CROWD, ACTIVITY)[1], True)
    w.wait_log(1, kinds=["stream-end"])
    return made


def findings(who="Fatima", *words):
    done = w.command("audit", "findings", "--output", "json", *words, role=who)
    expect("findings", done.returncode, 0)
    return json.loads(done.stdout)["findings"]


def signing(agreement):
    """She draws up what is found, judges it, signs it; and has the proof."""
    key, vkey, draft, paper = laptop / "fatima.key", w.folder / "log.vkey", laptop / "draft.json", laptop / "signed.json"

    def say(*words, who="Fatima"):
        done = w.command("audit", "findings", *words, role=who)
        return done.returncode, done.stdout + done.stderr

    expect("without the log's key there is nothing to rest on", say("--draft", draft)[0], 2)
    code, said = say("--draft", draft, "--log-key", vkey)
    expect("a draft", (code, "judge each finding" in said), (0, True))
    drawn = json.loads(draft.read_text())
    expect("of this node, on a checkpoint of its log", (drawn["node"], drawn["log"]["origin"] in vkey.read_text(), drawn["log"]["size"] > 5), (w.participant, True, True))
    (number, wider), = [(i, one) for i, one in enumerate(drawn["findings"]) if one["code"] == "dataset.wider"]
    expect("with what she saw", (wider["agreement"], len(wider["entries"]), wider["judgement"], wider["why"], wider["by"]), (agreement, 1, "", "", ""))
    code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "-O", paper)
    expect("each is judged", (code, "missing member `judgement`" in said, f"{draft}:" in said, paper.exists()), (1, True, True, False))
    wider.update(judgement="to mend", why="The agreement has to be made anew", by=day(10))
    drawn["findings"] = [wider]
    draft.write_text(json.dumps(drawn))
    size = len(w.log())
    code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "--dry-run")
    expect("a dry run", (code, len(w.log())), (0, size))
    code, said = say("--sign", laptop / "bo.key", "--draft", draft, "--log-key", vkey, "-O", laptop / "not.json")
    expect("with another's key", (code, "signed with another key" in said), (1, True))
    expect("what she signed is hers all the same", sorted(json.loads((laptop / "not.json").read_text())), ["statement"])
    for who in ("Cas", "steward"):
        code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "-O", laptop / f"not-{who}.json", who=who)
        expect(f"not as {who}", (code, "may not call" in said), (1, True))
    code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "-O", laptop / "not-dpo.json", who="dpo")
    expect("not without a key that stands there", (code, "no key stands with" in said), (1, True))
    loose = laptop / "open.key"
    shutil.copy(key, loose)
    loose.chmod(0o644)
    if f.user:
        shutil.chown(loose, f.user.pw_uid, f.user.pw_gid)
    code, said = say("--sign", loose, "--draft", draft, "--log-key", vkey, "-O", laptop / "not-loose.json")
    expect("not with a key that others can read", (code, "can be read by others" in said), (1, True))
    expect("nothing of that was recorded", len(w.log()), size)

    code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "-O", paper)
    expect("signed", (code, "1 findings signed" in said), (0, True))
    (entry,) = w.log(kinds=["findings-signed"])
    expect("an entry of its own kind", (entry["event"], entry["person"], int(entry["count"])), ("signed", "Fatima", 1))
    code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "-O", paper)
    expect("the same again is the same entry", (code, len(w.log(kinds=["findings-signed"]))), (0, 1))
    code, said = say("--sign", key, "--draft", draft, "--log-key", vkey, "-O", laptop / "not.json")
    expect("what was signed before is not written over", (code, "has something else" in said), (1, True))
    proof_alone(paper, vkey)
    other_checkpoint(drawn, say)

    shown = [one["judged"] for one in findings("Cas") if one["code"] == "dataset.wider"]
    expect("the auditor reads it", [(one["judgement"], one["person"], one["by"], one.get("overdue", False)) for one in shown], [("to mend", "Fatima", day(10), False)])
    w.call("NodeService/DemoClock", {"bySeconds": str(12 * 86400)}, role="operator")
    shown = [one["judged"] for one in findings() if one["code"] == "dataset.wider"]
    expect("overdue by its own date", [one.get("overdue") for one in shown], [True])
    table = w.command("audit", "findings", role="Fatima").stdout
    expect("in the table", [word for word in ("JUDGED", "SIGNED BY", "OVERDUE", "Fatima", "to mend") if word not in table], [])


def proof_alone(paper, vkey):
    """On her laptop, later: no node."""
    pub = laptop / "fatima.key.pub"
    code, said = offline("verify-proof", paper, "--key", vkey, "--dpo-key", pub)
    expect("proven", (code, "which you gave" in said, "dataset.wider: to mend" in said), (0, True, True))
    expect("in Dutch", "moet anders" in offline("verify-proof", paper, "--key", vkey, "--lang", "nl")[1], True)
    expect("not as another's", offline("verify-proof", paper, "--key", vkey, "--dpo-key", laptop / "bo.key.pub")[0], 1)
    kept = json.loads(paper.read_text())
    head, payload, signature = kept["statement"].split(".")
    said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    said["findings"][0]["judgement"] = "accepted"
    changed = base64.urlsafe_b64encode(json.dumps(said, separators=(",", ":"), sort_keys=True).encode()).decode().rstrip("=")
    forged = laptop / "forged.json"
    forged.write_text(json.dumps({**kept, "statement": f"{head}.{changed}.{signature}"}))
    code, said = offline("verify-proof", forged, "--key", vkey)
    expect("another statement beside the proof", (code, "other signed findings" in said), (1, True))
    forged.write_text(json.dumps({"statement": kept["statement"]}))
    code, said = offline("verify-proof", forged, "--key", vkey)
    expect("a statement without proof", (code, "no proof that a log has them" in said), (1, True))


def other_checkpoint(drawn, say):
    """A checkpoint that this log never had."""
    for change, message in (({"root": hashlib.sha256(b"other").hexdigest()}, "another root"), ({"size": drawn["log"]["size"] + 10_000}, "which has"),
                            ({"origin": "duinmeer.example/log"}, "is written now")):
        draft = laptop / "other-draft.json"
        draft.write_text(json.dumps({**drawn, "log": {**drawn["log"], **change}}))
        code, said = say("--sign", laptop / "fatima.key", "--draft", draft, "--log-key", w.folder / "log.vkey", "-O", laptop / f"other-{'-'.join(change)}.json")
        expect(f"a checkpoint with {message}", (code, message in said), (1, True))
    expect("no more is recorded", len(w.log(kinds=["findings-signed"])), 1)


def hidden(paper):
    """From the counterparty that a finding is about, from the public, and from roles that may not read the log."""
    statement = json.loads(paper.read_text())["statement"]
    digest = hashlib.sha256(statement.encode()).hexdigest()
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    context.load_cert_chain(d.folder / "tls/node.pem", d.folder / "tls/node.key")

    def get(port, path, body=None):
        request = urllib.request.Request(f"https://localhost:{port}{path}", data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    expect("its hash opens nothing", get(w.port, f"/evidence/v1/offers/{digest}")[0], 404)
    status, body = get(w.port, "/evidence/v1/entries", b"{}")
    shared = [base64.b64decode(json.loads(receipt)["shared"]) for receipt in json.loads(body)["receipts"]]
    expect("among a counterparty's entries it is not", (status, len(shared) > 0, [one for one in [*shared, body] if statement.encode() in one]), (200, True, []))
    for path in ("/log/tile/entries/000", "/log/payloads/000", "/log/findings/0", f"/log/{digest}"):
        expect(f"not at {path}", get(w.port + 1, path)[0], 404)
    for who in ROLES[2:]:
        for method in ("Log", "Findings", "Proof"):
            expect(f"{who} at {method}", refused(who, method, {}), 403)


def exported():
    """The whole log, on another machine, against her key."""
    log, vkey = laptop / "log", w.folder / "log.vkey"
    f.sluis("audit", "checkpoint", "-O", laptop / "kept", "--config", w.folder / "node.toml", "--role", "Fatima")
    f.sluis("audit", "export-log", log, "--payloads", "--config", w.folder / "node.toml")
    check = ("verify", "--log", log, "--key", vkey, "--anchor", laptop / "kept")
    code, said = offline(*check, "--dpo-key", laptop / "fatima.key.pub")
    expect("hers holds", (code, "1 signed statements, 1 hold" in said), (0, True))
    code, said = offline(*check, "--dpo-key", laptop / "bo.key.pub")
    expect("under another's key it is not proven", (code, "1 signed statements, 0 hold" in said), (3, True))
    f.sluis("audit", "export-log", laptop / "bare", "--config", w.folder / "node.toml")
    code, said = offline("verify", "--log", laptop / "bare", "--key", vkey, "--anchor", laptop / "kept", "--dpo-key", laptop / "fatima.key.pub")
    expect("nor without what entries say", (code, "not checked" in said), (3, True))
    code, said = offline(*check)
    expect("without a key it is counted", (code, "give --dpo-key" in said), (0, True))
    expect("a private key is no key to check with", offline(*check, "--dpo-key", laptop / "fatima.key")[0], 2)


def package():
    where, vkey, pub = laptop / "package", w.folder / "log.vkey", laptop / "fatima.key.pub"
    for who in ROLES:
        expect(f"{who} takes no package", refused(who, "Package", {}), 403)
        expect(f"{who} takes no file", refused(who, "PackageFile", {"id": "0" * 64, "name": "keys.txt"}), 403)
        expect(f"{who} signs nothing", refused(who, "Sign", {"statement": "a.b.c"}), 403)
    before = len(w.log())
    done = w.command("audit", "package", "-O", where, "--dry-run", role="Cas")
    expect("a dry run lists it", (done.returncode, "report/000000.csv" in done.stdout, where.exists(), len(w.log())), (0, True, False, before))
    done = w.command("audit", "package", "-O", where, role="Cas")
    expect("the auditor takes it", (done.returncode, "audit verify --package" in done.stderr), (0, True))
    (entry,) = w.log(kinds=["package"])
    manifest = (where / "manifest.json").read_bytes()
    told = json.loads(entry["document"])
    expect("who took it, and which", (entry["person"], told["role"], told["manifest"]), ("Cas", "auditor", hashlib.sha256(manifest).hexdigest()))
    try:
        w.call("AuditService/PackageFile", {"id": told["manifest"], "name": "keys.txt"}, role="Fatima")
        expect("nobody fetches what another took", True, False)
    except Refused as error:
        expect("nobody fetches what another took", error.status, 404)
    expect("not twice into one folder", w.command("audit", "package", "-O", where, role="Cas").returncode, 1)
    f.stop()  # from here on there is no node
    check = ("verify", "--package", where, "--key", vkey, "--anchor", laptop / "kept")
    code, said = offline(*check, "--dpo-key", pub)
    expect("all of it holds, without a network", (code, "1 signed statements, 1 hold" in said, "taken as auditor" in said), (0, True, True))
    report = json.loads(f.sluis("audit", *check, "--output", "json").stdout)
    expect("rows, documents", (report["rows"], report["documents"] >= 3, report["inOrder"]), (before, True, True))
    expect("not proven complete without an anchor", offline("verify", "--package", where, "--key", vkey)[0], 3)
    expect("another log's key", offline("verify", "--package", where, "--key", d.folder / "log.vkey")[0], 1)
    expect("neither log nor package", offline("verify", "--key", vkey)[0], 2)
    page = (where / "LEESMIJ.txt").read_text()
    expect("a page in Dutch", ("Gemeente Waterrijk" in page, "sluis audit verify --package" in page), (True, True))
    kinds = {file["name"].split("/")[0] for file in json.loads(manifest)["files"]}
    expect("what is in it", kinds, {"LEESMIJ.txt", "README.txt", "keys.txt", "witnesses.policy", "logs", "report", "documents", "activities", "findings"})
    what = {file["name"].split("/")[1] for file in json.loads(manifest)["files"] if file["name"].startswith("documents/")}
    expect("the documents that entries name", what, {"offers", "agreements", "purposes", "membership"})
    each_byte(where, check)
    return where


def each_byte(where, check):
    """One byte of each file in turn: that file is named."""
    files = sorted(path for path in where.rglob("*") if path.is_file())
    for path in files:
        name, good = path.relative_to(where).as_posix(), path.read_bytes()
        bad = bytearray(good)
        bad[len(good) // 3] ^= 1
        path.write_bytes(bad)
        code, said = offline(*check)
        named = {line.split(": ")[1].split(" (")[0] for line in said.splitlines() if line.startswith("damaged: ")}
        expect(f"a byte of {name}", (code, name in named), (1, True))
        path.write_bytes(good)
    print(f"{len(files)} files, a byte changed in each")
    expect("as it was", offline(*check)[0], 0)
    (where / "more").write_text("x")
    expect("a file more", "damaged: more: a file that the manifest does not name" in offline(*check)[1], True)
    (where / "more").unlink()


def make_manifest(folder, logs):
    """One that fits the files; nobody recorded it."""
    manifest = json.loads((folder / "manifest.json").read_text())
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in ("manifest.json", "proof.json")]
    manifest["files"] = sorted(({"name": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
                                for path in files), key=lambda one: one["name"])
    (folder / "manifest.json").write_text(json.dumps({**manifest, "logs": logs}, separators=(",", ":"), sort_keys=True, ensure_ascii=False))


def second_log():
    """One log follows another: both go along, the older one known by what the next begins with; and signing goes on."""
    shutil.copy(w.folder / "log.vkey", laptop / "old.vkey")
    key = f.sluis("log", "rotate-key", "--config", w.folder / "node.toml").stdout.strip()
    w.start()
    w.wait_ready()
    paper, where, pub = laptop / "second.json", laptop / "second", laptop / "fatima.key.pub"
    sign = ("audit", "findings", "--sign", laptop / "fatima.key", "--judgement", "accepted", "--why", "It ends with the year", "-O", paper)
    done = w.command(*sign, "--log-key", laptop / "old.vkey", role="Fatima")
    expect("not on the key of the log before", done.returncode, 1)
    done = w.command(*sign, "--log-key", key, role="Fatima")
    expect("signed on the new log, all judged alike", (done.returncode, " findings signed" in done.stderr), (0, True))
    expect("proven", offline("verify-proof", paper, "--key", key, "--dpo-key", pub)[0], 0)
    shown = [one["judged"] for one in findings() if one["code"] == "dataset.wider"]
    expect("the newest judgement", [(one["judgement"], one.get("overdue", False)) for one in shown], [("accepted", False)])
    f.sluis("audit", "checkpoint", "-O", laptop / "kept2", "--config", w.folder / "node.toml", "--role", "Fatima")
    expect("the DPO takes it", w.command("audit", "package", "-O", where, role="Fatima").returncode, 0)
    check = ("verify", "--package", where, "--key", key, "--anchor", laptop / "kept2", "--dpo-key", pub)
    code, said = offline(*check)
    expect("both logs hold", (code, "2 signed statements, 2 hold" in said), (0, True))
    expect("two keys", (len((where / "keys.txt").read_text().splitlines()), (where / "logs/1/checkpoint").exists()), (2, True))
    for name in ("logs/0/checkpoint", "logs/0/payloads/000", "logs/1/payloads/000"):
        good = (where / name).read_bytes()
        (where / name).write_bytes(good[:-3] + bytes([good[-3] ^ 1]) + good[-2:])
        code, said = offline(*check)
        expect(f"a byte of {name}", (code, f"damaged: {name}" in said), (1, True))
        (where / name).write_bytes(good)
    # An older log that is in order, and not the one that was there: as it was before it ended, with a manifest that fits.
    forged = laptop / "forged"
    shutil.copytree(where, forged)
    forged.chmod(0o755)
    shutil.rmtree(forged / "logs/0")
    shutil.copytree(laptop / "package/logs/0", forged / "logs/0")
    logs = json.loads((forged / "manifest.json").read_text())["logs"]
    logs[0]["size"] = int((forged / "logs/0/checkpoint").read_text().splitlines()[1])
    make_manifest(forged, logs)
    code, said = offline("verify", "--package", forged, "--key", key)
    expect("it is not the one that the next begins with", (code, "damaged: logs/0: it is not the log that the next one says" in said), (1, True))
    expect("nor is the manifest the one that was given out", "damaged: manifest.json: it is not the one that the log recorded" in said, True)
    shutil.rmtree(forged / "logs/0")
    (forged / "logs/1").rename(forged / "logs/0")
    (forged / "keys.txt").write_text(key + "\n")
    make_manifest(forged, logs[1:])
    code, said = offline("verify", "--package", forged, "--key", key)
    expect("an older log that is left out", (code, "went before the first one, and it is not here" in said), (1, True))
    expect("not with the older log's key", offline("verify", "--package", where, "--key", laptop / "old.vkey")[0], 1)
    w.stop()


def over():
    """After its end a token opens nothing, and who shows it is told no more than of one that never was; the operator can read why."""
    roles = w.folder / "roles.json"
    listed = json.loads(roles.read_text())
    for holder in listed["roles"]:
        if holder["person"] == "Cas":
            holder["until"] = "2020-01-02T00:00:00Z"
    roles.write_text(json.dumps(listed))
    w.start()
    w.wait_ready()
    answers = {}
    (w.folder / "tokens/guessed").write_text("B" * 43)
    for who in ("Cas", "guessed"):
        try:
            w.call("AuditService/Log", {}, role=who)
        except Refused as error:
            answers[who] = str(error)
    expect("the same as of a guess", (answers["Cas"], "Cas" in answers["Cas"], "401" in answers["Cas"]), (answers["guessed"], False, True))
    expect("the operator can read why", "the role of `Cas` ended at 2020-01-02T00:00:00Z" in (f.folder / "waterrijk.log").read_text(), True)
    expect("the others go on", w.call("AuditService/Log", {}, role="Fatima")["entries"] != [], True)


try:
    f.make()
    laptop.mkdir()
    if f.user:
        shutil.chown(laptop, f.user.pw_uid, f.user.pw_gid)
    keys()
    f.start()
    f.join()
    f.offer_counts()
    agreement = something_to_find()
    signing(agreement)
    hidden(laptop / "signed.json")
    exported()
    package()
    second_log()
    over()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
