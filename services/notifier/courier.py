"""One attempt from its claim to its record."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from cryptography.exceptions import InvalidTag

from services.notifier.delivery import Delivery, DeliveryAttempt, DeliveryState, Recording
from services.notifier.schedule import next_delay, retry_after
from services.notifier.sender import LONGEST_SEND, Answer, Sender
from services.notifier.signers import Signers
from shared.accounts.account import UnknownAccount
from shared.batching import Batcher
from shared.clock import Clock
from shared.killpoints import KillPoints
from shared.mongo import is_unavailable
from shared.telemetry import DELIVERIES

log = structlog.get_logger()

GONE: Final = 410
RECORD_AGAIN: Final = timedelta(seconds=0.5)


def full_jitter() -> float:
    """Spreads the retries of deliveries that failed together."""
    return random.uniform(-1, 1)


def conclude(delivery: Delivery, answer: Answer, at: datetime, now: datetime, jitter: float) -> Recording:
    """What an answer makes of a delivery: delivered, another attempt later, or the end of trying."""
    attempt = DeliveryAttempt(
        number=delivery.attempts_made + 1,
        at=at,
        duration_ms=answer.duration_ms,
        status=answer.status,
        headers=answer.headers,
        body=answer.excerpt,
        error=answer.error,
    )
    if answer.error is None:
        return Recording(delivery, attempt, DeliveryState.DELIVERED, None)
    wish = retry_after(answer.headers.get("retry-after", ""), now)
    delay = None if answer.status == GONE else next_delay(attempt.number, jitter, wish)
    if delay is None:
        return Recording(delivery, attempt, DeliveryState.GAVE_UP, None)
    return Recording(delivery, attempt, DeliveryState.PENDING, now + delay)


class Courier:
    """Makes attempts. `jitter` gives numbers from -1 to 1."""

    def __init__(
        self,
        sender: Sender,
        signers: Signers,
        recordings: Batcher[Recording, None],
        clock: Clock,
        killpoints: KillPoints,
        jitter: Callable[[], float],
    ) -> None:
        self._sender = sender
        self._signers = signers
        self._recordings = recordings
        self._clock = clock
        self._killpoints = killpoints
        self._jitter = jitter

    async def deliver(self, delivery: Delivery) -> None:
        """Make one attempt and record it. Raises what the database raises before the POST."""
        at = self._clock.now()
        if delivery.leased_until - at < LONGEST_SEND:
            # Waited too long for its turn: another may claim it before this attempt is over.
            log.info("claim ran out", delivery_id=delivery.id, task_id=delivery.task_id)
            return
        self._killpoints.reach("notifier.after_claim")
        answer = await self._post(delivery, at)
        self._killpoints.reach("notifier.after_post")
        recording = conclude(delivery, answer, at, self._clock.now(), self._jitter())
        await self._record(recording)
        self._killpoints.reach("notifier.after_record")
        _tell(recording)

    async def _post(self, delivery: Delivery, at: datetime) -> Answer:
        try:
            headers = await self._signers.headers(delivery, at)
        except UnknownAccount:
            return Answer(error="no webhook secret")
        except InvalidTag:
            log.error("webhook secret not readable", account_id=delivery.account_id, key_id=delivery.key_id)
            return Answer(error="no webhook secret")
        return await self._sender.post(delivery.url, delivery.body, headers)

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
    outcome = "failed" if recording.state is DeliveryState.PENDING else recording.state.value
    DELIVERIES.labels(outcome).inc()
    log.info(
        "delivery attempted",
        outcome=outcome,
        delivery_id=recording.delivery.id,
        task_id=recording.delivery.task_id,
        number=recording.attempt.number,
        status=recording.attempt.status,
        error=recording.attempt.error,
        duration_ms=recording.attempt.duration_ms,
    )
