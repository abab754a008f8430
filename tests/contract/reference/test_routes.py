"""What is documented is what is served."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from services.api.reference.model import Dialect
from services.api.reference.openapi import Document
from tests.contract.reference.routes import served

OF_PROVIDERS = {
    ("POST", "/callbacks/{provider}/{task_id}"),
    ("POST", "/callbacks/stripe"),
    ("GET", "/inputs/{task_id}/{name}"),
    ("HEAD", "/inputs/{task_id}/{name}"),
}
"""What providers call and fetch."""


@pytest.mark.parametrize("dialect", ["eggapi", "openai", "aigenway"])
def test_every_route_of_a_dialect_is_documented_and_no_other(
    app: FastAPI, documents: dict[str, Document], dialect: str
) -> None:
    documented = {
        (method.upper(), path) for path, item in documents[dialect]["paths"].items() for method in item
    }
    assert documented == served(app, dialect) - OF_PROVIDERS


def test_operations_have_names_of_their_own(dialects: dict[str, Dialect]) -> None:
    for dialect in dialects.values():
        names = [operation.name for operation in dialect.operations]
        assert len(names) == len(set(names))
