"""`/v1/topups`: paying in, by card or by code."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from services.api.admission import Admission
from services.api.body import read_object
from services.api.errors import InvalidField, NotFound, RateLimited
from services.api.rate_limit import RateLimits
from services.api.rates import Pace
from services.api.scopes import Scope
from services.api.topups.bodies import topup_body
from services.api.topups.checkout import Checkout, PaymentPageUnavailable, TopUpsNotConfigured
from services.api.topups.requests import TopUpRequest, is_topup_id, parse_code, parse_topup
from services.api.topups.settings import StripeSettings
from shared.accounts.key import KeyOwner
from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.payments.codes import digest_of
from shared.payments.redemption import Redemptions
from shared.payments.store import TopUps
from shared.payments.topup import Method, TopUp, TopUpState

DEFAULT_PAGE_SIZE: Final = 20
MOST_PAGE_SIZE: Final = 100
REDEMPTIONS: Final = Pace.per_minute(30)
"""Of an account, also with wrong codes."""


class TopUpNotFound(NotFound):
    """There is no such top-up"""


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

    async def start(self, owner: KeyOwner, wanted: TopUpRequest, checkout: Checkout) -> TopUp:
        """Keep the top-up, then make its page: a payment always finds what it is for.

        Raises PaymentPageUnavailable.
        """
        topup = TopUp(new_id(Prefix.TOPUP), owner.account_id, wanted.amount, Method.STRIPE, self.clock.now())
        await self.topups.insert(topup)
        try:
            page = await checkout.open(topup, wanted.success_url, wanted.cancel_url)
        except PaymentPageUnavailable:
            await self.topups.save(replace(topup, state=TopUpState.FAILED))
            raise
        opened = replace(topup, session_id=page.session_id, checkout_url=page.url)
        # Who has paid meanwhile needs no page any more.
        return await self.topups.save(opened) or opened

    async def redeem(self, owner: KeyOwner, code: str) -> TopUp:
        """Raises CodeRefused and RateLimited."""
        rate = await self.limits.take_as(f"redemptions:{owner.account_id}", REDEMPTIONS)
        if rate is not None and not rate.allowed:
            raise RateLimited(retry_after_seconds=rate.retry_after_seconds)
        return await self.redemptions.redeem(digest_of(code, self.pepper), owner.account_id)


def topup_endpoints(admit: Admission, desk: TopUpDesk) -> APIRouter:
    """Bodies are `{"id", "status", "amount_usd", …}`; lists `{"items", "next_cursor"}`, newest first."""
    router = APIRouter(prefix="/v1/topups")

    @router.post("")
    async def start_topup(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        content = await read_object(request)
        if desk.checkout is None:
            raise TopUpsNotConfigured
        wanted = parse_topup(content, desk.settings, desk.home, desk.plain_http)
        return _json(topup_body(await desk.start(owner, wanted, desk.checkout)), 201)

    @router.get("")
    async def list_topups(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        limit, cursor = _page(request)
        found = await desk.topups.page(owner.account_id, cursor, limit + 1)
        more = found[limit - 1].id if len(found) > limit else None
        return _json({"items": [topup_body(one) for one in found[:limit]], "next_cursor": more})

    @router.post("/redeem")
    async def redeem_code(request: Request) -> Response:
        owner = await admit(request, Scope.BILLING)
        code = parse_code(await read_object(request))
        return _json(topup_body(await desk.redeem(owner, code)))

    @router.get("/{topup_id}")
    async def read_topup(request: Request, topup_id: str) -> Response:
        owner = await admit(request, Scope.BILLING)
        found = await desk.topups.get(topup_id) if is_topup_id(topup_id) else None
        if found is None or found.account_id != owner.account_id:
            raise TopUpNotFound
        return _json(topup_body(found))

    return router


def _page(request: Request) -> tuple[int, str | None]:
    """`limit` and `cursor`. Raises InvalidField."""
    text, cursor = request.query_params.get("limit"), request.query_params.get("cursor")
    plain = text is None or (text.isascii() and text.isdigit() and len(text) < 10)
    limit = DEFAULT_PAGE_SIZE if text is None else int(text) if plain else 0
    if not 1 <= limit <= MOST_PAGE_SIZE:
        raise InvalidField(f"limit must be a whole number from 1 to {MOST_PAGE_SIZE}")
    if cursor is not None and not is_topup_id(cursor):
        raise InvalidField("cursor must be the next_cursor of an earlier answer")
    return limit, cursor


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
