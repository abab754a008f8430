"""Bounded concurrent sending: how many deliveries are in hand, and how many of those are on their way."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.notifier.delivery import Delivery
from services.notifier.pace import PATIENCE_SECONDS, Limits, Pace
from shared.mongo import is_unavailable
from shared.waiting import cancel

log = structlog.get_logger()

Deliver = Callable[[Delivery, Callable[[], None]], Awaitable[None]]
"""Makes an attempt, calls back once its receiver has answered, and records it."""


@dataclass(slots=True, eq=False)
class _Send:
    """`open` until its receiver has answered, `quick` as long as that takes less than a second."""

    delivery: Delivery
    started: float
    open: bool = True
    quick: bool = True


class Dispatcher:
    """Sends what it is given, host by host in turn and each within its share."""

    def __init__(
        self, deliver: Deliver, limits: Limits, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._deliver = deliver
        self._limits = limits
        self._monotonic = monotonic
        self._pace = Pace(limits)
        self._waiting: dict[str, dict[str, Delivery]] = {}
        """By host and id."""
        self._turns: dict[str, None] = {}
        """Hosts in whose share there was room for what waits for them, the next one first."""
        self._sending: dict[asyncio.Task[None], _Send] = {}
        self._oldest: deque[_Send] = deque()
        """Quick ones, and some that have been answered since."""
        self._sends: Counter[str] = Counter()
        self._in_hand: Counter[str] = Counter()
        self._quick = self._open = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self.eased = asyncio.Event()
        """Set when a good part of the room, or of one host's share, has become free."""

    def room(self) -> int:
        """How many more deliveries to take."""
        return 0 if self._closed else self._limits.in_hand - self._in_hand.total()

    def full_hosts(self) -> list[str]:
        """Hosts whose share is used up."""
        return [host for host, count in self._in_hand.items() if count >= self._pace.in_hand(host)]

    def fits(self, hosts: Sequence[str]) -> list[bool]:
        """Which of the deliveries to these hosts there is room for, the first ones first."""
        room, shares = self.room(), Counter(self._in_hand)
        answers = []
        for host in hosts:
            fit = room > 0 and shares[host] < self._pace.in_hand(host)
            room, shares[host] = room - fit, shares[host] + fit
            answers.append(fit)
        return answers

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Send these as soon as their turn comes."""
        for delivery in deliveries:
            queue = self._waiting.setdefault(delivery.host, {})
            # A claim that ran out while waiting gives way to the same delivery's newer one.
            if queue.pop(delivery.id, None) is None:
                self._in_hand[delivery.host] += 1
            queue[delivery.id] = delivery
            self._queue_up(delivery.host)
        self._start()

    async def finish(self, within: timedelta) -> list[Delivery]:
        """Start nothing new and await what is on its way; gives the deliveries that were not finished."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        sending = list(self._sending.items())
        if sending:
            await asyncio.wait([task for task, _ in sending], timeout=within.total_seconds())
        cut_short = [(task, send.delivery) for task, send in sending if not task.done()]
        await cancel(*(task for task, _ in cut_short))
        waiting = [delivery for queue in self._waiting.values() for delivery in queue.values()]
        return [*waiting, *(delivery for _, delivery in cut_short)]

    def _queue_up(self, host: str) -> None:
        if host in self._waiting and self._sends[host] < self._pace.sends(host):
            self._turns.setdefault(host)

    def _start(self) -> None:
        while self._turns and not self._closed and self._has_place():
            host = next(iter(self._turns))
            del self._turns[host]
            # Its share may have become smaller since.
            if self._sends[host] < self._pace.sends(host):
                self._send_next(host)
                self._queue_up(host)
        if self._turns and not self._closed:
            self._look_again()

    def _send_next(self, host: str) -> None:
        queue = self._waiting[host]
        delivery = queue.pop(next(iter(queue)))
        if not queue:
            del self._waiting[host]
        send = _Send(delivery, self._monotonic())
        self._sends[host] += 1
        self._quick += 1
        self._open += 1
        self._oldest.append(send)
        task = asyncio.create_task(self._send(send), name=f"delivery:{delivery.id}")
        self._sending[task] = send
        task.add_done_callback(self._sent)

    def _has_place(self) -> bool:
        """What has waited long no longer counts as quick: the others do not wait for it."""
        patience_ends = self._monotonic() - PATIENCE_SECONDS
        while self._oldest and (not self._oldest[0].open or self._oldest[0].started <= patience_ends):
            send = self._oldest.popleft()
            if send.open:
                send.quick = False
                self._quick -= 1
                self._pace.slow(send.delivery.host)
        return self._quick < self._limits.quick and self._open < self._limits.open

    def _look_again(self) -> None:
        """When the oldest send is no longer quick."""
        if self._timer is None and self._oldest:
            wait = self._oldest[0].started + PATIENCE_SECONDS - self._monotonic()
            self._timer = asyncio.get_running_loop().call_later(max(wait, 0), self._looked)

    def _looked(self) -> None:
        self._timer = None
        self._start()

    async def _send(self, send: _Send) -> None:
        delivery = send.delivery
        try:
            await self._deliver(delivery, lambda: self._answered(send))
        except Exception as error:
            # The claim runs out by itself, and the delivery comes up again.
            if is_unavailable(error):
                log.warning("delivery postponed", delivery_id=delivery.id, reason=type(error).__name__)
            else:
                log.exception("delivery broken off", delivery_id=delivery.id, task_id=delivery.task_id)

    def _answered(self, send: _Send) -> None:
        """The receiver waits for nothing: what is left to do needs no place of its own."""
        host = send.delivery.host
        self._pace.answered(host, self._monotonic() - send.started)
        self._free(send)
        self._queue_up(host)
        self._start()

    def _free(self, send: _Send) -> None:
        if not send.open:
            return
        send.open = False
        self._quick -= send.quick
        self._open -= 1
        _less(self._sends, send.delivery.host)

    def _sent(self, task: asyncio.Task[None]) -> None:
        send = self._sending.pop(task)
        host = send.delivery.host
        self._free(send)
        _less(self._in_hand, host)
        self._queue_up(host)
        self._start()
        share_left = self._in_hand[host] <= self._pace.in_hand(host) // 2
        if share_left or self._in_hand.total() <= self._limits.in_hand // 2:
            self.eased.set()


def _less(counter: Counter[str], host: str) -> None:
    counter[host] -= 1
    if not counter[host]:
        del counter[host]
