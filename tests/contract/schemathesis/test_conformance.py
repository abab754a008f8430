"""Requests that a fuzzer makes from the documents are answered as the documents say."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.schemathesis.documents import load
from tests.harness.client import Customer
from tests.harness.stack import Stack

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EGGAPI = load("eggapi")
bounded = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest_asyncio.fixture(scope="module")
async def customer(session_stack: Stack) -> AsyncIterator[Customer]:
    """Rich enough for whatever is asked."""
    async with await session_stack.customer("100000") as found:
        yield found


@EGGAPI.parametrize()
@bounded
def test_eggapi_answers_as_documented(case: Case, customer: Customer, session_stack: Stack) -> None:
    _call(case, customer, session_stack)


def _call(case: Case, customer: Customer, stack: Stack) -> None:
    case.call_and_validate(
        base_url=stack.api_url, headers={"Authorization": f"Bearer {customer.key}"}, checks=CHECKS, timeout=30
    )
