"""The tasks of a time and their refunds, read by ranges of ids: nothing else is looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Final

from shared.ids import Prefix, first_id
from shared.ledger.refunds import refunds_between
from shared.margin.fold import By, Margin
from shared.mongo import Database, Document

PAGE: Final = 1000
TASK_PREFIXES: Final = (
    Prefix.EGGAPI_TASK,
    Prefix.AIGENWAY_TASK,
    Prefix.IMAGE,
    Prefix.CHAT,
    Prefix.EMBEDDING,
)
FIELDS: Final = {
    "model": 1,
    "mode": 1,
    "state": 1,
    "cost_nano": 1,
    "quote.unit": 1,
    "request.duration_seconds": 1,
    "outputs.size": 1,
    "outputs.duration_ms": 1,
    **{
        f"attempts.{name}": 1
        for name in (
            "route",
            "provider",
            "key_id",
            "ended_at",
            "error_class",
            "provider_job.ids",
            "orphan_suspect",
            "unaccounted",
            "cost_nano",
            "cost_source",
            "late_cost_nano",
            "late_cost_source",
        )
    },
}


async def margin_of(
    database: Database,
    since: datetime,
    until: datetime,
    by: By,
    told: Callable[[int], None] = lambda _: None,
) -> Margin:
    """Of the tasks made in `[since, until)`; `told` is called with the number read after each page."""
    margin, read = Margin(by), 0
    async for page in pages(database, since, until):
        refunded = await _refunded(database, page)
        for task in page:
            margin.add(task, refunded.get(task["_id"], 0))
        read += len(page)
        told(read)
    return margin


async def pages(
    database: Database, since: datetime, until: datetime, size: int = PAGE
) -> AsyncIterator[Sequence[Document]]:
    """The tasks of each dialect, in the order of their ids."""
    for prefix in TASK_PREFIXES:
        after, end = first_id(prefix, since), first_id(prefix, until)
        while True:
            found = database["tasks"].find({"_id": {"$gt": after, "$lt": end}}, FIELDS)
            page = await found.sort("_id", 1).limit(size).to_list()
            if page:
                after = page[-1]["_id"]
                yield page
            if len(page) < size:
                break


async def _refunded(database: Database, page: Sequence[Document]) -> dict[str, int]:
    """What was given back, by task: the ids of a page lie side by side, and so do their refunds."""
    totals: defaultdict[str, int] = defaultdict(int)
    low, high = f"refund:{page[0]['_id']}:", f"refund:{page[-1]['_id']};"
    for refund in await refunds_between(database, low, high):
        totals[refund.entry.task_id or ""] += refund.entry.amount
    return totals
