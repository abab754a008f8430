from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import (
    ChatDone,
    ChatRequest,
    Done,
    EmbeddingDone,
    EmbeddingProvider,
    EmbeddingRequest,
    Failed,
    GenerationRequest,
    MediaProvider,
    Output,
    ProviderJob,
    TextProvider,
    TokenUsage,
)
from shared.providers.errors import ErrorClass
from shared.providers.openrouter import OpenRouterProvider
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import tools, upstream

KEY = SecretStr("sk-or-v1-secret")
MODEL = "google/gemini-2.5-flash-image"
CHATS = "POST /api/v1/chat/completions"
CHAT = ChatRequest("openai/gpt-5.1", ({"role": "user", "content": "hello"},), {"top_k": 5, "max_tokens": 7})


def image(number: int, cost: float) -> tuple[int, dict[str, Any]]:
    picture = {"type": "image_url", "image_url": {"url": f"https://f/{number}"}}
    message = {"role": "assistant", "content": "", "images": [picture]}
    return 200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"cost": cost}}


def error(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


async def test_it_makes_media_text_and_embeddings() -> None:
    async with provider_session() as session:
        made = OpenRouterProvider(tools(session), KEY)
    assert isinstance(made, MediaProvider)
    assert isinstance(made, TextProvider)
    assert isinstance(made, EmbeddingProvider)


async def test_images_over_chat_are_one_call_each_and_their_costs_add_up() -> None:
    async with upstream() as (server, session):
        server.answers[CHATS] = [image(1, 0.1), image(2, 0.2), image(3, 0.039)]
        result = await OpenRouterProvider(tools(session), KEY, f"{server.url}/api/v1").submit(
            GenerationRequest(MODEL, "a hen", num_outputs=3)
        )
    assert isinstance(result, Done)
    assert {output.url for output in result.outputs} == {"https://f/1", "https://f/2", "https://f/3"}
    assert (result.cost_nano, result.unaccounted) == (339_000_000, 0)
    assert set(server.keys) == {"Bearer sk-or-v1-secret"}
    assert [body["modalities"] for _, _, body in server.seen] == [["image", "text"]] * 3


async def test_the_images_that_came_are_kept_and_lost_calls_are_counted() -> None:
    calls = 0

    async def handle(request: web.Request) -> web.Response:
        nonlocal calls
        await request.read()
        calls += 1
        if calls == 1:
            return web.json_response(image(1, 0.1)[1])
        if calls == 2:
            return web.json_response(error(429, "Slow down"), status=429)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handle) as port, provider_session() as session:
        result = await OpenRouterProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(
            GenerationRequest(MODEL, "a hen", num_outputs=4)
        )
    assert result == Done((Output(url="https://f/1"),), 100_000_000, unaccounted=2)


async def test_if_no_image_came_a_refusal_beats_the_rest() -> None:
    moderated = {"code": 403, "message": "Flagged", "metadata": {"reasons": ["violence"]}}
    async with upstream() as (server, session):
        server.answers[CHATS] = [
            (429, error(429, "Slow")),
            (403, {"error": moderated}),
            (502, error(502, "x")),
        ]
        result = await OpenRouterProvider(tools(session), KEY, f"{server.url}/api/v1").submit(
            GenerationRequest(MODEL, "a hen", num_outputs=3)
        )
    assert result == Failed(ErrorClass.POLICY_REFUSAL, "Flagged")


async def test_a_route_can_ask_for_the_native_endpoint() -> None:
    data = [{"b64_json": b64encode(b"pixels").decode(), "media_type": "image/png"}] * 2
    async with upstream() as (server, session):
        server.answers["POST /images"] = [(200, {"created": 1, "data": data, "usage": {"cost": 0.08}})]
        result = await OpenRouterProvider(tools(session), KEY, server.url).submit(
            GenerationRequest(MODEL, "a hen", num_outputs=2, options={"endpoint": "images", "seed": 7})
        )
    assert result == Done((Output(data=b"pixels", content_type="image/png"),) * 2, 80_000_000)
    assert [body for _, _, body in server.seen] == [{"model": MODEL, "prompt": "a hen", "n": 2, "seed": 7}]


async def test_no_endpoints_for_an_image_config_means_the_model_is_gone() -> None:
    text = "No endpoints found that support the requested output modalities: image, text"
    async with upstream() as (server, session):
        server.answers[CHATS] = [(404, error(404, text))]
        result = await OpenRouterProvider(tools(session), KEY, f"{server.url}/api/v1").submit(
            GenerationRequest("openai/gpt-5.1", "a hen", aspect_ratio="16:9")
        )
    assert result == Failed(ErrorClass.MODEL_GONE, text)


async def test_there_is_nothing_to_poll_or_to_cancel() -> None:
    async with upstream() as (server, session):
        provider = OpenRouterProvider(tools(session), KEY, server.url)
        assert isinstance(await provider.poll(ProviderJob(("x",))), Failed)
        await provider.cancel(ProviderJob(("x",)))
    assert server.seen == []


async def test_a_chat_keeps_pictures_and_the_cost() -> None:
    pictures = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,cGl4ZWxz"}}]
    message = {"role": "assistant", "content": "Hi", "images": pictures, "reasoning": None}
    body = {
        "choices": [{"message": message, "finish_reason": "stop", "native_finish_reason": "STOP"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "cost": 0.00001},
    }
    async with upstream() as (server, session):
        server.answers[CHATS] = [(200, body)]
        result = await OpenRouterProvider(tools(session), KEY, f"{server.url}/api/v1").chat(CHAT)
    assert result == ChatDone(
        {"role": "assistant", "content": "Hi", "images": pictures},
        "stop",
        TokenUsage(9, 1, cost_nano=10_000),
    )
    assert server.seen[0][2]["top_k"] == 5
    assert server.seen[0][2]["max_tokens"] == 7


@pytest.mark.parametrize(
    "body",
    [
        error(402, "Insufficient credits"),
        {"choices": [{**error(402, "Insufficient credits"), "message": {"content": ""}}]},
    ],
)
async def test_an_error_inside_a_200_is_no_answer(body: dict[str, Any]) -> None:
    async with upstream() as (server, session):
        server.answers[CHATS] = [(200, body)]
        result = await OpenRouterProvider(tools(session), KEY, f"{server.url}/api/v1").chat(CHAT)
    assert result == Failed(ErrorClass.QUOTA, "Insufficient credits")


async def test_embeddings_keep_the_cost() -> None:
    body = {"data": [{"index": 0, "embedding": [1]}], "usage": {"prompt_tokens": 5, "cost": 1e-7}}
    async with upstream() as (server, session):
        server.answers["POST /embeddings"] = [(200, body)]
        result = await OpenRouterProvider(tools(session), KEY, server.url).embed(
            EmbeddingRequest("m", ("a",))
        )
    assert result == EmbeddingDone(((1.0,),), TokenUsage(5, 0, cost_nano=100))
