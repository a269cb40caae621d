#!/usr/bin/env python3
"""One caller does not shut a listener for the others (decision 39): a member that opens 1,024 slow pulls, and a crowd from one address that opens 1,024
open downloads and hardly reads, get a share; documents, messages of DSP, ends, and the data of others come meanwhile. And who is over a quota is told how
long to wait, which is then enough. Duinmeer is played here.

usage: shares.py BIN_DIR SOURCE_DIR
"""
import collections
import concurrent.futures
import http.client
import json
import pathlib
import re
import resource
import shutil
import socket
import sys
import threading
import time

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, PURPOSE, Federation, scratch  # noqa: E402
from hostile_wire import client_tls  # noqa: E402
from played import Party, fresh, message  # noqa: E402

MANY, SHARE = 1024, 384  # of 768 for data, one that is alone gets half
CROWD, PACED, DATASET, ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts-paced", "urn:waterrijk:detailed-counts", ACTIVITIES["duinmeer"]
NEGOTIATIONS = 6  # a minute; twenty minutes of it at once
f = Federation(scratch("shares"), binary=BIN / "sluis", base_port=25540, parties=("waterrijk", "duinmeer", "parkwijs"))
w, d, p = (f.nodes[key] for key in ("waterrijk", "duinmeer", "parkwijs"))
held = []


def agreed(party, offer, target):
    """What Duinmeer has with Waterrijk: agreement, transfer, handle."""
    consumer = fresh()
    status, body = party.ask(w, "POST", "/2025-1/negotiations/request",
                             message("ContractRequestMessage", consumerPid=consumer, callbackAddress=party.callback, offer={**offer, "target": target}))
    provider = json.loads(body)["providerPid"]
    agreement = party.wait("/agreement")["agreement"]["@id"]
    party.ask(w, "POST", f"/2025-1/negotiations/{provider}/agreement/verification",
              message("ContractAgreementVerificationMessage", providerPid=provider, consumerPid=consumer))
    party.wait("/events")
    consuming = fresh()
    status, body = party.ask(w, "POST", "/2025-1/transfers/request",
                             message("TransferRequestMessage", consumerPid=consuming, agreementId=agreement, format="HttpData-PULL", callbackAddress=party.callback))
    expect("a transfer begins", status, 201)
    start = party.wait("/start")["dataAddress"]
    handle = next(one["value"] for one in start["endpointProperties"] if one["name"] == "authorization")
    return agreement, json.loads(body)["providerPid"], consuming, handle


def opened(port, context, text, small=False, source=None):
    """The status line of the answer, and the headers that came with it; the connection is held, and nothing more is read."""
    raw = socket.socket()
    if small:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if source:
        raw.bind((source, 0))
    raw.settimeout(30)
    try:
        raw.connect(("127.0.0.1", port))
        wire = context.wrap_socket(raw, server_hostname="localhost")
        held.append(wire)
        wire.sendall(text.encode())
        got = b""
        while b"\r\n\r\n" not in got and (more := wire.recv(1 if small and b"\r\n\r\n" in got else 512)):
            got += more
        return int(got.split()[1]), got.decode(errors="replace").partition("\r\n\r\n")[0].lower()
    except (OSError, IndexError, ValueError) as error:
        return type(error).__name__, ""


def at_once(count, ask):
    """The statuses, and the headers of those that had to wait."""
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        got = list(pool.map(ask, range(count)))
    return collections.Counter(status for status, _ in got), [head for status, head in got if status == 429]


def let_go():
    for wire in held:
        wire.close()
    held.clear()


def document(port, path, party=None, source=None):
    """Status of a GET by somebody else."""
    connection = http.client.HTTPSConnection("localhost", port, context=client_tls(w.folder / "tls/roots.pem", party), timeout=20,
                                             source_address=(source, 0) if source else None)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read(100)
        return answer.status
    except OSError as error:
        return str(error)
    finally:
        connection.close()


def told(heads):
    waits = [int(found.group(1)) if (found := re.search(r"retry-after: (\d+)", head)) else 0 for head in heads]
    return bool(waits) and all(1 <= wait <= 60 for wait in waits)


