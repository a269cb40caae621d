"""One exchange in both forms: Waterrijk agreed with Duinmeer, released data to it, refused Stroomplein, ended and erased."""

JSON = """{
  "prefix": {
    "w": "https://waterrijk.example/log/",
    "party": "https://waterrijk.example/party/",
    "uuid": "urn:uuid:",
    "odrl": "http://www.w3.org/ns/odrl/2/"
  },
  "agent": {
    "party:waterrijk": {"prov:type": {"$": "prov:Organization", "type": "xsd:QName"}},
    "party:duinmeer": {"prov:type": {"$": "prov:Organization", "type": "xsd:QName"}},
    "party:stroomplein": {"prov:type": {"$": "prov:Organization", "type": "xsd:QName"}},
    "w:node": {"prov:type": {"$": "prov:SoftwareAgent", "type": "xsd:QName"}}
  },
  "entity": {
    "w:offer": {},
    "w:dataset": {"prov:label": {"$": "Counts", "lang": "en"}},
    "uuid:0190a7f3-0000-7000-8000-000000000001": {
      "prov:type": [{"$": "prov:Plan", "type": "xsd:QName"}, {"$": "odrl:Agreement", "type": "xsd:QName"}]
    },
    "w:tx1": {"prov:type": {"$": "prov:Bundle", "type": "xsd:QName"}},
    "w:refusal": {"w:code": "purpose.not_allowed"}
  },
  "activity": {
    "w:negotiation": {"prov:startTime": "2026-05-12T10:00:00Z", "prov:endTime": "2026-05-12T10:05:00Z"},
    "w:refused": {"prov:startTime": "2026-05-12T11:30:00Z", "prov:endTime": "2026-05-12T11:30:00Z"},
    "w:erasure": {"prov:startTime": "2026-05-20T10:00:00Z", "prov:endTime": "2026-05-20T10:00:01Z"}
  },
  "actedOnBehalfOf": {"_:d1": {"prov:delegate": "w:node", "prov:responsible": "party:waterrijk"}},
  "used": {
    "_:u1": {"prov:activity": "w:negotiation", "prov:entity": "w:offer"},
    "_:u2": {"prov:activity": "w:refused", "prov:entity": "w:offer"}
  },
  "wasGeneratedBy": {
    "_:g1": {"prov:entity": "uuid:0190a7f3-0000-7000-8000-000000000001", "prov:activity": "w:negotiation",
             "prov:time": "2026-05-12T10:05:00Z"},
    "_:g2": {"prov:entity": "w:refusal", "prov:activity": "w:refused"}
  },
  "wasDerivedFrom": {
    "_:r1": {"prov:generatedEntity": "uuid:0190a7f3-0000-7000-8000-000000000001", "prov:usedEntity": "w:offer",
             "prov:type": {"$": "prov:Revision", "type": "xsd:QName"}}
  },
  "wasAssociatedWith": {
    "_:a1": {"prov:activity": "w:negotiation", "prov:agent": "w:node"},
    "_:a2": {"prov:activity": "w:refused", "prov:agent": "party:stroomplein"},
    "_:a3": {"prov:activity": "w:erasure", "prov:agent": "party:duinmeer"}
  },
  "wasInvalidatedBy": {
    "_:i1": {"prov:entity": "w:payload", "prov:activity": "w:erasure", "prov:time": "2026-05-20T10:00:00Z"}
  },
  "bundle": {
    "w:tx1": {
      "entity": {"w:payload": {"w:rows": {"$": "24", "type": "xsd:integer"}}},
      "activity": {"w:transfer": {"prov:startTime": "2026-05-12T11:00:00Z", "prov:endTime": "2026-05-12T11:00:02.5Z"}},
      "used": {"_:u1": {"prov:activity": "w:transfer", "prov:entity": "w:dataset", "prov:time": "2026-05-12T11:00:01Z"}},
      "wasGeneratedBy": {"_:g1": {"prov:entity": "w:payload", "prov:activity": "w:transfer",
                                  "prov:time": "2026-05-12T11:00:02Z"}},
      "wasDerivedFrom": {"_:r1": {"prov:generatedEntity": "w:payload", "prov:usedEntity": "w:dataset"}},
      "wasInformedBy": {"_:c1": {"prov:informed": "w:transfer", "prov:informant": "w:negotiation"}},
      "wasAssociatedWith": {
        "_:a1": {"prov:activity": "w:transfer", "prov:agent": "party:duinmeer",
                 "prov:plan": "uuid:0190a7f3-0000-7000-8000-000000000001", "prov:role": "consumer"}
      }
    }
  }
}
"""

