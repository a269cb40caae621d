#!/usr/bin/env python3
"""Figures of running nodes: start to ready, idle memory, negotiations one by one and fifty at a time. One JSON object a line.

usage: node.py BIN_DIR SOURCE_DIR
"""
import concurrent.futures
import pathlib
import shutil
import statistics
import sys
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/bench"))
from pair import Caller, make_pair, say, without_quotas  # noqa: E402

f = make_pair("node", BIN / "sluis", base_port=18640)
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def memory(node):
    pid = node.process.pid
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def negotiate():
    began = time.perf_counter()
    Caller(d).negotiate(w)
    return (time.perf_counter() - began) * 1000


try:
    f.make()
    without_quotas(f)
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
