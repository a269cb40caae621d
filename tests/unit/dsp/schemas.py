#!/usr/bin/env python3
"""Every message that our nodes send, in exchanges that use every kind, against the JSON schemas of DSP 2025-1.

usage: schemas.py SLUIS_DSP_SAID
"""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
import pinned  # noqa: E402

FOLDER = pinned.vectors("dsp")
pinned.enter()

from dsp_schemas import Schemas  # noqa: E402

SCHEMAS = {
    "CatalogRequestMessage": "catalog/catalog-request-message", "Catalog": "catalog/catalog", "CatalogError": "catalog/catalog-error",
    "ContractRequestMessage": "negotiation/contract-request-message", "ContractOfferMessage": "negotiation/contract-offer-message",
    "ContractNegotiationEventMessage": "negotiation/contract-negotiation-event-message",
    "ContractAgreementMessage": "negotiation/contract-agreement-message",
    "ContractAgreementVerificationMessage": "negotiation/contract-agreement-verification-message",
    "ContractNegotiationTerminationMessage": "negotiation/contract-negotiation-termination-message",
    "ContractNegotiation": "negotiation/contract-negotiation", "ContractNegotiationError": "negotiation/contract-negotiation-error",
    "TransferRequestMessage": "transfer/transfer-request-message", "TransferStartMessage": "transfer/transfer-start-message",
    "TransferSuspensionMessage": "transfer/transfer-suspension-message",
    "TransferCompletionMessage": "transfer/transfer-completion-message",
    "TransferTerminationMessage": "transfer/transfer-termination-message",
    "TransferProcess": "transfer/transfer-process", "TransferError": "transfer/transfer-error",
}
# Catalogues of a running node are checked where there is one (integration_catalog); here the catalogue is a stand-in.
STAND_IN = {"Catalog"}

schemas = Schemas(FOLDER)
said = subprocess.run([sys.argv[1]], capture_output=True, text=True)
if said.returncode != 0:
    print(said.stdout[-2000:], said.stderr[-2000:])
    sys.exit("the exchanges did not go as they should")
seen, failed = {}, 0
for line in filter(None, said.stdout.splitlines()):
    if not line.startswith("{"):
        continue
    message = json.loads(line)
    kind = message["@type"]
    seen[kind] = seen.get(kind, 0) + 1
    if kind in STAND_IN:
        continue
    for fault in schemas.faults(SCHEMAS[kind], message):
        failed += 1
        print(f"✗ {kind} at {fault}")
for kind in sorted(set(SCHEMAS) - set(seen)):
    failed += 1
    print(f"✗ {kind} was never sent")
print(f"{sum(seen.values())} messages of {len(seen)} kinds, {failed} failed")
sys.exit(1 if failed else 0)
