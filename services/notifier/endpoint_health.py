"""What attempts say of endpoints: who fails rests, who fails for days or is gone is disabled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import structlog
from pymongo import UpdateMany, UpdateOne

from services.notifier.breaker import FAILING_FOR, FAILURES_TO_REST, rest_expression
from services.notifier.delivery import Delivery, DeliveryAttempt, Recording
from shared.account_events import AccountEvent, AccountEvents, AccountEventType
from shared.clock import Clock
from shared.mongo import Database, Document
from shared.webhooks.states import DeliveryState

log = structlog.get_logger()

GONE = 410


class EndpointHealth:
    """Notes outcomes on the endpoints. Told twice of the same, it errs by one failure."""

    def __init__(self, database: Database, clock: Clock, events: AccountEvents) -> None:
        self._endpoints = database["webhook_endpoints"]
        self._deliveries = database["deliveries"]
        self._clock = clock
        self._events = events

    async def note(self, recordings: Sequence[Recording]) -> None:
        """Take in what has come of these attempts, in their order."""
        made = [
            (one.delivery, one.delivery.endpoint_id, one.attempt, one.probe)
            for one in recordings
            if one.delivery.endpoint_id is not None and one.attempt is not None and one.posted
        ]
        if not made:
            return
        await self._endpoints.bulk_write(list(_notes([parts[1:] for parts in made])))
        recovered = [endpoint for _, endpoint, attempt, probe in made if probe and attempt.error is None]
        if recovered:
            await self._wake(recovered)
        failed = [(delivery, attempt) for delivery, _, attempt, _ in made if attempt.error is not None]
        if failed:
            await self._disable(failed)

    async def _wake(self, endpoint_ids: Sequence[str]) -> None:
        """What has waited for these endpoints is due now."""
        waiting = {
            "endpoint_id": {"$in": list(endpoint_ids)},
            "state": DeliveryState.PENDING,
            "resting": True,
            "owner": None,
        }
        update = {"$set": {"wake_at": self._clock.now()}, "$unset": {"resting": ""}}
        await self._deliveries.bulk_write([UpdateMany(waiting, update)])

    async def _disable(self, failed: Sequence[tuple[Delivery, DeliveryAttempt]]) -> None:
        now = self._clock.now()
        gone = {delivery.endpoint_id for delivery, attempt in failed if attempt.status == GONE}
        everyone = {delivery.endpoint_id for delivery, _ in failed}
        query: dict[str, Any] = {
            "enabled": True,
            "$or": [
                {"_id": {"$in": list(gone)}},
                {"_id": {"$in": list(everyone)}, "failing_since": {"$lte": now - FAILING_FOR}},
            ],
        }
        async for document in self._endpoints.find(query, {"account_id": 1, "url": 1, "failing_since": 1}):
            reason = "answered 410 Gone" if document["_id"] in gone else "failed for 5 days"
            # The notice first: its id keeps a second telling from becoming a second notice.
            await self._events.record([_notice(document, reason, now)])
            await self._endpoints.update_one(
                {"_id": document["_id"], "enabled": True},
                {"$set": {"enabled": False, "disabled_reason": reason, "disabled_at": now}},
            )
            log.warning("endpoint disabled", endpoint_id=document["_id"], reason=reason)


def _notes(made: Sequence[tuple[str, DeliveryAttempt, bool]]) -> Iterator[UpdateOne]:
    """In their order; a success after another says nothing."""
    succeeded: dict[str, bool] = {}
    for endpoint_id, attempt, probe in made:
        success = attempt.error is None
        if not success or not succeeded.get(endpoint_id):
            yield _note(endpoint_id, attempt, probe)
        succeeded[endpoint_id] = success


def _note(endpoint_id: str, attempt: DeliveryAttempt, probe: bool) -> UpdateOne:
    if attempt.error is None:
        return UpdateOne(
            {"_id": endpoint_id, "failures": {"$exists": True}},
            {"$unset": {"failures": "", "failing_since": "", "rests_until": ""}},
        )
    failures = {"$add": [{"$ifNull": ["$failures", 0]}, 1]}
    rests = {"$gte": ["$failures", FAILURES_TO_REST]}
    rests_until = {"$add": [attempt.at, rest_expression("$failures")]}
    # Attempts that were on their way when it came to rest say nothing new.
    late: Document = {} if probe else {"$or": [{"rests_until": None}, {"rests_until": {"$lte": attempt.at}}]}
    return UpdateOne(
        {"_id": endpoint_id, **late},
        [
            {"$set": {"failures": failures, "failing_since": {"$ifNull": ["$failing_since", attempt.at]}}},
            {"$set": {"rests_until": {"$cond": [rests, rests_until, "$$REMOVE"]}}},
        ],
    )


def _notice(document: Document, reason: str, at: datetime) -> AccountEvent:
    since: datetime = document.get("failing_since") or at
    return AccountEvent(
        id=f"evt_disabled_{document['_id']}_{int(since.timestamp() * 1000)}",
        account_id=document["account_id"],
        type=AccountEventType.WEBHOOK_DISABLED,
        data={"endpoint_id": document["_id"], "url": document["url"], "reason": reason},
        at=at,
    )
