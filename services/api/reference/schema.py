"""JSON Schema 2020-12 in few words."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def text(description: str = "", **more: Any) -> Schema:
    return _of("string", description, more)


def whole(description: str = "", **more: Any) -> Schema:
    return _of("integer", description, more)


def number(description: str = "", **more: Any) -> Schema:
    return _of("number", description, more)


def flag(description: str = "", **more: Any) -> Schema:
    return _of("boolean", description, more)


def listing(items: Schema, description: str = "", **more: Any) -> Schema:
    return _of("array", description, {"items": items, **more})


def record(properties: dict[str, Schema], *optional: str, description: str = "", **more: Any) -> Schema:
    """An object whose properties are all required but those named as `optional`."""
    required = [name for name in properties if name not in optional]
    facts = {"required": required, **more} if required else more
    return _of("object", description, {"properties": properties, **facts})


def request(
    required: dict[str, Schema], optional: dict[str, Schema], description: str = "", **more: Any
) -> Schema:
    """What a client sends: null in an optional field counts as not given."""
    properties = required | {name: or_null(schema) for name, schema in optional.items()}
    return _of("object", description, {"properties": properties, "required": list(required), **more})


def or_null(schema: Schema) -> Schema:
    """The same, or null."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    allowed = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*kinds, "null"], **allowed}


def ref(name: str) -> Schema:
    """One of the document's own schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def event_of(data: Schema, **others: Schema) -> Schema:
    """A server-sent event whose data is JSON."""
    embedded = text(contentMediaType="application/json", contentSchema=data)
    return record({**others, "data": embedded})


def _of(kind: str, description: str, more: dict[str, Any]) -> Schema:
    return {"type": kind, **({"description": description} if description else {}), **more}
