from __future__ import annotations

import io
from typing import Any

import filetype
import httpx
import pytest
from PIL import Image

from tests.contract.simulator.callers import Fal, Replicate, put_rules, set_fault
from tests.contract.simulator.kie_caller import Kie, result_urls
from tests.contract.simulator.mp4_boxes import Video, read_video

_KLING = "fal-ai/kling-video/v2.6/pro/text-to-video"


async def _video(sim: httpx.AsyncClient, url: str) -> Video:
    response = await sim.get(url)
    assert (response.status_code, response.headers["content-type"]) == (200, "video/mp4")
    assert url.endswith(".mp4")
    assert filetype.guess_mime(response.content) == "video/mp4"
    return read_video(response.content)


async def test_fal_answers_with_a_video(sim: httpx.AsyncClient, fal: Fal) -> None:
    result = await fal.finish(_KLING, duration="5", resolution="1080p")
    told = result.json()["video"]
    video = await _video(sim, told["url"])
    assert (video.duration, video.size) == (5, (1920, 1080))
    assert told["content_type"] == "video/mp4"
    assert told["file_size"] == len((await sim.get(told["url"])).content)
    assert result.headers["x-fal-billable-units"] == "5"


async def test_replicate_answers_with_the_address_of_a_video(
    sim: httpx.AsyncClient, replicate_api: Replicate
) -> None:
    prediction = await replicate_api.finish(model="google/veo-3", duration=8, aspect_ratio="9:16")
    video = await _video(sim, prediction["output"])
    assert (video.duration, video.size) == (8, (720, 1280))
    assert prediction["metrics"]["video_output_duration_seconds"] == 8
    assert "image_count" not in prediction["metrics"]


@pytest.mark.parametrize(
    ("model", "values", "cost"),
    [
        ("kling-2.6/text-to-video", {"duration": "10", "aspect_ratio": "1:1"}, 110),
        ("kling-2.6/image-to-video", {"duration": "5", "image_urls": ["https://a.example/b.png"]}, 55),
        ("kling-2.6/text-to-video", {"duration": "5", "sound": True}, 110),
    ],
)
async def test_kie_answers_with_a_video(
    sim: httpx.AsyncClient, kie: Kie, model: str, values: dict[str, Any], cost: float
) -> None:
    record = await kie.finish(model, **values)
    [url] = result_urls(record)
    assert (await _video(sim, url)).duration == float(values["duration"])
    assert record["consumeCredits"] == cost


async def test_every_second_shows_a_picture_of_the_whole_size(sim: httpx.AsyncClient, fal: Fal) -> None:
    url = (await fal.finish(_KLING, duration=2.5)).json()["video"]["url"]
    video = await _video(sim, url)
    assert video.lengths == [1, 1, 0.5]
    for sample in video.samples:
        with Image.open(io.BytesIO(sample)) as frame:
            frame.load()
            assert (frame.format, frame.size) == ("JPEG", (1280, 720))


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [(None, 5), ("8s", 8), ("10", 10), (3, 3), ("soon", 5), ("nan", 5), (0, 1), (10_000, 60)],
)
async def test_the_length_comes_from_the_input(
    sim: httpx.AsyncClient, fal: Fal, duration: object, seconds: float
) -> None:
    url = (await fal.finish("fal-ai/veo3", duration=duration)).json()["video"]["url"]
    assert (await _video(sim, url)).duration == seconds


async def test_an_input_with_a_duration_asks_for_a_video(fal: Fal) -> None:
    assert "video" in (await fal.finish("fal-ai/wan", duration=5)).json()
    assert "images" in (await fal.finish("fal-ai/wan")).json()


async def test_a_rule_decides_against_the_name_of_a_model(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"then": {"video": True}})
    assert "video" in (await fal.finish()).json()
    await put_rules(sim, {"then": {"video": False}})
    assert "images" in (await fal.finish(_KLING)).json()


@pytest.mark.parametrize("length", [200_000, 3_000_001])
async def test_a_video_can_be_as_long_in_bytes_as_wanted(
    sim: httpx.AsyncClient, fal: Fal, length: int
) -> None:
    await put_rules(sim, {"then": {"file_bytes": length}})
    told = (await fal.finish(_KLING)).json()["video"]
    data = (await sim.get(told["url"])).content
    assert len(data) == told["file_size"] == length
    video = read_video(data)
    assert video.top_level == [b"ftyp", b"moov", b"mdat", b"free"]
    assert video.duration == 5
    head = await sim.head(told["url"])
    assert (head.status_code, head.headers["content-length"]) == (200, str(length))


async def test_a_video_is_never_cut_to_a_length(sim: httpx.AsyncClient, fal: Fal) -> None:
    await put_rules(sim, {"then": {"file_bytes": 10}})
    url = (await fal.finish(_KLING)).json()["video"]["url"]
    assert (await _video(sim, url)).top_level == [b"ftyp", b"moov", b"mdat"]


@pytest.mark.parametrize(("asked", "seconds"), [(8, 4), (5, 2.5), (1, 0.5)])
async def test_a_video_can_be_half_as_long_as_asked_for_and_says_so(
    sim: httpx.AsyncClient, fal: Fal, asked: int, seconds: float
) -> None:
    await set_fault(sim, "shorter_video")
    result = await fal.finish(_KLING, duration=asked)
    video = await _video(sim, result.json()["video"]["url"])
    assert (video.duration, sum(video.lengths)) == (seconds, seconds)
    assert float(result.headers["x-fal-billable-units"]) == seconds


async def test_pictures_have_no_length_to_be_halved(sim: httpx.AsyncClient, fal: Fal) -> None:
    await set_fault(sim, "shorter_video")
    assert len((await fal.finish()).json()["images"]) == 1


async def test_a_video_can_fail_to_come(sim: httpx.AsyncClient, fal: Fal) -> None:
    await set_fault(sim, "empty_output")
    assert (await fal.finish(_KLING)).json()["video"] is None


async def test_resolutions_of_pictures_are_none_of_videos(fal: Fal, replicate_api: Replicate) -> None:
    assert (await fal.finish(_KLING, resolution="2K")).status_code == 422
    assert (await replicate_api.create(model="google/veo-3", resolution="2K")).status_code == 422
