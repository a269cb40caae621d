#!/usr/bin/env python3
"""Who watches a log, through the real binary: a panel's witness by itself, and a neighbour's node. They cosign what grows; what they saw
outlives a kill; a store that was put back is found by what they saw, and signs nothing; a log that forks is kept as proof. An auditor who
trusts them needs no checkpoint of her own.

usage: witness.py BIN_DIR SOURCE_DIR
"""
import base64
import hashlib
import json
import pathlib
import shutil
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, Refused, scratch  # noqa: E402

DER = bytes.fromhex("302a300506032b6570032100")  # before the 32 bytes of an Ed25519 key (RFC 8410)
NAME = "panel.waterrijk.example/witness"
f = Federation(scratch("witness"), binary=BIN / "sluis", base_port=19940, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
PANEL_PORT = 19940 + 60
panel_folder = f.folder / "panel"


class Panel:
    process = None

    def make(self):
        f.sluis("membership", "key", panel_folder / "witness.key")
        (panel_folder / "witness.toml").write_text(f'''name = "{NAME}"
key = "witness.key"
state = "state"
listen = "127.0.0.1:{PANEL_PORT}"
logs = ["{(w.folder / 'log.vkey').read_text().strip()}"]

[metrics]
listen = "127.0.0.1:{PANEL_PORT + 2}"
''')

    def start(self):
        log = open(f.folder / "panel.log", "ab")
        self.process = subprocess.Popen([*f.leave_root, f.binary, "witness", "--config", panel_folder / "witness.toml"], stdout=log, stderr=log)
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{PANEL_PORT}/livez", timeout=1).read()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError((f.folder / "panel.log").read_text())

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)

    @staticmethod
    def numbers():
        """By name, and what stands in braces."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{PANEL_PORT + 2}/metrics", timeout=5).read().decode()
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        expect("each number once", len({name for name, _ in lines}), len(lines))
        return {name: int(value) for name, value in lines}

    def key(self):
        lines = [line for line in (f.folder / "panel.log").read_text().splitlines() if NAME in line]
        return next(word.strip('",') for line in lines for word in line.replace("=", " ").replace('"', " ").split() if word.startswith(NAME + "+"))


panel = Panel()


def public(path="/log/checkpoint"):
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    with urllib.request.urlopen(f"https://localhost:{w.port + 1}{path}", context=context, timeout=10) as answer:
        return answer.read().decode()


def ask(port, path, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def neighbour(method, path, party=None):
    """Duinmeer's exchange listener, with the certificate of a party or none."""
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    if party:
        context.load_cert_chain(party.folder / "tls/node.pem", party.folder / "tls/node.key")
    request = urllib.request.Request(f"https://localhost:{d.port}{path}", method=method, data=b"x" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def signatures(note):
    return {line.split(" ")[1]: base64.b64decode(line.split(" ")[2]) for line in note.split("\n\n")[1].splitlines()}


def sign_another(note):
    """The same size with another root, signed by the log's own key: what only its owner can do."""
    origin, size, _ = note.split("\n")[:3]
    body = f"{origin}\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"
    (f.folder / "body").write_text(body)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", w.folder / "keys/log.key", "-rawin", "-in", f.folder / "body", "-out", f.folder / "signed"], check=True)
    key_id = bytes.fromhex((w.folder / "log.vkey").read_text().split("+")[1])
    return f"{body}\n— {origin} {base64.b64encode(key_id + (f.folder / 'signed').read_bytes()).decode()}\n"


def cosigned(note, vkey):
    """Checked anew after C2SP tlog-cosignature, with OpenSSL."""
    name, _, key = vkey.split("+", 2)
    blob, raw = signatures(note)[name], base64.b64decode(key)
    seconds = int.from_bytes(blob[4:12], "big")
    expect("a witness's key", (raw[0], len(blob)), (4, 76))
    expect("it signed a moment ago", abs(seconds - time.time()) < 120, True)
    files = {"text": f"cosignature/v1\ntime {seconds}\n".encode() + note.split("\n\n")[0].encode() + b"\n", "signature": blob[12:], "key": DER + raw[1:]}
    for file, content in files.items():
        (f.folder / file).write_bytes(content)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", f.folder / "key", "-rawin", "-in", f.folder / "text",
                           "-sigfile", f.folder / "signature"], capture_output=True, text=True)
    expect("the cosignature holds", done.returncode, 0)


def wait_for(what, holds, limit=20):
    until = time.monotonic() + limit
    while not holds():
        if time.monotonic() > until:
            expect(what, False, True)
            return
        time.sleep(0.1)
    expect(what, True, True)


