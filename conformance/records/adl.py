"""Is this a good export of an Authorization Decision Log? After Authorization Decision Log 1.0.0 (Logius, 25 June 2026).

`check(text)` yields (line, what is wrong, section). It takes the strict side: what the text only recommends is asked for
where this node can do it, and a field that the text does not have is a finding. Sections with `AuthZEN` are of NLgov
AuthZEN 1.0.0, which has the shape of what is asked and answered.
"""
import json
import re
import sys

import shape

EVENTS = {"adl.access_evaluation", "adl.access_evaluations", "adl.search_subject", "adl.search_action",
          "adl.search_resource"}
# What a decision was made with. Each stands raw in `body`, or as a reference in `attributes`, never in both (3.3.7).
SOURCES = ["adl.core.request", "adl.core.response", "adl.core.policies", "adl.core.information",
           "adl.core.configuration"]
# These three are objects in which each key is the name of one source (3.3.7.3 to 3.3.7.5).
BY_NAME = SOURCES[2:]
OWN_ATTRIBUTE = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+){2,}")
# Members that only the payload itself has: where a reference should stand, they show that it was copied in.
PAYLOAD = {"adl.core.request": {"subject", "action", "resource", "evaluations"},
           "adl.core.response": {"decision", "results", "evaluations"}}


def traceparent(text):
    """The trace and the parent that a `traceparent` names, or None where Trace Context says to ignore it."""
    found = shape.TRACEPARENT.fullmatch(text) if isinstance(text, str) else None
    if not found or found[1] == "ff" or set(found[2]) == {"0"} or set(found[3]) == {"0"}:
        return None
    return found[2], found[3]


def check_entity(line, request, name, wanted):
    """A subject or resource has a type and an id, an action a name; all of them texts (AuthZEN 5)."""
    entity = request.get(name)
    if not isinstance(entity, dict):
        yield line, f"the request has no `{name}`", "AuthZEN 5"
        return
    for member in wanted:
        if not shape.is_text(entity.get(member)):
            yield line, f"`{name}` of the request has no `{member}`", "AuthZEN 5"


def check_request(line, event, request):
    if event == "adl.access_evaluations":
        # What stands in an item is not looked at: one that cannot be read is a question too, and is denied.
        if not isinstance(request.get("evaluations"), list) or not request["evaluations"]:
            yield line, "the request of several evaluations has no `evaluations`", "AuthZEN 7.1"
        return
    sought = event[len("adl.search_"):] if event.startswith("adl.search_") else ""
    yield from check_entity(line, request, "subject", ["type"] if sought == "subject" else ["type", "id"])
    yield from check_entity(line, request, "resource", ["type"] if sought == "resource" else ["type", "id"])
    if sought != "action":
        yield from check_entity(line, request, "action", ["name"])


def check_decision(line, answer, where):
    if not isinstance(answer, dict) or not isinstance(answer.get("decision"), bool):
        yield line, f"{where} has no `decision` that is true or false", "AuthZEN 6.2"
        return
    for name in answer:
        if name not in ("decision", "context"):
            yield line, f"{where} has a member `{name}`", "AuthZEN 6.2"
    if "context" in answer and not isinstance(answer["context"], dict):
        yield line, f"the context of {where} is no object", "AuthZEN 6.2"


def check_evaluations(line, request, response):
    answers = response.get("evaluations")
    if not isinstance(answers, list) or not answers:
        yield line, "the response to several evaluations has no `evaluations`: each outcome stands there", "3.2.3"
        return
    for at, answer in enumerate(answers, 1):
        yield from check_decision(line, answer, f"outcome {at}")
    asked = request.get("evaluations") if isinstance(request, dict) else None
    if not isinstance(asked, list):
        return
    options = request.get("options")
    semantic = options.get("evaluations_semantic") if isinstance(options, dict) else None
    if len(answers) > len(asked):
        yield line, f"{len(answers)} outcomes for {len(asked)} questions", "3.2.3"
    elif len(answers) < len(asked) and semantic in (None, "execute_all"):
        yield line, f"{len(answers)} outcomes for {len(asked)} questions, of which all were to be answered", "3.2.3"


