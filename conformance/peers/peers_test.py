#!/usr/bin/env python3
"""The suite `peers` against what it is for: another node of ours, known by fixed values and by TLS, and a peer with one fault after another, each
of which must be told.

usage: peers_test.py BIN_DIR SOURCE_DIR
"""
import pathlib
import re
import shutil
import subprocess
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support"), str(HERE)]
import foreign  # noqa: E402
from checks import expect, finish  # noqa: E402
from fake import Fake, OFFER  # noqa: E402
from federation import Federation, scratch  # noqa: E402
from table import WIDTHS  # noqa: E402

OWN, PEER = "did:web:duinmeer.example", "did:web:waterrijk.example"
IN, OUT = '{"clientId":"did:web:waterrijk.example"}', "Bearer of Duinmeer"
COUNTS = "urn:waterrijk:detailed-counts"
PATH = ["request", "agreement", "verification", "finalisation", "transfer request", "transfer start", "suspension", "resumption", "completion"]
f = Federation(scratch("peers-test"), binary=BIN / "sluis", base_port=22940, parties=("waterrijk", "duinmeer"))
in_clear = Federation(scratch("peers-test"), binary=BIN / "sluis", base_port=f.base_port, parties=("waterrijk",))  # when the others have stopped
w, d, c = f.nodes["waterrijk"], f.nodes["duinmeer"], in_clear.nodes["waterrijk"]


def run(*words):
    """Exit code, results by step, and all of the output."""
    command = [sys.executable, HERE / "suite.py", BIN, SOURCE, "--as", OWN, "--port", d.port, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=200)
    lines = done.stdout.splitlines()
    steps = {line[:WIDTHS[0]].strip(): line[WIDTHS[0] + 2:] for line in lines[1:-1]}
    return done.returncode, steps, done.stdout + done.stderr


def results(steps, word):
    return [name for name, rest in steps.items() if re.search(rf"  {word}(:|$)", rest)]


def counted(output):
    return tuple(map(int, re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)[-1])) if output else None


def by_values(peer, *words):
    values = f.folder / "values.toml"
    foreign.write(f, values, f"in = '{IN}'\nout = '{OUT}'\n", 0o600)
    return run("--scheme", "static", "--values", values, "--peer", peer, "--participant", PEER, *words)


def by_tls(*words):
    tls = d.folder / "tls"
    return run("--scheme", "tls", "--certificate", tls / "node.pem", "--key", tls / "node.key", "--roots", tls / "roots.pem", "--peer", f"https://localhost:{w.port}",
               "--participant", PEER, "--purposes", SOURCE / "deploy/demo.d/purposes.tsv", *words)


def offer(federation, node):
    """With the membership list, and what it offers."""
    node.start()
    node.wait_ready()
    node.call("MembershipService/Load", {"document": (federation.folder / "membership.json").read_text(), "file": "membership.json"}, role="operator")
    federation.put_data(node, "detailed-counts.csv", "footfall-2023-06.csv")
    federation.publish(node, "detailed-counts")


def broken(fault, *words):
    fake = Fake(w.port + 30, fault, PEER, OWN, OUT, IN)
    try:
        return *by_values(fake.url, "--offer", OFFER, *words), fake.got
    finally:
        fake.stop()


def all_well(what, ran, offer_taken):
    code, steps, output = ran
    expect(f"{what}: all holds", (code, results(steps, "FAILED")), (0, []))
    expect(f"{what}: each step", [name for name in PATH if name not in results(steps, "worked")], [])
    expect(f"{what}: the way there", {"dns", "tcp", "version", "our identity", "its identity", "catalogue", "dataset"} <= set(results(steps, "worked")), True)
    expect(f"{what}: what was not tried", results(steps, "not tried"), ["data"] + ([] if offer_taken else ["offer (as provider)"]))
    expect(f"{what}: the last line counts", counted(output), (len(results(steps, "worked")), 0, len(results(steps, "not tried"))))
    if code != 0:
        print(output)


