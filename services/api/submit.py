"""Accepting tasks in groups: one ledger block per account, one insert of tasks, then the events."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from services.api.claims import Answer, Claim
from services.api.errors import IdempotencyKeyInUse, ServiceUnavailable
from shared.accounts.key import KeyOwner
from shared.batching import Batcher
from shared.bus.events import Event, EventType
from shared.bus.publisher import Publisher
from shared.clock import Clock
from shared.coupons.coupon import Coupon
from shared.coupons.in_progress import in_progress
from shared.coupons.uses import CouponUse, CouponUses
from shared.errors import HatcheryError
from shared.killpoints import KillPoints
from shared.ledger.chain import Applied, Ledger
from shared.ledger.chains import coupon_chain_of
from shared.ledger.entry import Entry, hold
from shared.mongo import Document, is_unavailable
from shared.tasks.interrupted import interrupted_task
from shared.tasks.lifecycle import State
from shared.tasks.model import Mode, Quote, Task, TaskRequest
from shared.tasks.store import Refused, TaskStore
from shared.telemetry import TASKS_SUBMITTED
from shared.waiting import cancel

log = structlog.get_logger()

ROUTER_WAKE = timedelta(seconds=5)
"""A new task that no router has taken up by then is found by its sweeper."""
KEY_LIFETIME: Final = timedelta(hours=24)
"""How long after its answer an Idempotency-Key stands for it."""
MOST_ANNOUNCEMENTS = 256
"""Groups whose events are on their way to the broker; beyond that the sweeper does it."""


class KeyTaken(IdempotencyKeyInUse):
    """Another request has just claimed this Idempotency-Key"""


@dataclass(frozen=True, slots=True)
class Submission:
    """A checked request of a known client."""

    task_id: str
    owner: KeyOwner
    dialect: str
    kind: str
    model: str
    request: TaskRequest
    quote: Quote
    deadline: timedelta
    callback_url: str | None
    request_id: str
    mode: Mode = "async"
    public_model: str | None = None
    dialect_fields: Mapping[str, Any] = field(default_factory=dict)
    coupon: Coupon | None = None
    """The one that the quote has counted in."""
    claim: Claim | None = None
    answer: Callable[[Task], Answer] | None = None
    """What the client gets for the accepted task; kept with it where there is a claim."""


class Submissions:
    """Turns submissions into tasks that are never lost: held and stored before the client hears of them."""

    def __init__(
        self,
        store: TaskStore,
        ledger: Ledger,
        publisher: Publisher,
        clock: Clock,
        killpoints: KillPoints,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        self._killpoints = killpoints
        self._uses = CouponUses(ledger, killpoints)
        self._batcher: Batcher[Submission, Task] = Batcher("api.submissions", self._commit)
        # Groups of their own: no other task waits for what coupons take.
        self._with_coupon: Batcher[Submission, Task] = Batcher("api.coupon_submissions", self._commit)
        self._announcing: set[asyncio.Task[None]] = set()

    async def submit(self, submission: Submission) -> Task:
        """The accepted task.

        Raises InsufficientBalance, CouponAlreadyUsed, CouponUsedUp, KeyTaken, and ServiceUnavailable when cut
        off.
        """
        batcher = self._batcher if submission.coupon is None else self._with_coupon
        task = await batcher.submit(submission)
        TASKS_SUBMITTED.labels(task.model).inc()
        return task

    async def coupon_on_its_way(self, code: str, account_id: str) -> bool:
        """Whether a request of the account has taken a use of the coupon and not stored its task yet."""
        chain = coupon_chain_of(code, account_id)
        tail = (await self._ledger.balances([chain]))[chain]
        taken = await in_progress(self._ledger, chain, tail.seq, tail.held)
        return bool(taken.keys() - await self._store.stored(taken))

    async def close(self) -> None:
        """Finish the groups on their way."""
        await self._batcher.close()
        await self._with_coupon.close()
        if self._announcing:
            await asyncio.wait(self._announcing, timeout=5)
            await cancel(*self._announcing)

    async def _commit(self, group: Sequence[Submission]) -> list[Task | BaseException]:
        """One result each. Of those with the same key the first goes on, before it costs a hold."""
        leaders = {_identity(one): one for one in reversed(group)}
        accepted = await self._accept([one for one in group if leaders[_identity(one)] is one])
        return [accepted[one.task_id] if leaders[_identity(one)] is one else KeyTaken() for one in group]

    async def _accept(self, group: Sequence[Submission]) -> dict[str, Task | BaseException]:
        # Taken before the holds: a task says when its own was made, at the earliest.
        now = self._clock.now()
        results: dict[str, Task | BaseException] = dict(await self._hold(group))
        without_coupon = await self._take_coupons([one for one in group if one.task_id not in results])
        results |= without_coupon
        documents: list[Document] = []
        for one in group:
            if one.task_id in results:
                continue
            document = self._document(one, now)
            results[one.task_id] = task = Task.model_validate(document)
            if one.claim is not None:
                document["idempotency"] |= _kept(one.claim, one, task, now)
            documents.append(document)
        refused = await self._store.insert(documents) if documents else Refused()
        self._killpoints.reach("api.after_tasks")
        for task_id in refused.taken:
            # The auditor takes the id of a submit that it found cut off; its hold is released then.
            log.warning("submit was cut off", task_id=task_id)
            results[task_id] = ServiceUnavailable()
        results |= {task_id: KeyTaken() for task_id in refused.claimed}
        losers = refused.claimed | without_coupon.keys()
        if losers:
            await self._give_back([one for one in group if one.task_id in losers], without_coupon, now)
        accepted = [one for one in results.values() if isinstance(one, Task)]
        self._announce(EventType.TASK_QUEUED, [task.id for task in accepted if task.state is State.QUEUED])
        return results

    async def _hold(self, group: Sequence[Submission]) -> dict[str, HatcheryError]:
        """Set their money aside; gives the refusals by task id."""
        holds: defaultdict[str, list[Entry]] = defaultdict(list)
        for one in group:
            holds[one.owner.account_id].append(_hold(one))
        self._killpoints.reach("api.before_block")
        outcomes = await self._ledger.append(holds)
        self._killpoints.reach("api.between_block_and_tasks")
        return {
            one.task_id: outcome
            for one in group
            if not isinstance(outcome := outcomes[f"hold:{one.task_id}"], Applied)
        }

    async def _take_coupons(self, group: Sequence[Submission]) -> dict[str, HatcheryError]:
        """Take the uses of their coupons; gives the refusals by task id."""
        wanted = [
            CouponUse(one.coupon, one.owner.account_id, one.task_id)
            for one in group
            if one.coupon is not None
        ]
        if not wanted:
            return {}
        refused = await self._uses.take(wanted)
        self._killpoints.reach("api.coupon_after_uses")
        return refused

    async def _give_back(
        self, losers: Sequence[Submission], without_coupon: Container[str], held_at: datetime
    ) -> None:
        """Release the holds of requests whose key or coupon others were faster with, as the auditor would.

        What their coupons have taken goes back with it.
        """
        now = self._clock.now()
        stand_ins = [
            interrupted_task(one.owner.account_id, _hold(one), held_at, now)
            | ({} if one.task_id in without_coupon else _coupon(one))
            for one in losers
        ]
        try:
            await self._store.insert(stand_ins)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("holds left to the auditor", count=len(losers), reason=type(error).__name__)
            return
        self._announce(EventType.TASK_REJECTED, [one.task_id for one in losers])

    def _document(self, one: Submission, now: datetime) -> Document:
        deadline_at = now + one.deadline
        if one.mode == "sync":
            # In this process's hands until its deadline; whoever is left then ends it.
            state, wake_at = State.RUNNING, deadline_at
        else:
            state, wake_at = State.QUEUED, now + (ROUTER_WAKE if self._publisher.connected else timedelta(0))
        return {
            "_id": one.task_id,
            "account_id": one.owner.account_id,
            "key_id": one.owner.key_id,
            "dialect": one.dialect,
            "kind": one.kind,
            "model": one.model,
            "request": one.request.model_dump(exclude_none=True),
            "quote": one.quote.model_dump(exclude_none=True, exclude_defaults=True),
            "callback_url": one.callback_url,
            "request_id": one.request_id,
            "state": state,
            "version": 0,
            "wake_at": wake_at,
            "history": [{"state": state, "at": now}],
            "created_at": now,
            "deadline_at": deadline_at,
            **({"mode": one.mode, "started_at": now} if one.mode == "sync" else {}),
            **({"public_model": one.public_model} if one.public_model else {}),
            **({"dialect_fields": dict(one.dialect_fields)} if one.dialect_fields else {}),
            **_coupon(one),
            **({"idempotency": {"key": one.claim.key}} if one.claim else {}),
        }

    def _announce(self, event_type: EventType, task_ids: Sequence[str]) -> None:
        """Ring the broker's bell without waiting for it."""
        if not task_ids or len(self._announcing) >= MOST_ANNOUNCEMENTS:
            return
        ringing = asyncio.create_task(self._publish(event_type, task_ids), name="api:announce")
        self._announcing.add(ringing)
        ringing.add_done_callback(self._announcing.discard)

    async def _publish(self, event_type: EventType, task_ids: Sequence[str]) -> None:
        await self._publisher.publish([Event(event_type, tuple(task_ids))])
        self._killpoints.reach("api.after_publish")


def _identity(one: Submission) -> tuple[str, str | None]:
    """What only one submission may have."""
    return (one.task_id, None) if one.claim is None else (one.owner.account_id, one.claim.key)


def _hold(one: Submission) -> Entry:
    return hold(one.task_id, one.quote.hold_nano, one.model, one.owner.key_id)


def _coupon(one: Submission) -> Document:
    return {"coupon": one.coupon.code} if one.coupon is not None else {}


def _kept(claim: Claim, one: Submission, task: Task, now: datetime) -> Document:
    """What is stored of a claim beside its key."""
    kept: Document = {"fingerprint": claim.fingerprint}
    if one.answer is None:
        return kept | {"expires_at": task.deadline_at + KEY_LIFETIME}
    return kept | {"expires_at": now + KEY_LIFETIME, "answer": one.answer(task).to_document()}
