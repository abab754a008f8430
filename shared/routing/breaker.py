"""The circuit breaker of one route. Pure: whoever stores it applies one of these to what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.catalog.model import BreakerSettings

PROBE_TIME = timedelta(seconds=120)
"""How long a probe may stay without an outcome before another task may try."""


class BreakerState(StrEnum):
    """Closed: all pass. Open: none. Half-open: one, whose outcome decides."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt; `id` tells it from a second report of the same one."""

    id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is remembered of a route since its last success."""

    failures: tuple[Failure, ...] = ()
    """The latest, oldest first."""
    open_until: datetime | None = None
    """When it may be tried again; None: it is closed."""
    trips: int = 0
    """How often it has opened since the last success."""
    probe_until: datetime | None = None
    """Somebody tries it; until then nobody else does."""

    def state(self, now: datetime) -> BreakerState:
        if self.open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.open_until else BreakerState.HALF_OPEN

    def usable_at(self, now: datetime) -> datetime:
        """When a task may take this route; `now` if it may at once."""
        if self.open_until is None:
            return now
        return max(now, self.open_until, self.probe_until or now)

    def needs_probe(self, now: datetime) -> bool:
        """Whether a task that goes this way now is the one that tries it."""
        return self.state(now) is BreakerState.HALF_OPEN and (
            self.probe_until is None or self.probe_until <= now
        )

    def probed(self, now: datetime) -> Breaker:
        """Somebody sets out to try it."""
        return replace(self, probe_until=now + PROBE_TIME)

    def after_failures(self, failures: Sequence[Failure], settings: BreakerSettings) -> Breaker:
        """These attempts failed; those it knows already change nothing."""
        known = {failure.id for failure in self.failures}
        new = [failure for failure in failures if failure.id not in known]
        if not new:
            return self
        kept = tuple(sorted((*self.failures, *new), key=lambda one: one.at)[-settings.failures :])
        if self.open_until is not None:
            # What ended before it may be tried again says nothing new; a failed probe does.
            latest = max(failure.at for failure in new)
            return self._opened(kept, latest, settings) if latest >= self.open_until else self
        # Reports come late and out of order: what counts is the latest failure, not the latest report.
        latest = kept[-1].at
        window_start = latest - timedelta(seconds=settings.window_seconds)
        if len([failure for failure in kept if failure.at >= window_start]) < settings.failures:
            return replace(self, failures=kept)
        return self._opened(kept, latest, settings)

    def _opened(self, kept: tuple[Failure, ...], at: datetime, settings: BreakerSettings) -> Breaker:
        rest = min(settings.rest_seconds * 2.0 ** min(self.trips, 20), settings.most_seconds)
        return Breaker(kept, at + timedelta(seconds=rest), self.trips + 1)


CLOSED = Breaker()
"""What a success leaves, whatever was before."""
