from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.providers.gemini_messages import InvalidChat
from shared.providers.gemini_schema import gemini_schema

TAKEN = frozenset(
    [
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "items",
        "minItems",
        "maxItems",
        "properties",
        "required",
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "minProperties",
        "maxProperties",
        "pattern",
        "anyOf",
        "propertyOrdering",
    ]
)


class Egg(BaseModel):
    weight: float
    colour: str | None = None


class Hen(BaseModel):
    name: str
    eggs: list[Egg]


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (
            {"$schema": "x", "type": "object", "additionalProperties": False, "strict": True},
            {"type": "object"},
        ),
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        ),
        ({"const": "hen"}, {"type": "string", "enum": ["hen"]}),
        ({"enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "integer"}),
        ({"type": "string", "format": "email"}, {"type": "string"}),
        ({"type": "string", "format": ["date-time"]}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        (
            {"type": "object", "properties": {"format": {"type": "string", "default": "x"}}},
            {"type": "object", "properties": {"format": {"type": "string"}}},
        ),
        (
            {
                "allOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {"type": "string"}}, "required": ["a", "b"]},
                ]
            },
            {"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "required": ["a", "b"]},
        ),
    ],
)
def test_a_keyword_is_kept_translated_or_left_out(given_: dict[str, Any], expected: dict[str, Any]) -> None:
    assert gemini_schema(given_) == expected


def test_references_are_put_in_place() -> None:
    assert gemini_schema(Hen.model_json_schema()) == {
        "title": "Hen",
        "type": "object",
        "required": ["name", "eggs"],
        "properties": {
            "name": {"title": "Name", "type": "string"},
            "eggs": {
                "title": "Eggs",
                "type": "array",
                "items": {
                    "title": "Egg",
                    "type": "object",
                    "required": ["weight"],
                    "properties": {
                        "weight": {"title": "Weight", "type": "number"},
                        "colour": {"title": "Colour", "type": "string", "nullable": True},
                    },
                },
            },
        },
    }


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    translated = gemini_schema({"$ref": "#/$defs/Node", "$defs": {"Node": node}})
    assert translated == {"type": "object", "properties": {"next": {"type": "object"}}}


def test_a_reference_to_the_whole_schema_comes_to_an_end() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert gemini_schema(schema)["properties"] == {"next": {}}


def test_a_schema_that_unfolds_without_end_is_invalid() -> None:
    def doubled(number: int) -> dict[str, Any]:
        inner = {"$ref": f"#/$defs/{number + 1}"}
        return {"type": "object", "properties": {"a": inner, "b": inner}}

    schema = {"$ref": "#/$defs/0", "$defs": {str(number): doubled(number) for number in range(16)}}
    with pytest.raises(InvalidChat):
        gemini_schema(schema)


def test_a_schema_that_is_nested_too_deep_is_invalid() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(100):
        schema = {"type": "array", "items": schema}
    with pytest.raises(InvalidChat):
        gemini_schema(schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "allOf", "$ref", "enum", "required", "not"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


def keywords(schema: dict[str, Any]) -> set[str]:
    found = set(schema)
    for inner in (*schema.get("properties", {}).values(), *schema.get("anyOf", ())):
        found |= keywords(inner)
    return found | (keywords(schema["items"]) if "items" in schema else set())


@given(st.dictionaries(st.sampled_from(["type", "properties", "items", "anyOf", "allOf", "enum"]), JSON))
def test_whatever_a_client_sends_only_keywords_that_gemini_takes_are_left(schema: dict[str, Any]) -> None:
    assert keywords(gemini_schema(schema)) <= TAKEN
