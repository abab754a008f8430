"""What entries do to a balance, and which of them make it into a block."""

from __future__ import annotations

import pytest

from shared.ledger.block import INT64_MAX, Balance, balance_of, make_block
from shared.ledger.caps import Cap, Per
from shared.ledger.entry import (
    Entry,
    EntryKind,
    adjust,
    cap_removed,
    cap_set,
    end,
    hold,
    refund,
    reversal,
    topup,
)
from shared.ledger.refusals import BrokenEntry, InsufficientBalance
from tests.unit.building import NOON

START = Balance(seq=7, available=100, held=40, spent=5)
CAP = Cap("key_1", Per.DAY, 50, "2026-03-14", 12)


@pytest.mark.parametrize(
    ("entry", "after"),
    [
        (hold("gen_1", 30, "m"), Balance(7, 70, 70, 5)),
        (hold("gen_1", 100, "m"), Balance(7, 0, 140, 5)),
        (hold("gen_1", 0, "m"), Balance(7, 100, 40, 5)),
        (end("gen_1", 40, 40, "m", 1), Balance(7, 100, 0, 45)),
        (end("gen_1", 40, 10, "m", 1), Balance(7, 130, 0, 15)),
        (end("gen_1", 40, 0, "m", 0), Balance(7, 140, 0, 5)),
        (topup("top_1", 25, {}), Balance(7, 125, 40, 5)),
        (refund("gen_1", 1, 5, "m", "key_1", "ops", "late"), Balance(7, 105, 40, 0)),
        (adjust("adj_1", 25, "ops", "goodwill"), Balance(7, 125, 40, 5)),
        (adjust("adj_1", -100, "ops", "mistake"), Balance(7, 0, 40, 5)),
        (reversal("pay_1", 60, {}), Balance(7, 40, 40, 5)),
        (reversal("pay_1", 130, {}), Balance(7, 0, 40, 5, owed=30)),
    ],
)
def test_an_entry_moves_money_between_available_held_and_spent(entry: Entry, after: Balance) -> None:
    assert START.after(entry, NOON) == after


@pytest.mark.parametrize(
    "entry",
    [
        end("gen_1", 40, 41, "m", 1),
        end("gen_1", 41, 10, "m", 1),
        end("gen_1", -1, 0, "m", 1),
        end("gen_1", 40, -1, "m", 1),
        hold("gen_1", -1, "m"),
        topup("top_1", -1, {}),
        topup("top_1", INT64_MAX + 1, {}),
        topup("top_1", INT64_MAX, {}),
        refund("gen_1", 1, 6, "m", None, "ops", "late"),
        refund("gen_1", 1, -1, "m", None, "ops", "late"),
        adjust("adj_1", INT64_MAX, "ops", "goodwill"),
        adjust("adj_1", -INT64_MAX - 1, "ops", "mistake"),
        reversal("pay_1", -1, {}),
        reversal("pay_1", INT64_MAX + 1, {}),
    ],
    ids=[
        "captures more than the hold",
        "ends more than is held",
        "negative hold",
        "negative capture",
        "holds a negative amount",
        "tops up a negative amount",
        "beyond what the database can store",
        "a balance beyond what the database can store",
        "refunds more than is spent",
        "refunds a negative amount",
        "adjusts beyond what the database can store",
        "takes away more than the database can store",
        "reverses a negative amount",
        "reverses more than the database can store",
    ],
)
def test_an_entry_that_no_correct_service_writes_is_broken(entry: Entry) -> None:
    with pytest.raises(BrokenEntry, match=entry.op):
        START.after(entry, NOON)


def test_a_hold_above_what_is_available_is_refused() -> None:
    with pytest.raises(InsufficientBalance):
        START.after(hold("gen_1", 101, "m"), NOON)


DEBTOR = Balance(seq=7, held=40, spent=60, owed=30)


@pytest.mark.parametrize(
    ("entry", "after"),
    [
        (topup("top_1", 20, {}), Balance(7, 0, 40, 60, owed=10)),
        (topup("top_1", 50, {}), Balance(7, 20, 40, 60)),
        (adjust("adj_1", 50, "ops", "goodwill"), Balance(7, 20, 40, 60)),
        (refund("gen_1", 1, 20, "m", None, "ops", "late"), Balance(7, 0, 40, 40, owed=10)),
        (end("gen_1", 40, 5, "m", 1), Balance(7, 5, 0, 65)),
        (end("gen_1", 40, 40, "m", 1), Balance(7, 0, 0, 100, owed=30)),
        (reversal("pay_1", 60, {}), Balance(7, 0, 40, 60, owed=90)),
        (hold("gen_1", 0, "m"), DEBTOR),
    ],
)
def test_whatever_becomes_available_pays_debts_first(entry: Entry, after: Balance) -> None:
    assert DEBTOR.after(entry, NOON) == after


def test_more_debt_than_can_be_stored_is_broken() -> None:
    with pytest.raises(BrokenEntry, match="more debt"):
        Balance(owed=1).after(reversal("pay_1", INT64_MAX, {}), NOON)


def test_no_more_is_taken_away_than_is_available() -> None:
    with pytest.raises(InsufficientBalance):
        START.after(adjust("adj_1", -101, "ops", "mistake"), NOON)


