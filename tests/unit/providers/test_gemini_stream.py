from __future__ import annotations

from contextlib import aclosing
from datetime import timedelta
from typing import Any

import orjson
import pytest

from shared.providers.base import ChatDelta, ChatEnd, ChatRequest, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from tests.unit.providers.gemini_upstream import Answer, Cut, Events, Silence, answer, google, picture

REQUEST = ChatRequest("gemini-2.5-flash", ({"role": "user", "content": "hi"},))
FIRST = answer({"text": "hel"}, reason=None, usageMetadata={"promptTokenCount": 9})
LAST = answer({"text": "lo"}, usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": 2})
LIMITED = {
    "error": {
        "code": 429,
        "message": "slow down",
        "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38s"}],
    }
}


async def told(scripted: Answer, **limits: timedelta) -> list[ChatDelta | ChatEnd | Failed]:
    async with google(scripted, **limits) as (_, provider):
        return [event async for event in provider.stream(REQUEST)]


def delta(text: str, **more: Any) -> ChatDelta:
    return ChatDelta({**more, "content": text})


async def test_a_stream_is_told_piece_by_piece_and_ends_with_the_usage() -> None:
    async with google(Events((FIRST, LAST))) as (server, provider):
        events = [event async for event in provider.stream(REQUEST)]
        assert server.paths == ["/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"]
        assert server.bodies == [{"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}]
    assert events == [delta("hel", role="assistant"), delta("lo"), ChatEnd("stop", TokenUsage(9, 2))]


async def test_usage_that_comes_after_the_finish_reason_counts() -> None:
    late = {"usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3}}
    events = await told(Events((FIRST, answer(), late)))
    assert events[-1] == ChatEnd("stop", TokenUsage(9, 3))


async def test_tool_calls_in_a_stream_are_numbered_through() -> None:
    calls = [answer({"functionCall": {"name": name, "args": {}}}, reason=None) for name in ("one", "two")]
    events = await told(Events((*calls, answer())))
    found = [event.delta["tool_calls"][0] for event in events if isinstance(event, ChatDelta)]
    assert [(call["index"], call["function"]["name"]) for call in found] == [(0, "one"), (1, "two")]
    assert events[-1] == ChatEnd("tool_calls", None)


async def test_images_in_a_stream_stand_in_the_delta() -> None:
    first, end = await told(Events((answer(picture(), picture(thought=True)),)))
    assert isinstance(first, ChatDelta)
    assert first.delta["images"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,UE5H"}}
    ]
    assert end == ChatEnd("stop", None)


async def test_an_answer_cut_off_at_its_limit_ends_the_stream_with_length() -> None:
    assert (await told(Events((answer({"text": "hel"}, reason="MAX_TOKENS"),))))[-1] == ChatEnd(
        "length", None
    )


async def test_a_stream_without_a_finish_reason_was_cut_off() -> None:
    events = await told(Events((FIRST,)))
    assert events[0] == delta("hel", role="assistant")
    assert events[1:] == [Failed(ErrorClass.TRANSIENT, "the provider's answer was cut off")]


async def test_a_last_event_without_its_empty_line_is_read() -> None:
    events = await told(Events((FIRST, b"data: " + orjson.dumps(LAST))))
    assert events[-1] == ChatEnd("stop", TokenUsage(9, 2))


async def test_half_an_event_at_the_end_is_a_cut_off_answer() -> None:
    events = await told(Events((FIRST, b'data: {"candidates":[{"con')))
    assert events[1:] == [Failed(ErrorClass.TRANSIENT, "the provider's answer was cut off")]


async def test_a_malformed_event_is_transient() -> None:
    for broken in (b"data: {nonsense\n\n", b"data: 5\n\n"):
        events = await told(Events((FIRST, broken, LAST)))
        assert len(events) == 2
        assert isinstance(events[1], Failed)
        assert events[1].error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize("wrap", [lambda error: error, lambda error: [error]])
@pytest.mark.parametrize("before", [(), (FIRST,)])
async def test_an_error_as_an_event_is_understood_alone_and_in_a_list(
    wrap: Any, before: tuple[Any, ...]
) -> None:
    events = await told(Events((*before, wrap(LIMITED))))
    failed = events[-1]
    assert len(events) == len(before) + 1
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.RATE_LIMIT
    assert failed.retry_after == timedelta(seconds=38)


@pytest.mark.parametrize("status", [200, 429])
async def test_a_list_wrapped_error_as_the_body_of_a_stream_is_understood(status: int) -> None:
    (failed,) = await told((status, [LIMITED]))
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.RATE_LIMIT
    assert failed.retry_after == timedelta(seconds=38)


@pytest.mark.parametrize(
    "refusal", [answer(reason="SAFETY"), {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}]
)
async def test_a_refusal_is_a_failure_before_any_text_and_an_end_after_it(refusal: dict[str, Any]) -> None:
    (failed,) = await told(Events((refusal,)))
    assert isinstance(failed, Failed)
    assert failed.error_class is ErrorClass.POLICY_REFUSAL
    events = await told(Events((FIRST, refusal)))
    assert events[1:] == [ChatEnd("content_filter", TokenUsage(9, 0))]


async def test_another_stop_after_text_is_a_failure() -> None:
    events = await told(Events((FIRST, answer(reason="MALFORMED_FUNCTION_CALL"))))
    assert isinstance(events[-1], Failed)
    assert events[-1].error_class is ErrorClass.TRANSIENT


async def test_a_stream_that_falls_silent_is_transient() -> None:
    events = await told(Events((FIRST, Silence())), idle=timedelta(seconds=0.2))
    assert events[1:] == [Failed(ErrorClass.TRANSIENT, "the provider fell silent")]


async def test_silence_after_the_end_is_no_failure() -> None:
    events = await told(Events((FIRST, LAST, Silence())), idle=timedelta(seconds=0.2))
    assert events[-1] == ChatEnd("stop", TokenUsage(9, 2))


async def test_a_stream_that_does_not_begin_is_transient() -> None:
    for scripted in (Cut(), Silence()):
        (failed,) = await told(scripted, first_event=timedelta(seconds=0.2))
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.TRANSIENT


async def test_an_invalid_chat_is_told_without_a_call() -> None:
    async with google(Events((LAST,))) as (server, provider):
        (failed,) = [event async for event in provider.stream(ChatRequest("m", ({"role": "what"},)))]
        assert isinstance(failed, Failed)
        assert failed.error_class is ErrorClass.CALLER_FAULT
        assert server.paths == []


async def test_closing_the_iterator_ends_the_call_at_the_provider() -> None:
    async with google(Events((FIRST, Silence()))) as (server, provider):
        async with aclosing(provider.stream(REQUEST)) as events:
            assert await anext(events) == delta("hel", role="assistant")
            await server.waiting.get()
        assert await server.left.get() == "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
