"""Bodies of webhook endpoints, deliveries and events."""

from __future__ import annotations

from services.api.reference.schema import Schema, flag, listing, or_null, record, ref, request, text, whole
from services.api.webhooks.fields import LONGEST_DESCRIPTION
from shared.webhooks.events import EVENT_TYPES, EVERYTHING
from shared.webhooks.secrets import DEFAULT_OVERLAP, LONGEST_OVERLAP
from shared.webhooks.states import DeliveryState

_OPEN: Schema = {"type": "object"}


def webhook_schemas() -> dict[str, Schema]:
    """By name."""
    return {**_endpoints(), **_deliveries(), "EndpointEvent": _event()}


def _endpoints() -> dict[str, Schema]:
    url = text("https, on port 443, at a public address.", format="uri", maxLength=2048)
    events = listing(
        text(enum=[EVERYTHING, *EVENT_TYPES]),
        "`*` is all events, also those that are still to come.",
        minItems=1,
        default=[EVERYTHING],
    )
    described = {"events": events, "description": text(maxLength=LONGEST_DESCRIPTION)}
    seconds = whole(
        "How long the old secret stays valid.",
        minimum=0,
        maximum=int(LONGEST_OVERLAP.total_seconds()),
        default=int(DEFAULT_OVERLAP.total_seconds()),
    )
    endpoint: dict[str, Schema] = {
        "id": text(),
        "url": text(),
        "events": listing(text()),
        "description": text(),
        "enabled": flag(),
        "disabled_reason": or_null(text("Why it is not enabled.")),
        "disabled_at": _time_or_null(),
        "created_at": _time(),
    }
    return {
        "NewWebhookEndpoint": request({"url": url}, described),
        "WebhookEndpointChanges": request({}, {"url": url, **described, "enabled": flag()}),
        "WebhookEndpoint": record(endpoint),
        "WebhookEndpointWithSecret": record(
            {**endpoint, "secret": text("Shown here and never again.", pattern="^whsec_")}
        ),
        "WebhookEndpointList": _page("WebhookEndpoint"),
        "SecretRotation": request({}, {"overlap_seconds": seconds}),
        "WebhookTest": record({"event_id": text("The `id` in the payload.")}),
    }


def _deliveries() -> dict[str, Schema]:
    row: dict[str, Schema] = {
        "id": text("The `webhook-id` of every attempt."),
        "event": text(),
        "event_id": or_null(text("The `id` in the payload; null for callbacks.")),
        "task_id": or_null(text()),
        "endpoint_id": or_null(text("Null for callbacks.")),
        "url": text(),
        "state": text(enum=[*DeliveryState]),
        "attempts_made": whole(minimum=0),
        "last_status": or_null(whole("Null where no answer came.")),
        "last_error": or_null(text()),
        "next_attempt_at": _time_or_null(),
        "created_at": _time(),
    }
    attempt = record(
        {
            "number": whole(minimum=1),
            "at": _time(),
            "duration_ms": whole(minimum=0),
            "status": or_null(whole()),
            "headers": _OPEN | {"description": "Some of the answer's."},
            "body": text("How the answer began, at most 2 KB."),
            "error": or_null(text("Null for an answer of 2xx.")),
        }
    )
    since = text("Of the last attempt.", format="date-time")
    return {
        "Delivery": record(row),
        "DeliveryDetail": record({**row, "payload": _OPEN, "attempts": listing(attempt)}),
        "DeliveryList": _page("Delivery"),
        "RedeliverySince": request({"since": since}, {"endpoint": text("Only of this endpoint.")}),
        "RedeliveryCount": record(
            {"redelivered": whole(minimum=0), "has_more": flag("Ask again: one request takes 10,000.")}
        ),
    }


def _event() -> Schema:
    return record(
        {
            "id": text("The same for all endpoints; the same event never comes under two."),
            "type": text(enum=[*EVENT_TYPES]),
            "version": whole("Of this form.", const=1),
            "created_at": _time(),
            "data": _OPEN,
            "truncated": listing(text(), "Fields of `data` that were too long and are cut."),
        },
        "truncated",
    )


def _page(name: str) -> Schema:
    return record({"items": listing(ref(name)), "next_cursor": or_null(text())})


def _time() -> Schema:
    return text(format="date-time")


def _time_or_null() -> Schema:
    return or_null(_time())
