"""Clients that hold a connection for nothing, or send a head or body without end, over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from shared.http_limits import MOST_HEAD_BYTES, MOST_HEADERS, MOST_URL_BYTES, HttpLimits
from shared.serving import serving

SLOW = HttpLimits(slow_seconds=0.5)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and says how long it was; `/early` answers first, `/large` at length."""
    size = 0
    while scope["path"] != "/early":
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    body = b"x" * 50_000_000 if scope["path"] == "/large" else str(size).encode()
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    for start in range(0, len(body), 65_536):
        part = body[start : start + 65_536]
        await send({"type": "http.response.body", "body": part, "more_body": start + 65_536 < len(body)})


class Connection:
    """Bytes to a server and back, exactly as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> bytes:
        """The head of the next answer."""
        return await self.reader.readuntil(b"\r\n\r\n")

    async def everything(self) -> bytes:
        """Until the server closes."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()


async def test_a_connection_on_which_nothing_comes_is_closed() -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=SLOW) as port, connected(port) as one:
        assert await one.everything() == b""


@pytest.mark.parametrize(
    "begun",
    [b"G", b"GET / HTTP/1.1\r\nHost: x\r\n", POST + b"Content-Length: 9\r\n\r\n123", GET + b"GET"],
    ids=["a letter", "half a head", "half a body", "a second request"],
)
async def test_what_is_begun_and_not_finished_is_cut_off(begun: bytes) -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=SLOW) as port, connected(port) as one:
        await one.say(begun)
        answers = await one.everything()
        assert answers.count(b"HTTP/1.1 200") == begun.count(b"\r\n\r\n") - begun.count(b"Content-Length")


async def test_a_head_that_drips_in_gains_no_time() -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=SLOW) as port, connected(port) as one:
        closed = asyncio.create_task(one.everything())
        await one.say(b"GET / HTTP/1.1\r\n")
        for number in range(1000):
            if closed.done():
                break
            one.writer.write(f"X-{number}: a\r\n".encode())
            await asyncio.sleep(0.05)
        assert await closed == b""
        assert number < 999


async def test_a_body_that_drips_in_is_cut_off() -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=SLOW) as port, connected(port) as one:
        closed = asyncio.create_task(one.everything())
        await one.say(POST + b"Content-Length: 100000\r\n\r\n")
        dripped = 0
        while not closed.done() and dripped < 1000:
            one.writer.write(b"x")
            dripped += 1
            await asyncio.sleep(0.05)
        assert await closed == b""
        assert dripped < 1000


async def test_empty_lines_between_requests_do_not_keep_a_connection() -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=SLOW) as port, connected(port) as one:
        await one.say(GET)
        assert b"200" in await one.answer()
        await one.say(b"\r\n")
        assert await one.everything() == b"0"


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=SLOW) as port, connected(port) as one:
        await one.say(GET.replace(b"/ ", b"/large "))
        await one.answer()
        one.writer.transport.pause_reading()
        await asyncio.sleep(3)
        one.writer.transport.resume_reading()
        assert len(await one.everything()) < 50_000_000


async def test_who_is_answered_early_and_sends_on_is_cut_off() -> None:
    limits = HttpLimits(linger_seconds=0.5)
    async with serving(reading, "127.0.0.1", 0, "test", limits=limits) as port, connected(port) as one:
        closed = asyncio.create_task(one.everything())
        await one.say(POST.replace(b"/ ", b"/early ") + b"Content-Length: 100000000\r\n\r\n")
        sent = 0
        while not closed.done() and sent < 400:
            one.writer.write(b"x" * 20_000)
            sent += 1
            await asyncio.sleep(0.02)
        assert (await closed).startswith(b"HTTP/1.1 200")
        assert sent < 400


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * MOST_URL_BYTES + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (MOST_HEADERS + 1) + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * MOST_HEAD_BYTES + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + b"a" * (MOST_HEAD_BYTES + 100), b"431"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * (MOST_HEAD_BYTES + 100), b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\x00c\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc: d\r\n\r\n", b"400"),
        (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", b"400"),
        (POST + b"Content-Length: -3\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
    ],
)
async def test_a_head_that_is_too_long_or_ambiguous_is_refused(head: bytes, status: bytes) -> None:
    async with serving(reading, "127.0.0.1", 0, "test") as port, connected(port) as one:
        await one.say(head)
        answer = await one.everything()
        assert answer.split(b" ", 2)[:2] == [b"HTTP/1.1", status]
        assert answer.count(b"HTTP/1.1") == 1


async def test_chunks_wrapped_in_endless_extensions_are_counted() -> None:
    limits = HttpLimits(request_bytes=100_000)
    async with serving(reading, "127.0.0.1", 0, "test", limits=limits) as port, connected(port) as one:
        await one.say(POST + b"Transfer-Encoding: chunked\r\n\r\n")
        chunk = b"1;" + b"e" * 5000 + b"\r\nx\r\n"
        for _ in range(40):
            one.writer.write(chunk)
            await asyncio.sleep(0)
        one.writer.write(b"0\r\n\r\n")
        assert b"200" not in await one.everything()


async def test_two_thousand_slow_connections_leave_others_served() -> None:
    limits = HttpLimits(slow_seconds=30)
    async with serving(reading, "127.0.0.1", 0, "test", limits=limits) as port:
        slow = []
        for batch in range(20):
            opened = (asyncio.open_connection("127.0.0.1", port) for _ in range(100))
            slow += await asyncio.gather(*opened)
            for number, (_, writer) in enumerate(slow[-100:]):
                writer.write((b"", b"GET", GET[:-2], POST + b"Content-Length: 5\r\n\r\n")[number % 4])
            assert len(slow) == (batch + 1) * 100
        async with httpx.AsyncClient() as client:
            answers = [await client.post(f"http://127.0.0.1:{port}/", content=b"12345") for _ in range(20)]
        assert [answer.text for answer in answers] == ["5"] * 20
        for _, writer in slow:
            writer.transport.abort()


async def test_more_connections_than_allowed_are_closed_at_once_and_places_come_back() -> None:
    async with serving(reading, "127.0.0.1", 0, "test", limits=HttpLimits(connections=3)) as port:
        async with connected(port) as first, connected(port) as second, connected(port) as third:
            for one in (first, second, third):
                await one.say(GET)
                assert b"200" in await one.answer()
            async with connected(port) as fourth:
                assert await fourth.everything() == b""
        await _served_again(port, lambda answer: b"200" in answer)


async def _served_again(port: int, good: Callable[[bytes], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            async with connected(port) as one:
                await one.say(GET)
                try:
                    if good(await one.answer()):
                        return
                except (asyncio.IncompleteReadError, ConnectionResetError):
                    await asyncio.sleep(0.02)
