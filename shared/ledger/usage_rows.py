"""What blocks add to usage, and adding it up by model, key or day. Pure; amounts in nano-USD."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from shared.ledger.entry import EntryKind
from shared.mongo import Document


@dataclass(frozen=True, slots=True)
class Usage:
    """Units delivered, nano-USD charged, tasks charged for, nano-USD given back by refunds."""

    units: int = 0
    cost_nano: int = 0
    tasks: int = 0
    refunded_nano: int = 0

    @property
    def net_nano(self) -> int:
        """What it has come to; negative where more was given back than charged, as on a later day."""
        return self.cost_nano - self.refunded_nano

    def plus(self, other: Usage) -> Usage:
        return Usage(
            self.units + other.units,
            self.cost_nano + other.cost_nano,
            self.tasks + other.tasks,
            self.refunded_nano + other.refunded_nano,
        )


Source = tuple[str, str]
"""A model, and the id of a key; "" where the ledger names none."""
BySource = dict[Source, Usage]


class Group(StrEnum):
    """What usage is added up by."""

    MODEL = "model"
    KEY = "key"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Whole days (UTC) from `since` on and before `until`; None is no limit."""

    by: Group = Group.MODEL
    since: date | None = None
    until: date | None = None
    model: str | None = None
    key_id: str | None = None

    def covers(self, day: str) -> bool:
        return (self.since is None or day >= str(self.since)) and (
            self.until is None or day < str(self.until)
        )

    def add(self, totals: dict[str, Usage], day: str, usage: Mapping[Source, Usage]) -> None:
        """Count what is asked for of a day's usage into its groups."""
        for (model, key_id), one in usage.items():
            if self.model in (None, model) and self.key_id in (None, key_id):
                group = {Group.MODEL: model, Group.KEY: key_id, Group.DAY: day}[self.by]
                totals[group] = totals.get(group, Usage()).plus(one)


def day_of(block: Mapping[str, Any]) -> str:
    """The day (UTC) in whose usage a block counts, such as 2026-11-20."""
    return str(block["at"].strftime("%Y-%m-%d"))


def usage_of(block: Document) -> BySource:
    """What one block adds: ends that charged or delivered something, and refunds."""
    totals: BySource = {}
    for entry in block["entries"]:
        kind, amount, units = entry["kind"], entry["amount"], entry.get("units", 0)
        if kind == EntryKind.END and (units or amount):
            one = Usage(units, amount, 1)
        elif kind == EntryKind.REFUND:
            one = Usage(refunded_nano=amount)
        else:
            continue
        add(totals, {(entry["model"], entry.get("key_id", "")): one})
    return totals


def add(totals: BySource, more: Mapping[Source, Usage]) -> None:
    """Count more into the totals."""
    for source, one in more.items():
        totals[source] = totals.get(source, Usage()).plus(one)


def rows_of(totals: Mapping[Source, Usage]) -> list[Document]:
    """The totals as a day's document keeps them."""
    return [
        {
            "model": model,
            "key_id": key_id,
            "units": one.units,
            "cost_nano": one.cost_nano,
            "tasks": one.tasks,
            "refunded_nano": one.refunded_nano,
        }
        for (model, key_id), one in sorted(totals.items())
    ]


def totals_of(rows: Iterable[Mapping[str, Any]]) -> BySource:
    """The other way round."""
    return {
        (row["model"], row["key_id"]): Usage(
            row["units"], row["cost_nano"], row["tasks"], row["refunded_nano"]
        )
        for row in rows
    }
