"""How the tests of secrecy ask, and how they hold two answers against each other."""
import base64
import collections
import http.client
import http.server
import json
import queue
import ssl
import statistics
import threading
import time

from checks import expect

Answer = collections.namedtuple("Answer", "status headers body")
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]


class Caller:
    """One kept connection to a listener: with the certificate of a node's folder or of two files, or as nobody; in clear without roots."""

    def __init__(self, port, roots=None, shown=None):
        if not roots:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            return
        context = ssl.create_default_context(cafile=str(roots))
        if shown:
            context.load_cert_chain(*(shown if isinstance(shown, tuple) else (shown.folder / "tls/node.pem", shown.folder / "tls/node.key")))
        self.connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=30)

    def ask(self, method, path, body=None, headers=None):
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        for again in (True, False):
            try:
                self.connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
                got = self.connection.getresponse()
                return Answer(got.status, tuple(sorted((name.lower(), value) for name, value in got.getheaders())), got.read())
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):  # it was kept for too long
                self.connection.close()
                if not again:
                    raise


class Played:
    """A party whose node is this test: its certificate, and what others send to it."""

    def __init__(self, node):
        self.node, self.got = node, queue.Queue()
        played = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                played.got.put((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", node.port), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(node.folder / "tls/node.pem", node.folder / "tls/node.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def callback(self):
        return f"https://localhost:{self.node.port}/2025-1"

    def wait(self, ending, limit=20):
        """The body of the next message whose path ends so; those before it are let go."""
        until = time.monotonic() + limit
        while True:
            path, body = self.got.get(timeout=max(0.01, until - time.monotonic()))
            if path.endswith(ending):
                return json.loads(body)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def twin(name):
    """An id of the same length that nobody has."""
    return name[:-6] + "".join("0" if c == "f" else "f" for c in name[-6:])


def blind(answer, *ids):
    """The answer without the ids that were asked for, each as its place among them. Its length counts as well: the header says it."""
    body = answer.body
    for place, name in enumerate(ids):
        for form in (name, name.encode().hex()):
            body = body.replace(form.encode(), f"<{place}>".encode())
    return Answer(answer.status, answer.headers, body)


class Findings:
    """Checks that fail today, each with the reason why; when one holds again, the test says so and fails."""

    def __init__(self, known):
        self.known = known

    def check(self, what, got, wanted, sure=True):
        """`sure`: it fails each time, as long as it is not mended."""
        if what not in self.known:
            return expect(what, got, wanted)
        if got != wanted:
            return print(f"known: {what}. {self.known[what]}")
        return expect(f"{what}: it holds now, so it leaves the list of what is known", not sure, True)

    def timed(self, what, one, other, rounds=300):
        """Two questions in turn, three times over. They can be told apart where each time one's median is 40% and 1 ms more."""
        apart, told = [], []
        for _ in range(3):
            times = ([], [])
            for number in range(rounds):
                pairs = list(zip((one, other), times))
                for ask, into in pairs if number % 2 else reversed(pairs):
                    began = time.perf_counter()
                    ask()
                    into.append(time.perf_counter() - began)
            first, second = map(statistics.median, times)
            apart.append((first > second) - (first < second) if abs(first - second) > 0.001 and max(first, second) > 1.4 * min(first, second) else 0)
            told.append(f"{1000 * first:.2f} and {1000 * second:.2f} ms")
        print(f"time of {what}: {'; '.join(told)}")
        self.check(f"the time of {what}", apart in ([1] * 3, [-1] * 3), False, sure=False)


def fields(message):
    """The fields of a protobuf message by number: bytes, or numbers."""
    found = collections.defaultdict(list)

    def varint():
        nonlocal message
        value = shift = 0
        while True:
            byte, message = message[0], message[1:]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while message:
        key, value = varint(), varint()
        if key & 7 == 2:
            value, message = message[:value], message[value:]
        found[key >> 3].append(value)
    return found


class Process:
    """A negotiation or a transfer: its id at the node that is asked, and the other party's."""

    def __init__(self, own, other):
        self.own, self.other = own, other

    def twin(self):
        return Process(twin(self.own), twin(self.other))


class Exchange:
    def __init__(self, negotiation, transfer, agreement, handle=None):
        self.negotiation, self.transfer, self.agreement, self.handle = negotiation, transfer, agreement, handle

    @property
    def ids(self):
        return (self.negotiation.own, self.negotiation.other, self.transfer.own, self.transfer.other, self.agreement)

    def twin(self):
        return Exchange(self.negotiation.twin(), self.transfer.twin(), twin(self.agreement), twin(self.handle) if self.handle else None)


def transfer_request(agreement, pid, callback):
    return {"@context": CONTEXT, "@type": "TransferRequestMessage", "consumerPid": pid, "agreementId": agreement, "format": "HttpData-PULL",
            "callbackAddress": callback}


def process_messages(kind, process, policy, callback):
    """Each message about a process, its ids as they are and each in the other's place."""
    straight = {"providerPid": process.own, "consumerPid": process.other}
    crossed = {"providerPid": process.other, "consumerPid": process.own}
    actions = [("request", "ContractRequestMessage", {"offer": policy}), ("offers", "ContractOfferMessage", {"offer": policy}),
               ("agreement", "ContractAgreementMessage", {"agreement": {**policy, "@type": "Agreement"}}),
               ("agreement/verification", "ContractAgreementVerificationMessage", {}),
               ("events", "ContractNegotiationEventMessage", {"eventType": "ACCEPTED"}),
               ("events", "ContractNegotiationEventMessage", {"eventType": "FINALIZED"}),
               ("termination", "ContractNegotiationTerminationMessage", {"code": "1", "reason": ["x"]})]
    if kind == "transfers":
        address = {"@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": callback,
                   "endpointProperties": [{"@type": "EndpointProperty", "name": "authorization", "value": "x"}]}
        actions = [("start", "TransferStartMessage", {"dataAddress": address}), ("start", "TransferStartMessage", {}),
                   ("completion", "TransferCompletionMessage", {}), ("suspension", "TransferSuspensionMessage", {"code": "1", "reason": ["x"]}),
                   ("termination", "TransferTerminationMessage", {"code": "1", "reason": ["x"]})]
    for pids, how in ((straight, ""), (crossed, ", crossed")):
        for action, name, more in actions:
            yield f"{name}{how}", "POST", f"/2025-1/{kind}/{process.own}/{action}", {"@context": CONTEXT, "@type": name, **pids, **more}, {}
    for pid, which in ((process.own, "its id here"), (process.other, "its id there")):
        yield f"the state by {which}", "GET", f"/2025-1/{kind}/{pid}", None, {}


def questions(exchange, policy, callback):
    """All that can be asked of an exchange listener about one exchange."""
    yield from process_messages("negotiations", exchange.negotiation, policy, callback)
    yield from process_messages("transfers", exchange.transfer, policy, callback)
    yield ("a transfer under its agreement", "POST", "/2025-1/transfers/request",
           transfer_request(exchange.agreement, "urn:uuid:mine-of-it", callback), {})
    for agreement in (exchange.agreement, exchange.negotiation.own):
        yield "its declarations", "GET", f"/evidence/v1/declarations/{agreement.encode().hex()}", None, {}
    bearer = {"Authorization": f"Bearer {exchange.handle or 'A' * 43}"}
    for path in ("", f"/{exchange.transfer.own}", f"/{exchange.transfer.other}", f"/{exchange.agreement}", f"/{policy['target']}"):
        yield f"data at /data{path[:9]}", "GET", f"/data{path}", None, bearer
        yield f"its head at /data{path[:9]}", "HEAD", f"/data{path}", None, bearer


def forms(word):
    """As it is, in hexadecimal, and in base64 wherever it may begin there."""
    data = word if isinstance(word, bytes) else word.encode()
    yield data
    yield data.hex().encode()
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + data + b"\0" * ((-shift - len(data)) % 3))
        yield text[(0, 2, 3)[shift]:len(text) - (0 if (shift + len(data)) % 3 == 0 else 4)]


def found(words, root, *folders):
    """Which of these stand in a file of the folders, and where below the root."""
    wanted = [(word, form) for word in words for form in forms(word)]
    out = {}
    for folder in folders:
        for file in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if not file.is_file():
                continue
            data = file.read_bytes()
            for word, form in wanted:
                if form in data:
                    out.setdefault(word if isinstance(word, str) else "a key", set()).add(str(file.relative_to(root)))
    return out