def check_results(line, event, request, response):
    results = response.get("results")
    if not isinstance(results, list):
        yield line, "the response to a search has no `results`", "3.3.6"
        return
    sought = event[len("adl.search_"):]
    asked = request.get(sought) if isinstance(request, dict) else None
    wanted_type = asked.get("type") if isinstance(asked, dict) else None
    for one in results:
        members = ["name"] if sought == "action" else ["type", "id"]
        if not isinstance(one, dict) or not all(shape.is_text(one.get(name)) for name in members):
            yield line, f"a result of a search has no {' and '.join(members)}", "AuthZEN 8"
        elif sought != "action" and wanted_type is not None and one["type"] != wanted_type:
            yield line, f"a `{one['type']}` was found where a `{wanted_type}` was sought", "AuthZEN 8"


def check_response(line, event, request, response):
    if event == "adl.access_evaluation":
        yield from check_decision(line, response, "the response")
    elif event == "adl.access_evaluations":
        yield from check_evaluations(line, request, response)
    else:
        yield from check_results(line, event, request, response)


def check_trace(line, record, request):
    """The request tells what came in. A child of that has the same trace, and a parent (3.2.2, 3.3.3)."""
    context = request.get("context")
    came_in = traceparent(context.get("traceparent")) if isinstance(context, dict) else None
    if came_in is None:
        return
    if "parent_span_id" not in record:
        yield line, "a trace context came in with the request, and the record has no `parent_span_id`", "3.3.3"
    if record.get("trace_id") != came_in[0]:
        yield line, "the request came in with another `trace_id` than the record has", "3.2.2"


def check_named_sources(line, name, value, where):
    if not value:
        yield line, f"`{name}` in `{where}` names no source", "3.3.7"
    for source, content in value.items():
        if not source:
            yield line, f"`{name}` in `{where}` has a source without a name", "3.3.7"
        if content is None or content == "" or content == {} or content == []:
            yield line, f"the source `{source}` of `{name}` is empty: nothing can be retrieved with that", "3.5"
        # A logged source: the span of the call, within the same trace (3.5.3).
        if where == "attributes" and isinstance(content, dict) and set(content) == {"span_id"}:
            yield from shape.check_id(line, content, "span_id", shape.SPAN_ID, "3.5.3")


def check_attributes(line, attributes, fsc):
    for name, value in attributes.items():
        if name in SOURCES:
            if not isinstance(value, dict):
                yield line, f"`{name}` in `attributes` is no object", "3.3.7"
            elif PAYLOAD.get(name, set()) & set(value):
                yield line, f"`{name}` in `attributes` is the payload itself: that belongs in `body`", "3.3.7"
            elif name in BY_NAME:
                yield from check_named_sources(line, name, value, "attributes")
            elif not value:
                yield line, f"`{name}` in `attributes` refers to nothing", "3.5"
        elif name == "adl.fsc.transaction_id":
            if not fsc:
                yield line, "an FSC transaction is named for a request that crosses no inway or outway", "3.3.7.6"
            elif not shape.is_text(value):
                yield line, "`adl.fsc.transaction_id` is no text", "3.3.7.6"
        elif name.startswith("adl."):
            yield line, f"the text has no attribute `{name}`", "3.3.7"
        elif not OWN_ATTRIBUTE.fullmatch(name):
            yield line, f"the attribute `{name}` is not written as `vendor.area.name`", "3.3.7"
        elif name == "dpl.core.data_subject_id" and not shape.is_text(value):
            yield line, f"`{name}` is no text", "5.1.4"


def check_sources(line, record, attributes, body):
    """Where what the decision was made with is found, and that it is found in one place only."""
    for name in body:
        if name not in SOURCES:
            yield line, f"`body` has a member `{name}` that the text does not have", "3.3.8"
        elif not isinstance(body[name], dict):
            yield line, f"`{name}` in `body` is no object", "3.3.8"
        elif name in BY_NAME:
            yield from check_named_sources(line, name, body[name], "body")
        if name in attributes:
            yield line, f"`{name}` stands in both `body` and `attributes`", "3.3.7"
    if "adl.core.request" not in body and "adl.core.request" not in attributes:
        yield line, "what was asked is neither there nor referred to", "4.1.1"
    if "adl.core.response" not in body and "adl.core.response" not in attributes and record.get("status") != "Error":
        yield line, "the response is neither there nor referred to, and the evaluation did not fail", "3.3.7.2"


