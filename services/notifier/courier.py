"""One attempt from its claim to its record."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from services.notifier.delivery import Delivery, DeliveryAttempt, Recording, host_of
from services.notifier.preparation import Hopeless, Preparation, Preparations, Ready, Rest
from services.notifier.schedule import next_delay, retry_after
from services.notifier.sender import LONGEST_SEND, Answer, Sender
from shared.batching import Batcher
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.telemetry import DELIVERIES
from shared.webhooks.states import DeliveryState

log = structlog.get_logger()

GONE: Final = 410
RECORD_AGAIN: Final = timedelta(seconds=0.5)
LONGEST_SCATTER: Final = timedelta(seconds=5)
"""What has waited for a resting endpoint does not come back all at once."""


def full_jitter() -> float:
    """Spreads the retries of deliveries that failed together."""
    return random.uniform(-1, 1)


def conclude(delivery: Delivery, answer: Answer, at: datetime, now: datetime, jitter: float) -> Recording:
    """What an answer makes of a delivery: delivered, another attempt later, or the end of trying."""
    attempt = _attempt(delivery, answer, at)
    if answer.error is None:
        return Recording(delivery, attempt, DeliveryState.DELIVERED, None)
    wish = retry_after(answer.headers.get("retry-after", ""), now)
    made = attempt.number - delivery.attempts_before
    delay = None if answer.status == GONE else next_delay(made, jitter, wish)
    if delay is None:
        return Recording(delivery, attempt, DeliveryState.GAVE_UP, None)
    return Recording(delivery, attempt, DeliveryState.PENDING, now + delay)


def _attempt(delivery: Delivery, answer: Answer, at: datetime) -> DeliveryAttempt:
    return DeliveryAttempt(
        number=delivery.attempts_made + 1,
        at=at,
        duration_ms=answer.duration_ms,
        status=answer.status,
        headers=answer.headers,
        body=answer.excerpt,
        error=answer.error,
    )


class Courier:
    """Makes attempts. `jitter` gives numbers from -1 to 1."""

    def __init__(
        self,
        sender: Sender,
        preparations: Preparations,
        recordings: Batcher[Recording, None],
        clock: Clock,
        killpoints: KillPoints,
        jitter: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._preparations = preparations
        self._recordings = recordings
        self._clock = clock
        self._killpoints = killpoints
        self._jitter = jitter

    async def deliver(self, delivery: Delivery, answered: Callable[[], None]) -> None:
        """Make one attempt and record it; `answered` is called in between.

        Raises what the database raises before the POST.
        """
        at = self._clock.now()
        if delivery.leased_until - at < LONGEST_SEND:
            # Waited too long for its turn: another may claim it before this attempt is over.
            log.info("claim ran out", delivery_id=delivery.id, task_id=delivery.task_id)
            return
        self._killpoints.reach("notifier.after_claim")
        prepared = await self._preparations.prepare(delivery, at)
        recording = await self._carry_out(delivery, prepared, at)
        answered()
        await self._record(recording)
        self._killpoints.reach("notifier.after_record")
        _tell(recording)

    async def _carry_out(self, delivery: Delivery, prepared: Preparation, at: datetime) -> Recording:
        jitter = self._jitter()
        match prepared:
            case Ready(url, headers, probe):
                delivery = replace(delivery, url=url, host=host_of(url))
                answer = await self._sender.post(url, delivery.body, headers)
                self._killpoints.reach("notifier.after_post")
                recording = conclude(delivery, answer, at, self._clock.now(), jitter)
                return replace(recording, posted=True, probe=probe)
            case Rest(until):
                scatter = LONGEST_SCATTER * (1 + jitter) / 2
                return Recording(delivery, None, DeliveryState.PENDING, until + scatter)
            case Hopeless(reason):
                attempt = _attempt(delivery, Answer(error=reason), at)
                return Recording(delivery, attempt, DeliveryState.GAVE_UP, None)
            case _:
                return conclude(delivery, Answer(error="no webhook secret"), at, self._clock.now(), jitter)

    async def _record(self, recording: Recording) -> None:
        """Once posted, an attempt is worth keeping: forgetting it would send it twice."""
        while True:
            try:
                await self._recordings.submit(recording)
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning(
                    "record postponed", delivery_id=recording.delivery.id, reason=type(error).__name__
                )
                await asyncio.sleep(RECORD_AGAIN.total_seconds())
            else:
                return


def _tell(recording: Recording) -> None:
    delivery, attempt = recording.delivery, recording.attempt
    if attempt is None:
        log.info("delivery waits for its endpoint", delivery_id=delivery.id, endpoint_id=delivery.endpoint_id)
        return
    outcome = "failed" if recording.state is DeliveryState.PENDING else recording.state.value
    DELIVERIES.labels(outcome).inc()
    log.info(
        "delivery attempted",
        outcome=outcome,
        delivery_id=delivery.id,
        task_id=delivery.task_id,
        endpoint_id=delivery.endpoint_id,
        number=attempt.number,
        status=attempt.status,
        error=attempt.error,
        duration_ms=attempt.duration_ms,
    )
