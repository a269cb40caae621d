"""Many applications that read a release slowly through a consumer's node, and what the nodes need for them."""
import pathlib
import socket
import threading
import time

from federation import ACTIVITIES, PURPOSE

CROWD, ACTIVITY = PURPOSE + "CrowdManagement", ACTIVITIES["duinmeer"]
HEADER = "time,counter,total,in,out\n"


def rows(megabytes):
    """So much text of rows, that ends with one."""
    line = "2026-06-01T10:00:00+02:00,Marktstraat,%d,10,10\n"
    block = "".join(line % (n % 90 + 10) for n in range(1000))
    return block * (megabytes * 1_000_000 // len(block))


def published(f, name, source, terms=""):
    """A dataset of Waterrijk under this name, agreed and started by Duinmeer. The transfer's number."""
    w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
    text = f.dataset("detailed-counts").replace("urn:waterrijk:detailed-counts", f"urn:waterrijk:{name}")
    if source.startswith("[source.http]"):
        text = text.replace('file = "detailed-counts.csv"\n', "").replace("[terms]\n", source + "\n[terms]\n")
    else:
        text = text.replace('file = "detailed-counts.csv"\n', source)
    w.call("DatasetService/Publish", {"toml": text + terms, "file": f"{name}.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    made = d.call("AgreementService/Request", {"peer": w.participant, "offer": f"urn:waterrijk:{name}", "purpose": CROWD, "waitSeconds": 20})["negotiation"]
    return d.call("TransferService/Start", {"agreement": made["agreement"], "waitSeconds": 20})["transfer"]["id"]


def from_service(port):
    """A `[source.http]` of this machine, instead of `file`, as `published` takes it."""
    return f'[source.http]\nurl = "http://127.0.0.1:{port}/api"\nmethods = ["GET"]\npaths = ["/counts"]\n'


class Readers:
    """Each has a small buffer, and takes a little every few seconds so that nobody gives it up."""
    BUFFER, PART, EVERY = 16 << 10, 512, 5

    def __init__(self, node, transfer):
        self.node, self.transfer, self.sockets, self.ended = node, transfer, [], threading.Event()
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def grow(self, count):
        """Until there are so many; each has got its head and some of the body."""
        while len(self.sockets) < count:
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.BUFFER)
            one.settimeout(60)
            one.connect(("127.0.0.1", self.node.port + 2))
            one.sendall(f"GET /intake/{self.transfer} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.node.token('application')}\r\n"
                        f"Sluis-Purpose: {CROWD}\r\nSluis-Activity: {ACTIVITY}\r\n\r\n".encode())
            head = one.recv(self.PART)
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode(errors="replace"))
            self.sockets.append(one)

    def read(self):
        while not self.ended.wait(self.EVERY):
            for one in list(self.sockets):
                one.recv(self.PART)

    def close(self):
        self.ended.set()
        self.thread.join()
        for one in self.sockets:
            one.close()


def memory(node):
    """KiB of the node's own, once it has come to rest, without files. Of `status`, as a node keeps what else tells of its memory for root."""
    def now():
        text = pathlib.Path(f"/proc/{node.process.pid}/status").read_text()
        return int(text.split("RssAnon:")[1].split()[0])
    before, until = now(), time.monotonic() + 10
    while time.monotonic() < until:
        time.sleep(0.5)
        after = now()
        if abs(after - before) < 64:
            break
        before = after
    return after


def slopes(f, transfer, counts):
    """KiB for each further reader between the counts, of the provider's node and the consumer's, and what they had in all: {party: (slope, [KiB])}."""
    nodes = [f.nodes["waterrijk"], f.nodes["duinmeer"]]
    taken = {node.key: [] for node in nodes}
    readers = Readers(f.nodes["duinmeer"], transfer)
    try:
        for count in counts:
            readers.grow(count)
            for node in nodes:
                taken[node.key].append(memory(node))
    finally:
        readers.close()
    return {party: ((got[-1] - got[-2]) / (counts[-1] - counts[-2]), got) for party, got in taken.items()}
