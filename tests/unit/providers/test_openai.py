from __future__ import annotations

import asyncio
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import BodyPartReader, MultipartReader, web
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
from shared.providers.openai import OpenAiProvider, openai_chat_body
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import Inputs, tools, upstream

KEY = SecretStr("sk-proj-secret")
HEN = GenerationRequest("gpt-image-1.5", "a hen")
CHAT = ChatRequest("gpt-5.1", ({"role": "user", "content": "hello"},))
PIXELS = b64encode(b"pixels").decode()
MADE = Output(data=b"pixels", content_type="image/png")


def images(count: int) -> dict[str, Any]:
    return {"created": 1, "output_format": "png", "data": [{"b64_json": PIXELS}] * count}


async def test_it_makes_media_text_and_embeddings() -> None:
    async with provider_session() as session:
        made = OpenAiProvider(tools(session), KEY)
    assert isinstance(made, MediaProvider)
    assert isinstance(made, TextProvider)
    assert isinstance(made, EmbeddingProvider)


async def test_several_images_are_one_call() -> None:
    async with upstream() as (server, session):
        server.answers["POST /v1/images/generations"] = [(200, images(3))]
        request = GenerationRequest("gpt-image-1.5", "a hen", aspect_ratio="16:9", num_outputs=3)
        result = await OpenAiProvider(tools(session), KEY, f"{server.url}/v1/").submit(request)
    assert result == Done((MADE,) * 3)
    assert server.keys == ["Bearer sk-proj-secret"]
    assert [body for _, _, body in server.seen] == [
        {"model": "gpt-image-1.5", "prompt": "a hen", "n": 3, "output_format": "png", "size": "1536x1024"}
    ]


async def test_fewer_images_than_asked_are_a_success() -> None:
    async with upstream() as (server, session):
        server.answers["POST /images/generations"] = [(200, images(2))]
        result = await OpenAiProvider(tools(session), KEY, server.url).submit(
            GenerationRequest("m", "a hen", num_outputs=4)
        )
    assert result == Done((MADE, MADE))


async def test_an_edit_sends_its_images_as_files() -> None:
    parts: list[tuple[str | None, str | None, str | None, bytes]] = []

    async def handle(request: web.Request) -> web.Response:
        assert request.path == "/images/edits"
        # Read past the test server's own limit for bodies.
        async for part in MultipartReader(request.headers, request.content):
            assert isinstance(part, BodyPartReader)
            read = bytes(await part.read())
            parts.append((part.name, part.filename, part.headers.get("Content-Type"), read))
        return web.json_response(images(1))

    large = b"x" * (2 * 1024 * 1024)
    request = GenerationRequest(
        "m", "a hen", image_urls=("a", "b"), options={"input_fidelity": "high", "partial": True}
    )
    async with serving(handle) as port, provider_session() as session:
        made = tools(session, Inputs(a=b"first", b=large))
        result = await OpenAiProvider(made, KEY, f"http://127.0.0.1:{port}").submit(request)
    assert result == Done((MADE,))
    assert {name: read for name, file, _, read in parts if file is None} == {
        "model": b"m",
        "prompt": b"a hen",
        "n": b"1",
        "output_format": b"png",
        "input_fidelity": b"high",
        "partial": b"true",
    }
    assert [part for part in parts if part[1] is not None] == [
        ("image[]", "image-0.png", "image/png", b"first"),
        ("image[]", "image-1.png", "image/png", large),
    ]


@pytest.mark.parametrize("urls", [("gone",), ("a",) * 17])
async def test_input_images_that_cannot_be_used_are_the_callers_fault(urls: tuple[str, ...]) -> None:
    async with upstream() as (server, session):
        result = await OpenAiProvider(tools(session, Inputs(a=b"first")), KEY, server.url).submit(
            GenerationRequest("m", "a hen", image_urls=urls)
        )
    assert isinstance(result, Failed)
    assert result.error_class is ErrorClass.CALLER_FAULT
    assert server.seen == []


