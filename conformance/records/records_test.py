"""Do the checkers find what is wrong? Good samples by hand from the texts, and wrong ones that each have to be found.

A wrong sample is a good one with one change, and the section under which its finding must stand (after ` | ` also a part of
what it says), so that a wrong record which is found for another reason counts as not found. The last line is
`N passed, M failed, K skipped`.
"""
import copy
import json
import os
import sys

import adl
import fsc
import ldv
import prov_check
import prov_samples
import shape

TRACE, OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
WATERRIJK, STROOMPLEIN, DUINMEER = "did:web:data.waterrijk.example", "did:web:stroomplein.example", "did:web:duinmeer.example"
COUNTS = "urn:waterrijk:dataset:detailed-counts"
RESOURCE = {"service.name": "sluis", "service.instance.id": WATERRIJK}


def asked(**more):
    return {"subject": {"type": "party", "id": STROOMPLEIN}, "action": {"name": "use", "properties": {"purpose": "marketing"}},
            "resource": {"type": "dataset", "id": COUNTS}, **more}


def decision(span, event, request, response, **more):
    return {"trace_id": TRACE, "span_id": span, "event_name": event, "timestamp": 1778580000123, "status": "Unset",
            "resource": RESOURCE, "body": {"adl.core.request": request, "adl.core.response": response}, **more}


CONTEXT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "tracestate": ""}
TERMS = {"adl.core.policies": {"terms": "sha-256:" + "ab" * 32, "purposes": {"entry": 17}}, "sluis.log.entry": 42,
         "adl.core.information": {"declarations": [{"id": "crowds", "entry": 12}], "hr": {"span_id": "1b2c3d4e5f607182"}}}
SEARCHED = {"page": {"next_token": "", "count": 1}, "results": [{"type": "party", "id": DUINMEER}]}
ADL = [
    decision("00000000000000a1", "adl.access_evaluation", asked(context=CONTEXT),
             {"decision": False, "context": {"id": "t1", "code": "purpose.not_allowed"}},
             parent_span_id="00f067aa0ba902b7", attributes=TERMS),
    decision("00000000000000a2", "adl.access_evaluations", asked(evaluations=[{}, {"resource": {"type": "dataset", "id": "x"}}]),
             {"evaluations": [{"decision": True, "context": {"id": "t2"}}, {"decision": False, "context": {"id": "t3"}}]}),
    decision("00000000000000a3", "adl.search_subject", {**asked(), "subject": {"type": "party"}}, SEARCHED),
    decision("00000000000000a4", "adl.search_resource", {**asked(), "resource": {"type": "dataset"}},
             {"results": [{"type": "dataset", "id": COUNTS}]}),
    decision("00000000000000a5", "adl.search_action", {"subject": asked()["subject"], "resource": asked()["resource"]},
             {"results": []}),
    {**decision("00000000000000a6", "adl.access_evaluation", asked(), {}), "status": "Error",
     "body": {"adl.core.request": asked(), "adl.core.configuration": {"sluis": "1.0.0"}}},
    # A permit that is withdrawn while data run is a second decision on the same request.
    decision("00000000000000a7", "adl.access_evaluation", asked(), {"decision": False, "context": {"id": "t2"}},
             parent_span_id="00000000000000a2"),
]

CALLER = {"dpl.core.foreign_operation.processor": "https://stroomplein.example/sluis"}
REGISTER = {"dpl.core.processing_activity_id": "https://waterrijk.example/register/crowds"}


def action(span, **more):
    return {"trace_id": TRACE, "span_id": span, "status": "Unset", "name": "Released the detailed counts to Duinmeer",
            "start_time": 1778580000123, "end_time": 1778580000999, "attributes": {}, **more}


LDV = [
    action("00000000000000b1", parent_span_id="00f067aa0ba902b7", attributes={**CALLER, **REGISTER},
           resource={"attributes": {"service.name": "sluis"}}),
    action("00000000000000b2", parent_span_id="00000000000000b1", attributes={
        **REGISTER, "dpl.core.data_subject_id": "6e8bc430-9c3a-11d9-9669-0800200c9a66", "dpl.core.data_subject_id_type": "BSN"}),
    action("00000000000000b3", trace_id=OTHER_TRACE, status="Error",
           attributes={"exception.message": "The source could not be read.", "exception.type": "source.unavailable"}),
]

GRANT = "$1$3$" + "A" * 86
OIN_WATERRIJK, OIN_DUINMEER = "00000099000000001000", "00000099000000002000"
BY_AGREEMENT = {"grant_hash": "urn:sluis:agreement:sha-256:" + "ab" * 32,
                "additional_data": {"agreement": "urn:uuid:0190a7f3-0000-7000-8000-000000000009"}}


