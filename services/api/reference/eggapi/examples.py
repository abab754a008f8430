"""EggAPI's examples. Every one is checked against its schema by the tests."""

from __future__ import annotations

from typing import Any

TASK_ID = "gen_01k6x0v7w3h2m9q4x1b8c5d7ef"
_FILE = f"https://files.example.org/images/{TASK_ID}/0.png"
_CREATED: dict[str, Any] = {
    "id": TASK_ID,
    "status": "pending",
    "model": "nanobanana",
    "type": "image_generate",
    "cost": "$0.00",
    "created_at": "2026-11-20T09:15:00Z",
}
_RAN = {"started_at": "2026-11-20T09:15:01Z", "completed_at": "2026-11-20T09:15:19Z"}
_OUTPUT = {"url": _FILE, "urls": [_FILE]}

REQUESTS: dict[str, Any] = {
    "An image": {"model": "nanobanana", "prompt": "A hen reading a newspaper"},
    "An edit": {
        "model": "nanobanana-pro",
        "prompt": "Give the hen a hat",
        "image_urls": ["https://images.example.org/hen.png"],
        "resolution": "2k",
    },
    "A video": {"model": "veo3.1", "prompt": "A hen crossing a road", "duration": 4, "aspect_ratio": "9:16"},
}
PENDING = ("Accepted", _CREATED)
COMPLETED = ("Completed", {**_CREATED, "status": "completed", "output": _OUTPUT, "cost": "$0.0100", **_RAN})
FAILED = ("Failed", {**_CREATED, "status": "failed", "error": "Task timed out", **_RAN})
CANCELLED = ("Cancelled", {**_CREATED, "status": "failed", "error": "Task was cancelled", **_RAN})
_PAGINATION = {"page": 1, "per_page": 20, "total": 1, "total_pages": 1}
TASK_PAGE: dict[str, Any] = {"data": {"items": [COMPLETED[1]], "pagination": _PAGINATION}, "error": None}
USAGE_PAGE: dict[str, Any] = {
    "data": {
        "items": [
            {
                "id": "use_01k6x0v7w3h2m9q4x1b8c5d7ef",
                "task_id": TASK_ID,
                "model": "nanobanana",
                "type": "image_generate",
                "units": 1,
                "unit_cost": "$0.0100",
                "cost": "$0.0100",
                "created_at": "2026-11-20T09:15:19Z",
            }
        ],
        "pagination": _PAGINATION,
    },
    "error": None,
}
SUMMARY: dict[str, Any] = {
    "data": [{"model": "nanobanana", "total_units": 12, "total_cost": "$0.1200", "request_count": 9}],
    "error": None,
}
WEBHOOK: dict[str, Any] = {
    "event": "task.completed",
    "task_id": TASK_ID,
    "status": "completed",
    "model": "nanobanana",
    "output": _OUTPUT,
    "error": None,
    "cost": "0.010000",
    "timestamp": 1795166119,
}
