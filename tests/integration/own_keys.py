#!/usr/bin/env python3
"""What a node does with its own keys: their memory is in no core dump and in no swap, and a key file that others can read, or that was swapped for
another's, is refused with its name and how to mend it. Through the real binary.

usage: own_keys.py BIN_DIR SOURCE_DIR
"""
import os
import pathlib
import resource
import shutil
import subprocess
import sys

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import Federation, scratch  # noqa: E402

f = Federation(scratch("own-keys"), binary=BIN / "sluis", base_port=25440, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def proc(node, name):
    return pathlib.Path(f"/proc/{node.process.pid}/{name}").read_text()


def give(path):
    """To whom the nodes run as."""
    if f.user:
        os.chown(path, f.user.pw_uid, f.user.pw_gid)


def start_says(node):
    """Starts it as its operator would. (exit code, what it says); none: it serves."""
    done = subprocess.Popen([*f.leave_root, f.binary, "serve", "--config", node.folder / "node.toml"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)
    try:
        return done.wait(timeout=20), done.stderr.read()
    except subprocess.TimeoutExpired:
        done.terminate()
        done.wait(timeout=20)
        return None, done.stderr.read()


def key_list(node):
    return subprocess.run([*f.leave_root, f.binary, "key", "list", "--config", node.folder / "node.toml"], capture_output=True, text=True)


def memory(node):
    limits = next(line for line in proc(node, "limits").splitlines() if line.startswith("Max core file size"))
    expect("no core dump in a file", limits.split()[4:6], ["0", "0"])
    expect("nor through a pipe: it is not dumpable, so that its memory is root's alone", os.stat(f"/proc/{node.process.pid}/mem").st_uid, 0)
    if os.geteuid() == 0 and f.user:
        other = subprocess.run([*f.leave_root, "head", "-c", "1", f"/proc/{node.process.pid}/environ"], capture_output=True)
        expect("not even its own user reads it from outside", other.returncode != 0, True)
    locked = int(proc(node, "status").split("VmLck:")[1].split()[0])
    allowed = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    roomy = allowed == resource.RLIM_INFINITY or allowed >= 2 << 20
    findings = node.call("NodeService/Status").get("findings", [])
    if roomy:
        expect("KiB that are locked: the heap of private keys, and where the others lie", locked >= 1024, True)
        expect("nothing to be said of it", [one for one in findings if "swap" in one], [])


def not_locked():
    """Where the system allows no memory to be locked, the node serves and says so."""
    before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    w.stop()
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, before[1]))
    try:
        w.start()
        w.wait_ready()
    finally:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, before)
    if os.geteuid() != 0 or f.user:
        findings = [one for one in w.call("NodeService/Status").get("findings", []) if "swap" in one]
        expect("it is found", [one.split(":")[0] for one in findings], ["private keys may get into swap"])
        expect("with how to mend it", [("RLIMIT_MEMLOCK is 0 KiB" in one, "LimitMEMLOCK" in one) for one in findings], [(True, True)])
        told = w.command("doctor", role="operator")
        expect("doctor says so", "may get into swap" in told.stdout, True)
    w.stop()


def modes():
    newest = sorted((w.folder / "payload_keys").glob("*.key"))[-1].name
    for name in ("keys/log.key", "keys/claim.key", "keys/node.key", "tls/node.key", f"payload_keys/{newest}"):
        path = w.folder / name
        for mode in (0o640, 0o604):
            path.chmod(mode)
            code, said = start_says(w)
            expect(f"{name} {mode:o}: not served", code, 1)
            expect(f"{name} {mode:o}: it is named", (str(path) in said, "chmod 600" in said), (True, True))
            listed = key_list(w)
            expect(f"{name} {mode:o}: key list", (listed.returncode, f"others can read the secret `{path}`" in listed.stdout), (1, True))
        path.chmod(0o600)
    folder = w.folder / "payload_keys"
    before = folder.stat().st_mode & 0o777
    folder.chmod(0o770)
    code, said = start_says(w)
    expect("a folder in which others put keys", (code, str(folder) in said), (1, True))
    folder.chmod(before)


def missing():
    for name in ("keys/log.key", "keys/claim.key", "keys/node.key", "tls/node.key"):
        path = w.folder / name
        path.rename(f"{path}.away")
        code, said = start_says(w)
        expect(f"{name} is gone: named", (code, str(path) in said), (1, True))
        pathlib.Path(f"{path}.away").rename(path)


def swapped():
    """Each for that of another node of the same federation."""
    wanted = {"keys/claim.key": "is not the one that the membership list has", "keys/node.key": "is not the one that this node started with", "tls/node.key": "cannot use the key"}
    for name, what in wanted.items():
        path, kept = w.folder / name, (w.folder / name).read_bytes()
        path.write_bytes((d.folder / name).read_bytes())
        code, said = start_says(w)
        expect(f"{name} of another: {said}", (code, what in said, str(path) in said), (1, True, True))
        listed = key_list(w)
        expect(f"{name} of another: key list", (listed.returncode, listed.stdout.count("\n            ! ")), (1, 1))
        path.write_bytes(kept)
    expect("all are its own again", key_list(w).returncode, 0)


def changed():
    """A node key that was lost or changed on purpose."""
    path = w.folder / "keys/node.key"
    path.write_bytes(os.urandom(32))
    said = pathlib.Path(f"{path}.changed")
    said.touch()
    give(said)
    w.start()
    w.wait_ready()
    expect("what was said is taken away", said.exists(), False)
    w.stop()
    expect("and holds from then on", key_list(w).returncode, 0)
    w.start()
    w.wait_ready()
    path.write_bytes(os.urandom(32))
    w.stop()
    code, _ = start_says(w)
    expect("the next needs another word", code, 1)


def main():
    f.make()
    f.start()
    f.join()
    memory(w)
    not_locked()
    modes()
    missing()
    swapped()
    changed()


try:
    main()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
