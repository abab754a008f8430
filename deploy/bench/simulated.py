"""The simulated providers during a measurement: one rule for all, and the rules from before put back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

LIMIT = aiohttp.ClientTimeout(total=10)


@asynccontextmanager
async def provider_pace(simulator_url: str, latency_ms: int) -> AsyncIterator[None]:
    """Every job is done `latency_ms` after its submission, and at its first poll."""
    url = f"{simulator_url}/_sim/rules"
    async with aiohttp.ClientSession(timeout=LIMIT, raise_for_status=True) as session:
        async with session.get(url) as response:
            before = (await response.json())["rules"]
        async with session.put(url, json=[{"provider": "*", "latency_ms": latency_ms, "polls": 1}]):
            pass
        try:
            yield
        finally:
            rules = [_unworn(rule) for rule in before if not rule["spent"]]
            async with session.put(url, json=rules):
                pass


def _unworn(rule: dict[str, Any]) -> dict[str, Any]:
    """A listed rule as it is given, with as many times left as it had."""
    given = {key: rule[key] for key in rule if key not in ("matched", "spent")}
    return given | {"times": given["times"] - rule["matched"]} if given.get("times") else given
