"""Stored files over HTTP: whole, in parts, and shown only where that is safe."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import httpx
import pytest

from deploy.local.servers import Servers
from services.api.file_streams import FileStreams
from services.api.files import file_endpoints
from shared.files import Files
from shared.ids import Prefix, new_id
from tests.integration.api.asking import client_of
from tests.integration.test_files import settings_of

FILM = os.urandom(200_000)


@pytest.fixture
async def files(servers: Servers) -> AsyncIterator[Files]:
    async with Files(settings_of(servers)) as opened:
        yield opened


@pytest.fixture
async def api(files: Files) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(file_endpoints(files, FileStreams())) as client:
        yield client


@pytest.fixture
async def film(files: Files) -> str:
    """The path of a stored video."""
    key = f"videos/{new_id(Prefix.EGGAPI_TASK)}/0.mp4"
    await files.put(key, FILM, "video/mp4")
    return f"/{key}"


async def test_a_whole_file_says_that_parts_can_be_had(api: httpx.AsyncClient, film: str) -> None:
    answer = await api.get(film)

    assert (answer.status_code, answer.content) == (200, FILM)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == "inline"
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-range" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-70099", 100, 70_100),
        ("bytes=199990-", 199_990, 200_000),
        ("bytes=199990-999999", 199_990, 200_000),
        ("bytes=-5", 199_995, 200_000),
        ("bytes=0-", 0, 200_000),
    ],
)
async def test_a_part_is_answered_alone(
    api: httpx.AsyncClient, film: str, asked: str, start: int, end: int
) -> None:
    answer = await api.get(film, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206, FILM[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/200000"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize("asked", ["bytes=0-1,5-9", "bytes=x-9", "lines=1-2", "bytes=-", "bytes=0-9\x0bx"])
async def test_what_is_no_single_part_is_answered_with_the_whole(
    api: httpx.AsyncClient, film: str, asked: str
) -> None:
    answer = await api.get(film, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (200, FILM)


async def test_a_part_behind_the_end_cannot_be_had(api: httpx.AsyncClient, film: str) -> None:
    answer = await api.get(film, headers={"Range": "bytes=200000-"})

    assert answer.status_code == 416
    assert answer.json()["error"]["code"] == "BAD_REQUEST"


async def test_a_part_of_another_version_is_answered_with_the_whole(
    api: httpx.AsyncClient, film: str
) -> None:
    etag = (await api.head(film)).headers["etag"]

    same = await api.get(film, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = await api.get(film, headers={"Range": "bytes=0-9", "If-Range": '"another"'})

    assert (same.status_code, same.content) == (206, FILM[:10])
    assert (other.status_code, other.content) == (200, FILM)


async def test_head_and_an_unchanged_file_have_no_body(api: httpx.AsyncClient, film: str) -> None:
    head = await api.head(film, headers={"Range": "bytes=0-9"})
    unchanged = await api.get(film, headers={"If-None-Match": head.headers["etag"], "Range": "bytes=0-9"})

    assert (head.status_code, head.headers["content-length"], head.content) == (200, "200000", b"")
    assert (unchanged.status_code, unchanged.content) == (304, b"")


@pytest.mark.parametrize(
    ("content_type", "shown", "disposition"),
    [
        ("image/webp", "image/webp", "inline"),
        ("video/mp4", "video/mp4", "inline"),
        ("image/svg+xml", "application/octet-stream", "attachment"),
        ("text/html", "application/octet-stream", "attachment"),
    ],
)
async def test_only_pictures_and_videos_are_shown_in_a_browser(
    files: Files, api: httpx.AsyncClient, content_type: str, shown: str, disposition: str
) -> None:
    key = f"images/{new_id(Prefix.EGGAPI_TASK)}/0.png"
    await files.put(key, b"<svg>", content_type)

    headers = (await api.get(f"/{key}")).headers

    assert (headers["content-type"], headers["content-disposition"]) == (shown, disposition)
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["0.png", "0.mp4.html", "100.mp4", "x.mp4", "0.mov"])
async def test_only_videos_are_found_among_videos(api: httpx.AsyncClient, film: str, name: str) -> None:
    answer = await api.get(film.replace("0.mp4", name))

    assert answer.status_code == 404
