"""A customer who keeps ordering while things break, and remembers what was promised."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence

import httpx

from tests.harness.client import Customer


class Orders:
    """Submits tasks one after another per lane; a request without a 202 is repeated as a new one."""

    def __init__(self, customers: Sequence[Customer], tag: str, callback_url: str) -> None:
        self._customers = customers
        self._tag = tag
        self._callback_url = callback_url
        self._sequence = itertools.count()
        self.acknowledged: list[str] = []

    async def place(self, count: int, lanes: int = 20) -> None:
        """Until `count` more have been acknowledged."""
        numbers = iter(range(count))

        async def lane() -> None:
            for number in numbers:
                await self._one(number)

        await asyncio.gather(*(lane() for _ in range(lanes)))

    async def _one(self, number: int) -> None:
        customer = self._customers[number % len(self._customers)]
        async with asyncio.timeout(60):
            while True:
                prompt = f"{self._tag} {next(self._sequence)}"
                try:
                    answer = await customer.post(prompt=prompt, webhook_url=self._callback_url)
                except httpx.TransportError:
                    await asyncio.sleep(0.1)
                    continue
                if answer.status_code == 202:
                    self.acknowledged.append(answer.json()["data"]["id"])
                    return
                assert answer.status_code == 503, answer.text
                assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
                await asyncio.sleep(0.1)
