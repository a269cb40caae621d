#!/usr/bin/env python3
"""A node of your own: the commands that README.md prints for it, as they stand there, with the dataset file that catalog/README.md
prints; up to a node that offers that dataset and says that it is well.

usage: own_node.py BIN_DIR SOURCE_DIR
"""
import datetime
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import unprivileged  # noqa: E402

SKIPPED, PORTS = 77, (8443, 8444, 8445)  # those of a node that is not told others
leave_root, user = unprivileged()
home = pathlib.Path(tempfile.mkdtemp(prefix="sluis-own-"))
node = None


def commands():
    """The indented lines of the section, continued ones joined."""
    section = (SOURCE / "README.md").read_text().split("\n## A node of your own\n")[1].split("\n## ")[0]
    lines = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    return lines.replace("\\\n", " ").splitlines()


def dataset():
    """The example, assessed until next year: as it is printed it ends one day."""
    text = (SOURCE / "catalog/README.md").read_text().split("```toml\n")[1].split("```")[0]
    next_year = datetime.date.today() + datetime.timedelta(days=365)
    return re.sub(r'^until = "[^"]*"', f'until = "{next_year}"', text, flags=re.M)


def prepare():
    for port in PORTS:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError as error:
                print(f"skipped: port {port}: {error.strerror}")
                sys.exit(SKIPPED)
    for name in ("build/release/bin", "deploy"):
        (home / name).mkdir(parents=True)
    shutil.copy2(BIN / "sluis", home / "build/release/bin/sluis")
    (home / "deploy/build").write_text("#!/bin/sh\n# The build was done before the tests.\n")
    (home / "deploy/build").chmod(0o755)
    (home / "counts.toml").write_text(dataset())
    home.chmod(0o755)
    if user:
        shutil.chown(home, user.pw_uid, user.pw_gid)


def bash(text):
    return [*leave_root, "bash", "-c", text]


def serve(text, status):
    """Runs on, as in a terminal of its own; returns when the node answers."""
    global node
    node = subprocess.Popen(bash("exec " + text), cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    while subprocess.run(bash(status), cwd=home, capture_output=True).returncode != 0:
        if node.poll() is not None or time.monotonic() > until:
            node.kill()
            sys.exit(f"✗ {text}\n{node.stderr.read()}")
        time.sleep(0.05)


def run(text):
    done = subprocess.run(bash(text), cwd=home, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        sys.exit(f"✗ {text}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def tree():
    """What stands in the folder: each file with its bytes."""
    return {str(path.relative_to(home)): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def try_dry(given, command):
    """What the command would do is what it then does; trying it changes nothing."""
    before = tree()
    would = run(given + re.sub(r"\$sluis (init|membership (?:key|compose|sign))", r"$sluis \1 --dry-run", command))
    if tree() != before:
        sys.exit(f"✗ with --dry-run this changes something: {command}")
    run(given + command)
    made = sorted(name for name in tree() if name not in before)
    if "$sluis init" in command and sorted(would.split()) != made:
        sys.exit(f"✗ said\n{would}made\n" + "\n".join(made))


def main():
    prepare()
    given, said, ran = "", "", 0
    for command in commands():
        if re.match(r"\w+=", command):
            given += command + "\n"
            continue
        said = ""
        if " serve " in command:
            program = re.match(r"sluis=(\S+)", given)[1]
            serve(command.replace("$sluis", program), f"{program} status --config mynode/node.toml")
        elif re.match(r"\$sluis (init|membership (key|compose|sign)) ", command):
            try_dry(given, command)
        else:
            said = run(given + command)
        ran += 1
        data = home / "mynode/datasets/counts.csv"
        if data.parent.exists() and not data.exists():
            data.write_text("time,total\n2026-11-01T10:00:00Z,120\n2026-11-01T11:00:00Z,95\n")
    told = dict(line.split(None, 1) for line in said.splitlines())
    for name, value in {"ready": "yes", "membershipState": "fresh", "datasets": "1"}.items():
        if told.get(name) != value:
            sys.exit(f"✗ the last command shows `{name}` as {value}:\n{said}")
    node.terminate()
    if node.wait(20) != 0:
        sys.exit(f"✗ the node stops in order: {node.stderr.read()}")
    print(f"{ran} commands of README.md made a node")


try:
    main()
finally:
    if node and node.poll() is None:
        node.kill()
        node.wait()
    shutil.rmtree(home, ignore_errors=True)
