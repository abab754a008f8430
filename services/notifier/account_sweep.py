"""From account events to deliveries: found by their `wake_at`, which ends once the deliveries are stored."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import structlog

from services.notifier.delivery import NewDelivery
from services.notifier.dispatch import Dispatcher
from services.notifier.endpoint_payloads import account_payload
from services.notifier.store import DeliveryStore
from shared.account_events import AccountEvent, AccountEvents, AccountEventType
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.webhooks.listeners import Listener, Listeners

log = structlog.get_logger()

SWEEP_EVERY: Final = timedelta(seconds=1)
MOST_AT_ONCE: Final = 100
TRY_AGAIN: Final = timedelta(minutes=1)
"""An event that cannot be told must not hold up the others."""


class AccountEventSweeper:
    """Makes one delivery per event and endpoint. Replicas may meet the same event: the second makes none."""

    def __init__(
        self,
        events: AccountEvents,
        listeners: Listeners,
        deliveries: DeliveryStore,
        dispatcher: Dispatcher,
        clock: Clock,
        killpoints: KillPoints,
    ) -> None:
        self._events = events
        self._listeners = listeners
        self._deliveries = deliveries
        self._dispatcher = dispatcher
        self._clock = clock
        self._killpoints = killpoints

    async def run(self) -> None:
        """Sweep until cancelled. An unreachable database only means trying again."""
        while True:
            try:
                more = await self.sweep()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("sweep postponed", reason=type(error).__name__)
                more = False
            if not more:
                await asyncio.sleep(SWEEP_EVERY.total_seconds() * random.uniform(0.8, 1.2))

    async def sweep(self) -> bool:
        """Make the deliveries of events that are due; tells whether more is probably due."""
        events = await self._events.due(self._clock.now(), MOST_AT_ONCE)
        if not events:
            return False
        listeners = await self._listeners.of({event.account_id for event in events})
        new, told = [], []
        for event in events:
            try:
                new += list(_deliveries(event, listeners))
            except Exception:
                log.exception("event not told", event_id=event.id, account_id=event.account_id)
                await self._events.postpone(event.id, self._clock.now() + TRY_AGAIN)
            else:
                told.append(event.id)
        claimed = await self._deliveries.insert(new, self._dispatcher.fits([one.host for one in new]))
        self._dispatcher.take(claimed)
        self._killpoints.reach("notifier.after_fan_out")
        await self._events.settle(told)
        return len(events) == MOST_AT_ONCE


def _deliveries(event: AccountEvent, listeners: Mapping[str, Sequence[Listener]]) -> Iterator[NewDelivery]:
    wanted = [one for one in listeners.get(event.account_id, ()) if _is_for(event, one)]
    if not wanted:
        return
    body = account_payload(event)
    for one in wanted:
        yield NewDelivery(
            task_id=None,
            account_id=event.account_id,
            dialect="",
            event=event.type,
            url=one.url,
            body=body,
            endpoint_id=one.endpoint_id,
            event_id=event.id,
        )


def _is_for(event: AccountEvent, listener: Listener) -> bool:
    if event.type is AccountEventType.WEBHOOK_TEST:
        return event.data.get("endpoint_id") == listener.endpoint_id
    return listener.wants(event.type)
