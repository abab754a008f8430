"""Answers that end when the client goes away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Send

from services.api.dialects.openai.connection import EventStream, WhileConnected

SCOPE: dict[str, Any] = {"type": "http"}


class Client:
    """Has sent its body, and reads until it is told to go."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self._left = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> Message:
        await self._left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.got.append(message)


async def test_an_answer_is_sent_as_it_comes_and_nothing_is_left_running() -> None:
    client = Client()

    async def work(send: Send) -> None:
        events = EventStream(send, keep=True)
        await events.send({"a": 1})
        await events.done()
        assert events.sent == b'data: {"a":1}\n\ndata: [DONE]\n\n'

    await WhileConnected(work)(SCOPE, client.receive, client.send)

    start, first, done = client.got
    assert start["status"] == 200
    assert (first["body"], first["more_body"]) == (b'data: {"a":1}\n\n', True)
    assert (done["body"], done["more_body"]) == (b"data: [DONE]\n\n", False)
    assert "api:connection" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_a_client_that_leaves_ends_the_work() -> None:
    client, ended = Client(), asyncio.Event()

    async def work(send: Send) -> None:
        client.leave()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    await WhileConnected(work)(SCOPE, client.receive, client.send)

    assert ended.is_set()
    assert client.got == []
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_an_error_of_the_work_is_the_callers_to_tell() -> None:
    async def work(send: Send) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await WhileConnected(work)(SCOPE, Client().receive, Client().send)


async def test_who_is_cancelled_from_outside_stays_cancelled() -> None:
    client, begun = Client(), asyncio.Event()

    async def work(send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    answering = asyncio.create_task(WhileConnected(work)(SCOPE, client.receive, client.send))
    await begun.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering


async def test_a_client_that_leaves_at_the_very_end_changes_nothing() -> None:
    client = Client()

    async def work(send: Send) -> None:
        await EventStream(send).done()
        client.leave()

    await WhileConnected(work)(SCOPE, client.receive, client.send)

    assert len(client.got) == 2
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0