def transaction(number, outway=OIN_DUINMEER, service=OIN_WATERRIJK, direction="INCOMING", **more):
    return {"transaction_id": f"0190a7f3-0000-7000-8000-{number:012d}", "direction": f"DIRECTION_{direction}",
            "grant_hash": GRANT,
            "source": {"type": "SOURCE_TYPE_SOURCE", "outway_peer_id": outway},
            "destination": {"type": "DESTINATION_TYPE_DESTINATION", "service_peer_id": service},
            "service_name": "detailed-counts", "created_at": 1778580000, **more}


FSC = [
    transaction(1),
    transaction(2, service_name=COUNTS, **BY_AGREEMENT),
    transaction(3, OIN_WATERRIJK, OIN_DUINMEER, "OUTGOING"),
    transaction(4, grant_hash="$1$4$" + "b" * 86,
                source={"type": "SOURCE_TYPE_DELEGATED_SOURCE", "outway_peer_id": OIN_DUINMEER,
                        "delegator_peer_id": OIN_WATERRIJK},
                destination={"type": "DESTINATION_TYPE_DELEGATED_DESTINATION", "service_peer_id": OIN_WATERRIJK,
                             "delegator_peer_id": OIN_DUINMEER}),
]

DROP = object()


def text_of(lines):
    return "".join(json.dumps(one) + "\n" for one in lines)


def changed(samples, line, path, value):
    """The text of the samples with one place set, or left out. A path is the names to it, with `/` between them."""
    lines = copy.deepcopy(samples)
    at = lines[line - 1]
    names = path.split("/")
    for name in names[:-1]:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    if value is DROP:
        del at[names[-1]]
    else:
        at[names[-1]] = value
    return text_of(lines)


