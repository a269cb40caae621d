"""Whose cosignatures are enough: the policy in section 7 of connector/docs/log-format.md."""
import re

from notes import Bad, Key


def key_at(text, algorithm, taken):
    try:
        key = Key(text.decode(), algorithm)
    except UnicodeDecodeError:
        raise Bad("a key that is no UTF-8") from None
    if key.public in taken:
        raise Bad("a key that comes twice")
    taken.add(key.public)
    return key


class Policy:
    """`rules` has for each name its witness, or how many of which names; `asks`: it wants somebody."""

    def __init__(self, data):
        if not data.endswith(b"\n") or re.search(rb"[^\t\n\x20-\x7e\x80-\xff]", data):
            raise Bad("an octet that may not be, or no end of the last line")
        self.logs, self.rules, quorums = [], {}, []
        self.members, log_keys, witness_keys = set(), set(), set()
        for line in data.split(b"\n"):
            items = [one for one in re.split(rb"[ \t]+", line) if one]
            if not items or items[0][:1] == b"#":
                continue
            word, count = items[0], len(items)
            if word == b"log" and count in (2, 3):
                self.logs.append(key_at(items[1], 1, log_keys))
            elif word == b"witness" and count in (3, 4):
                self.define(items[1], key_at(items[2], 4, witness_keys))
            elif word == b"group" and count >= 4:
                self.define(items[1], self.group(items[2], items[3:]))
            elif word == b"quorum" and count == 2 and (items[1] == b"none" or items[1] in self.rules):
                quorums.append(items[1])
            else:
                raise Bad(f"a line {word!r} of {count} items, or of an unknown name")
        if len(quorums) != 1:
            raise Bad(f"{len(quorums)} quorums")
        self.quorum = quorums[0]
        self.asks = self.quorum != b"none"

    def define(self, name, rule):
        if name == b"none" or name in self.rules:
            raise Bad(f"{name!r} cannot be defined, or twice")
        self.rules[name] = rule

    def group(self, wanted, names):
        for name in names:
            if name not in self.rules or name in self.members:
                raise Bad(f"{name!r} is no member, or of two groups")
            self.members.add(name)
        wanted = {b"any": b"1", b"all": b"%d" % len(names)}.get(wanted, wanted)
        if not re.fullmatch(rb"[1-9][0-9]{0,5}", wanted) or int(wanted) > len(names):
            raise Bad("a group of another number")
        return int(wanted), names

    def met(self, note):
        """Whether enough have witnessed a note that its log signed. Bad: a cosignature is wrong."""
        witnessed = {b"none"}
        for name, rule in self.rules.items():
            if note.cosigned(rule) is not None if isinstance(rule, Key) else len(witnessed.intersection(rule[1])) >= rule[0]:
                witnessed.add(name)
        return self.quorum in witnessed
