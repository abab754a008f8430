"""Billing brings what Stripe has told into the books: once, in any order, to the cent."""

from __future__ import annotations

import asyncio
from itertools import permutations

import pytest

from services.billing.payments import PATIENCE, Payments
from shared.killpoints import KillPoints
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.entry import hold
from shared.ledger.refusals import InsufficientBalance
from shared.mongo import Database
from shared.payments.decision import NANO_PER_CENT
from shared.payments.events import LEASE, PaymentEvents
from shared.payments.manual import ManualTopUps, PaymentCredited
from shared.payments.notices import Notice, Said
from shared.payments.store import TopUps
from shared.payments.topup import Method, TopUp, TopUpState
from tests.unit.building import StillClock

CENTS = 2500
PAID = Notice(Said.PAID, "pi_1", topup_id="top_1", account_id="acc_1", amount_cents=CENTS, currency="usd")


def taken(said: Said, subject: str = "re_1", cents: int = 1000) -> Notice:
    return Notice(said, "pi_1", subject=subject, amount_cents=cents, currency="usd")


class Books:
    """One top-up that waits for its money, several billing processes, and the account's chain."""

    def __init__(self, database: Database, ledger: Ledger, clock: StillClock) -> None:
        self.events = PaymentEvents(database, clock)
        self.topups = TopUps(database)
        self.ledger = ledger
        self.clock = clock
        self.replicas = [Payments(database, ledger, clock, KillPoints()) for _ in range(4)]
        self._told = 0

    async def tell(self, *notices: Notice) -> None:
        """One event for each notice, in this order."""
        for notice in notices:
            self._told += 1
            assert await self.events.keep(f"evt_{self._told}", "test", [notice])
            self.clock.forward(milliseconds=1)

    async def sweep(self) -> None:
        await asyncio.gather(*(replica.sweep() for replica in self.replicas))

    async def take(self, *notices: Notice) -> None:
        """Each is dealt with before the next one comes."""
        for notice in notices:
            await self.tell(notice)
            await self.sweep()

    async def balance(self, account_id: str = "acc_1") -> Balance:
        return (await self.ledger.balances([account_id]))[account_id]

    async def topup(self) -> TopUp:
        found = await self.topups.get("top_1")
        assert found is not None
        return found

    async def ops(self) -> list[str]:
        return [entry["op"] async for block in self.ledger.blocks("acc_1") for entry in block["entries"]]


@pytest.fixture
async def books(database: Database, ledger: Ledger, clock: StillClock) -> Books:
    books = Books(database, ledger, clock)
    wanted = TopUp("top_1", "acc_1", CENTS * NANO_PER_CENT, Method.STRIPE, clock.now())
    await books.topups.insert(wanted)
    return books


def cents(balance: Balance) -> tuple[int, int]:
    """Available and owed."""
    return balance.available // NANO_PER_CENT, balance.owed // NANO_PER_CENT


async def test_a_payment_told_by_many_events_to_many_processes_is_credited_once(books: Books) -> None:
    await books.tell(*[PAID] * 20)
    await books.sweep()

    assert await books.ops() == ["topup:pi_1"]
    assert cents(await books.balance()) == (CENTS, 0)
    assert (await books.topup()).state is TopUpState.PAID
    assert await books.events.claim() is None


async def test_an_event_is_kept_once(books: Books) -> None:
    assert await books.events.keep("evt_same", "test", [PAID])
    assert not await books.events.keep("evt_same", "test", [PAID])


async def test_whatever_the_order_the_books_are_the_same_in_the_end(
    database: Database, ledger: Ledger, clock: StillClock
) -> None:
    notices = [PAID, taken(Said.REFUNDED, "re_1", 500), taken(Said.DISPUTED, "du_1", 1000),
               taken(Said.DISPUTE_WON, "du_1", 1000)]  # fmt: skip
    for order in permutations(notices):
        books = Books(database, ledger, clock)
        for name in ("topups", "payment_events", "ledger"):
            await database[name].delete_many({})
        await books.topups.insert(TopUp("top_1", "acc_1", CENTS * NANO_PER_CENT, Method.STRIPE, clock.now()))
        await books.take(*order)

        assert await books.events.claim() is None, order
        assert sorted(await books.ops()) == [
            "reversal:du_1", "reversal:re_1", "topup:du_1:won", "topup:pi_1",
        ], order  # fmt: skip
        assert cents(await books.balance()) == (CENTS - 500, 0), order


async def test_a_refund_before_its_payment_waits_and_follows_at_once(books: Books) -> None:
    await books.take(taken(Said.REFUNDED))
    assert await books.ops() == []

    await books.take(PAID)

    assert await books.ops() == ["topup:pi_1", "reversal:re_1"]
    assert cents(await books.balance()) == (CENTS - 1000, 0)


async def test_what_never_gets_its_payment_is_given_up_and_shown(books: Books) -> None:
    await books.take(taken(Said.REFUNDED))
    books.clock.at += PATIENCE
    await books.sweep()

    (event,) = await books.events.with_problems(10)
    assert event.problem == "no top-up has this payment"
    assert await books.events.claim() is None


