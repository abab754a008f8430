"""Workers that end with their test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from shared.http import EgressPolicy, guarded_session
from shared.mongo import Database
from tests.integration.worker.rig import Rig
from tests.unit.building import StillClock
from tests.unit.worker.providers import Scripted

Hire = Callable[..., Rig]


@pytest_asyncio.fixture
async def hire(database: Database, clock: StillClock) -> AsyncIterator[Hire]:
    """Makes workers: with a provider, and a rig's other arguments by name."""
    rigs: list[Rig] = []
    async with guarded_session(EgressPolicy()) as session:

        def make(provider: Scripted, **parts: Any) -> Rig:
            rigs.append(Rig(database, clock, session, provider, **parts))
            return rigs[-1]

        yield make
        for rig in rigs:
            await rig.close()
