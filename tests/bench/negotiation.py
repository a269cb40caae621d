#!/usr/bin/env python3
"""Whole negotiations between two nodes, over mutual TLS and with durable commits: the time of one alone, how many a second with some in
flight, and the processor that one takes. None may be lost: both nodes have as many agreements in the end. One JSON object a line.

usage: negotiation.py BIN_DIR SOURCE_DIR [SECONDS]
"""
import http.client
import json
import os
import pathlib
import shutil
import statistics
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 5
sys.path.insert(0, str(SOURCE / "deploy/demo.d"))
from federation import Federation, PURPOSE, scratch  # noqa: E402

f = Federation(scratch("bench-negotiation"), binary=BIN / "sluis", base_port=23740, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
TICKS = os.sysconf("SC_CLK_TCK")


def say(name, value, unit, against="", ratio=None):
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "against": against, "ratio": ratio}), flush=True)


def processor():
    """Seconds that both nodes took so far."""
    spent = 0
    for node in (w, d):
        fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / TICKS


class Steward:
    """One connection to Duinmeer's management, kept."""

    def __init__(self):
        self.connection = http.client.HTTPConnection("127.0.0.1", d.port + 2, timeout=60)
        self.head = {"Authorization": f"Bearer {d.token('steward')}", "Content-Type": "application/json"}

    def call(self, method, request):
        self.connection.request("POST", f"/sluis.v1.{method}", json.dumps(request), self.head)
        answer = self.connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{method}: {answer.status}: {body}")
        return body

    def negotiate(self):
        """Milliseconds from the request to FINALIZED at the consumer's node."""
        began = time.perf_counter()
        made = self.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:detailed-counts",
                                                      "purpose": PURPOSE + "CrowdManagement", "waitSeconds": 20})["negotiation"]
        until = time.monotonic() + 60
        while made["state"] != "FINALIZED" and time.monotonic() < until:
            made = self.call("AgreementService/Show", {"id": made["id"], "waitSeconds": 20})["negotiation"]
        if made["state"] != "FINALIZED":
            raise RuntimeError(f"lost: {made}")
        return (time.perf_counter() - began) * 1000


def in_flight(count):
    """So many wait for their end at any time; one caller watches for ends. Milliseconds of each, and how long all took."""
    begun, times, wrong = {}, [], []
    ended, free = {}, threading.Semaphore(count)
    stop, asked = threading.Event(), threading.Event()
    lock = threading.Lock()
    watching = Steward()
    at = int(watching.call("AuditService/Watch", {"kinds": ["negotiation"], "fromEnd": True})["next"])

    def note(number, when, side, other):
        """One of its two times is known; with both it is over."""
        with lock:
            if number not in other:
                side[number] = when
                return
            first = other.pop(number)
            times.append(abs(when - first) * 1000)
        free.release()

    def watch(at):
        try:
            while begun or not asked.is_set():
                page = watching.call("AuditService/Watch", {"kinds": ["negotiation"], "from": at, "waitSeconds": 1})
                at, now = int(page["next"]), time.perf_counter()
                for entry in page.get("entries", []):
                    if entry["event"] == "finalized":
                        note(entry["negotiation"], now, ended, begun)
        except Exception as error:  # noqa: BLE001: told below
            wrong.append(str(error))

    def ask():
        try:
            steward = Steward()
            while not stop.is_set():
                if not free.acquire(timeout=0.5):
                    continue
                now = time.perf_counter()
                made = steward.call("AgreementService/Request", {"peer": w.participant, "offer": "urn:waterrijk:detailed-counts",
                                                                 "purpose": PURPOSE + "CrowdManagement"})["negotiation"]
                note(made["id"], now, begun, ended)
        except Exception as error:  # noqa: BLE001: told below
            wrong.append(str(error))

    began = time.perf_counter()
    watcher = threading.Thread(target=watch, args=(at,), daemon=True)
    asking = [threading.Thread(target=ask) for _ in range(min(count, 8))]
    for thread in (watcher, *asking):
        thread.start()
    time.sleep(SECONDS)
    stop.set()
    for thread in asking:
        thread.join(60)
    asked.set()
    watcher.join(60)
    if wrong or begun:
        raise RuntimeError(f"{len(begun)} were not over; {wrong[:1]}")
    return times, time.perf_counter() - began


def agreements(node):
    count, token = 0, ""
    while True:
        page = node.call("AgreementService/List", {"pageSize": 1000, "pageToken": token})
        count += len(page.get("agreements", []))
        token = page.get("nextPageToken", "")
        if not token:
            return count


try:
    f.make()
    for node in (w, d):
        config = node.folder / "node.toml"
        config.write_text(config.read_text() + "\n[quota]\nrequests_per_minute = 100000000\nnegotiations_per_minute = 100000000\n")
    f.start()
    f.join()
    f.offer_counts()
    steward = Steward()
    made = sum(1 for _ in range(100) if steward.negotiate() > 0)
    spent = processor()
    times = [steward.negotiate() for _ in range(300)]
    made += len(times)
    say("negotiation.idle_p50", statistics.median(times), "ms")
    say("negotiation.idle_p99", statistics.quantiles(times, n=100)[98], "ms")
    say("negotiation.idle_processor", (processor() - spent) / len(times) * 1000, "ms, both nodes")
    for count in (1, 10, 50, 200):
        spent = processor()
        times, seconds = in_flight(count)
        made += len(times)
        say(f"negotiation.in_flight_{count}", len(times) / seconds, "negotiations/s")
        say(f"negotiation.in_flight_{count}_p50", statistics.median(times), "ms")
        say(f"negotiation.in_flight_{count}_p99", statistics.quantiles(times, n=100)[98], "ms")
        say(f"negotiation.in_flight_{count}_processor", (processor() - spent) / len(times) * 1000, "ms, both nodes")
    for node in (w, d):
        say(f"negotiation.lost_at_{node.key}", made - agreements(node), "agreements")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
