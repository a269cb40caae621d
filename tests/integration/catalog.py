#!/usr/bin/env python3
"""The public catalogue of a running node: Turtle and JSON-LD say the same, and both meet the shapes of DCAT-AP-NL. And what a
peer gets meets the schemas of DSP.

usage: catalog.py BIN_DIR SOURCE_DIR
"""
import json
import pathlib
import shutil
import ssl
import sys
import urllib.request

BIN, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path[:0] = [str(SOURCE / "deploy/demo.d"), str(SOURCE / "tests/support")]
import checks  # noqa: E402
import pinned  # noqa: E402

SHAPES, SCHEMAS = pinned.vectors("dcat"), pinned.vectors("dsp")
pinned.enter()

import pyshacl  # noqa: E402
import rdflib  # noqa: E402
from dsp_schemas import Schemas  # noqa: E402
from federation import Federation, scratch  # noqa: E402
from rdflib.compare import graph_diff, to_isomorphic  # noqa: E402

DCAT, ODRL = rdflib.Namespace("http://www.w3.org/ns/dcat#"), rdflib.Namespace("http://www.w3.org/ns/odrl/2/")
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
f = Federation(scratch("catalog"), binary=BIN / "sluis", base_port=18940, parties=("waterrijk", "duinmeer"))
w, d = f.nodes["waterrijk"], f.nodes["duinmeer"]


def expect(what, good, detail=""):
    checks.expect(what, "well" if good else detail or "not so", "well")


def same_triples():
    turtle = w.open_data("/catalog.ttl").decode()
    read = rdflib.Graph().parse(data=turtle, format="turtle")
    linked = rdflib.Graph().parse(data=w.open_data("/catalog.jsonld").decode(), format="json-ld")
    _, only_turtle, only_linked = graph_diff(to_isomorphic(read), to_isomorphic(linked))
    expect("Turtle says no more", len(only_turtle) == 0, only_turtle.serialize(format="nt")[:1000])
    expect("Turtle says no less", len(only_linked) == 0, only_linked.serialize(format="nt")[:1000])
    expect("all datasets", len(set(read.subjects(rdflib.RDF.type, DCAT.Dataset))) == 2, turtle[:500])
    expect("the offer of what is not open", len(list(read.subject_objects(ODRL.hasPolicy))) == 1)
    expect("Dutch titles", any(o.language == "nl" for o in read.objects(None, rdflib.DCTERMS.title)))
    return read


def meets_shapes(graph):
    for name in ("dcat-ap-nl-SHACL.ttl", "dcat-ap-nl-SHACL-klassebereik.ttl"):
        shapes = rdflib.Graph().parse(SHAPES / name)
        _, report, _ = pyshacl.validate(graph, shacl_graph=shapes, advanced=True, do_owl_imports=False, inference="none")
        wrong = [r for r in report.subjects(rdflib.RDF.type, SH.ValidationResult) if report.value(r, SH.resultSeverity) == SH.Violation]
        said = [f"{report.value(r, SH.focusNode)} {report.value(r, SH.resultPath)}: {report.value(r, SH.resultMessage)}" for r in wrong]
        expect(name, not wrong, "\n  ".join(sorted(set(said))[:10]))
    # A catalogue without publisher must be caught, or the shapes were not looked at.
    broken = rdflib.Graph()
    broken += (t for t in graph if t[1] != rdflib.DCTERMS.publisher)
    conforms, _, _ = pyshacl.validate(broken, shacl_graph=rdflib.Graph().parse(SHAPES / "dcat-ap-nl-SHACL.ttl"), advanced=True)
    expect("what has no publisher is caught", not conforms)


def meets_schemas():
    schemas = Schemas(SCHEMAS)
    context = ssl.create_default_context(cafile=str(w.folder / "tls/roots.pem"))
    context.load_cert_chain(d.folder / "tls/node.pem", d.folder / "tls/node.key")
    base = f"https://localhost:{w.port}"

    def ask(path, body=None):
        request = urllib.request.Request(base + path, data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            return json.load(answer)

    asked = {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage", "filter": []}
    for schema, got in (("catalog/catalog", ask("/2025-1/catalog/request", asked)),
                        ("catalog/dataset", ask("/2025-1/catalog/datasets/urn:waterrijk:detailed-counts")),
                        ("common/protocol-version", ask("/.well-known/dspace-version"))):
        faults = schemas.faults(schema, got)
        expect(schema, not faults, "; ".join(faults[:5]))


def measured():
    with urllib.request.urlopen(f"http://127.0.0.1:{w.port + 2}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    expect("entries are counted", float(values.get("sluis_log_entries", 0)) >= 4, values)
    expect("with help and type", "# TYPE sluis_log_entries counter" in lines and any(x.startswith("# HELP sluis_streams") for x in lines), lines)
    expect("cuts, with their bound", [x for x in lines if x.startswith(("sluis_cut_seconds_count", "sluis_cut_bound_seconds "))],
           ["sluis_cut_seconds_count 0", "sluis_cut_bound_seconds 1"])


try:
    f.begin()
    f.put_data(w, "detailed-counts.csv", "footfall-2023-06.csv")
    f.publish(w, "detailed-counts", "open-counts")
    meets_shapes(same_triples())
    meets_schemas()
    measured()
finally:
    f.stop()
    shutil.rmtree(f.folder, ignore_errors=True)
checks.finish()
