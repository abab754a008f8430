"""A customer of the Aigenway dialect."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.contract.aigenway.client import AigenwayCustomer, aigenway_customer
from tests.harness.coupons import welcome10
from tests.harness.stack import Stack


@pytest_asyncio.fixture
async def customer(stack: Stack) -> AsyncIterator[AigenwayCustomer]:
    async with aigenway_customer(stack, "20") as one:
        yield one


@pytest_asyncio.fixture(name="welcome10")
async def _welcome10(stack: Stack) -> None:
    """Requests may name the platform's own coupon."""
    await welcome10(stack)
