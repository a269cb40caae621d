#!/usr/bin/env python3
"""A node on which many processes wait for a party that is away: start to ready, memory, and what it costs to wait. One JSON object a line.

usage: waiting.py BIN_DIR SOURCE_DIR [COUNT]
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 100_000
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation, scratch  # noqa: E402

f = Federation(scratch("bench-waiting"), binary=BIN / "sluis", base_port=22540, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def say(name, value, unit, against="", ratio=None):
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit, "against": against, "ratio": ratio}), flush=True)


def started():
    """From start to ready, in ms; three times, the last one stays."""
    times = []
    for turn in range(3):
        if turn:
            w.stop()
        began = time.perf_counter()
        w.start()
        w.wait_ready(120)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def memory():
    return int(pathlib.Path(f"/proc/{w.process.pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def processor_seconds():
    fields = pathlib.Path(f"/proc/{w.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def counted():
    """Until the node has counted what waits; how many these are."""
    until = time.monotonic() + 300
    while not (peers := w.call("OutboxService/Peers")).get("counted") and time.monotonic() < until:
        time.sleep(0.1)
    return int(peers.get("waiting", 0))


try:
    f.begin()
    d.stop()
    w.stop()
    ready = started()
    counted()
    idle = memory()
    w.stop()
    filler = shutil.copy2(BIN / "sluis_bench_waiting", f.folder)  # where the nodes' own user can run it
    subprocess.run([*f.leave_root, filler, w.folder / "store", str(COUNT), w.participant,
                    d.participant, f"https://localhost:{d.port}/2025-1"], check=True)
    say(f"waiting.{COUNT}.start_to_ready", now := started(), "ms", "with nothing that waits", round(now / ready, 2))
    say(f"waiting.{COUNT}.counted", counted(), "messages")
    say(f"waiting.{COUNT}.memory", now := memory(), "MiB", "with nothing that waits", round(now / idle, 2))
    before = processor_seconds()
    time.sleep(10)
    say(f"waiting.{COUNT}.processor", (processor_seconds() - before) * 100, "ms in 10 s")
    say(f"waiting.{COUNT}.failures", int(w.call("OutboxService/Peers")["peers"][0]["failures"]), "tries")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
