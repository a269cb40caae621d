#!/usr/bin/env python3
"""Records that a node pushes, through the real binary and into collectors written here: each record of `audit export` and nothing else, the
same ids, at least once, whatever the collector does or the node meets. Then the same log read as Logboek Dataverwerkingen's extension for
reading has it, and who looked.

usage: collector.py BIN_DIR SOURCE_DIR
"""
import collections
import contextlib
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support"), str(SOURCE / "conformance/records")]
import pinned  # noqa: E402

pinned.enter()
import ldv  # noqa: E402
from checks import expect, finish  # noqa: E402
from federation import ACTIVITIES, Federation, MARKETING, PURPOSE, Refused, scratch  # noqa: E402
from opentelemetry.proto_json.collector.logs.v1.logs_service import ExportLogsServiceRequest  # noqa: E402
from opentelemetry.proto_json.collector.trace.v1.trace_service import ExportTraceServiceRequest  # noqa: E402

CROWD, DATASET, OWN_ACTIVITY = PURPOSE + "CrowdManagement", "urn:waterrijk:detailed-counts", "https://waterrijk.example/activities/counting"
SECRET, NEW_SECRET = "Bearer c29sdWlz-of-waterrijk", "Bearer the-second-c29sdWlz"
f = Federation(scratch("collector"), binary=BIN / "sluis", base_port=21540, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]
TLS_PORT, PLAIN_PORT = f.base_port + 20, f.base_port + 21
PATHS = {"ldv": "/v1/traces", "adl": "/v1/logs"}


class Collector:
    """Takes what comes, by path and id. `orders` are followed one by one, then it takes everything."""

    def __init__(self, port, prefix="", certificate=None, roots=None):
        self.port, self.prefix, self.certificate, self.roots = port, prefix, certificate, roots
        self.lock, self.changed = threading.Lock(), threading.Condition()
        self.orders, self.requests, self.server = [], [], None
        self.taken = {form: collections.Counter() for form in PATHS}      # how often each id was acknowledged
        self.records = {form: {} for form in PATHS}
        self.shown, self.certificates, self.handshakes_failed = [], set(), 0
        self.open = set()                                                  # connections, which outlive their server
        self.release = threading.Event()                                   # of requests that hang
        self.before_answer = None

    def start(self):
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                collector.answer(self)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, allow_reuse_address = True, True

            def finish_request(self, request, address):
                if collector.certificate:
                    try:
                        request.settimeout(10)
                        request = collector.context().wrap_socket(request, server_side=True)
                    except (OSError, ssl.SSLError):
                        collector.handshakes_failed += 1
                        return
                    presented = request.getpeercert()
                    if presented:
                        collector.certificates.add(json.dumps(presented["subject"]))
                with collector.lock:
                    collector.open.add(request)
                try:
                    super().finish_request(request, address)
                finally:
                    with collector.lock:
                        collector.open.discard(request)

            def handle_error(self, *_):  # a node that was killed, or cut what it sent
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        context.load_verify_locations(self.roots)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def stop(self):
        self.release.set()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        with self.lock:
            for connection in self.open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def answer(self, handler):
        body = handler.rfile.read(int(handler.headers["content-length"]))
        form = next((name for name, path in PATHS.items() if handler.path == self.prefix + path), None)
        with self.lock:
            order = self.orders.pop(0) if self.orders and form else "take"
            self.requests.append((form, body, order))
            self.shown.append(handler.headers.get("authorization"))
        if form is None or handler.headers["content-type"] != "application/json":
            return self.say(handler, 400, b"not OTLP")
        if order == "cut":
            handler.close_connection = True
            return handler.connection.close()
        if order == "hang":
            self.release.wait(60)
            handler.close_connection = True
            return None
        if isinstance(order, tuple):
            status, headers, text = order
            if status // 100 == 2:
                self.take(form, body)
            return self.say(handler, status, text, headers)
        self.take(form, body)
        if self.before_answer:
            self.before_answer()
        return self.say(handler, 200, b"{}")

    def take(self, form, body):
        with self.lock:
            for one in told(form, json.loads(body)):
                name = (one["trace_id"], one["span_id"])
                self.taken[form][name] += 1
                expect(f"{form}: the same record under the same id", self.records[form].setdefault(name, one), one)

    @staticmethod
    def say(handler, status, body, headers=()):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def ids(self, form):
        with self.lock:
            return set(self.taken[form])