def clock(node, span):
    node.command("demo", "clock", span, role="operator")


def newest_public():
    """A new public checkpoint is there when a minute is over."""
    for node in (w, d):
        clock(node, "+2m")


def readiness():
    return ask(w.port + 2, "/readyz")


def refusal():
    """Whether nothing can be recorded any more."""
    try:
        w.call("ActivityService/Publish", {"id": "urn:activity:forked", "purpose": "dpv:Marketing"})
        return False
    except Refused as refused:
        return "quarantined" in str(refused)


def copy_of(name, folders, back=False):
    for folder in folders:
        source, target = (w.folder / folder, f.folder / name / folder)[::-1 if back else 1]
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
    if f.user:
        subprocess.run(["chown", "-R", f"{f.user.pw_uid}:{f.user.pw_gid}", w.folder], check=True)


def vkey_of(name, public):
    """Of a witness that never signs anything here."""
    data = b"\4" + public
    return f"{name}+{hashlib.sha256(name.encode() + bytes([10]) + data).hexdigest()[:8]}+{base64.b64encode(data).decode()}"


def numbers():
    """Of the witness, and of the node whose log it watches."""
    origin, size = public().split("\n")[:2]
    counted = panel.numbers()
    expect("cosigned, of how many entries", (counted[f'sluis_witness_cosignatures_total{{log="{origin}"}}'] > 1, counted[f'sluis_witness_log_entries{{log="{origin}"}}']), (True, int(size)))
    expect("and when", abs(counted[f'sluis_witness_last_cosignature_seconds{{log="{origin}"}}'] - time.time()) < 120, True)
    expect("no proof against anybody", counted["sluis_witness_conflicts"], 0)
    expect("where everybody reaches it there are no numbers", ask(PANEL_PORT, "/metrics")[0], 404)
    told = ask(w.port + 2, "/metrics")[1]
    expect("the node's own", sorted(line for line in told.splitlines() if line.startswith(("sluis_witness_cosigned{", "sluis_witness_alarming{", "sluis_witness_quorum "))),
           sorted([f'sluis_witness_{what}{{witness="{"+".join(key.split("+")[:2])}"}} {value}' for key in (panel.key(), d_key) for what, value in (("cosigned", 1), ("alarming", 0))] + ["sluis_witness_quorum 2"]))
    (panel_folder / "elsewhere.toml").write_text((panel_folder / "witness.toml").read_text().replace(f"127.0.0.1:{PANEL_PORT + 2}", "0.0.0.0:9444"))
    done = f.sluis("witness", "--config", panel_folder / "elsewhere.toml", check=False)
    expect("nor anywhere but on loopback", (done.returncode, "on loopback only" in done.stderr), (1, True))


def packaged():
    """What is taken along says whose cosignatures the node asks for, and has them. Whom an auditor trusts she says herself; here it is the same."""
    where = f.folder / "package"
    expect("a package", w.command("audit", "package", "-O", where, role="dpo").returncode, 0)
    policy = f.folder / "package.policy"
    policy.write_text((where / "witnesses.policy").read_text())
    done = f.sluis("audit", "verify", "--package", where, "--policy", policy, check=False)
    expect("its cosignatures meet the node's policy", (done.returncode, "`enough` is met" in done.stdout, done.stdout.count(" signed at ")), (0, True, 2))


