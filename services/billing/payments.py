"""Crediting: takes up what payment providers have told, decides, and brings it into the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.mongo import Database, is_unavailable
from shared.payments.codes import Codes
from shared.payments.crediting import settle
from shared.payments.decision import after
from shared.payments.events import LEASE, PaymentEvent, PaymentEvents
from shared.payments.notices import Notice, Said
from shared.payments.redemption import Redemptions
from shared.payments.store import PaymentTaken, TopUps
from shared.payments.topup import TopUp
from shared.rounds import repeat

log = structlog.get_logger()

SWEEP_EVERY: Final = timedelta(seconds=5)
PATIENCE: Final = timedelta(days=7)
"""Stripe tries to deliver its events for three days."""
_SHORTEST, _LONGEST = timedelta(seconds=5), timedelta(hours=1)


class UnknownPayment(HatcheryError):
    """No top-up has this payment"""


class Payments:
    """Runs in every billing process; claims and the unique ops of the ledger keep them apart."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock, killpoints: KillPoints) -> None:
        self._events = PaymentEvents(database, clock)
        self._topups = TopUps(database)
        self._codes = Codes(database, clock)
        self._redemptions = Redemptions(database, ledger, clock, killpoints)
        self._ledger = ledger
        self._clock = clock
        self._killpoints = killpoints
        self._bell = asyncio.Event()

    def ring(self, _: Sequence[str]) -> None:
        """There is something new."""
        self._bell.set()

    async def run(self) -> None:
        """Look when rung for, and every few seconds anyway, until cancelled."""
        await repeat("payments", self.sweep, SWEEP_EVERY, self._bell)

    async def sweep(self) -> None:
        """Deal with everything that is due."""
        while (event := await self._events.claim()) is not None:
            await self._take(event)
        while (code := await self._codes.claim_unfinished()) is not None:
            await self._redemptions.finish(code)
        now = self._clock.now()
        while (topup := await self._topups.claim_unfinished(now, now + LEASE)) is not None:
            await self._finish(topup)

    async def _finish(self, topup: TopUp) -> None:
        if topup.without_page:
            await self._topups.save(topup.given_up())
            return
        await settle(self._ledger, topup)
        await self._topups.settled(topup.id)

    async def _take(self, event: PaymentEvent) -> None:
        """An event that breaks something is looked at again when its lease is over, and stops no other."""
        try:
            problems = [problem for notice in event.notices if (problem := await self._apply(notice))]
        except UnknownPayment:
            await self._wait(event)
        except Exception as error:
            if is_unavailable(error):
                raise
            log.exception("payment event not applied", event_id=event.id, event_type=event.type)
        else:
            await self._events.done(event.id, "; ".join(problems) or None)

    async def _wait(self, event: PaymentEvent) -> None:
        """Its payment may yet come. What never comes was for something else, or needs an operator."""
        age = self._clock.now() - event.received_at
        if age < PATIENCE:
            await self._events.wait(event.id, min(max(age, _SHORTEST), _LONGEST))
            return
        log.error("payment event given up", event_id=event.id, event_type=event.type)
        await self._events.done(event.id, "no top-up has this payment")

    async def _apply(self, notice: Notice) -> str | None:
        """Gives what an operator has to look at. Raises UnknownPayment."""
        while True:
            topup = await self._find(notice)
            if topup is None:
                return f"there is no top-up {notice.topup_id}"
            decided = await self._decide(topup, notice)
            if decided is None:
                continue
            self._killpoints.reach("payments.decided")
            entries = await settle(self._ledger, decided)
            self._killpoints.reach("payments.credited")
            if notice.said is Said.PAID and notice.payment is not None:
                await self._events.wake(notice.payment)
            if entries:
                log.info("top-up settled", topup_id=decided.id, said=notice.said.value, entries=entries)
            news = [problem for problem in decided.problems if problem not in topup.problems]
            for problem in news:
                log.error("top-up has a problem", topup_id=decided.id, detail=problem)
            return None

    async def _find(self, notice: Notice) -> TopUp | None:
        if notice.topup_id is not None:
            return await self._topups.get(notice.topup_id)
        found = await self._topups.of_payment(notice.payment or "")
        if found is None:
            raise UnknownPayment
        return found

    async def _decide(self, topup: TopUp, notice: Notice) -> TopUp | None:
        """The top-up as it stands in the database now; None when it has to be read again."""
        decided = after(topup, notice, self._clock.now())
        if decided == topup:
            return topup
        try:
            return await self._topups.save(decided)
        except PaymentTaken:
            problem = f"Payment {notice.payment} was not credited: it belongs to another top-up"
            return await self._topups.save(topup.with_problem(problem))
