"""Starting top-ups by card, and redeeming codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from services.api.claims import Claim
from services.api.errors import IdempotencyKeyInUse, IdempotencyKeyMismatch, RateLimited
from services.api.rate_limit import RateLimits
from services.api.rates import Pace
from services.api.submit import KEY_LIFETIME
from services.api.topups.checkout import Checkout, PaymentPageUnavailable
from services.api.topups.requests import TopUpRequest
from services.api.topups.settings import StripeSettings
from shared.accounts.key import KeyOwner
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.killpoints import KillPoints
from shared.payments.codes import digest_of
from shared.payments.redemption import Redemptions
from shared.payments.store import RequestTaken, TopUps
from shared.payments.topup import KeyedRequest, Method, TopUp

REDEMPTIONS: Final = Pace.per_minute(30)
"""Of an account, also with wrong codes."""
PAGE_WITHIN: Final = timedelta(minutes=10)
"""A top-up without a page is given up by billing after this time."""


@dataclass(frozen=True, slots=True)
class TopUpDesk:
    """What the endpoints are made of. Without `checkout` there are no top-ups by card."""

    topups: TopUps
    redemptions: Redemptions
    checkout: Checkout | None
    settings: StripeSettings
    home: str
    plain_http: bool
    """Payment pages may lead back to http addresses."""
    pepper: SecretStr
    limits: RateLimits
    clock: Clock
    killpoints: KillPoints

    async def start(
        self, owner: KeyOwner, wanted: TopUpRequest, checkout: Checkout, claim: Claim | None
    ) -> TopUp:
        """Keep the top-up, then make its page: a payment always finds what it is for.

        Sent again with its claim, it is the same top-up; one without a page, left by a crash, gets it then.
        Raises PaymentPageUnavailable, IdempotencyKeyMismatch and IdempotencyKeyInUse.
        """
        first = None if claim is None else await self._started(owner, claim)
        if first is not None:
            return await self._with_page(first, wanted, checkout) if first.without_page else first
        now = self.clock.now()
        request = None if claim is None else KeyedRequest(claim.key, claim.fingerprint)
        topup = TopUp(
            new_id(Prefix.TOPUP), owner.account_id, wanted.amount, Method.STRIPE, now, request=request
        )
        try:
            await self.topups.insert(topup, wake_at=now + PAGE_WITHIN)
        except RequestTaken as error:
            raise IdempotencyKeyInUse from error
        self.killpoints.reach("payments.topup_kept")
        try:
            return await self._with_page(topup, wanted, checkout)
        except PaymentPageUnavailable:
            await self.topups.save(topup.given_up())
            raise

    async def _started(self, owner: KeyOwner, claim: Claim) -> TopUp | None:
        """What was started with this key, within a day."""
        first = await self.topups.of_request(owner.account_id, claim.key)
        if first is None or first.request is None:
            return None
        if first.created_at + KEY_LIFETIME <= self.clock.now():
            if await self.topups.save(replace(first, request=None)) is None:
                raise IdempotencyKeyInUse
            return None
        if first.request.fingerprint != claim.fingerprint:
            raise IdempotencyKeyMismatch
        return first

    async def _with_page(self, topup: TopUp, wanted: TopUpRequest, checkout: Checkout) -> TopUp:
        page = await checkout.open(topup, wanted.success_url, wanted.cancel_url)
        opened = replace(topup, session_id=page.session_id, checkout_url=page.url)
        # Who has paid meanwhile needs no page any more.
        return await self.topups.save(opened) or opened

    async def redeem(self, owner: KeyOwner, code: str) -> TopUp:
        """Raises CodeRefused and RateLimited."""
        rate = await self.limits.take_as(f"redemptions:{owner.account_id}", REDEMPTIONS)
        if rate is not None and not rate.allowed:
            raise RateLimited(retry_after_seconds=rate.retry_after_seconds)
        return await self.redemptions.redeem(digest_of(code, self.pepper), owner.account_id)