TURTLE = """@prefix prov: <http://www.w3.org/ns/prov#> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix odrl: <http://www.w3.org/ns/odrl/2/> .
@prefix uuid: <urn:uuid:> .
PREFIX w: <https://waterrijk.example/log/>
@prefix party: <https://waterrijk.example/party/> .

# Who took part.
party:waterrijk a prov:Agent, prov:Organization .
party:duinmeer a prov:Agent, prov:Organization .
party:stroomplein a prov:Agent , prov:Organization .
w:node a prov:Agent, prov:SoftwareAgent ; prov:actedOnBehalfOf party:waterrijk .

w:offer a prov:Entity .
w:dataset a prov:Entity ; <http://www.w3.org/2000/01/rdf-schema#label> "Counts"@en .
w:tx1 a prov:Bundle, prov:Entity ; prov:generatedAtTime "2026-05-12T11:00:03Z"^^xsd:dateTime .
uuid:0190a7f3-0000-7000-8000-000000000001 a prov:Entity, prov:Plan, odrl:Agreement ;
  prov:wasRevisionOf w:offer ;
  prov:generatedAtTime "2026-05-12T10:05:00Z"^^xsd:dateTime ;
  prov:wasGeneratedBy w:negotiation .
w:negotiation a prov:Activity ;
  prov:used w:offer ;
  prov:wasAssociatedWith w:node ;
  prov:startedAtTime "2026-05-12T10:00:00Z"^^xsd:dateTime ;
  prov:endedAtTime "2026-05-12T10:05:00Z"^^xsd:dateTime ;
.

w:transfer a prov:Activity ;
  prov:wasInformedBy w:negotiation ;
  prov:startedAtTime "2026-05-12T11:00:00Z"^^xsd:dateTime ;
  prov:endedAtTime "2026-05-12T11:00:02.5Z"^^xsd:dateTime ;
  prov:qualifiedUsage [ a prov:Usage ; prov:entity w:dataset ; prov:atTime "2026-05-12T11:00:01Z"^^xsd:dateTime ] ;
  prov:qualifiedAssociation [
    a prov:Association ;
    prov:agent party:duinmeer ;
    prov:hadRole w:consumer ;
    prov:hadPlan uuid:0190a7f3-0000-7000-8000-000000000001
  ] .
w:payload a prov:Entity ; w:rows 24 ;
  prov:wasDerivedFrom w:dataset ;
  prov:qualifiedGeneration [ a prov:Generation ; prov:activity w:transfer ; prov:atTime "2026-05-12T11:00:02Z"^^xsd:dateTime ] ;
  prov:wasInvalidatedBy w:erasure ;
  prov:invalidatedAtTime "2026-05-20T10:00:00Z"^^xsd:dateTime .

w:refused a prov:Activity ; prov:used w:offer ; prov:wasAssociatedWith party:stroomplein ;
  prov:startedAtTime "2026-05-12T11:30:00Z"^^xsd:dateTime ; prov:endedAtTime "2026-05-12T11:30:00Z"^^xsd:dateTime .
w:refusal a prov:Entity ; w:code "purpose.not_allowed" ; prov:wasGeneratedBy w:refused .
w:erasure a prov:Activity ; prov:wasAssociatedWith party:duinmeer ;
  prov:startedAtTime "2026-05-20T10:00:00Z"^^xsd:dateTime ; prov:endedAtTime "2026-05-20T10:00:01Z"^^xsd:dateTime .
"""

