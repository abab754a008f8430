"""The task that stands for a submit which was cut off between its hold and its task."""

from __future__ import annotations

from datetime import datetime

from shared.ledger.entry import Entry
from shared.mongo import Document
from shared.providers.errors import ErrorClass
from shared.tasks.lifecycle import State
from shared.tasks.model import Quote, TaskFailure

NO_DIALECT = "none"
"""No API lists it: its client was never told of it."""


def interrupted_task(account: str, held: Entry, held_at: datetime, now: datetime) -> Document:
    """A rejected task whose release gives the hold back the usual way; `held_at` is not after the hold."""
    failure = TaskFailure(
        error_class=ErrorClass.UNKNOWN, message="The request was interrupted before it was accepted"
    )
    quote = Quote(unit="image", unit_nano=0, units=0, hold_nano=held.amount)
    return {
        "_id": held.task_id,
        "account_id": account,
        "key_id": held.facts.get("key_id", ""),
        "dialect": NO_DIALECT,
        "kind": "interrupted",
        "model": held.facts["model"],
        "request": {"prompt": ""},
        "quote": quote.model_dump(),
        "state": State.REJECTED,
        "version": 0,
        "wake_at": now,
        "attempts": [],
        "outputs": [],
        "cost_nano": 0,
        "failure": failure.model_dump(),
        "history": [{"state": State.REJECTED, "at": now}],
        "created_at": held_at,
        "deadline_at": now,
    }