def a_member(duinmeer, offer):
    agreement, transfer, consuming, handle = agreed(duinmeer, offer, PACED)
    context, full = client_tls(w.folder / "tls/roots.pem", d), threading.Event()

    def pull(_):
        claim = "none" if full.is_set() else duinmeer.claim(w, agreement, transfer, CROWD, ACTIVITY)  # who has no place is not asked for it
        got = opened(w.port, context, f"GET /data HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {handle}\r\nSluis-Claim: {claim}\r\n\r\n")
        if got[0] == 429:
            full.set()
        return got

    got, waiting = at_once(MANY, pull)
    # Those that were told to wait are still connected: of connections without a request the server lets some go.
    closed = sum(count for status, count in got.items() if status not in (200, 429))
    expect("a member gets its share and is told to wait for more", (closed < MANY // 20 or got, got[200] <= SHARE, got[200] > SHARE // 2), (True, True, True))
    expect("how long", told(waiting), True)
    expect("a stranger reads what the node speaks", document(w.port, "/.well-known/dspace-version"), 200)
    catalogue = message("CatalogRequestMessage")
    expect("that member's own messages come through", duinmeer.ask(w, "POST", "/2025-1/catalog/request", catalogue)[0], 200)
    expect("another member's data too", p.pull(theirs, CROWD, ACTIVITIES["parkwijs"])[1], True)
    made = p.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 20})
    expect("and its negotiations", bool(made["negotiation"].get("agreement")), True)
    ended = duinmeer.ask(w, "POST", f"/2025-1/transfers/{transfer}/termination",
                         message("TransferTerminationMessage", providerPid=transfer, consumerPid=consuming, code="1", reason=["x"]))
    expect("and what ends it all", ended[0], 200)
    let_go()
    refused = [entry for entry in w.log(party=d.participant) if entry["kind"] == "decision" and entry["decision"] == "refused"]
    expect("what had no place has no entry of its own", len(refused) < 60, True)


def strangers():
    context = client_tls(w.folder / "tls/roots.pem")
    ask = "GET /open/urn:waterrijk:open-counts HTTP/1.1\r\nHost: localhost\r\n\r\n"
    got, waiting = at_once(MANY, lambda _: opened(w.port + 1, context, ask, small=True))
    expect("one address gets its share and is told to wait for more", (set(got) - {200, 429}, got[200] <= SHARE, got[200] > SHARE // 2), (set(), True, True))
    expect("how long, too", told(waiting), True)
    for path in ("/catalog.ttl", "/log/checkpoint"):
        expect(f"{path} is read meanwhile", document(w.port + 1, path), 200)
    expect("and open data from elsewhere", document(w.port + 1, "/open/urn:waterrijk:open-counts", source="127.0.0.2"), 200)
    let_go()


def waits(duinmeer, offer):
    """Terms that nobody published: each begins a negotiation, and is refused in it."""
    other = {**offer, "permission": offer["permission"][:1] * 2, "target": DATASET}
    context = client_tls(w.folder / "tls/roots.pem", d)
    connection = http.client.HTTPSConnection("localhost", w.port, context=context, timeout=30)

    def ask():
        connection.request("POST", "/2025-1/negotiations/request", json.dumps(message("ContractRequestMessage", consumerPid=fresh(), callbackAddress=duinmeer.callback, offer=other)),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("retry-after"), answer.read().decode()

    begun = 0
    while (got := ask())[0] == 201 and begun < 400:
        begun += 1
    expect("twenty minutes' worth at once", (20 * NEGOTIATIONS - 10 <= begun <= 20 * NEGOTIATIONS + 40, got[0]), (True, 429))
    time.sleep(int(got[1]))
    expect("who waits as told is taken", ask()[0], 201)
    got = ask()
    said = re.search(r"try again in (\d+) seconds", got[2])
    expect("once", got[0], 429)
    expect("the header says what the body says", bool(said) and int(said.group(1)) - 1 <= int(got[1]) <= int(said.group(1)) and int(got[1]) > 60 // NEGOTIATIONS // 2 or got, True)
    time.sleep(int(got[1]))
    expect("and it is enough again", ask()[0], 201)
    connection.close()


duinmeer = None
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    f.make()
    config = w.folder / "node.toml"
    config.write_text(config.read_text() + f"\n[quota]\nnegotiations_per_minute = {NEGOTIATIONS}\n")
    f.start()
    f.join()
    f.put_data(w, "open-counts.csv", "footfall-2023-06.csv")
    head, _, rows = (w.folder / "datasets/open-counts.csv").read_text().partition("\n")
    f.put(w, "open-counts.csv", head + "\n" + rows * (12_000_000 // len(rows)))
    f.publish(w, "open-counts")
    f.offer_counts()
    f.publish(w, "detailed-counts-paced")
    p.call("CatalogService/Fetch", {"peer": w.participant})
    p.call("ActivityService/Publish", {"id": ACTIVITIES["parkwijs"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    made = p.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})
    theirs = p.call("TransferService/Start", {"agreement": made["negotiation"]["agreement"], "waitSeconds": 15})["transfer"]["id"]
    d.stop()
    duinmeer = Party(d)
    offers = {name: json.loads(duinmeer.ask(w, "GET", f"/2025-1/catalog/datasets/{name}/")[1])["hasPolicy"][0] for name in (PACED, DATASET)}
    a_member(duinmeer, offers[PACED])
    strangers()
    waits(duinmeer, offers[DATASET])
    expect("the node lives", w.process.poll(), None)
finally:
    f.stop()
    let_go()
    if duinmeer:
        duinmeer.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
