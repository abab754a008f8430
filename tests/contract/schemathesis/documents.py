"""The documents for the fuzzer: closed, so that an undocumented field in a response is found too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.schemas import BaseSchema

from services.api.reference.dialects import described
from services.api.reference.openapi import openapi
from shared.catalog.load import load_catalog

CATALOG = Path(__file__).parents[3] / "deploy" / "catalog.yaml"


def load(dialect: str) -> BaseSchema:
    """What schemathesis makes its requests from."""
    (found,) = (one for one in described(load_catalog(CATALOG)) if one.name == dialect)
    document = openapi(found, "http://127.0.0.1", "1.0")
    requests = _requested(document)
    for name, schema in document["components"]["schemas"].items():
        if name not in requests:
            _close(schema)
    return schemathesis.openapi.from_dict(document)


def _requested(document: dict[str, Any]) -> set[str]:
    """Schemas that clients send; these stay open."""
    found: set[str] = set()
    waiting = [
        operation["requestBody"]
        for item in document["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    ]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(document["components"]["schemas"][name])
            waiting += part.values()
    return found


def _close(part: Any) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("properties"), dict):
            part.setdefault("additionalProperties", False)
        for value in list(part.values()):
            _close(value)
    elif isinstance(part, list):
        for value in part:
            _close(value)
