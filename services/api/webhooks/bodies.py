"""Webhook endpoints and deliveries as clients see them. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from shared.mongo import Document
from shared.webhooks.endpoint import Endpoint
from shared.webhooks.states import DeliveryState


def endpoint_body(endpoint: Endpoint) -> dict[str, Any]:
    """Without its secret."""
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "enabled": endpoint.enabled,
        "disabled_reason": endpoint.disabled_reason,
        "disabled_at": _time(endpoint.disabled_at),
        "created_at": _time(endpoint.created_at),
    }


def delivery_row(document: Document) -> dict[str, Any]:
    """A delivery in a list."""
    attempts = document["attempts"]
    pending = document["state"] == DeliveryState.PENDING
    return {
        "id": document["_id"],
        "event": document["event"],
        "event_id": document.get("event_id"),
        "task_id": document.get("task_id"),
        "endpoint_id": document.get("endpoint_id"),
        "url": document["url"],
        "state": document["state"],
        "attempts_made": len(attempts),
        "last_status": attempts[-1]["status"] if attempts else None,
        "last_error": attempts[-1]["error"] if attempts else None,
        "next_attempt_at": _time(document.get("wake_at")) if pending else None,
        "created_at": _time(document["created_at"]),
    }


def delivery_body(document: Document) -> dict[str, Any]:
    """A delivery with its payload and attempts."""
    payload = orjson.loads(bytes(document["body"]))
    attempts = [_attempt(attempt) for attempt in document["attempts"]]
    return {**delivery_row(document), "payload": payload, "attempts": attempts}


def _attempt(attempt: Document) -> dict[str, Any]:
    return {
        "number": attempt["number"],
        "at": _time(attempt["at"]),
        "duration_ms": attempt["duration_ms"],
        "status": attempt["status"],
        "headers": attempt["headers"],
        "body": attempt["body"],
        "error": attempt["error"],
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
