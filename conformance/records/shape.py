"""What the checkers share: reading JSON Lines, the forms of ids and times, and how findings are printed.

A finding is (line, what is wrong, section of the text that says so). A checker yields findings and nothing else: no finding
means that nothing was found, which is why records_test.py holds a wrong record for each rule.
"""
import json
import re
import sys

TRACE_ID = re.compile(r"[0-9a-f]{32}")
SPAN_ID = re.compile(r"[0-9a-f]{16}")
TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
# RFC 3986: a scheme, and something after it without spaces or other characters that have to be escaped.
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
URL = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")

UINT64 = 2**64
# From 2001 to 2286 a time in milliseconds has 13 digits, in seconds 10. Another length is another unit.
MILLISECONDS = (10**12, 10**13)
SECONDS = (10**9, 10**10)


class _Twice(ValueError):
    pass


def _once(pairs):
    """An object in which no name stands twice: readers differ in which of the two they take (RFC 8259, 4)."""
    found = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(f"the name `{name}` stands twice in one object")
        found[name] = value
    return found


def _no_number(text):
    raise ValueError(f"`{text}` is no JSON number")


def parse(text):
    return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)


def records(text):
    """(line, record, None) for each object of a JSON Lines text, (line, None, finding) for what is none."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as wrong:
            yield 1, None, (1, f"this is not UTF-8: {wrong.reason} at byte {wrong.start}", "RFC 8259, 8.1")
            return
    if text.startswith("\ufeff"):
        yield 1, None, (1, "the text begins with a byte order mark", "RFC 8259, 8.1")
        text = text[1:]
    if not text:
        return
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        yield len(lines), None, (len(lines), "the last line has no `\\n`: it may have been cut off", "JSON Lines")
    for number, line in enumerate(lines, 1):
        finding = None
        record = None
        if line.endswith("\r"):
            yield number, None, (number, "the line ends with `\\r\\n`, not `\\n`", "JSON Lines")
        if not line.strip():
            finding = (number, "the line is empty", "JSON Lines")
        else:
            try:
                record = parse(line)
            except _Twice as wrong:
                finding = (number, str(wrong), "RFC 8259, 4")
            except ValueError as wrong:
                finding = (number, f"the line is no JSON: {wrong}", "RFC 8259")
            except RecursionError:
                finding = (number, "the line is nested too deeply", "RFC 8259, 9")
            if finding is None and not isinstance(record, dict):
                finding = (number, "the line is no JSON object", "JSON Lines")
        yield number, None if finding else record, finding


def is_integer(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value):
    return isinstance(value, str) and value.strip() != ""


def check_fields(line, record, required, optional, section, what="the record"):
    """Fields that are missing, and fields that the text does not have."""
    for name in required:
        if name not in record:
            yield line, f"{what} has no `{name}`", section
    for name in record:
        if name not in required and name not in optional:
            yield line, f"{what} has a field `{name}` that the text does not have", section


def check_id(line, record, name, pattern, section):
    """An id in hexadecimal, if it is there at all. `null` and "" are no way to say that there is none."""
    if name not in record:
        return
    value = record[name]
    digits = 32 if pattern is TRACE_ID else 16
    if not isinstance(value, str) or not pattern.fullmatch(value):
        yield line, f"`{name}` is {json.dumps(value)}, not {digits} lower-case hexadecimal characters", section
    elif set(value) == {"0"}:
        yield line, f"`{name}` is all zeroes, which Trace Context does not allow", section


def check_time(line, record, name, span, section):
    if name not in record:
        return
    value = record[name]
    unit = "milliseconds" if span is MILLISECONDS else "seconds"
    if not is_integer(value):
        yield line, f"`{name}` is {json.dumps(value)}, not a whole number", section
    elif not 0 <= value < UINT64:
        yield line, f"`{name}` does not fit an unsigned number of 64 bits", section
    elif not span[0] <= value < span[1]:
        yield line, f"`{name}` is {value}: that is no time in {unit}", section


def check_status(line, record, section):
    """The same three words in the Authorization Decision Log and in the Logboek."""
    if "status" in record and record["status"] not in ("Unset", "Ok", "Error"):
        yield line, f"`status` is {json.dumps(record['status'])}, not `Unset`, `Ok` or `Error`", section


def parents_in_other_traces(lines, section):
    """A span whose parent stands in this file under another trace. `lines` are (line, record)."""
    trace_of = {r.get("span_id"): r.get("trace_id") for _, r in lines if isinstance(r.get("span_id"), str)}
    for line, record in lines:
        parent = record.get("parent_span_id")
        if isinstance(parent, str) and trace_of.get(parent, record.get("trace_id")) != record.get("trace_id"):
            yield line, f"the parent `{parent}` belongs to another trace", section


def duplicates(lines, name, key, section):
    """Where `key(record)` was seen before. A key of None is not compared."""
    seen = {}
    for line, record in lines:
        value = key(record)
        if value is None:
            continue
        if value in seen:
            yield line, f"{name} stands already in line {seen[value]}", section
        else:
            seen[value] = line


def main(check):
    """`python3 THIS FILE` prints what `check` finds, one a line, and exits 1 if it found anything."""
    if len(sys.argv) != 2:
        print(f"usage: {sys.argv[0]} FILE", file=sys.stderr)
        return 2
    with open(sys.argv[1], "rb") as file:
        found = list(check(file.read()))
    for line, what, section in found:
        print(f"{sys.argv[1]}:{line}: {what} [{section}]")
    return 1 if found else 0
