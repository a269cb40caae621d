"""The JSON schemas of DSP 2025-1, for tests; only in the pinned environment (pinned.enter)."""
import json

from jsonschema import Draft201909Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT201909


class Schemas:
    def __init__(self, folder):
        self.folder = folder
        # Three references of the published schemas lack the slash that a JSON pointer begins with.
        self.files = {path: json.loads(path.read_text().replace("#definitions/", "#/definitions/"))
                      for path in folder.rglob("*-schema.json")}
        self.registry = Registry().with_resources(
            [(schema["$id"], Resource.from_contents(schema, default_specification=DRAFT201909))
             for schema in self.files.values() if "$id" in schema])

    def faults(self, name, value):
        """What the schema `name`, such as `catalog/catalog`, finds in the value: places and messages."""
        schema = self.files[self.folder / f"{name}-schema.json"]
        return [f"/{'/'.join(map(str, fault.absolute_path))}: {fault.message[:300]}"
                for fault in Draft201909Validator(schema, registry=self.registry).iter_errors(value)]
