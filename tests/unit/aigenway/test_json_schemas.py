"""Our own checks of JSON answers against the reference implementation, and their limits."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.dialects.aigenway.errors import InvalidParameters
from services.api.dialects.aigenway.json_schemas import checked_schema, follows, lower_types

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.5, 2.0]),
    st.sampled_from(["", "a", "ab"]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["object", "array", "string", "number", "integer", "boolean", "null"])
LEAVES = st.one_of(
    st.fixed_dictionaries({"type": TYPES}),
    st.fixed_dictionaries({"type": st.lists(TYPES, min_size=1, max_size=2, unique=True)}),
    st.fixed_dictionaries({"enum": st.lists(st.sampled_from(["a", "b", 2, None]), min_size=1, max_size=3)}),
    st.fixed_dictionaries({"minimum": st.integers(-2, 2), "maxLength": st.integers(0, 2)}),
    st.just({}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries(
            {"properties": st.dictionaries(st.sampled_from("xyz"), inner, max_size=2)},
            optional={
                "required": st.lists(st.sampled_from("xyz"), max_size=2, unique=True),
                "additionalProperties": st.booleans() | inner,
            },
        ),
        st.fixed_dictionaries({"items": inner}, optional={"minItems": st.integers(0, 2)}),
        st.fixed_dictionaries({"anyOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"oneOf": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"allOf": st.lists(inner, min_size=1, max_size=2)}),
    ),
    max_leaves=5,
)


@given(schema=SCHEMAS, value=JSON)
def test_the_checks_agree_with_the_reference_implementation(schema: dict[str, Any], value: Any) -> None:
    checked_form = checked_schema("response_schema", schema)

    assert follows(value, checked_form) == jsonschema.Draft7Validator(schema).is_valid(value)


def test_geminis_spelling_means_the_same() -> None:
    schema = checked_schema(
        "response_schema",
        {"type": "OBJECT", "properties": {"type": {"type": "STRING", "nullable": True}}},
    )

    assert schema["type"] == "object"
    assert follows({"type": "HEN"}, schema)
    assert follows({"type": None}, schema)
    assert not follows({"type": 5}, schema)


def test_a_property_named_like_a_keyword_keeps_its_values() -> None:
    assert lower_types({"enum": ["A"], "properties": {"enum": {"type": "STRING"}}}) == {
        "enum": ["A"],
        "properties": {"enum": {"type": "string"}},
    }


def test_references_within_are_followed() -> None:
    schema = checked_schema(
        "response_schema",
        {"$defs": {"egg": {"type": "integer"}}, "type": "array", "items": {"$ref": "#/$defs/egg"}},
    )

    assert follows([1, 2], schema)
    assert not follows(["one"], schema)


@pytest.mark.parametrize("circle", [{"$ref": "#/$defs/a"}, {"allOf": [{"$ref": "#/$defs/a"}] * 8}])
def test_a_circle_of_references_ends(circle: dict[str, Any]) -> None:
    schema = checked_schema("response_schema", {"$defs": {"a": circle}, "$ref": "#/$defs/a"})

    assert follows(1, schema)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"$ref": "https://a.example/schema.json"}, "which is not within it"),
        ({"$ref": "file:///etc/passwd"}, "which is not within it"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "which is not within it"),
        ({"type": "date"}, "unknown type"),
        ({"type": {"a": 1}}, "unknown type"),
        ({"items": [1]}, "has a part that is no schema"),
        ({"properties": []}, "which is no object"),
        ({"required": "a"}, "which is no list"),
        ({"anyOf": {}}, "which is no list"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidParameters, match=problem):
        checked_schema("response_schema", schema)


def test_a_schema_that_is_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(30):
        schema = {"items": schema}

    with pytest.raises(InvalidParameters, match="nested too deep"):
        checked_schema("response_schema", schema)
