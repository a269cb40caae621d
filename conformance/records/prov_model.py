"""What a provenance file says, whatever its form: who and what there is, what happened, and in which order.

`findings(model)` holds it against PROV-CONSTRAINTS (W3C, 2013; the number of a constraint is the section) and against what an
export has to have beyond that: each thing that is named is described, and each time has a zone.
"""
import datetime
import re

PROV = "http://www.w3.org/ns/prov#"
ENTITY, ACTIVITY, AGENT = "entity", "activity", "agent"

# Of each relation its two ends, what they are, and what else it may name. PROV-DM 5, in the words of PROV-JSON.
RELATIONS = {
    "wasGeneratedBy": (("entity", ENTITY), ("activity", ACTIVITY), {"time": None}),
    "used": (("activity", ACTIVITY), ("entity", ENTITY), {"time": None}),
    "wasInformedBy": (("informed", ACTIVITY), ("informant", ACTIVITY), {}),
    "wasStartedBy": (("activity", ACTIVITY), ("trigger", ENTITY), {"starter": ACTIVITY, "time": None}),
    "wasEndedBy": (("activity", ACTIVITY), ("trigger", ENTITY), {"ender": ACTIVITY, "time": None}),
    "wasInvalidatedBy": (("entity", ENTITY), ("activity", ACTIVITY), {"time": None}),
    "wasDerivedFrom": (("generatedEntity", ENTITY), ("usedEntity", ENTITY),
                       {"activity": ACTIVITY, "generation": None, "usage": None}),
    "wasAttributedTo": (("entity", ENTITY), ("agent", AGENT), {}),
    "wasAssociatedWith": (("activity", ACTIVITY), ("agent", AGENT), {"plan": ENTITY}),
    "actedOnBehalfOf": (("delegate", AGENT), ("responsible", AGENT), {"activity": ACTIVITY}),
    "wasInfluencedBy": (("influencee", None), ("influencer", None), {}),
    "alternateOf": (("alternate1", ENTITY), ("alternate2", ENTITY), {}),
    "specializationOf": (("specificEntity", ENTITY), ("generalEntity", ENTITY), {}),
    "hadMember": (("collection", ENTITY), ("entity", ENTITY), {}),
}
_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


class Model:
    """Things by IRI, and relations between them. Each has the line where it stands."""

    def __init__(self):
        self.kinds = {}      # IRI: {kind: line}
        self.types = {}      # IRI: {IRI of a type}
        self.times = {}      # (IRI of an activity, "start" or "end"): {text: line}
        self.relations = []  # (name, first, second, {what else: IRI or text}, line)
        self.faults = []     # what its reader found already

    def add(self, iri, kind, line):
        self.kinds.setdefault(iri, {}).setdefault(kind, line)

    def relate(self, name, first, second, more, line):
        self.relations.append((name, first, second, more, line))


def instant(text):
    """A comparable time, or None where there is none: `what` says why."""
    found = _TIME.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None, f"`{text}` is no xsd:dateTime"
    if not found[2]:
        return None, f"`{text}` has no time zone"
    fraction = found[1] or "."
    zone = "+00:00" if found[2] == "Z" else found[2]
    try:
        whole = datetime.datetime.fromisoformat(text[:19] + zone)
    except ValueError:
        return None, f"`{text}` is no xsd:dateTime"
    return (whole, fraction[1:].ljust(12, "0")), None


def short(iri):
    iri = str(iri)
    return iri if len(iri) <= 70 else "…" + iri[-69:]


class _Times:
    """All times of a file, read once; what cannot be read is told once and then left out."""

    def __init__(self, model):
        self.wrong = []
        self.start, self.end, self.generated, self.used, self.invalidated = {}, {}, {}, {}, {}
        for (iri, which), texts in model.times.items():
            table, number = (self.start, "28") if which == "start" else (self.end, "29")
            read = [self.read(text, line) for text, line in texts.items()]
            read = [one for one in read if one]
            if len({at for at, _ in read}) > 1:
                self.wrong.append((read[1][1], f"`{short(iri)}` has two times of its {which}", number))
            if read:
                table[iri] = read[0]
        for name, first, second, more, line in model.relations:
            table = {"wasGeneratedBy": self.generated, "used": self.used, "wasInvalidatedBy": self.invalidated}.get(name)
            if table is None or "time" not in more:
                continue
            at = self.read(more["time"], line)
            if at:
                entity, activity = (second, first) if name == "used" else (first, second)
                table.setdefault(entity, []).append((at[0], line, activity))

    def read(self, text, line):
        at, why = instant(text)
        if why:
            self.wrong.append((line, why, "PROV-DM"))
            return None
        return at, line


