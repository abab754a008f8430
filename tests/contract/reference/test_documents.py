"""The OpenAPI documents are valid, and their examples are what they say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from jsonschema import Draft202012Validator, FormatChecker

from services.api.reference.model import JSON, Content, Dialect
from services.api.reference.openapi import Document, rendered
from services.api.reference.problems import problems_of
from services.api.reference.schema import Schema

DIALECTS = ["eggapi", "openai", "aigenway"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_document_is_valid_openapi(documents: dict[str, Document], dialect: str) -> None:
    assert documents[dialect]["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(documents[dialect]).validate()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_reference_leads_somewhere(documents: dict[str, Document], dialect: str) -> None:
    components = documents[dialect]["components"]
    for reference in _references(documents[dialect]):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in components[kind], reference


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_schema_is_used(documents: dict[str, Document], dialect: str) -> None:
    used = set(_references(documents[dialect]))
    assert {f"#/components/schemas/{name}" for name in documents[dialect]["components"]["schemas"]} <= used


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_example_is_as_its_schema_says(dialects: dict[str, Dialect], dialect: str) -> None:
    found = list(_contents(dialects[dialect]))
    assert found
    for content in found:
        for title, value in content.examples.items():
            if content.media_type == JSON:
                assert _faults(content.schema, value, dialects[dialect]) == [], title


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_error_has_the_shape_that_is_documented(dialects: dict[str, Dialect], dialect: str) -> None:
    shape = {"$ref": "#/components/schemas/Error"}
    for operation in dialects[dialect].operations:
        for problem in problems_of(operation):
            status, body = rendered(dialects[dialect], problem)
            assert 400 <= status < 600
            assert _faults(shape, body, dialects[dialect]) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_request_has_an_example(dialects: dict[str, Dialect], dialect: str) -> None:
    for operation in dialects[dialect].operations:
        assert operation.body is None or operation.body.examples, operation.name
        assert "{" not in (operation.sample or operation.path), operation.name


def _contents(dialect: Dialect) -> Iterator[Content]:
    for operation in dialect.operations:
        if operation.body is not None:
            yield operation.body
        for answer in operation.answers:
            yield from answer.contents
    yield from (event.body for event in dialect.events)


def _faults(schema: Schema, value: Any, dialect: Dialect) -> list[str]:
    whole = {**schema, "components": {"schemas": dict(dialect.schemas)}}
    validator = Draft202012Validator(whole, format_checker=FormatChecker())
    return [error.message for error in validator.iter_errors(value)]


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from _references(value)
    elif isinstance(part, list):
        for value in part:
            yield from _references(value)
