"""The independent mock, started on the fixtures of this folder."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from shared.providers.base import Provider
from tests.contract.providers.simulator import adapter_at

VARIABLE = "HATCHERY_TEST_AIMOCK"
"""Names the folder of the installed mock."""

_HERE = Path(__file__).parent
_PATHS = {"gemini": "", "openai": "/v1", "openrouter": "/api/v1", "fal": "/fal"}
_FAL_HOST = {"x-fal-target-host": "queue.fal.run"}
PICTURE = b"\x89PNG\r\n\x1a\n picture of a hen"


@dataclass(frozen=True)
class Mock:
    """The running mock."""

    url: str

    @asynccontextmanager
    async def adapter(self, provider: str, **headers: str) -> AsyncIterator[Any]:
        """The adapter of a provider, whose calls all carry these headers: they can ask for trouble."""
        async with aiohttp.ClientSession(headers={**_FAL_HOST, **headers}) as session:
            yield self._adapter(session, provider)

    def _adapter(self, session: aiohttp.ClientSession, provider: str) -> Provider:
        return adapter_at(session, provider, self.url + _PATHS[provider])


@asynccontextmanager
async def mock(folder: str, scratch: Path) -> AsyncIterator[Mock]:
    """Starts the mock on a free port and stops it again."""
    fixtures = scratch / "fixtures.json"
    text = (_HERE / "fixtures.json").read_text().replace("PICTURE", b64encode(PICTURE).decode())
    fixtures.write_text(json.dumps(json.loads(text)))
    process = await asyncio.create_subprocess_exec(
        "node",
        str(_HERE / "serve.mjs"),
        folder,
        str(fixtures),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        assert line, "the mock did not start"
        yield Mock(line.decode().strip())
    finally:
        # The end of its input ends it; without any input the pipe would stay open.
        await process.communicate(b"")
