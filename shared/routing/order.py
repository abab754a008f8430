"""In which order a task sees the routes of a chain. Pure."""

from __future__ import annotations

import math
from hashlib import blake2b

from shared.catalog.model import ModelEntry, Route


def ordered(model: ModelEntry, task_id: str | None) -> list[tuple[int, Route]]:
    """The chain with its priorities, by priority; inside one at random by weight, the same for the same task.

    Without a task: the heavier ones first.
    """

    def place(entry: tuple[int, Route]) -> tuple[int, float]:
        priority, route = entry
        return priority, -(float(route.weight) if task_id is None else _draw(task_id, route))

    return sorted(zip(model.priorities, model.chain, strict=True), key=place)


def _draw(task_id: str, route: Route) -> float:
    """Weighted rendezvous hashing: a route of weight w draws the highest of all in w / sum(w) of the tasks.

    A route that comes or goes moves no task between the others.
    """
    digest = blake2b(f"{task_id} {route.name}".encode(), digest_size=8).digest()
    evenly = ((int.from_bytes(digest) >> 12) + 0.5) / 2**52
    return -route.weight / math.log(evenly)
