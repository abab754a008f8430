from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from aiohttp import web

from shared.http import EgressPolicy, UnsafeAddress, guarded_session, provider_session
from tests.unit.http.serving import ScriptedResolver, serving

ANY_PORT = EgressPolicy(allow_http=True, ports=None)
LOCAL = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)


class OnlyAtConnect(EgressPolicy):
    """Lets every spelling through, so that the check of the dialled address stands alone."""

    def check_url(self, url: object) -> None:
        return None


class Visits:
    """Answers 200 and remembers the requests."""

    def __init__(self, **answer: Any) -> None:
        self.seen: list[web.Request] = []
        self._answer = answer

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request)
        return web.Response(**self._answer)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"]
)
@pytest.mark.parametrize("policy", [ANY_PORT, OnlyAtConnect(allow_http=True, ports=None)])
async def test_a_literal_loopback_address_is_never_dialled(host: str, policy: EgressPolicy) -> None:
    visits = Visits()
    async with serving(visits.handle) as port, guarded_session(policy) as session:
        # aiohttp itself refuses some of the spellings.
        with pytest.raises((UnsafeAddress, aiohttp.InvalidURL)):
            await session.get(f"http://{host}:{port}/")
    assert visits.seen == []


async def test_a_name_that_resolves_to_loopback_is_never_dialled() -> None:
    visits = Visits()
    resolver = ScriptedResolver(["127.0.0.1", "10.0.0.1", "::1"])
    async with serving(visits.handle) as port, guarded_session(ANY_PORT, resolver=resolver) as session:
        with pytest.raises(UnsafeAddress):
            await session.get(f"http://attacker.example:{port}/")
    assert resolver.lookups == 1
    assert visits.seen == []


@pytest.mark.parametrize("spelling", ["127.1", "0x7f000001", "not an address"])
async def test_a_resolver_answer_in_an_odd_spelling_is_refused(spelling: str) -> None:
    visits = Visits()
    resolver = ScriptedResolver([spelling])
    async with serving(visits.handle) as port, guarded_session(ANY_PORT, resolver=resolver) as session:
        with pytest.raises(UnsafeAddress):
            await session.get(f"http://attacker.example:{port}/")
    assert visits.seen == []


async def test_a_name_that_changes_its_address_after_a_check_gains_nothing() -> None:
    visits = Visits()
    resolver = ScriptedResolver(["8.8.8.8"], ["127.0.0.1"])
    first = await resolver.resolve("rebind.example")
    assert ANY_PORT.refusal(first[0]["host"]) is None
    async with serving(visits.handle) as port, guarded_session(ANY_PORT, resolver=resolver) as session:
        with pytest.raises(UnsafeAddress):
            await session.get(f"http://rebind.example:{port}/")
    assert resolver.lookups == 2
    assert visits.seen == []


async def test_open_and_closed_internal_ports_give_the_same_error() -> None:
    async with (
        serving(Visits().handle) as port,
        guarded_session(ANY_PORT, resolver=ScriptedResolver(["127.0.0.1"])) as session,
    ):
        errors = []
        for target in (port, 1):
            with pytest.raises(UnsafeAddress) as caught:
                await session.get(f"http://attacker.example:{target}/")
            errors.append(caught.value.message)
    assert errors[0] == errors[1]


async def test_an_allowed_address_among_refused_ones_is_used() -> None:
    visits = Visits(text="ok")
    resolver = ScriptedResolver(["10.0.0.1", "127.0.0.1"])
    async with (
        serving(visits.handle) as port,
        guarded_session(LOCAL, resolver=resolver) as session,
        session.get(f"http://mixed.example:{port}/") as response,
    ):
        assert await response.text() == "ok"


async def test_a_redirect_is_not_followed() -> None:
    visits = Visits(status=307, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    async with serving(visits.handle) as port, guarded_session(LOCAL) as session:
        with pytest.raises(UnsafeAddress, match="redirect"):
            await session.post(f"http://127.0.0.1:{port}/", data=b"x")
        async with session.post(f"http://127.0.0.1:{port}/", data=b"x", allow_redirects=False) as response:
            assert response.status == 307
    assert len(visits.seen) == 2


async def test_user_info_in_the_url_is_refused_before_anything_is_sent() -> None:
    visits = Visits()
    async with serving(visits.handle) as port, guarded_session(LOCAL) as session:
        with pytest.raises(UnsafeAddress, match="user name"):
            await session.get(f"http://user:secret@127.0.0.1:{port}/")
    assert visits.seen == []


async def test_a_port_outside_the_policy_is_refused() -> None:
    visits = Visits()
    policy = EgressPolicy(allow_http=True, allow_loopback=True, ports=frozenset({80, 443}))
    async with serving(visits.handle) as port, guarded_session(policy) as session:
        with pytest.raises(UnsafeAddress, match=f"Port {port}"):
            await session.get(f"http://127.0.0.1:{port}/")
    assert visits.seen == []


async def test_cookies_and_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    visits = Visits(headers={"Set-Cookie": "a=b"})
    async with serving(visits.handle) as port:
        for session in (provider_session(), guarded_session(LOCAL)):
            async with session:
                for _ in range(2):
                    async with session.get(f"http://127.0.0.1:{port}/") as response:
                        assert response.status == 200
    assert len(visits.seen) == 4
    assert all("Cookie" not in request.headers for request in visits.seen)


async def test_a_refused_connection_is_still_told_apart() -> None:
    async with guarded_session(LOCAL) as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get("http://127.0.0.1:1/")