def value_of(any_value):
    """What an AnyValue says. Written from opentelemetry/proto/common/v1/common.proto."""
    if any_value == {}:
        return None
    ((kind, content),) = any_value.items()
    if kind == "intValue":
        expect("64 bits are told as text", isinstance(content, str), True)
        return int(content)
    if kind == "arrayValue":
        return [value_of(one) for one in content["values"]]
    if kind == "kvlistValue":
        return attributes_of(content["values"])
    expect("a known kind of value", kind, "stringValue", "boolValue", "doubleValue")
    return content


def attributes_of(pairs):
    out = {pair["key"]: value_of(pair["value"]) for pair in pairs}
    expect("no attribute stands twice", len(out), len(pairs))
    return out


def milliseconds(text):
    expect("nanoseconds as text, of whole milliseconds", (isinstance(text, str), text[-6:]), (True, "000000"))
    return int(text) // 10**6


def told(form, request):
    """The records of a request in the form of `audit export`."""
    for resource in request["resourceSpans" if form == "ldv" else "resourceLogs"]:
        about = attributes_of(resource["resource"]["attributes"])
        for scope in resource["scopeSpans" if form == "ldv" else "scopeLogs"]:
            for one in scope["spans" if form == "ldv" else "logRecords"]:
                out = {"trace_id": one["traceId"], "span_id": one["spanId"]}
                attributes = attributes_of(one["attributes"])
                if form == "ldv":
                    if "parentSpanId" in one:
                        out["parent_span_id"] = one["parentSpanId"]
                    out.update(status={0: "Unset", 1: "Ok", 2: "Error"}[one["status"]["code"]], name=one["name"], start_time=milliseconds(one["startTimeUnixNano"]),
                               end_time=milliseconds(one["endTimeUnixNano"]), resource={"attributes": about}, attributes=attributes)
                else:
                    if "sluis.adl.parent_span_id" in attributes:
                        out["parent_span_id"] = attributes.pop("sluis.adl.parent_span_id")
                    out.update(event_name=one["eventName"], timestamp=milliseconds(one["timeUnixNano"]), status=attributes.pop("sluis.adl.status"),
                               attributes=attributes, resource=about, body=value_of(one["body"]))
                yield out


def without_defaults(value):
    """Protobuf's JSON may leave out what is zero or empty."""
    if isinstance(value, dict):
        kept = {name: without_defaults(one) for name, one in value.items()}
        return {name: one for name, one in kept.items() if one not in ([], 0) or isinstance(one, bool) or name.endswith("Value")}
    return [without_defaults(one) for one in value] if isinstance(value, list) else value


def read_by_others(form, body):
    """OpenTelemetry's own reader of this encoding finds all of it, and nothing that it does not know."""
    request = {"ldv": ExportTraceServiceRequest, "adl": ExportLogsServiceRequest}[form].from_dict(json.loads(body))
    return without_defaults(request.to_dict()) == without_defaults(json.loads(body))


def exported(node, form):
    done = node.command("audit", "export", "--format", form, role="dpo")
    return {(one["trace_id"], one["span_id"]): one for one in map(json.loads, done.stdout.splitlines())}


def wait_for(what, holds, limit=60):
    until = time.monotonic() + limit
    while not holds():
        if time.monotonic() > until:
            expect(what, "not so", "so")
            return False
        time.sleep(0.1)
    expect(what, True, True)
    return True


