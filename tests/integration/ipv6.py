#!/usr/bin/env python3
"""Nodes with addresses of IPv6: Waterrijk listens on [::1] alone and is known by that address, Duinmeer listens on [::], so on all addresses of both
families, and is known by a name. A pull each way; what others see of either; and what the configuration says of addresses that are none.

usage: ipv6.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import socket
import ssl
import sys
import time
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import foreign  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, PURPOSE, scratch  # noqa: E402

SKIPPED = 77
try:
    socket.create_server(("::1", 0), family=socket.AF_INET6).close()
except OSError as error:
    print(f"skipped: this machine has no IPv6 loopback: {error.strerror}")
    sys.exit(SKIPPED)

f = Federation(scratch("ipv6"), binary=BIN / "sluis", base_port=23240, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
w.host, w.address = "::1", "::1"
d.address, d.demo = "[::]", False
CROWD = PURPOSE + "CrowdManagement"


def pulled(provider, consumer, offer):
    made = consumer.call("AgreementService/Request", {"peer": provider.participant, "offer": offer, "purpose": CROWD, "waitSeconds": 20})
    agreement = consumer.call("AgreementService/Show", {"id": made["negotiation"]["id"], "waitSeconds": 20})["agreement"]["id"]
    consumer.call("ActivityService/Publish", {"id": ACTIVITIES[consumer.key], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    transfer = consumer.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 20})["transfer"]["id"]
    got, whole = consumer.pull(transfer, CROWD, ACTIVITIES[consumer.key])
    return whole and got.count(b"\n") > 100


def greeted(node, address):
    """Whether its exchange listener answers there, with a certificate of the federation that names the node's host."""
    context = ssl.create_default_context(cafile=str(node.folder / "tls/roots.pem"))
    host = node.host.strip("[]")
    try:
        with socket.create_connection((address, node.port), timeout=5) as plain, context.wrap_socket(plain, server_hostname=host):
            return True
    except ssl.SSLError as error:
        return str(error)
    except OSError:
        return False


def get(node, url, cafile=None):
    context = ssl.create_default_context(cafile=str(cafile)) if cafile else None
    ask = urllib.request.Request(url, headers={"Authorization": f"Bearer {node.token('steward')}"})
    with urllib.request.urlopen(ask, context=context, timeout=5) as answer:
        return answer.status


def doctor(node, peer):
    done = node.command("doctor", "peer", peer.name, "-o", "json", role="operator")
    return {one["name"]: one for one in json.loads(done.stdout)["checks"]} if done.stdout else done.stderr


try:
    f.make()
    text = (w.folder / "node.toml").read_text()
    expect("init writes brackets where a port follows", (f'listen = "[::1]:{w.port}"' in text, f'url = "https://[::1]:{w.port}"' in text), (True, True))
    expect("in the list's entry too", json.loads((w.folder / "party.json").read_text())["endpoints"][0]["url"], f"https://[::1]:{w.port}")
    config = w.folder / "node.toml"
    for what, bad in (("without brackets", f'"::1:{w.port}"'), ("without a port", '"[::1]"'), ("half a bracket", f'"[::1:{w.port}"'), ("a zone of somebody's", f'"[fe80::1%25nobody]:{w.port}"')):
        foreign.write(f, config, text.replace(f'"[::1]:{w.port}"', bad, 1))
        checked = f.sluis("config", "check", config, check=False)
        served = checked if checked.returncode else f.sluis("serve", "--config", config, check=False)
        expect(f"an address {what}", (served.returncode != 0, "[::1]" in served.stdout + served.stderr or "no address" in served.stdout + served.stderr or served.stderr), (True, True))
    # Waterrijk's management moves to [::1], too.
    foreign.write(f, config, text.replace(f'listen = "127.0.0.1:{w.port + 2}"', f'listen = "[::1]:{w.port + 2}"'))
    expect("and one that is", f.sluis("config", "check", config, check=False).returncode, 0)
    w.start()
    for _ in range(100):
        done = w.command("status", role="operator")
        if done.returncode == 0:
            break
        time.sleep(0.1)
    expect("the command line finds management there", done.returncode, 0)
    expect("and so does a browser", get(w, f"http://[::1]:{w.port + 2}/readyz"), 200)
    w.stop()
    foreign.write(f, config, text)
    f.start()
    f.join()

    expect("[::1] is reached there alone", (greeted(w, "::1"), greeted(w, "127.0.0.1")), (True, False))
    expect("[::] is reached by both families", (greeted(d, "::1"), greeted(d, "127.0.0.1")), (True, True))
    expect("the public listener", get(w, f"https://[::1]:{w.port + 1}/catalog.ttl", w.folder / "tls/roots.pem"), 200)

    offer = f.offer_counts()["offer"]["id"]
    expect("a pull from an address", pulled(w, d, offer), True)
    f.put_data(d, "detailed-counts.csv", "footfall-2023-06.csv")
    d.call("DatasetService/Publish", {"toml": f.dataset("detailed-counts").replace("urn:waterrijk", "urn:duinmeer"), "file": "detailed-counts.toml"})
    offer = w.call("CatalogService/Fetch", {"peer": d.participant})["datasets"][0]["offers"][0]["offer"]["id"]
    expect("a pull from a name", pulled(d, w, offer), True)

    for node, peer in ((d, w), (w, d)):
        checks = doctor(node, peer)
        expect(f"doctor of {node.key}", [(name, one["message"]) for name, one in checks.items() if one["result"] != "ok"], [])
    checks = doctor(d, w)
    expect("the address is its own", "AAAA ::1" in checks["dns"]["message"] or checks["dns"], True)
    expect("the certificate has it", "`::1`" in checks["certificate: name"]["message"] or checks["certificate: name"], True)
    expect("the nodes live", (w.process.poll(), d.process.poll()), (None, None))
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