# (what is replaced once, by what, section of the finding)
JSON_WRONG = [
    ('"2026-05-12T10:00:00Z"', '"2026-05-12T10:00:00"', "PROV-DM"),
    ('"2026-05-12T10:00:00Z"', '"12 May 2026"', "PROV-DM"),
    ('"2026-05-12T10:00:00Z"', "1778580000", "PROV-DM"),
    ('"prov:endTime": "2026-05-12T10:05:00Z"', '"prov:endTime": "2026-05-12T09:00:00Z"', "30"),
    ('"prov:time": "2026-05-12T11:00:01Z"', '"prov:time": "2026-05-12T10:59:59Z"', "33"),
    ('"prov:time": "2026-05-12T11:00:02Z"', '"prov:time": "2026-05-12T11:00:03Z"', "34"),
    ('"prov:time": "2026-05-20T10:00:00Z"', '"prov:time": "2026-05-12T09:00:00Z"', "36"),
    ('"prov:agent": "party:stroomplein"', '"prov:agent": "party:unknown"', "own rule"),
    ('"_:a2": {"prov:activity": "w:refused"', '"_:a2": {"prov:activity": "w:erasure"', "own rule"),
    ('"prov:activity": "w:erasure", "prov:time"', '"prov:activity": "nobody:x", "prov:time"', "PROV-JSON"),
    ('"w:offer": {}', '"w:offer": {}, "https://waterrijk.example/x": {}', "PROV-JSON"),
    ('"w:offer": {}', '"w:offer": {}, "w:two words": {}', "PROV-N"),
    ('"w:offer": {}', '"w:offer": {}, "w:erasure": {}', "55"),
    ('"w:offer": {}', '"w:offer": {}, "w:offer": {}', "RFC 8259"),
    ('"wasInvalidatedBy"', '"wasErasedBy"', "PROV-JSON"),
    ('"_:r1": {"prov:generatedEntity"', '"_:r1": {"prov:newEntity"', "PROV-DM 5"),
    ('"prov:usedEntity": "w:offer"', '"prov:usedEntity": "uuid:0190a7f3-0000-7000-8000-000000000001"', "42"),
    ('"prov:entity": "w:refusal", "prov:activity": "w:refused"',
     '"prov:entity": "w:refused", "prov:activity": "w:refusal"', "50"),
    ('"$": "prov:Plan"', '"$": "prov:Entity"', "PROV-DM 5.3.3"),
    ('"$": "prov:Bundle"', '"$": "prov:Entity"', "PROV-DM 5.4.2"),
    ('{"$": "24", "type": "xsd:integer"}', '{"value": "24", "type": "xsd:integer"}', "PROV-JSON"),
    ('{"$": "24", "type": "xsd:integer"}', '{"$": 24, "type": "xsd:integer"}', "PROV-JSON"),
    ('"odrl": "http://www.w3.org/ns/odrl/2/"', '"odrl": "http://www.w3.org/ns/odrl/2/", "prov": "http://www.w3.org/prov#"',
     "PROV-JSON"),
    ('"entity": {"w:payload"', '"bundle": {}, "entity": {"w:payload"', "PROV-JSON"),
    ('"w:code": "purpose', '"prov:code": "purpose', "PROV-DM"),
    ('"prov:entity": "w:dataset"', '"prov:entity": ["w:dataset", "w:offer"]', "PROV-JSON"),
    ("{\n", "[\n", "RFC 8259"),
    (JSON, "[]", "PROV-JSON | no JSON object"),
    ('"w:code": "purpose.not_allowed"', '"w:code": null', "PROV-JSON | null"),
    ('"w:offer": {}', '"w:offer": 5', "PROV-JSON | `w:offer` is no object"),
    ('"_:c1": {"prov:informed": "w:transfer", "prov:informant": "w:negotiation"}', '"_:c1": 5',
     "PROV-JSON | `_:c1` is no object"),
    ('"actedOnBehalfOf": {', '"specializationOf": 5, "actedOnBehalfOf": {', "PROV-JSON | `specializationOf` is no object"),
    ('"w:tx1": {\n', '"w:tx2": 5, "w:tx1": {\n', "PROV-JSON | bundle `w:tx2` is no object"),
    ('"entity": {"w:payload"', '"prefix": 5, "entity": {"w:payload"', "PROV-JSON | `prefix` is no object"),
    ('"uuid": "urn:uuid:"', '"uuid": "urn:uuid:", "x": "no iri"', "PROV-JSON | prefix `x` is no IRI"),
    ('"_:g2": {', '"_:g3": {"prov:entity": "w:refusal", "prov:activity": "w:refused", "prov:time": "2026-05-12T11:30:00Z"}, '
     '"_:g4": {"prov:entity": "w:refusal", "prov:activity": "w:erasure", "prov:time": "2026-05-20T10:00:00Z"}, "_:g2": {', "39"),
    ('"_:u2": {', '"_:u3": {"prov:activity": "w:transfer", "prov:entity": "uuid:0190a7f3-0000-7000-8000-000000000001", '
     '"prov:time": "2026-05-12T10:01:00Z"}, "_:u2": {', "37"),
    ('"_:u2": {',
     '"_:u3": {"prov:activity": "w:erasure", "prov:entity": "w:payload", "prov:time": "2026-05-20T10:00:01Z"}, "_:u2": {',
     "38"),
    ('"_:i1": {',
     '"_:i2": {"prov:entity": "w:payload", "prov:activity": "w:erasure", "prov:time": "2026-05-20T10:00:01Z"}, "_:i1": {',
     "40"),
    ('"_:r1": {',
     '"_:r2": {"prov:generatedEntity": "uuid:0190a7f3-0000-7000-8000-000000000001", "prov:usedEntity": "w:payload"}, "_:r1": {',
     "42 | was generated before"),
]
TURTLE_WRONG = [
    ("@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .\n", "", "Turtle 6"),
    ("prov:used w:offer ;", "prov:used w:offer/1 ;", "Turtle 6"),
    ("prov:used w:offer ;", "prov:used <https://waterrijk.example/an offer> ;", "Turtle 6"),
    ('"Counts"@en', '"Coun"ts"@en', "Turtle 6"),
    ("prov:wasGeneratedBy w:negotiation .", "prov:wasGeneratedBy w:negotiation", "Turtle 6"),
    ("prov:wasGeneratedBy w:negotiation .", "prov:wasGenerated w:negotiation .", "PROV-O"),
    ("w:offer a prov:Entity", "w:offer a prov:Offer", "PROV-O"),
    ("w:offer a prov:Entity .", "", "own rule"),
    ("w:offer a prov:Entity", "w:offer a prov:Activity, prov:Entity", "55"),
    ("prov:Entity, prov:Plan,", "prov:Entity,", "PROV-DM 5.3.3"),
    ('prov:startedAtTime "2026-05-12T10:00:00Z"^^xsd:dateTime', 'prov:startedAtTime "2026-05-12T10:00:00Z"', "PROV-O"),
    ('prov:startedAtTime "2026-05-12T10:00:00Z"', 'prov:startedAtTime "2026-05-12 10:00:00Z"', "PROV-DM"),
    ('prov:startedAtTime "2026-05-12T10:00:00Z"', 'prov:startedAtTime "2026-05-12T10:06:00Z"', "30"),
    ('prov:atTime "2026-05-12T11:00:01Z"', 'prov:atTime "2026-05-12T11:00:03Z"', "33"),
    ('prov:atTime "2026-05-12T11:00:02Z"', 'prov:atTime "2026-05-12T10:59:00Z"', "34"),
    ('prov:invalidatedAtTime "2026-05-20', 'prov:invalidatedAtTime "2026-05-11', "36"),
    ("prov:wasInvalidatedBy w:erasure ;\n", "", "PROV-O"),
    ("prov:agent party:duinmeer ;\n", "", "PROV-DM 5"),
    ("prov:wasAssociatedWith party:stroomplein", "prov:wasAssociatedWith w:offer", "50"),
    ("prov:wasAssociatedWith party:stroomplein ;", "", "own rule"),
    ("prov:wasDerivedFrom w:dataset", 'prov:wasDerivedFrom "w:dataset"', "PROV-O"),
    ("prov:endedAtTime \"2026-05-12T10:05:00Z\"^^xsd:dateTime ;",
     'prov:endedAtTime "2026-05-12T10:05:00Z"^^xsd:dateTime, "2026-05-12T10:06:00Z"^^xsd:dateTime ;', "29"),
    ("w:offer a prov:Entity .", 'w:offer a prov:Entity . "Waterrijk" a prov:Agent .', "Turtle 6"),
    ("w:offer a prov:Entity .", 'w:offer a "prov:Entity" .', "PROV-O | a type"),
    ("prov:wasRevisionOf w:offer", "prov:wasRevised w:offer", "PROV-O | no property `wasRevised`"),
    ("prov:hadRole w:consumer", "prov:inRole w:consumer", "PROV-O | no property `inRole`"),
    ("w:offer a prov:Entity .", "w:offer a prov:Entity ", "Turtle 6 | `.` was expected"),
    ("PREFIX w:", "PREFIX w", "Turtle 6 | no prefix"),
    ("w:offer a prov:Entity .", "w:offer 5 prov:Entity .", "Turtle 6 | an IRI was expected"),
    ('"Counts"@en', '"Cou\\qnts"@en', "Turtle 6 | no escape"),
]
# Changes of the Turtle alone: each is then a difference from the PROV-JSON.
DIFFERENT = [
    ("prov:wasDerivedFrom w:dataset", "prov:wasDerivedFrom w:offer"),
    ('prov:endedAtTime "2026-05-12T10:05:00Z"', 'prov:endedAtTime "2026-05-12T10:05:01Z"'),
    ("prov:hadPlan uuid:0190a7f3-0000-7000-8000-000000000001", "prov:hadPlan w:offer"),
    ("prov:actedOnBehalfOf party:waterrijk", "prov:actedOnBehalfOf party:waterrijk, party:duinmeer"),
    ("; prov:actedOnBehalfOf party:waterrijk", ""),
]
PACKAGE_WRONG = [
    ('"wasInvalidatedBy"', '"wasErasedBy"'), ('"w:offer": {}', '"w:offer": {}, "w:erasure": {}'),
    ('{"$": "24", "type": "xsd:integer"}', '{"value": "24"}'), ('"w:offer": {}', '"zz:offer": {}'), ("{\n", "[\n"),
]
