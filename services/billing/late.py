"""Tasks that should have gone on by now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from shared.ledger.proof.violation import Violation
from shared.mongo import Database, Document
from shared.tasks.lifecycle import FINAL, State

LATE: Final = timedelta(minutes=1)
"""How far past its time a task may be before that counts as a broken promise."""
_MOST: Final = 100


async def late_tasks(database: Database, now: datetime) -> list[Violation]:
    """Past their deadlines (I2), not looked at (I7), and final without the delivery they should have (I8)."""
    checks: list[tuple[str, str, Document]] = [
        (
            "I2",
            "not final by its deadline",
            {
                "state": {"$in": sorted(set(State) - FINAL)},
                "wake_at": {"$exists": True},
                "deadline_at": {"$lt": now - 2 * LATE},
            },
        ),
        (
            "I7",
            "nobody has looked at it when it was due",
            {"state": {"$in": sorted(State)}, "wake_at": {"$lt": now - LATE}},
        ),
        ("I8", "has no delivery", {"state": {"$in": sorted(FINAL)}, "wake_at": {"$lt": now - LATE}}),
    ]
    return [
        Violation(invariant, task["_id"], detail)
        for invariant, detail, query in checks
        async for task in database["tasks"].find(query, {"_id": 1}).limit(_MOST)
    ]
