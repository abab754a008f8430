"""Google's official client, pointed at the simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from google import genai
from google.genai import types

Client = genai.client.AsyncClient


@asynccontextmanager
async def genai_client(sim: httpx.AsyncClient) -> AsyncIterator[Client]:
    """A client that tries once."""
    async with httpx.AsyncClient(timeout=10) as transport:
        options = types.HttpOptions(
            base_url=f"{sim.base_url}/gemini",
            api_version="v1beta",
            retry_options=types.HttpRetryOptions(attempts=1),
            # Its own choice, aiohttp, warns that it is used in a way aiohttp discourages.
            httpx_async_client=transport,
        )
        made = genai.Client(api_key="test", http_options=options)
        yield made.aio
        made.close()
