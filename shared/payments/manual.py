"""Top-ups by an operator's hand."""

from __future__ import annotations

from datetime import timedelta

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.ledger.chain import Ledger
from shared.mongo import Database
from shared.payments.crediting import settle
from shared.payments.store import PaymentTaken, TopUps
from shared.payments.topup import Method, TopUp

SETTLE_AFTER = timedelta(seconds=30)
"""When a command was cut off, billing finishes it after this time."""


class PaymentCredited(HatcheryError):
    """This payment has been credited already"""

    code, status = "payment_credited", 409


class ManualTopUps:
    """The same payment is never credited twice, whoever credits it."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock) -> None:
        self._topups = TopUps(database)
        self._ledger = ledger
        self._clock = clock

    async def credit(
        self, account_id: str, amount: int, actor: str, reason: str | None = None, payment: str | None = None
    ) -> TopUp:
        """Add money to an account; told the same again, it gives the top-up that there is.

        Raises PaymentCredited when the payment has become something else.
        """
        topup_id = new_id(Prefix.TOPUP)
        payment = payment or topup_id
        facts = {"actor": actor} | ({"reason": reason} if reason else {})
        now = self._clock.now()
        topup = TopUp(topup_id, account_id, amount, Method.MANUAL, now, facts=facts).paid(payment, now)
        earlier = await self._topups.of_payment(payment)
        if earlier is None and await self._ledger.find([f"topup:{payment}"]):
            raise PaymentCredited(f"The payment {payment} has been credited already.")
        if earlier is None:
            try:
                await self._topups.insert(topup, wake_at=now + SETTLE_AFTER)
            except PaymentTaken:
                earlier = await self._topups.of_payment(payment)
        if earlier is not None:
            if (earlier.account_id, earlier.amount, earlier.payment) != (account_id, amount, payment):
                raise PaymentCredited(f"The payment {payment} belongs to {earlier.id} already.")
            topup = earlier
        await settle(self._ledger, topup)
        await self._topups.settled(topup.id)
        return topup
