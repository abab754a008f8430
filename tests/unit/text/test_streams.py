"""What passes through a stream, when, and what it leaves behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from services.api.text.endings import BROKE_OFF_MESSAGE
from services.api.text.stream import Event
from shared.providers.base import ChatDelta, ChatEnd, Failed, TokenUsage
from shared.providers.errors import ErrorClass
from shared.tasks.model import TaskFailure
from tests.unit.text.scripted import (
    CONVERSATION,
    END,
    ROLE,
    Notes,
    Said,
    Scripted,
    a_text_task,
    calls_over,
    words,
)

BROKEN = Failed(ErrorClass.TRANSIENT, "the connection to the provider broke")


@pytest.fixture
def notes() -> Notes:
    return Notes()


async def read(notes: Notes, *scripts: Scripted) -> list[Event]:
    names = ("openai", "gemini", "openrouter")
    providers = dict(zip(names, scripts, strict=False))
    async with aclosing(calls_over(notes, **providers).stream(a_text_task(), CONVERSATION)) as stream:
        return [event async for event in stream]


async def test_a_role_is_held_back_until_there_is_something_to_say(notes: Notes) -> None:
    told = await read(notes, Scripted([ROLE, words("a"), words("b"), END]))

    assert told == [ChatDelta({"role": "assistant", "content": "a"}), words("b"), END]


async def test_the_role_of_a_route_that_says_no_more_is_never_told(notes: Notes) -> None:
    told = await read(notes, Scripted([ROLE, BROKEN]), Scripted([words("b"), END]))

    assert told == [words("b"), END]
    assert notes.log[1:] == [
        ("failed", "openai:m transient"),
        ("asked", "again"),
        ("works", "gemini:m"),
    ]


async def test_an_empty_answer_has_its_role_and_its_end(notes: Notes) -> None:
    assert await read(notes, Scripted([ROLE, END])) == [ROLE, END]


@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": [{"index": 0, "function": {"name": "lay"}}]},
        {"refusal": "No."},
        {"images": [{"image_url": {"url": "data:,"}}]},
    ],
)
async def test_whatever_a_client_can_use_begins_the_answer(notes: Notes, delta: dict[str, object]) -> None:
    told = await read(notes, Scripted([ChatDelta(delta), BROKEN]), Scripted([words("b"), END]))

    assert told == [
        ChatDelta(delta),
        TaskFailure(error_class=ErrorClass.TRANSIENT, message=BROKE_OFF_MESSAGE),
    ]


@pytest.mark.parametrize(
    ("events", "error_class"),
    [
        ((words("a"), BROKEN), ErrorClass.TRANSIENT),
        ((words("a"),), ErrorClass.TRANSIENT),
        ((words("a"), ValueError("a bug")), ErrorClass.UNKNOWN),
        ((words("a"), Failed(ErrorClass.RATE_LIMIT, "slow down")), ErrorClass.RATE_LIMIT),
    ],
    ids=["broken", "no-end", "bug", "limited"],
)
async def test_an_answer_that_broke_off_is_not_begun_again(
    notes: Notes, events: tuple[Said, ...], error_class: ErrorClass
) -> None:
    other = Scripted([words("b"), END])

    told = await read(notes, Scripted(events), other)

    assert told == [words("a"), TaskFailure(error_class=error_class, message=BROKE_OFF_MESSAGE)]
    assert other.requests == []


async def test_a_refusal_in_mid_stream_is_told_as_one(notes: Notes) -> None:
    told = await read(notes, Scripted([words("a"), Failed(ErrorClass.POLICY_REFUSAL, "unsafe")]))

    assert told[-1] == TaskFailure(
        error_class=ErrorClass.POLICY_REFUSAL, message="Content moderation: unsafe"
    )


@pytest.mark.parametrize("events", [(), (ROLE,), (ValueError("a bug"),)], ids=["nothing", "a-role", "bug"])
async def test_a_route_that_says_nothing_gives_way(notes: Notes, events: tuple[Said, ...]) -> None:
    assert await read(notes, Scripted(events), Scripted([words("b"), END])) == [words("b"), END]


@pytest.mark.parametrize("error_class", [ErrorClass.CANCELLED, ErrorClass.DEADLINE])
async def test_a_time_limit_of_the_provider_is_not_the_task_s(notes: Notes, error_class: ErrorClass) -> None:
    script = Scripted([Failed(error_class, "given up")])

    assert await read(notes, script, Scripted([words("b"), END])) == [words("b"), END]
    assert ("failed", "openai:m transient") in notes.log


async def test_events_are_told_as_they_come(notes: Notes) -> None:
    script = Scripted([ROLE, words("a"), words("b"), END])
    stream = calls_over(notes, openai=script).stream(a_text_task(), CONVERSATION)

    async with aclosing(stream):
        assert script.said == 0
        await anext(stream)
        assert script.said == 2
        await anext(stream)
        assert script.said == 3


async def test_the_end_is_learnt_from_before_it_is_told(notes: Notes) -> None:
    usage = TokenUsage(4, 6, cost_nano=1_500)
    script = Scripted([words("a"), ChatEnd("length", usage)])
    stream = calls_over(notes, openai=script).stream(a_text_task(), CONVERSATION)

    async with aclosing(stream):
        await anext(stream)
        assert stream.end is None
        await anext(stream)

    assert stream.end == ChatEnd("length", usage)
    (attempt,) = stream.attempts
    assert attempt.cost_nano == 1_500
    assert attempt.ended_at is not None
    assert attempt.error_class is None
    assert notes.log[1:] == [("works", "openai:m")]


async def test_closing_ends_the_call_first_and_notes_it_then(notes: Notes) -> None:
    script = Scripted([words("a"), words("b"), END])
    stream = calls_over(notes, openai=script).stream(a_text_task(), CONVERSATION)

    await anext(stream)
    await stream.aclose()

    assert script.broken_off == 1
    assert notes.log[1:] == [("failed", "openai:m cancelled")]
    assert [attempt.error_class for attempt in stream.attempts] == [ErrorClass.CANCELLED]


async def test_closing_an_answer_that_has_ended_changes_nothing(notes: Notes) -> None:
    stream = calls_over(notes, openai=Scripted([words("a"), END])).stream(a_text_task(), CONVERSATION)

    async with aclosing(stream):
        await anext(stream)
        assert await anext(stream) == END

    assert [attempt.error_class for attempt in stream.attempts] == [None]


async def test_cancelling_the_reader_ends_the_call(notes: Notes) -> None:
    script = Scripted([words("a")], hangs=True)
    stream = calls_over(notes, openai=script).stream(a_text_task(), CONVERSATION)
    await anext(stream)
    reader = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)

    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert script.broken_off == 1
    assert [attempt.error_class for attempt in stream.attempts] == [ErrorClass.CANCELLED]


async def test_what_is_ready_after_the_deadline_is_not_told(notes: Notes) -> None:
    stream = calls_over(notes, openai=Scripted([words("a"), words("b"), END])).stream(
        a_text_task(seconds=0.3), CONVERSATION
    )
    async with aclosing(stream):
        await anext(stream)
        await asyncio.sleep(0.4)
        told = [event async for event in stream]

    assert told == [TaskFailure(error_class=ErrorClass.DEADLINE, message="Task timed out")]


async def test_the_request_is_the_client_s_with_the_route_s_model_and_options(notes: Notes) -> None:
    script = Scripted([words("a"), END])

    await read(notes, script)

    (request,) = script.requests
    assert request.upstream_model == "m"
    assert request.messages == CONVERSATION.messages
    assert request.parameters == {"temperature": 0.5}
    assert request.options == {"seed": 7}
