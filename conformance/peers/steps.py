"""The steps of a run, one after the other. What our node does is asked for at its management interface; what it has no word for, the script
sends itself, with what shows who we are."""
import json
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from federation import Refused

CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
TIMEOUT = 10
# Of `sluis doctor peer`: what is about the peer, and what was asked for it. The rest is about a list that this run made itself.
LOOKED_AT = {"dns": "", "tcp": "a connection", "tls": "a handshake", "certificate: chain": "", "certificate: name": "", "certificate: time": "",
             "version": "GET /.well-known/dspace-version", "clock": "", "our identity": "CatalogRequestMessage, twice", "its identity": ""}
ORDER = ["REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED"]


class Asking:
    """Requests of the script itself, as who we are."""
    def __init__(self, options):
        self.headers = {"Content-Type": "application/json"}
        self.peer, self.context = options.peer, None
        if options.authorization:
            self.headers["Authorization"] = options.authorization["out"]
        else:
            self.context = ssl.create_default_context(cafile=str(options.roots))
            self.context.load_cert_chain(options.certificate, options.key)

    def shown_certificate(self):
        """What the peer's server shows, as PEM; nothing where it cannot be had: the look at it says why."""
        address = urllib.parse.urlsplit(self.peer)
        if not self.context:
            return ""
        try:
            with socket.create_connection((address.hostname, address.port or 443), TIMEOUT) as plain:
                with self.context.wrap_socket(plain, server_hostname=address.hostname) as channel:
                    return ssl.DER_cert_to_PEM_cert(channel.getpeercert(True))
        except OSError:
            return ""

    def send(self, url, body=None):
        """Status, and the answer as JSON or else as text. 0: none came, and why."""
        data = None if body is None else json.dumps({"@context": [CONTEXT], **body}).encode()
        handlers = [urllib.request.ProxyHandler({})] + ([urllib.request.HTTPSHandler(context=self.context)] if self.context else [])
        try:
            with urllib.request.build_opener(*handlers).open(urllib.request.Request(url, data=data, headers=self.headers), timeout=TIMEOUT) as answer:
                return answer.status, read(answer)
        except urllib.error.HTTPError as error:
            return error.code, read(error)
        except (OSError, ValueError) as error:
            return 0, str(error)


def read(answer):
    text = answer.read(1 << 20).decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text


def words_of(answer):
    """What the peer says, of its error messages the reasons."""
    if isinstance(answer, dict):
        reason = answer.get("reason")
        if reason:
            code = f" ({answer['code']})" if answer.get("code") else ""
            return "; ".join(one if isinstance(one, str) else json.dumps(one) for one in (reason if isinstance(reason, list) else [reason])) + code
        return answer.get("message") or json.dumps(answer)
    return str(answer)


def words(refused):
    """Of our node's refusal."""
    try:
        body = json.loads(refused.body)
    except ValueError:
        return refused.body
    detail = next((one.get("debug", {}) for one in body.get("details", []) if isinstance(one, dict)), {})
    place = (detail.get("place") or {}).get("pointer") or ""
    return body.get("message", refused.body) + (f", at {place}" if place else "")


def said(process):
    """Why a process of our node is where it is: its reason, or what the peer answered last."""
    reason = process.get("reason") or {}
    last = (process.get("delivery") or {}).get("lastAnswer", "")
    parts = [" ".join(reason.get("sentences", [])), f"({reason['code']})" if reason.get("code") else "", last]
    return " ".join(one for one in parts if one)


def wait(own, method, member, process, until, seconds):
    """The process when it is in one of these states, or after so long."""
    end = time.monotonic() + seconds
    while process.get("state", "") not in until and time.monotonic() < end:
        process = own.call(method, {"id": process["id"]})[member]
        time.sleep(0.05)
    return process


