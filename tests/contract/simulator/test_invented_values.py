from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from deploy.simulator.invented import invent

_NAMES = st.text("abcdef", min_size=1, max_size=6)


def _limits(low: str, high: str, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(numbers, numbers).map(lambda pair: {low: min(pair), high: max(pair)})


_INTEGERS = st.one_of(st.just({}), _limits("minimum", "maximum", st.integers(-500, 500)))
_NUMBERS = st.one_of(st.just({}), _limits("minimum", "maximum", st.floats(-500, 500)))
_LENGTHS = st.one_of(st.just({}), _limits("minLength", "maxLength", st.integers(0, 60)))
_COUNTS = st.one_of(st.just({}), _limits("minItems", "maxItems", st.integers(0, 5)))
_LEAVES = st.one_of(
    _INTEGERS.map(lambda limits: {"type": "integer", **limits}),
    _NUMBERS.map(lambda limits: {"type": "number", **limits}),
    _LENGTHS.map(lambda limits: {"type": "string", **limits}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": 7}, {"type": ["null", "string"]}]),
    st.lists(st.integers() | _NAMES, min_size=1, max_size=4).map(lambda values: {"enum": values}),
)


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties)[:2],
        "additionalProperties": False,
    }


_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, max_size=4).map(_object),
        st.tuples(inner, _COUNTS).map(lambda pair: {"type": "array", "items": pair[0], **pair[1]}),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
    ),
    max_leaves=12,
)


@given(_SCHEMAS, st.integers(0, 2**32))
def test_a_value_conforms_to_its_schema(schema: dict[str, Any], seed: int) -> None:
    made = invent(schema, seed)
    Draft202012Validator(schema).validate(made)
    assert made == invent(schema, seed)


@pytest.mark.parametrize("seed", range(4))
def test_a_recursive_schema_comes_to_an_end(seed: int) -> None:
    child = {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}
    node = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "next": child,
            "more": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        },
        "required": ["name", "next", "more"],
        "additionalProperties": False,
    }
    schema = {"$defs": {"node": node}, "$ref": "#/$defs/node"}
    Draft202012Validator(schema).validate(invent(schema, seed))


def test_parts_of_a_schema_are_merged() -> None:
    eggs = {"type": "object", "properties": {"eggs": {"type": "integer", "exclusiveMinimum": 99}}}
    schema = {"allOf": [{**eggs, "required": ["eggs"]}, {"properties": {"day": {"format": "date"}}}]}
    assert invent(schema, 5) == {"eggs": 100, "day": "2026-01-31"}


def test_types_may_be_written_in_capitals() -> None:
    schema = {"type": "OBJECT", "properties": {"eggs": {"type": "INTEGER", "multipleOf": 5}}}
    assert invent(schema, 12) == {"eggs": 15}
