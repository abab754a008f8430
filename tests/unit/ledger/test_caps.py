"""Spend caps: which requests they stop, what is counted in which period, and what is given back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.ledger.block import Balance, make_block
from shared.ledger.caps import MOST_CAPS, Cap, Caps, Per, count_hold, count_release, next_begin, plain_usd
from shared.ledger.entry import Entry, cap_removed, cap_set, end, hold
from shared.ledger.refusals import BrokenEntry, InsufficientBalance, SpendCapReached, StaleEntry
from tests.unit.building import NOON

MIDNIGHT = datetime(2026, 3, 15, tzinfo=UTC)
TODAY, TOMORROW = "2026-03-14", "2026-03-15"


def day(limit: int, counted: int = 0, key_id: str | None = None, period: str = TODAY) -> Cap:
    return Cap(key_id, Per.DAY, limit, period, counted)


@pytest.mark.parametrize(
    ("caps", "key_id", "amount", "passes"),
    [
        ((day(10, 4),), "key_1", 6, True),
        ((day(10, 4),), "key_1", 7, False),
        ((day(10, 4),), None, 7, False),
        ((day(10, 4, "key_1"),), "key_1", 7, False),
        ((day(10, 4, "key_1"),), "key_2", 7, True),
        ((day(10, 4, "key_1"),), None, 7, True),
        ((day(100, 0), day(10, 4, "key_1")), "key_1", 7, False),
        ((day(10, 4), day(100, 0, "key_1")), "key_1", 7, False),
        ((day(100), Cap(None, Per.MONTH, 10, "2026-03", 4)), None, 7, False),
        ((day(0),), None, 1, False),
        ((day(0),), None, 0, True),
        ((day(10, 15),), None, 0, True),
        ((day(10, 10, period="2026-03-13"),), None, 10, True),
    ],
    ids=[
        "exactly the rest",
        "one more than the rest",
        "an account's cap stops a hold without a key",
        "a key's cap",
        "another key's cap",
        "a key's cap lets a hold without a key pass",
        "the key's of two",
        "the account's of two",
        "the month's of two",
        "a cap of nothing",
        "what is free passes a cap of nothing",
        "what is free passes a cap that was lowered below what is spent",
        "a new day begins with nothing",
    ],
)
def test_a_hold_passes_when_every_cap_of_its_key_and_account_has_room(
    caps: Caps, key_id: str | None, amount: int, passes: bool
) -> None:
    if passes:
        count_hold(caps, key_id, amount, NOON)
    else:
        with pytest.raises(SpendCapReached):
            count_hold(caps, key_id, amount, NOON)


def test_a_hold_counts_in_all_its_caps_and_in_no_other() -> None:
    month = Cap("key_1", Per.MONTH, 100, "2026-03", 5)
    caps = count_hold((day(10, 1), day(10, 1, "key_1"), day(10, 1, "key_2"), month), "key_1", 3, NOON)

    assert [cap.counted for cap in caps] == [4, 4, 1, 8]


def test_a_clock_that_is_behind_counts_in_the_period_that_has_begun() -> None:
    (cap,) = count_hold((day(10, 4, period=TOMORROW),), None, 3, MIDNIGHT - timedelta(milliseconds=5))

    assert cap == day(10, 7, period=TOMORROW)


@pytest.mark.parametrize(
    ("held_at", "counted"),
    [
        (MIDNIGHT, 2),
        (MIDNIGHT + timedelta(hours=23), 2),
        (MIDNIGHT - timedelta(milliseconds=1), 7),
        (MIDNIGHT - timedelta(days=31), 7),
    ],
)
def test_what_is_given_back_frees_only_the_period_in_which_it_was_held(
    held_at: datetime, counted: int
) -> None:
    (cap,) = count_release((day(10, 7, period=TOMORROW),), None, 5, held_at)

    assert cap.counted == counted


def test_a_hold_of_yesterday_frees_the_month_but_not_the_day() -> None:
    month = Cap(None, Per.MONTH, 100, "2026-03", 7)
    caps = count_release((day(10, 7, period=TOMORROW), month), None, 5, NOON)

    assert [cap.counted for cap in caps] == [7, 2]


def test_a_release_frees_its_key_and_the_account() -> None:
    caps = count_release((day(10, 7), day(10, 7, "key_1"), day(10, 7, "key_2")), "key_1", 5, NOON)

    assert [cap.counted for cap in caps] == [2, 2, 7]


def test_a_refusal_names_the_cap_and_says_when_it_opens_again() -> None:
    cap = Cap("key_1", Per.MONTH, 5_000_000_000, "2026-12", 4_990_000_000)
    with pytest.raises(SpendCapReached) as caught:
        count_hold((cap,), "key_1", 20_000_000, datetime(2026, 12, 31, 23, tzinfo=UTC))

    assert caught.value.message == (
        "This key's spend cap of $5.00 a month does not cover this request: "
        "$4.99 are spent or held in 2026-12. It opens again at 2027-01-01 00:00 UTC"
    )
    assert (caught.value.code, caught.value.status) == ("insufficient_balance", 402)


@pytest.mark.parametrize(
    ("per", "period", "begins"),
    [
        (Per.DAY, "2026-03-14", "2026-03-15 00:00"),
        (Per.DAY, "2028-02-28", "2028-02-29 00:00"),
        (Per.DAY, "2026-12-31", "2027-01-01 00:00"),
        (Per.MONTH, "2026-02", "2026-03-01 00:00"),
        (Per.MONTH, "2026-03", "2026-04-01 00:00"),
        (Per.MONTH, "2026-12", "2027-01-01 00:00"),
    ],
)
def test_a_period_is_followed_by_the_next(per: Per, period: str, begins: str) -> None:
    assert next_begin(per, period) == begins


@pytest.mark.parametrize(
    ("nano", "text"), [(0, "0.00"), (5_000_000_000, "5.00"), (1_230_000, "0.00123"), (1, "0.000000001")]
)
def test_amounts_in_messages_are_exact(nano: int, text: str) -> None:
    assert plain_usd(nano) == text


TAIL = Balance(seq=7, available=100, held=40)


def test_a_cap_is_set_changed_and_removed_in_the_chain() -> None:
    block, _ = make_block("acc_1", TAIL, [cap_set("cap_1", day(50, 12), 7, "ops")], NOON)
    assert block is not None
    assert block.balance == Balance(8, 100, 40, caps=(day(50, 12),))

    block, _ = make_block("acc_1", block.balance, [cap_set("cap_2", day(60, 12), 8, "ops")], NOON)
    assert block is not None
    assert block.balance.caps == (day(60, 12),)

    block, _ = make_block("acc_1", block.balance, [cap_removed("cap_3", day(60), "ops")], NOON)
    assert block is not None
    assert block.balance == Balance(10, 100, 40)


@pytest.mark.parametrize("as_of", [6, 8])
def test_a_cap_worked_out_from_another_tail_is_stale(as_of: int) -> None:
    block, refused = make_block("acc_1", TAIL, [cap_set("cap_1", day(50), as_of, "ops")], NOON)

    assert block is None
    assert isinstance(refused["cap:cap_1"], StaleEntry)


def test_a_cap_decides_over_its_own_block_wherever_it_stands_in_the_group() -> None:
    wanted = [
        hold("gen_1", 30, "m", "key_1"),
        cap_set("cap_1", day(50, 12), 7, "ops"),
        hold("gen_2", 9, "m", "key_1"),
    ]
    block, refused = make_block("acc_1", TAIL, wanted, NOON)

    assert block is not None
    assert [entry.op for entry in block.entries] == ["cap:cap_1", "hold:gen_1"]
    assert block.balance.caps == (day(50, 42),)
    assert isinstance(refused["hold:gen_2"], SpendCapReached)


@pytest.mark.parametrize("counted", [-1, 2**63])
def test_a_cap_that_counts_what_cannot_be_stored_is_broken(counted: int) -> None:
    with pytest.raises(BrokenEntry):
        TAIL.after(cap_set("cap_1", day(50, counted), 7, "ops"), NOON)


def test_an_account_has_only_so_many_caps() -> None:
    full = Balance(seq=7, caps=tuple(day(1, 0, f"key_{n}") for n in range(MOST_CAPS)))

    assert len(full.after(cap_set("cap_1", day(5, 0, "key_3"), 7, "ops"), NOON).caps) == MOST_CAPS
    with pytest.raises(BrokenEntry, match="at most 100 spend caps"):
        full.after(cap_set("cap_1", day(5), 7, "ops"), NOON)


@pytest.mark.parametrize(
    ("entry", "counted"),
    [
        (end("gen_0", 40, 15, "m", 1, "key_1", NOON), 5),
        (end("gen_0", 40, 0, "m", 0, "key_1", NOON), 0),
        (end("gen_0", 40, 15, "m", 1, "key_1"), 30),
        (end("gen_0", 40, 15, "m", 1, "key_1", NOON - timedelta(days=1)), 30),
    ],
    ids=["part is given back", "all is given back", "nobody knows of when it was", "it was of yesterday"],
)
def test_an_end_gives_caps_back_what_it_did_not_capture(entry: Entry, counted: int) -> None:
    balance = Balance(seq=7, available=100, held=40, caps=(day(50, 30),))

    assert balance.after(entry, NOON).caps == (day(50, counted),)


def test_what_the_balance_does_not_cover_is_refused_for_that_and_not_for_a_cap() -> None:
    balance = Balance(available=5, caps=(day(1),))

    with pytest.raises(InsufficientBalance) as caught:
        balance.after(hold("gen_1", 6, "m"), NOON)
    assert type(caught.value) is InsufficientBalance
