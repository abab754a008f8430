"""What a receiver can do to a POST."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
import trustme
from aiohttp import web

from services.notifier.sender import Answer, Sender
from shared.http import EgressPolicy, guarded_session
from tests.unit.http.serving import Handler, serving

LOOPBACK = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)
QUICK = aiohttp.ClientTimeout(total=0.2)
Reply = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def post(url: str, policy: EgressPolicy = LOOPBACK, quick: bool = False) -> Answer:
    async with guarded_session(policy) as session:
        sender = Sender(session, QUICK) if quick else Sender(session)
        return await sender.post(url, b'{"a":1}', {"webhook-id": "whd_1"})


async def post_to(handler: Handler, quick: bool = False) -> Answer:
    async with serving(handler) as port:
        return await post(f"http://127.0.0.1:{port}/hook", quick=quick)


@asynccontextmanager
async def raw_server(
    answer: bytes, hang: bool = False, context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that reads a request, writes these bytes and closes, or keeps the connection open."""
    over = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b'{"a":1}')
        writer.write(answer)
        await writer.drain()
        if hang:
            await over.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        over.set()
        server.close()
        await server.wait_closed()


async def test_a_2xx_delivers_the_bytes_with_all_headers() -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []

    async def receive(request: web.Request) -> web.Response:
        seen.append((await request.read(), {name.lower(): value for name, value in request.headers.items()}))
        return web.Response(status=204, headers={"Server": "receiver"})

    answer = await post_to(receive)

    ((body, headers),) = seen
    assert body == b'{"a":1}'
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"] == "Hatchery-Webhook/1"
    assert headers["webhook-id"] == "whd_1"
    assert (answer.status, answer.error, answer.excerpt) == (204, None, "")
    assert answer.headers["server"] == "receiver"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (301, "redirected (301)"),
        (307, "redirected (307)"),
        (400, "answered 400"),
        (410, "answered 410"),
        (503, "answered 503"),
    ],
)
async def test_other_answers_are_failures_and_no_redirect_is_followed(status: int, error: str) -> None:
    calls: list[str] = []

    async def receive(request: web.Request) -> web.Response:
        calls.append(request.path)
        return web.Response(status=status, headers={"Location": "/other", "Retry-After": "7"}, text="no")

    answer = await post_to(receive)

    assert (answer.status, answer.error, answer.excerpt) == (status, error, "no")
    assert answer.headers["retry-after"] == "7"
    assert calls == ["/hook"]


async def test_only_the_beginning_of_an_endless_answer_is_read() -> None:
    async def receive(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 1000)

    answer = await post_to(receive)

    assert (answer.status, answer.error) == (200, None)
    assert answer.excerpt == "x" * 2048


async def test_a_compressed_bomb_is_cut_to_its_beginning() -> None:
    async def receive(_request: web.Request) -> web.Response:
        bomb = gzip.compress(b"x" * 50_000_000)
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    answer = await post_to(receive)

    assert (answer.status, answer.error, len(answer.excerpt)) == (200, None, 2048)


async def test_a_2xx_counts_even_when_its_body_never_ends() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", hang=True) as port:
        answer = await post(f"http://127.0.0.1:{port}/", quick=True)

    assert (answer.status, answer.error, answer.excerpt) == (200, None, "ok")


async def test_bytes_that_are_no_text_become_text_that_can_be_stored() -> None:
    reply = b"HTTP/1.1 500 No\r\nServer: \xff\xfe\r\nContent-Length: 2\r\n\r\n\xff\xfe"
    async with raw_server(reply) as port:
        answer = await post(f"http://127.0.0.1:{port}/")

    assert answer.status == 500
    assert (answer.excerpt + answer.headers["server"]).encode().decode() == "\ufffd" * 4


async def test_a_silent_receiver_times_out() -> None:
    async with raw_server(b"", hang=True) as port:
        answer = await post(f"http://127.0.0.1:{port}/", quick=True)

    assert (answer.status, answer.error) == (None, "timed out")


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 2", b"nonsense\r\n\r\n"])
async def test_a_receiver_that_breaks_off_is_a_failed_connection(reply: bytes) -> None:
    async with raw_server(reply) as port:
        answer = await post(f"http://127.0.0.1:{port}/")

    assert (answer.status, answer.error) == (None, "connection failed")


async def test_a_closed_port_is_a_failed_connection() -> None:
    async with raw_server(b"") as port:
        pass

    assert (await post(f"http://127.0.0.1:{port}/")).error == "connection failed"


async def test_a_certificate_nobody_knows_fails_tls() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with raw_server(b"", context=context) as port:
        answer = await post(f"https://127.0.0.1:{port}/")

    assert (answer.status, answer.error) == (None, "TLS failed")


@pytest.mark.parametrize(
    "url",
    [
        "http://hook.example.org/",
        "https://10.0.0.1/",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://169.254.169.254/latest/meta-data",
        "https://user:password@hook.example.org/",
        "https://hook.example.org:8443/",
        "https://0x7f000001/",
        "nonsense",
        f"https://{'a' * 70}.example.org/",
    ],
)
async def test_an_address_that_is_not_allowed_is_refused_without_saying_why(url: str) -> None:
    answer = await post(url, EgressPolicy())

    assert (answer.status, answer.error, answer.excerpt) == (None, "address not allowed", "")
