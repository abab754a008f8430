"""However dear and however many: a price is an exact number that fits, or the request is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.amounts import MOST_USD
from shared.ledger.block import INT64_MAX, Balance, make_block
from shared.ledger.entry import hold
from shared.ledger.refusals import InsufficientBalance
from shared.money import NANO_PER_USD
from tests.unit.building import NOON
from tests.unit.catalog.asking import catalog, images, quote

MOST_OUTPUTS = 1_000
"""More than any dialect takes."""


@given(nano=st.integers(0, MOST_USD * NANO_PER_USD), count=st.integers(1, MOST_OUTPUTS))
def test_a_price_times_outputs_is_exact_and_can_be_held(nano: int, count: int) -> None:
    usd = f"{nano // NANO_PER_USD}.{nano % NANO_PER_USD:09}"
    priced = quote("picture", images(count), catalog=catalog(picture=f'{{per: image, usd: "{usd}"}}'))

    assert priced.hold_nano == nano * count
    assert priced.hold_nano <= INT64_MAX


@pytest.mark.parametrize("amount", [INT64_MAX, INT64_MAX + 1, MOST_USD * NANO_PER_USD * 10**6])
def test_a_hold_that_no_ledger_could_store_leaves_no_trace(amount: int) -> None:
    tail = Balance(seq=1, available=INT64_MAX - 1)
    block, refused = make_block("acc_1", tail, [hold("gen_1", amount, "m"), hold("gen_2", 1, "m")], NOON)

    assert type(refused["hold:gen_1"]) is InsufficientBalance
    assert block is not None
    assert [entry.op for entry in block.entries] == ["hold:gen_2"]
    assert block.balance == Balance(2, INT64_MAX - 2, 1)
