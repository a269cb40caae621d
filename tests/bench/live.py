#!/usr/bin/env python3
"""From the writing of a line to its arrival at an application, through both nodes, each line with the time at which it was written: p50, p99 and the longest.
Beside it the same program that follows the file itself, so that what this machine and the reader cost can be told apart. One JSON object a line.

usage: live.py BIN_DIR SOURCE_DIR [LINES_A_SECOND READERS SECONDS]
"""
import contextlib
import json
import pathlib
import shutil
import socket
import statistics
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
LINES, READERS, SECONDS = map(int, sys.argv[3:6]) if len(sys.argv) > 5 else (100, 20, 20)
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
f = Federation(scratch("bench-live"), binary=BIN / "sluis", base_port=20140, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
NOW = w.folder / "datasets/counts-now.jsonl"


def say(name, value, unit, against="", ratio=None):
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit, "against": against, "ratio": ratio}), flush=True)


def publish():
    f.put(w, NOW.name, "")
    text = f.dataset("detailed-counts").replace('file = "detailed-counts.csv"', f'follow = "{NOW.name}"').replace('"text/csv"', '"application/jsonl"')
    w.call("DatasetService/Publish", {"toml": text, "file": "live.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:detailed-counts", "purpose": CROWD, "waitSeconds": 20})["negotiation"]
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 20})["transfer"]["id"]


def written(line):
    """When a line says that it was written, in ns; nothing for what is none."""
    at = line.find(b'"time":"')
    return int(line[at + 8:line.index(b'"', at + 8)]) if at >= 0 else None


def take(buffer, delays):
    """The whole lines of what came, each with its delay. What is left."""
    now = time.monotonic_ns()
    *lines, rest = buffer.split(b"\n")
    for line in lines:
        if (then := written(line)) is not None:
            delays.append((now - then) / 1e6)
    return rest


def read(transfer, delays, ready):
    with socket.create_connection(("127.0.0.1", d.port + 2)) as connection:
        connection.sendall(f"GET /intake/{transfer} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {d.token('application')}\r\nSluis-Purpose: {CROWD}\r\n"
                           f"Sluis-Activity: {ACTIVITY}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode(errors="replace"))
        ready.release()
        buffer = head.partition(b"\r\n\r\n")[2]
        with contextlib.suppress(ConnectionResetError):  # the nodes are stopped in the end
            while part := connection.recv(65536):
                buffer = take(buffer + part, delays)


def follow(delays, stop):
    with NOW.open("rb") as file:
        file.seek(0, 2)
        buffer = b""
        while not stop.is_set():
            if part := file.read():
                buffer = take(buffer + part, delays)
            else:
                time.sleep(0.0005)


def write_lines():
    """At an even pace, each with one call. How many."""
    begun = time.monotonic()
    with NOW.open("ab", buffering=0) as out:
        for number in range(LINES * SECONDS):
            time.sleep(max(0, begun + number / LINES - time.monotonic()))
            out.write(b'{"time":"%d","counter":"Marktstraat","total":%d,"in":%d,"out":0}\n' % (time.monotonic_ns(), number, number))
    return LINES * SECONDS


def told(name, delays, due):
    delays.sort()
    say(f"live.{name}.lines", len(delays), "lines", "written, times readers", round(len(delays) / due, 4))
    say(f"live.{name}.p50", statistics.median(delays), "ms")
    say(f"live.{name}.p99", delays[int(len(delays) * 0.99)], "ms")
    say(f"live.{name}.longest", delays[-1], "ms")


try:
    f.begin()
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    transfer = publish()
    stop, of_file = threading.Event(), []
    follower = threading.Thread(target=follow, args=(of_file, stop))
    follower.start()
    write_lines()
    stop.set()
    follower.join()
    told("file", of_file, LINES * SECONDS)
    delays, ready = [[] for _ in range(READERS)], threading.Semaphore(0)
    for one in delays:
        threading.Thread(target=read, args=(transfer, one, ready), daemon=True).start()
    for _ in delays:
        if not ready.acquire(timeout=30):
            raise RuntimeError("not all readers have a stream")
    count = write_lines()
    time.sleep(1)
    told("nodes", [delay for one in delays for delay in one], count * READERS)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
