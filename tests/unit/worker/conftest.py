"""A server of files and a session that may reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from shared.http import EgressPolicy, guarded_session
from tests.unit.worker.storage import FileServer, file_server


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with file_server() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    policy = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)
    async with guarded_session(policy) as opened:
        yield opened
