"""Stripe's payment pages (docs.stripe.com/api/checkout/sessions/create), by its own package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import aiohttp
import stripe
import structlog
from pydantic import SecretStr

from shared.errors import HatcheryError
from shared.payments.decision import CURRENCY, NANO_PER_CENT
from shared.payments.topup import TopUp

log = structlog.get_logger()

TIMEOUT: Final = aiohttp.ClientTimeout(total=25)
_TRIES_AGAIN: Final = 2


class TopUpsNotConfigured(HatcheryError):
    """Top-ups by card are not set up here: HATCHERY_STRIPE__SECRET_KEY is missing"""

    code, status = "not_found", 404


class PaymentPageUnavailable(HatcheryError):
    """The payment page could not be made; nothing was paid. Try again shortly."""

    code, status, retry_after_seconds = "service_unavailable", 503, 5


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """`url` is where the customer pays."""

    session_id: str
    url: str


class Checkout:
    """Makes a page for each top-up. The package keeps no state beside the connections of `session`."""

    def __init__(self, key: SecretStr, session: aiohttp.ClientSession, base_url: str | None = None) -> None:
        self._client = stripe.StripeClient(
            key.get_secret_value(),
            base_addresses={"api": base_url.rstrip("/")} if base_url else None,
            max_network_retries=_TRIES_AGAIN,
            http_client=stripe.AIOHTTPClient(timeout=TIMEOUT, session=session),
        )

    async def open(self, topup: TopUp, success_url: str, cancel_url: str) -> PaymentPage:
        """The page of a top-up; asked again, the same one. Raises PaymentPageUnavailable."""
        ours = {"topup_id": topup.id, "account_id": topup.account_id}
        try:
            made = await self._client.v1.checkout.sessions.create_async(
                params={
                    "mode": "payment",
                    "line_items": [
                        {
                            "quantity": 1,
                            "price_data": {
                                "currency": CURRENCY,
                                "unit_amount": topup.amount // NANO_PER_CENT,
                                "product_data": {"name": "Top-up"},
                            },
                        }
                    ],
                    "client_reference_id": topup.account_id,
                    "metadata": ours,
                    "payment_intent_data": {"metadata": ours, "description": f"Top-up {topup.id}"},
                    "success_url": success_url,
                    "cancel_url": cancel_url,
                },
                options={"idempotency_key": topup.id},
            )
        except stripe.StripeError as error:
            log.error(
                "payment page not made",
                topup_id=topup.id,
                error_class=type(error).__name__,
                status=error.http_status,
                error_code=error.code,
                stripe_request_id=error.request_id,
            )
            raise PaymentPageUnavailable from error
        if not made.url:
            log.error("payment page has no address", topup_id=topup.id, session_id=made.id)
            raise PaymentPageUnavailable
        return PaymentPage(made.id, made.url)
