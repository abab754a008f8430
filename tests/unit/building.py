"""Tasks, attempts and time for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.ids import Prefix, new_id
from shared.mongo import Document
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Attempt, Task

NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
UNIT_NANO = 16_000_000


class StillClock:
    """Time that passes only when told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


def attempt(
    route: str = "fal:banana",
    error_class: ErrorClass | None = None,
    *,
    number: int = 1,
    retry_after: timedelta | None = None,
    **fields: Any,
) -> Attempt:
    """One try on a route; with an error class it has ended at noon."""
    ended = NOON if error_class is not None else None
    facts = {
        "number": number,
        "route": route,
        "provider": route.partition(":")[0],
        "upstream_model": route.partition(":")[2],
        "dispatched_at": NOON - timedelta(seconds=10),
        "soft_deadline_at": NOON + timedelta(minutes=4),
        "ended_at": ended,
        "error_class": error_class,
        "retry_at": NOON + retry_after if retry_after is not None else None,
    }
    return Attempt(**{**facts, **fields})


def output(task_id: str, number: int) -> dict[str, Any]:
    """One stored file."""
    key = f"images/{task_id}/{number}.png"
    return {"key": key, "content_type": "image/png", "size": 70, "width": 1, "height": 1}


def task_document(
    state: State = State.QUEUED,
    *,
    outputs: int = 0,
    units: int = 1,
    attempts: tuple[Attempt, ...] = (),
    **fields: Any,
) -> Document:
    """A task as it stands in the database, created at noon, with fifteen minutes to live."""
    task_id = fields.pop("_id", None) or new_id(Prefix.EGGAPI_TASK)
    return {
        "_id": task_id,
        "account_id": "acc_1",
        "key_id": "key_1",
        "dialect": "eggapi",
        "kind": "image_generate",
        "model": "nanobanana-pro",
        "request": {"prompt": "a hen in a hat", "num_outputs": units},
        "quote": {
            "unit": "image",
            "unit_nano": UNIT_NANO,
            "units": units,
            "hold_nano": UNIT_NANO * units,
        },
        "state": state,
        "version": 0,
        "wake_at": NOON + timedelta(seconds=5),
        "attempts": [one.model_dump(exclude_none=True) for one in attempts],
        "outputs": [output(task_id, number) for number in range(outputs)],
        "history": [{"state": state, "at": NOON}],
        "created_at": NOON,
        "deadline_at": NOON + timedelta(minutes=15),
        **fields,
    }


def a_task(state: State = State.QUEUED, **fields: Any) -> Task:
    """The same, read."""
    return Task.model_validate(task_document(state, **fields))
