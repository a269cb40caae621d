#!/usr/bin/env python3
"""What testssl.sh finds at every listener of a node that has TLS; at all but the one between nodes only which protocols, but for SLUIS_SOAK. What the node lives with stands in
testssl_accepted.tsv, each with the reason; what is found besides fails. Skipped where testssl.sh is not installed.

usage: hostile_testssl.py BIN_DIR SOURCE_DIR
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402
from hostile_wire import LISTENERS, tls_everywhere, together  # noqa: E402
from pinned import skip  # noqa: E402

PROGRAM = shutil.which("testssl") or shutil.which("testssl.sh")
SOAK = bool(os.environ.get("SLUIS_SOAK"))
# Protocols, kinds of ciphers, the server's preference, and each known weakness; with SLUIS_SOAK all that it knows, which takes many minutes.
TOLD = [] if SOAK else ["-p", "-s", "-P", "-U"]
# All that for all four takes two cores more than two minutes. The three of HTTP make their TLS alike, so the one between nodes stands for them in an
# ordinary run, in which of the others only the protocols are looked at; gRPC makes its own, of which hostile_tls.py asks the most in every run.
QUICK = ["-p"]
ACCEPTED = SOURCE / "tests/integration/testssl_accepted.tsv"
f = Federation(scratch("hostile-testssl"), binary=BIN / "sluis", base_port=22280, parties=("waterrijk",))
w = f.nodes["waterrijk"]


def accepted():
    """By listener and finding: the reason. `*`: of each listener."""
    rows = [line.split("\t") for line in ACCEPTED.read_text().splitlines() if line and not line.startswith("#")]
    return {(listener, name): reason for listener, name, reason in rows}


def findings(at):
    """The names of what is worse than good at one listener, with what is said of it."""
    out = f.folder / f"testssl-{LISTENERS[at]}.json"
    began = time.monotonic()
    done = subprocess.run([PROGRAM, *(TOLD if SOAK or at == 0 else QUICK), "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--jsonfile", out, "--add-ca",
                           w.folder / "tls/roots.pem", f"localhost:{w.port + at}"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    found = json.loads(out.read_text()) if out.exists() else []
    expect(f"{LISTENERS[at]}: it was looked at", len(found) > (20 if SOAK or at == 0 else 5) or (done.returncode, done.stdout[-500:], done.stderr[-500:]), True)
    print(f"    {LISTENERS[at]}: {len(found)} findings in {time.monotonic() - began:.0f} s")
    return {one["id"]: f"{one['severity']}: {one['finding']}" for one in found if one["severity"] not in ("OK", "INFO", "DEBUG")}


if not PROGRAM:
    skip("testssl.sh is not installed")
try:
    f.begin()
    tls_everywhere(w)
    found = {}
    together(*(lambda at=at: found.update({at: findings(at)}) for at in range(len(LISTENERS))))
    lived_with = accepted()
    for at, listener in enumerate(LISTENERS):
        for name, said in found[at].items():
            expect(f"{listener}: {name}", bool(lived_with.get((listener, name)) or lived_with.get(("*", name))) or said, True)
    expect("each has its reason", [where for where, reason in lived_with.items() if len(reason) < 20], [])
    expect("the node lives", w.process.poll(), None)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
