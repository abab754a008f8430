"""Examples. Every one is checked against its schema by the tests."""

from __future__ import annotations

from typing import Any

ENDPOINT_ID = "whe_01k6x0v7w3h2m9q4x1b8c5d7ef"
DELIVERY_ID = "whd_01k6x0v7w3h2m9q4x1b8c5d7ef"
_TASK_ID = "gen_01k6x0v7w3h2m9q4x1b8c5d7ef"
_EVENT_ID = "evt_01k6x0v7w3h2m9q4x1b8c5d7ef"
_URL = "https://shop.example.org/hooks/hatchery"
_AT = "2026-11-20T09:15:19.484Z"

NEW: dict[str, Any] = {
    "Everything": {"url": _URL},
    "Only some events": {"url": _URL, "events": ["task.failed", "balance.low"], "description": "Alarms"},
}
CHANGES: dict[str, Any] = {"Another address": {"url": _URL}, "Switch on again": {"enabled": True}}
ENDPOINT: dict[str, Any] = {
    "id": ENDPOINT_ID,
    "url": _URL,
    "events": ["*"],
    "description": "",
    "enabled": True,
    "disabled_reason": None,
    "disabled_at": None,
    "created_at": _AT,
}
WITH_SECRET: dict[str, Any] = {**ENDPOINT, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
ENDPOINTS: dict[str, Any] = {"items": [ENDPOINT], "next_cursor": None}
ROTATION: dict[str, Any] = {"With a day of overlap": {}, "At once": {"overlap_seconds": 0}}
TEST: dict[str, Any] = {"event_id": _EVENT_ID}
DELIVERY: dict[str, Any] = {
    "id": DELIVERY_ID,
    "event": "task.completed",
    "event_id": _EVENT_ID,
    "task_id": _TASK_ID,
    "endpoint_id": ENDPOINT_ID,
    "url": _URL,
    "state": "pending",
    "attempts_made": 1,
    "last_status": 503,
    "last_error": "answered 503",
    "next_attempt_at": "2026-11-20T09:15:25.012Z",
    "created_at": _AT,
}
DELIVERIES: dict[str, Any] = {"items": [DELIVERY], "next_cursor": None}
EVENTS: dict[str, Any] = {
    "A task has succeeded": {
        "id": _EVENT_ID,
        "type": "task.completed",
        "version": 1,
        "created_at": _AT,
        "data": {
            "task_id": _TASK_ID,
            "status": "completed",
            "model": "nanobanana",
            "cost_usd": "0.016000000",
            "output_urls": [f"https://hatchery.example.org/images/{_TASK_ID}/0.png"],
            "error": None,
        },
    },
    "A test": {
        "id": _EVENT_ID,
        "type": "webhook.test",
        "version": 1,
        "created_at": _AT,
        "data": {"endpoint_id": ENDPOINT_ID, "message": "This is a test of your webhook endpoint."},
    },
}
DETAIL: dict[str, Any] = {
    **DELIVERY,
    "payload": EVENTS["A task has succeeded"],
    "attempts": [
        {
            "number": 1,
            "at": _AT,
            "duration_ms": 42,
            "status": 503,
            "headers": {"content-type": "text/plain"},
            "body": "try later",
            "error": "answered 503",
        }
    ],
}
AGAIN: dict[str, Any] = {
    "After an outage": {"since": _AT},
    "Of one endpoint": {"since": _AT, "endpoint": ENDPOINT_ID},
}
REDELIVERED: dict[str, Any] = {"redelivered": 12, "has_more": False}
