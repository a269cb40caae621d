#!/usr/bin/env python3
"""`sluis doctor peer`: two nodes; then with the peer stopped, with a wrong certificate at the peer, with our own address wrong in the list, and
with a name that does not resolve. What it says, how to mend it, and how it leaves.

usage: doctor_peer.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import foreign  # noqa: E402
from certificates import certificate  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import Federation, Refused, scratch  # noqa: E402

f = Federation(scratch("doctor"), binary=BIN / "sluis", base_port=22840, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
REACH = ["reached by it", "our identity", "its identity", "evidence", "clock", "version"]
version = 1


def doctor(peer=d.name, role="operator"):
    """Exit code, and the checks by name."""
    done = w.command("doctor", "peer", peer, "-o", "json", role=role)
    return done.returncode, {one["name"]: one for one in json.loads(done.stdout)["checks"]} if done.stdout else done.stderr


def having(checks, result):
    return sorted(name for name, one in checks.items() if one["result"] == result)


def relist(at, *nodes, **changes):
    """A newer list, in which that party's entry has these members; loaded by those nodes."""
    global version
    version += 1
    path = at.folder / "party.json"
    kept = path.read_text()
    foreign.write(f, path, json.dumps({**json.loads(kept), **changes}))
    document = f.membership(version)
    foreign.write(f, path, kept)
    for node in nodes:
        node.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")


def recorded(node):
    return [one.get("index") for one in node.log() if one["kind"] != "refused-count"]


def endpoint(of, url):
    return {"endpoints": [{**json.loads((of.folder / "party.json").read_text())["endpoints"][0], "url": url}]}