# (line that is changed, where, to what, section of the finding); then wrong texts as a whole.
REQUEST, RESPONSE = "body/adl.core.request", "body/adl.core.response"
ADL_WRONG = [
    (1, "trace_id", TRACE.upper(), "3.3.1"), (1, "trace_id", TRACE[:-2], "3.3.1"), (1, "trace_id", "0" * 32, "3.3.1"),
    (1, "trace_id", DROP, "3.3"), (1, "trace_id", OTHER_TRACE, "3.2.2"), (2, "span_id", "00000000000000A2", "3.3.2"),
    (2, "span_id", 162, "3.3.2"), (2, "span_id", "00000000000000a1", "3.2.3"), (1, "parent_span_id", DROP, "3.3.3"),
    (2, "parent_span_id", "", "3.3.3"), (2, "parent_span_id", None, "3.3.3"), (2, "parent_span_id", "00000000000000a2", "3.2.2"),
    (7, "trace_id", OTHER_TRACE, "3.2.2"), (1, "event_name", "access_evaluation", "3.3.4"), (1, "timestamp", 1778580000, "3.3.5"),
    (1, "timestamp", 1778580000123456, "3.3.5"), (1, "timestamp", "1778580000123", "3.3.5"),
    (1, "timestamp", 1778580000123.0, "3.3.5"), (1, "timestamp", -1, "3.3.5"), (1, "timestamp", True, "3.3.5"),
    (1, "status", "ok", "3.3.6"), (1, "status", "Error", "3.3.6"), (3, "status", "Error", "3.3.6"),
    (1, "severity", "INFO", "3.3"),
    (1, "resource", DROP, "3.3.9"), (1, "resource", {"attributes": RESOURCE}, "3.3.9"), (1, "attributes", [], "3.3.7"),
    (1, "body/sluis.note", "x", "3.3.8"), (1, "body/adl.core.policies", {"terms": "raw"}, "3.3.7"),
    (1, "attributes/adl.core.request", asked(), "3.3.7 | the payload itself"),
    (1, "attributes/adl.core.response", "there", "3.3.7"),
    (1, "attributes/adl.core.response", {"decision": True}, "3.3.7 | the payload itself"),
    (1, "attributes/adl.core.response", {"record": 5}, "3.3.7 | both"), (1, "attributes/adl.core.request", {}, "3.5"),
    (1, "attributes/adl.core.policies/", "v1", "3.3.7 | without a name"), (1, "attributes/dpl.core.data_subject_id", 5, "5.1.4"),
    (6, "body/adl.core.configuration", "1.0.0", "3.3.8 | no object"),
    (1, RESPONSE + "/context", "denied", "AuthZEN 6.2 | context"),
    (1, "attributes/adl.core.policies", "v1", "3.3.7"), (1, "attributes/adl.core.policies", {}, "3.3.7"),
    (1, "attributes/adl.core.policies/terms", "", "3.5"), (1, "attributes/adl.core.information/hr/span_id", "X", "3.5.3"),
    (1, "attributes/adl.core.reason", {}, "3.3.7"), (1, "attributes/adl.fsc.transaction_id", "t1", "3.3.7.6"),
    (1, "attributes/Note", "x", "3.3.7"), (1, RESPONSE, DROP, "3.3.7.2"), (1, REQUEST, DROP, "4.1.1"), (1, "body", "x", "3.3.8"),
    (1, RESPONSE + "/decision", "false", "AuthZEN 6.2"), (1, RESPONSE + "/why", "x", "AuthZEN 6.2"),
    (1, RESPONSE, {"results": []}, "AuthZEN 6.2"), (1, REQUEST + "/subject", DROP, "AuthZEN 5"),
    (1, REQUEST + "/resource/id", 5, "AuthZEN 5"), (1, REQUEST + "/action/name", DROP, "AuthZEN 5"),
    (2, RESPONSE, {"decision": True}, "3.2.3"), (2, RESPONSE + "/evaluations", [{"decision": True}], "3.2.3"),
    (2, RESPONSE + "/evaluations", [{"decision": True}] * 3, "3.2.3"), (2, REQUEST + "/evaluations", [], "AuthZEN 7.1"),
    (3, RESPONSE, {"decision": True}, "3.3.6"), (3, RESPONSE + "/results", [{"type": "user", "id": "x"}], "AuthZEN 8"),
    (5, RESPONSE + "/results", [{"id": "use"}], "AuthZEN 8"), (7, RESPONSE + "/context/id", "t1", "3.2.3"),
]
ADL_WRONG_TEXTS = [
    ('{"a":' * 100000 + "\n", "RFC 8259, 9"),
    (text_of(ADL)[:-1], "JSON Lines"), (text_of(ADL).replace("\n", "\r\n"), "JSON Lines"), ("\n" + text_of(ADL), "JSON Lines"),
    ('[]\n', "JSON Lines"), ('{"status":"Unset","status":"Error"}\n', "RFC 8259, 4"), ("{\n", "RFC 8259"),
    (text_of(ADL).replace("1778580000123", "NaN"), "RFC 8259"), ("\ufeff" + text_of(ADL), "RFC 8259, 8.1"),
    (b"\xff\n", "RFC 8259, 8.1"), (text_of(ADL + ADL[:1]), "3.2.3"),
]
SUBJECT = "attributes/" + ldv.SUBJECT
LDV_WRONG = [
    (1, "trace_id", TRACE.upper(), "3.2.2.1"), (1, "trace_id", "-".join([TRACE[:8], TRACE[8:]]), "3.2.2.1"),
    (1, "span_id", "00000000000000B1", "3.2.2.2"), (1, "span_id", DROP, "3.2.2"), (2, "span_id", "00000000000000b1", "3.3.1"),
    (3, "span_id", "0" * 16, "3.2.2.2"), (1, "parent_span_id", "", "3.2.2.7"), (1, "parent_span_id", None, "3.2.2.7"),
    (2, "parent_span_id", "00000000000000b2", "3.3.1"), (2, "trace_id", OTHER_TRACE, "3.3.1"),
    (1, "status", "error", "3.2.2.3"), (1, "status", 2, "3.2.2.3"), (1, "name", "", "3.2.2.4"), (1, "name", "a\nb", "3.2.2.4"),
    (1, "start_time", "2026-05-12T10:00:00Z", "3.2.2.5"), (1, "start_time", 1778580000, "3.2.2.5"),
    (1, "start_time", 1778580000123000000, "3.2.2.5"), (1, "end_time", 1778580000000, "3.2.2.6"), (1, "end_time", DROP, "3.2.2"),
    (2, "start_time", 1778580000000, "3.3.1"), (1, "attributes", DROP, "3.2.2"), (1, "attributes", [], "3.2.2.9"),
    (1, "body", {}, "3.2.2"), (1, "resource", {"service.name": "sluis"}, "3.2.2.8"),
    (1, "resource", {"attributes": {}}, "3.2.2.8"),
    (1, "resource/attributes/enduser.id", "J. de Vries", "2.3.4"), (1, "attributes/sluis.entry", "42", "3.2.2.9"),
    (1, "attributes/" + ldv.ACTIVITY, 14, "3.2.2.9"), (1, "attributes/" + ldv.ACTIVITY, "crowds", "3.2.2.9"),
    (1, "attributes/" + ldv.PROCESSOR, STROOMPLEIN, "3.2.2.9"), (1, "attributes/" + ldv.PROCESSOR, DROP, "3.2.2.7"),
    (1, "attributes/dpl.core.foreign_operation.span_id", "00f067aa0ba902b7", "3.2.2.9"),
    (1, "attributes/dpl.objects.dataset", COUNTS, "3.2.2.9"), (2, SUBJECT + "_type", DROP, "3.3.1.1"),
    (2, SUBJECT, DROP, "3.3.1.1"),
    (2, "attributes/" + ldv.ACTIVITY, DROP, "3.3.1.1"), (2, SUBJECT, ["a", "b"], "3.2.2.9"), (2, SUBJECT, "123456782", "3.3.1.1"),
    (1, "attributes/exception.message", "x", "3.3.2.3"),
]
# Two lines that begin one trace: the second has another cause than the first (3.3.1).
LDV_WRONG_TEXTS = [(text_of([LDV[2], {**LDV[2], "span_id": "00000000000000b4"}]), "3.3.1"), (text_of(LDV) + "{", "RFC 8259")]
PEER, SOURCE, DEST = "logging.yaml peerID", "logging.yaml sourceType", "logging.yaml destinationType"
FSC_WRONG = [
    (1, "transaction_id", "urn:uuid:0190a7f3-0000-7000-8000-000000000001", "3.4.1.1"), (1, "transaction_id", "x", "3.4.1.1"),
    (1, "transaction_id", DROP, "logging.yaml logRecord"),
    (2, "transaction_id", "0190a7f3-0000-7000-8000-000000000001", "3.3.1.1"),
    (1, "direction", "INCOMING", "logging.yaml logRecord"), (1, "direction", "DIRECTION_OUTGOING", "1.3"),
    (1, "grant_hash", "", "logging.yaml grantHash"), (1, "grant_hash", "$1$2$" + "A" * 86, "Core 2.0.0"),
    (1, "grant_hash", "$1$3$AAAA", "Core 2.0.0"), (1, "grant_hash", "$1$4$" + "A" * 86, "3.1.1"),
    (1, "grant_hash", "ab" * 32, "3.1.1"), (1, "grant_hash", "x:" + "A" * 1100, "logging.yaml grantHash"),
    (2, "additional_data", DROP, "3.1.1"), (2, "additional_data", "text", "logging.yaml logRecord"),
    (1, "source/outway_peer_id", STROOMPLEIN, PEER), (1, "source/outway_peer_id", "", PEER),
    (1, "source/outway_peer_id", DROP, "3.3.1.2"), (1, "source/delegator_peer_id", OIN_WATERRIJK, "3.3.1.2"),
    (1, "source/type", "SOURCE", SOURCE), (1, "source/type", "SOURCE_TYPE_DELEGATED_SOURCE", "3.3.1.2"),
    (4, "destination/delegator_peer_id", DROP, "3.3.1.2"), (1, "destination/type", "SOURCE_TYPE_SOURCE", DEST),
    (1, "destination", OIN_WATERRIJK, "logging.yaml destination"), (1, "service_name", "ab", "logging.yaml serviceName"),
    (1, "service_name", COUNTS, "Core 2.0.0"), (2, "service_name", "a\tbcd", "logging.yaml serviceName"),
    (1, "created_at", 1778580000123, "logging.yaml timestamp"), (1, "created_at", "1778580000", "logging.yaml timestamp"),
    (1, "created_at", 1778580000.5, "logging.yaml timestamp"), (1, "outcome", "refused", "logging.yaml logRecord"),
]
FSC_WRONG_TEXTS = [(text_of(FSC + FSC[:1]), "3.3.1.1"), (text_of(FSC)[:-1], "JSON Lines")]


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def expect(self, holds, what):
        self.passed += 1 if holds else 0
        self.failed += 0 if holds else 1
        if not holds:
            print(f"FAILED {what}")

    def skip(self, why):
        self.skipped += 1
        print(f"skipped: {why}")

    def good(self, name, found):
        self.expect(not found, f"{name}: a good sample has findings: {found}")

    def wrong(self, name, section, found):
        section, _, words = section.partition(" | ")
        self.expect(any(one[2] == section and words in one[1] for one in found),
                    f"{name}: not found under {section}, but: {found}")


