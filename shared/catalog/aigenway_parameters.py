"""One parameter of an Aigenway method: what is allowed, what it means, what it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from shared.catalog.aigenway_offers import Dimension
from shared.providers.capabilities import Kind

MOST_URL_LENGTH: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """As a method page of the platform tells it: name, type, required, description, allowed values, bundle
    dimension."""

    name: str
    type: str
    """A type of JSON Schema, or several with `|` between them."""
    description: str
    required: bool = False
    allowed: tuple[str | int, ...] = ()
    default: str | int | None = None
    least: float | None = None
    """Of a number; of a text or list the least length."""
    most: float | None = None
    dimension: Dimension | None = None
    url: bool = False
    """An address, or a list of them, that is fetched by us or by a provider."""
    becomes: str | None = None
    """The field of a task's request that takes the value; None: it is not sent to providers."""

    @property
    def types(self) -> tuple[str, ...]:
        return tuple(self.type.split("|"))

    def schema(self) -> dict[str, Any]:
        """The parameter as a property of a JSON Schema; the bundle dimension is an annotation."""
        schema: dict[str, Any] = {
            "title": self.name,
            "type": self.types[0] if len(self.types) == 1 else list(self.types),
            "description": self.description,
        }
        if self.allowed:
            schema["enum"] = list(self.allowed)
        if self.default is not None:
            schema["default"] = self.default
        for kind, least, most in _BOUNDS:
            if kind in self.types:
                schema |= {least: self.least} if self.least is not None else {}
                schema |= {most: self.most} if self.most is not None else {}
        if self.url:
            (schema.setdefault("items", {"type": "string"}) if "array" in self.types else schema)[
                "format"
            ] = "uri"
        if self.dimension is not None:
            schema["x-bundle-dimension"] = self.dimension.value
        return schema


_BOUNDS: Final = (
    ("string", "minLength", "maxLength"),
    ("array", "minItems", "maxItems"),
    ("integer", "minimum", "maximum"),
    ("number", "minimum", "maximum"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that a kind of method takes."""

    kind: Kind
    """Of the models that can carry it out."""
    parameters: tuple[Parameter, ...]
    edits: bool = False
    """Whether its requests always bring input images."""
    one_of: tuple[str, ...] = ()
    """At least one of these must be given."""

    def schema(self) -> dict[str, Any]:
        """All of it as a JSON Schema (2020-12)."""
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {parameter.name: parameter.schema() for parameter in self.parameters},
            "required": [parameter.name for parameter in self.parameters if parameter.required],
        }
        if self.one_of:
            schema["anyOf"] = [{"required": [name]} for name in self.one_of]
        return schema

    def of_dimension(self, dimension: Dimension) -> Parameter | None:
        return next((one for one in self.parameters if one.dimension is dimension), None)
