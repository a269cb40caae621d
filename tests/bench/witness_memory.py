#!/usr/bin/env python3
"""Memory of a witness by itself that knows a thousand logs, after it was asked by 64 callers at once. One JSON object a line.

usage: witness_memory.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation, scratch  # noqa: E402

PORT, LOGS, CALLERS = 20540, 1000, 64
f = Federation(scratch("bench-witness"), binary=BIN / "sluis", base_port=PORT, parties=("waterrijk",))
process = None
try:
    f.make()
    folder = f.folder / "witness"
    folder.mkdir()
    if f.user:
        shutil.chown(folder, f.user.pw_uid, f.user.pw_gid)
    f.sluis("membership", "key", folder / "witness.key")
    vkey = (f.nodes["waterrijk"].folder / "log.vkey").read_text().strip()
    (folder / "witness.toml").write_text(f'name = "panel.waterrijk.example/witness"\nkey = "witness.key"\nstate = "state"\nlisten = "127.0.0.1:{PORT + 50}"\nlogs = {json.dumps([vkey] * LOGS)}\n')
    process = subprocess.Popen([*f.leave_root, f.binary, "witness", "--config", folder / "witness.toml"], stderr=subprocess.DEVNULL)

    def ask(path, body=None):
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{PORT + 50}{path}", data=body), timeout=10).read()
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return None
        return 200

    while ask("/livez") != 200:
        time.sleep(0.02)

    def memory():
        return {line.split(":")[0]: int(line.split()[1]) / 1024 for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines()
                if line.startswith(("VmHWM", "VmRSS", "RssAnon"))}
    idle = memory()
    bad = b"old 0\n\n" + vkey.split("+")[0].encode() + b"\n5\n" + b"A" * 43 + b"=\n\n"
    threads = [threading.Thread(target=lambda: [ask("/add-checkpoint", bad) for _ in range(50)]) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, value in (("idle_resident", idle["VmRSS"]), ("idle_own", idle["RssAnon"]), ("peak_resident", memory()["VmHWM"]), ("own_after", memory()["RssAnon"])):
        print(json.dumps({"name": f"witness.{name}", "value": round(value, 1), "unit": "MB", "against": 16, "ratio": round(value / 16, 2)}))
finally:
    if process:
        process.terminate()
        process.wait()
    shutil.rmtree(f.folder, ignore_errors=True)
