"""Counting requests exactly over all api processes: one statement for what a key asks at the same time."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pymongo
import structlog
from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import DuplicateKeyError

from services.api.rates import Pace, Rate, microseconds, opens_at, rate_of, take
from shared.accounts.key import KeyOwner
from shared.batching import Batcher
from shared.clock import Clock
from shared.mongo import Database, is_unavailable

log = structlog.get_logger()

LONGEST_SECONDS = 2.0
"""A statement that takes longer is given up: the limit is not worth a request's time."""
REST_SECONDS = 1.0
"""How long nobody is counted after the database was not reached."""
MOST_REMEMBERED = 10_000


class Ask(NamedTuple):
    """One request of somebody who may ask at this pace."""

    subject: str
    pace: Pace


class RateLimits:
    """The `rate_limits` collection: one number for each key and account.

    Without the database everybody comes in: what costs money needs it too and is refused there.
    """

    def __init__(
        self, database: Database, clock: Clock, per_minute: int, per_minute_of_account: int = 0
    ) -> None:
        """`per_minute`: of a key that has no limit of its own; 0 stands for no limit, also of the account."""
        # Losing the last moment in a fail-over does no harm.
        self._limits = database.get_collection("rate_limits", write_concern=WriteConcern(w=1, j=False))
        self._clock = clock
        self._key_pace = _pace(per_minute)
        self._account_pace = _pace(per_minute_of_account)
        self._paces: dict[int, Pace] = {}
        self._batcher: Batcher[Ask, Rate | None] = Batcher("api.rate_limits", self._count, limit=512)
        self._full_until_us: dict[str, int] = {}
        self._counting_after = 0.0

    async def take(self, owner: KeyOwner) -> Rate | None:
        """One request of this key, then of its account; None where nobody counts."""
        pace = self._pace_of(owner)
        rate = None if pace is None else await self._take(Ask(f"key:{owner.key_id}", pace))
        if self._account_pace is None or (rate is not None and not rate.allowed):
            return rate
        of_account = await self._take(Ask(f"account:{owner.account_id}", self._account_pace))
        if rate is None or of_account is None:
            return rate or of_account
        # What will run out first is what the client should know.
        return min(rate, of_account, key=lambda one: (one.allowed, one.remaining))

    async def take_as(self, subject: str, pace: Pace) -> Rate | None:
        """One request of somebody else than a key or an account; None where nobody counts."""
        return await self._take(Ask(subject, pace))

    async def close(self) -> None:
        """Answer those that wait."""
        await self._batcher.close()

    def _pace_of(self, owner: KeyOwner) -> Pace | None:
        own = owner.requests_per_minute
        if own is None:
            return self._key_pace
        if own not in self._paces:
            if len(self._paces) >= MOST_REMEMBERED:
                self._paces.clear()
            self._paces[own] = Pace.per_minute(max(1, own))
        return self._paces[own]

    async def _take(self, ask: Ask) -> Rate | None:
        full_until_us = self._full_until_us.get(ask.subject)
        if full_until_us is not None:
            # Others can only add to what is used: until then nobody finds room, and none has to ask.
            now_us = microseconds(self._clock.now())
            if now_us < full_until_us:
                tat_us = full_until_us + (ask.pace.burst - 1) * ask.pace.interval_us
                return rate_of(ask.pace, tat_us, now_us, allowed=False)
            self._full_until_us.pop(ask.subject, None)
        return await self._batcher.submit(ask)

    async def _count(self, group: Sequence[Ask]) -> list[Rate | BaseException | None]:
        if time.monotonic() < self._counting_after:
            return [None] * len(group)
        places: defaultdict[Ask, list[int]] = defaultdict(list)
        for place, ask in enumerate(group):
            places[ask].append(place)
        results: list[Rate | BaseException | None] = [None] * len(group)
        counted = await asyncio.gather(*(self._count_one(ask, len(of)) for ask, of in places.items()))
        for rates, of in zip(counted, places.values(), strict=True):
            for place, rate in zip(of, rates, strict=True):
                results[place] = rate
        return results

    async def _count_one(self, ask: Ask, wanted: int) -> Iterable[Rate | None]:
        now_us = microseconds(self._clock.now())
        try:
            with pymongo.timeout(LONGEST_SECONDS):
                before_us = await self._advance(ask, now_us, wanted)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("requests not counted", reason=type(error).__name__)
            self._counting_after = time.monotonic() + REST_SECONDS
            return [None] * wanted
        return self._rates(ask, before_us, now_us, wanted)

    def _rates(self, ask: Ask, before_us: int, now_us: int, wanted: int) -> list[Rate]:
        pace, start = ask.pace, max(before_us, now_us)
        taken = take(pace, before_us, now_us, wanted)
        rates = [
            rate_of(pace, start + (number + 1) * pace.interval_us, now_us, allowed=True)
            for number in range(taken.admitted)
        ]
        if taken.admitted < wanted:
            if len(self._full_until_us) >= MOST_REMEMBERED:
                self._full_until_us.clear()
            self._full_until_us[ask.subject] = opens_at(pace, taken.tat_us)
            refused = rate_of(pace, taken.tat_us, now_us, allowed=False)
            rates += [refused] * (wanted - taken.admitted)
        return rates

    async def _advance(self, ask: Ask, now_us: int, wanted: int) -> int:
        """Take what there is room for; gives what was remembered before."""
        change = taking(ask.pace, now_us, wanted)
        for _ in range(2):
            try:
                document = await self._limits.find_one_and_update(
                    {"_id": ask.subject},
                    change,
                    {"tat": 1},
                    upsert=True,
                    return_document=ReturnDocument.BEFORE,
                )
            except DuplicateKeyError:
                # Another process has made the document in the same moment.
                continue
            return 0 if document is None else int(document["tat"])
        raise RuntimeError(f"no document for {ask.subject}")


def taking(pace: Pace, now_us: int, wanted: int) -> list[Mapping[str, Any]]:
    """`rates.take` as an update: the same sums, made where nobody comes between."""
    room = {
        "$floor": {
            "$divide": [
                {"$subtract": [now_us + pace.burst * pace.interval_us, "$$start"]},
                pace.interval_us,
            ]
        }
    }
    admitted = {"$max": [0, {"$min": [wanted, room]}]}
    later = {"$add": ["$$start", {"$multiply": [admitted, pace.interval_us]}]}
    start = {"$max": [{"$ifNull": ["$tat", 0]}, now_us]}
    return [
        {
            "$set": {
                "tat": {"$toLong": {"$let": {"vars": {"start": start}, "in": later}}},
                # No allowance takes longer than a minute to come back.
                "ends_at": {"$dateAdd": {"startDate": "$$NOW", "unit": "minute", "amount": 2}},
            }
        }
    ]


def _pace(per_minute: int) -> Pace | None:
    return Pace.per_minute(per_minute) if per_minute else None
