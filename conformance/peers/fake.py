"""A peer that answers as a connector does, but for one fault: to show that faults are told. Scheme `static`, on this machine."""
import json
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
DATASET, OFFER = "urn:duinmeer:air", "urn:duinmeer:air:offer"
TERMS = {"permission": [{"action": "use"}]}
ALTERED = {"permission": [{"action": "use", "constraint": [{"leftOperand": "dateTime", "operator": "lteq", "rightOperand": "2030-01-01T00:00:00Z"}]}]}
POLITE = 0.2


class Fake:
    """`fault`: none, or one of `version`, `context`, `error`, `altered`, `silent`, `unknown`."""
    def __init__(self, port, fault, participant, other, incoming, outgoing):
        self.fault, self.participant, self.other = fault, participant, other
        self.incoming, self.outgoing = incoming, outgoing
        self.url = f"http://127.0.0.1:{port}/dsp"
        self.states, self.callbacks, self.got = {}, {}, []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.handle_with(None)

            def do_POST(self):
                self.handle_with(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def handle_with(self, body):
                path = self.path.removeprefix("/dsp")
                if path == "/.well-known/dspace-version":
                    status, answer = 200, outer.versions()
                elif self.headers["Authorization"] != outer.incoming:
                    status, answer = 401, {}
                else:
                    outer.got.append((path, body))
                    status, answer = outer.answer(path.removeprefix("/2025-1"), body)
                text = answer if isinstance(answer, str) else json.dumps(answer)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def versions(self):
        return {"protocolVersions": [{"version": "2024-1" if self.fault == "version" else "2025-1", "path": "/2025-1", "binding": "HTTPS"}]}

    def dataset(self):
        return {"@id": DATASET, "@type": "Dataset", "hasPolicy": [{"@id": OFFER, "@type": "Offer", **TERMS}],
                "distribution": [{"@type": "Distribution", "format": "HttpData-PULL", "accessService": {"@id": "urn:s", "@type": "DataService", "endpointURL": self.url}}]}

    def answer(self, path, body):
        if path == "/catalog/request":
            context = ["https://w3id.org/dspace/2024/1/context.json"] if self.fault == "context" else CONTEXT
            return 200, {"@context": context, "@type": "Catalog", "@id": "urn:c", "participantId": self.participant, "dataset": [self.dataset()],
                         "service": [{"@id": "urn:s", "@type": "DataService", "endpointURL": self.url}]}
        if path.startswith("/catalog/datasets/"):
            return 200, {"@context": CONTEXT, **self.dataset()}
        if path == "/negotiations/request":
            if self.fault == "error":
                return 500, "<html>Internal Server Error</html>"
            if self.fault == "unknown":
                return 400, {"@context": CONTEXT, "@type": "ContractNegotiationError", "code": "400", "reason": ["no asset of that name"]}
            return 201, self.begun("ContractNegotiation", body, self.agree)
        if path == "/transfers/request":
            return 201, self.begun("TransferProcess", body, self.let_in)
        parts = path.strip("/").split("/")
        if len(parts) >= 3 and parts[1] in self.states:
            return self.moved(parts[1], "/".join(parts[2:]))
        if len(parts) == 2 and parts[1] in self.states:
            return 200, self.shown(parts[1])
        return 404, {"@context": CONTEXT, "@type": "ContractNegotiationError", "code": "404", "reason": ["no offers are taken here"]}

    def begun(self, kind, body, then):
        own = f"provider-{len(self.states)}"
        self.states[own] = {"@context": CONTEXT, "@type": kind, "providerPid": own, "consumerPid": body["consumerPid"], "state": "REQUESTED"}
        self.callbacks[own] = body["callbackAddress"].rstrip("/")
        if self.fault != "silent":
            threading.Timer(POLITE, then, (own, body)).start()
        return self.shown(own)

    def shown(self, own):
        return self.states[own]

    def moved(self, own, message):
        self.states[own]["state"] = {"suspension": "SUSPENDED", "start": "STARTED", "completion": "COMPLETED", "termination": "TERMINATED",
                                     "agreement/verification": "VERIFIED"}.get(message, self.states[own]["state"])
        if message == "agreement/verification":
            threading.Timer(POLITE, self.finish, (own,)).start()
        return 200, ""

    def agree(self, own, body):
        terms = ALTERED if self.fault == "altered" else {"permission": body["offer"]["permission"]}
        agreement = {"@id": "urn:duinmeer:agreement", "@type": "Agreement", "target": body["offer"]["target"], "assigner": self.participant,
                     "assignee": self.other, "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **terms}
        if self.send(own, "negotiations", "agreement", {"@type": "ContractAgreementMessage", "agreement": agreement}):
            self.states[own]["state"] = "AGREED"

    def finish(self, own):
        self.states[own]["state"] = "FINALIZED"
        self.send(own, "negotiations", "events", {"@type": "ContractNegotiationEventMessage", "eventType": "FINALIZED"})

    def let_in(self, own, _):
        self.states[own]["state"] = "STARTED"
        address = {"@type": "DataAddress", "endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": self.url + "/data", "endpointProperties": [
            {"@type": "EndpointProperty", "name": "authorization", "value": "handle"}]}
        self.send(own, "transfers", "start", {"@type": "TransferStartMessage", "dataAddress": address})

    def send(self, own, what, message, body):
        """Whether it was taken."""
        ids = {name: self.states[own][name] for name in ("providerPid", "consumerPid")}
        asked = urllib.request.Request(f"{self.callbacks[own]}/{what}/{ids['consumerPid']}/{message}", data=json.dumps({"@context": CONTEXT, **ids, **body}).encode(),
                                       headers={"Content-Type": "application/json", "Authorization": self.outgoing})
        try:
            with urllib.request.urlopen(asked, timeout=10):
                return True
        except urllib.error.URLError:
            return False
