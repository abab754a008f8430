"""Input images, wherever a client says they are."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from shared.http import EgressPolicy, guarded_session
from shared.providers import inputs
from shared.providers.inputs import InputImages
from shared.providers.tools import InputImage, UnusableInput
from tests.unit.http.serving import serving
from tests.unit.worker.storage import FileServer, file_server, png


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with file_server() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    policy = EgressPolicy(allow_http=True, allow_loopback=True, ports=None)
    async with guarded_session(policy) as opened:
        yield opened


def inline(data: bytes, content_type: str = "image/png") -> str:
    return f"data:{content_type};base64,{b64encode(data).decode()}"


async def test_an_image_is_fetched_and_its_type_read_from_its_bytes(
    session: aiohttp.ClientSession, server: FileServer
) -> None:
    server.files["hen.jpg"] = png()

    assert await InputImages(session).load(f"{server.url}/hen.jpg") == InputImage(png(), "image/png")


async def test_an_image_may_stand_in_its_address(session: aiohttp.ClientSession) -> None:
    assert await InputImages(session).load(inline(png(), "image/gif")) == InputImage(png(), "image/png")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("data:image/png,plain", "not a base64 data URL"),
        ("data:image/png;base64", "not a PNG"),
        ("data:image/png;base64,$$$", "not valid base64"),
        ("data:image/png;base64,AAA", "not valid base64"),
        ("data:image/png;base64,ÄÄÄÄ", "not valid base64"),
        ("data:image/png;base64,", "not a PNG"),
        (inline(b"<svg/>"), "not a PNG"),
    ],
)
async def test_an_address_without_an_image_in_it_is_refused(
    session: aiohttp.ClientSession, url: str, words: str
) -> None:
    with pytest.raises(UnusableInput, match=words):
        await InputImages(session).load(url)


async def test_an_inline_image_that_is_too_large_is_refused_before_it_is_decoded(
    session: aiohttp.ClientSession,
) -> None:
    with pytest.raises(UnusableInput, match="at most 20 MB"):
        await InputImages(session).load(
            "data:image/png;base64," + "$" * (inputs.MOST_INPUT_BYTES * 4 // 3 + 5)
        )


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
async def test_any_other_answer_than_the_image_is_the_same_refusal(
    session: aiohttp.ClientSession, server: FileServer, status: int
) -> None:
    server.statuses["hen"] = [status]

    with pytest.raises(UnusableInput) as refused:
        await InputImages(session).load(f"{server.url}/hen")
    assert refused.value.message == "an input image could not be fetched"
    assert server.asked == ["hen"]


async def test_a_page_in_place_of_an_image_is_refused(
    session: aiohttp.ClientSession, server: FileServer
) -> None:
    server.files["hen.png"] = b"<html>internal admin</html>"

    with pytest.raises(UnusableInput, match="not a PNG") as refused:
        await InputImages(session).load(f"{server.url}/hen.png")
    assert "admin" not in refused.value.message


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_image_that_is_too_large_is_not_read_to_its_end(
    session: aiohttp.ClientSession, server: FileServer, chunked: bool
) -> None:
    server.files["hen"] = png() + bytes(inputs.MOST_INPUT_BYTES)
    server.chunked = chunked

    with pytest.raises(UnusableInput, match="could not be fetched"):
        await InputImages(session).load(f"{server.url}/hen")


async def test_a_download_that_breaks_off_is_refused(
    session: aiohttp.ClientSession, server: FileServer
) -> None:
    server.files["hen"] = png(600, 400)
    server.breaks_off = lambda _: True

    with pytest.raises(UnusableInput, match="could not be fetched"):
        await InputImages(session).load(f"{server.url}/hen")


async def test_addresses_of_our_own_network_are_not_asked() -> None:
    asked = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=png())

    async with serving(handle) as port, guarded_session(EgressPolicy(allow_http=True, ports=None)) as session:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(UnusableInput) as refused:
                await InputImages(session).load(f"http://{host}:{port}/hen")
            assert refused.value.message == "an input image could not be fetched"
    assert asked == []


@pytest.mark.parametrize("url", ["http://", "http://[::1", "ftp://pictures.example/hen.png", "hen.png", ""])
async def test_what_is_no_address_is_refused(session: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(UnusableInput, match="could not be fetched"):
        await InputImages(session).load(url)
