"""Addresses of strangers never lead inside, whoever of ours connects to them and however they are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_address, ip_network

import aiohttp
import pytest
from structlog.testing import capture_logs

from shared.http import EgressPolicy, UnsafeAddress, provider_session
from shared.http.egress import interface_addresses
from tests.security.ssrf_clients import (
    GUARDED,
    AtConnect,
    Inside,
    Names,
    clients,
    inside_listener,
    production,
)
from tests.security.ssrf_table import (
    NAMED,
    ONLY_WHEN_SUBMITTED,
    OWN_ADDRESSES,
    WRITTEN,
    Named,
    Written,
)
from tests.unit.http.serving import ScriptedResolver

OWN = replace(GUARDED, own_addresses=frozenset(map(ip_address, OWN_ADDRESSES)))
QUICK = aiohttp.ClientTimeout(total=5)


@pytest.fixture
async def inside() -> AsyncIterator[Inside]:
    async with inside_listener() as listener:
        yield listener


def dialled() -> list[Written]:
    return [row for row in WRITTEN if row.dialled]


def reaching() -> list[Written]:
    return [row for row in WRITTEN if row.reaches]


def _told(row: Written) -> str:
    """Schemes that an HTTP client does not know never get as far as an address."""
    return "connection failed" if row.unparsed is aiohttp.NonHttpUrlClientError else "address not allowed"


def test_the_table_is_long_and_says_nothing_twice() -> None:
    assert len(WRITTEN) >= 60
    assert len({row.url for row in WRITTEN}) == len(WRITTEN)
    assert len({row.host for row in NAMED}) == len(NAMED)


@pytest.mark.parametrize("row", reaching(), ids=str)
async def test_a_client_without_the_guard_reaches_the_listener(row: Written, inside: Inside) -> None:
    if "[" in row.url and not inside.has_ipv6:
        pytest.skip("this machine has no IPv6 loopback")
    async with provider_session() as session, session.get(row.at(inside.port), timeout=QUICK) as response:
        assert response.status == 200
    assert len(inside.hits) == 1


async def test_the_listener_is_reached_by_all_clients_where_the_setting_allows_it(inside: Inside) -> None:
    policy = replace(production("127.0.0.0/8", "::1/128"), allow_http=True, ports=None)
    names = Names({"receiver.example": ["127.0.0.1"]})
    async with clients(policy, names) as ours:
        for host in ("127.0.0.1", "receiver.example"):
            url = f"http://{host}:{inside.port}/hen.png"
            assert (await ours.webhook(url)).status == 200
            assert await ours.input_image(url) is None
            assert len(await ours.output(url)) == 1
    assert inside.hits == ["POST /hen.png", "GET /hen.png", "GET /hen.png"] * 2


@pytest.mark.parametrize("row", WRITTEN, ids=str)
async def test_what_is_written_to_lead_inside_is_refused_by_the_guard(row: Written, inside: Inside) -> None:
    with pytest.raises(UnsafeAddress, match=row.said):
        production().check_url(row.submitted())
    async with clients() as ours:
        answer = await ours.webhook(row.at(inside.port))
        cause = await ours.input_image(row.at(inside.port))
    assert isinstance(cause, row.unparsed or UnsafeAddress)
    if isinstance(cause, UnsafeAddress):
        assert (row.sent or row.said) in cause.message
    assert (answer.status, answer.error) == (None, _told(row))
    assert inside.hits == []


@pytest.mark.parametrize("row", dialled(), ids=str)
async def test_what_gets_past_every_look_at_its_writing_is_refused_when_it_is_dialled(
    row: Written, inside: Inside
) -> None:
    async with clients(AtConnect(allow_http=True, ports=None)) as ours:
        assert (await ours.webhook(row.at(inside.port))).error == "address not allowed"
        cause = await ours.input_image(row.at(inside.port))
    assert isinstance(cause, UnsafeAddress)
    assert cause.message == f"The host is {row.dialled}."
    assert inside.hits == []


@pytest.mark.parametrize("row", NAMED, ids=str)
async def test_a_name_that_resolves_inside_is_refused_when_it_is_dialled(row: Named, inside: Inside) -> None:
    url = f"http://{row.host}:{inside.port}/hook"
    AtConnect().check_url(url)
    async with clients(OWN, ScriptedResolver(list(row.answers))) as ours:
        assert (await ours.webhook(url)).error == "address not allowed"
        cause = await ours.input_image(url)
    assert isinstance(cause, UnsafeAddress)
    assert cause.message == f"The host is {row.reason}."
    assert inside.hits == []


@pytest.mark.parametrize("kind", ["image_generate", "video_generate"])
async def test_no_file_of_a_provider_is_fetched_from_inside(kind: str, inside: Inside) -> None:
    written = [row for row in WRITTEN if row.unparsed is None]
    names = Names({row.host: row.answers for row in NAMED})
    urls = [row.at(inside.port) for row in written]
    urls += [f"http://{row.host}:{inside.port}/0.png" for row in NAMED]
    async with clients(OWN, names) as ours:
        with capture_logs() as logs:
            kept = await asyncio.gather(*(ours.output(url, kind) for url in urls))
    assert kept == [[]] * len(urls)
    refused = [entry["reason"] for entry in logs if entry["event"] == "output refused"]
    assert len(refused) == len(urls)
    assert inside.hits == []


@pytest.mark.parametrize(("url", "said"), ONLY_WHEN_SUBMITTED)
def test_a_scheme_port_or_path_that_no_webhook_needs_is_refused(url: str, said: str) -> None:
    with pytest.raises(UnsafeAddress, match=said):
        production().check_url(url)


@pytest.mark.parametrize("address", OWN_ADDRESSES)
async def test_the_machines_own_public_addresses_are_refused_as_they_are_written(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(UnsafeAddress, match="an address of this machine"):
        OWN.check_url(f"http://{host}/")
    async with clients(AtConnect(allow_http=True, ports=None, own_addresses=OWN.own_addresses)) as ours:
        cause = await ours.input_image(f"http://{host}:9/")
    assert isinstance(cause, UnsafeAddress)
    assert cause.message == "The host is an address of this machine."


async def test_no_interface_of_this_machine_can_be_named() -> None:
    policy = production()
    addresses = interface_addresses()
    assert addresses
    for address in addresses:
        host = f"[{address}]" if address.version == 6 else str(address)
        with pytest.raises(UnsafeAddress):
            policy.check_url(f"https://{host}/")
        assert policy.refusal(address)


def test_a_zone_does_not_make_an_own_address_another() -> None:
    policy = EgressPolicy(own_addresses=frozenset({ip_address("2606:4700::1111")}))
    assert policy.refusal("2606:4700::1111%eth0") == "an address of this machine"
    allowing = replace(policy, allow_cidrs=(ip_network("fe80::/10"),))
    assert allowing.refusal("fe80::1%eth0") is None
