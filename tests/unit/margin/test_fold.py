"""Lines add up to the whole, whatever they are of; nothing counts twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ids import Prefix, first_id
from shared.margin.fold import By, Line, Margin
from shared.tasks.lifecycle import State

SECOND_OF_MAY = datetime(2026, 5, 2, 23, 59, 59, tzinfo=UTC)


def stored(state: State = State.COMPLETED, **fields: Any) -> dict[str, Any]:
    """A task as the report reads it."""
    return {
        "_id": first_id(Prefix.EGGAPI_TASK, SECOND_OF_MAY) + "0" * 16,
        "model": "banana",
        "state": state,
        "cost_nano": 0,
        "quote": {"unit": "image"},
        "request": {},
        "outputs": [{}],
        "attempts": [],
        **fields,
    }


def tried(route: str, **fields: Any) -> dict[str, Any]:
    return {"route": route, "provider": route.partition(":")[0], "ended_at": SECOND_OF_MAY, **fields}


TWO_TRIES = stored(
    cost_nano=100,
    outputs=[{}, {}],
    attempts=[tried("fal:a", cost_nano=7, cost_source="catalog"), tried("kie:b", cost_nano=40)],
)


def of(by: By, *tasks: tuple[dict[str, Any], int]) -> dict[str, Line]:
    margin = Margin(by)
    for task, refunded in tasks:
        margin.add(task, refunded)
    return dict(margin.lines)


@pytest.mark.parametrize(("by", "name"), [(By.MODEL, "banana"), (By.DAY, "2026-05-02")])
def test_a_task_with_two_tries_is_one_task_with_both_their_costs(by: By, name: str) -> None:
    lines = of(by, (TWO_TRIES, 30))

    assert lines == {name: Line(1, 2, 100, 30, 47, 7, 2, 0)}
    assert (lines[name].revenue_nano, lines[name].margin_nano) == (70, 23)


@pytest.mark.parametrize(("by", "first", "last"), [(By.ROUTE, "fal:a", "kie:b"), (By.PROVIDER, "fal", "kie")])
def test_the_charge_belongs_to_who_delivered_and_each_cost_to_who_took_it(
    by: By, first: str, last: str
) -> None:
    assert of(by, (TWO_TRIES, 0)) == {
        first: Line(cost_nano=7, stated_nano=7, attempts=1),
        last: Line(1, 2, 100, 0, 40, 0, 1, 0),
    }


def test_a_failed_task_costs_and_brings_nothing() -> None:
    failed = stored(State.FAILED, attempts=[tried("kie:b", cost_nano=9, error_class="transient")])
    assert of(By.MODEL, (failed, 0)) == {"banana": Line(cost_nano=9, attempts=1)}


def test_an_attempt_that_goes_on_is_not_counted_yet() -> None:
    running = stored(State.RUNNING, attempts=[tried("kie:b", cost_nano=9), tried("fal:a", ended_at=None)])
    assert of(By.ROUTE, (running, 0)) == {"kie:b": Line(cost_nano=9, attempts=1)}


def test_an_attempt_without_an_end_of_a_task_that_ended_is_of_unknown_cost() -> None:
    overdue = stored(State.FAILED, attempts=[tried("fal:a", ended_at=None)])
    assert of(By.ROUTE, (overdue, 0)) == {"fal:a": Line(attempts=1, unknown=1)}


@pytest.mark.parametrize(
    ("facts", "units"),
    [
        ({"quote": {"unit": "second"}, "request": {"duration_seconds": 5}}, 5),
        (
            {
                "quote": {"unit": "second"},
                "request": {"duration_seconds": 5},
                "outputs": [{"duration_ms": 2_000}],
            },
            2,
        ),
        ({"quote": {"unit": "token"}, "mode": "sync", "outputs": []}, 1),
        ({"outputs": [{}] * 3}, 3),
    ],
)
def test_units_are_counted_as_they_were_settled(facts: dict[str, Any], units: int) -> None:
    assert of(By.MODEL, (stored(**facts), 0))["banana"].units == units


AMOUNTS = st.one_of(st.none(), st.integers(0, 10**15))
ATTEMPTS = st.builds(
    lambda route, cost, late, orphan: tried(
        route, cost_nano=cost, late_cost_nano=late, orphan_suspect=orphan
    ),
    st.sampled_from(["fal:a", "fal:b", "kie:b"]),
    AMOUNTS,
    AMOUNTS,
    st.booleans(),
)
TASKS = st.builds(
    lambda state, model, cost, attempts: stored(state, model=model, cost_nano=cost, attempts=attempts),
    st.sampled_from(State),
    st.sampled_from(["banana", "veo"]),
    st.integers(0, 10**15),
    st.lists(ATTEMPTS, max_size=3),
)


@given(tasks=st.lists(st.tuples(TASKS, st.integers(0, 10**15)), max_size=12), by=st.sampled_from(By))
def test_the_lines_add_up_to_the_total_by_whatever_they_are(
    tasks: list[tuple[dict[str, Any], int]], by: By
) -> None:
    margin = Margin(by)
    for task, refunded in tasks:
        margin.add(task, refunded)

    for name, whole in margin.total.to_document().items():
        assert sum(line.to_document()[name] for _, line in margin.lines) == whole
    charged = [(task, refunded) for task, refunded in tasks if task["state"] is State.COMPLETED]
    assert margin.total.revenue_nano == sum(task["cost_nano"] - refunded for task, refunded in charged)
