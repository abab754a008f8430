"""What notices make of a top-up."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ledger.block import Balance
from shared.ledger.entry import EntryKind
from shared.payments.decision import NANO_PER_CENT, after
from shared.payments.notices import Notice, Said
from shared.payments.topup import Method, TopUp, TopUpState
from tests.unit.building import NOON

ASKED = TopUp("top_1", "acc_1", 2500 * NANO_PER_CENT, Method.STRIPE, NOON)


def paid(payment: str = "pi_1", cents: int = 2500, currency: str = "usd", account: str = "acc_1") -> Notice:
    return Notice(Said.PAID, payment, "top_1", account_id=account, amount_cents=cents, currency=currency)


def taken(said: Said, subject: str = "re_1", cents: int = 1000, currency: str = "usd") -> Notice:
    return Notice(said, "pi_1", subject=subject, amount_cents=cents, currency=currency)


def told(*notices: Notice, topup: TopUp = ASKED) -> TopUp:
    for notice in notices:
        topup = after(topup, notice, NOON)
    return topup


def in_chain(topup: TopUp) -> Balance:
    """The balance of an account that has nothing but this top-up."""
    balance = Balance()
    for entry in topup.entries():
        balance = balance.after(entry, NOON)
    return balance


def test_a_payment_of_what_was_asked_for_is_credited_once() -> None:
    credited = told(paid(), paid())
    assert [(entry.op, entry.amount) for entry in credited.entries()] == [("topup:pi_1", ASKED.amount)]
    assert (credited.state, credited.payment, credited.paid_at) == (TopUpState.PAID, "pi_1", NOON)
    assert credited.problems == ()


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        (paid(cents=2499), "it is of 2499 cents in usd, not 2500 cents in usd"),
        (paid(cents=2501), "it is of 2501 cents in usd, not 2500 cents in usd"),
        (paid(currency="eur"), "it is of 2500 cents in eur, not 2500 cents in usd"),
        (paid(account="acc_2"), "it is for account acc_2, not acc_1"),
    ],
)
def test_a_payment_that_does_not_match_credits_nothing_and_is_told(notice: Notice, said: str) -> None:
    refused = told(notice, notice)
    assert refused.entries() == []
    assert refused.state is TopUpState.PENDING
    assert refused.problems == (f"Payment pi_1 was not credited: {said}",)
    assert refused.payments == ("pi_1",)


def test_a_refund_of_a_payment_that_was_not_credited_takes_nothing() -> None:
    assert told(paid(cents=9999), taken(Said.REFUNDED, cents=9999)).entries() == []


def test_a_second_payment_for_one_top_up_is_not_credited() -> None:
    twice = told(paid(), paid("pi_2"))
    assert len(twice.entries()) == 1
    assert twice.problems == ("Payment pi_2 was not credited: the top-up is paid by pi_1",)


def test_refunds_take_back_their_own_amounts_once() -> None:
    twice = told(
        paid(),
        taken(Said.REFUNDED, "re_1", 1000),
        taken(Said.REFUNDED, "re_2", 500),
        taken(Said.REFUNDED, "re_1", 1000),
    )
    assert [(entry.op, entry.amount) for entry in twice.entries()[1:]] == [
        ("reversal:re_1", 1000 * NANO_PER_CENT),
        ("reversal:re_2", 500 * NANO_PER_CENT),
    ]
    assert in_chain(twice).available == 1000 * NANO_PER_CENT


@pytest.mark.parametrize(
    ("began", "ended", "op"),
    [
        (Said.REFUNDED, Said.REFUND_FAILED, "topup:re_1:failed"),
        (Said.DISPUTED, Said.DISPUTE_WON, "topup:re_1:won"),
    ],
)
def test_what_was_taken_comes_back_once_in_whatever_order_it_is_told(
    began: Said, ended: Said, op: str
) -> None:
    for order in permutations([taken(began), taken(ended), taken(began), taken(ended)]):
        topup = told(paid(), *order)
        assert [entry.op for entry in topup.entries()] == ["topup:pi_1", "reversal:re_1", op]
        assert in_chain(topup) == Balance(available=ASKED.amount)


def test_a_dispute_beyond_a_refund_takes_what_is_left_and_is_told() -> None:
    topup = told(paid(), taken(Said.REFUNDED), taken(Said.DISPUTED, "du_1", 2500))
    assert in_chain(topup) == Balance()
    assert topup.problems == ("du_1 takes 2500 cents, of which only 1500 were left of the payment",)


def test_a_refund_in_another_currency_takes_nothing_and_is_told() -> None:
    topup = told(paid(), taken(Said.REFUNDED, currency="eur"))
    assert in_chain(topup).available == ASKED.amount
    assert topup.problems == ("re_1 is in eur: nothing was taken back",)


@pytest.mark.parametrize(
    ("notices", "state"),
    [
        ((Said.PROCESSING,), TopUpState.PROCESSING),
        ((Said.PROCESSING, Said.FAILED), TopUpState.FAILED),
        ((Said.FAILED, Said.PROCESSING), TopUpState.FAILED),
        ((Said.EXPIRED,), TopUpState.EXPIRED),
        ((Said.PROCESSING, Said.EXPIRED), TopUpState.PROCESSING),
    ],
)
def test_unpaid_top_ups_say_how_they_stand(notices: tuple[Said, ...], state: TopUpState) -> None:
    topup = told(*(Notice(said, topup_id="top_1", account_id="acc_1") for said in notices))
    assert topup.state is state
    assert told(paid(), topup=topup).state is TopUpState.PAID


@pytest.mark.parametrize("said", [Said.PROCESSING, Said.FAILED, Said.EXPIRED])
def test_a_paid_top_up_stays_paid(said: Said) -> None:
    assert told(paid(), Notice(said, topup_id="top_1")).state is TopUpState.PAID


NOTICES = st.one_of(
    st.builds(paid, st.sampled_from(["pi_1", "pi_2"]), st.sampled_from([2499, 2500])),
    st.builds(
        taken,
        st.sampled_from([Said.REFUNDED, Said.REFUND_FAILED]),
        st.sampled_from(["re_1", "re_2"]),
        st.integers(0, 3000),
    ),
    st.builds(
        taken, st.sampled_from([Said.DISPUTED, Said.DISPUTE_WON]), st.just("du_1"), st.integers(0, 3000)
    ),
)


@given(st.lists(NOTICES, max_size=12))
def test_never_more_is_credited_than_paid_nor_more_taken_than_credited(notices: list[Notice]) -> None:
    topup = ASKED
    for notice in notices:
        before, topup = topup, after(topup, notice, NOON)
        assert topup.acts[: len(before.acts)] == before.acts
        assert 0 <= topup.kept <= ASKED.amount
        assert after(topup, notice, NOON) == topup
    assert len({act.op for act in topup.acts}) == len(topup.acts)
    assert sum(act.kind is EntryKind.TOPUP and act.cause == "payment" for act in topup.acts) <= 1
    assert in_chain(topup) == Balance(available=topup.kept)


def test_a_top_up_is_read_as_it_was_written() -> None:
    topup = told(paid(), taken(Said.REFUNDED), paid("pi_2"))
    assert TopUp.from_document(topup.to_document()) == topup
