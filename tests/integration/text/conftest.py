from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.mongo import Database
from tests.harness.simulator import Simulator
from tests.integration.text.rig import Rig, Wire


@pytest_asyncio.fixture
async def rig(simulator: Simulator, database: Database) -> AsyncIterator[Rig]:
    wire = Wire()
    yield Rig(simulator, database, wire)
    await wire.session.close()
