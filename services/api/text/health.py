"""Route health for calls that somebody waits for: it helps to choose, and its absence fails nothing."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

import pymongo
import structlog

from shared.mongo import is_unavailable
from shared.providers.base import Failed
from shared.route_health import RouteHealth
from shared.routing.health import Health
from shared.tasks.model import Attempt

log = structlog.get_logger()

PATIENCE: Final = timedelta(seconds=1)
"""How long a database that was there is waited for…"""
HURRY: Final = timedelta(milliseconds=50)
"""…and one that was not, by the next who asks. The driver takes half a second to say so."""
T = TypeVar("T")


class RouteNotes(Protocol):
    """Where it stands how routes and keys are, and where attempts leave what they have learnt."""

    async def snapshot(self, at_least: datetime | None = None) -> Health: ...

    async def claim_probe(self, route: str) -> bool: ...

    async def failed(self, task_id: str, attempt: Attempt, failure: Failed) -> None: ...

    async def works(self, route: str) -> None: ...


class BestKnownHealth:
    """`RouteHealth` as far as it can be had: with the database away, what this process knows itself."""

    def __init__(self, health: RouteHealth) -> None:
        self._health = health
        self._patience = PATIENCE

    async def snapshot(self, at_least: datetime | None = None) -> Health:
        known = await self._unless_away(self._health.snapshot(at_least))
        return self._health.known if known is None else known

    async def claim_probe(self, route: str) -> bool:
        """With the database away nobody can say who else probes: one of each process does."""
        claimed = await self._unless_away(self._health.claim_probe(route))
        return True if claimed is None else claimed

    async def failed(self, task_id: str, attempt: Attempt, failure: Failed) -> None:
        await self._unless_away(self._health.failed(task_id, attempt, failure))

    async def works(self, route: str) -> None:
        await self._unless_away(self._health.works(route))

    async def _unless_away(self, work: Awaitable[T]) -> T | None:
        """What the database says; None if it says nothing in time."""
        try:
            with pymongo.timeout(self._patience.total_seconds()):
                answer = await work
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("health not at hand", reason=type(error).__name__)
            self._patience = HURRY
            return None
        self._patience = PATIENCE
        return answer
