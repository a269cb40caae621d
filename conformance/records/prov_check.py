"""Are these good exports of provenance? `check_json` takes PROV-JSON (W3C Submission, 2013), `check_turtle` PROV-O in Turtle
(W3C, 2013); both yield (line, what is wrong, section). `differences` tells where the two exports of one log do not say the
same. `package` has the Python package `prov` read PROV-JSON as well; without the package it is None, and that is `skipped`.
"""
import re
import sys

import shape
import turtle
from prov_model import ACTIVITY, AGENT, ENTITY, PROV, RELATIONS, Model, findings, statements

XSD = turtle.XSD
# What may stand beside the relations in PROV-JSON.
ELEMENTS = {"entity": ENTITY, "activity": ACTIVITY, "agent": AGENT}
SUBCLASSES = {"Entity": ENTITY, "Plan": ENTITY, "Bundle": ENTITY, "Collection": ENTITY, "EmptyCollection": ENTITY,
              "Activity": ACTIVITY, "Agent": AGENT, "Organization": AGENT, "SoftwareAgent": AGENT, "Person": AGENT}
# Attributes of PROV that are no ends of a relation.
PROV_ATTRIBUTES = {"type", "label", "location", "role", "value"}


class _Json:
    """Reads a document, or a bundle within one. A name is a prefix and the rest; only declared prefixes count."""

    def __init__(self, text, model):
        self.model = model
        self.lines = {}  # where each text stands first
        for number, line in enumerate(text.split("\n"), 1):
            for name in re.findall(r'"((?:[^"\\]|\\.)*)"', line):
                self.lines.setdefault(name, number)

    def line_of(self, name):
        return self.lines.get(name, 1) if isinstance(name, str) else 1

    def fault(self, name, what, section):
        self.model.faults.append((self.line_of(name), what, section))

    def iri(self, name, prefixes):
        if not isinstance(name, str):
            self.fault(name, f"`{name}` is no name", "PROV-JSON")
            return None
        prefix, colon, local = name.partition(":")
        if not colon:
            prefix, local = "default", name
        if prefix not in prefixes:
            self.fault(name, f"the prefix of `{name}` is not declared", "PROV-JSON")
            return None
        if any(c in local for c in ' <>"{}|\\^`\n'):
            self.fault(name, f"`{name}` makes no IRI", "PROV-N")
        return prefixes[prefix] + local

    def value(self, name, value, prefixes):
        """A value that is no end of a relation: plain, or with a type or language. The IRI, if it is a name."""
        if isinstance(value, list):
            return [one for part in value for one in self.value(name, part, prefixes)]
        if not isinstance(value, dict):
            if value is None:
                self.fault(name, f"a value of `{name}` is null", "PROV-JSON")
            return []
        if not isinstance(value.get("$"), str) or set(value) - {"$", "type", "lang"}:
            self.fault(name, f"a value of `{name}` is not written with `$` and `type`", "PROV-JSON")
            return []
        if "type" in value:
            kind = self.iri(value["type"], prefixes)
            if kind in (XSD + "QName", PROV + "QUALIFIED_NAME"):
                iri = self.iri(value["$"], prefixes)
                return [iri] if iri else []
        return []

    def element(self, kind, name, content, prefixes):
        iri = self.iri(name, prefixes)
        for one in content if isinstance(content, list) else [content]:
            if not isinstance(one, dict):
                self.fault(name, f"`{name}` is no object", "PROV-JSON")
                continue
            if iri:
                self.model.add(iri, kind, self.line_of(name))
            for attribute, value in one.items():
                local = attribute[5:] if attribute.startswith("prov:") else None
                if kind == ACTIVITY and local in ("startTime", "endTime"):
                    texts = self.model.times.setdefault((iri, local[:-4]), {})
                    texts[value if isinstance(value, str) else repr(value)] = self.line_of(name)
                    continue
                self.attribute(name, attribute, local)
                self.iri(attribute, prefixes)
                values = self.value(attribute, value, prefixes)
                if local == "type" and iri:
                    self.model.types.setdefault(iri, set()).update(values)

    def attribute(self, name, attribute, local):
        if local is not None and local not in PROV_ATTRIBUTES:
            self.fault(name, f"`{attribute}` is no attribute for `{name}`", "PROV-DM")

    def relation(self, kind, name, content, prefixes):
        if not name.startswith("_:"):
            self.iri(name, prefixes)
        first, second, extra = RELATIONS[kind]
        for one in content if isinstance(content, list) else [content]:
            if not isinstance(one, dict):
                self.fault(name, f"`{name}` is no object", "PROV-JSON")
                continue
            ends, more = {}, {}
            for attribute, value in one.items():
                local = attribute[5:] if attribute.startswith("prov:") else None
                if local in (first[0], second[0]) or extra.get(local):
                    ends[local] = self.iri(value, prefixes)
                elif local == "time" and "time" in extra:
                    more["time"] = value
                elif local not in extra:
                    self.attribute(name, attribute, local)
                    self.iri(attribute, prefixes)
                    self.value(attribute, value, prefixes)
            more.update((role, ends[role]) for role in extra if ends.get(role))
            self.model.relate(kind, ends.get(first[0]), ends.get(second[0]), more, self.line_of(name))

    def prefixes(self, container, around):
        found = dict(around)
        given = container.get("prefix", {})
        if not isinstance(given, dict):
            self.fault("prefix", "`prefix` is no object", "PROV-JSON")
            return found
        for prefix, iri in given.items():
            # A scheme alone is an IRI as well (RFC 3986 section 3: the path may be empty).
            if not isinstance(iri, str) or not (shape.URI.fullmatch(iri) or shape.URI.fullmatch(iri + "x")):
                self.fault(prefix, f"the prefix `{prefix}` is no IRI", "PROV-JSON")
            elif prefix in ("prov", "xsd") and iri != {"prov": PROV, "xsd": XSD}[prefix]:
                self.fault(prefix, f"the prefix `{prefix}` is not what it has to be", "PROV-JSON")
            else:
                found[prefix] = iri
        return found

    def container(self, container, around, is_bundle=False):
        prefixes = self.prefixes(container, around)
        for name, content in container.items():
            if name == "prefix":
                continue
            known = name in ELEMENTS or name in RELATIONS or (name == "bundle" and not is_bundle)
            if not known:
                self.fault(name, f"`{name}` is no kind of record here", "PROV-JSON")
                continue
            if not isinstance(content, dict):
                self.fault(name, f"`{name}` is no object", "PROV-JSON")
                continue
            for key, value in content.items():
                if name in ELEMENTS:
                    self.element(ELEMENTS[name], key, value, prefixes)
                elif name in RELATIONS:
                    self.relation(name, key, value, prefixes)
                elif isinstance(value, dict):
                    self.bundle(key, value, prefixes)
                else:
                    self.fault(key, f"the bundle `{key}` is no object", "PROV-JSON")

    def bundle(self, name, content, prefixes):
        iri = self.iri(name, prefixes)
        self.container(content, prefixes, is_bundle=True)
        if iri and PROV + "Bundle" not in self.model.types.get(iri, set()):
            self.fault(name, f"the bundle `{name}` is not said to be an entity of the type prov:Bundle", "PROV-DM 5.4.2")