def lines_tests(tally):
    formats = [("adl", adl.check, ADL, ADL_WRONG, ADL_WRONG_TEXTS), ("ldv", ldv.check, LDV, LDV_WRONG, LDV_WRONG_TEXTS),
               ("fsc", fsc.check, FSC, FSC_WRONG, FSC_WRONG_TEXTS)]
    for name, check, good, wrong, texts in formats:
        tally.good(name, list(check(text_of(good))))
        tally.good(f"{name}, empty", list(check("")))
        for line, path, value, section in wrong:
            shown = "left out" if value is DROP else json.dumps(value)[:60]
            tally.wrong(f"{name} line {line} {path} = {shown}", section, list(check(changed(good, line, path, value))))
        for text, section in texts:
            tally.wrong(f"{name}, a text", section, list(check(text)))
    tally.good("adl over FSC", list(adl.check(changed(ADL, 1, "attributes/adl.fsc.transaction_id", "t1"), fsc=True)))
    number = changed(ADL, 1, "attributes/adl.fsc.transaction_id", 1)
    tally.wrong("adl over FSC", "3.3.7.6 | no text", list(adl.check(number, fsc=True)))
    unsaid = changed(LDV, 3, "attributes/exception.message", DROP)
    for section in ("3.3.1.2", "3.3.2.3"):
        tally.wrong("ldv, what is recommended", section, list(ldv.check(unsaid, recommended=True)))
    part = changed(LDV, 1, "attributes/" + ldv.PROCESSOR, DROP)
    tally.good("ldv, a part of a log", list(ldv.check(part, whole=False)))
    tally.wrong("fsc, profile", "Digikoppeling REST-API 4.0.1",
                list(fsc.check(changed(FSC, 1, "source/outway_peer_id", "duinmeer"), digikoppeling=True)))
    version = changed(FSC, 1, "transaction_id", "0190a7f3-0000-4000-8000-000000000001")
    tally.wrong("fsc, profile", "Digikoppeling REST-API 4.0.1", list(fsc.check(version, digikoppeling=True)))


