"""Health of routes and keys, shared by all processes through MongoDB and read at most once a second.

Collection `health`: `{_id: "route:…" | "key:…" | "key:… on route:…", until, reason}` for a rest, and on
routes `{open_until, trips, probe_until}` for a breaker that is not closed. Without trouble it is empty.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from shared.catalog.model import BreakerSettings, Catalog
from shared.clock import Clock
from shared.key_register import KeyRegister
from shared.mongo import Database, Document
from shared.providers.base import Failed
from shared.routing.breaker import CLOSED, Breaker, Failure
from shared.routing.health import Health, Rest, route_subject
from shared.routing.rests import BREAKS, WORKS, rest_after
from shared.tasks.model import Attempt
from shared.telemetry import BREAKERS_OPENED

log = structlog.get_logger()

READ_EVERY_SECONDS = 1.0
_ROUTE = "route:"


class RouteHealth:
    """What this process knows, what it has learnt itself, and how it tells the others."""

    def __init__(self, database: Database, clock: Clock, catalog: Catalog) -> None:
        self._health = database["health"]
        self._clock = clock
        self._settings = {name: entry.breaker for name, entry in catalog.providers.items()}
        self._register = KeyRegister(database, clock)
        self._known = Health()
        self._read_at = float("-inf")
        self._failures: dict[str, tuple[Failure, ...]] = {}
        """Since the last success that this process saw, by route."""

    @property
    def known(self) -> Health:
        """What was read last and what this process has learnt since, without asking the database."""
        return self._known

    async def snapshot(self, at_least: datetime | None = None) -> Health:
        """The health of everything, at most a second old, and no older than `at_least`."""
        age = time.monotonic() - self._read_at
        needed = (self._clock.now() - at_least).total_seconds() if at_least is not None else float("inf")
        if age > min(READ_EVERY_SECONDS, needed):
            began = time.monotonic()
            keys, documents = await self._register.read(), await self._health.find({}).to_list()
            self._known = self._parsed(keys, documents)
            self._read_at = began
        return self._known

    def _parsed(self, keys: Mapping[str, tuple[str, ...]], documents: list[Document]) -> Health:
        now = self._clock.now()
        rests, breakers = {}, {}
        for document in documents:
            subject = document["_id"]
            if document.get("until", now) > now:
                rests[subject] = Rest(document["until"], document["reason"])
            if "open_until" in document:
                breakers[subject.removeprefix(_ROUTE)] = Breaker(
                    open_until=document["open_until"],
                    trips=document["trips"],
                    probe_until=document.get("probe_until"),
                )
        return Health(keys, rests, breakers)

    async def claim_probe(self, route: str) -> bool:
        """Be the one that tries a half-open route; False when somebody else does."""
        now = self._clock.now()
        probed = self._known.breakers.get(route, CLOSED).probed(now)
        self._remember(route, probed)
        result = await self._health.update_one(
            {
                "_id": route_subject(route),
                "open_until": {"$lte": now},
                "$or": [{"probe_until": None}, {"probe_until": {"$lte": now}}],
            },
            {"$set": {"probe_until": probed.probe_until}},
        )
        return result.matched_count == 1

    async def failed(self, task_id: str, attempt: Attempt, failure: Failed) -> None:
        """Take note of an attempt of this process that has just ended without output."""
        now, error_class = self._clock.now(), failure.error_class
        rest = rest_after(error_class, attempt.route, attempt.key_id, failure.retry_after, now)
        if rest is not None:
            await self._rest(*rest)
        if error_class in WORKS:
            await self.works(attempt.route)
        elif self._set_out_before_opening(attempt):
            # It says nothing new, least of all about the one that tries the route now.
            return
        elif error_class in BREAKS:
            await self._broken(task_id, attempt, now)
        elif attempt.route in self._known.breakers:
            # Neither broken nor working: the next task may find out.
            await self._give_up_probe(attempt.route)

    async def works(self, route: str) -> None:
        """An attempt on this route reached its end."""
        self._failures.pop(route, None)
        if route not in self._known.breakers:
            return
        breakers = {name: one for name, one in self._known.breakers.items() if name != route}
        self._known = replace(self._known, breakers=breakers)
        await self._health.update_one(
            {"_id": route_subject(route)}, {"$unset": {"open_until": "", "trips": "", "probe_until": ""}}
        )
        log.info("breaker closed", route=route)

    def _set_out_before_opening(self, attempt: Attempt) -> bool:
        open_until = self._known.breakers.get(attempt.route, CLOSED).open_until
        return open_until is not None and attempt.dispatched_at < open_until

    async def _give_up_probe(self, route: str) -> None:
        self._remember(route, replace(self._known.breakers[route], probe_until=None))
        await self._health.update_one(
            {"_id": route_subject(route), "open_until": {"$exists": True}}, {"$set": {"probe_until": None}}
        )

    async def _rest(self, subject: str, rest: Rest) -> None:
        self._known = replace(self._known, rests={**self._known.rests, subject: rest})
        await self._health.update_one(
            {"_id": subject}, {"$max": {"until": rest.until}, "$set": {"reason": rest.reason}}, upsert=True
        )
        log.warning("resting", subject=subject, reason=rest.reason, until=rest.until.isoformat())

    async def _broken(self, task_id: str, attempt: Attempt, now: datetime) -> None:
        stored = self._known.breakers.get(attempt.route, CLOSED)
        failure = Failure(f"{task_id}:{attempt.number}", now)
        before = replace(stored, failures=self._failures.get(attempt.route, ()))
        after = before.after_failures([failure], self._settings.get(attempt.provider, BreakerSettings()))
        self._failures[attempt.route] = after.failures
        if after.open_until == before.open_until or after.open_until is None:
            return
        self._failures.pop(attempt.route)
        # Known here even if the database is away: the next decision of this process rests on it.
        self._remember(attempt.route, replace(after, failures=()))
        opened: dict[str, Any] = {"open_until": after.open_until, "trips": after.trips, "probe_until": None}
        # Whoever else has opened it meanwhile was as right.
        await self._health.update_one({"_id": route_subject(attempt.route)}, {"$set": opened}, upsert=True)
        BREAKERS_OPENED.labels(attempt.provider).inc()
        log.warning(
            "breaker opened", route=attempt.route, until=after.open_until.isoformat(), trips=after.trips
        )

    def _remember(self, route: str, breaker: Breaker) -> None:
        self._known = replace(self._known, breakers={**self._known.breakers, route: breaker})