def audits(seen):
    """What an auditor finds in the log of the stopped node. `seen`: a public checkpoint that both cosigned."""
    export, log_key = f.folder / "export", w.folder / "log.vkey"
    f.sluis("audit", "export-log", export, "--config", w.folder / "node.toml")
    key = log_key.read_text().strip()
    names = {"panel": panel.key(), "duinmeer": d_key, "stroomplein": vkey_of("stroomplein.example", base64.b64decode(key.split("+", 2)[2])[1:])}
    lines = f"log {key}\n" + "".join(f"witness {name} {vkey}\n" for name, vkey in names.items())
    policy, three, one = (f.folder / name for name in ("both.policy", "three.policy", "wrong.policy"))
    policy.write_text(f"# neighbours and citizens\n{lines}group both all panel duinmeer\nquorum both\n")
    three.write_text(f"{lines}group three 3 panel duinmeer stroomplein\nquorum three\n")
    one.write_text(f"{lines}group both all panel duinmeer\nquorum bath\n")
    kept, wrong = f.folder / "seen", f.folder / "seen-wrong"
    kept.write_text(seen)
    blob = bytearray(signatures(seen)[NAME])
    blob[-1] ^= 1
    wrong.write_text("".join(f"— {NAME} {base64.b64encode(blob).decode()}\n" if line.startswith(f"— {NAME} ") else line for line in seen.splitlines(True)))

    def verify(*words):
        done = f.sluis("audit", "verify", "--log", export, *words, check=False)
        return done.returncode, done.stdout + done.stderr

    size = seen.split("\n")[1]
    code, told = verify("--policy", policy, "--anchor", kept)
    expect("cosignatures that are enough; the policy has the key", (code, f"quorum:    `both` is met, at {size} entries" in told, told.count(" signed at ")), (0, True, 2))
    code, told = verify("--policy", policy, "--anchor", kept, "--key", log_key, "-o", "json")
    quorum = json.loads(told)["quorum"]
    expect("the same as data", (code, quorum["name"], quorum["met"], str(quorum["size"]), [one["name"] for one in quorum["witnesses"] if "cosigned" in one]),
           (0, "both", True, size, ["panel", "duinmeer"]))
    code, told = verify("--policy", three, "--anchor", kept, "--lang", "nl")
    expect("not enough, and who is missing", (code, "`three` is NIET gehaald" in told, told.count(") tekende op "), "stroomplein (stroomplein.example) tekende niet" in told), (3, True, 2, True))
    expect("though its anchor alone would do", verify("--key", log_key, "--anchor", kept)[0], 0)
    code, told = verify("--policy", policy, "--anchor", wrong)
    expect("a cosignature that is wrong", (code, f"the cosignature of `{NAME}` is wrong" in told), (1, True))
    code, told = verify("--policy", one)
    expect("a policy that is none says where", (code, f"{one}:6:8" in told, "`bath`" in told), (2, True, True))
    expect("a policy of another log", verify("--policy", policy, "--key", d.folder / "log.vkey")[0], 2)
    expect("no key at all", verify()[0], 2)
    expect("which the export has", (export / "checkpoint.cosigned").read_text().split("\n\n")[0], seen.split("\n\n")[0])
    code, told = verify("--policy", policy)
    expect("beside the newest checkpoint", (code, f"anchor:    {size} entries" in told), (0, True))
    shutil.copy(wrong, export / "checkpoint.cosigned")
    expect("which nobody may change", (verify("--policy", policy)[0], verify("--key", log_key)[0]), (1, 3))
    (f.folder / "receipt").write_text(receipt)
    for what, words, wanted in (("which holds", ("--key", log_key), 0), ("whose checkpoint enough cosigned", ("--policy", policy), 0), ("whose checkpoint too few cosigned", ("--policy", three), 3)):
        expect(f"a receipt {what}", f.sluis("audit", "verify-proof", f.folder / "receipt", *words, check=False).returncode, wanted)


