"""Raw HTTP callers of the played providers, for what the official clients hide."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import httpx
from PIL import Image

Rgb = tuple[int, int, int]


async def put_rules(sim: httpx.AsyncClient, *rules: dict[str, Any]) -> None:
    response = await sim.put("/_sim/rules", json=list(rules))
    assert response.status_code == 200, response.text


async def set_fault(sim: httpx.AsyncClient, fault: str, **then: Any) -> None:
    await put_rules(sim, {"then": {"fault": fault, **then}})


async def jobs(sim: httpx.AsyncClient, **query: str) -> list[dict[str, Any]]:
    response = await sim.get("/_sim/jobs", params=query)
    assert response.status_code == 200, response.text
    rows: list[dict[str, Any]] = response.json()["jobs"]
    return rows


async def picture(sim: httpx.AsyncClient, url: str) -> Image.Image:
    response = await sim.get(url)
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as image:
        assert image.format == "PNG"
        return image.convert("RGB")


def colours(image: Image.Image) -> set[Rgb]:
    found = image.getcolors(maxcolors=256)
    assert found is not None
    return {colour for _, colour in found if isinstance(colour, tuple)}


class Fal:
    """The queue's four requests."""

    headers = {"Authorization": "Key test"}  # noqa: RUF012 - a constant that httpx wants as a dict

    def __init__(self, sim: httpx.AsyncClient) -> None:
        self.sim = sim

    async def submit(
        self, model: str = "fal-ai/nano-banana", headers: dict[str, str] | None = None, **values: Any
    ) -> httpx.Response:
        sent = {"prompt": "a hen", **values}
        return await self.sim.post(f"/fal/{model}", json=sent, headers=self.headers | (headers or {}))

    async def get(self, url: str) -> httpx.Response:
        return await self.sim.get(url, headers=self.headers)

    async def cancel(self, url: str) -> httpx.Response:
        return await self.sim.put(url, headers=self.headers)

    async def finish(self, model: str = "fal-ai/nano-banana", **values: Any) -> httpx.Response:
        """Submit, poll to the end, return the answer of the result address."""
        accepted = await self.submit(model, **values)
        assert accepted.status_code == 200, accepted.text
        for _ in range(200):
            status = await self.get(accepted.json()["status_url"])
            if status.json()["status"] == "COMPLETED":
                return await self.get(accepted.json()["response_url"])
            await asyncio.sleep(0.01)
        raise AssertionError("the job does not finish")


class Replicate:
    """The requests on predictions."""

    headers = {"Authorization": "Bearer test"}  # noqa: RUF012 - a constant that httpx wants as a dict

    def __init__(self, sim: httpx.AsyncClient) -> None:
        self.sim = sim

    async def create(
        self, headers: dict[str, str] | None = None, model: str = "google/nano-banana", **values: Any
    ) -> httpx.Response:
        return await self.sim.post(
            f"/replicate/v1/models/{model}/predictions",
            json={"input": {"prompt": "a hen", **values}},
            headers=self.headers | (headers or {}),
        )

    async def get(self, prediction_id: str) -> httpx.Response:
        return await self.sim.get(f"/replicate/v1/predictions/{prediction_id}", headers=self.headers)

    async def cancel(self, prediction_id: str) -> httpx.Response:
        return await self.sim.post(f"/replicate/v1/predictions/{prediction_id}/cancel", headers=self.headers)

    async def finish(self, **values: Any) -> dict[str, Any]:
        """Create, poll to the end, return the prediction."""
        created = await self.create(**values)
        assert created.status_code == 201, created.text
        for _ in range(200):
            prediction: dict[str, Any] = (await self.get(created.json()["id"])).json()
            if prediction["status"] in ("succeeded", "failed", "canceled", "aborted"):
                return prediction
            await asyncio.sleep(0.01)
        raise AssertionError("the prediction does not finish")
