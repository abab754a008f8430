"""What each attempt costs us is written down with it, whatever came of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shared.catalog.costs import MeteredCost, OutputCost, RequestCost, RouteCost
from shared.catalog.model import ModelEntry, Route
from shared.catalog.prices import ImagePrice
from shared.providers.base import Accepted, Done, Failed, Output, ProviderJob, Running
from shared.providers.capabilities import Kind
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from tests.integration.conftest import Eventually
from tests.integration.worker.conftest import Hire
from tests.integration.worker.rig import dispatched
from tests.unit.building import StillClock, attempt
from tests.unit.worker.providers import Poll, Scripted, done
from tests.unit.worker.storage import png

TWO = ProviderJob(("job_1", "job_2"))
IMAGE = OutputCost(per="image", usd="0.04")
REQUEST = RequestCost(per="request", usd="0.01")
METERED = MeteredCost(per="metered", usd="0.5")
BROKE = Failed(ErrorClass.TRANSIENT, "broke")


def sold(cost: RouteCost | None) -> dict[str, ModelEntry]:
    """The model of the tasks, on a route that costs so much."""
    price = ImagePrice(per="image", usd="0.0160")
    route = Route(provider="fal", generate="banana", cost=cost)
    return {"nanobanana-pro": ModelEntry(kind=Kind.IMAGE, price=price, chain=(route,))}


@pytest.mark.parametrize(
    ("cost", "answer", "recorded"),
    [
        (IMAGE, done(png(), cost_nano=7), (7, "provider")),
        (IMAGE, done(png(), png()), (80_000_000, "catalog")),
        (IMAGE, done(b"no picture"), (40_000_000, "catalog")),
        (IMAGE, BROKE, (0, "catalog")),
        (REQUEST, BROKE, (10_000_000, "catalog")),
        (METERED, Done((Output(data=png()),), metered=Decimal(3)), (1_500_000_000, "catalog")),
        (METERED, Failed(ErrorClass.POLICY_REFUSAL, "no", metered=Decimal(1)), (500_000_000, "catalog")),
        (METERED, BROKE, (None, None)),
        (None, Failed(ErrorClass.TRANSIENT, "broke", cost_nano=5), (5, "provider")),
        (None, done(png()), (None, None)),
    ],
)
async def test_the_cost_stands_with_the_attempt(
    hire: Hire,
    eventually: Eventually,
    cost: RouteCost | None,
    answer: Poll,
    recorded: tuple[int | None, str | None],
) -> None:
    rig = hire(Scripted(polls=[Running(), answer]), models=sold(cost))
    (task,) = await rig.take(dispatched(units=2))
    await eventually(lambda: rig.idle)

    ended = (await rig.read(task)).attempt
    assert ended.ended_at is not None
    assert (ended.cost_nano, ended.cost_source) == recorded


async def test_a_submission_that_was_declined_does_not_cost_a_request(
    hire: Hire, eventually: Eventually
) -> None:
    busy = Failed(ErrorClass.RATE_LIMIT, "slow down")
    rig = hire(Scripted(submits=[busy]), models=sold(REQUEST))
    (task,) = await rig.take(dispatched())
    await eventually(lambda: rig.idle)

    assert (await rig.read(task)).attempt.cost_nano == 0


async def test_parts_that_were_ready_in_time_bring_their_own_cost(
    hire: Hire, eventually: Eventually, clock: StillClock
) -> None:
    ready = Running(ready=(Output(data=png()),), ready_cost_nano=20_000_000)

    def time_passes(polls: int) -> None:
        if polls == 2:
            clock.forward(minutes=5)

    provider = Scripted(submits=[Accepted(TWO)], polls=[ready], on_poll=time_passes)
    rig = hire(provider, models=sold(IMAGE))
    (task,) = await rig.take(dispatched(units=2, attempts=(attempt(),)))
    await eventually(lambda: rig.idle)

    now = await rig.read(task)
    assert (now.state, now.attempt.unaccounted) == (State.GENERATED, 1)
    assert (now.attempt.cost_nano, now.attempt.cost_source) == (20_000_000, "provider")
