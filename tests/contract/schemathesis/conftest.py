"""A customer with finished tasks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.schemathesis.realistic import lead
from tests.harness.client import Customer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
GENERATION = {
    "provider": "google_banana",
    "model": "gemini-3-pro-image-preview",
    "method": "text_to_image",
    "params": {"prompt": "a hen"},
}
Ask = Callable[[Case, str], None]


@pytest_asyncio.fixture(scope="module")
async def customer(session_stack: Stack) -> AsyncIterator[Customer]:
    """Rich enough for whatever is asked."""
    async with await session_stack.customer("100000") as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def task_ids(customer: Customer) -> dict[str, str]:
    """One finished task for each dialect, by the prefix of its id."""
    gen = await customer.submit()
    asked = {"model": "google/nano-banana", "prompt": "a hen"}
    img = (await customer.http.post("/api/v1/images/generations", json=asked)).json()["task_id"]
    tsk = (await customer.http.post("/v1/generations", json=GENERATION)).json()["task_id"]
    await customer.finished(gen)
    async with asyncio.timeout(60):
        # Polled, as by its clients.
        while (await customer.http.get(f"/api/v1/tasks/{img}")).json()["status"] != "completed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert (await customer.http.get(f"/v1/tasks/{tsk}?wait=25")).json()["status"] == "SUCCEEDED"
    return {"gen": gen, "img": img, "tsk": tsk}


@pytest.fixture(scope="module")
def ask(
    customer: Customer, session_stack: Stack, simulator_process: Simulator, task_ids: dict[str, str]
) -> Ask:
    """Send a made-up request, and compare the answer with the document."""

    def send(case: Case, dialect: str) -> None:
        lead(case, dialect, task_ids, simulator_process.sink("fuzzer"))
        headers = {"Authorization": f"Bearer {customer.key}"}
        case.call_and_validate(base_url=session_stack.api_url, headers=headers, checks=CHECKS, timeout=30)

    return send