def arrives(what, node, collector):
    """All that the node exports, and nothing else."""
    for form in PATHS:
        wanted = exported(node, form)
        wait_for(f"{what}: all {form} of {node.key}", lambda: wanted.keys() <= collector.ids(form))
        expect(f"{what}: nothing else of {form}", collector.ids(form) - wanted.keys(), set())
        with collector.lock:
            got = dict(collector.records[form])
        expect(f"{what}: each {form} says the same", [(got[name], one) for name, one in wanted.items() if name in got and got[name] != one][:1], [])


def doctor(node):
    return json.dumps(node.call("NodeService/Doctor", {}, role="operator"))


def metrics(node):
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port + 2}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("sluis_collector_")}


def metric(node, name, form):
    return next((value for line, value in metrics(node).items() if line.startswith(f"sluis_collector_{name}{{") and f'form="{form}"' in line), None)


def certificate(name, folder):
    """An authority of its own, and a server's certificate of it for localhost."""
    def run(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    root, key, asked, leaf = (folder / f"{name}.{part}" for part in ("root.pem", "key", "csr", "pem"))
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / f"{name}.root.key", "-out", root, "-days", "30", "-subj", f"/CN={name}")
    run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", asked, "-subj", "/CN=collector.waterrijk.example")
    (folder / "extensions").write_text("subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n")
    run("x509", "-req", "-in", asked, "-CA", root, "-CAkey", folder / f"{name}.root.key", "-CAcreateserial", "-out", leaf, "-days", "30", "-extfile", folder / "extensions")
    root.chmod(0o644)
    return root, (leaf, key)


def for_node(path, mode=0o600):
    path.chmod(mode)
    if f.user:
        os.chown(path, f.user.pw_uid, f.user.pw_gid)


def secret_is(text, mode=0o600):
    (w.folder / "keys/collector.credential").write_text(text + "\n")
    for_node(w.folder / "keys/collector.credential", mode)


def configure():
    plain = (w.folder / "node.toml").read_text()
    shutil.copy(right_root, w.folder / "tls/collectors.pem")
    for_node(w.folder / "tls/collectors.pem", 0o644)
    secret_is(SECRET)
    good = plain + f'''
[[collector]]
url = "https://localhost:{TLS_PORT}/"
forms = ["ldv", "adl"]
roots = "tls/collectors.pem"
credential = "keys/collector.credential"
certificate = true
'''
    (w.folder / "node.toml").write_text(good)
    with open(d.folder / "node.toml", "a") as file:
        file.write(f'\n[[collector]]\nurl = "http://127.0.0.1:{PLAIN_PORT}/otlp"\nforms = ["adl", "ldv"]\n')
    for node in (w, d):
        expect("the configuration", f.sluis("config", "check", node.folder / "node.toml", check=False).returncode, 0)
    line = good.splitlines().index(f'url = "https://localhost:{TLS_PORT}/"') + 1
    for what, wrong, place, said in (
            ("in clear to elsewhere", good.replace(f"https://localhost:{TLS_PORT}", "http://collector.waterrijk.example"), f":{line}:", "must begin with https://"),
            ("in clear to a name", good.replace(f"https://localhost:{TLS_PORT}", f"http://localhost:{TLS_PORT}"), f":{line}:", "must begin with https://"),
            ("with a credential in its address", good.replace(f"https://localhost:{TLS_PORT}", "https://me:secret@localhost"), f":{line}:", "no query, fragment or user"),
            ("of another form", good.replace('"adl"]', '"fsc"]'), f":{line + 1}:", "`fsc` is no form that OTLP carries"),
            ("without forms", good.replace('["ldv", "adl"]', "[]"), f":{line + 1}:", "no form of records is named"),
            ("named twice", good + good[good.index("\n[[collector]]"):], ":", "this collector is named twice"),
            ("with a key that is none", good.replace("certificate = true", "certificates = true"), ":", "certificates")):
        (w.folder / "wrong.toml").write_text(wrong)
        done = f.sluis("serve", "--config", w.folder / "wrong.toml", check=False)
        expect(f"a collector {what} is refused at the start", (done.returncode, f"wrong.toml{place}" in done.stderr, said in done.stderr), (1, True, True))
    for what, act, said in (("others can read", lambda: secret_is(SECRET, 0o644), "others can read the secret"), ("is empty", lambda: secret_is(""), "holds no credential")):
        act()
        done = f.sluis("serve", "--config", w.folder / "node.toml", check=False)
        expect(f"a credential that {what}", (done.returncode, said in done.stderr, SECRET in done.stderr), (1, True, False))
    secret_is(SECRET)
    listed = f.sluis("key", "list", "--config", w.folder / "node.toml", check=False).stdout
    expect("it is among the keys", ("collector.credential" in listed, SECRET in listed), (True, False))


