"""Resting routes, known to every router."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.router import health
from services.router.health import RouteHealth
from shared.mongo import Database
from shared.providers.errors import ErrorClass
from tests.unit.building import NOON, StillClock, attempt

FIVE = NOON + timedelta(seconds=5)


@pytest.fixture
def routers(database: Database, clock: StillClock) -> tuple[RouteHealth, RouteHealth]:
    return RouteHealth(database, clock), RouteHealth(database, clock)


async def test_what_one_router_learns_it_knows_at_once_and_others_read(
    routers: tuple[RouteHealth, RouteHealth],
) -> None:
    learner, reader = routers
    await learner.cooled_until()
    await learner.learn([attempt("fal:a", ErrorClass.RATE_LIMIT), attempt("fal:b", ErrorClass.TRANSIENT)])

    assert await learner.cooled_until() == {"fal:a": FIVE}
    assert await reader.cooled_until() == {"fal:a": FIVE}


async def test_a_longer_rest_is_not_cut_short_by_a_shorter_one(
    routers: tuple[RouteHealth, RouteHealth],
) -> None:
    learner, reader = routers
    await learner.learn([attempt("fal:a", ErrorClass.QUOTA)])
    await learner.learn([attempt("fal:a", ErrorClass.RATE_LIMIT)])

    for router in (learner, reader):
        assert await router.cooled_until() == {"fal:a": NOON + timedelta(minutes=5)}


async def test_the_providers_own_time_counts(routers: tuple[RouteHealth, RouteHealth]) -> None:
    learner, reader = routers
    await learner.learn([attempt("fal:a", ErrorClass.RATE_LIMIT, retry_after=timedelta(seconds=40))])

    assert await reader.cooled_until() == {"fal:a": NOON + timedelta(seconds=40)}


async def test_a_route_that_has_rested_is_not_read_any_more(
    routers: tuple[RouteHealth, RouteHealth], clock: StillClock
) -> None:
    learner, reader = routers
    await learner.learn([attempt("fal:a", ErrorClass.RATE_LIMIT)])
    clock.forward(seconds=5)

    assert await reader.cooled_until() == {}


async def test_the_database_is_asked_at_most_once_in_a_while(
    database: Database, routers: tuple[RouteHealth, RouteHealth]
) -> None:
    learner, reader = routers
    assert health.READ_EVERY_SECONDS >= 1
    assert await reader.cooled_until() == {}
    await learner.learn([attempt("fal:a", ErrorClass.RATE_LIMIT)])
    assert await reader.cooled_until() == {}


async def test_failures_of_single_requests_leave_no_trace(
    database: Database, routers: tuple[RouteHealth, RouteHealth]
) -> None:
    await routers[0].learn([attempt("fal:a", ErrorClass.POLICY_REFUSAL), attempt("fal:a"), attempt("fal:a")])

    assert await database["routes"].count_documents({}) == 0