try:
    f.begin()
    code, checks = doctor()
    expect("all is well", (code, having(checks, "failed"), having(checks, "skipped"), len(checks)), (0, [], [], 17))
    expect("the names", "127.0.0.1" in checks["dns"]["message"], True)
    expect("by the participant's id", doctor(d.participant, "steward")[0], 0)
    table = w.command("doctor", "peer", d.name, role="operator").stdout.splitlines()
    expect("a line each", (len(table), table[0].split()), (18, ["CHECK", "RESULT", "MESSAGE", "MEND"]))
    expect("the node's own checks are as they were", w.command("doctor", role="operator").stdout.splitlines()[1].split()[:2], ["node", "yes"])
    expect("nobody of that name", doctor("Duinmere")[0], 1)
    expect("not oneself", doctor(w.name)[0], 1)
    refused = w.command("doctor", "peer", d.name, role="dpo")
    expect("not for others", (refused.returncode, "may not call" in refused.stderr or refused.stderr), (1, True))
    before = recorded(d)
    doctor()
    expect("it leaves nothing in the peer's log but the count of strangers", recorded(d), before)

    # The peer does not know us: it has an older list, in which our certificate is another's.
    relist(w, d, certificates=[{**json.loads((w.folder / "party.json").read_text())["certificates"][0], "oin": "00000099000000009000"}])
    code, checks = doctor()
    expect("it does not know us", (code, having(checks, "failed"), having(checks, "skipped")), (1, ["our identity"], ["reached by it"]))
    expect("and how to mend it", "has to load version 1 of the membership list" in checks["our identity"]["mend"], True)
    relist(w, w, d)
    expect("well again", doctor()[0], 0)

    # Our own address is wrong in the list. (A peer that starts anew has forgotten how often it was asked.)
    d.stop()
    d.start()
    d.wait_ready()
    relist(w, w, d, **endpoint(w, f"https://localhost:{w.port + 7}"))
    code, checks = doctor()
    expect("our own address is wrong", (code, having(checks, "failed"), having(checks, "skipped")), (1, ["own entry", "reached by it"], []))
    expect("it says which", f"`https://localhost:{w.port + 7}`" in checks["own entry"]["message"], True)
    expect("the peer says what it met", "does not answer: Connection refused" in checks["reached by it"]["message"] or checks["reached by it"], True)
    relist(w, w, d, **endpoint(w, f"https://localhost:{d.port}"))
    code, checks = doctor()
    expect("somebody else is there", f"found `{d.participant}`" in checks["reached by it"]["message"] or checks["reached by it"], True)
    relist(w, w, d)

    # It looks back only so often, whoever asks.
    for _ in range(60):
        code, checks = doctor()
        if code == 3:
            break
    expect("the peer's quota", (code, having(checks, "skipped"), checks["reached by it"]["message"]), (3, ["reached by it"], "the peer looks back only so often"))

    # A name that does not resolve.
    relist(d, w, **endpoint(d, "https://nobody.invalid:8443"))
    code, checks = doctor()
    expect("a name that does not resolve", (code, having(checks, "failed"), having(checks, "skipped")),
           (1, ["dns"], sorted(set(REACH) - {"its identity"})))
    expect("it says which name", "`nobody.invalid` has no address" in checks["dns"]["message"], True)
    relist(d, w, d)

    # The peer is not a Sluis, as the list has it: who is reached cannot be known.
    relist(d, w, evidence="none")
    code, checks = doctor()
    expect("a foreign peer", (code, having(checks, "failed"), having(checks, "skipped"), "evidence" in checks), (3, [], ["reached by it"], False))
    expect("what would show it", "begin a negotiation" in checks["reached by it"]["mend"], True)
    relist(d, w, d)

    # Its name leads to this machine, where no peer may be unless this node's operator says so: it is not even dialled.
    config = w.folder / "node.toml"
    kept = config.read_text()
    w.stop()
    foreign.write(f, config, kept.replace('inner = ["127.0.0.0/8", "::1"]', 'inner = ["10.1.0.0/16"]'))
    w.start()
    w.wait_ready()
    code, checks = doctor()
    expect("an inner address", (code, having(checks, "failed")), (1, ["tcp"]))
    expect("says so", ("this machine" in checks["tcp"]["message"], "[network] inner" in checks["tcp"]["mend"]), (True, True))
    refused = w.command("catalog", "fetch", d.name, role="steward")
    expect("nor is it called otherwise", (refused.returncode != 0, "is not called" in refused.stderr, "[network] inner" in refused.stderr), (True, True, True))
    w.stop()
    foreign.write(f, config, kept.replace('"127.0.0.0/8"', '"127.0.0.0/33"'))
    done = f.sluis("config", "check", config, check=False)
    expect("a range that is none", (done.returncode != 0, "no address" in done.stdout + done.stderr), (True, True))
    foreign.write(f, config, kept)
    w.start()
    w.wait_ready()

    # The peer stopped.
    d.stop()
    code, checks = doctor()
    expect("the peer stopped", (code, having(checks, "failed"), having(checks, "skipped")), (1, ["tcp"], sorted(set(REACH) - {"its identity"})))
    expect("how to mend it", "whether its node runs" in checks["tcp"]["mend"], True)

    # A wrong certificate at the peer: of our authority, and neither with its name nor in the list.
    tls = d.folder / "tls"
    kept = {name: (tls / name).read_text() for name in ("node.pem", "node.key")}
    chain, key = certificate(f.folder, "wrong", usage="clientAuth,serverAuth")
    foreign.write(f, tls / "node.pem", chain.read_text())
    foreign.write(f, tls / "node.key", key.read_text(), 0o600)
    d.start()
    d.wait_ready()
    code, checks = doctor()
    expect("a wrong certificate", (code, having(checks, "failed")), (1, ["certificate: listed", "certificate: name"]))
    expect("nothing is sent there", having(checks, "skipped"), sorted(set(REACH) - {"its identity"}))
    expect("nor would it be", "hostname mismatch" in w.command("catalog", "fetch", d.name, role="steward").stderr.lower(), True)
    d.stop()
    for name, text in kept.items():
        foreign.write(f, tls / name, text, 0o600 if name.endswith("key") else 0o644)
    d.start()
    d.wait_ready()
    code, checks = doctor()
    expect("and well in the end", (having(checks, "failed"), having(checks, "skipped")), ([], []), ([], ["reached by it"]))
except Refused as refused:
    expect("every call is answered", refused.body, "")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
