"""What the benchmarks of two whole nodes share: Waterrijk and Duinmeer without quotas, their processor, and callers with a connection of their own."""
import http.client
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "deploy/demo.d"))
from federation import Federation, PURPOSE, scratch  # noqa: E402

CROWD = PURPOSE + "CrowdManagement"
OFFER = "urn:waterrijk:detailed-counts"
TICKS = os.sysconf("SC_CLK_TCK")


def say(name, value, unit, against="", ratio=None):
    print(json.dumps({"name": name, "value": round(value, 3), "unit": unit, "against": against, "ratio": ratio}), flush=True)


def say_times(name, times):
    """Milliseconds, at least two."""
    say(f"{name}_p50", statistics.median(times), "ms")
    say(f"{name}_p99", statistics.quantiles(times, n=100, method="inclusive")[98], "ms")


class Processor:
    """What both nodes took since it was made."""

    def __init__(self, federation):
        self.nodes = tuple(federation.nodes.values())
        self.before = self.seconds()

    def seconds(self):
        spent = 0
        for node in self.nodes:
            fields = pathlib.Path(f"/proc/{node.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            spent += int(fields[11]) + int(fields[12])
        return spent / TICKS

    def say(self, name, count):
        say(f"{name}_processor", (self.seconds() - self.before) / count * 1000, "ms, both nodes")


def make_pair(name, binary, base_port):
    """Not started yet; `begin_pair` does."""
    return Federation(scratch(f"bench-{name}"), binary=binary, base_port=base_port, parties=("waterrijk", "duinmeer"))


def without_quotas(federation):
    """Made, and not started yet."""
    for node in federation.nodes.values():
        config = node.folder / "node.toml"
        config.write_text(config.read_text() + "\n[quota]\nrequests_per_minute = 100000000\nnegotiations_per_minute = 100000000\n")


def begin_pair(federation):
    federation.make()
    without_quotas(federation)
    federation.start()
    federation.join()
    federation.offer_counts()


class Caller:
    """One connection to a node's management-http, kept. For one thread."""

    def __init__(self, node, role="steward"):
        self.connection = http.client.HTTPConnection("127.0.0.1", node.port + 2, timeout=60)
        self.role = {"Authorization": f"Bearer {node.token(role)}"}

    def call(self, method, request):
        self.connection.request("POST", f"/sluis.v1.{method}", json.dumps(request), {**self.role, "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{method}: {answer.status}: {body}")
        return body

    def negotiate(self, peer):
        """The negotiation, FINALIZED at this node."""
        made = self.call("AgreementService/Request", {"peer": peer.participant, "offer": OFFER, "purpose": CROWD, "waitSeconds": 20})["negotiation"]
        until = time.monotonic() + 60
        while made["state"] != "FINALIZED" and time.monotonic() < until:
            made = self.call("AgreementService/Show", {"id": made["id"], "waitSeconds": 20})["negotiation"]
        if made["state"] != "FINALIZED":
            raise RuntimeError(f"lost: {made}")
        return made