@pytest.mark.parametrize("amount", [INT64_MAX, INT64_MAX + 1, 10**30])
def test_a_hold_beyond_all_money_is_refused_as_unaffordable(amount: int) -> None:
    with pytest.raises(InsufficientBalance):
        Balance(available=INT64_MAX - 1).after(hold("gen_1", amount, "m"), NOON)


def test_ops_name_an_act_for_ever() -> None:
    assert hold("gen_1", 1, "m").op == "hold:gen_1"
    assert end("gen_1", 1, 1, "m", 1).op == "end:gen_1"
    assert topup("pay_9", 1, {}).op == "topup:pay_9"
    assert refund("gen_1", 2, 1, "m", None, "ops", "late").op == "refund:gen_1:2"
    assert adjust("adj_1", 1, "ops", "goodwill").op == "adjust:adj_1"
    assert reversal("pay_9", 1, {}).op == "reversal:pay_9"
    assert cap_set("cap_1", CAP, 7, "ops").op == "cap:cap_1"


@pytest.mark.parametrize(
    "entry",
    [
        hold("gen_1", 30, "nanobanana"),
        end("gen_1", 30, 20, "nanobanana", 2),
        end("gen_1", 30, 20, "nanobanana", 2, "key_1", NOON),
        topup("pay_9", 500, {"actor": "ops@example.org", "reason": "invoice 7"}),
        refund("gen_1", 1, 20, "nanobanana", "key_1", "ops", "late"),
        adjust("adj_1", -20, "ops", "mistake"),
        reversal("pay_9", 500, {"actor": "stripe"}),
        cap_set("cap_1", CAP, 7, "ops"),
        cap_removed("cap_2", CAP, "ops"),
    ],
    ids=lambda entry: entry.kind.value,
)
def test_an_entry_survives_storing(entry: Entry) -> None:
    assert Entry.from_document(entry.to_document()) == entry


def test_a_block_has_the_next_seq_and_the_totals_after_all_its_entries() -> None:
    block, refused = make_block("acc_1", START, [hold("gen_1", 30, "m"), end("gen_0", 40, 15, "m", 1)], NOON)

    assert block is not None
    assert refused == {}
    assert block.balance == Balance(8, 95, 30, 20)
    assert [entry.op for entry in block.entries] == ["hold:gen_1", "end:gen_0"]


def test_entries_that_do_not_fit_are_refused_one_by_one_in_order() -> None:
    wanted = [hold(f"gen_{n}", amount, "m") for n, amount in enumerate((60, 60, 30, 20, 10))]
    block, refused = make_block("acc_1", START, wanted, NOON)

    assert block is not None
    assert [entry.op for entry in block.entries] == ["hold:gen_0", "hold:gen_2", "hold:gen_4"]
    assert block.balance.available == 0
    assert set(refused) == {"hold:gen_1", "hold:gen_3"}
    assert all(isinstance(error, InsufficientBalance) for error in refused.values())


def test_money_freed_by_an_earlier_entry_of_the_block_can_be_held_by_a_later_one() -> None:
    block, refused = make_block("acc_1", START, [end("gen_0", 40, 0, "m", 0), hold("gen_1", 140, "m")], NOON)

    assert block is not None
    assert refused == {}
    assert block.balance == Balance(8, 0, 140, 5)


def test_an_act_asked_for_twice_in_one_group_happens_once() -> None:
    block, _ = make_block("acc_1", START, [hold("gen_1", 30, "m"), hold("gen_1", 30, "m")], NOON)

    assert block is not None
    assert len(block.entries) == 1
    assert block.balance.available == 70


def test_a_broken_entry_does_not_spoil_its_neighbours() -> None:
    block, refused = make_block("acc_1", START, [end("gen_9", 999, 1, "m", 1), hold("gen_1", 30, "m")], NOON)

    assert block is not None
    assert [entry.op for entry in block.entries] == ["hold:gen_1"]
    assert isinstance(refused["end:gen_9"], BrokenEntry)


@pytest.mark.parametrize("wanted", [[], [hold("gen_1", 101, "m")]], ids=["nothing wanted", "nothing fits"])
def test_there_is_no_empty_block(wanted: list[Entry]) -> None:
    block, _ = make_block("acc_1", START, wanted, NOON)

    assert block is None


def test_a_block_states_debts_and_caps_only_where_there_are_any() -> None:
    wanted = [reversal("pay_1", 130, {}), cap_set("cap_1", CAP, 7, "ops")]
    block, _ = make_block("acc_1", START, wanted, NOON)

    assert block is not None
    document = block.to_document()
    assert (document["owed"], document["caps"]) == (
        30,
        [{"key_id": "key_1", "per": "day", "limit": 50, "period": "2026-03-14", "counted": 12}],
    )
    assert balance_of(document) == block.balance


def test_a_block_states_its_totals_when_stored() -> None:
    block, _ = make_block("acc_1", Balance(), [topup("pay_1", 500, {"actor": "ops"})], NOON)

    assert block is not None
    document = block.to_document()
    assert document == {
        "account": "acc_1",
        "seq": 1,
        "available": 500,
        "held": 0,
        "spent": 0,
        "entries": [{"op": "topup:pay_1", "kind": EntryKind.TOPUP.value, "amount": 500, "actor": "ops"}],
        "at": NOON,
    }
    assert balance_of(document) == Balance(1, 500, 0, 0)
