"""JSON Schema cut down to the part of OpenAPI 3.0 that Gemini takes; it answers 400 to any other keyword.

Pure. Source: ai.google.dev/api, "Schema". What cannot be said is left out, so the result may allow more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from shared.providers.gemini_messages import InvalidChat

_TAKEN: Final = frozenset(
    {
        "title",
        "description",
        "nullable",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "minProperties",
        "maxProperties",
        "pattern",
        "propertyOrdering",
    }
)
_FORMATS: Final = frozenset({"enum", "date-time", "float", "double", "int32", "int64"})
_DEFINITIONS: Final = ("#/$defs/", "#/definitions/")
_DEEPEST: Final = 24
_MOST_NODES: Final = 5000
"""References to references could unfold a short schema without end."""


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """`schema` with its references put in place; one that contains itself ends as an object of any kind.

    Raises InvalidChat for a schema that is too deep or too large.
    """
    definitions: dict[str, Any] = {}
    for keyword in ("definitions", "$defs"):
        found = schema.get(keyword)
        definitions |= found if isinstance(found, Mapping) else {}
    return _Translation(definitions).of(schema, ())


class _Translation:
    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._nodes = 0

    def of(self, schema: object, within: tuple[str, ...], depth: int = 0) -> dict[str, Any]:
        """`within` are the references that led here."""
        self._nodes += 1
        if depth > _DEEPEST or self._nodes > _MOST_NODES:
            raise InvalidChat("a JSON schema is too deep or too large")
        if not isinstance(schema, Mapping):
            return {}
        if isinstance(reference := schema.get("$ref"), str):
            return self._referred(reference, schema, within, depth)
        result: dict[str, Any] = {}
        for part in _list(schema.get("allOf")):
            result = _both(result, self.of(part, within, depth + 1))
        own = {name: value for name, value in schema.items() if name in _TAKEN}
        own |= _type(schema.get("type")) | _enum(schema) | _required(schema.get("required"))
        if isinstance(form := schema.get("format"), str) and form in _FORMATS:
            own["format"] = form
        if isinstance(properties := schema.get("properties"), Mapping):
            own["properties"] = {
                name: self.of(value, within, depth + 1) for name, value in properties.items()
            }
        if isinstance(items := schema.get("items"), Mapping):
            own["items"] = self.of(items, within, depth + 1)
        return _both(result, own) | self._any_of(schema, within, depth)

    def _referred(
        self, reference: str, schema: Mapping[str, Any], within: tuple[str, ...], depth: int
    ) -> dict[str, Any]:
        if reference in within:
            return {"type": "object"}
        name = reference
        for prefix in _DEFINITIONS:
            name = name.removeprefix(prefix)
        found = self.of(self._definitions.get(name), (*within, reference), depth + 1)
        beside = {name: value for name, value in schema.items() if name in ("title", "description")}
        return found | beside

    def _any_of(self, schema: Mapping[str, Any], within: tuple[str, ...], depth: int) -> dict[str, Any]:
        """`anyOf` and `oneOf`; null among the choices is Gemini's `nullable`."""
        choices = [*_list(schema.get("anyOf")), *_list(schema.get("oneOf"))]
        if not choices:
            return {}
        others = [choice for choice in choices if not _is_null(choice)]
        nullable = {"nullable": True} if len(others) < len(choices) else {}
        translated = [self.of(choice, within, depth + 1) for choice in others]
        return (translated[0] if len(translated) == 1 else {"anyOf": translated}) | nullable


def _type(value: object) -> dict[str, Any]:
    if isinstance(value, str):
        return {"type": value}
    names = [name for name in _list(value) if isinstance(name, str)]
    others = [name for name in names if name != "null"]
    nullable = {"nullable": True} if len(others) < len(names) else {}
    if len(others) == 1:
        return {"type": others[0]} | nullable
    return ({"anyOf": [{"type": name} for name in others]} if others else {}) | nullable


def _required(names: object) -> dict[str, Any]:
    words = [name for name in _list(names) if isinstance(name, str)]
    return {"required": words} if words else {}


def _enum(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Gemini's enumerations are of text only."""
    values = [schema["const"]] if "const" in schema else _list(schema.get("enum"))
    words = [value for value in values if value is not None]
    if not words or not all(isinstance(word, str) for word in words):
        return {}
    found: dict[str, Any] = {"type": "string", "enum": words}
    return found | ({"nullable": True} if len(words) < len(values) else {})


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What holds if both do, as far as it can be said."""
    merged = one | other
    if "properties" in one and "properties" in other:
        merged["properties"] = one["properties"] | other["properties"]
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *(x for x in other["required"] if x not in one["required"])]
    return merged


def _is_null(choice: object) -> bool:
    return isinstance(choice, Mapping) and choice.get("type") == "null"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
