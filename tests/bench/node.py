#!/usr/bin/env python3
"""Figures of running nodes: start to ready, idle memory, negotiations one by one and fifty at a time. One JSON object a line.

usage: node.py BIN_DIR SOURCE_DIR
"""
import concurrent.futures
import json
import pathlib
import shutil
import statistics
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation, PURPOSE, scratch  # noqa: E402

f = Federation(scratch("bench-node"), binary=BIN / "sluis", base_port=18640, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def say(name, value, unit, against="", ratio=None):
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit, "against": against, "ratio": ratio}), flush=True)


def memory(node):
    pid = node.process.pid
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def negotiate():
    began = time.perf_counter()
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:detailed-counts",
                                               "purpose": PURPOSE + "CrowdManagement", "waitSeconds": 20})["negotiation"]
    while made["state"] != "FINALIZED":
        made = d.call("AgreementService/Show", {"id": made["id"], "waitSeconds": 20})["negotiation"]
    return (time.perf_counter() - began) * 1000


try:
    f.make()
    ready = []
    for _ in range(5):
        began = time.perf_counter()
        w.start()
        w.wait_ready()
        ready.append((time.perf_counter() - began) * 1000)
        w.stop()
    say("node.start_to_ready", statistics.median(ready), "ms")
    f.start()
    f.join()
    f.offer_counts()
    say("node.idle_memory", memory(w), "MiB")
    times = [negotiate() for _ in range(60)][10:]
    say("negotiation.idle_p50", statistics.median(times), "ms")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        began = time.perf_counter()
        times = list(pool.map(lambda _: negotiate(), range(300)))
        seconds = time.perf_counter() - began
    say("negotiation.in_flight_50", len(times) / seconds, "negotiations/s")
    say("negotiation.in_flight_50_p50", statistics.median(times), "ms")
    say("node.memory_after", memory(w), "MiB")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
