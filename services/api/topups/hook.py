"""Stripe's events: verified, kept, and rung for; billing does the rest (docs.stripe.com/webhooks)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
import stripe
import structlog
from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from services.api.body import read_bytes
from services.api.errors import BodyTooLarge, RateLimited
from services.api.strangers import Strangers
from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.payments.events import PaymentEvents
from shared.payments.stripe_events import UnreadableEvent, notices_of

log = structlog.get_logger()

TOLERANCE_SECONDS: Final = 300
MOST_EVENT_BYTES: Final = 1024 * 1024
_MOST_ID: Final = 255


class StripeHook:
    """Takes each event once."""

    def __init__(self, secrets: Sequence[SecretStr], events: PaymentEvents, publisher: Publisher) -> None:
        self._secrets = [secret.get_secret_value() for secret in secrets]
        self._events = events
        self._publisher = publisher

    @property
    def configured(self) -> bool:
        return bool(self._secrets)

    def genuine(self, body: bytes, signature: str | None) -> bool:
        """Whether Stripe has signed this with one of our secrets, less than five minutes ago."""
        if signature is None or not signature.isascii():
            return False
        return any(_signed_with(secret, body, signature) for secret in self._secrets)

    async def take(self, body: bytes) -> None:
        """Keep a genuine event that tells of top-ups. Raises UnreadableEvent."""
        event = _event(body)
        notices = notices_of(event)
        if not notices:
            return
        if await self._events.keep(event["id"], event["type"], notices):
            log.info("payment event kept", event_id=event["id"], event_type=event["type"])
        await self._publisher.publish([Event(EventType.PAYMENT_RECEIVED, (event["id"],))])


def stripe_endpoints(hook: StripeHook, strangers: Strangers) -> APIRouter:
    """`POST /callbacks/stripe`: 200 for an event that is kept, again for one that was.

    400 for what is forged, older than five minutes or unreadable; 404 without a secret; 413 beyond 1 MiB;
    429 for who forges too often. Errors are `{"error": "…"}`.
    """
    router = APIRouter()

    @router.post("/callbacks/stripe")
    async def take_event(request: Request) -> Response:
        if not hook.configured:
            return _answer(404, "not_found")
        try:
            body = await read_bytes(request, MOST_EVENT_BYTES)
        except BodyTooLarge:
            return _answer(413, "body_too_large")
        if not hook.genuine(body, request.headers.get("stripe-signature")):
            log.warning("payment event not genuine")
            return _refuse(request, strangers)
        try:
            await hook.take(body)
        except UnreadableEvent as error:
            log.error("payment event not readable", reason=error.message)
            return _answer(400, "unreadable_event")
        return Response(b"{}", media_type="application/json")

    return router


def _refuse(request: Request, strangers: Strangers) -> Response:
    try:
        strangers.refuse(request.scope)
    except RateLimited as error:
        refused = _answer(429, "rate_limited")
        refused.headers["Retry-After"] = str(error.retry_after_seconds)
        return refused
    return _answer(400, "bad_signature")


def _signed_with(secret: str, body: bytes, signature: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(body, signature, secret, TOLERANCE_SECONDS)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False
    return True


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableEvent("The event is no JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise UnreadableEvent("The event has no type")
    event_id = event.get("id")
    if not isinstance(event_id, str) or not 0 < len(event_id) <= _MOST_ID:
        raise UnreadableEvent("The event has no id")
    return event


def _answer(status: int, code: str) -> Response:
    return Response(orjson.dumps({"error": code}), status, media_type="application/json")