@pytest.mark.parametrize("wrong", [{"amount_cents": 2499}, {"currency": "eur"}, {"account_id": "acc_2"}])
async def test_a_payment_that_does_not_match_moves_no_money_and_is_shown(
    books: Books, wrong: dict[str, object]
) -> None:
    told = Notice.from_document({**PAID.to_document(), **wrong})
    await books.take(told, taken(Said.REFUNDED), told)

    assert await books.ops() == []
    assert await books.balance("acc_2") == Balance()
    (topup,) = await books.topups.with_problems(10)
    assert topup.id == "top_1"
    assert len(topup.problems) == 1


async def test_a_payment_for_a_top_up_that_is_none_is_shown(books: Books) -> None:
    await books.take(Notice.from_document({**PAID.to_document(), "topup_id": "top_none"}))
    (event,) = await books.events.with_problems(10)
    assert event.problem == "there is no top-up top_none"


async def test_money_spent_before_it_was_taken_back_is_owed_until_the_next_top_up(books: Books) -> None:
    await books.take(PAID)
    await books.ledger.append({"acc_1": [hold("gen_1", 2000 * NANO_PER_CENT, "banana")]})
    await books.take(taken(Said.DISPUTED, "du_1", CENTS))
    assert cents(await books.balance()) == (0, 2000)
    outcome = (await books.ledger.append({"acc_1": [hold("gen_2", 1, "banana")]}))["hold:gen_2"]
    assert isinstance(outcome, InsufficientBalance)

    await books.take(taken(Said.DISPUTE_WON, "du_1", CENTS))

    assert cents(await books.balance()) == (500, 0)


async def test_many_refunds_at_once_never_take_more_than_was_paid(books: Books) -> None:
    await books.take(PAID)
    await books.tell(*(taken(Said.REFUNDED, f"re_{number}", 400) for number in range(10)))
    await books.sweep()

    assert cents(await books.balance()) == (0, 0)
    assert (await books.topup()).kept == 0
    assert len((await books.topup()).problems) == 4


async def test_a_payment_on_its_way_is_credited_when_it_comes(books: Books) -> None:
    processing = Notice(Said.PROCESSING, "pi_1", topup_id="top_1", account_id="acc_1", currency="usd")
    await books.take(processing)
    assert (await books.topup()).state is TopUpState.PROCESSING
    await books.take(PAID, processing)
    assert (await books.topup()).state is TopUpState.PAID
    assert cents(await books.balance()) == (CENTS, 0)


async def test_what_a_dead_process_had_in_hand_is_taken_up_by_another(books: Books) -> None:
    await books.tell(PAID)
    assert await books.events.claim() is not None
    await books.sweep()
    assert await books.ops() == []

    books.clock.at += LEASE
    await books.sweep()

    assert await books.ops() == ["topup:pi_1"]


async def test_what_was_decided_and_not_credited_is_credited_by_the_next_process(books: Books) -> None:
    await books.topups.save((await books.topup()).paid("pi_1", books.clock.now()))
    await books.take(taken(Said.REFUNDED))
    assert await books.ops() == ["topup:pi_1", "reversal:re_1"]


async def test_an_event_that_breaks_stops_no_other(books: Books, database: Database) -> None:
    broken = {"_id": "evt_0", "type": "test", "notices": [{"said": "refunded", "payment": "pi_9"}]}
    await database["topups"].insert_one({"_id": "top_9", "payments": ["pi_9"]})
    now = books.clock.now()
    await database["payment_events"].insert_one({**broken, "received_at": now, "wake_at": now})
    await books.take(PAID)
    assert await books.ops() == ["topup:pi_1"]


@pytest.fixture
def by_hand(database: Database, ledger: Ledger, clock: StillClock) -> ManualTopUps:
    return ManualTopUps(database, ledger, clock)


async def test_a_payment_credited_by_hand_is_not_credited_again_by_its_event(
    books: Books, by_hand: ManualTopUps
) -> None:
    for _ in range(2):
        await by_hand.credit("acc_1", CENTS * NANO_PER_CENT, "os anna", "the event was lost", "pi_1")

    await books.take(PAID, taken(Said.REFUNDED))

    assert await books.ops() == ["topup:pi_1", "reversal:re_1"]
    (problem,) = (await books.topup()).problems
    assert problem == "Payment pi_1 was not credited: it belongs to another top-up"


async def test_one_payment_is_not_credited_by_hand_for_something_else(
    books: Books, by_hand: ManualTopUps
) -> None:
    await by_hand.credit("acc_1", 100, "os anna", payment="bank-7")
    for account_id, amount in (("acc_2", 100), ("acc_1", 200)):
        with pytest.raises(PaymentCredited):
            await by_hand.credit(account_id, amount, "os anna", payment="bank-7")
    assert (await books.balance()).available == 100


async def test_a_command_that_was_cut_off_is_finished(books: Books) -> None:
    now = books.clock.now()
    cut_off = TopUp("top_2", "acc_1", 700, Method.MANUAL, now).paid("top_2", now)
    await books.topups.insert(cut_off, wake_at=now)

    await books.sweep()
    await books.sweep()

    assert await books.ops() == ["topup:top_2"]
    assert (await books.balance()).available == 700
