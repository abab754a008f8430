"""Values that conform to a JSON schema.

Also to the schemas of Gemini, which write types in capitals and use `nullable`. Patterns, conditions and
formats other than the usual ones are not understood.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.simulator.text import words

Schema = Mapping[str, Any]

_DEEPEST = 12
_FEW_WORDS = 3
_FAR = 2**53
_FORMATS = {
    "date-time": "2026-01-31T09:30:00Z",
    "date": "2026-01-31",
    "time": "09:30:00Z",
    "email": "hen@example.com",
    "uuid": "0b5f4b5e-8c1d-4d8e-9a3b-2f6c7d8e9f01",
    "uri": "https://example.com/hen",
    "ipv4": "192.0.2.1",
    "hostname": "example.com",
    "duration": "PT5M",
}


def invent(schema: Any, seed: int) -> Any:
    """A value of that schema, the same for the same seed; of a recursive one as little as it allows."""
    root = schema if isinstance(schema, Mapping) else {}
    return _Inventor(root).value(root, seed, 0)


class _Inventor:
    def __init__(self, root: Schema) -> None:
        self._root = root

    def value(self, schema: Any, seed: int, depth: int) -> Any:
        if not isinstance(schema, Mapping):
            return words(seed, _FEW_WORDS)
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][seed % len(schema["enum"])]
        for name in ("anyOf", "oneOf"):
            if schema.get(name):
                return self.value(self._choice(schema[name], seed, depth), seed, depth)
        return self._of_type(schema, seed, depth)

    def _resolved(self, schema: Schema) -> Schema:
        """The schema behind references, with the parts of `allOf` merged in."""
        for _ in range(_DEEPEST):
            if "$ref" not in schema:
                break
            schema = self._target(str(schema["$ref"]))
        for part in schema.get("allOf", ()):
            more = self._resolved(part)
            properties = {**schema.get("properties", {}), **more.get("properties", {})}
            required = [*schema.get("required", ()), *more.get("required", ())]
            schema = {**schema, **more, "properties": properties, "required": required}
        return schema

    def _target(self, reference: str) -> Schema:
        found: Any = self._root
        for part in reference.removeprefix("#").strip("/").split("/"):
            if part:
                found = found.get(part) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}

    def _choice(self, options: Sequence[Any], seed: int, depth: int) -> Any:
        """One of the options; deep down the null, so that recursion ends."""
        if depth >= _DEEPEST // 2:
            for option in options:
                if isinstance(option, Mapping) and _type_of(option) == "null":
                    return option
        return options[seed % len(options)]

    def _of_type(self, schema: Schema, seed: int, depth: int) -> Any:
        match _type_of(schema):
            case "object":
                return self._object(schema, seed, depth)
            case "array":
                return self._array(schema, seed, depth)
            case "integer":
                return _integer(schema, seed)
            case "number":
                return _number(schema, seed)
            case "boolean":
                return seed % 2 == 0
            case "null":
                return None
        return _string(schema, seed)

    def _object(self, schema: Schema, seed: int, depth: int) -> dict[str, Any]:
        properties = schema.get("properties") or {}
        required = schema.get("required") or ()
        deep = depth >= _DEEPEST // 2
        made = {
            name: self.value(part, seed + number, depth + 1)
            for number, (name, part) in enumerate(properties.items())
            if depth < _DEEPEST and (name in required or not deep)
        }
        for name in required:
            if name not in made:
                made[name] = self.value({}, seed, depth + 1)
        return made

    def _array(self, schema: Schema, seed: int, depth: int) -> list[Any]:
        if schema.get("prefixItems"):
            return [self.value(part, seed + at, depth + 1) for at, part in enumerate(schema["prefixItems"])]
        least = int(schema.get("minItems") or 0)
        most = int(schema.get("maxItems", max(least, 2)))
        count = least if depth >= _DEEPEST // 2 else max(least, min(most, 2))
        # Distances between seeds keep the items apart where they must be unique.
        return [self.value(schema.get("items", {}), seed + 7 * at, depth + 1) for at in range(count)]


def _type_of(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if str(name).lower() != "null"), "null")
    if isinstance(kind, str):
        return kind.lower()
    if "properties" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _string(schema: Schema, seed: int) -> str:
    known = _FORMATS.get(str(schema.get("format")))
    if known is not None:
        return known
    least, most = int(schema.get("minLength") or 0), schema.get("maxLength")
    text = words(seed, max(_FEW_WORDS, least))
    return text if most is None else text[: int(most)]


def _integer(schema: Schema, seed: int) -> int:
    """One of the first hundred numbers, or as near to them as the limits let it be."""
    low: int = max(
        math.ceil(schema.get("minimum", -_FAR)), math.floor(schema.get("exclusiveMinimum", -_FAR)) + 1
    )
    high: int = min(
        math.floor(schema.get("maximum", _FAR)), math.ceil(schema.get("exclusiveMaximum", _FAR)) - 1
    )
    step = int(schema.get("multipleOf") or 1) or 1
    number = -(-min(max(seed % 100, low), high) // step) * step
    return number if number <= high else high // step * step


def _number(schema: Schema, seed: int) -> float:
    """A whole number where one is allowed, else one between the limits."""
    if "multipleOf" in schema:
        step = schema["multipleOf"]
        low = max(schema.get("minimum", 0), schema.get("exclusiveMinimum", -step) + step)
        return float(math.ceil(low / step) * step)
    low = max(schema.get("minimum", -_FAR), schema.get("exclusiveMinimum", -_FAR))
    high = min(schema.get("maximum", _FAR), schema.get("exclusiveMaximum", _FAR))
    wanted = seed % 100
    return float(wanted) if low < wanted < high else (low + min(high, low + 1)) / 2
