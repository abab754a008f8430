"""What customers were charged against what providers charge us. Pure; integers of nano-USD."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum
from typing import Any, Final

from shared.catalog.settle import units_of
from shared.ids import made_at
from shared.margin.costs import attempt_cost
from shared.tasks.lifecycle import FINAL, State
from shared.tasks.model import OutputFile, TaskRequest

NO_ROUTE: Final = "none"
"""Of charged tasks without an attempt on record."""


class By(StrEnum):
    """What a line of the report is of."""

    MODEL = "model"
    ROUTE = "route"
    PROVIDER = "provider"
    DAY = "day"


@dataclass(slots=True)
class Line:
    """Sums of one model, route, provider or day (UTC, when the task was made)."""

    tasks: int = 0
    """Completed ones."""
    units: int = 0
    captured_nano: int = 0
    refunded_nano: int = 0
    cost_nano: int = 0
    """As far as it is known."""
    stated_nano: int = 0
    """The part of it that is stated in the catalog, not told by the provider."""
    attempts: int = 0
    unknown: int = 0
    """Attempts whose whole cost nobody knows."""

    @property
    def revenue_nano(self) -> int:
        return self.captured_nano - self.refunded_nano

    @property
    def margin_nano(self) -> int:
        return self.revenue_nano - self.cost_nano

    def to_document(self) -> dict[str, Any]:
        """Exact numbers for programs."""
        return {
            "tasks": self.tasks,
            "units": self.units,
            "captured_nano": self.captured_nano,
            "refunded_nano": self.refunded_nano,
            "revenue_nano": self.revenue_nano,
            "cost_nano": self.cost_nano,
            "cost_by_catalog_nano": self.stated_nano,
            "margin_nano": self.margin_nano,
            "attempts": self.attempts,
            "attempts_of_unknown_cost": self.unknown,
        }


class Margin:
    """Adds tasks up. A charge belongs to the route that delivered, the cost of an attempt to its own."""

    def __init__(self, by: By) -> None:
        self.total = Line()
        self._by = by
        self._lines: defaultdict[str, Line] = defaultdict(Line)

    @property
    def lines(self) -> list[tuple[str, Line]]:
        """In the order of their names."""
        return sorted(self._lines.items())

    def add(self, task: Mapping[str, Any], refunded_nano: int) -> None:
        """A stored task; `refunded_nano` is what was given back of its charge."""
        attempts = task["attempts"]
        if task["state"] == State.COMPLETED:
            delivering = attempts[-1] if attempts else {}
            for line in (self.total, self._line(task, delivering)):
                line.tasks += 1
                line.units += _units(task)
                line.captured_nano += task["cost_nano"]
                line.refunded_nano += refunded_nano
        for attempt in attempts:
            if attempt.get("ended_at") is None and task["state"] not in FINAL:
                continue
            cost = attempt_cost(attempt)
            for line in (self.total, self._line(task, attempt)):
                line.attempts += 1
                line.cost_nano += cost.nano
                line.stated_nano += cost.stated_nano
                line.unknown += not cost.known

    def _line(self, task: Mapping[str, Any], attempt: Mapping[str, Any]) -> Line:
        match self._by:
            case By.MODEL:
                name = task["model"]
            case By.DAY:
                name = f"{made_at(task['_id']).astimezone(UTC):%Y-%m-%d}"
            case By.ROUTE | By.PROVIDER:
                name = attempt.get(self._by.value, NO_ROUTE)
        return self._lines[name]


def _units(task: Mapping[str, Any]) -> int:
    """As many as were settled."""
    if task.get("mode") == "sync":
        return 1
    request = TaskRequest.model_construct(duration_seconds=task["request"].get("duration_seconds"))
    outputs = [OutputFile.model_construct(duration_ms=one.get("duration_ms")) for one in task["outputs"]]
    return units_of(task["quote"]["unit"], request, outputs)
