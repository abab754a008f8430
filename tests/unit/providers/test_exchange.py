"""One exchange with a provider: whatever happens on the line ends in a value."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import aiohttp
import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from shared.http import provider_session
from shared.providers.errors import ErrorClass
from shared.providers.exchange import Broken, EventStream, NoReply, ProviderClient, Reply
from shared.providers.tools import ProviderTools, TimeLimits
from shared.waiting import cancel
from tests.harness.ports import free_port
from tests.unit.http.serving import Handler, serving
from tests.unit.providers.upstream import Inputs

KEY = "key-5f2e9d"
SECONDS = timedelta(seconds=30)


@dataclass
class Counting:
    """A throttle that lets everything through."""

    calls: int = 0

    async def wait(self) -> None:
        self.calls += 1


@dataclass
class Provider:
    """A server whose one answer a test writes; `hang` never ends before the test does."""

    answer: Handler
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.heads.append({name.title(): value for name, value in request.headers.items()})
        self.bodies.append(await request.read())
        self.called.set()
        return await self.answer(request)


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def break_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(0)
    return web.Response()


def answering(status: int = 200, body: bytes = b"{}", **headers: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(
            status=status,
            body=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return answer


def streaming(*pieces: bytes, then: str = "end") -> Handler:
    """Sends the pieces one by one, then ends, breaks off or falls silent."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0.01)
        if then == "silence":
            await asyncio.Event().wait()
        if then == "break":
            assert request.transport is not None
            request.transport.abort()
        return response

    return answer


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with provider_session() as opened:
        yield opened


def client(
    session: aiohttp.ClientSession, port: int, throttle: Counting | None = None, **limits: timedelta
) -> ProviderClient:
    tools = ProviderTools(session, Inputs(), throttle or Counting(), TimeLimits(**limits))
    return ProviderClient(tools, f"http://127.0.0.1:{port}", SecretStr(KEY))


async def call(
    session: aiohttp.ClientSession, answer: Handler, timeout: timedelta = SECONDS, most_bytes: int = 1_000
) -> Reply | NoReply:
    async with serving(answer) as port:
        ours = client(session, port)
        return await ours.call("POST", f"{ours.base_url}/x", timeout, {"a": 1}, most_bytes=most_bytes)


async def test_an_answer_is_its_status_headers_and_body(session: aiohttp.ClientSession) -> None:
    provider = Provider(answering(201, b'{"id": 7}', X_Request="r1"))
    throttle = Counting()
    async with serving(provider.handle) as port:
        ours = client(session, port, throttle)
        reply = await ours.call("POST", f"{ours.base_url}/jobs", SECONDS, {"a": 1}, headers={"X-Own": "yes"})

    assert isinstance(reply, Reply)
    assert (reply.status, reply.accepted, reply.object()) == (201, True, {"id": 7})
    assert reply.headers["x-request"] == "r1"
    assert orjson.loads(provider.bodies[0]) == {"a": 1}
    assert (provider.heads[0]["Authorization"], provider.heads[0]["X-Own"]) == (f"Bearer {KEY}", "yes")
    assert throttle.calls == 1


async def test_a_form_is_made_anew_for_its_call(session: aiohttp.ClientSession) -> None:
    provider = Provider(answering())

    def form() -> aiohttp.FormData:
        return aiohttp.FormData({"prompt": "a hen"})

    async with serving(provider.handle) as port:
        ours = client(session, port)
        for _ in range(2):
            assert isinstance(await ours.call("POST", f"{ours.base_url}/x", SECONDS, form=form), Reply)
    assert provider.bodies == [b"prompt=a+hen"] * 2


