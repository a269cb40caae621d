"""A party that is played by a test: what it sends with its own certificate, what others send to it, and the claims that it signs."""
import base64
import http.client
import http.server
import json
import queue
import secrets
import ssl
import threading
import time
import uuid

from certificates import inside, openssl
from hostile_wire import Liar, answer, certificate_of, client_tls

CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
VERSION = '{"protocolVersions":[{"version":"2025-1","path":"/2025-1","binding":"HTTPS"}]}'


def message(kind, **members):
    return {"@context": CONTEXT, "@type": kind, **members}


def unpadded(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).decode().rstrip("=")


def fresh():
    return f"urn:uuid:{uuid.uuid4()}"


def transaction():
    """A UUID of version 7 (RFC 9562, section 5.7)."""
    number = (time.time_ns() // 1_000_000 << 80) | (secrets.randbits(80) & ~(0xF << 76) & ~(0x3 << 62)) | (0x7 << 76) | (0x2 << 62)
    return f"urn:uuid:{uuid.UUID(int=number)}"


def in_place_of(node, handler):
    """Stops the node; a server with its certificate answers at its address by this handler of http.server. `over` ends it."""
    node.stop()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", node.port), handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(node.folder / "tls/node.pem", node.folder / "tls/node.key")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    return server


def over(server):
    server.shutdown()
    server.server_close()


class Party:
    """`node`: whose folder has the certificate and the keys. `answers(path, body)` as of a Liar; without it each message is taken, and kept in
    `got`. It listens only where `listens`."""

    def __init__(self, node, answers=None, listens=True):
        self.node, self.got = node, queue.Queue()
        self.callback = f"https://localhost:{node.port}/2025-1"
        self.liar = Liar(node.port, certificate_of(node), answers or self.take) if listens else None

    def take(self, path, body):
        self.got.put((path, body))
        return answer(VERSION if path.startswith("/.well-known/dspace-version") else "{}")

    def ask(self, other, method, path, body=None, headers=None, shown=None):
        """Status and body of the answer of another node's exchange listener, with this party's certificate or the one that is shown."""
        tls = client_tls(other.folder / "tls/roots.pem", shown or self.node)
        connection = http.client.HTTPSConnection("localhost", other.port, context=tls, timeout=20)
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json", **(headers or {})})
            got = connection.getresponse()
            return got.status, got.read()
        finally:
            connection.close()

    def wait(self, ending, limit=20):
        """The body of the next message whose path ends so; those before it are let go."""
        until = time.monotonic() + limit
        while True:
            path, body = self.got.get(timeout=max(0.01, until - time.monotonic()))
            if path.endswith(ending):
                return json.loads(body)

    def claim(self, other, agreement, transfer, purpose, activity, /, path="/data", **more):
        """`Sluis-Claim` for a request at another node's gate."""
        said = {"iss": self.node.participant, "aud": other.participant, "agreement": agreement, "transfer": transfer, "transaction": transaction(),
                "purpose": purpose, "activity": activity, "iat": int(time.time()), "jti": fresh(), "method": "GET", "path": path, **more}
        text = unpadded({"alg": "ES256", "kid": "claim-1", "typ": "sluis-claim+jwt"}) + "." + unpadded(said)
        signature, _ = inside(openssl("dgst", "-sha256", "-sign", self.node.folder / "keys/claim.key", data=text.encode()).stdout)
        first, rest = inside(signature)
        second, _ = inside(rest)
        return f"{text}.{unpadded(first.lstrip(bytes(1)).rjust(32, bytes(1)) + second.lstrip(bytes(1)).rjust(32, bytes(1)))}"

    def stop(self):
        if self.liar:
            self.liar.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
