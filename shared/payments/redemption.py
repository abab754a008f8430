"""Redeeming a code: claimed by one account, then credited; what is cut off between is finished by billing."""

from __future__ import annotations

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.mongo import Database
from shared.payments.codes import Code, Codes
from shared.payments.crediting import settle
from shared.payments.store import PaymentTaken, TopUps
from shared.payments.topup import Method, TopUp


class CodeRefused(HatcheryError):
    """This code cannot be redeemed"""

    code, status = "invalid_field", 422


class Redemptions:
    """The ledger's `topup:code:<id>` makes each code's money come once."""

    def __init__(self, database: Database, ledger: Ledger, clock: Clock, killpoints: KillPoints) -> None:
        self._codes = Codes(database, clock)
        self._topups = TopUps(database)
        self._ledger = ledger
        self._clock = clock
        self._killpoints = killpoints

    async def redeem(self, digest: bytes | None, account_id: str) -> TopUp:
        """The same account gets the same top-up again. Raises CodeRefused, whatever is wrong."""
        if digest is None:
            raise CodeRefused
        code = await self._codes.claim(digest, account_id, new_id(Prefix.TOPUP))
        if code is None:
            raise CodeRefused
        self._killpoints.reach("payments.code_claimed")
        return await self.finish(code)

    async def finish(self, code: Code) -> TopUp:
        """Make the top-up of a claimed code and credit it; a second time changes nothing."""
        if code.account_id is None or code.topup_id is None:
            raise CodeRefused
        now = code.redeemed_at or self._clock.now()
        payment = f"code:{code.id}"
        topup = TopUp(
            code.topup_id, code.account_id, code.amount, Method.CODE, now, facts={"code_id": code.id}
        ).paid(payment, now)
        try:
            await self._topups.insert(topup)
        except PaymentTaken:
            # By an earlier try.
            topup = await self._topups.of_payment(payment) or topup
        await settle(self._ledger, topup)
        await self._codes.finished(code.id)
        return topup