try:
    # By TLS, with the certificates of the development authority.
    f.make()
    offer(f, w)
    by_certificate = by_tls("--offer", COUNTS)
    all_well("tls", by_certificate, True)
    expect("tls: certificates", {"certificate: chain", "certificate: name", "certificate: time"} <= set(by_certificate[1]), True)
    expect("the peer has the agreement", [(one["peer"], one["state"]) for one in w.call("AgreementService/List")["agreements"]], [(OWN, "active")])
    expect("the peer's transfer is over", [one["state"] for one in w.call("TransferService/List")["transfers"]], ["COMPLETED"])
    code, steps, output = by_tls("--offer", COUNTS, "--purpose", "dpv:Marketing")
    expect("a purpose that the terms do not have", (code, results(steps, "FAILED")[:1]), (1, ["request"]), (1, ["agreement"]))
    w.stop()
    # By fixed values, both in clear on this machine.
    in_clear.make()
    values = f"[[inbound]]\nparty = '{OWN}'\nauthorization = '{OUT}'\n[[outbound]]\nparty = '{OWN}'\nauthorization = '{IN}'\n"
    foreign.configure(in_clear, c, (c.folder / "node.toml").read_text(), values, "")
    foreign.list_peer(in_clear, c, OWN, f"http://127.0.0.1:{d.port}")
    offer(in_clear, c)
    peer = f"http://127.0.0.1:{w.port}"
    all_well("static", by_values(peer, "--offer", COUNTS, "--purposes", SOURCE / "deploy/demo.d/purposes.tsv"), True)
    code, steps, output = by_values(peer, "--offer", "urn:waterrijk:nothing")
    expect("an offer that is not there", (code, results(steps, "FAILED"), COUNTS in steps["catalogue"]), (1, ["catalogue"], True))
    c.stop()
    code, steps, output = by_values(peer, "--offer", COUNTS)
    expect("a peer that is away", (code, results(steps, "FAILED"), len(results(steps, "not tried"))), (1, ["tcp"], 8))
    expect("and what that leaves", "the peer cannot be asked" in steps["negotiation"], True)

    # A peer without fault, and with one fault each.
    code, steps, output, _ = broken("none")
    all_well("a fake", (code, steps, output), False)
    expect("what only the peer's management could begin", "not possible without the peer's own management" in steps["offer (as provider)"]
           and "no offers are taken here (404)" in steps["offer (as provider)"], True)
    code, steps, output, _ = broken("version")
    expect("another version", (code, results(steps, "FAILED"), "2024-1" in steps["version"]), (1, ["version"], True))
    code, steps, output, got = broken("context")
    expect("a wrong @context", (code, results(steps, "FAILED"), "@context" in steps["catalogue"]), (1, ["catalogue"], True))
    expect("and nothing is agreed on it", [path for path, _ in got if "/negotiations/request" in path], [])
    code, steps, output, _ = broken("error", "--wait", "3")
    expect("an answer 500", (code, results(steps, "FAILED"), "500" in steps["request"]), (1, ["request"], True))
    code, steps, output, _ = broken("unknown")
    expect("a refusal, with the peer's words", (code, results(steps, "FAILED"), "no asset of that name" in steps["request"]), (1, ["request"], True))
    code, steps, output, got = broken("altered")
    expect("an agreement with other terms", (code, results(steps, "FAILED")), (1, ["agreement"]))
    expect("it is not verified, but ended", [path.rsplit("/", 1)[1] for path, _ in got if "/negotiations/provider" in path and "offers" not in path][-1:], ["termination"])
    code, steps, output, got = broken("silent", "--wait", "2")
    expect("a peer that says nothing more", (code, results(steps, "FAILED"), "nothing came in 2 seconds" in steps["agreement"]), (1, ["agreement"], True))
    expect("nothing stays open there", [path.rsplit("/", 1)[1] for path, _ in got if "/negotiations/provider" in path][-1:], ["termination"])

    # Wrong use.
    expect("http elsewhere", by_values("http://192.0.2.1:80", "--offer", OFFER)[0], 2)
    expect("no identity", run("--scheme", "tls", "--peer", "https://localhost:1", "--participant", PEER, "--offer", OFFER)[0], 2)
    expect("an unknown scheme", run("--scheme", "oauth", "--peer", peer, "--participant", PEER, "--offer", OFFER)[0], 2)
    values = f.folder / "values.toml"
    values.chmod(0o644)
    code, _, output = run("--scheme", "static", "--values", values, "--peer", peer, "--participant", PEER, "--offer", OFFER)
    expect("values that others can read", (code, "chmod 600" in output, OUT in output), (2, True, False))
finally:
    for federation in (f, in_clear):
        federation.stop()
        shutil.rmtree(federation.folder, ignore_errors=True)
finish()