def read_json(text):
    model = Model()
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        document = shape.parse(text)
    except ValueError as wrong:
        model.faults.append((getattr(wrong, "lineno", 1), f"this is no JSON: {wrong}", "RFC 8259"))
        return model
    if not isinstance(document, dict):
        model.faults.append((1, "this is no JSON object", "PROV-JSON"))
        return model
    _Json(text, model).container(document, {"prov": PROV, "xsd": XSD})
    return model


def check_json(text):
    yield from findings(read_json(text))


# Short and long form of each relation in PROV-O, with what a long form has for its other end.
SHORT = {name: name for name in RELATIONS}
SHORT.update(wasRevisionOf="wasDerivedFrom", hadPrimarySource="wasDerivedFrom", wasQuotedFrom="wasDerivedFrom")
LONG = {"qualifiedGeneration": ("wasGeneratedBy", "activity"), "qualifiedUsage": ("used", "entity"),
        "qualifiedCommunication": ("wasInformedBy", "activity"), "qualifiedStart": ("wasStartedBy", "entity"),
        "qualifiedEnd": ("wasEndedBy", "entity"), "qualifiedInvalidation": ("wasInvalidatedBy", "activity"),
        "qualifiedDerivation": ("wasDerivedFrom", "entity"), "qualifiedRevision": ("wasDerivedFrom", "entity"),
        "qualifiedAttribution": ("wasAttributedTo", "agent"), "qualifiedAssociation": ("wasAssociatedWith", "agent"),
        "qualifiedDelegation": ("actedOnBehalfOf", "agent"), "qualifiedQuotation": ("wasDerivedFrom", "entity"),
        "qualifiedPrimarySource": ("wasDerivedFrom", "entity")}
EVENTS = {"generatedAtTime": "wasGeneratedBy", "invalidatedAtTime": "wasInvalidatedBy"}
TIMES = {"startedAtTime": "start", "endedAtTime": "end"}
IN_LONG = {"activity", "entity", "agent", "atTime", "hadPlan", "hadRole", "hadActivity", "hadGeneration", "hadUsage"}
OTHER = {"value", "atLocation"}
CLASSES = set(SUBCLASSES) | {"Generation", "Usage", "Communication", "Start", "End", "Invalidation", "Derivation",
                             "Revision", "Quotation", "PrimarySource",
                             "Attribution", "Association", "Delegation", "Role", "Location"}


