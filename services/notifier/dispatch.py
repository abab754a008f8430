"""Bounded concurrent sending: how many deliveries are in hand, and how many of those are on their way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

import structlog

from services.notifier.delivery import Delivery
from shared.mongo import is_unavailable
from shared.waiting import cancel

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limits:
    """A receiver that hangs fills its host's share; the rest is for the others."""

    sends: int
    in_hand: int
    sends_per_host: int
    in_hand_per_host: int

    @classmethod
    def of(cls, sends: int) -> Self:
        """A few are kept ready per send; one host gets a quarter of everything."""
        return cls(sends, 4 * sends, max(1, sends // 4), sends)


class Dispatcher:
    """Sends what it is given, in order, each host within its share."""

    def __init__(self, deliver: Callable[[Delivery], Awaitable[None]], limits: Limits) -> None:
        self._deliver = deliver
        self._limits = limits
        self._waiting: dict[str, Delivery] = {}
        self._sending: dict[asyncio.Task[None], Delivery] = {}
        self._in_hand: Counter[str] = Counter()
        self._sends: Counter[str] = Counter()
        self._closed = False
        self.eased = asyncio.Event()
        """Set when a good part of the room, or of one host's share, has become free."""

    def room(self) -> int:
        """How many more deliveries to take."""
        return 0 if self._closed else self._limits.in_hand - self._in_hand.total()

    def full_hosts(self) -> list[str]:
        """Hosts whose share is used up."""
        return [host for host, count in self._in_hand.items() if count >= self._limits.in_hand_per_host]

    def fits(self, hosts: Sequence[str]) -> list[bool]:
        """Which of the deliveries to these hosts there is room for, the first ones first."""
        room, shares = self.room(), Counter(self._in_hand)
        answers = []
        for host in hosts:
            fit = room > 0 and shares[host] < self._limits.in_hand_per_host
            room, shares[host] = room - fit, shares[host] + fit
            answers.append(fit)
        return answers

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Send these as soon as their turn comes."""
        for delivery in deliveries:
            # A claim that ran out while waiting gives way to the same delivery's newer one.
            if self._waiting.pop(delivery.id, None) is None:
                self._in_hand[delivery.host] += 1
            self._waiting[delivery.id] = delivery
        self._start()

    async def finish(self, within: timedelta) -> list[Delivery]:
        """Start nothing new and await what is on its way; gives the deliveries that were not finished."""
        self._closed = True
        sending = list(self._sending.items())
        if sending:
            await asyncio.wait([task for task, _ in sending], timeout=within.total_seconds())
        cut_short = [(task, delivery) for task, delivery in sending if not task.done()]
        await cancel(*(task for task, _ in cut_short))
        return [*self._waiting.values(), *(delivery for _, delivery in cut_short)]

    def _start(self) -> None:
        while self._waiting and not self._closed and len(self._sending) < self._limits.sends:
            delivery = next((one for one in self._waiting.values() if self._may_start(one)), None)
            if delivery is None:
                return
            del self._waiting[delivery.id]
            task = asyncio.create_task(self._send(delivery), name=f"delivery:{delivery.id}")
            self._sending[task] = delivery
            self._sends[delivery.host] += 1
            task.add_done_callback(self._sent)

    def _may_start(self, delivery: Delivery) -> bool:
        return self._sends[delivery.host] < self._limits.sends_per_host

    async def _send(self, delivery: Delivery) -> None:
        try:
            await self._deliver(delivery)
        except Exception as error:
            # The claim runs out by itself, and the delivery comes up again.
            if is_unavailable(error):
                log.warning("delivery postponed", delivery_id=delivery.id, reason=type(error).__name__)
            else:
                log.exception("delivery broken off", delivery_id=delivery.id, task_id=delivery.task_id)

    def _sent(self, task: asyncio.Task[None]) -> None:
        host = self._sending.pop(task).host
        for counter in (self._sends, self._in_hand):
            counter[host] -= 1
            if not counter[host]:
                del counter[host]
        self._start()
        share_left = self._in_hand[host] <= self._limits.in_hand_per_host // 2
        if share_left or self._in_hand.total() <= self._limits.in_hand // 2:
            self.eased.set()
