"""Raw HTTP calls to the played kie.ai, which has no official client."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx


class Kie:
    """The requests on tasks. Everything but a rule's own `status` comes under HTTP 200."""

    headers = {"Authorization": "Bearer test"}  # noqa: RUF012 - a constant that httpx wants as a dict

    def __init__(self, sim: httpx.AsyncClient) -> None:
        self.sim = sim

    async def post(self, path: str, document: object) -> dict[str, Any]:
        response = await self.sim.post(f"/kie/api/v1/{path}", json=document, headers=self.headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        response = await self.sim.get(f"/kie/api/v1/{path}", params=query, headers=self.headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    async def create(
        self, model: str = "google/nano-banana", callback: str | None = None, **values: Any
    ) -> dict[str, Any]:
        called_back = {} if callback is None else {"callBackUrl": callback}
        document = {"model": model, **called_back, "input": {"prompt": "a hen", **values}}
        return await self.post("jobs/createTask", document)

    async def task(self, model: str = "google/nano-banana", **values: Any) -> str:
        """Create a task; returns its id."""
        created = await self.create(model, **values)
        assert created["code"] == 200, created
        task_id: str = created["data"]["taskId"]
        return task_id

    async def record(self, task_id: str) -> dict[str, Any]:
        answer = await self.get("jobs/recordInfo", taskId=task_id)
        assert answer["code"] == 200, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def finish(self, model: str = "google/nano-banana", **values: Any) -> dict[str, Any]:
        """Create, poll to the end, return the record."""
        task_id = await self.task(model, **values)
        for _ in range(200):
            record = await self.record(task_id)
            if record["state"] in ("success", "fail"):
                return record
            await asyncio.sleep(0.01)
        raise AssertionError("the task does not finish")


def result_urls(record: dict[str, Any]) -> list[str]:
    """What the string of a successful record holds."""
    urls: list[str] = json.loads(record["resultJson"])["resultUrls"]
    return urls
