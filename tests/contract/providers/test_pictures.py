"""Making and editing pictures when nothing goes wrong."""

from __future__ import annotations

import pytest

from shared.images import check_image
from shared.providers.base import Accepted, Done, Output, Running
from shared.providers.capabilities import Kind, capabilities_of
from shared.providers.errors import ErrorClass
from shared.providers.registry import ADAPTERS
from tests.contract.providers.makers import (
    ANSWERS_AT_ONCE,
    MAKERS,
    MAKES_APART,
    MAKES_TOGETHER,
    TELLS_NO_COST,
    Maker,
    each,
)
from tests.contract.providers.simulator import Simulator, accept, fetched, finish, made, outcome


def test_every_adapter_that_makes_images_is_in_the_table() -> None:
    assert {maker.provider for maker in MAKERS} == set(ADAPTERS)
    for maker in MAKERS:
        capabilities = capabilities_of(maker.provider, maker.model)
        assert capabilities is not None
        assert Kind.IMAGE in capabilities.kinds


async def check_png(output: Output) -> tuple[int, int]:
    """Its size; the declared type and the bytes agree."""
    status, data = await fetched(output)
    picture = check_image(data)
    assert (status, picture.content_type) == (200, "image/png")
    assert output.content_type in (None, "image/png")
    return picture.width, picture.height


@each()
@pytest.mark.parametrize(
    ("ratio", "sign"), [("16:9", 1), ("1:1", 0), ("9:16", -1)], ids=["wide", "square", "tall"]
)
async def test_a_picture_has_the_shape_that_was_asked_for(
    sim: Simulator, maker: Maker, ratio: str, sign: int
) -> None:
    done = await made(sim.media(maker.provider), maker.request(aspect_ratio=ratio, negative_prompt="text"))
    assert len(done.outputs) == 1
    assert done.unaccounted == 0
    width, height = await check_png(done.outputs[0])
    assert (width > height) - (width < height) == sign


@each()
async def test_every_picture_asked_for_is_delivered_once(sim: Simulator, maker: Maker) -> None:
    done = await made(sim.media(maker.provider), maker.request(num_outputs=3))
    assert len(done.outputs) == 3
    for output in done.outputs:
        await check_png(output)
    jobs = await sim.jobs(maker.provider)
    assert len(jobs) == (1 if maker.together else 3)


@each(but=MAKES_APART)
async def test_fewer_pictures_than_asked_are_a_success(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, fault="fewer_outputs")
    done = await made(sim.media(maker.provider), maker.request(num_outputs=3))
    assert len(done.outputs) == 2


@each(but=MAKES_TOGETHER)
async def test_a_call_that_makes_nothing_leaves_the_other_pictures(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, times=1, fault="fewer_outputs")
    done = await made(sim.media(maker.provider), maker.request(num_outputs=3))
    assert len(done.outputs) == 2


@each(but=MAKES_TOGETHER)
@pytest.mark.parametrize(("fault", "unaccounted"), [("http_429", 0), ("reset", 1)])
async def test_a_call_that_fails_leaves_the_others_and_counts_if_something_may_run(
    sim: Simulator, maker: Maker, fault: str, unaccounted: int
) -> None:
    await sim.rule(maker.provider, times=1, fault=fault)
    provider = sim.media(maker.provider)
    result = await provider.submit(maker.request(num_outputs=3))
    assert isinstance(result, Accepted | Done)
    assert result.unaccounted == unaccounted
    done = await finish(provider, result.job) if isinstance(result, Accepted) else result
    assert isinstance(done, Done)
    assert len(done.outputs) == 2


@each()
async def test_input_pictures_show_in_the_result(sim: Simulator, maker: Maker) -> None:
    provider = sim.media(maker.provider)
    urls = (sim.picture("320x200"), sim.picture("200x320"))
    results = [
        await made(provider, maker.request(aspect_ratio="1:1", image_urls=shown))
        for shown in (urls, urls[:1], ())
        if shown or not maker.jobs
    ]
    pictures = [(await fetched(done.outputs[0]))[1] for done in results]
    assert all(check_image(picture).width for picture in pictures)
    assert len(set(pictures)) == len(pictures)


@each()
@pytest.mark.parametrize("path", ["image/0x0.png", "health"], ids=["refused", "no-picture"])
async def test_an_input_that_is_no_picture_is_the_callers_fault(
    sim: Simulator, maker: Maker, path: str
) -> None:
    request = maker.request(image_urls=(f"{sim.url}/_sim/{path}",))
    failed = await outcome(sim.media(maker.provider), request)
    assert getattr(failed, "error_class", failed) is ErrorClass.CALLER_FAULT


@each(but=ANSWERS_AT_ONCE)
async def test_a_job_runs_until_it_is_finished(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, timing={"polls": 3})
    provider = sim.media(maker.provider)
    job = await accept(provider, maker.request())
    states = [await provider.poll(job) for _ in range(3)]
    assert [type(state) for state in states] == [Running, Running, Done]
    assert all(state.note is None for state in states if isinstance(state, Running))
    assert isinstance(await provider.poll(job), Done)


@each()
async def test_slow_work_is_waited_for(sim: Simulator, maker: Maker) -> None:
    await sim.rule(maker.provider, timing={"latency_ms": 300})
    assert len((await made(sim.media(maker.provider), maker.request())).outputs) == 1


@each(but=TELLS_NO_COST)
async def test_what_the_provider_charged_is_reported(sim: Simulator, maker: Maker) -> None:
    provider = sim.media(maker.provider)
    one = await made(provider, maker.request())
    two = await made(provider, maker.request(num_outputs=2))
    assert one.cost_nano is not None
    assert two.cost_nano is not None
    # A dearer prompt is in neither; the price of the text is paid once by makers that make together.
    assert 0 < one.cost_nano < two.cost_nano <= 2 * one.cost_nano


@each(but={maker.name: "its answers tell the cost" for maker in MAKERS if maker.tells_cost})
async def test_a_cost_that_is_not_told_is_not_made_up(sim: Simulator, maker: Maker) -> None:
    assert (await made(sim.media(maker.provider), maker.request())).cost_nano is None
