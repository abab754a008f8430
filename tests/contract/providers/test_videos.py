"""Making videos."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from shared.providers.base import Failed, GenerationRequest, Running
from shared.providers.capabilities import TABLE, Kind
from shared.providers.errors import ErrorClass
from shared.videos import NotAVideo, check_video
from tests.contract.providers.simulator import Simulator, accept, fetched, finish, made, outcome


@dataclass(frozen=True, slots=True)
class VideoMaker:
    provider: str
    model: str
    framed: str
    """The model that begins a video with a picture."""
    tells_cost: bool = False

    def request(self, *image_urls: str, seconds: int = 5) -> GenerationRequest:
        return GenerationRequest(
            self.framed if image_urls else self.model,
            "a hen takes off",
            aspect_ratio="16:9",
            image_urls=image_urls,
            kind=Kind.VIDEO,
            duration_seconds=seconds,
        )


VIDEO_MAKERS = (
    VideoMaker("fal", "fal-ai/veo3", "fal-ai/veo3/image-to-video"),
    VideoMaker("replicate", "google/veo-3", "google/veo-3"),
    VideoMaker("kie", "kling-2.6/text-to-video", "kling-2.6/image-to-video", tells_cost=True),
)
each = pytest.mark.parametrize("maker", VIDEO_MAKERS, ids=lambda maker: maker.provider)


def test_every_provider_that_can_make_videos_is_in_the_table() -> None:
    able = {provider for provider, _, found in TABLE if Kind.VIDEO in found.kinds}
    assert {maker.provider for maker in VIDEO_MAKERS} == able


@each
async def test_a_video_is_an_mp4_file(sim: Simulator, maker: VideoMaker) -> None:
    done = await made(sim.media(maker.provider), maker.request())
    assert len(done.outputs) == 1
    assert done.outputs[0].content_type in (None, "video/mp4")
    status, data = await fetched(done.outputs[0])
    assert status == 200
    check_video(data)


@each
async def test_a_video_begins_with_a_picture(sim: Simulator, maker: VideoMaker) -> None:
    provider = sim.media(maker.provider)
    address = sim.picture()
    done = await made(provider, maker.request(address))
    check_video((await fetched(done.outputs[0]))[1])
    (job,) = await sim.jobs(maker.provider)
    assert address in str(job["input"])


@each
async def test_the_length_is_the_one_asked_for(sim: Simulator, maker: VideoMaker) -> None:
    provider = sim.media(maker.provider)
    videos = [await made(provider, maker.request(seconds=seconds)) for seconds in (5, 10)]
    lengths = [len((await fetched(done.outputs[0]))[1]) for done in videos]
    assert lengths[0] < lengths[1]


@each
async def test_a_slow_video_runs_until_it_is_there(sim: Simulator, maker: VideoMaker) -> None:
    await sim.rule(maker.provider, timing={"polls": 3})
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    assert isinstance(await provider.poll(job), Running)
    assert not isinstance(await finish(provider, job), Running | Failed)


@each
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("job_fails", ErrorClass.TRANSIENT),
        ("refusal", ErrorClass.POLICY_REFUSAL),
        ("empty_output", ErrorClass.NO_OUTPUT),
        ("http_429", ErrorClass.RATE_LIMIT),
        ("quota", ErrorClass.QUOTA),
    ],
)
async def test_a_video_that_fails_is_sorted(
    sim: Simulator, maker: VideoMaker, fault: str, expected: ErrorClass
) -> None:
    await sim.rule(maker.provider, fault=fault)
    failed = await outcome(sim.media(maker.provider), maker.request())
    assert getattr(failed, "error_class", failed) is expected


@each
async def test_a_page_in_place_of_a_video_is_found_out(sim: Simulator, maker: VideoMaker) -> None:
    await sim.rule(maker.provider, fault="output_html")
    done = await made(sim.media(maker.provider), maker.request())
    with pytest.raises(NotAVideo):
        check_video((await fetched(done.outputs[0]))[1])


@each
async def test_the_cost_of_a_video_is_reported_if_it_is_told(sim: Simulator, maker: VideoMaker) -> None:
    cost = (await made(sim.media(maker.provider), maker.request())).cost_nano
    assert (cost is not None and cost > 0) if maker.tells_cost else cost is None
