"""How workers divide a limit: never more than it allows, and something for everybody."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.worker.division import SILENT_AFTER, Part, fair_part, present
from shared.catalog.model import Limits
from tests.unit.building import NOON

LIMITS = Limits(concurrency=10, requests_per_second=6)


def part(concurrency: int = 0, rate: float = 0.0, seen_at: datetime = NOON) -> Part:
    return Part(concurrency, rate, seen_at)


@pytest.mark.parametrize(
    ("others", "in_hand", "concurrency", "rate"),
    [
        ({}, 0, 10, 6),  # alone: everything
        ({"own_a": part(10, 6)}, 0, 0, 0),  # nothing until the other has let go
        ({"own_a": part(5, 3)}, 0, 5, 3),
        ({"own_a": part(7, 4)}, 0, 3, 2),
        ({"own_a": part(4, 2), "own_z": part(3, 2)}, 0, 3, 2),
        ({"own_n": part(0, 0), "own_z": part(0, 0)}, 0, 4, 2),  # the first by name have what is over
        ({"own_a": part(0, 0), "own_b": part(0, 0)}, 0, 3, 2),
        ({}, 12, 12, 6),  # what is in hand stays in hand
        ({"own_a": part(5, 3)}, 8, 8, 3),
        ({"own_a": part(12, 8)}, 0, 0, 0),  # the others have too much: never less than nothing
    ],
)
def test_a_worker_takes_an_equal_part_but_no_more_than_the_others_have_left(
    others: dict[str, Part], in_hand: int, concurrency: int, rate: float
) -> None:
    assert fair_part(LIMITS, others, "own_m", in_hand, NOON) == part(concurrency, rate)


@pytest.mark.parametrize("mine", [part(0, 0), part(10, 6)])
def test_what_a_worker_had_itself_does_not_count(mine: Part) -> None:
    parts = {"own_m": mine, "own_z": part(5, 3)}

    assert fair_part(LIMITS, parts, "own_m", 0, NOON) == part(5, 3)


def test_what_is_not_limited_is_not_divided() -> None:
    rate_only = fair_part(Limits(requests_per_second=6), {}, "own_m", 3, NOON)
    places_only = fair_part(Limits(concurrency=4), {}, "own_m", 3, NOON)

    assert (rate_only.concurrency, rate_only.rate) == (3, 6)
    assert (places_only.concurrency, places_only.rate) == (4, 0)


def test_a_silent_worker_is_gone_when_its_time_is_up() -> None:
    parts = {
        "own_1": part(seen_at=NOON - SILENT_AFTER),
        "own_2": part(seen_at=NOON - SILENT_AFTER + timedelta(milliseconds=1)),
        "own_3": part(seen_at=NOON + timedelta(seconds=1)),
    }

    assert set(present(parts, NOON)) == {"own_2", "own_3"}


WORKERS = st.sampled_from([f"own_{letter}" for letter in "abcdef"])
STEPS = st.lists(st.tuples(WORKERS, st.sampled_from(["renew", "renew", "renew", "leave"])), max_size=60)


@given(limits=st.tuples(st.integers(1, 20), st.floats(0.1, 100)), steps=STEPS)
def test_all_parts_together_never_pass_the_limit_whoever_comes_goes_and_renews(
    limits: tuple[int, float], steps: list[tuple[str, str]]
) -> None:
    allowed = Limits(concurrency=limits[0], requests_per_second=limits[1])
    parts: dict[str, Part] = {}
    for worker, step in steps:
        if step == "leave":
            parts.pop(worker, None)
        else:
            parts[worker] = fair_part(allowed, parts, worker, 0, NOON)
        assert sum(one.concurrency for one in parts.values()) <= limits[0]
        assert sum(one.rate for one in parts.values()) <= limits[1] * (1 + 1e-9)


@given(
    limit=st.integers(1, 20),
    steps=st.lists(st.tuples(WORKERS, st.sampled_from(["renew", "begin", "end", "leave"])), max_size=80),
)
def test_attempts_begun_within_the_parts_never_pass_the_limit_together(
    limit: int, steps: list[tuple[str, str]]
) -> None:
    allowed = Limits(concurrency=limit)
    parts: dict[str, Part] = {}
    in_hand: dict[str, int] = {}
    for worker, step in steps:
        mine = in_hand.get(worker, 0)
        if step == "renew":
            parts[worker] = fair_part(allowed, parts, worker, mine, NOON)
        elif step == "begin" and worker in parts and mine < parts[worker].concurrency:
            in_hand[worker] = mine + 1
        elif step == "end" and mine:
            in_hand[worker] = mine - 1
        elif step == "leave" and not mine:
            parts.pop(worker, None)
        assert sum(in_hand.values()) <= limit
        assert sum(one.concurrency for one in parts.values()) <= limit


@given(limit=st.integers(1, 20), rate=st.floats(0.1, 100), data=st.data())
def test_after_two_rounds_everybody_has_an_equal_part_and_nothing_is_left_over(
    limit: int, rate: float, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, min(limit, 6)))
    workers = [f"own_{number}" for number in range(count)]
    allowed = Limits(concurrency=limit, requests_per_second=rate)
    # Whoever was there first has taken everything it could.
    parts: dict[str, Part] = {}
    for worker in data.draw(st.permutations(workers)):
        parts[worker] = fair_part(allowed, parts, worker, 0, NOON)
    for _ in range(2):
        for worker in data.draw(st.permutations(workers)):
            parts[worker] = fair_part(allowed, parts, worker, 0, NOON)

    taken = [one.concurrency for one in parts.values()]
    assert sum(taken) == limit
    assert min(taken) >= 1
    assert max(taken) - min(taken) <= 1
    assert all(math.isclose(one.rate, rate / count, rel_tol=1e-6) for one in parts.values())


@given(limit=st.integers(1, 5), in_hand=st.lists(st.integers(0, 8), min_size=1, max_size=5))
def test_only_attempts_that_were_in_hand_before_pass_the_limit(limit: int, in_hand: list[int]) -> None:
    allowed = Limits(concurrency=limit)
    parts: dict[str, Part] = {}
    for number, mine in enumerate(in_hand):
        taken = fair_part(allowed, parts, f"own_{number}", mine, NOON)
        parts[f"own_{number}"] = taken
        assert taken.concurrency >= mine
        if taken.concurrency > mine:
            assert sum(one.concurrency for one in parts.values()) <= limit
