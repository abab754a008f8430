"""The ways inside that begin outside: redirects, names that change, answers with one address inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

import pytest
from aiohttp import web

from shared.http import UnsafeAddress, provider_session
from tests.security.ssrf_clients import GUARDED, Inside, clients, inside_listener, listening
from tests.unit.http.serving import ScriptedResolver
from tests.unit.worker.storage import png

OUTSIDE_HOST = "127.0.0.2"
INSIDE_HOST = "127.0.0.1"
POLICY = replace(GUARDED, allow_cidrs=(ip_network(f"{OUTSIDE_HOST}/32"),))
"""Takes the second loopback address for a public one."""

TARGETS = (
    "http://127.0.0.1:{port}/",
    "//127.0.0.1:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://0x7f000001:{port}/",
    "http://169.254.169.254/latest/meta-data/",
)


@dataclass
class Outside:
    """A server of a stranger. Redirects to `target` if it has one, else answers with a picture."""

    port: int = 0
    status: int = 302
    target: str | None = None
    heads: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        self.heads.append(request)
        if self.target is None:
            return web.Response(body=png(), headers={"Connection": "close"})
        return web.Response(status=self.status, headers={"Location": self.target})

    @property
    def url(self) -> str:
        return f"http://{OUTSIDE_HOST}:{self.port}/hook"


@asynccontextmanager
async def outside_server(port: int = 0) -> AsyncIterator[Outside]:
    outside = Outside()
    async with listening(outside.handle, OUTSIDE_HOST, port) as runner:
        outside.port = runner.addresses[0][1]
        yield outside


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    async with inside_listener() as listener:
        yield listener


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    async with outside_server() as server:
        yield server


async def test_the_outside_is_reached_and_a_client_that_follows_gets_inside(
    outside: Outside, inside: Inside
) -> None:
    async with clients(POLICY) as ours:
        assert (await ours.webhook(outside.url)).status == 200
        assert await ours.input_image(outside.url) is None
        assert len(await ours.output(outside.url)) == 1
    outside.target = f"http://{INSIDE_HOST}:{inside.port}/"
    async with provider_session() as session, session.get(outside.url) as response:
        assert response.status == 200
    assert len(inside.hits) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("target", TARGETS)
async def test_a_redirect_leads_nowhere(status: int, target: str, outside: Outside, inside: Inside) -> None:
    outside.status, outside.target = status, target.format(port=inside.port)
    async with clients(POLICY) as ours:
        answer = await ours.webhook(outside.url)
        cause = await ours.input_image(outside.url)
        kept = await ours.output(outside.url) + await ours.output(outside.url, "video_generate")
        with pytest.raises(UnsafeAddress, match="redirect"):
            await ours.session.get(outside.url)
    assert (answer.status, answer.error) == (status, f"redirected ({status})")
    assert cause is not None
    assert kept == []
    assert len(outside.heads) == 5
    assert inside.hits == []


async def test_a_name_that_moves_inside_after_its_first_delivery_is_refused(inside: Inside) -> None:
    async with outside_server(inside.port) as outside:
        url = f"http://moving.example:{outside.port}/hook"
        POLICY.check_url(url)
        resolver = ScriptedResolver([OUTSIDE_HOST], [INSIDE_HOST])
        async with clients(POLICY, resolver) as ours:
            assert (await ours.webhook(url)).status == 200
        for _ in range(2):
            async with clients(POLICY, resolver) as ours:
                assert (await ours.webhook(url)).error == "address not allowed"
                assert isinstance(await ours.input_image(url), UnsafeAddress)
                assert await ours.output(url) == []
    assert len(outside.heads) == 1
    assert resolver.lookups == 3
    assert inside.hits == []


@pytest.mark.parametrize(
    "answers",
    [
        (OUTSIDE_HOST, INSIDE_HOST),
        (INSIDE_HOST, OUTSIDE_HOST),
        ("::1", INSIDE_HOST, OUTSIDE_HOST),
        ("10.0.0.1", "169.254.169.254", OUTSIDE_HOST, "::ffff:127.0.0.1"),
    ],
    ids=" ".join,
)
async def test_of_several_answers_only_those_outside_are_dialled(
    answers: tuple[str, ...], inside: Inside
) -> None:
    async with outside_server(inside.port) as outside:
        url = f"http://mixed.example:{outside.port}/hook"
        async with clients(POLICY, ScriptedResolver(list(answers))) as ours:
            assert (await ours.webhook(url)).status == 200
            assert await ours.input_image(url) is None
            assert len(await ours.output(url)) == 1
    assert len(outside.heads) == 3
    assert inside.hits == []


@pytest.mark.parametrize("answers", [(OUTSIDE_HOST, INSIDE_HOST), (INSIDE_HOST, OUTSIDE_HOST)], ids=" ".join)
async def test_an_outside_that_does_not_answer_is_not_replaced_by_the_inside(
    answers: tuple[str, ...], inside: Inside
) -> None:
    url = f"http://mixed.example:{inside.port}/hook"
    async with clients(POLICY, ScriptedResolver(list(answers))) as ours:
        assert (await ours.webhook(url)).error in {"connection failed", "address not allowed"}
        assert await ours.input_image(url) is not None
    assert inside.hits == []


async def test_open_and_closed_ports_inside_look_the_same(inside: Inside) -> None:
    told = set()
    for port in (inside.port, 1):
        url = f"http://probe.example:{port}/hook"
        async with clients(POLICY, ScriptedResolver([INSIDE_HOST])) as ours:
            answer = await ours.webhook(url)
            told.add((answer.status, answer.error, answer.excerpt, str(await ours.input_image(url))))
    assert told == {(None, "address not allowed", "", "The host is a loopback address.")}
    assert inside.hits == []


@pytest.mark.parametrize("separator", ["\r\n", "\n", "\r", "%0d%0a", "\u010d\u010a"])
async def test_no_line_break_in_a_url_becomes_a_header(separator: str, outside: Outside) -> None:
    async with clients(POLICY) as ours:
        answer = await ours.webhook(f"{outside.url}{separator}X-Injected: 1")
    assert answer.status == 200
    (request,) = outside.heads
    assert "X-Injected" not in request.headers
    assert request.method == "POST"
