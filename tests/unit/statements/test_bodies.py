"""Statement lines as customers see them."""

from __future__ import annotations

from services.api.statements.bodies import COLUMNS, line_body
from shared.ledger.block import Balance
from shared.ledger.caps import Cap, Per
from shared.ledger.entry import Entry, adjust, cap_removed, cap_set, end, hold, refund, reversal, topup
from shared.ledger.statement import StatementLine
from tests.unit.building import NOON

BALANCE = Balance(17, 1_500_000_000, 20_000_000, 1, 0)
AFTER = {
    "available_usd": "1.500000000",
    "held_usd": "0.020000000",
    "spent_usd": "0.000000001",
    "owed_usd": "0.000000000",
}
CAP = Cap("k1", Per.DAY, 5_000_000_000, "2026-03-14")


def body(entry: Entry) -> dict[str, object]:
    """Without what all have."""
    shown = line_body(StatementLine((17, 2), NOON, entry, BALANCE))
    assert shown.keys() <= set(COLUMNS)
    assert (shown.pop("id"), shown.pop("at")) == ("17.2", "2026-03-14T12:00:00.000Z")
    return {name: value for name, value in shown.items() if AFTER.get(name) != value}


def test_an_end_tells_what_was_held_and_what_was_charged() -> None:
    assert body(end("gen_1", 20_000_000, 10_000_000, "a", 1, "k1", NOON)) == {
        "kind": "end",
        "amount_usd": "0.010000000",
        "held_amount_usd": "0.020000000",
        "task_id": "gen_1",
        "model": "a",
        "key_id": "k1",
        "units": 1,
    }


def test_operators_notes_stay_with_operators() -> None:
    told = refund("gen_1", 1, 5, "a", "k1", "olga@example.org", "blurred")
    assert body(told) == {
        "kind": "refund",
        "amount_usd": "0.000000005",
        "task_id": "gen_1",
        "model": "a",
        "key_id": "k1",
        "reason": "blurred",
    }
    for entry in (topup("pi_1", 5, {"actor": "cli", "event": "evt_1"}), reversal("re_1", 5, {"event": "e"})):
        assert body(entry).keys() == {"kind", "amount_usd"}


def test_money_taken_away_is_negative() -> None:
    assert body(adjust("adj_1", -1_500_000_000, "olga", "a mistake")) == {
        "kind": "adjust",
        "amount_usd": "-1.500000000",
        "reason": "a mistake",
    }


def test_spend_caps_are_told() -> None:
    of_key = {"kind": "cap", "key_id": "k1", "per": "day"}
    assert body(cap_set("cap_1", CAP, 16, "olga")) == {**of_key, "amount_usd": "5.000000000"}
    assert body(cap_removed("cap_2", CAP, "olga")) == {**of_key, "amount_usd": "0.000000000", "removed": True}


def test_a_hold_names_its_task() -> None:
    assert body(hold("gen_1", 20_000_000, "a")) == {
        "kind": "hold",
        "amount_usd": "0.020000000",
        "task_id": "gen_1",
        "model": "a",
    }
