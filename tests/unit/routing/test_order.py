"""The order in which tasks see routes of one priority follows the weights and nothing else."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.model import Route
from shared.routing.order import ordered
from tests.unit.routing.situations import a_model, route

TASKS = 6_000


def names(chain: tuple[Route, ...], task_id: str | None) -> list[str]:
    return [one.provider for _, one in ordered(a_model(chain), task_id)]


def test_without_priorities_the_chain_is_the_order() -> None:
    chain = (route("kie"), route("fal"), route("gemini"))

    assert names(chain, "gen_1") == ["kie", "fal", "gemini"]
    assert [priority for priority, _ in ordered(a_model(chain), "gen_1")] == [1, 2, 3]


def test_a_lower_priority_goes_first() -> None:
    chain = (route("kie", priority=7), route("fal"), route("gemini", priority=1))

    assert names(chain, None) == ["gemini", "fal", "kie"]


def test_without_a_task_the_heavier_goes_first() -> None:
    chain = (route("kie", priority=1), route("fal", priority=1, weight=3))

    assert names(chain, None) == ["fal", "kie"]


def test_tasks_spread_by_weight() -> None:
    chain = tuple(
        route(provider, priority=1, weight=weight)
        for provider, weight in (("fal", 6), ("kie", 3), ("gemini", 1))
    )
    first = Counter(names(chain, f"gen_{number}")[0] for number in range(TASKS))

    # Five standard deviations of the widest of the three.
    assert abs(first["fal"] - 0.6 * TASKS) < 190
    assert abs(first["kie"] - 0.3 * TASKS) < 190
    assert abs(first["gemini"] - 0.1 * TASKS) < 190


@given(task_id=st.text(min_size=1), weights=st.lists(st.integers(1, 1000), min_size=3, max_size=3))
def test_a_route_that_goes_moves_no_task_between_the_others(task_id: str, weights: list[int]) -> None:
    chain = tuple(
        route(provider, priority=1, weight=weight)
        for provider, weight in zip(("fal", "kie", "gemini"), weights, strict=True)
    )
    whole = names(chain, task_id)

    assert names(chain, task_id) == whole
    assert names(chain[:2], task_id) == [name for name in whole if name != "gemini"]
