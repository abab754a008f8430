"""From what a provider delivers to stored files."""

from __future__ import annotations

from datetime import timedelta

import aiohttp
import pytest

from services.worker.downloads import FETCH_TRIES, FetchLimits, UnusableOutput
from services.worker.outputs import OutputStore
from services.worker.videos import VideoStore
from shared.files import StorageUnavailable
from shared.killpoints import KillPoints
from shared.providers.base import Output
from shared.tasks.lifecycle import State
from shared.tasks.model import Task
from tests.unit.building import a_task
from tests.unit.worker.storage import MP4, Bucket, FileServer, png


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def store(session: aiohttp.ClientSession, bucket: Bucket) -> OutputStore:
    return OutputStore(
        session, bucket, VideoStore(session, bucket, 10**6), 100_000, KillPoints(), FetchLimits()
    )


def images(units: int = 1) -> Task:
    return a_task(State.RUNNING, _id="gen_7", units=units)


def videos(units: int = 1) -> Task:
    return a_task(State.RUNNING, _id="gen_7", units=units, kind="video_generate")


def at(server: FileServer, *names: str) -> tuple[Output, ...]:
    return tuple(Output(url=f"{server.url}/{name}") for name in names)


async def test_images_are_fetched_or_taken_as_they_come_and_numbered(
    store: OutputStore, server: FileServer, bucket: Bucket
) -> None:
    server.files["hen"] = png(3, 2)
    kept = await store.keep(images(2), (*at(server, "hen"), Output(data=png(5, 4))))

    assert [(one.key, one.content_type, one.width, one.height) for one in kept] == [
        ("images/gen_7/0.png", "image/png", 3, 2),
        ("images/gen_7/1.png", "image/png", 5, 4),
    ]
    assert bucket.kept["images/gen_7/1.png"] == (png(5, 4), "image/png")


async def test_no_more_is_kept_than_was_asked_for(
    store: OutputStore, server: FileServer, bucket: Bucket
) -> None:
    server.files |= {"one": png(), "two": png()}

    assert len(await store.keep(images(1), at(server, "one", "two"))) == 1
    assert server.asked == ["one"]
    assert len(bucket.kept) == 1


async def test_what_is_no_image_is_left_out_and_the_others_close_up(
    store: OutputStore, server: FileServer, bucket: Bucket
) -> None:
    server.files |= {"page": b"<html>expired</html>", "large": png() + bytes(100_001), "hen": png(3, 2)}
    kept = await store.keep(images(4), at(server, "page", "gone", "large", "hen"))

    assert [(one.key, one.width) for one in kept] == [("images/gen_7/0.png", 3)]
    assert list(bucket.kept) == ["images/gen_7/0.png"]


async def test_without_any_usable_image_the_attempt_has_no_output(
    store: OutputStore, server: FileServer, bucket: Bucket
) -> None:
    with pytest.raises(UnusableOutput):
        await store.keep(images(2), (*at(server, "gone"), Output(data=b"no image")))
    with pytest.raises(UnusableOutput):
        await store.keep(images(), ())
    assert bucket.tries == 0


@pytest.mark.parametrize("status", [500, 503, 429, 403])
async def test_a_server_in_trouble_is_asked_again(
    store: OutputStore, server: FileServer, status: int
) -> None:
    server.files["hen"] = png()
    server.statuses["hen"] = [status]

    assert len(await store.keep(images(), at(server, "hen"))) == 1
    assert server.asked == ["hen", "hen"]


async def test_a_server_that_stays_in_trouble_is_given_up(store: OutputStore, server: FileServer) -> None:
    server.statuses["hen"] = [500] * 99

    with pytest.raises(UnusableOutput):
        await store.keep(images(), at(server, "hen"))
    assert len(server.asked) == FETCH_TRIES


@pytest.mark.parametrize("status", [302, 404, 410])
async def test_an_answer_that_will_not_change_is_not_asked_for_again(
    store: OutputStore, server: FileServer, status: int
) -> None:
    server.statuses["hen"] = [status] * 99

    with pytest.raises(UnusableOutput):
        await store.keep(images(), at(server, "hen"))
    assert server.asked == ["hen"]


async def test_videos_are_kept_in_their_order_and_unusable_ones_left_out(
    store: OutputStore, server: FileServer, bucket: Bucket
) -> None:
    server.files |= {"page": b"<html>expired</html>", "hen": MP4, "egg": MP4[:5_000]}
    kept = await store.keep(videos(3), (*at(server, "page", "hen"), Output(data=MP4), *at(server, "egg")))

    # The last of the four was never asked for.
    assert [(one.key, one.size) for one in kept] == [("videos/gen_7/0.mp4", len(MP4))]
    assert list(bucket.kept) == ["videos/gen_7/0.mp4"]


async def test_a_video_whose_download_breaks_off_is_fetched_anew(
    store: OutputStore, server: FileServer, bucket: Bucket
) -> None:
    server.files["hen"] = MP4
    server.breaks_off = lambda _: len(server.asked) < 2

    await store.keep(videos(), at(server, "hen"))
    assert bucket.kept["videos/gen_7/0.mp4"][0] == MP4


async def test_without_any_usable_video_the_attempt_has_no_output(
    store: OutputStore, server: FileServer
) -> None:
    with pytest.raises(UnusableOutput):
        await store.keep(videos(), at(server, "gone"))


@pytest.mark.parametrize("task", [images(), videos()], ids=lambda task: task.kind)
async def test_a_bucket_that_is_away_is_no_fault_of_the_provider(
    session: aiohttp.ClientSession, server: FileServer, task: Task
) -> None:
    server.files["hen"] = MP4 if task.kind == "video_generate" else png()
    bucket = Bucket(away=1)
    store = OutputStore(
        session, bucket, VideoStore(session, bucket, 10**6), 100_000, KillPoints(), FetchLimits()
    )

    with pytest.raises(StorageUnavailable):
        await store.keep(task, at(server, "hen"))
    assert len(await store.keep(task, at(server, "hen"))) == 1


async def test_a_file_that_drips_in_is_given_up(
    session: aiohttp.ClientSession, server: FileServer, bucket: Bucket
) -> None:
    server.files |= {"hen": png(), "slow": png()}
    server.drips.add("slow")
    brief = FetchLimits(image=timedelta(seconds=0.5), video=timedelta(seconds=0.5))
    store = OutputStore(session, bucket, VideoStore(session, bucket, 10**6), 10**6, KillPoints(), brief)

    kept = await store.keep(images(2), at(server, "slow", "hen"))

    assert [one.key for one in kept] == ["images/gen_7/0.png"]
    assert server.asked.count("slow") == 1
