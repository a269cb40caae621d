"""Is this a good export of an FSC transaction log? After FSC - Logging 1.1.0 (Logius, 21 April 2026) and its `logging.yaml`.

`check(text)` yields (line, what is wrong, section); a line is one log record of one side of a transaction. FSC fills
a record from the access token of a contract. An exchange that no FSC contract covers can have the same form, but then its
`grant_hash` must not look like a grant's: it is a URI, and `additional_data` says what it stands for. `digikoppeling=True`
asks for what the Dutch profile adds: an OIN for each peer and a UUID of version 7.
"""
import json
import re
import sys

import shape

# A grant's hash: `$1$`, 3 for a connection or 4 for a delegated one, and 64 bytes in base64. The texts show both alphabets.
GRANT = re.compile(r"\$1\$([34])\$[A-Za-z0-9+/_-]{86}")
SERVICE = re.compile(r"[a-zA-Z0-9._-]{1,100}")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-([0-9a-f])[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
OIN = re.compile(r"[0-9]{8}[0-9A-Z]{12}")

SIDES = {
    "source": ("SOURCE_TYPE_SOURCE", "SOURCE_TYPE_DELEGATED_SOURCE", "outway_peer_id"),
    "destination": ("DESTINATION_TYPE_DESTINATION", "DESTINATION_TYPE_DELEGATED_DESTINATION", "service_peer_id"),
}


def check_peer(line, at, value, digikoppeling):
    if not shape.is_text(value):
        yield line, f"`{at}` is no text", "logging.yaml peerID"
    elif len(value) > 20:
        yield line, f"`{at}` is `{value}`, which is longer than 20 characters", "logging.yaml peerID"
    elif digikoppeling and not OIN.fullmatch(value):
        yield line, f"`{at}` is `{value}`, which is no OIN", "Digikoppeling REST-API 4.0.1"


def check_side(line, record, name, digikoppeling):
    """Source or destination: the peer itself, or with the one on whose behalf it acts (3.3.1.2, 3.4.1.2)."""
    if name not in record:
        return
    side = record[name]
    if not isinstance(side, dict):
        yield line, f"`{name}` is no object", f"logging.yaml {name}"
        return
    plain, delegated, peer = SIDES[name]
    kind = side.get("type")
    if kind not in (plain, delegated):
        yield line, f"the type of `{name}` is {json.dumps(kind)}, not `{plain}` or `{delegated}`", f"logging.yaml {name}Type"
    fields = ["type", peer] + (["delegator_peer_id"] if kind == delegated else [])
    yield from shape.check_fields(line, side, fields, [], "3.3.1.2", f"`{name}`")
    for field in fields[1:]:
        if field in side:
            yield from check_peer(line, f"{name}.{field}", side[field], digikoppeling)


def check_grant(line, record):
    value = record.get("grant_hash")
    if "grant_hash" not in record:
        return
    if not shape.is_text(value):
        yield line, "`grant_hash` is no text", "logging.yaml grantHash"
        return
    if len(value) > 1024:
        yield line, "`grant_hash` is longer than 1024 characters", "logging.yaml grantHash"
    found = GRANT.fullmatch(value)
    source = record.get("source")
    if found:
        delegated = isinstance(source, dict) and source.get("type") == SIDES["source"][1]
        if delegated != (found[1] == "4"):
            yield line, "the grant and the source do not agree on whether the connection is delegated", "3.1.1"
    elif value.startswith("$"):
        yield line, f"`{value}` is no hash of a grant for a connection", "Core 2.0.0"
    elif not shape.URI.fullmatch(value):
        yield line, f"`grant_hash` is `{value}`: neither the hash of a grant nor a URI", "3.1.1"
    elif not record.get("additional_data"):
        yield line, "no grant covers the exchange, and no `additional_data` says what does", "3.1.1"


def check_service(line, record):
    value = record.get("service_name")
    if "service_name" not in record:
        return
    if not isinstance(value, str) or not 3 <= len(value) <= 255:
        yield line, f"`service_name` is {json.dumps(value)}, not a text of 3 to 255 characters", "logging.yaml serviceName"
    elif shape.CONTROL.search(value):
        yield line, "`service_name` has control characters", "logging.yaml serviceName"
    elif GRANT.fullmatch(str(record.get("grant_hash"))) and not SERVICE.fullmatch(value):
        yield line, f"`{value}` is no name of a service that a grant can have", "Core 2.0.0"


def check_transaction(line, record, digikoppeling):
    value = record.get("transaction_id")
    if "transaction_id" not in record:
        return
    found = UUID.fullmatch(value) if isinstance(value, str) else None
    if not found:
        yield line, f"`transaction_id` is {json.dumps(value)}, not a UUID in lower case", "3.4.1.1"
    elif digikoppeling and found[1] != "7":
        yield line, f"`transaction_id` is a UUID of version {found[1]}, not 7", "Digikoppeling REST-API 4.0.1"


def check_record(line, record, digikoppeling):
    required = ["transaction_id", "direction", "grant_hash", "source", "destination", "service_name", "created_at"]
    yield from shape.check_fields(line, record, required, ["additional_data"], "logging.yaml logRecord")
    yield from check_transaction(line, record, digikoppeling)
    if "direction" in record and record["direction"] not in ("DIRECTION_INCOMING", "DIRECTION_OUTGOING"):
        yield line, f"`direction` is {json.dumps(record['direction'])}", "logging.yaml logRecord"
    yield from check_side(line, record, "source", digikoppeling)
    yield from check_side(line, record, "destination", digikoppeling)
    yield from check_grant(line, record)
    yield from check_service(line, record)
    yield from shape.check_time(line, record, "created_at", shape.SECONDS, "logging.yaml timestamp")
    if "additional_data" in record and not isinstance(record["additional_data"], dict):
        yield line, "`additional_data` is no object", "logging.yaml logRecord"


def own_peer(record):
    """Who wrote the record: the one that received an incoming request, or that sent an outgoing one."""
    name = "destination" if record.get("direction") == "DIRECTION_INCOMING" else "source"
    side = record.get(name)
    return side.get(SIDES[name][2]) if isinstance(side, dict) else None


def check_owner(lines):
    """All records of one log are of one peer (1.3: a TransactionLog is a peer's log)."""
    owner = None
    for line, record in lines:
        if record.get("direction") not in ("DIRECTION_INCOMING", "DIRECTION_OUTGOING"):
            continue
        peer = own_peer(record)
        if not isinstance(peer, str):
            continue
        owner = owner or peer
        if peer != owner:
            yield line, f"by its direction the record is of `{peer}`, and those before it are of `{owner}`", "1.3"


def check(text, digikoppeling=False):
    lines = []
    for line, record, finding in shape.records(text):
        if finding:
            yield finding
        if record is not None:
            lines.append((line, record))
            yield from check_record(line, record, digikoppeling)
    texts = [(line, r) for line, r in lines
             if isinstance(r.get("transaction_id"), str) and isinstance(r.get("direction"), str)]
    yield from shape.duplicates(texts, "the transaction in this direction",
                                lambda r: (r["transaction_id"], r["direction"]), "3.3.1.1")
    yield from check_owner(lines)


if __name__ == "__main__":
    sys.exit(shape.main(check))
