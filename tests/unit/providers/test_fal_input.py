from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import Accepted, Done, GenerationRequest, Output
from shared.providers.capabilities import Kind
from shared.providers.exchange import Reply
from shared.providers.fal import FalProvider
from shared.providers.fal_answers import Completed, read_result
from shared.providers.fal_input import model_input
from tests.unit.http.serving import serving
from tests.unit.providers.replies import reply
from tests.unit.providers.upstream import tools

KLING = "fal-ai/kling-video/v2.6/pro"
FRAME = ("https://i/1.png",)


def video(model: str, **fields: Any) -> GenerationRequest:
    return GenerationRequest(model, "a hen runs", kind=Kind.VIDEO, **fields)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (
            video(f"{KLING}/text-to-video", duration_seconds=5, aspect_ratio="9:16"),
            {"prompt": "a hen runs", "duration": "5", "aspect_ratio": "9:16"},
        ),
        (
            video(f"{KLING}/image-to-video", duration_seconds=10, image_urls=FRAME),
            {"prompt": "a hen runs", "duration": "10", "start_image_url": FRAME[0]},
        ),
        (
            video("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", duration_seconds=5, image_urls=FRAME),
            {"prompt": "a hen runs", "duration": "5", "image_url": FRAME[0]},
        ),
        (
            video("fal-ai/veo3.1", duration_seconds=8, resolution="1080p"),
            {"prompt": "a hen runs", "duration": "8s", "resolution": "1080p"},
        ),
        (
            video("fal-ai/veo3.1/image-to-video", duration_seconds=4, image_urls=FRAME),
            {"prompt": "a hen runs", "duration": "4s", "image_url": FRAME[0]},
        ),
        (
            video("fal-ai/veo3.1", options={"duration": "6s", "generate_audio": False}, duration_seconds=8),
            {"prompt": "a hen runs", "duration": "6s", "generate_audio": False},
        ),
        (video("fal-ai/veo3.1", num_outputs=2), {"prompt": "a hen runs"}),
    ],
)
def test_each_family_of_video_models_is_told_in_its_own_words(
    request_: GenerationRequest, expected: dict[str, Any]
) -> None:
    assert model_input(request_) == expected


@pytest.mark.parametrize(
    "answer",
    [
        reply(200, {"video": {"url": "https://f/1.mp4", "content_type": "video/mp4"}, "seed": 1}),
        reply(200, {"videos": [{"url": "https://f/1.mp4", "content_type": "video/mp4"}]}),
        reply(
            200,
            {
                "image": {"url": "https://f/cover.png"},
                "video": {"url": "https://f/1.mp4", "content_type": "video/mp4"},
            },
        ),
    ],
)
def test_a_video_is_the_output_and_its_cover_is_not(answer: Reply) -> None:
    assert read_result(answer, Completed()) == Done((Output("https://f/1.mp4", None, "video/mp4"),))


async def test_the_callback_goes_along_as_a_parameter_of_the_address() -> None:
    queries: list[dict[str, str]] = []

    async def handler(request: web.Request) -> web.Response:
        queries.append(dict(request.query))
        return web.json_response({"request_id": "r1"})

    callback = "https://us.example/callbacks/fal/task_1?a=b&c=d#e"
    async with serving(handler) as port, provider_session() as session:
        provider = FalProvider(tools(session), SecretStr("key"), f"http://127.0.0.1:{port}")
        taken = await provider.submit(video("fal-ai/veo3.1", callback_url=callback))
        await provider.submit(video("fal-ai/veo3.1"))
    assert isinstance(taken, Accepted)
    assert taken.job.urls["status"].endswith("/fal-ai/veo3.1/requests/r1/status")
    assert queries == [{"fal_webhook": callback}, {}]
