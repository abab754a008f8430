"""Which of the catalog's models EggAPI offers, and what a request for each becomes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from services.api.dialects.eggapi.endpoints import eggapi_endpoints
from services.api.idempotency import Idempotency
from services.api.middleware import RequestFrame
from services.api.rendering import render_errors
from services.api.submit import Submission
from shared.accounts.key import KeyOwner
from shared.catalog.model import Catalog
from shared.http import EgressPolicy
from shared.tasks.model import Task
from tests.unit.building import StillClock, a_task

CHAIN = [{"provider": "fal", "generate": "fal-ai/x"}]
PER_TOKEN = {"per": "token", "usd_per_million_input": "1"}
CATALOG = Catalog.model_validate(
    {
        "providers": {"fal": {}},
        "models": {
            "banana": {"kind": "image", "price": {"per": "image", "usd": "0.01"}, "chain": CHAIN},
            "film": {"kind": "video", "price": {"per": "second", "usd": "0.08"}, "chain": CHAIN},
            "talk": {
                "kind": "chat",
                "price": {**PER_TOKEN, "usd_per_million_output": "1"},
                "chain": CHAIN,
            },
            "vector": {"kind": "embedding", "price": PER_TOKEN, "chain": CHAIN},
        },
    }
)


class Accepting:
    """Takes every submission."""

    def __init__(self) -> None:
        self.taken: list[Submission] = []

    async def submit(self, submission: Submission) -> Task:
        self.taken.append(submission)
        return a_task(kind=submission.kind, model=submission.model)


async def anybody(_: Request, _scope: str) -> KeyOwner:
    return KeyOwner("key_1", "acc_1", suspended=False)


async def generate(submissions: Accepting, **fields: Any) -> httpx.Response:
    app = FastAPI()
    parts = SimpleNamespace(
        admit=anybody,
        submissions=submissions,
        # Without a key in the request nothing is looked up.
        idempotency=Idempotency(None, submissions),
        tasks=None,
        catalog=CATALOG,
        clock=StillClock(),
        egress=EgressPolicy(),
        file_url=lambda key: key,
    )
    app.include_router(eggapi_endpoints(parts))
    render_errors(app)
    transport = httpx.ASGITransport(RequestFrame(app))
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        return await client.post("/v1/generate", json={"prompt": "a hen", **fields})


async def test_a_video_model_makes_a_video_task() -> None:
    submissions = Accepting()
    answer = await generate(
        submissions, model="film", duration=8, aspect_ratio="1:1", image_url="https://a.example/1.png"
    )

    (taken,) = submissions.taken
    assert (taken.kind, taken.model, taken.request.duration_seconds) == ("video_generate", "film", 8)
    assert taken.request.image_urls == ("https://a.example/1.png",)
    assert (answer.status_code, answer.json()["data"]["type"]) == (202, "video_generate")


async def test_an_image_model_still_has_its_two_shapes() -> None:
    submissions = Accepting()
    answer = await generate(submissions, model="banana", aspect_ratio="1:1")

    assert answer.json()["error"]["message"] == "aspect_ratio must be one of: '16:9', '9:16'"
    assert submissions.taken == []


@pytest.mark.parametrize("model", ["talk", "vector", "nothing"])
async def test_a_model_of_another_kind_is_as_unknown_as_none_at_all(model: str) -> None:
    submissions = Accepting()
    answer = await generate(submissions, model=model)

    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "VALIDATION_ERROR",
        "message": "model must be one of: banana, film",
    }
    assert submissions.taken == []


async def test_the_first_frame_of_a_video_is_checked_like_any_image() -> None:
    answer = await generate(Accepting(), model="film", image_url="https://10.0.0.1/1.png")

    assert answer.status_code == 400
    assert "image_url is not usable" in answer.json()["error"]["message"]
