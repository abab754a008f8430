"""Taking over videos, from servers of every sort."""

from __future__ import annotations

import aiohttp
import pytest

from services.worker.downloads import UnusableOutput
from services.worker.videos import VideoStore
from shared.http import ResponseTooLarge, UnsafeAddress
from shared.tasks.lifecycle import State
from shared.tasks.model import OutputFile
from tests.unit.building import a_task
from tests.unit.test_video_length import FIVE, FTYP, box
from tests.unit.worker.storage import MP4, Bucket, FileServer

TASK = a_task(State.RUNNING, _id="gen_7", kind="video_generate")


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def videos(session: aiohttp.ClientSession, bucket: Bucket, most_bytes: int = 10**6) -> VideoStore:
    return VideoStore(session, bucket, most_bytes)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_video_becomes_our_file(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket, chunked: bool
) -> None:
    server.files["hen"] = MP4
    server.chunked = chunked

    kept = await videos(session, bucket).keep(TASK, 0, f"{server.url}/hen")

    assert kept == OutputFile(key="videos/gen_7/0.mp4", content_type="video/mp4", size=len(MP4))
    assert bucket.kept == {"videos/gen_7/0.mp4": (MP4, "video/mp4")}


@pytest.mark.parametrize("chunked", [False, True])
async def test_how_long_a_video_is_is_noted_while_it_passes(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket, chunked: bool
) -> None:
    server.files["hen"] = FTYP + box(b"mdat", bytes(700_000)) + FIVE
    server.chunked = chunked

    kept = await videos(session, bucket).keep(TASK, 0, f"{server.url}/hen")

    assert kept.duration_ms == 5_040
    assert bucket.kept["videos/gen_7/0.mp4"][0] == server.files["hen"]


async def test_a_video_that_comes_in_tiny_pieces_is_recognised(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket
) -> None:
    server.files["hen"] = MP4[:16]
    server.chunked = True

    assert (await videos(session, bucket).keep(TASK, 1, f"{server.url}/hen")).size == 16


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x00\x00\x20ftyp", b"short", b"<html><body>expired</body></html>", b"<html>" + bytes(10**6)],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_what_is_no_video_is_refused_and_not_kept(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket, content: bytes, chunked: bool
) -> None:
    server.files["hen"] = content
    server.chunked = chunked

    with pytest.raises(UnusableOutput):
        await videos(session, bucket, 10**7).keep(TASK, 0, f"{server.url}/hen")
    assert bucket.kept == {}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("most", "fits"), [(len(MP4), True), (len(MP4) - 1, False)])
async def test_a_video_above_the_limit_is_refused_whether_or_not_its_length_is_told(
    server: FileServer,
    session: aiohttp.ClientSession,
    bucket: Bucket,
    chunked: bool,
    most: int,
    fits: bool,
) -> None:
    server.files["hen"] = MP4
    server.chunked = chunked
    keeping = videos(session, bucket, most).keep(TASK, 0, f"{server.url}/hen")

    if fits:
        assert (await keeping).size == len(MP4)
    else:
        with pytest.raises(ResponseTooLarge):
            await keeping
        assert bucket.kept == {}


@pytest.mark.parametrize("status", [404, 410])
async def test_a_file_that_is_gone_is_no_output(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket, status: int
) -> None:
    server.statuses["hen"] = [status]

    with pytest.raises(UnusableOutput, match=str(status)):
        await videos(session, bucket).keep(TASK, 0, f"{server.url}/hen")
    assert bucket.tries == 0


async def test_a_redirect_is_not_followed(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket
) -> None:
    server.statuses["hen"] = [302]

    with pytest.raises(UnsafeAddress):
        await videos(session, bucket).keep(TASK, 0, f"{server.url}/hen")
    assert server.asked == ["hen"]


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_download_that_breaks_off_may_be_tried_again_and_nothing_is_kept(
    server: FileServer, session: aiohttp.ClientSession, bucket: Bucket, chunked: bool
) -> None:
    server.files["hen"] = MP4
    server.chunked = chunked
    server.breaks_off = lambda _: True

    with pytest.raises(aiohttp.ClientError):
        await videos(session, bucket).keep(TASK, 0, f"{server.url}/hen")
    assert bucket.kept == {}
