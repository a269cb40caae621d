#!/usr/bin/env python3
"""Whole negotiations between two nodes, over mutual TLS and with durable commits: the time of one alone, how many a second with some in
flight, and the processor that one takes. None may be lost: both nodes have as many agreements in the end. One JSON object a line.

usage: negotiation.py BIN_DIR SOURCE_DIR [SECONDS]
"""
import pathlib
import shutil
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 5
sys.path.insert(0, str(SOURCE / "tests/bench"))
from pair import CROWD, Caller, OFFER, Processor, begin_pair, make_pair, say, say_times  # noqa: E402

f = make_pair("negotiation", BIN / "sluis", base_port=23740)
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def negotiate(steward):
    """Milliseconds from the request to FINALIZED at the consumer's node."""
    began = time.perf_counter()
    steward.negotiate(w)
    return (time.perf_counter() - began) * 1000


def in_flight(count):
    """So many wait for their end at any time; one caller watches for ends. Milliseconds of each, and how long all took."""
    begun, times, wrong = {}, [], []
    ended, free = {}, threading.Semaphore(count)
    stop, asked = threading.Event(), threading.Event()
    lock = threading.Lock()
    watching = Caller(d)
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
            steward = Caller(d)
            while not stop.is_set():
                if not free.acquire(timeout=0.5):
                    continue
                now = time.perf_counter()
                made = steward.call("AgreementService/Request", {"peer": w.participant, "offer": OFFER, "purpose": CROWD})["negotiation"]
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
    begin_pair(f)
    steward = Caller(d)
    made = sum(1 for _ in range(100) if negotiate(steward) > 0)
    processor = Processor(f)
    times = [negotiate(steward) for _ in range(300)]
    made += len(times)
    say_times("negotiation.idle", times)
    processor.say("negotiation.idle", len(times))
    for count in (1, 10, 50, 200):
        processor = Processor(f)
        times, seconds = in_flight(count)
        made += len(times)
        say(f"negotiation.in_flight_{count}", len(times) / seconds, "negotiations/s")
        say_times(f"negotiation.in_flight_{count}", times)
        processor.say(f"negotiation.in_flight_{count}", len(times))
    for node in (w, d):
        say(f"negotiation.lost_at_{node.key}", made - agreements(node), "agreements")
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
