"""A customer of the API: speaks HTTP and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import httpx

FINAL = {"completed", "failed"}


class Customer:
    """One account with one key."""

    def __init__(self, api_url: str, account_id: str, key_id: str, key: str, webhook_secret: str) -> None:
        self.account_id = account_id
        self.key_id = key_id
        self.key = key
        self.webhook_secret = webhook_secret
        self._api_url = api_url
        self.http = self.connection()

    def connection(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._api_url,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
            limits=httpx.Limits(max_connections=100),
        )

    async def __aenter__(self) -> Customer:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def post(self, **fields: Any) -> httpx.Response:
        body = {"model": "nanobanana", "prompt": "a hen in a hat", **fields}
        return await self.http.post("/v1/generate", json=body)

    async def submit(self, **fields: Any) -> str:
        """The id of an accepted task."""
        answer = await self.post(**fields)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["data"]["id"])

    async def task(self, task_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def finished(self, task_id: str, seconds: float = 60) -> dict[str, Any]:
        """The task once it is final."""
        async with asyncio.timeout(seconds):
            while True:
                task = await self.task(task_id)
                if task["status"] in FINAL:
                    return task
                await asyncio.sleep(0.05)

    async def all_finished(self, task_ids: Iterable[str], seconds: float = 60) -> list[dict[str, Any]]:
        return [await self.finished(task_id, seconds) for task_id in task_ids]
