"""Schemas of JSON answers: a part of JSON Schema draft 7 and of OpenAPI, checked without any network. Pure.

Understood are type (also in capitals), nullable, enum, const, properties, required, additionalProperties,
items, minItems, maxItems, minLength, maxLength, minimum, maximum, anyOf, oneOf, allOf and local `$ref`.
Everything else is passed on to the model and not checked: patterns of strangers can take for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.api.dialects.aigenway.params import at_fault

MOST_DEPTH: Final = 24
MOST_STEPS: Final = 100_000
"""Of one check: references to references could branch without end."""
_LOCAL: Final = ("#/$defs/", "#/definitions/")
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_SCHEMAS: Final = ("items", "additionalProperties", "not")
_LISTS: Final = ("anyOf", "oneOf", "allOf")
_MAPPINGS: Final = ("properties", "$defs", "definitions")


def checked_schema(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with its types in lower case. Raises InvalidParameters naming the parameter."""
    problem = next(_faults(schema, schema), None)
    if problem is not None:
        raise at_fault([(name, problem)])
    return lower_types(schema)


def lower_types(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Gemini writes OBJECT where everybody else writes object."""
    lowered: dict[str, Any] = {}
    for word, value in schema.items():
        if word == "type":
            lowered[word] = _lower(value)
        elif word in _SCHEMAS and isinstance(value, Mapping):
            lowered[word] = lower_types(value)
        elif word in _LISTS and isinstance(value, list):
            lowered[word] = [lower_types(one) if isinstance(one, Mapping) else one for one in value]
        elif word in _MAPPINGS and isinstance(value, Mapping):
            lowered[word] = {
                key: lower_types(one) if isinstance(one, Mapping) else one for key, one in value.items()
            }
        else:
            lowered[word] = value
    return lowered


def _lower(value: Any) -> Any:
    if isinstance(value, list):
        return [one.lower() if isinstance(one, str) else one for one in value]
    return value.lower() if isinstance(value, str) else value


def _faults(schema: Any, root: Mapping[str, Any], depth: int = 0) -> Iterator[str]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        yield "has a part that is no schema"
    elif depth > MOST_DEPTH:
        yield "is nested too deep"
    else:
        yield from _own_faults(schema, root)
        for part in _parts_of(schema):
            yield from _faults(part, root, depth + 1)


def _own_faults(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[str]:
    reference = schema.get("$ref")
    if reference is not None and _resolved(reference, root) is None:
        yield f"has a $ref to {str(reference)[:100]!r}, which is not within it"
    types = _lower(schema.get("type", []))
    for one in types if isinstance(types, list) else [types]:
        if not isinstance(one, str) or one not in _TYPES:
            yield f"has an unknown type {str(one)[:40]!r}"
    for word in (*_LISTS, "required", "enum"):
        if not isinstance(schema.get(word, []), list):
            yield f"has {word}, which is no list"
    for word in _MAPPINGS:
        if not isinstance(schema.get(word, {}), Mapping):
            yield f"has {word}, which is no object"


def _parts_of(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas inside, where their places have the right shape."""
    yield from (schema[word] for word in _SCHEMAS if word in schema)
    for word in _LISTS:
        yield from choices if isinstance(choices := schema.get(word), list) else ()
    for word in _MAPPINGS:
        yield from named.values() if isinstance(named := schema.get(word), Mapping) else ()


def _resolved(reference: Any, root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not isinstance(reference, str):
        return None
    for prefix in _LOCAL:
        if reference.startswith(prefix):
            definitions = root.get(prefix[2:-1])
            found = (
                definitions.get(reference.removeprefix(prefix)) if isinstance(definitions, Mapping) else None
            )
            return found if isinstance(found, Mapping) else None
    return None


def follows(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a JSON value is what a checked schema asks for, as far as it is understood."""
    return _Check(schema).of(value, schema, 0)


class _Check:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._steps = 0

    def of(self, value: Any, schema: Any, depth: int) -> bool:
        if isinstance(schema, bool):
            return schema
        self._steps += 1
        if depth > MOST_DEPTH * 2 or self._steps > MOST_STEPS or not isinstance(schema, Mapping):
            # Of references in a circle nothing more is said.
            return True
        if "$ref" in schema:
            return self.of(value, _resolved(schema["$ref"], self._root), depth + 1)
        if value is None and schema.get("nullable") is True:
            return True
        return (
            _has_type(value, schema)
            and _is_among(value, schema)
            and _is_within(value, schema)
            and self._parts(value, schema, depth)
            and self._choices(value, schema, depth)
        )

    def _choices(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        def fitting(word: str) -> int:
            return sum(self.of(value, one, depth + 1) for one in schema[word])

        return (
            ("allOf" not in schema or fitting("allOf") == len(schema["allOf"]))
            and ("anyOf" not in schema or fitting("anyOf") > 0)
            and ("oneOf" not in schema or fitting("oneOf") == 1)
        )

    def _parts(self, value: Any, schema: Mapping[str, Any], depth: int) -> bool:
        if isinstance(value, list):
            items = schema.get("items", True)
            return all(self.of(one, items, depth + 1) for one in value)
        if not isinstance(value, dict):
            return True
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return all(name in value for name in schema.get("required", ())) and all(
            self.of(one, properties.get(name, others), depth + 1) for name, one in value.items()
        )


def _has_type(value: Any, schema: Mapping[str, Any]) -> bool:
    types = schema.get("type")
    if types is None:
        return True
    return any(_is(value, one) for one in (types if isinstance(types, list) else [types]))


def _is(value: Any, kind: str) -> bool:
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _is_among(value: Any, schema: Mapping[str, Any]) -> bool:
    if "const" in schema and value != schema["const"]:
        return False
    return "enum" not in schema or value in schema["enum"]


def _is_within(value: Any, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float):
        return _bounded(value, schema.get("minimum"), schema.get("maximum"))
    if isinstance(value, str):
        return _bounded(len(value), schema.get("minLength"), schema.get("maxLength"))
    if isinstance(value, list):
        return _bounded(len(value), schema.get("minItems"), schema.get("maxItems"))
    return True


def _bounded(size: float, least: Any, most: Any) -> bool:
    """Gemini writes some bounds as text; what is no number binds nothing."""
    above = not isinstance(least, int | float) or size >= least
    return above and (not isinstance(most, int | float) or size <= most)
