"""The endpoints of top-ups, put together."""

from __future__ import annotations

import aiohttp
from fastapi import APIRouter

from services.api.parts import ApiParts
from services.api.settings import ApiSettings
from services.api.strangers import Strangers
from services.api.topups.checkout import Checkout
from services.api.topups.desk import TopUpDesk
from services.api.topups.endpoints import topup_endpoints
from services.api.topups.hook import StripeHook, stripe_endpoints
from shared.payments.events import PaymentEvents
from shared.payments.redemption import Redemptions
from shared.payments.store import TopUps
from shared.runtime import Platform


def payment_endpoints(
    platform: Platform, settings: ApiSettings, parts: ApiParts, session: aiohttp.ClientSession
) -> APIRouter:
    """For customers, and for Stripe's events."""
    router, ours = APIRouter(), settings.stripe
    key = ours.key
    desk = TopUpDesk(
        topups=TopUps(platform.database),
        redemptions=Redemptions(platform.database, parts.ledger, platform.clock, platform.killpoints),
        checkout=None if key is None else Checkout(key, session, ours.base_url),
        settings=ours,
        home=settings.public_url,
        plain_http=settings.local_development,
        pepper=settings.key_pepper,
        limits=parts.limits,
        clock=platform.clock,
        killpoints=platform.killpoints,
    )
    router.include_router(topup_endpoints(parts.admit, desk))
    events = PaymentEvents(platform.database, platform.clock)
    hook = StripeHook(ours.webhook_secrets, events, platform.publisher)
    strangers = Strangers(parts.addresses, settings.refusals_per_second)
    router.include_router(stripe_endpoints(hook, strangers))
    return router