@pytest.mark.parametrize("status", [302, 307, 308])
async def test_a_redirect_is_an_answer_and_the_key_goes_nowhere_else(
    session: aiohttp.ClientSession, status: int
) -> None:
    elsewhere = Provider(answering())
    async with serving(elsewhere.handle) as port:
        reply = await call(session, answering(status, b"", Location=f"http://127.0.0.1:{port}/"))

    assert isinstance(reply, Reply)
    assert (reply.status, reply.accepted) == (status, False)
    assert elsewhere.heads == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{other}/x",
        "http://127.0.0.1:{port}.evil.example/x",
        "http://user@127.0.0.1:{port}/x",
        "https://127.0.0.1:{port}/x",
        "http://127.0.0.1:{port}",
        "/x",
        "",
    ],
)
async def test_an_address_that_is_not_the_providers_is_never_called(
    session: aiohttp.ClientSession, url: str
) -> None:
    provider = Provider(answering())
    throttle = Counting()
    async with serving(provider.handle) as port:
        ours = client(session, port, throttle)
        reply = await ours.call("GET", url.format(port=port, other=free_port()), SECONDS)

    assert reply == NoReply(sent=False, reason="the address is not the provider's")
    assert (provider.heads, throttle.calls) == ([], 0)


async def test_nobody_listening_means_that_nothing_was_sent(session: aiohttp.ClientSession) -> None:
    ours = client(session, free_port())
    reply = await ours.call("POST", f"{ours.base_url}/x", SECONDS, {})

    assert isinstance(reply, NoReply)
    assert not reply.sent
    assert reply.failed_submit().error_class is ErrorClass.TRANSIENT


@pytest.mark.parametrize(
    ("answer", "timeout", "reason"),
    [
        (break_off, SECONDS, "the connection to the provider broke"),
        (hang, timedelta(milliseconds=50), "the provider did not answer in time"),
        (streaming(b"a", then="silence"), timedelta(milliseconds=200), "the provider did not answer in time"),
        (answering(body=b"x" * 1_001), SECONDS, "the provider's answer is too large"),
        (streaming(b"x" * 600, b"x" * 600), SECONDS, "the provider's answer is too large"),
        (streaming(b"x", then="break"), SECONDS, "the connection to the provider broke"),
    ],
)
async def test_what_happens_after_sending_leaves_open_whether_it_arrived(
    session: aiohttp.ClientSession, answer: Handler, timeout: timedelta, reason: str
) -> None:
    reply = await call(session, answer, timeout)

    assert reply == NoReply(sent=True, reason=reason)
    assert reply.failed_submit().error_class is ErrorClass.SUBMIT_AMBIGUOUS
    assert reply.failed_call().error_class is ErrorClass.TRANSIENT


async def test_a_caller_that_is_cancelled_is_cancelled(session: aiohttp.ClientSession) -> None:
    provider = Provider(hang)
    async with serving(provider.handle) as port:
        ours = client(session, port)
        calling = asyncio.create_task(ours.call("POST", f"{ours.base_url}/x", SECONDS, {}))
        await provider.called.wait()
        await cancel(calling)

    assert calling.cancelled()


async def test_a_key_that_comes_back_is_blackened(session: aiohttp.ClientSession) -> None:
    reply = await call(session, answering(401, f"Incorrect API key: {KEY}".encode()))

    assert isinstance(reply, Reply)
    assert reply.body == b"Incorrect API key: ***"


@pytest.mark.parametrize(
    ("body", "value", "as_object"),
    [
        (b'{"a": 1}', {"a": 1}, {"a": 1}),
        (b"[1]", [1], {}),
        (b"<html>", None, {}),
        (b"", None, {}),
        (b"\xff", None, {}),
    ],
)
def test_a_body_is_read_as_json_where_it_is_any(body: bytes, value: object, as_object: object) -> None:
    reply = Reply(200, {}, body)

    assert reply.json() == value
    assert reply.object() == as_object


@pytest.mark.parametrize(
    ("error_class", "delay"), [(ErrorClass.RATE_LIMIT, timedelta(seconds=9)), (ErrorClass.QUOTA, None)]
)
def test_only_a_rate_limit_keeps_the_delay_that_was_asked_for(
    error_class: ErrorClass, delay: timedelta | None
) -> None:
    failed = Reply(429, {"Retry-After": "9"}, b"slow <b>down</b>").failed(error_class)

    assert (failed.error_class, failed.retry_after, failed.message) == (error_class, delay, "slow down")