async def test_a_call_that_was_sent_and_not_answered_in_time_is_ambiguous() -> None:
    async def handle(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(handle) as port, provider_session() as session:
        request = GenerationRequest("m", "a hen", time_limit=timedelta(milliseconds=100))
        result = await OpenAiProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(request)
    assert result == Failed(ErrorClass.SUBMIT_AMBIGUOUS, "the provider did not answer in time")


async def test_a_connection_that_was_reset_after_sending_is_ambiguous() -> None:
    async def handle(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(handle) as port, provider_session() as session:
        result = await OpenAiProvider(tools(session), KEY, f"http://127.0.0.1:{port}").submit(HEN)
    assert result == Failed(ErrorClass.SUBMIT_AMBIGUOUS, "the connection to the provider broke")


async def test_a_call_that_never_left_is_transient() -> None:
    async with provider_session() as session:
        result = await OpenAiProvider(tools(session), KEY, "http://127.0.0.1:9").submit(HEN)
    assert result == Failed(ErrorClass.TRANSIENT, "could not connect to the provider")


async def test_an_answer_of_many_megabytes_is_read() -> None:
    async with upstream() as (server, session):
        data = b"p" * (9 * 1024 * 1024)
        server.answers["POST /images/generations"] = [
            (200, {"data": [{"b64_json": b64encode(data).decode()}]})
        ]
        result = await OpenAiProvider(tools(session), KEY, server.url).submit(HEN)
    assert result == Done((Output(data=data),))


async def test_a_moderated_image_is_a_refusal() -> None:
    error = {"message": "Rejected.", "type": "image_generation_user_error", "code": "moderation_blocked"}
    async with upstream() as (server, session):
        server.answers["POST /images/generations"] = [(400, {"error": error})]
        result = await OpenAiProvider(tools(session), KEY, server.url).submit(HEN)
    assert result == Failed(ErrorClass.POLICY_REFUSAL, "Rejected.")


async def test_there_is_nothing_to_poll_or_to_cancel() -> None:
    async with upstream() as (server, session):
        provider = OpenAiProvider(tools(session), KEY, server.url)
        assert isinstance(await provider.poll(ProviderJob(("x",))), Failed)
        await provider.cancel(ProviderJob(("x",)))
    assert server.seen == []


async def test_a_chat_is_answered_whole() -> None:
    message = {"role": "assistant", "content": "Hi", "refusal": None, "annotations": []}
    async with upstream() as (server, session):
        server.answers["POST /chat/completions"] = [
            (
                200,
                {
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
                },
            )
        ]
        result = await OpenAiProvider(tools(session), KEY, server.url).chat(CHAT)
    assert result == ChatDone({"role": "assistant", "content": "Hi"}, "stop", TokenUsage(9, 1))
    assert server.seen[0][2] == {"model": "gpt-5.1", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"choices": []}, ErrorClass.TRANSIENT),
        (200, {"error": {"message": "x", "type": "server_error"}}, ErrorClass.TRANSIENT),
        (429, {"error": {"message": "x", "code": "insufficient_quota"}}, ErrorClass.QUOTA),
        (503, {"error": {"message": "x"}}, ErrorClass.TRANSIENT),
    ],
)
async def test_a_chat_that_fails_is_classified(status: int, body: Any, expected: ErrorClass) -> None:
    async with upstream() as (server, session):
        server.answers["POST /chat/completions"] = [(status, body)]
        result = await OpenAiProvider(tools(session), KEY, server.url).chat(CHAT)
    assert isinstance(result, Failed)
    assert result.error_class is expected


async def test_a_chat_without_an_answer_is_not_ambiguous() -> None:
    async def handle(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async with serving(handle) as port, provider_session() as session:
        made = tools(session, generate=timedelta(milliseconds=100))
        result = await OpenAiProvider(made, KEY, f"http://127.0.0.1:{port}").chat(CHAT)
    assert result == Failed(ErrorClass.TRANSIENT, "the provider did not answer in time")


def test_a_chat_uses_the_names_that_openais_newer_models_take() -> None:
    request = ChatRequest("m", (), {"top_k": 5, "max_tokens": 7, "top_p": 1}, {"service_tier": "flex"})
    assert openai_chat_body(request) == {
        "model": "m",
        "messages": [],
        "top_p": 1,
        "max_completion_tokens": 7,
        "service_tier": "flex",
    }


async def test_embeddings_come_in_the_order_of_the_inputs() -> None:
    data = [{"index": 1, "embedding": [0.5]}, {"index": 0, "embedding": [0.25]}]
    async with upstream() as (server, session):
        server.answers["POST /embeddings"] = [(200, {"data": data, "usage": {"prompt_tokens": 5}})]
        provider = OpenAiProvider(tools(session), KEY, server.url)
        done = await provider.embed(EmbeddingRequest("text-embedding-3-small", ("a", "b"), 1))
        short = await provider.embed(EmbeddingRequest("text-embedding-3-small", ("a", "b", "c")))
    assert done == EmbeddingDone(((0.25,), (0.5,)), TokenUsage(5, 0))
    assert isinstance(short, Failed)
    assert server.seen[0][2] == {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        "encoding_format": "float",
        "dimensions": 1,
    }


async def test_embeddings_that_fail_are_classified() -> None:
    async with upstream() as (server, session):
        server.answers["POST /embeddings"] = [(401, {"error": {"message": "Incorrect API key provided."}})]
        result = await OpenAiProvider(tools(session), KEY, server.url).embed(EmbeddingRequest("m", ("a",)))
    assert result == Failed(ErrorClass.CREDENTIAL, "Incorrect API key provided.")