def prov_tests(tally):
    forms = [("prov-json", prov_check.check_json, prov_samples.JSON, prov_samples.JSON_WRONG),
             ("prov", prov_check.check_turtle, prov_samples.TURTLE, prov_samples.TURTLE_WRONG)]
    for name, check, good, wrong in forms:
        tally.good(name, list(check(good)))
        for old, new, section in wrong:
            tally.expect(good.count(old) >= 1, f"{name}: the sample has no {old!r}")
            tally.wrong(f"{name} {old!r} -> {new!r}", section, list(check(good.replace(old, new, 1))))
    tally.good("prov and prov-json", list(prov_check.differences(prov_samples.TURTLE, prov_samples.JSON)))
    for old, new in prov_samples.DIFFERENT:
        other = prov_samples.TURTLE.replace(old, new, 1)
        tally.wrong(f"prov and prov-json {old!r}", "own rule", list(prov_check.differences(other, prov_samples.JSON)))
    if prov_check.package(prov_samples.JSON) is None:
        tally.skip("the Python package `prov` is not installed")
        return
    tally.good("the package prov", prov_check.package(prov_samples.JSON))
    for old, new in prov_samples.PACKAGE_WRONG:
        tally.wrong(f"the package prov {old!r}", "prov", prov_check.package(prov_samples.JSON.replace(old, new, 1)))


def vectors_tests(tally):
    """Against what others wrote down, where it is: the draft schemas for LDV, and the API of FSC Logging."""
    folder = os.environ.get("SLUIS_VECTORS_DIR")
    if not folder:
        tally.skip("no vectors: SLUIS_VECTORS_DIR is not set")
        return
    if ldv.schemas(folder) is None:
        tally.skip("the vectors have no schemas for LDV")
    else:
        tally.good("ldv and its schemas", list(ldv.check_vectors(text_of(LDV), folder)))
        for path, value in (("span_id", "b1"), ("status", "ok"), ("name", DROP), ("end_time", "x"),
    ("attributes/" + ldv.ACTIVITY, "x")):
            tally.wrong(f"ldv and its schemas {path}", "extensie lezen",
                        list(ldv.check_vectors(changed(LDV, 1, path, value), folder)))
    try:
        with open(os.path.join(folder, "fsc", "logging-1.1.0.yaml"), encoding="utf-8") as file:
            names = set(shape.re.findall(r"[A-Za-z_]+", file.read()))
    except FileNotFoundError:
        tally.skip("the vectors have no API of FSC Logging")
        return
    used = set(FSC[1]) | set(FSC[3]["source"]) | set(FSC[3]["destination"]) | {one for side in fsc.SIDES.values() for one in side}
    tally.expect(used <= names, f"fsc: the API has no {used - names}")


def main():
    tally = Tally()
    lines_tests(tally)
    prov_tests(tally)
    vectors_tests(tally)
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
