"""Is this a good export of a Logboek dataverwerkingen? After Logboek dataverwerkingen 1.0.0 (Logius, 9 April 2026).

`check(text)` yields (line, what is wrong, section); a line of the file is a log line of one action. What the text recommends
and this node cannot always do is asked for with `recommended=True`. `check_vectors(text, folder)` holds the lines against the
schemas of the draft extension for reading, if the folder has them.
"""
import json
import os
import re
import sys

import shape

CORE = "dpl.core."
ACTIVITY = CORE + "processing_activity_id"
SUBJECT = CORE + "data_subject_id"
SUBJECT_TYPE = CORE + "data_subject_id_type"
PROCESSOR = CORE + "foreign_operation.processor"
EXCEPTION = ["exception.message", "exception.type", "exception.stacktrace"]
# Who used an application belongs in another log (2.3.4). These are the names that OpenTelemetry has for it.
USERS = re.compile(r"(user|enduser|session)\.|process\.(real_|saved_)?(user|owner)")
NINE_DIGITS = re.compile(r"[0-9]{8,9}")


def check_attributes(line, attributes, status, recommended):
    for name, value in attributes.items():
        if name in (ACTIVITY, SUBJECT, SUBJECT_TYPE, PROCESSOR) or name in EXCEPTION:
            if not shape.is_text(value):
                yield line, f"`{name}` is {json.dumps(value)}, not a text", "3.2.2.9"
        elif name.startswith(CORE):
            yield line, f"the text has no attribute `{name}`", "3.2.2.9"
        else:
            yield line, f"`{name}` is of no extension that was established", "3.2.2.9"
    activity = attributes.get(ACTIVITY)
    if shape.is_text(activity) and not shape.URI.fullmatch(activity):
        yield line, f"`{ACTIVITY}` is `{activity}`, not a whole URI", "3.2.2.9"
    processor = attributes.get(PROCESSOR)
    if shape.is_text(processor) and not shape.URL.fullmatch(processor):
        yield line, f"`{PROCESSOR}` is `{processor}`, not a URL", "3.2.2.9"
    yield from check_subject(line, attributes)
    failures = [name for name in EXCEPTION if name in attributes]
    if failures and status != "Error":
        yield line, f"`{failures[0]}` tells of a fault, and the status is not Error", "3.3.2.3"
    if recommended and status == "Error" and EXCEPTION[0] not in attributes:
        yield line, f"the status is Error, and no `{EXCEPTION[0]}` says why", "3.3.2.3"
    if recommended and ACTIVITY not in attributes:
        yield line, f"no `{ACTIVITY}`: it is recommended also where there are no personal data", "3.3.1.2"


def check_subject(line, attributes):
    """Whom the data are about: the three attributes come together (3.3.1.1)."""
    has, has_type = SUBJECT in attributes, SUBJECT_TYPE in attributes
    if has and not has_type:
        yield line, f"`{SUBJECT}` is there without `{SUBJECT_TYPE}`", "3.3.1.1"
    if has_type and not has:
        yield line, f"`{SUBJECT_TYPE}` is there without `{SUBJECT}`", "3.3.1.1"
    if has and ACTIVITY not in attributes:
        yield line, f"personal data were processed, and no `{ACTIVITY}` says in which activity", "3.3.1.1"
    subject = attributes.get(SUBJECT)
    if isinstance(subject, str) and attributes.get(SUBJECT_TYPE) == "BSN" and NINE_DIGITS.fullmatch(subject):
        yield line, f"`{SUBJECT}` is a citizen service number as it is: a pseudonym was recommended", "3.3.1.1"


def check_resource(line, resource):
    if not isinstance(resource, dict) or set(resource) != {"attributes"}:
        yield line, "`resource` is not an object with `attributes` alone", "3.2.2.8"
    elif not isinstance(resource["attributes"], dict) or not resource["attributes"]:
        yield line, "`resource` names nothing in its `attributes`", "3.2.2.8"
    else:
        for name in resource["attributes"]:
            if USERS.match(name):
                yield line, f"`{name}` says which user it was: that does not belong in this log", "2.3.4"


def check_record(line, record, recommended):
    mandatory = ["trace_id", "span_id", "status", "name", "start_time", "end_time", "attributes"]
    yield from shape.check_fields(line, record, mandatory, ["parent_span_id", "resource"], "3.2.2")
    # The text says 16 and 8 bytes; how they are written is Trace Context's, which 3.1 has for the exchange.
    yield from shape.check_id(line, record, "trace_id", shape.TRACE_ID, "3.2.2.1")
    yield from shape.check_id(line, record, "span_id", shape.SPAN_ID, "3.2.2.2")
    yield from shape.check_id(line, record, "parent_span_id", shape.SPAN_ID, "3.2.2.7")
    if "span_id" in record and record.get("parent_span_id") == record["span_id"]:
        yield line, "the action is its own parent", "3.3.1"
    yield from shape.check_status(line, record, "3.2.2.3")
    name = record.get("name")
    if "name" in record and (not shape.is_text(name) or shape.CONTROL.search(name)):
        yield line, "`name` is no text that a person can read", "3.2.2.4"
    for field, section in (("start_time", "3.2.2.5"), ("end_time", "3.2.2.6")):
        yield from shape.check_time(line, record, field, shape.MILLISECONDS, section)
    start, end = record.get("start_time"), record.get("end_time")
    if shape.is_integer(start) and shape.is_integer(end) and end < start:
        yield line, "the action ended before it began", "3.2.2.6"
    if "resource" in record:
        yield from check_resource(line, record["resource"])
    attributes = record.get("attributes")
    if isinstance(attributes, dict):
        yield from check_attributes(line, attributes, record.get("status"), recommended)
    elif "attributes" in record:
        yield line, "`attributes` is no object", "3.2.2.9"


