"""Aigenway's examples. Every one is checked against its schema by the tests."""

from __future__ import annotations

from typing import Any

TASK_ID = "tsk_01K6X0V7W3H2M9Q4X1B8C5D7EF"
FILE = f"/v1/files/results/acc_01k6x0v7w3h2m9q4x1b8c5d7ef/{TASK_ID}/image_0-3f9a.png"
_IMAGE = {
    "provider": "google_banana",
    "model": "gemini-3.1-flash-image-preview",
    "method": "text_to_image",
}
_TEXT = {"provider": "google_banana", "model": "gemini-2.5-flash", "method": "text_generation"}
_FILE: dict[str, Any] = {
    "type": "image",
    "url": f"https://hatchery.example.org{FILE}",
    "mime_type": "image/png",
    "available_until": "2026-12-20T09:15:19.484Z",
}
_MEDIA = {**_FILE, "files": [_FILE]}
_RAN = {"started_at": "2026-11-20T09:15:01.120Z", "finished_at": "2026-11-20T09:15:19.484Z"}
_SAID: dict[str, Any] = {
    "text": "To get to the other side.",
    "finish_reason": "STOP",
    "model": "gemini-2.5-flash",
    "usage": {"input_tokens": 18, "output_tokens": 9, "total_tokens": 27},
    "files": [],
}

ESTIMATED: dict[str, Any] = {
    "An image": {**_IMAGE, "params": {"prompt": "A hen reading a newspaper", "resolution": "1K"}}
}
REQUESTS: dict[str, Any] = {
    **ESTIMATED,
    "A text": {**_TEXT, "params": {"prompt": "Why do hens cross roads?"}},
    "A text in JSON": {
        **_TEXT,
        "params": {
            "messages": [{"role": "user", "content": "Name two hens."}],
            "response_schema": {"type": "object", "properties": {"names": {"type": "array"}}},
        },
    },
    "With a coupon and a webhook": {
        **_IMAGE,
        "params": {"prompt": "A hen in a hat"},
        "coupon": "WELCOME10",
        "callback_url": "https://example.org/hooks/hens",
    },
}
ESTIMATE: dict[str, Any] = {
    **_IMAGE,
    "estimated_amount": "12000000",
    "discount_amount": "0",
    "currency": "USD",
    "bundle": {"resolution": "1K"},
    "balance_sufficient": True,
    "items": [{"text": "image, 1K", "units": 1, "amount": "12000000"}],
}
QUEUED: dict[str, Any] = {"task_id": TASK_ID, "status": "queued"}
ANSWERED: dict[str, Any] = {"task_id": TASK_ID, "status": "SUCCEEDED", "result": _SAID}
TASKS: dict[str, Any] = {
    "Waiting": {
        "id": TASK_ID,
        "status": "PENDING",
        "mode": "ASYNC",
        "started_at": None,
        "finished_at": None,
        "result": None,
    },
    "Succeeded": {"id": TASK_ID, "status": "SUCCEEDED", "mode": "ASYNC", **_RAN, "result": _MEDIA},
    "Failed": {
        "id": TASK_ID,
        "status": "FAILED",
        "mode": "ASYNC",
        **_RAN,
        "result": None,
        "error_code": "task_timed_out",
        "error_message": "Task timed out",
    },
}
RESULT: dict[str, Any] = {"task_id": TASK_ID, "status": "SUCCEEDED", "result": _MEDIA}
METHODS: dict[str, Any] = {
    "items": [
        {
            **_IMAGE,
            "modes": ["ASYNC"],
            "params_schema": {
                "type": "object",
                "properties": {"prompt": {"type": "string"}},
                "required": ["prompt"],
            },
            "pricing_type": "PER_IMAGE",
        }
    ]
}
PRICES: dict[str, Any] = {
    "items": [
        {
            **_IMAGE,
            "pricing_type": "PER_IMAGE",
            "bundle": {"resolution": "1K"},
            "amount": "12000000",
            "currency": "USD",
        }
    ],
    "page": 1,
    "pageSize": 50,
    "total": 1,
}
BALANCE: dict[str, Any] = {
    "balance": "1250000000",
    "held": "12000000",
    "available": "1238000000",
    "currency": "USD",
}
BALANCE_ROW: dict[str, Any] = {
    "available_usd": "12.380000000",
    "held_usd": "0.120000000",
    "spent_usd": "7.500000000",
    "owed_usd": "0.000000000",
}
_ENDED = {"event": "generation.completed", "task_id": TASK_ID, **_IMAGE, "currency": "USD"}
WEBHOOKS: dict[str, Any] = {
    "Succeeded": {
        **_ENDED,
        "status": "succeeded",
        "charged_amount": "12000000",
        "result": _MEDIA,
        "error": None,
    },
    "Failed": {
        **_ENDED,
        "status": "failed",
        "charged_amount": "0",
        "result": None,
        "error": {"code": "task_timed_out", "message": "Task timed out"},
    },
}