def test_a_failure_without_words_names_its_status() -> None:
    assert Reply(503, {}, b"").failed(ErrorClass.TRANSIENT).message == "The provider answered 503."


async def collect(
    session: aiohttp.ClientSession, answer: Handler, **limits: timedelta
) -> list[bytes | Broken] | Reply | NoReply:
    async with serving(answer) as port:
        ours = client(session, port, **limits)
        async with ours.open_stream(f"{ours.base_url}/chat", {"stream": True}) as opened:
            if not isinstance(opened, EventStream):
                return opened
            return [event async for event in opened.events()]


SHORT = timedelta(milliseconds=300)


@pytest.mark.parametrize(
    ("answer", "events"),
    [
        (streaming(b"data: one\n\n", b"data: two\n\n"), [b"one", b"two"]),
        (streaming(b"data: on", b"e\n", b"\ndata: two\n\n"), [b"one", b"two"]),
        (streaming(b"data: one\n\ndata: two\n\n: bye\n\n"), [b"one", b"two"]),
        (streaming(), []),
        (streaming(f"data: {KEY}\n\n".encode()), [b"***"]),
        (
            streaming(b"data: one\n\ndata: tw"),
            [b"one", Broken("the provider's answer was cut off", b"tw")],
        ),
        (
            streaming(b"data: one\n\n", then="break"),
            [b"one", Broken("the connection to the provider broke")],
        ),
    ],
)
async def test_a_stream_is_given_event_by_event_to_its_end(
    session: aiohttp.ClientSession, answer: Handler, events: list[bytes | Broken]
) -> None:
    assert await collect(session, answer) == events


@pytest.mark.parametrize(
    ("answer", "events"),
    [
        (streaming(b"data: one\n\n", then="silence"), [b"one"]),
        (streaming(then="silence"), []),
        (streaming(b"data: one\n\n", *[b": keep-alive\n\n"] * 200), [b"one"]),
    ],
)
async def test_a_provider_that_falls_silent_or_only_keeps_the_line_open_is_left(
    session: aiohttp.ClientSession, answer: Handler, events: list[bytes]
) -> None:
    found = await collect(session, answer, idle=SHORT, first_event=timedelta(seconds=1))

    assert found == [*events, Broken("the provider fell silent")]


@pytest.mark.parametrize("status", [200, 400, 429, 503])
async def test_an_answer_that_is_no_stream_is_a_reply(session: aiohttp.ClientSession, status: int) -> None:
    reply = await collect(session, answering(status, f'{{"key": "{KEY}"}}'.encode(), Retry_After="3"))

    assert isinstance(reply, Reply)
    assert (reply.status, reply.object(), reply.headers["Retry-After"]) == (status, {"key": "***"}, "3")


async def test_an_event_stream_with_an_error_status_is_a_reply(session: aiohttp.ClientSession) -> None:
    reply = await collect(session, answering(500, b"data: {}\n\n", Content_Type="text/event-stream"))

    assert isinstance(reply, Reply)
    assert reply.status == 500


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (hang, "the provider did not answer in time"),
        (break_off, "the connection to the provider broke"),
    ],
)
async def test_a_stream_that_never_begins_is_no_reply(
    session: aiohttp.ClientSession, answer: Handler, reason: str
) -> None:
    assert await collect(session, answer, first_event=SHORT) == NoReply(sent=True, reason=reason)


async def test_leaving_a_stream_ends_the_call_at_the_provider(session: aiohttp.ClientSession) -> None:
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await streaming(b"data: one\n\n", then="silence")(request)
        finally:
            ended.set()

    async with serving(answer) as port:
        ours = client(session, port)
        async with ours.open_stream(f"{ours.base_url}/chat", {}) as opened:
            assert isinstance(opened, EventStream)
            events = opened.events()
            assert await anext(events) == b"one"
            await events.aclose()
        async with asyncio.timeout(30):
            await ended.wait()