def check_traces(lines, whole):
    """What holds between lines: one trace for one processing, with a parent for each action that another one started."""
    began = {}
    for line, record in lines:
        if "parent_span_id" in record or not isinstance(record.get("trace_id"), str):
            continue
        other = began.setdefault(record["trace_id"], line)
        if other != line:
            yield line, (f"line {other} began the same trace: this action has a parent, or is another processing with a "
                         "trace of its own"), "3.3.1"
    by_span = {r["span_id"]: r for _, r in lines if isinstance(r.get("span_id"), str)}
    for line, record in lines:
        parent = record.get("parent_span_id")
        if not isinstance(parent, str):
            continue
        own = by_span.get(parent)
        attributes = record.get("attributes")
        if own is None:
            if whole and isinstance(attributes, dict) and PROCESSOR not in attributes:
                yield line, ("the parent is of no action in this log, so another application called, and no "
                             f"`{PROCESSOR}` says which"), "3.2.2.7"
            continue
        if shape.is_integer(own.get("start_time")) and shape.is_integer(record.get("start_time")):
            if record["start_time"] < own["start_time"]:
                yield line, "the action began before the one that started it", "3.3.1"


def check(text, recommended=False, whole=True):
    """`whole`: the file holds the whole log. With a part of it, a parent may stand outside the file."""
    lines = []
    for line, record, finding in shape.records(text):
        if finding:
            yield finding
        if record is not None:
            lines.append((line, record))
            yield from check_record(line, record, recommended)
    texts = [(line, r) for line, r in lines if isinstance(r.get("span_id"), str)]
    yield from shape.duplicates(texts, "the action", lambda r: r["span_id"], "3.3.1")
    yield from shape.parents_in_other_traces(lines, "3.3.1")
    yield from check_traces(lines, whole)


# The extension for reading says the same in other names, and writes the trace as a UUID.
READ_NAMES = {"trace_id": "traceId", "span_id": "spanId", "parent_span_id": "parentSpanId", "start_time": "startTime",
              "end_time": "endTime"}


def as_read(record):
    out = {READ_NAMES.get(name, name): value for name, value in record.items()}
    trace = out.get("traceId")
    if isinstance(trace, str) and len(trace) == 32:
        out["traceId"] = "-".join((trace[:8], trace[8:12], trace[12:16], trace[16:20], trace[20:]))
    return out


def _matches(schema, value, at, defs):
    """The part of JSON Schema that the two files use. Yields what does not fit."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        yield from _matches(defs[name], value, at, defs)
        return
    kinds = {"object": dict, "array": list, "string": str}
    kind = schema.get("type")
    if kind in kinds and not isinstance(value, kinds[kind]) or kind == "integer" and not shape.is_integer(value):
        yield f"`{at}` is not of the type {kind}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"`{at}` is none of {', '.join(schema['enum'])}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"`{at}` does not fit {schema['pattern']}"
    formats = {"uri": shape.URI, "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")}
    form = formats.get(schema.get("format"))
    if form and not form.fullmatch(value):
        yield f"`{at}` is no {schema['format']}"
    for name in schema.get("required", []):
        if name not in value:
            yield f"`{at}` has no `{name}`"
    for name, part in schema.get("properties", {}).items():
        if isinstance(value, dict) and name in value:
            yield from _matches(part, value[name], f"{at}.{name}", defs)


def schemas(folder):
    """The schemas of the extension by name, or None where the folder has none of them."""
    media = os.path.join(folder, "ldv", "media")
    try:
        with open(os.path.join(media, "openapi.json"), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(media, "attributes.schema.json"), encoding="utf-8") as file:
            attributes = json.load(file)
    except FileNotFoundError:
        return None
    # As it was published, a comma is missing between a `_comment` and the `$ref` that follows.
    defs = json.loads(re.sub(r'"\s*\n(\s*"\$ref")', r'",\n\1', text))["components"]["schemas"]
    defs["attributes.schema.json"] = attributes
    return defs


def check_vectors(text, folder):
    defs = schemas(folder)
    if defs is None:
        raise FileNotFoundError(f"{folder} has no schemas of the extension for reading")
    for line, record, _ in shape.records(text):
        if record is None:
            continue
        for wrong in _matches(defs["ProcessingActivity"], as_read(record), "processingActivity", defs):
            yield line, wrong, "extensie lezen"


if __name__ == "__main__":
    sys.exit(shape.main(check))
