"""A block that was tampered with is found out, and by what it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.ledger.block import Balance, make_block
from shared.ledger.entry import end, hold, topup
from shared.ledger.proof.blocks import check_block
from shared.ledger.proof.violation import Violation
from shared.mongo import Document
from tests.unit.building import NOON

TAIL = Balance(seq=3, available=100, held=40, spent=5)


def honest() -> Document:
    block, _ = make_block(
        "acc_1", TAIL, [hold("gen_1", 30, "m"), end("gen_0", 40, 15, "m", 1), topup("pay_1", 7, {})], NOON
    )
    assert block is not None
    return block.to_document()


def setting(**fields: Any) -> Callable[[Document], None]:
    return lambda block: block.update(fields)


def entry(number: int, **fields: Any) -> Callable[[Document], None]:
    return lambda block: block["entries"][number].update(fields)


def test_an_honest_block_follows_from_its_tail() -> None:
    balance, entries, found = check_block(TAIL, honest())

    assert [entry.op for entry in entries] == ["hold:gen_1", "end:gen_0", "topup:pay_1"]
    assert found == []
    assert balance == Balance(4, 102, 30, 20)


@pytest.mark.parametrize(
    ("tamper", "details"),
    [
        (setting(seq=5), ["follows seq 3"]),
        (setting(seq=3), ["follows seq 3"]),
        (setting(available=103), ["available is 103, not 102"]),
        (setting(held=29), ["held is 29, not 30"]),
        (setting(spent=0), ["spent is 0, not 20"]),
        (setting(available=-1), ["available is -1, not 102", "available is negative"]),
        (setting(held=-1), ["held is -1, not 30", "held is negative"]),
        (setting(entries=[]), ["available is 102, not 100", "held is 30, not 40", "spent is 20, not 5"]),
        (entry(0, amount=31), ["available is 102, not 101", "held is 30, not 31"]),
        (entry(1, amount=14), ["available is 102, not 103", "spent is 20, not 19"]),
        (
            entry(0, amount=101),
            [
                "hold:gen_1: The balance does not cover this request.",
                "available is 102, not 132",
                "held is 30, not 0",
            ],
        ),
        (
            entry(1, amount=41),
            [
                "end:gen_0: captures 41 of 40 with 70 held",
                "available is 102, not 77",
                "held is 30, not 70",
                "spent is 20, not 5",
            ],
        ),
        (entry(2, amount=-7), ["topup:pay_1: amount out of range", "available is 102, not 95"]),
        (entry(2, kind="hold"), ["available is 102, not 88", "held is 30, not 37"]),
    ],
)
def test_a_block_that_does_not_follow_is_named_with_every_difference(
    tamper: Callable[[Document], None], details: list[str]
) -> None:
    block = honest()
    tamper(block)
    _, _, found = check_block(TAIL, block)

    assert found == [Violation("I4", f"acc_1#{block['seq']}", detail) for detail in details]


def test_the_next_block_is_held_against_what_the_block_before_it_states() -> None:
    block = honest()
    block["available"] = 500

    assert check_block(TAIL, block)[0].available == 500
