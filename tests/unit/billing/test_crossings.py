"""Which blocks tell an account something, and what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.crossings import follow
from shared.account_events import AccountEvent, AccountEventType
from shared.accounts.thresholds import Thresholds, Watch
from shared.mongo import Document
from tests.unit.building import NOON

USD = 1_000_000_000
WATCH = Watch(seq=4, available_nano=10 * USD, month="2026-03", captured_nano=3 * USD)
APRIL = datetime(2026, 4, 1, tzinfo=UTC)


def block(available: int, charged: int = 0, seq: int = 5, at: datetime = NOON) -> Document:
    entries = [
        {"op": f"hold:{seq}", "kind": "hold", "amount": 7},
        {"op": f"end:{seq}", "kind": "end", "amount": charged, "held": charged},
        {"op": f"refund:{seq}", "kind": "refund", "amount": 9 * USD},
    ]
    return {"account": "acc_1", "seq": seq, "available": available, "entries": entries, "at": at}


def told(thresholds: Thresholds, one: Document, watch: Watch = WATCH) -> list[AccountEvent]:
    return follow("acc_1", thresholds, watch, one)[1]


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [(10, 5, 0), (5, 5, 0), (5, 4, 1), (10, 4, 1), (4, 3, 0), (4, 5, 0), (10, 0, 1), (3, 10, 0)],
)
def test_a_balance_is_low_when_it_falls_below_its_threshold(before: int, after: int, events: int) -> None:
    watch = Watch(4, before, "2026-03", 0)

    assert len(told(Thresholds(low_balance_nano=5), block(after), watch)) == events


@pytest.mark.parametrize(
    ("charged", "crossed"), [(0, []), (1, []), (2, [5]), (4, [5]), (5, [5, 8]), (100, [5, 8])]
)
def test_usage_crosses_each_threshold_that_it_reaches(charged: int, crossed: list[int]) -> None:
    events = told(Thresholds(usage_nano=(3 * USD, 5 * USD, 8 * USD)), block(0, charged * USD))

    assert [event.data["threshold_usd"] for event in events] == [f"{one}.000000000" for one in crossed]


def test_an_event_says_what_was_crossed_and_how_things_stand() -> None:
    thresholds = Thresholds(low_balance_nano=9 * USD, usage_nano=(4 * USD,))
    low, usage = told(thresholds, block(8_500_000_000, 1_250_000_000))

    assert (low.type, low.account_id, low.at) == (AccountEventType.BALANCE_LOW, "acc_1", NOON)
    assert low.data == {"threshold_usd": "9.000000000", "balance_usd": "8.500000000"}
    assert usage.type is AccountEventType.USAGE_THRESHOLD
    assert usage.data == {
        "threshold_usd": "4.000000000",
        "usage_usd": "4.250000000",
        "period": "2026-03",
        "balance_usd": "8.500000000",
    }
    assert low.id.startswith("evt_")
    assert low.id == low.id.lower()
    assert len({low.id, usage.id}) == 2


def test_the_same_block_makes_the_same_events() -> None:
    thresholds = Thresholds(low_balance_nano=9 * USD, usage_nano=(4 * USD, 5 * USD))
    one = block(0, 2 * USD)

    assert told(thresholds, one) == told(thresholds, one)
    assert len({event.id for event in told(thresholds, one)}) == 3


def test_a_new_month_begins_with_nothing() -> None:
    after, events = follow("acc_1", Thresholds(usage_nano=(2 * USD,)), WATCH, block(0, USD, at=APRIL))

    assert events == []
    assert (after.month, after.captured_nano) == ("2026-04", USD)


def test_a_clock_that_is_behind_does_not_go_back_to_the_month_before() -> None:
    watch = Watch(4, 0, "2026-04", USD)
    late = block(0, USD, at=APRIL - timedelta(milliseconds=5))
    after, (event,) = follow("acc_1", Thresholds(usage_nano=(2 * USD,)), watch, late)

    assert (after.month, after.captured_nano) == ("2026-04", 2 * USD)
    assert event.data["period"] == "2026-04"


STEPS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 8), st.integers(0, 20)), max_size=30)
"""Blocks: the balance after it, what it charges, days since the one before."""


@given(steps=STEPS, low=st.integers(1, 20), usage=st.sets(st.integers(1, 40), max_size=4))
def test_low_balances_alternate_with_recoveries_and_a_month_crosses_each_threshold_once(
    steps: list[tuple[int, int, int]], low: int, usage: set[int]
) -> None:
    thresholds, watch = Thresholds(low, tuple(sorted(usage))), Watch(0, 20, "2026-03", 0)
    at, charged = NOON, dict[str, int]()
    events: list[AccountEvent] = []
    falls, was_low = [], False
    for seq, (available, amount, days) in enumerate(steps, 1):
        at += timedelta(days=days)
        watch, found = follow("acc_1", thresholds, watch, block(available, amount, seq, at))
        events += found
        charged[f"{at:%Y-%m}"] = charged.get(f"{at:%Y-%m}", 0) + amount
        if available < low and not was_low:
            falls.append(at)
        was_low = available < low

    lows = [event.at for event in events if event.type is AccountEventType.BALANCE_LOW]
    crossed = [event for event in events if event.type is AccountEventType.USAGE_THRESHOLD]
    assert lows == falls
    assert len(crossed) == sum(total >= one for total in charged.values() for one in usage)
    assert len({event.id for event in events}) == len(events)