def pull(purpose=CROWD):
    try:
        return len(d.pull(transfer, purpose, ACTIVITIES["duinmeer"])[0])
    except Refused as refused:
        return refused.status


def evaluate(node=w, count=1):
    asked = {"subject": {"type": "party", "id": d.participant}, "resource": {"type": "dataset", "id": DATASET},
             "action": {"name": "use", "properties": {"purpose": CROWD, "processing_activity_id": ACTIVITIES["duinmeer"]}}, "context": {"odd": [1.5, None, 1e300, {"a": []}]}}
    path, body = ("evaluation", asked) if count == 1 else ("evaluations", {**asked, "evaluations": [{}] * count})
    request = urllib.request.Request(f"http://127.0.0.1:{node.port + 2}/access/v1/{path}", data=json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json", "Authorization": f"Bearer {node.token('application')}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.status


def exchange():
    global transfer
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    w.call("ActivityService/Publish", {"id": OWN_ACTIVITY, "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Counting"})
    w.call("DatasetService/Publish", {"toml": f'processed_under = "{OWN_ACTIVITY}"\n' + f.dataset("detailed-counts"), "file": "detailed-counts.toml"})
    d.call("CatalogService/Fetch", {"peer": w.participant})
    d.call("ActivityService/Publish", {"id": ACTIVITIES["duinmeer"], "purpose": CROWD, "from": "2026-01-01T00:00:00Z", "title": "Crowds"})
    agreement = d.call("AgreementService/Request", {"peer": w.participant, "offer": DATASET, "purpose": CROWD, "waitSeconds": 15})["negotiation"]["agreement"]
    transfer = d.call("TransferService/Start", {"agreement": agreement, "waitSeconds": 15})["transfer"]["id"]
    expect("pulls", (pull() > 1000, pull() > 1000), (True, True))
    expect("refused by its own node", pull(MARKETING), 403)
    rogue = subprocess.run([f.rogue, "--config", d.folder / "node.toml", "--transfer", transfer, "--purpose", MARKETING, "--activity", ACTIVITIES["duinmeer"]],
                           capture_output=True, text=True)
    expect("refused by the provider", rogue.stdout[:3], "403")
    expect("evaluations", (evaluate(), evaluate(count=3)), (200, 200))


def in_health():
    for what, node, collector in (("at first", w, secure), ("at first", d, plain)):
        arrives(what, node, collector)
        expect(f"{node.key}: there was something", [len(collector.ids(form)) > 1 for form in PATHS], [True, True])
        expect(f"{node.key}: once", {form: max(collector.taken[form].values()) for form in PATHS}, {"ldv": 1, "adl": 1})
        expect(f"{node.key}: readers of others", [form for form, body, _ in collector.requests if not read_by_others(form, body)], [])
        wait_for("nothing waits", lambda: [metric(node, "waiting_entries", form) for form in PATHS] == [0, 0])
        expect(f"{node.key}: counted", [metric(node, "records_total", form) for form in PATHS], [float(len(collector.ids(form))) for form in PATHS])
        expect(f"{node.key}: nothing to be seen to", "collector" in doctor(node), False)
    expect("the credential is shown, and a certificate", (set(secure.shown), len(secure.certificates)), ({SECRET}, 1))
    expect("nobody asked for one", set(plain.shown), {None})


def in_trouble():
    """Whatever it answers: all of it arrives in the end."""
    secure.orders[:] = [(503, [("retry-after", "1")], b"{}"), (429, [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], b""), (502, [], b"<html>"), "cut", "cut"]
    pull()
    evaluate()
    arrives("asked to wait, and cut", w, secure)
    wait_for("each order was followed", lambda: not secure.orders)
    secure.orders[:] = ["hang"]
    expect("an exchange does not wait for it", pull() > 1000, True)
    wait_for("it hangs", lambda: not secure.orders)
    arrives("hung", w, secure)
    secure.orders[:] = ["hang", "hang"]
    pull()
    wait_for("it hangs again", lambda: len(secure.orders) < 2)
    w.stop()
    expect("the node stops meanwhile", "stopping" in w.log_tail(), True)
    secure.orders.clear()
    w.start()
    w.wait_ready()
    arrives("stopped while it hung", w, secure)
    wait_for("the node's log says when it takes records again", lambda: "a collector takes records again" in (f.folder / "waterrijk.log").read_text())


def rejected():
    before = {form: secure.ids(form) for form in PATHS}
    secure.orders[:] = [(200, [], json.dumps({"partialSuccess": {"rejectedSpans": "1", "rejectedLogRecords": "1", "errorMessage": f"too old, {SECRET}"}}).encode())]
    evaluate()
    wait_for("what was rejected is told", lambda: "it rejected 1 records" in doctor(w))
    arrives("rejected in part", w, secure)
    new = secure.ids("adl") - before["adl"]
    expect("it was not sent again", [secure.taken["adl"][name] for name in new], [1])
    expect("and counted", metric(w, "rejected_total", "adl"), 1.0)
    evaluate()
    arrives("what comes after goes on", w, secure)


def killed():
    """The collector is away while the node dies; then the node dies between the collector's answer and its own record of it."""
    secure.stop()
    pull()
    evaluate(count=2)
    w.kill()
    w.start()
    w.wait_ready()
    expect("an exchange without any collector", pull() > 1000, True)
    secure.start()
    secure.release.clear()
    arrives("away, and the node killed", w, secure)

    def kill():
        secure.before_answer = None
        w.kill()
    secure.before_answer = kill
    evaluate()
    wait_for("killed before the answer", lambda: w.process is None)
    name = {form: secure.ids(form) for form in PATHS}
    w.start()
    w.wait_ready()
    arrives("killed before the answer", w, secure)
    wait_for("the same batch came again", lambda: max(max(secure.taken[form].values()) for form in PATHS) > 1)
    expect("under the same ids", {form: secure.ids(form) for form in PATHS}, name)


def not_to_a_stranger():
    secure.stop()
    secure.certificate = wrong_leaf
    secure.start()
    before = len(secure.requests)
    pull()
    wait_for("a certificate of another authority is refused", lambda: secure.handshakes_failed > 0)
    for node in (w, d):
        node.command("demo", "clock", "+2m", role="operator")
    wait_for("which the operator reads", lambda: "the certificate of `localhost` is refused" in doctor(w))
    expect("nothing was sent to it", len(secure.requests), before)
    secure.stop()
    secure.certificate = right_leaf
    secure.start()
    arrives("the right one again", w, secure)


def turned_away():
    """A refusal is tried again seldom, never skipped, and told at once."""
    text = json.dumps({"code": 16, "message": f"who is {SECRET}?"}).encode()
    secure.orders[:] = [(401, [], text)] * 20
    evaluate()
    wait_for("a refusal is told", lambda: "it answers 401: who is" in doctor(w))
    expect("without the credential", ("Bearer *" in doctor(w), SECRET.split()[1] in doctor(w)), (True, False))
    expect("as a number, too", (metric(w, "last_status", "adl"), metric(w, "failing", "adl"), metric(w, "waiting_entries", "adl") > 0), (401.0, 1.0, True))
    expect("it is not asked over and over", len(secure.orders) > 16, True)
    status = w.command("status", role="operator")
    expect("status shows it", "401" in status.stdout + status.stderr + doctor(w), True)
    secret_is(NEW_SECRET)
    w.stop()
    secure.orders.clear()
    w.start()
    w.wait_ready()
    arrives("with another credential", w, secure)
    expect("which is shown from then on", secure.shown[-1], NEW_SECRET)
    secret_is(SECRET)
    evaluate()
    arrives("and changed while the node runs", w, secure)
    expect("it is read for each request", secure.shown[-1], SECRET)


def erased():
    """What was erased before it was sent is never sent."""
    secure.stop()
    before = len(w.log(kinds=["stream-end"]))
    expect("a pull that will be erased", pull() > 1000, True)
    gone = w.wait_log(before + 1, kinds=["stream-end"])[-1]["transaction"]
    asked = json.loads(w.command("audit", "erase", "--transaction", gone, "--basis", "GDPR art. 17(1)(a)", "--no-input", "--output", "json", role="privacy_officer").stdout)
    done = w.command("audit", "erase", "--confirm", asked["erasure"]["id"], "--no-input", role="steward")
    expect("an erasure", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    evaluate()
    secure.start()
    arrives("after an erasure", w, secure)
    expect("it was not sent", [one for one in secure.records["adl"].values() if gone in json.dumps(one)], [])
    wait_for("and is counted", lambda: metric(w, "entries_without_record_total", "adl") >= 2)


def another_log():
    """A log that follows goes on with the numbers of its entries, and so does the cursor."""
    w.stop()
    done = f.sluis("log", "rotate-key", "--config", w.folder / "node.toml", check=False)
    expect("log rotate-key", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
    before = sum(secure.taken["adl"].values())
    w.start()
    w.wait_ready()
    evaluate()
    arrives("in another log", w, secure)
    expect("one record more, and none again", sum(secure.taken["adl"].values()), before + 1)


def read(body, role="dpo", token=None, kind="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": kind}
    if role or token:
        headers["Authorization"] = f"Bearer {token or w.token(role)}"
    request = urllib.request.Request(f"http://127.0.0.1:{w.port + 2}/processing-activities", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, dict(answer.headers), json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), json.load(error)


def reading():
    wanted = exported(w, "ldv")
    vectors = os.environ.get("SLUIS_VECTORS_DIR", "")
    defs = ldv.schemas(vectors) if vectors else None
    some = next(iter(wanted.values()))
    as_uuid = ldv.as_read(some)["traceId"]
    looked = len(w.log(kinds=["looked"]))
    for what, body, fits in (
            ("by trace", {"traceId": as_uuid}, lambda one: one["trace_id"] == some["trace_id"]),
            ("by trace as Trace Context writes it", {"traceId": some["trace_id"]}, lambda one: one["trace_id"] == some["trace_id"]),
            ("by activity", {"dpl.core.processing_activity_id": OWN_ACTIVITY}, lambda one: True),
            ("by another activity", {"dpl.core.processing_activity_id": ACTIVITIES["duinmeer"]}, lambda one: False),
            ("by activity, from then on", {"dpl.core.processing_activity_id": OWN_ACTIVITY, "startTime": some["start_time"] + 1}, lambda one: one["start_time"] > some["start_time"]),
            ("by activity, until then", {"dpl.core.processing_activity_id": OWN_ACTIVITY, "endTime": some["end_time"]}, lambda one: one["end_time"] <= some["end_time"]),
            ("by whom it is about: a node knows none", {"dpl.core.data_subject_id": "somebody"}, lambda one: False)):
        status, headers, answer = read(body, role="auditor" if "trace" in what else "dpo")
        got = sorted(answer["processingActivities"], key=lambda one: one["spanId"])
        expect(f"read {what}", (status, got), (200, sorted((ldv.as_read(one) for one in wanted.values() if fits(one)), key=lambda one: one["spanId"])))
        expect("the version of the API", headers.get("API-Version") or headers.get("api-version"), "1.1.0")
        if defs:
            expect(f"read {what}: the draft's schema", [wrong for one in got for wrong in ldv._matches(defs["ProcessingActivity"], one, "processingActivity", defs)], [])
    entries = w.log(kinds=["looked"])[looked:]
    expect("each look is in the log, with who looked", [(e["event"], e["person"], e["detail"]) for e in entries][:3],
           [("processing-activities", f"auditor of {w.name}", "role auditor")] * 2 + [("processing-activities", f"dpo of {w.name}", "role dpo")])
    expect("for what, and how much was told", (json.loads(entries[0]["request"]), entries[0]["count"]), ({"traceId": as_uuid}, "1"))
    before = len(w.log(kinds=["looked"]))
    for what, body, pointer in (("nothing", {}, ""), ("times alone", {"startTime": 1}, ""), ("a list", [], ""), ("a filter that is none", {"traceID": as_uuid}, "/traceID"),
                                ("a trace that is none", {"traceId": "7"}, "/traceId"), ("a time as text", {"traceId": as_uuid, "endTime": "2026-11-27T00:00:00Z"}, "/endTime"),
                                ("an end before its start", {"traceId": as_uuid, "startTime": 2, "endTime": 1}, "/endTime")):
        status, headers, answer = read(body)
        expect(f"{what} is refused with its place", (status, headers["content-type"], answer["status"], [one["location"]["pointer"] for one in answer["errors"]]),
               (400, "application/problem+json", 400, [pointer]))
        expect(f"{what}: in words", (bool(answer["title"]), len(answer["detail"]) > 10), (True, True))
    expect("what is no JSON has a line", read(b'{\n"traceId"')[2]["errors"][0]["location"]["line"], 2)
    expect("what is no question is no look", len(w.log(kinds=["looked"])), before)
    for role in ("steward", "privacy_officer", "operator", "application"):
        expect(f"{role} may not", (read({"traceId": as_uuid}, role)[0], read(b"{", role)[0]), (403, 403))
    expect("nobody may not", (read({"traceId": as_uuid}, None)[0], read({"traceId": as_uuid}, None, "A" * 43)[0]), (401, 401))


transfer = None
try:
    f.make()
    right_root, right_leaf = certificate("right", f.folder)
    _, wrong_leaf = certificate("wrong", f.folder)
    secure = Collector(TLS_PORT, certificate=right_leaf, roots=w.folder / "tls/roots.pem")
    plain = Collector(PLAIN_PORT, prefix="/otlp")
    configure()
    f.sluis("role", "add", "--config", w.folder / "node.toml", "--role", "auditor", "--person", f"auditor of {w.name}", "--until", "2099-01-01", "--token-file", w.folder / "tokens/auditor")
    secure.start()
    plain.start()
    f.start()
    f.join()
    exchange()
    in_health()
    in_trouble()
    rejected()
    killed()
    not_to_a_stranger()
    turned_away()
    erased()
    reading()
    another_log()
    arrives("in the end", d, plain)
    expect("duinmeer: still once", {form: max(plain.taken[form].values()) for form in PATHS}, {"ldv": 1, "adl": 1})
    expect("readers of others, of all that was sent", [form for form, body, _ in secure.requests if not read_by_others(form, body)], [])
    for node in (w, d):
        log = (f.folder / f"{node.key}.log").read_text(errors="replace")
        expect(f"{node.key}: the credential is in no log", [secret for secret in (SECRET, NEW_SECRET) if secret.split()[1] in log], [])
        expect(f"{node.key}: its lines are few", log.count("a collector takes no records") < 100, True)
finally:
    for one in (locals().get("secure"), locals().get("plain")):
        if one:
            one.stop()
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
finish()
