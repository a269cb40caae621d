"""What the hostile tests speak with: connections whose every byte is theirs, a server that lies in a party's place, and what a node takes."""
import concurrent.futures
import contextlib
import pathlib
import resource
import select
import socket
import ssl
import threading
import time


def raise_files():
    """As many open files as the machine allows, for this process. How many."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for wanted in (65_536, hard):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            return wanted
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def few_files():
    """As a service has it by default: 1024, and more only for who asks for it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard) if hard >= 0 else 1024, hard))


def memory(node):
    """What a node's process has in memory now, in MiB."""
    for line in pathlib.Path(f"/proc/{node.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1024
    raise RuntimeError("no VmRSS")


def together(*tasks):
    """Each in a thread of its own; what one raises is raised here when all have ended."""
    with concurrent.futures.ThreadPoolExecutor(len(tasks)) as pool:
        for done in [pool.submit(task) for task in tasks]:
            done.result()


def client_tls(roots, shown=None):
    """`shown`: a node whose certificate is shown, or the files of one and its key, or none."""
    context = ssl.create_default_context(cafile=str(roots))
    if shown:
        context.load_cert_chain(*(shown if isinstance(shown, tuple) else (shown.folder / "tls/node.pem", shown.folder / "tls/node.key")))
    return context


class Wire:
    """A connection to a listener of this machine, in clear or with TLS; what is sent is what the test says, byte for byte."""

    def __init__(self, port, tls=None, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")

    def send(self, data):
        """Whether the other side took it."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def read(self, limit=5, answers=None):
        """All that comes until the other side ends the connection, or so many whole answers have come; and whether it did end it within
        the limit, in seconds."""
        got, until = b"", time.monotonic() + limit
        while (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except (TimeoutError, ssl.SSLWantReadError):
                break
            except OSError:  # a reset
                return got, True
            if not data:
                return got, True
            got += data
            if answers and whole(got) >= answers:
                break
        return got, False

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def whole(data):
    """How many answers in what came are there to their last byte."""
    count = 0
    while True:
        head, found, rest = data.partition(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        if not found or len(rest) < length:
            return count
        count, data = count + 1, rest[length:]


def statuses(data):
    """Of each answer in what came, its status; each body as long as its head says."""
    out = []
    while data:
        head, found, rest = data.partition(b"\r\n\r\n")
        words = head.split(b" ", 2)
        if not found or not words[0].startswith(b"HTTP/1.1"):
            return [*out, "no answer"]
        length = next((int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
        out.append(int(words[1]))
        data = rest[length:]
    return out


def answer(body=b"{}", status=200, headers=()):
    """An answer as text, with its length."""
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Liar:
    """In a party's place, at its port. `answers(path, body)` gives bytes, or takes the connection itself by giving a function of it.
    In clear without certificate. `asked`: each request's method, path and body; `handshakes`: how many, and how many of them failed."""

    def __init__(self, port, certificate, answers, version=None):
        self.answers, self.asked, self.shown, self.failed, self.taken = answers, [], 0, 0, 0
        self.stopping = threading.Event()
        self.tls = None
        if certificate:
            self.tls = version or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while not self.stopping.is_set():
            if select.select([self.listener], [], [], 0.05)[0]:
                threading.Thread(target=self.one, args=(self.listener.accept()[0],), daemon=True).start()

    def one(self, connection):
        self.taken += 1
        try:
            connection.settimeout(20)
            if self.tls:
                try:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                    self.shown += 1
                except OSError:
                    self.failed += 1
                    return
            file = connection.makefile("rb")
            while line := file.readline():
                method, path = line.decode(errors="replace").split(" ")[:2]
                length = 0
                while (header := file.readline().strip().lower()) != b"":
                    if header.startswith(b"content-length:"):
                        length = int(header.split(b":")[1])
                body = file.read(length)
                self.asked.append((method, path, body))
                said = self.answers(path, body)
                if callable(said):
                    said(connection)
                    return
                connection.sendall(said)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def certificate_of(node):
    return node.folder / "tls/node.pem", node.folder / "tls/node.key"


LISTENERS = "exchange", "public", "management", "gRPC"  # at the node's port and those behind it, after tls_everywhere


def tls_everywhere(node):
    """Starts a node again with TLS at all its listeners, the management interface and its gRPC too, and waits until each can be reached."""
    config, listen = node.folder / "node.toml", f'listen = "127.0.0.1:{node.port + 2}"'
    text = config.read_text()
    if listen not in text:
        raise RuntimeError("no management interface where it was")
    node.stop()
    config.write_text(text.replace(listen, f'{listen}\nurl = "https://localhost:{node.port + 2}"\ngrpc = "127.0.0.1:{node.port + 3}"\n[management.tls]\n'
                                           'certificate = "tls/node.pem"\nkey = "tls/node.key"\nroots = "tls/roots.pem"\n'))
    started(node)


def started(node):
    """Starts a node that has TLS everywhere, and waits until each listener can be reached."""
    node.start()
    until = time.monotonic() + 10
    for at in range(len(LISTENERS)):
        while True:
            try:
                socket.create_connection(("127.0.0.1", node.port + at), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > until or node.process.poll() is not None:
                    raise RuntimeError(f"{node.key} has no listener at {node.port + at}: {node.log_tail()}") from None
                time.sleep(0.05)
