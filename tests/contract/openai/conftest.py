from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from openai import AsyncOpenAI

from tests.harness.client import Customer
from tests.harness.stack import Stack


@pytest_asyncio.fixture
async def customer(stack: Stack) -> AsyncIterator[Customer]:
    async with await stack.customer("1") as one:
        yield one


@pytest_asyncio.fixture
async def client(stack: Stack, customer: Customer) -> AsyncIterator[AsyncOpenAI]:
    """The official client, as its own documentation sets it up, but for attempts of its own."""
    async with AsyncOpenAI(
        base_url=f"{stack.api_url}/api/v1", api_key=customer.key, max_retries=0, timeout=60
    ) as made:
        yield made
