#!/usr/bin/env python3
"""Data under an agreement between two nodes, over mutual TLS, decided and recorded before release, with a claim for each request: from the transfer
request to the first byte at an application of the consumer, alone; and pulls of 1 KB a second with some in flight. The processor of both nodes for each.
None may be lost: both logs have the beginning and the end of every one. One JSON object a line.

usage: transfer.py BIN_DIR SOURCE_DIR [SECONDS]
"""
import pathlib
import shutil
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
SECONDS = float(sys.argv[3]) if len(sys.argv) > 3 else 5
sys.path.insert(0, str(SOURCE / "tests/bench"))
from pair import CROWD, Caller, Processor, begin_pair, make_pair, say, say_times  # noqa: E402
from federation import ACTIVITIES  # noqa: E402

ACTIVITY = ACTIVITIES["duinmeer"]
ROW = "2023-06-01T00:00:00+01:00,Marktstraat,120,70,50\n"
DATA = "time,counter,total,in,out\n" + ROW * ((1000 - 26) // len(ROW))
f = make_pair("transfer", BIN / "sluis", base_port=24540)
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


class Application(Caller):
    """Pulls over a connection of its own to its own node."""

    def __init__(self):
        super().__init__(d, "application")
        self.head = {**self.role, "Sluis-Purpose": CROWD, "Sluis-Activity": ACTIVITY}

    def pull(self, transfer):
        """When the first byte was there, and the name by which both logs have it."""
        self.connection.request("GET", f"/intake/{transfer}", headers=self.head)
        answer = self.connection.getresponse()
        first = answer.read(1)
        when = time.perf_counter()
        body = first + answer.read()
        if answer.status != 200 or body != DATA.encode():
            raise RuntimeError(f"pull: {answer.status}: {body[:200]}")
        return when, answer.headers["Sluis-Transaction"]


def start(steward):
    made = steward.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 20})["transfer"]
    if made["state"] != "STARTED":
        raise RuntimeError(f"lost: {made}")
    return made["id"]


def first_byte(steward, application):
    """Milliseconds from the request for a transfer to the first byte at the application. The transfer is completed afterwards."""
    began = time.perf_counter()
    transfer = start(steward)
    when, transaction = application.pull(transfer)
    pulled.append(transaction)
    steward.call("TransferService/Complete", {"id": transfer})
    return (when - began) * 1000


def in_flight(count, transfer):
    """So many applications pull at any time, each again as soon as it has all. Milliseconds of each to its end, and how long all took."""
    times, wrong = [], []
    until = time.monotonic() + SECONDS

    def work():
        try:
            application = Application()
            while time.monotonic() < until:
                began = time.perf_counter()
                _, transaction = application.pull(transfer)
                times.append((time.perf_counter() - began) * 1000)
                pulled.append(transaction)
        except Exception as error:  # noqa: BLE001: told below
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]
    return times, time.perf_counter() - began


def lost(node, event, kind):
    """How many of the pulls have no such entry, or more than one."""
    names = [one["transaction"] for one in node.wait_log(len(pulled), limit=10, kinds=[kind]) if one["event"] == event]
    missing = set(pulled) - set(names)
    say(f"transfer.lost_at_{node.key}, {kind}", len(missing) + len(names) - len(set(names)), "entries")


try:
    begin_pair(f)
    f.put(w, "detailed-counts.csv", DATA)
    d.call("ActivityService/Publish", {"id": ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds in the centre"})
    steward, application, pulled = Caller(d), Application(), []
    agreement = steward.negotiate(w)["agreement"]
    for _ in range(50):
        first_byte(steward, application)
    processor = Processor(f)
    times = [first_byte(steward, application) for _ in range(200)]
    say_times("transfer.first_byte", times)
    processor.say("transfer.first_byte", len(times))
    transfer = start(steward)
    for count in (1, 10, 50):
        processor = Processor(f)
        times, seconds = in_flight(count, transfer)
        say(f"transfer.pulls_{count}", len(times) / seconds, "pulls/s")
        say_times(f"transfer.pulls_{count}", times)
        processor.say(f"transfer.pulls_{count}", len(times))
    if len(set(pulled)) != len(pulled):
        raise RuntimeError("two pulls have one name")
    say("transfer.pulls", len(pulled), "pulls")
    for node, event, kind in ((w, "permitted", "decision"), (w, "complete", "stream-end"), (d, "intended", "intent"), (d, "complete", "received")):
        lost(node, event, kind)
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