def _ends(model):
    """Each relation has its two ends, and they are what they have to be."""
    for name, first, second, more, line in model.relations:
        one, other, extra = RELATIONS[name]
        needed = [(one[0], one[1], first), (other[0], other[1], second)]
        needed += [(role, extra[role], more[role]) for role in extra if extra[role] and role in more]
        for role, kind, iri in needed:
            if iri is None:
                yield line, f"`{name}` has no {role}", "PROV-DM 5"
            elif iri not in model.kinds:
                yield line, f"`{name}` names `{short(iri)}`, which the file does not describe", "own rule"
            # An agent may be an entity or an activity as well, but then it is said to be an agent.
            elif kind and kind not in model.kinds[iri]:
                yield line, f"the {role} of `{name}` is `{short(iri)}`, which is no {kind}", "50"
        if "plan" in more and PROV + "Plan" not in model.types.get(more["plan"], set()):
            yield line, f"the plan `{short(more['plan'])}` is not said to be a prov:Plan", "PROV-DM 5.3.3"
        if first is not None and first == second and name in ("wasDerivedFrom", "specializationOf"):
            yield line, f"`{short(first)}` is derived from itself", "42" if name == "wasDerivedFrom" else "52"


def _order(times):
    """What the constraints 30 to 38 say of times; an event that has no time is not compared."""
    for iri, (at, line) in times.end.items():
        if iri in times.start and at < times.start[iri][0]:
            yield line, f"`{short(iri)}` ended before it began", "30"
    for table, number, what in ((times.used, "33", "used"), (times.generated, "34", "generated")):
        for entity, events in table.items():
            for at, line, activity in events:
                if activity in times.start and at < times.start[activity][0]:
                    yield line, f"`{short(entity)}` was {what} before the activity began", number
                if activity in times.end and at > times.end[activity][0]:
                    yield line, f"`{short(entity)}` was {what} after the activity had ended", number
    for entity, events in times.generated.items():
        if len({at for at, _, _ in events}) > 1:
            yield events[1][1], f"`{short(entity)}` was generated twice, at two times", "39"
        for at, line, _ in times.used.get(entity, []):
            if at < events[0][0]:
                yield line, f"`{short(entity)}` was used before it was generated", "37"
        for at, line, _ in times.invalidated.get(entity, []):
            if at < events[0][0]:
                yield line, f"`{short(entity)}` was invalidated before it was generated", "36"
    for entity, events in times.invalidated.items():
        if len({at for at, _, _ in events}) > 1:
            yield events[1][1], f"`{short(entity)}` was invalidated twice, at two times", "40"
        for at, line, _ in times.used.get(entity, []):
            if at > events[0][0]:
                yield line, f"`{short(entity)}` was used after it was invalidated", "38"


def _derivations(model, times):
    """What was derived is younger than what it was derived from (42)."""
    for name, young, old, _, line in model.relations:
        if name != "wasDerivedFrom" or young == old:
            continue
        if young in times.generated and old in times.generated and times.generated[young][0][0] < times.generated[old][0][0]:
            yield line, f"`{short(young)}` was generated before `{short(old)}`, of which it was derived", "42"


def findings(model):
    yield from model.faults
    for iri, kinds in model.kinds.items():
        if ENTITY in kinds and ACTIVITY in kinds:
            yield max(kinds.values()), f"`{short(iri)}` is both an entity and an activity", "55"
    yield from _ends(model)
    times = _Times(model)
    yield from times.wrong
    yield from _order(times)
    yield from _derivations(model, times)
    # Nobody would know whose doing it was: an export is there to tell that.
    done = {first for name, first, _, _, _ in model.relations if name == "wasAssociatedWith"}
    for iri, kinds in model.kinds.items():
        if ACTIVITY in kinds and iri not in done:
            yield kinds[ACTIVITY], f"nobody is associated with the activity `{short(iri)}`", "own rule"


def statements(model):
    """What can be compared between two forms of one export."""
    said = {("is", iri, kind) for iri, kinds in model.kinds.items() for kind in kinds}
    said |= {(name, first, second) for name, first, second, _, _ in model.relations}
    said |= {("plan", first, more["plan"]) for _, first, _, more, _ in model.relations if "plan" in more}
    for (iri, which), texts in model.times.items():
        said |= {(which, iri, str(instant(text)[0])) for text in texts}
    return said
