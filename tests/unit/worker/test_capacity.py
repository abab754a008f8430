"""How many attempts a worker takes on."""

from __future__ import annotations

import pytest

from services.worker.capacity import WorkerCapacity
from shared.bus.topology import worker_queue


class Allowed:
    """What the shares allow, by provider."""

    def __init__(self, **places: int | None) -> None:
        self.places = places
        self.late: set[str] = set()

    def behind(self, provider: str) -> bool:
        return provider in self.late

    def concurrency(self, provider: str) -> int | None:
        return self.places.get(provider)


def capacity(**places: int | None) -> WorkerCapacity:
    return WorkerCapacity(["fal", "kie"], 3, Allowed(**places))


def room(places: WorkerCapacity, provider: str) -> int:
    return places.room(worker_queue(provider).name)


@pytest.mark.parametrize(("allowed", "left"), [(None, 3), (2, 2), (9, 3), (0, 0)])
def test_a_worker_has_its_own_places_or_fewer_where_all_have_a_limit(allowed: int | None, left: int) -> None:
    assert capacity(fal=allowed).left("fal") == left


def test_a_slow_provider_fills_no_other_places_than_its_own() -> None:
    places = capacity()
    for _ in range(3):
        places.take("fal")

    assert (room(places, "fal"), room(places, "kie")) == (0, 3)
    assert list(places.full_providers()) == ["fal"]
    assert places.most_room() == 3


def test_a_provider_whose_rate_is_used_up_is_given_nothing_more() -> None:
    allowed = Allowed()
    places = WorkerCapacity(["fal", "kie"], 3, allowed)
    allowed.late.add("fal")

    assert (places.left("fal"), places.left("kie")) == (0, 3)
    assert list(places.full_providers()) == ["fal"]


def test_an_attempt_that_ends_makes_room() -> None:
    places = capacity(fal=2)
    places.take("fal")
    places.take("fal")
    assert (places.in_hand("fal"), places.left("fal")) == (2, 0)

    places.give("fal")
    assert (places.in_hand("fal"), places.left("fal")) == (1, 1)


def test_a_share_that_has_become_smaller_than_what_is_in_hand_leaves_nothing() -> None:
    allowed = Allowed(fal=3)
    places = WorkerCapacity(["fal"], 3, allowed)
    for _ in range(3):
        places.take("fal")
    allowed.places["fal"] = 1

    assert places.left("fal") == 0


def test_closed_it_takes_nothing_more() -> None:
    places = capacity()
    places.close()

    assert (room(places, "fal"), places.most_room()) == (0, 0)
    assert set(places.full_providers()) == {"fal", "kie"}


def test_without_providers_there_is_no_room() -> None:
    assert WorkerCapacity([], 3, Allowed()).most_room() == 0
