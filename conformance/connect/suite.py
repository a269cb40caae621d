#!/usr/bin/env python3
"""The Connect project's conformance suite, in server mode, against our management's transport: the Connect protocol over HTTP/1.1 with JSON, and gRPC
with protobuf. Runner and contract come from the Go module proxy, of one version; `server.cpp` answers. What is known to fail stands in a file of each
protocol, with its reason, and has to fail: a mended case leaves the file. A case that is not ours and fails at times stands in another.

usage: suite.py BIN_DIR SOURCE_DIR
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import unprivileged  # noqa: E402

HERE = SOURCE / "conformance/connect"
HOME = SOURCE / "build/peers/connect"
MODULE, VERSION, GO = "connectrpc.com/conformance", "v1.0.7", (1, 26)  # the module's own file says which Go
WANTED = {"connect": 80, "grpc": 95}  # cases at least, which passed or failed as they are known to


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def go(*words, **more):
    done = subprocess.run(["go", *words], capture_output=True, text=True, env={**os.environ, "GOTOOLCHAIN": "local", **more})
    if done.returncode != 0:
        skip(f"the suite cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout


def fetch():
    """The runner, and a copy of the contract in which the role of a steward may call what is called. Made once for each version."""
    version = subprocess.run(["go", "version"], capture_output=True, text=True).stdout if shutil.which("go") else ""
    found = re.search(r"go(\d+)\.(\d+)", version)
    if not found or (int(found[1]), int(found[2])) < GO:
        skip(f"no Go {GO[0]}.{GO[1]} or newer")
    if (HOME / "version").exists() and (HOME / "version").read_text() == VERSION:
        return
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    go("install", f"{MODULE}/cmd/connectconformance@{VERSION}", GOBIN=str(HOME))
    module = pathlib.Path(json.loads(go("mod", "download", "-json", f"{MODULE}@{VERSION}"))["Dir"])
    contract = HOME / "proto/connectrpc/conformance/v1"
    contract.mkdir(parents=True)
    for name in ("config", "server_compat", "service"):
        text = (module / "proto/connectrpc/conformance/v1" / f"{name}.proto").read_text()
        if name == "service":
            option = "option (sluis.v1.access) = { roles: [STEWARD] };"
            text = text.replace("returns (UnaryResponse);", f"returns (UnaryResponse) {{ {option} }}")
            text = text.replace("returns (IdempotentUnaryResponse) {", f"returns (IdempotentUnaryResponse) {{ {option}")
            text = text.replace('\nimport "google', '\nimport "sluis/v1/access.proto";\nimport "google', 1)
        (contract / f"{name}.proto").write_text(text)
    (HOME / "version").write_text(VERSION)


def build():
    """Where the runner's contract is, the server is one more target of the release build."""
    subprocess.run(["cmake", f"-DSLUIS_CONNECT_PROTOS={HOME / 'proto'}", BIN.parent], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", BIN.parent, "sluis_connect_server"], check=True, stdout=sys.stderr)


def play(protocol, work, leave_root):
    """How many passed, were not as they should be, and are known to fail."""
    flaky = work / f"{protocol}-known-flaky.txt"
    done = subprocess.run([*leave_root, work / "connectconformance", *(["--known-flaky", f"@{flaky}"] if flaky.exists() else []), "--mode", "server", "--conf", work / f"{protocol}.yaml", "--known-failing",
                           f"@{work / f'{protocol}-known-failing.txt'}", "--max-servers", "2", "--", work / "sluis_connect_server", work / "kept"],
                          capture_output=True, text=True, timeout=240)
    told = done.stdout + done.stderr
    found = re.search(r"Total cases: (\d+)\n(\d+) passed, (\d+) failed", told)
    known = re.search(r"Another (\d+) failed as expected", told)
    if not found:
        print(told[-3000:])
        return 0, 1, 0
    passed, failed, expected = int(found[2]), int(found[3]), int(known[1]) if known else 0
    if done.returncode != 0:
        print(told)
        failed = max(failed, 1)
    if passed + expected < WANTED[protocol]:
        print(f"{protocol}: fewer cases than {WANTED[protocol]}")
        failed += 1
    print(f"{protocol}: {passed} passed, {expected} fail as is known")
    return passed, failed, expected


fetch()
build()
leave_root, user = unprivileged()
work = pathlib.Path(tempfile.mkdtemp(prefix="sluis-connect-", dir=os.environ.get("TMPDIR", "/var/tmp")))
try:
    for file in (HOME / "connectconformance", BIN / "sluis_connect_server", *HERE.glob("*.yaml"), *HERE.glob("*.txt")):
        shutil.copy2(file, work)
    (work / "kept").mkdir()
    if user:
        for path in (work, *work.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
    played = [play(protocol, work, leave_root) for protocol in ("connect", "grpc")]
finally:
    shutil.rmtree(work, ignore_errors=True)
print("{} passed, {} failed, {} skipped".format(*map(sum, zip(*played))))
sys.exit(any(failed for _, failed, _ in played))
