"""Routes that need a rest: shared by all routers through MongoDB, read at most once a second."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from shared.clock import Clock
from shared.mongo import Database
from shared.providers.errors import ErrorClass
from shared.tasks.model import Attempt

log = structlog.get_logger()

REST: Mapping[ErrorClass, timedelta] = {
    ErrorClass.RATE_LIMIT: timedelta(seconds=5),
    ErrorClass.QUOTA: timedelta(minutes=5),
    ErrorClass.CREDENTIAL: timedelta(minutes=5),
    ErrorClass.MODEL_GONE: timedelta(minutes=10),
}
"""How long a route rests when the provider names no time of its own."""
READ_EVERY_SECONDS = 1.0


def rest_until(attempt: Attempt, now: datetime) -> datetime | None:
    """Until when this failure keeps its route from everybody; None when it does not, or no longer.

    Counted from the failure, however often the task comes up.
    """
    if attempt.error_class is None or attempt.error_class not in REST:
        return None
    until = attempt.retry_at or (attempt.ended_at or now) + REST[attempt.error_class]
    return until if until > now else None


class RouteHealth:
    """The `routes` collection."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._routes = database["routes"]
        self._clock = clock
        self._cooled: dict[str, datetime] = {}
        self._read_at = float("-inf")

    async def cooled_until(self) -> Mapping[str, datetime]:
        """The resting routes, by name."""
        if time.monotonic() - self._read_at > READ_EVERY_SECONDS:
            cursor = self._routes.find({"cooled_until": {"$gt": self._clock.now()}})
            self._cooled = {document["_id"]: document["cooled_until"] async for document in cursor}
            self._read_at = time.monotonic()
        return self._cooled

    async def learn(self, attempts: list[Attempt]) -> None:
        """Take note of failures that speak of the route and not of the one request."""
        now = self._clock.now()
        for attempt in attempts:
            until = rest_until(attempt, now)
            if until is None or attempt.error_class is None:
                continue
            await self._routes.update_one(
                {"_id": attempt.route},
                {"$max": {"cooled_until": until}, "$set": {"reason": attempt.error_class.value}},
                upsert=True,
            )
            self._cooled[attempt.route] = max(until, self._cooled.get(attempt.route, until))
            log.warning(
                "route cooled", route=attempt.route, error_class=attempt.error_class, until=until.isoformat()
            )
