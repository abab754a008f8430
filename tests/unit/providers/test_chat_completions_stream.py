"""Streams of both providers that speak chat completions, from servers that send what a test wrote down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.base import ChatDelta, ChatEnd, ChatRequest, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.providers.openai import OpenAiProvider
from shared.providers.openrouter import OpenRouterProvider
from tests.unit.http.serving import serving
from tests.unit.providers.upstream import tools

REQUEST = ChatRequest("m", ({"role": "user", "content": "hello"},))
BOTH = pytest.mark.parametrize("adapter", [OpenAiProvider, OpenRouterProvider])
Adapter = type[OpenAiProvider] | type[OpenRouterProvider]

HI = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1,"total_tokens":10}}\n\n'
END = b"data: [DONE]\n\n"
DELTA = ChatDelta({"role": "assistant", "content": "Hi"})
COUNTED = ChatEnd("stop", TokenUsage(9, 1))


class Script:
    """Sends `pieces` as an event stream, then ends the body, breaks the connection or stays silent."""

    def __init__(self, *pieces: bytes, then: str = "end", **headers: str) -> None:
        self.pieces = pieces
        self.then = then
        self.headers = {"Content-Type": "text/event-stream; charset=utf-8", **headers}
        self.bodies: list[Any] = []
        self.left = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(orjson.loads(await request.read()))
        response = web.StreamResponse(headers=self.headers)
        await response.prepare(request)
        try:
            for piece in self.pieces:
                await response.write(piece)
            if self.then == "silence":
                await asyncio.Event().wait()
        finally:
            self.left.set()
        if self.then == "break":
            assert request.transport is not None
            request.transport.abort()
        return response


@asynccontextmanager
async def provider(
    adapter: Adapter, script: Script, **limits: timedelta
) -> AsyncIterator[OpenAiProvider | OpenRouterProvider]:
    async with serving(script.handle) as port, provider_session() as session:
        yield adapter(tools(session, **limits), SecretStr("sk-test-1234"), f"http://127.0.0.1:{port}/v1")


async def events(adapter: Adapter, script: Script, **limits: timedelta) -> list[Any]:
    async with provider(adapter, script, **limits) as made:
        return [event async for event in made.stream(REQUEST)]


@BOTH
async def test_a_stream_gives_its_deltas_and_ends_with_reason_and_usage(adapter: Adapter) -> None:
    script = Script(b": OPENROUTER PROCESSING\n\n", HI, STOP, USAGE, END)
    assert await events(adapter, script) == [DELTA, COUNTED]
    assert script.bodies[0]["stream"] is True
    assert script.bodies[0]["stream_options"] == {"include_usage": True}


@BOTH
async def test_a_stream_without_done_ended_properly_if_it_said_why(adapter: Adapter) -> None:
    assert await events(adapter, Script(HI, STOP)) == [DELTA, ChatEnd("stop", None)]


@BOTH
@pytest.mark.parametrize("last", [b"", END])
async def test_a_stream_that_ends_without_saying_why_was_cut_off(adapter: Adapter, last: bytes) -> None:
    assert await events(adapter, Script(HI, last)) == [
        DELTA,
        Failed(ErrorClass.TRANSIENT, "The provider's answer was cut off."),
    ]


async def test_a_done_without_its_empty_line_still_ends_the_answer() -> None:
    assert await events(OpenAiProvider, Script(HI, STOP, b"data: [DONE]")) == [DELTA, ChatEnd("stop", None)]


@BOTH
async def test_a_connection_that_breaks_in_the_middle_is_transient(adapter: Adapter) -> None:
    *_, last = await events(adapter, Script(HI, then="break"))
    assert last == Failed(ErrorClass.TRANSIENT, "the connection to the provider broke")


async def test_a_break_after_the_last_chunk_takes_nothing_from_the_answer() -> None:
    assert await events(OpenAiProvider, Script(HI, STOP, USAGE, then="break")) == [DELTA, COUNTED]


async def test_a_provider_that_falls_silent_is_transient() -> None:
    *_, last = await events(OpenAiProvider, Script(HI, then="silence"), idle=timedelta(milliseconds=50))
    assert last == Failed(ErrorClass.TRANSIENT, "the provider fell silent")


@BOTH
async def test_a_malformed_chunk_ends_the_stream(adapter: Adapter) -> None:
    assert await events(adapter, Script(HI, b"data: {oops\n\n", STOP, END)) == [
        DELTA,
        Failed(ErrorClass.TRANSIENT, "The provider's answer is not a chat completion."),
    ]


async def test_openrouters_error_inside_a_stream_is_classified_by_its_code() -> None:
    error = (
        b'data: {"error":{"code":429,"message":"Rate limited upstream"},'
        b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
    )
    assert await events(OpenRouterProvider, Script(HI, error, END, **{"Retry-After": "3"})) == [
        DELTA,
        Failed(ErrorClass.RATE_LIMIT, "Rate limited upstream", timedelta(seconds=3)),
    ]


async def test_openrouters_streamed_error_may_be_a_word() -> None:
    error = (
        b'data: {"error":{"code":"server_error","message":"Provider disconnected"},'
        b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
    )
    assert await events(OpenRouterProvider, Script(HI, error)) == [
        DELTA,
        Failed(ErrorClass.TRANSIENT, "Provider disconnected"),
    ]


async def test_openais_error_inside_a_stream_is_classified_by_its_words() -> None:
    error = b'event: error\ndata: {"error":{"type":"x","code":"insufficient_quota","message":"No."}}\n\n'
    assert await events(OpenAiProvider, Script(HI, error)) == [DELTA, Failed(ErrorClass.QUOTA, "No.")]


async def test_an_error_in_place_of_a_stream_is_classified() -> None:
    body = b'{"error":{"code":402,"message":"Insufficient credits"}}'
    script = Script(body, **{"Content-Type": "application/json"})
    assert await events(OpenRouterProvider, script) == [Failed(ErrorClass.QUOTA, "Insufficient credits")]


async def test_an_answer_that_is_no_stream_is_transient() -> None:
    script = Script(b'{"choices":[]}', **{"Content-Type": "application/json"})
    assert await events(OpenAiProvider, script) == [
        Failed(ErrorClass.TRANSIENT, "The provider did not answer with a stream.")
    ]


@BOTH
async def test_a_provider_that_cannot_be_reached_is_transient(adapter: Adapter) -> None:
    async with provider_session() as session:
        unreachable = adapter(tools(session), SecretStr("sk-test-1234"), "http://127.0.0.1:9")
        assert [event async for event in unreachable.stream(REQUEST)] == [
            Failed(ErrorClass.TRANSIENT, "could not connect to the provider")
        ]


@BOTH
async def test_closing_the_iterator_ends_the_call_at_the_provider(adapter: Adapter) -> None:
    script = Script(HI, then="silence")
    async with provider(adapter, script) as made:
        async with aclosing(made.stream(REQUEST)) as stream:
            assert await anext(stream) == DELTA
            assert not script.left.is_set()
        await asyncio.wait_for(script.left.wait(), 5)


@BOTH
async def test_the_connection_of_a_finished_stream_is_used_again(adapter: Adapter) -> None:
    script, ports = Script(HI, STOP, USAGE, END), set()

    async def handle(request: web.Request) -> web.StreamResponse:
        ports.add(request.transport.get_extra_info("peername") if request.transport else None)
        await request.read()
        return web.Response(body=b"".join(script.pieces), headers=script.headers)

    async with serving(handle) as port, provider_session() as session:
        made = adapter(tools(session), SecretStr("sk-test-1234"), f"http://127.0.0.1:{port}")
        for _ in range(3):
            assert [event async for event in made.stream(REQUEST)] == [DELTA, COUNTED]
    assert len(ports) == 1
