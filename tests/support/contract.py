"""The table of roles and methods of the management interface, read from proto/, for tests that go through all of it."""
import re


class Method:
    """A row of the table of roles and methods, as proto/ has it."""

    def __init__(self, service, name, request, options):
        self.service, self.name, self.path = service, name, f"/sluis.v1.{service}/{name}"
        self.roles = {role.strip().lower() for role in re.search(r"roles: \[([^\]]*)\]", options)[1].split(",")}
        self.changes = "changes: true" in options
        self.fields = request

    def body(self, things):
        """What it is asked about, as the fields of its request are called; nothing is changed."""
        out = {}
        for name, (kind, number) in self.fields.items():
            value = things.get((self.service, name), things.get(name))
            if value is not None and kind in ("string", "uint64"):
                out[re.sub("_(.)", lambda found: found[1].upper(), name)] = value
        return {**out, "dryRun": True} if "dry_run" in self.fields else out

    def bytes(self, things):
        """The same as protobuf, framed for gRPC; of strings only."""
        message = b""
        for name, (kind, number) in self.fields.items():
            value = things.get((self.service, name), things.get(name))
            if isinstance(value, str) and kind == "string" and number < 16 and len(value) < 128:
                message += bytes([number << 3 | 2, len(value)]) + value.encode()
        return b"\0" + len(message).to_bytes(4, "big") + message


def contract(source):
    """All methods, as the sources of a release have them."""
    text = re.sub(r"//[^\n]*", "", "\n".join(path.read_text() for path in sorted((source / "proto/sluis/v1").glob("*.proto"))))
    messages = {}
    for name, body in re.findall(r"message (\w+) \{((?:[^{}]|\{[^{}]*\})*)\}", text):
        messages[name] = {field: (kind, int(number)) for kind, field, number in re.findall(r"(\w+) (\w+) = (\d+);", body)}
    out = []
    for service, body in re.findall(r"service (\w+) \{(.*?)\n\}", text, re.S):
        for name, request, options in re.findall(r"rpc (\w+)\((\w+)\) returns \(\w+\) \{(.*?)\n  \}", body, re.S):
            out.append(Method(service, name, messages[request], options))
    return out
