"""Final tasks as billing leaves them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ids import Prefix, new_id
from shared.mongo import Document
from shared.tasks.lifecycle import State

COMPLETED_AT = datetime(2026, 2, 3, 9, 15, 19, 750_000, tzinfo=UTC)


def final_task(state: State = State.COMPLETED, images: int = 1, **fields: Any) -> Document:
    """A task document; `images` is how many were delivered."""
    task_id = fields.get("_id", new_id(Prefix.EGGAPI_TASK))
    return {
        "_id": task_id,
        "account_id": "acc_1",
        "key_id": "key_1",
        "dialect": "eggapi",
        "kind": "image_generate",
        "model": "nanobanana-pro",
        "request": {"prompt": "a boat"},
        "quote": {"unit": "image", "unit_nano": 16_000_000, "units": 1, "hold_nano": 16_000_000},
        "state": state,
        "version": 5,
        "outputs": [
            {
                "key": f"images/{task_id}/{index}.png",
                "content_type": "image/png",
                "size": 9,
                "width": 1,
                "height": 1,
            }
            for index in range(images)
        ],
        "cost_nano": 16_000_000 * images,
        "history": [{"state": state, "at": COMPLETED_AT}],
        "created_at": COMPLETED_AT - timedelta(seconds=19),
        "completed_at": COMPLETED_AT,
        "deadline_at": COMPLETED_AT + timedelta(minutes=10),
        **fields,
    }