class Play:
    def __init__(self, own, asking, options, table):
        self.own, self.asking, self.options, self.table = own, asking, options, table
        self.base, self.dataset = None, None

    def look(self):
        """The way there: by `sluis doctor peer`. False: nothing can be asked there."""
        good = True
        for one in self.own.call("NodeService/DoctorPeer", {"peer": self.options.participant}, role="operator", timeout=120)["checks"]:
            name, result = one["name"], one["result"]
            if name not in LOOKED_AT or (name == "tls" and self.options.scheme == "static"):
                continue
            if result == "ok":
                self.table.worked(name, LOOKED_AT[name], one["message"])
            elif result == "failed":
                self.table.failed(name, LOOKED_AT[name], one["message"], one.get("mend", ""))
                good = good and name in ("clock", "our identity", "its identity")
            else:
                self.table.skipped(name, one["message"])
        if good:
            status, document = self.asking.send(self.options.peer + "/.well-known/dspace-version")
            spoken = document.get("protocolVersions", []) if status == 200 and isinstance(document, dict) else []
            path = next((one["path"] for one in spoken if one.get("version") == "2025-1" and one.get("binding") == "HTTPS"), None)
            self.base = None if path is None else self.options.peer + path.rstrip("/")
        return self.base is not None

    def catalogue(self):
        sent = "CatalogRequestMessage"
        try:
            found = self.own.call("CatalogService/Fetch", {"peer": self.options.participant}, timeout=60).get("datasets", [])
        except Refused as refused:
            self.table.failed("catalogue", sent, "no catalogue that can be used", words(refused))
            return False
        offers = [(one["dataset"], each["offer"]["id"], each) for one in found for each in one.get("offers", [])]
        wanted = [one for one in offers if self.options.offer in one[:2]]
        if not wanted:
            there = ", ".join(sorted({f"{dataset} ({offer})" for dataset, offer, _ in offers})[:5]) or "no offer at all"
            self.table.failed("catalogue", sent, f"{len(offers)} offers", f"none is `{self.options.offer}`; there is {there}")
            return False
        self.dataset, _, offer = wanted[0]
        if not offer.get("usable"):
            self.table.failed("catalogue", sent, f"{len(offers)} offers", f"our node cannot use `{self.options.offer}`: {offer.get('proof', '')}")
            return False
        self.table.worked("catalogue", sent, f"Catalog: {len(offers)} offers, {len(wanted)} of them fits")
        return True

    def one_dataset(self):
        sent = f"GET /catalog/datasets/{self.dataset}"
        status, body = self.asking.send(f"{self.base}/catalog/datasets/{urllib.parse.quote(self.dataset, safe='')}")
        faults = [] if status == 200 else [words_of(body)]
        if status == 200:
            kind = body if isinstance(body, dict) else {}
            faults += [f"`{name}` is {json.dumps(kind.get(name))[:80]}" for name, wanted in (("@type", "Dataset"), ("@id", self.dataset)) if kind.get(name) != wanted]
            faults += [] if isinstance(kind.get("@context"), list) and CONTEXT in kind["@context"] else [f"`@context` is no array with {CONTEXT}"]
            faults += [] if kind.get("hasPolicy") else ["it has no offer (`hasPolicy`)"]
        if faults:
            self.table.failed("dataset", sent, f"answer {status}" if status else "no answer", "; ".join(faults))
        else:
            self.table.worked("dataset", sent, "Dataset")

    def negotiate(self):
        """The agreement's id; nothing where there is none."""
        sent = [("request", "ContractRequestMessage", "ContractNegotiation", "REQUESTED"), ("agreement", "", "ContractAgreementMessage", "AGREED"),
                ("verification", "ContractAgreementVerificationMessage", "200", "VERIFIED"), ("finalisation", "", "ContractNegotiationEventMessage", "FINALIZED")]
        try:
            asked = {"peer": self.options.participant, "offer": self.options.offer, "purpose": self.options.purpose}
            begun = self.own.call("AgreementService/Request", asked, timeout=60)
        except Refused as refused:
            self.table.failed("request", "", "", f"our node does not ask: {words(refused)}")
            return self.leave(["agreement", "verification", "finalisation"], "`request` failed")
        narrowed = ", narrowed to the purpose" if begun.get("narrowed") else ""
        process = wait(self.own, "AgreementService/Show", "negotiation", begun["negotiation"], ("FINALIZED", "TERMINATED"), self.options.wait)
        reached = self.reached(process)
        if process.get("state") == "TERMINATED" and reached == ORDER.index("AGREED"):
            reached -= 1  # it came, and our node does not take it
        for at, (step, message, came, state) in enumerate(sent):
            if reached >= ORDER.index(state):
                self.table.worked(step, message + (f": {self.options.offer}{narrowed}" if step == "request" else ""), came)
                continue
            over = process.get("state") == "TERMINATED"
            why = said(process) or ("" if over else f"nothing came in {self.options.wait} seconds: does a person there have to decide?")
            self.table.failed(step, message, f"state {process.get('state') or 'none'}", why)
            if not over:
                self.end("AgreementService/Refuse", {"negotiation": process["id"], "code": "check.over"})
            return self.leave([one[0] for one in sent[at + 1:]], f"`{step}` failed")
        return process.get("agreement") or next(one["id"] for one in self.own.call("AgreementService/List", {})["agreements"])

    def reached(self, process):
        """How far a negotiation came: of one that was ended, as our own log has it."""
        if process.get("state") in ORDER:
            return ORDER.index(process["state"])
        events = [one.get("event", "").upper() for one in self.own.log() if one.get("kind") in ("negotiation", "agreement")]
        return max((ORDER.index(one) for one in events if one in ORDER), default=-1)

    def transfer(self, agreement):
        try:
            begun = self.own.call("TransferService/Start", {"agreement": agreement}, timeout=60)["transfer"]
        except Refused as refused:
            self.table.failed("transfer request", "", "", f"our node does not ask: {words(refused)}")
            return self.leave(["transfer start", "suspension", "resumption", "completion"], "`transfer request` failed")
        process = wait(self.own, "TransferService/Show", "transfer", begun, ("STARTED", "TERMINATED"), self.options.wait)
        state = process.get("state", "")
        asked = state in ("REQUESTED", "STARTED") or process.get("peerId")
        if not asked:
            self.table.failed("transfer request", "TransferRequestMessage", f"state {state or 'none'}", said(process))
            self.end("TransferService/Terminate", {"id": process["id"], "code": "check.over"})
            return self.leave(["transfer start", "suspension", "resumption", "completion"], "`transfer request` failed")
        self.table.worked("transfer request", "TransferRequestMessage: HttpData-PULL", "TransferProcess")
        if state != "STARTED":
            self.table.failed("transfer start", "", f"state {state}", said(process) or f"nothing came in {self.options.wait} seconds")
            if state != "TERMINATED":
                self.end("TransferService/Terminate", {"id": process["id"], "code": "check.over"})
            return self.leave(["suspension", "resumption", "completion"], "`transfer start` failed")
        self.table.worked("transfer start", "", "TransferStartMessage")
        self.table.skipped("data", "how data are fetched is no matter of the Dataspace Protocol: `sluis pull` asks the address that came")
        steps = [("suspension", "Suspend", "TransferSuspensionMessage", "SUSPENDED"), ("resumption", "Resume", "TransferStartMessage", "STARTED"),
                 ("completion", "Complete", "TransferCompletionMessage", "COMPLETED")]
        for at, (step, method, message, wanted) in enumerate(steps):
            process, why = self.move(process, method, wanted)
            if process.get("state") == wanted and not why:
                self.table.worked(step, message, "200")
                continue
            self.table.failed(step, message, f"state {process.get('state') or 'none'}", why or said(process) or f"no answer in {self.options.wait} seconds")
            if process.get("state") not in ("TERMINATED", "COMPLETED"):
                self.end("TransferService/Terminate", {"id": process["id"], "code": "check.over"})
            return self.leave([one[0] for one in steps[at + 1:]], f"`{step}` failed")
        return None

    def move(self, process, method, wanted):
        """A step of ours in a transfer; it is done when the peer has taken the message."""
        try:
            self.own.call(f"TransferService/{method}", {"id": process["id"], "code": "check"} if method == "Suspend" else {"id": process["id"]})
        except Refused as refused:
            return process, f"our node does not: {words(refused)}"
        end = time.monotonic() + self.options.wait
        while time.monotonic() < end:
            process = self.own.call("TransferService/Show", {"id": process["id"]})["transfer"]
            if process.get("state") == "TERMINATED" or (process.get("state") == wanted and not process.get("delivery")):
                break
            time.sleep(0.05)
        else:
            return process, said(process) or f"no answer in {self.options.wait} seconds"
        return process, ""

    def provide(self):
        """As provider one may begin with an offer. Whether the peer takes it, shows; how it is answered is its own management's matter."""
        provider = f"urn:uuid:{uuid.uuid4()}"
        offer = {"@type": "Offer", "@id": f"urn:uuid:{uuid.uuid4()}", "target": "urn:sluis:check:dataset", "assigner": self.options.own, "permission": [{"action": "use"}]}
        status, body = self.asking.send(f"{self.base}/negotiations/offers", {
            "@type": "ContractOfferMessage", "providerPid": provider, "callbackAddress": self.options.url + "/2025-1", "offer": offer})
        pid = body.get("consumerPid") if isinstance(body, dict) else None
        if status not in (200, 201) or not pid:
            return self.table.skipped("offer (as provider)", f"not possible without the peer's own management: to a first ContractOfferMessage it answers "
                                      f"{status or 'nothing'}: {words_of(body)}")
        if body.get("state") != "OFFERED" or body.get("providerPid") != provider:
            self.table.failed("offer (as provider)", "ContractOfferMessage", f"{status}: {json.dumps(body)}", "it must be a ContractNegotiation in state OFFERED with both ids")
        else:
            self.table.worked("offer (as provider)", "ContractOfferMessage: a first one", f"ContractNegotiation, answer {status}")
        sent = "ContractNegotiationTerminationMessage"
        status, body = self.asking.send(f"{self.base}/negotiations/{urllib.parse.quote(pid, safe='')}/termination", {
            "@type": sent, "providerPid": provider, "consumerPid": pid, "code": "check.over", "reason": ["this was a check"]})
        state = self.asking.send(f"{self.base}/negotiations/{urllib.parse.quote(pid, safe='')}")[1]
        if status == 200:
            self.table.worked("its end", sent, "200")
        elif isinstance(state, dict) and state.get("state") == "TERMINATED":
            self.table.worked("its end", sent, f"answer {status}: the peer had ended it itself")
        else:
            self.table.failed("its end", sent, f"answer {status or 'none'}", words_of(body))
        return None

    def leave(self, names, why):
        for name in names:
            self.table.skipped(name, why)

    def end(self, method, request):
        """So that nothing stays open at the peer; where that fails, too, nothing is lost here."""
        try:
            self.own.call(method, request)
            time.sleep(1)  # its message goes out
        except Refused:
            pass


def play(own, asking, options, table):
    run = Play(own, asking, options, table)
    if not run.look():
        return run.leave(["catalogue", "dataset", "negotiation", "transfer", "offer (as provider)"], "the peer cannot be asked")
    if run.catalogue():
        run.one_dataset()
        agreement = run.negotiate()
        if agreement:
            run.transfer(agreement)
        else:
            run.leave(["transfer"], "there is no agreement")
    else:
        run.leave(["dataset", "negotiation", "transfer"], "there is no offer to ask for")
    return run.provide()
