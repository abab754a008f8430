"""Schemas as rows for people: name, type, whether it must be there, what it means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.api.reference.schema import Schema

_BOUNDS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "default": "default `{}`",
}


@dataclass(frozen=True, slots=True)
class Field:
    """`meaning` may have `code` between backticks."""

    name: str
    kind: str
    required: bool
    meaning: str


def fields_of(schema: Schema, schemas: Mapping[str, Schema]) -> list[Field]:
    """Of a body: one row for each property of the object."""
    found = _resolved(schema, schemas)
    required = found.get("required", ())
    return [_field(name, one, name in required, schemas) for name, one in found.get("properties", {}).items()]


def parameter_fields(parameters: tuple[Schema, ...]) -> list[Field]:
    """Of parameters; their place stands in the type."""
    rows = []
    for one in parameters:
        meaning = " ".join([one["description"], *_limits(one["schema"])])
        kind = f"{one['in']}, {_kind(one['schema'], {})}"
        rows.append(Field(one["name"], kind, one["required"], meaning))
    return rows


def _field(name: str, schema: Schema, required: bool, schemas: Mapping[str, Schema]) -> Field:
    told = [schema.get("description", "")] if schema.get("description") else []
    return Field(name, _kind(schema, schemas), required, " ".join([*told, *_limits(schema)]))


def _resolved(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    name = schema.get("$ref", "").rpartition("/")[2]
    return schemas[name] if name else schema


def _kind(schema: Schema, schemas: Mapping[str, Schema]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return " or ".join(dict.fromkeys(_kind(one, schemas) for one in schema[word]))
    kinds = schema.get("type", "any")
    names = kinds if isinstance(kinds, list) else [kinds]
    items = f" of {_kind(schema['items'], schemas)}" if "items" in schema else ""
    return " or ".join(f"{name}{items if name == 'array' else ''}" for name in names)


def _limits(schema: Schema) -> Iterator[str]:
    allowed = [one for one in schema.get("enum", ()) if one is not None]
    if allowed:
        yield f"One of {', '.join(f'`{one}`' for one in allowed)}."
    bounds = [form.format(_plain(schema[word])) for word, form in _BOUNDS.items() if word in schema]
    if bounds:
        text = ", ".join(bounds)
        yield f"{text[0].upper()}{text[1:]}."


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
