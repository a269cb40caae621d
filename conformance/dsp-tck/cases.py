"""The kit's cases, as our side needs them: what is there before, and what the node does of itself in each. Nothing in a message names a case but
the dataset or the agreement that it is about."""

DATASET = "urn:kit:"  # what a dataset's id begins with: ours are IRIs

# What the node does after what, as script.toml has it.
PROVIDER_NEGOTIATIONS = {
    "ACN0101": {"requested": "offer"},
    "ACN0102": {"requested": "offer"},  # the kit then asks for a dataset that is not there, whatever it is told; refusing that ends it
    "ACN0103": {"requested": "offer", "accepted": "agree", "verified": "finalize"},
    "ACN0104": {"requested": "agree", "verified": "finalize"},
    "ACN0201": {"requested": "terminate"},
    "ACN0202": {"requested": "nothing"},
    "ACN0203": {"requested": "agree"},
    "ACN0204": {"requested": "offer"},
    "ACN0205": {"requested": "offer", "offered": "terminate"},
    "ACN0206": {"requested": "offer", "accepted": "terminate"},
    "ACN0207": {"requested": "agree", "verified": "terminate"},
    "ACN0301": {"requested": "agree", "verified": "finalize"},
    "ACN0302": {"requested": "offer"},
    "ACN0303": {"requested": "offer", "accepted": "nothing"},
    "ACN0304": {"requested": "offer", "countered": "nothing"},
}
CONSUMER_NEGOTIATIONS = {
    "ACNC0101": {"offered": "accept", "agreed": "verify"},
    "ACNC0102": {"offered": "counter"},
    "ACNC0103": {"offered": "terminate"},
    "ACNC0104": {"agreed": "verify"},
    "ACNC0201": {"requested": "nothing"},
    "ACNC0202": {"requested": "terminate"},
    "ACNC0203": {"agreed": "terminate"},
    "ACNC0204": {"offered": "nothing"},
    "ACNC0205": {"offered": "accept"},
    "ACNC0206": {"agreed": "verify"},
    "ACNC0301": {"requested": "nothing"},
    "ACNC0302": {"offered": "nothing"},
    "ACNC0303": {"offered": "nothing"},
    "ACNC0304": {"offered": "accept"},
    "ACNC0305": {"offered": "accept"},
    "ACNC0306": {"offered": "accept", "agreed": "nothing"},
}
PROVIDER_TRANSFERS = {
    "ATP0101": {"requested": "start", "started": "terminate"},
    "ATP0102": {"requested": "start", "started": "complete"},
    "ATP0103": {"requested": "start", "started": "suspend", "suspended": "terminate"},
    "ATP0104": {"requested": "start", "started": "suspend", "suspended": "start", "resumed": "complete"},
    "ATP0105": {"requested": "terminate"},
    "ATP0201": {"requested": "start"},
    "ATP0202": {"requested": "start"},
    "ATP0203": {"requested": "start"},
    "ATP0204": {"requested": "start"},
    "ATP0205": {"requested": "nothing"},
    "ATP0301": {"requested": "nothing"},
    "ATP0302": {"requested": "nothing"},
    "ATP0303": {"requested": "start"},
    "ATP0304": {"requested": "start"},
    "ATP0305": {"requested": "start"},
    "ATP0306": {"requested": "start"},
}
CONSUMER_TRANSFERS = {f"ATPC{case.removeprefix('ATP')}": {} for case in PROVIDER_TRANSFERS}
CONSUMER_TRANSFERS |= {
    "ATPC0201": {"started": "terminate"},
    "ATPC0202": {"started": "complete"},
    "ATPC0203": {"started": "suspend", "suspended": "terminate"},
    "ATPC0204": {"started": "suspend", "suspended": "start", "resumed": "complete"},
    "ATPC0205": {"requested": "terminate"},
}
IMPORTED = f"{DATASET}agreed"  # what the agreements are about
DATASETS = [IMPORTED, *(DATASET + name for name in ("CAT0101", "CAT0102", *PROVIDER_NEGOTIATIONS))]
AGREEMENTS = [(id, "provider") for id in PROVIDER_TRANSFERS] + [(id, "consumer") for id in CONSUMER_TRANSFERS]


def script(delay_ms):
    lines = [f"delay_ms = {delay_ms}"]
    for kind, role, ids, prefix, all in (("negotiation", "provider", "datasets", DATASET, PROVIDER_NEGOTIATIONS),
                                         ("negotiation", "consumer", "datasets", DATASET, CONSUMER_NEGOTIATIONS),
                                         ("transfer", "provider", "agreements", "", PROVIDER_TRANSFERS),
                                         ("transfer", "consumer", "agreements", "", CONSUMER_TRANSFERS)):
        for name, steps in all.items():
            if steps:
                lines += [f"[[{kind}]]", f'role = "{role}"', f'{ids} = ["{prefix}{name}"]', *(f'{event} = "{act}"' for event, act in steps.items())]
    return "\n".join(lines) + "\n"


def values(party, address, sent, participant):
    """What static.toml holds: by which value the kit is known, and a mock identity of ours for it."""
    return f'''[[inbound]]
party = "{party}"
authorization = "{sent}"
[[outbound]]
party = "{party}"
audience = "{address}"
authorization = '{{"clientId":"{participant}"}}'
'''


def agreement(id, role, party, address):
    return f'''id = "{id}"
role = "{role}"
party = "{party}"
dataset = "{IMPORTED}"
agreed = "2026-01-15T09:00:00Z"
basis = "what the kit expects to have been concluded before"
document = "{"0" * 64}"
address = "{address}"
terms = '{{"permission": [{{"action": "use"}}]}}'
'''


def properties(own, kit, triggers, participant, value):
    port = kit.rsplit(":", 1)[1]
    lines = {
        "dataspacetck.launcher": "org.eclipse.dataspacetck.dsp.system.DspSystemLauncher",
        "dataspacetck.debug": "false", "dataspacetck.ansi": "false",
        "dataspacetck.host": "127.0.0.1", "dataspacetck.port": port, "dataspacetck.callback.address": kit,
        "dataspacetck.dsp.default.wait": "10",  # seconds
        "dataspacetck.dsp.connector.agent.id": participant,
        "dataspacetck.dsp.connector.http.url": f"{own}/2025-1", "dataspacetck.dsp.connector.http.base.url": own,
        "dataspacetck.dsp.connector.http.headers.authorization": value,
        "dataspacetck.dsp.connector.negotiation.initiate.url": f"{triggers}/negotiations",
        "dataspacetck.dsp.connector.transfer.initiate.url": f"{triggers}/transfers",
    }

    def case(kind, id):
        return f"{kind}_{id[-4:-2]}_{id[-2:]}"
    for id in ("CAT0101", "CAT0102", "CAT0103"):
        lines[f"{case('CAT', id)}_DATASETID"] = DATASET + id
    for id in PROVIDER_NEGOTIATIONS:
        lines |= {f"{case('CN', id)}_DATASETID": DATASET + id, f"{case('CN', id)}_OFFERID": f"CD123:{id}:456"}
    for id in CONSUMER_NEGOTIATIONS:
        lines[f"{case('CN_C', id)}_DATASETID"] = DATASET + id
    for kind, all in (("TP", PROVIDER_TRANSFERS), ("TP_C", CONSUMER_TRANSFERS)):
        for id in all:
            lines |= {f"{case(kind, id)}_AGREEMENTID": id, f"{case(kind, id)}_FORMAT": "HttpData-PULL"}
    return "".join(f"{key}={text}\n" for key, text in lines.items())
