from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import Accepted, Done, Failed, GenerationRequest, Output, ProviderJob, Running
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.providers.kie import KieProvider
from shared.providers.kie_input import model_input
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import tools, upstream

KEY = SecretStr("kie-secret-key")
CREATE = "POST /api/v1/jobs/createTask"
IMAGES = ("https://i/1", "https://i/2")


def accepted(task_id: str) -> tuple[int, dict[str, Any]]:
    return 200, {"code": 200, "msg": "success", "data": {"taskId": task_id}}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            GenerationRequest("google/nano-banana", "a hen", "blur", "16:9", resolution="2K"),
            {"prompt": "a hen. Avoid: blur.", "output_format": "png", "image_size": "16:9"},
        ),
        (
            GenerationRequest("google/nano-banana-edit", "a hen", image_urls=IMAGES),
            {"prompt": "a hen", "output_format": "png", "image_urls": list(IMAGES)},
        ),
        (
            GenerationRequest("nano-banana-pro", "a hen", None, "4:3", 2, "4K", IMAGES),
            {
                "prompt": "a hen",
                "output_format": "png",
                "aspect_ratio": "4:3",
                "resolution": "4K",
                "image_input": list(IMAGES),
            },
        ),
        (
            GenerationRequest("nano-banana-2", "a hen", None, "8:1", options={"output_format": "jpg"}),
            {"prompt": "a hen", "output_format": "jpg", "aspect_ratio": "8:1"},
        ),
        (
            GenerationRequest("kling-2.6/text-to-video", "a hen", kind=Kind.VIDEO),
            {"prompt": "a hen", "sound": False, "duration": "5", "aspect_ratio": "16:9"},
        ),
        (
            GenerationRequest(
                "kling-2.6/image-to-video",
                "a hen",
                None,
                "9:16",
                image_urls=IMAGES,
                kind=Kind.VIDEO,
                duration_seconds=10,
                options={"sound": True},
            ),
            {
                "prompt": "a hen",
                "sound": True,
                "duration": "10",
                "aspect_ratio": "9:16",
                "image_urls": ["https://i/1"],
            },
        ),
    ],
)
def test_each_model_is_told_in_its_own_names(request_: GenerationRequest, expected: dict[str, Any]) -> None:
    assert model_input(request_) == expected


async def test_each_image_is_a_task_of_its_own() -> None:
    queries: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer kie-secret-key"
        if request.method == "POST":
            assert await request.json() == {
                "model": "google/nano-banana",
                "input": {"prompt": "a hen", "output_format": "png"},
                "callBackUrl": "https://us.example/callbacks/kie/task_1?a=b",
            }
            queries.append("new")
            return web.json_response({"code": 200, "data": {"taskId": f"t{len(queries)}"}})
        assert request.path == "/api/v1/jobs/recordInfo"
        task_id = request.query["taskId"]
        result = f'{{"resultUrls":["https://f/{task_id}"]}}'
        data = {"taskId": task_id, "state": "success", "resultJson": result, "consumeCredits": 4}
        return web.json_response({"code": 200, "data": data})

    async with serving(handler) as port, provider_session() as session:
        provider = KieProvider(tools(session), KEY, f"http://127.0.0.1:{port}/")
        taken = await provider.submit(
            GenerationRequest(
                "google/nano-banana",
                "a hen",
                num_outputs=2,
                callback_url="https://us.example/callbacks/kie/task_1?a=b",
            )
        )
        assert isinstance(taken, Accepted)
        assert sorted(taken.job.ids) == ["t1", "t2"]
        done = await provider.poll(ProviderJob(("t1", "t2")))
    assert done == Done((Output("https://f/t1"), Output("https://f/t2")), 40_000_000)


async def test_a_job_goes_on_with_the_tasks_that_were_accepted() -> None:
    async with upstream() as (server, session):
        server.answers[CREATE] = [accepted("t1"), (200, {"code": 500, "msg": "Server exception"})]
        result = await KieProvider(tools(session), KEY, server.url).submit(
            GenerationRequest("nano-banana-2", "a hen", num_outputs=2)
        )
    assert result == Accepted(ProviderJob(("t1",)), unaccounted=1)


async def test_no_credit_under_http_200_is_quota() -> None:
    async with upstream() as (server, session):
        server.answers[CREATE] = [(200, {"code": 402, "msg": "Credits insufficient."})]
        result = await KieProvider(tools(session), KEY, server.url).submit(
            GenerationRequest("nano-banana-2", "a hen")
        )
    assert result == Failed(ErrorClass.QUOTA, "Credits insufficient.")


async def test_a_broken_answer_means_keep_polling() -> None:
    async with upstream() as (server, session):
        server.answers["GET /api/v1/jobs/recordInfo"] = [(500, {"code": 500})]
        state = await KieProvider(tools(session), KEY, server.url).poll(ProviderJob(("t1",)))
    assert isinstance(state, Running)


async def test_cancelling_calls_nobody_since_there_is_no_such_call() -> None:
    async with upstream() as (server, session):
        await KieProvider(tools(session), KEY, server.url).cancel(ProviderJob(("t1",)))
    assert server.seen == []


async def test_the_key_never_reaches_the_host_of_the_files() -> None:
    async with upstream() as (server, session), upstream() as (cdn, _):
        data = {"taskId": "t1", "state": "success", "resultJson": f'{{"resultUrls":["{cdn.url}/1.png"]}}'}
        server.answers["GET /api/v1/jobs/recordInfo"] = [(200, {"code": 200, "data": data})]
        done = await KieProvider(tools(session), KEY, server.url).poll(ProviderJob(("t1",)))
    assert done == Done((Output(f"{cdn.url}/1.png"),))
    assert cdn.seen == []
