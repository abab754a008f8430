"""When a route may be used, and what keeps it from being used."""

from __future__ import annotations

import pytest

from shared.routing.breaker import Breaker
from shared.routing.health import Health, Rest, key_on_route_subject, key_subject, route_subject
from tests.unit.routing.situations import at, opened, route

FAL = route("fal")
ROUTE = route_subject(FAL.name)
FIRST, SECOND = key_subject("fal-1"), key_subject("fal-2")
HERE = key_on_route_subject("fal-1", FAL.name)
ELSEWHERE = key_on_route_subject("fal-1", "fal:other")


def health(rests: dict[str, float], breaker: Breaker | None = None, keys: int = 1) -> Health:
    return Health(
        keys={"fal": tuple(f"fal-{number}" for number in range(1, keys + 1))},
        rests={subject: Rest(at(until), subject) for subject, until in rests.items()},
        breakers={FAL.name: breaker} if breaker is not None else {},
    )


@pytest.mark.parametrize(
    ("known", "ready", "reason"),
    [
        (health({}), 0, None),
        (health({ROUTE: 9}), 9, ROUTE),
        (health({ROUTE: -9}), 0, None),
        (health({ROUTE: 0}), 0, None),
        (health({FIRST: 9}), 9, FIRST),
        (health({HERE: 9}), 9, HERE),
        (health({ELSEWHERE: 9}), 0, None),
        (health({FIRST: 9, HERE: 12}), 12, HERE),
        (health({FIRST: 9}, keys=2), 0, None),
        (health({FIRST: 9, SECOND: 4}, keys=2), 4, SECOND),
        (health({FIRST: 9, SECOND: 4, ROUTE: 6}, keys=2), 6, ROUTE),
        (health({}, opened(9)), 9, "breaker open"),
        (health({}, opened(-1)), 0, None),
        (health({}, opened(-1, probe_until=30)), 30, "breaker half-open"),
        (health({}, opened(-1, probe_until=-0.5)), 0, None),
        (health({FIRST: 20}, opened(9)), 20, FIRST),
        (health({FIRST: 5}, opened(9)), 9, "breaker open"),
        (Health(), 0, None),
    ],
)
def test_a_route_is_ready_when_nothing_holds_it(known: Health, ready: float, reason: str | None) -> None:
    held = known.held(FAL, at(0))

    assert known.ready_at(FAL, at(0)) == at(ready)
    assert held == (None if reason is None else Rest(at(ready), reason))


def test_each_key_has_its_own_rests() -> None:
    known = health({FIRST: 9, HERE: 12}, keys=2)

    assert known.keys_of("fal") == ("fal-1", "fal-2")
    assert known.keys_of("kie") == ()
    assert known.key_ready_at("fal-1", FAL.name, at(0)) == at(12)
    assert known.key_ready_at("fal-1", "fal:other", at(0)) == at(9)
    assert known.key_ready_at("fal-2", FAL.name, at(3)) == at(3)