def _date(model, literal, line):
    if not isinstance(literal, tuple) or literal[1] != XSD + "dateTime":
        model.faults.append((line, "a time is not written as xsd:dateTime", "PROV-O"))
        return None
    return literal[0]


def _long(model, owner, local, about, line):
    """A relation with a node of its own, which says when, in which role and by which plan."""
    relation, end = LONG[local]
    found = dict((name, (value, at)) for name, value, at in about)
    other = found.get(end, (None, line))[0]
    more = {}
    if "atTime" in found:
        more["time"] = _date(model, *found["atTime"])
    if "hadPlan" in found:
        more["plan"] = found["hadPlan"][0]
    if "hadActivity" in found:
        more["activity"] = found["hadActivity"][0]
    model.relate(relation, owner, other, {name: value for name, value in more.items() if value}, line)


def read_turtle(text):
    model = Model()
    try:
        text = text.decode("utf-8") if isinstance(text, bytes) else text
        triples = turtle.read(text)
    except ValueError as wrong:
        model.faults.append((getattr(wrong, "line", 1), f"this is no Turtle: {wrong}", "Turtle 6"))
        return model
    about = {}
    moments = []
    for subject, predicate, value, line in triples:
        if predicate.startswith(PROV):
            about.setdefault(subject, []).append((predicate[len(PROV):], value, line))
    for subject, predicate, value, line in triples:
        if predicate == turtle.RDF + "type":
            if isinstance(value, tuple):
                model.faults.append((line, "a type is a text, not an IRI", "PROV-O"))
                continue
            model.types.setdefault(subject, set()).add(value)
            name = value[len(PROV):] if value.startswith(PROV) else None
            if name is not None and name not in CLASSES:
                model.faults.append((line, f"PROV-O has no class `{name}`", "PROV-O"))
            if name in SUBCLASSES:
                model.add(subject, SUBCLASSES[name], line)
        elif predicate.startswith(PROV):
            local = predicate[len(PROV):]
            if (local in SHORT or local in LONG) and isinstance(value, tuple):
                model.faults.append((line, f"`{local}` has a text where a thing has to stand", "PROV-O"))
            elif local in SHORT:
                model.relate(SHORT[local], subject, value, {}, line)
            elif local in LONG:
                _long(model, subject, local, about.get(value, []), line)
            elif local in TIMES:
                text_of = _date(model, value, line)
                if text_of:
                    model.times.setdefault((subject, TIMES[local]), {}).setdefault(text_of, line)
            elif local in EVENTS:
                moments.append((subject, EVENTS[local], _date(model, value, line), line))
            elif local not in IN_LONG and local not in OTHER:
                model.faults.append((line, f"PROV-O has no property `{local}`", "PROV-O"))
    _moments(model, moments)
    return model


def _moments(model, moments):
    """`generatedAtTime` is the time of the generation that the short form names without one."""
    first_of = {}
    for at, one in enumerate(model.relations):
        first_of.setdefault(one[:2], at)
    for subject, relation, text, line in moments:
        if text is None:
            continue
        at = first_of.get((relation, subject))
        if at is None:
            if PROV + "Bundle" not in model.types.get(subject, set()):
                model.faults.append((line, f"a time for `{relation}`, and nothing says by what", "PROV-O"))
            continue
        name, first, second, more, where = model.relations[at]
        model.relations[at] = (name, first, second, {**more, "time": text}, where)


def check_turtle(text):
    yield from findings(read_turtle(text))


def differences(turtle_text, json_text):
    """What one of the two exports says and the other does not."""
    one, other = statements(read_turtle(turtle_text)), statements(read_json(json_text))
    for said in sorted(map(str, one - other)):
        yield 1, f"only the Turtle says {said}", "own rule"
    for said in sorted(map(str, other - one)):
        yield 1, f"only the PROV-JSON says {said}", "own rule"


def package(text):
    """What the package `prov` has to say of PROV-JSON, as findings; None where it is not installed."""
    try:
        from prov.model import ProvDocument
    except ImportError:
        return None
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    try:
        document = ProvDocument.deserialize(content=text, format="json")
        again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
        document.unified()
    except Exception as wrong:  # it raises what its parts raise: a missing `$` and a wrong type are not of one family
        return [(1, f"the package `prov` refuses it: {wrong}", "prov")]
    return [] if again == document else [(1, "what the package `prov` writes of it is not what it read", "prov")]


def check(text):
    """For the command line: Turtle or PROV-JSON, told apart by how the text begins."""
    if not text.lstrip().startswith(b"{"):
        yield from check_turtle(text)
        return
    yield from check_json(text)
    told = package(text)
    if told is None:
        print("skipped: the Python package `prov` is not installed", file=sys.stderr)
    else:
        yield from told


if __name__ == "__main__":
    sys.exit(shape.main(check))