def check_record(line, record, fsc):
    mandatory = ["trace_id", "span_id", "event_name", "timestamp", "status"]
    optional = ["parent_span_id", "attributes", "resource", "body"]
    yield from shape.check_fields(line, record, mandatory, optional, "3.3")
    yield from shape.check_id(line, record, "trace_id", shape.TRACE_ID, "3.3.1")
    yield from shape.check_id(line, record, "span_id", shape.SPAN_ID, "3.3.2")
    yield from shape.check_id(line, record, "parent_span_id", shape.SPAN_ID, "3.3.3")
    if "span_id" in record and record.get("parent_span_id") == record["span_id"]:
        yield line, "the record's span is its own parent: a decision has a span of its own", "3.2.2"
    event = record.get("event_name")
    if "event_name" in record and event not in EVENTS:
        yield line, f"`event_name` is {json.dumps(event)}, which is none of the five", "3.3.4"
    yield from shape.check_time(line, record, "timestamp", shape.MILLISECONDS, "3.3.5")
    yield from shape.check_status(line, record, "3.3.6")

    parts = {}
    for name, section in (("attributes", "3.3.7"), ("body", "3.3.8"), ("resource", "3.3.9")):
        parts[name] = record.get(name, {})
        if not isinstance(parts[name], dict):
            yield line, f"`{name}` is no object", section
            parts[name] = {}
    if not parts["resource"]:
        yield line, "nothing says who made the record, and an export leaves the organisation", "3.3.9"
    elif isinstance(parts["resource"].get("attributes"), dict):
        yield line, "`resource` is an object of its own pairs here, without `attributes` around them", "3.3.9"
    yield from check_attributes(line, parts["attributes"], fsc)
    yield from check_sources(line, record, parts["attributes"], parts["body"])

    request = parts["body"].get("adl.core.request")
    response = parts["body"].get("adl.core.response")
    if isinstance(request, dict):
        yield from check_trace(line, record, request)
    if event not in EVENTS:
        return
    if isinstance(request, dict):
        yield from check_request(line, event, request)
    if isinstance(response, dict):
        if record.get("status") == "Error" and {"decision", "results", "evaluations"} & set(response):
            yield line, "the status is Error, and there is a decision: a denial is no failure", "3.3.6"
        yield from check_response(line, event, request, response)


def outcomes(record):
    """(id, decision) of each outcome of a record whose response names an id. A cut is a second decision on one request,
    so a denial may follow a permit under the same id; the same decision twice is one decision logged twice."""
    body = record.get("body")
    response = body.get("adl.core.response") if isinstance(body, dict) else None
    if not isinstance(response, dict):
        return
    several = response.get("evaluations")
    for one in several if isinstance(several, list) else [response]:
        context = one.get("context") if isinstance(one, dict) else None
        if isinstance(context, dict) and shape.is_text(context.get("id")):
            yield context["id"], json.dumps(one.get("decision"))


def check(text, fsc=False):
    """`fsc`: the decisions were on requests that cross an inway or outway of FSC, so that its id may stand in them."""
    lines = []
    for line, record, finding in shape.records(text):
        if finding:
            yield finding
        if record is not None:
            lines.append((line, record))
            yield from check_record(line, record, fsc)
    texts = [(line, r) for line, r in lines if isinstance(r.get("span_id"), str)]
    yield from shape.duplicates(texts, "the span", lambda r: r["span_id"], "3.2.3")
    decided = [(line, {"outcome": one}) for line, record in lines for one in outcomes(record)]
    yield from shape.duplicates(decided, "the same decision", lambda r: r["outcome"], "3.2.3")
    yield from shape.parents_in_other_traces(lines, "3.2.2")


if __name__ == "__main__":
    sys.exit(shape.main(check))
