"""How long jobs on a route usually take, learnt from those that this worker has seen finish."""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import median

REMEMBERED = 64


class Durations:
    """The last durations of each route, in seconds."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._usual: dict[str, float] = {}

    def learn(self, route: str, seconds: float) -> None:
        """A job on this route took so long, from its hand-over to the poll that found it finished."""
        seen = self._seen[route]
        seen.append(seconds)
        self._usual[route] = median(seen)

    def usual(self, route: str) -> float | None:
        """The median; None before the first."""
        return self._usual.get(route)
