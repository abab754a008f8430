"""The simulator as a process, and its control API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.harness.ports import free_port
from tests.harness.process import Program


class Simulator:
    """Providers that do as they are told."""

    def __init__(self, log: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._program = Program("simulator", "deploy.simulator", ["--port", str(port)], {}, log)
        self._http = httpx.AsyncClient(base_url=f"{self.url}/_sim", timeout=30)

    async def start(self) -> None:
        await self._program.start()
        async with asyncio.timeout(30):
            while True:
                try:
                    if (await self._http.get("/health")).status_code == 200:
                        return
                except httpx.TransportError:
                    await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self._http.aclose()
        await self._program.stop()

    async def rules(self, *rules: dict[str, Any]) -> None:
        answer = await self._http.put("/rules", json=list(rules))
        assert answer.status_code == 200, answer.text

    async def clear_rules(self) -> None:
        await self._http.delete("/rules")

    async def matched(self) -> list[int]:
        """How many submissions each rule has met, also of those that made no job."""
        return [rule["matched"] for rule in (await self._http.get("/rules")).json()["rules"]]

    async def jobs(self, prompt: str) -> list[dict[str, Any]]:
        """Every submission whose prompt contains the text."""
        answer = await self._http.get("/jobs")
        return [job for job in answer.json()["jobs"] if prompt in job["prompt"]]

    def sink(self, name: str, **behaviour: Any) -> str:
        """The address of a webhook receiver."""
        query = "&".join(f"{key}={value}" for key, value in behaviour.items())
        return f"{self.url}/_sim/sink/{name}" + (f"?{query}" if query else "")

    async def posts(self, name: str, count: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
        """What the receiver got, once it is that much."""
        async with asyncio.timeout(seconds):
            while True:
                posts = (await self._http.get(f"/sink/{name}")).json()["posts"]
                if len(posts) >= count:
                    return list(posts)
                await asyncio.sleep(0.05)