try:
    f.make()
    f.sluis("membership", "key", d.folder / "keys/witness.key")
    with open(d.folder / "node.toml") as file:
        text = file.read()
    (d.folder / "node.toml").write_text(text.replace('[data]', 'witness = "keys/witness.key"\n\n[data]', 1))
    panel_folder.mkdir()
    if f.user:
        shutil.chown(panel_folder, f.user.pw_uid, f.user.pw_gid)
    panel.make()
    panel.start()
    f.start()
    f.join()
    d_key = next(line for line in (f.folder / "duinmeer.log").read_text().splitlines() if "/witness+" in line)
    d_key = next(word for word in d_key.replace('"', " ").replace("=", " ").split() if "/witness+" in word)
    w.stop()
    with open(w.folder / "node.toml") as file:
        plain = file.read()
    (w.folder / "node.toml").write_text(plain + f'''
[witnesses]
quorum = 2

[[witnesses.witness]]
key = "{panel.key()}"
url = "http://127.0.0.1:{PANEL_PORT}"

[[witnesses.witness]]
key = "{d_key}"
url = "https://localhost:{d.port}"
''')
    expect("the configuration", f.sluis("config", "check", w.folder / "node.toml", check=False).returncode, 0)
    for what, wrong, told in (("named twice", (w.folder / "node.toml").read_text() + f'\n[[witnesses.witness]]\nkey = "{d_key}"\nurl = "https://localhost:1"\n', "is named twice"),
                              ("too many wanted", (w.folder / "node.toml").read_text().replace("quorum = 2", "quorum = 3"), "more cosignatures than there are witnesses"),
                              ("in clear to elsewhere", (w.folder / "node.toml").read_text().replace(f"http://127.0.0.1:{PANEL_PORT}", "http://panel.example"), "must begin with https://"),
                              ("a log's key", (w.folder / "node.toml").read_text().replace(panel.key(), (w.folder / "log.vkey").read_text().strip()), "not a verification key")):
        (w.folder / "wrong.toml").write_text(wrong)
        done = f.sluis("config", "check", w.folder / "wrong.toml", check=False)
        expect(f"a witness that is {what}", (done.returncode, told in done.stderr), (1, True))
    (w.folder / "witness.policy").write_text(f"witness panel {panel.key()} http://127.0.0.1:{PANEL_PORT}\nwitness duinmeer {d_key} https://localhost:{d.port}\n"
                                             "group both all panel duinmeer\nquorum both\n")
    for what, lines, policy, told in (("who are enough by a policy", "", None, ""), ("a number beside it", "quorum = 2\n", None, "the policy says who the witnesses are"),
                                      ("a policy of nobody", "", "quorum none\n", "its quorum is `none`"), ("no policy", "", "group 2\n", "other.policy:1:1"),
                                      ("a policy without an address", "", f"witness panel {panel.key()}\nquorum panel\n", "has no address that begins with https://")):
        (w.folder / "other.policy").write_text(policy or (w.folder / "witness.policy").read_text())
        (w.folder / "policy.toml").write_text(plain + '\n[witnesses]\npolicy = "other.policy"\n' + lines)
        done = f.sluis("config", "check", w.folder / "policy.toml", check=False)
        expect(f"{what}: {done.stderr}", (done.returncode, told in done.stderr), (1 if told else 0, True))
    (panel_folder / "second.toml").write_text((panel_folder / "witness.toml").read_text().replace(str(PANEL_PORT), str(PANEL_PORT + 1), 1))
    done = f.sluis("witness", "--config", panel_folder / "second.toml", check=False)
    expect("no two witnesses on one state", (done.returncode, "is another witness's that runs" in done.stderr), (1, True))
    w.start()
    w.wait_ready()

    wait_for("both cosign", lambda: len(signatures(public())) == 3)
    note = public()
    for vkey in (panel.key(), d_key):
        cosigned(note, vkey)
    wait_for("its status says that they are enough", lambda: w.call("NodeService/Status").get("witnessQuorumMet", False))
    status = w.call("NodeService/Status")
    expect("and who they are", sorted((one["name"], one.get("cosigned", False), "cosignedAt" in one) for one in status["witnesses"]),
           sorted(("+".join(key.split("+")[:2]), True, True) for key in (panel.key(), d_key)))
    expect("of what, and since when", (status["witnessQuorum"], "witnessQuorumSince" in status, "witnessQuorumLast" in status), ("2 of 2", True, True))
    first = int(note.split("\n")[1])
    for i in range(3):
        w.call("ActivityService/Publish", {"id": f"urn:activity:{i}", "purpose": "dpv:Marketing"})
    newest_public()
    wait_for("and what grew", lambda: len(signatures(public())) == 3 and int(public().split("\n")[1]) > first)
    expect("nothing to be seen to", "witness" in readiness()[1], False)
    numbers()
    packaged()
    expect("a neighbour answers members alone", [neighbour(method, path) for method, path in (("POST", "/add-checkpoint"), ("GET", "/witnessed/" + "0" * 64 + "/checkpoint"))], [404, 404])
    expect("as one of them it is another matter", neighbour("POST", "/add-checkpoint", w), 400)

    # Killed in the middle, it goes on where it was, and answers what it saw.
    panel.kill()
    w.call("ActivityService/Publish", {"id": "urn:activity:more", "purpose": "dpv:Marketing"})
    newest_public()
    wait_for("one witness is enough to go on, but not for the quorum", lambda: len(signatures(public())) == 2)
    clock(w, "+6m")
    w.call("ActivityService/Publish", {"id": "urn:activity:even-more", "purpose": "dpv:Marketing"})
    wait_for("which the operator reads", lambda: "fewer than 2 witnesses" in json.dumps(w.call("NodeService/Doctor", {}, role="operator")))
    panel.start()
    clock(w, "+2m")
    wait_for("and all is well again", lambda: len(signatures(public())) == 3, 90)
    origin = public().split("\n")[0]
    status, answer = ask(PANEL_PORT, "/add-checkpoint", f"old 0\n\n{note}".encode())
    expect("it knows what it saw", (status, int(answer)), (409, int(public().split("\n")[1])))
    expect("of another log it knows nothing", ask(PANEL_PORT, "/add-checkpoint", note.replace(origin, "other.example").encode())[0], 400, 404)

    # A log that signs another root for a size that was seen: refused, and kept as proof for anybody who has its key.
    status, seen_note = ask(PANEL_PORT, f"/witnessed/{hashlib.sha256(origin.encode()).hexdigest()}/checkpoint")
    expect("what it saw last", (status, seen_note.split("\n")[:3]), (200, public().split("\n")[:3]))
    forged = sign_another(seen_note)
    expect("another root for that size", ask(PANEL_PORT, "/add-checkpoint", f"old {seen_note.splitlines()[1]}\n\n{forged}".encode())[0], 422)
    counted = panel.numbers()
    expect("which is counted", (counted["sluis_witness_conflicts"], counted['sluis_witness_refusals_total{reason="not_consistent"}'], counted['sluis_witness_refusals_total{reason="other_size"}'] > 0,
                                counted['sluis_witness_refusals_total{reason="unknown_log"}'] + counted['sluis_witness_refusals_total{reason="unreadable"}']), (1, 1, True, 1))
    (proof,) = (panel_folder / "state/conflicts").iterdir()
    told = f.sluis("audit", "verify-proof", proof, "--key", w.folder / "log.vkey", check=False)
    expect("proof of it", (told.returncode, f"{origin} signed two different logs" in told.stdout), (0, True))
    expect("but not of another log", f.sluis("audit", "verify-proof", proof, "--key", d.folder / "log.vkey", check=False).returncode, 1)

    receipt = w.call("AuditService/Proof", {"index": 0}, role="dpo")["receipt"]
    wait_for("both cosigned what is shown", lambda: len(signatures(public())) == 3)
    seen_by_both = public()
    w.stop()
    audits(seen_by_both)

    # An older state put back whole: store, slots and keys fit one another. Only others know better.
    copy_of("yesterday", ("store", "checkpoints", "payload_keys"))
    w.start()
    w.wait_ready()
    for i in range(4):
        w.call("ActivityService/Publish", {"id": f"urn:activity:today:{i}", "purpose": "dpv:Marketing"})
    newest_public()
    seen = int(public().split("\n")[1])
    wait_for("today was seen", lambda: len(signatures(public())) == 3)
    w.stop()
    copy_of("today", ("store", "checkpoints", "payload_keys"))
    copy_of("yesterday", ("store", "checkpoints", "payload_keys"), back=True)
    w.start()
    w.wait_ready(path="/livez")
    status, why = readiness()
    expect("the node does not go on as if nothing had happened", (status, "and here are fewer" in why), (503, True))
    expect("nothing is signed", refusal(), True)
    expect("what is there can be read", len(w.log()) > 0, True)

    # Store and slots are gone altogether: an empty log would begin anew under the same name.
    w.stop()
    for name in ("store", "checkpoints"):
        shutil.rmtree(w.folder / name)
    w.start()
    w.wait_ready(path="/livez")
    expect("nor as if there had never been anything", "and here are fewer" in readiness()[1], True)
    expect("and nothing was recorded", w.call("NodeService/Status").get("logSize", "0"), "0")
    w.stop()

    # Both witnesses are away when that is done: the fork is signed, until one of them is back and shows what it saw.
    panel.stop()
    d.stop()
    w.start()
    w.wait_ready(path="/livez")
    expect("what was proven once counts without its witnesses, too", "and here are fewer" in readiness()[1], True)
    w.stop()
    copy_of("yesterday", ("store", "checkpoints", "payload_keys"), back=True)
    w.start()
    w.wait_ready()
    for i in range(9):
        w.call("ActivityService/Publish", {"id": f"urn:activity:fork:{i}", "purpose": "dpv:Marketing"})
    for i in range(40):
        if int(w.call("AuditService/Checkpoint", role="dpo")["size"]) > seen:
            break
        w.call("ActivityService/Publish", {"id": f"urn:activity:fork:more:{i}", "purpose": "dpv:Marketing"})
    expect("longer than what was seen", int(w.call("AuditService/Checkpoint", role="dpo")["size"]) > seen, True)
    panel.start()
    clock(w, "+2m")
    wait_for("a log that forked is given up", lambda: "here those are others" in readiness()[1], 90)
    expect("and signs nothing more", refusal(), True)
    size = w.call("AuditService/Checkpoint", role="dpo")["size"]
    time.sleep(1)
    expect("whatever is tried", (refusal(), w.call("AuditService/Checkpoint", role="dpo")["size"]), (True, size))
finally:
    panel.stop()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
