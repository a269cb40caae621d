"""What the tests of logs that follow one another share: an agreement to record, and the list that names a node's logs."""
import json
import time


def agreed(provider, consumer, dataset, purpose):
    """The agreement's id, and its transfer, started."""
    made = consumer.call("AgreementService/Request", {"peer": provider.participant, "offer": dataset, "purpose": purpose, "waitSeconds": 15})["negotiation"]
    until = time.monotonic() + 10
    while made.get("state") != "FINALIZED" and time.monotonic() < until:
        made = consumer.call("AgreementService/Show", {"id": made["id"], "waitSeconds": 5})["negotiation"]
    return made["agreement"], consumer.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 15})["transfer"]


def list_logs(federation, node, version, *keys, days=None):
    """The membership list, in which the node has these logs as well, loaded wherever a node runs; the federation's administrator gets their
    keys from its operators."""
    party = node.folder / "party.json"
    said = json.loads(party.read_text())
    origins = said["log_origins"]
    for key in keys:
        if all(one["vkey"] != key for one in origins):
            origins.append({**origins[0], "origin": key.split("+")[0], "vkey": key})
    party.write_text(json.dumps(said))
    document = federation.membership(version, days)
    for one in federation.nodes.values():
        if one.process:
            one.call("MembershipService/Load", {"document": document, "file": "membership.json"}, role="operator")
