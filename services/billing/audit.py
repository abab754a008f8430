"""The auditor: replays what is new in every chain, heals what a crash left behind, counts broken promises."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from pymongo.errors import DuplicateKeyError

from shared.clock import Clock
from shared.ids import Prefix, new_id
from shared.killpoints import KillPoints
from shared.ledger.block import Balance, balance_of
from shared.ledger.chain import Ledger
from shared.ledger.entry import Entry, EntryKind
from shared.ledger.usage import UsageFold
from shared.ledger.verify import CHUNK, Violation, check_block, check_end
from shared.mongo import Database, Document, is_unavailable
from shared.tasks.interrupted import interrupted_task
from shared.tasks.lifecycle import FINAL, State
from shared.tasks.service import TaskTools
from shared.telemetry import AUDIT_FINISHED, AUDIT_VIOLATIONS

log = structlog.get_logger()

LATE = timedelta(minutes=1)
"""How far past its time a task may be before that counts as a broken promise."""
INVARIANTS = ("I1", "I2", "I3", "I4", "I7", "I8")


class Auditor:
    """Runs in every billing process; a lease lets one of them work at a time."""

    def __init__(
        self,
        database: Database,
        tools: TaskTools,
        ledger: Ledger,
        fold: UsageFold,
        clock: Clock,
        killpoints: KillPoints,
        every: timedelta,
        interrupted_after: timedelta,
    ) -> None:
        self._database = database
        self._tools = tools
        self._ledger = ledger
        self._fold = fold
        self._clock = clock
        self._killpoints = killpoints
        self._every = every
        self._interrupted_after = interrupted_after
        self._name = new_id(Prefix.OWNER)

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            await asyncio.sleep(self._every.total_seconds())
            try:
                if await self._lease():
                    await self.audit()
            except Exception as error:
                if not is_unavailable(error):
                    raise
                log.warning("audit postponed", reason=type(error).__name__)

    async def _lease(self) -> bool:
        """Whether this process audits now."""
        now = self._clock.now()
        try:
            result = await self._database["leases"].update_one(
                {"_id": "auditor", "$or": [{"owner": self._name}, {"until": {"$lte": now}}]},
                {"$set": {"owner": self._name, "until": now + 3 * self._every}},
                upsert=True,
            )
        except DuplicateKeyError:
            return False
        return result.matched_count == 1 or result.upserted_id is not None

    async def audit(self) -> list[Violation]:
        """One round over all accounts; gives what it found and exports it as metrics."""
        violations: list[Violation] = []
        points = {point["_id"]: point async for point in self._database["audits"].find()}
        for account, tail in (await self._tails()).items():
            point = points.get(account)
            if point is None or point["seq"] < tail:
                violations += await self._audit_readable(account, balance_of(point) if point else Balance())
            self._killpoints.reach("auditor.in_batch")
        await self._tools.store.free_expired_keys()
        violations += await self._audit_tasks()
        counts = Counter(violation.invariant for violation in violations)
        for invariant in INVARIANTS:
            AUDIT_VIOLATIONS.labels(invariant).set(counts[invariant])
        AUDIT_FINISHED.set(time.time())
        for violation in violations:
            log.error(
                "invariant broken",
                invariant=violation.invariant,
                subject=violation.subject,
                detail=violation.detail,
            )
        return violations

    async def _audit_readable(self, account: str, point: Balance) -> list[Violation]:
        """A chain that this version cannot read is a finding and no reason to stop settling."""
        try:
            return await self._audit_account(account, point)
        except (ValueError, KeyError, TypeError) as error:
            return [Violation("I4", account, f"cannot be read after seq {point.seq}: {error!r}")]

    async def _tails(self) -> dict[str, int]:
        cursor = await self._database["ledger"].aggregate(
            [
                {"$sort": {"account": -1, "seq": -1}},
                {"$group": {"_id": "$account", "seq": {"$first": "$seq"}}},
            ]
        )
        return {tail["_id"]: tail["seq"] async for tail in cursor}

    async def _audit_account(self, account: str, point: Balance) -> list[Violation]:
        """Replay the blocks that have settled since the last audit, and remember how far that went."""
        await self._fold.catch_up(account)
        settled_before = self._clock.now() - self._interrupted_after
        violations: list[Violation] = []
        tail, entries, held_at = point, list[Entry](), dict[str, datetime]()
        async for block in self._ledger.blocks(account, point.seq):
            if block["at"] > settled_before:
                break
            tail, found = check_block(tail, block)
            violations += found
            new = [Entry.from_document(one) for one in block["entries"]]
            entries += new
            held_at |= {one.op: block["at"] for one in new if one.kind is EntryKind.HOLD}
        tasks = await self._tasks_of(entries)
        await self._reject_interrupted(
            account,
            [
                (one, held_at[one.op])
                for one in entries
                if one.kind is EntryKind.HOLD and one.task_id not in tasks
            ],
        )
        for entry in entries:
            if entry.kind is EntryKind.END:
                violations += check_end(entry, tasks.get(entry.task_id or ""))
        if tail.seq > point.seq:
            fields = {"seq": tail.seq, "available": tail.available, "held": tail.held, "spent": tail.spent}
            await self._database["audits"].update_one({"_id": account}, {"$set": fields}, upsert=True)
        return violations

    async def _tasks_of(self, entries: Sequence[Entry]) -> dict[str, Document]:
        ids = list({entry.task_id for entry in entries if entry.task_id is not None})
        fields = {"state": 1, "cost_nano": 1}
        found: dict[str, Document] = {}
        for start in range(0, len(ids), CHUNK):
            query = {"_id": {"$in": ids[start : start + CHUNK]}}
            found |= {task["_id"]: task async for task in self._database["tasks"].find(query, fields)}
        return found

    async def _reject_interrupted(self, account: str, holds: Sequence[tuple[Entry, datetime]]) -> None:
        """Give each hold whose submit was cut off a rejected task: it keeps a late submit out."""
        if holds:
            now = self._clock.now()
            tasks = [interrupted_task(account, hold, held_at, now) for hold, held_at in holds]
            await self._tools.store.insert(tasks)
            log.warning("interrupted submits rejected", account_id=account, count=len(holds))

    async def _audit_tasks(self) -> list[Violation]:
        now = self._clock.now()
        tasks = self._database["tasks"]
        waking = {"state": {"$in": sorted(State)}, "wake_at": {"$lt": now - LATE}}
        checks: dict[str, tuple[Document, str]] = {
            "I2": (
                {
                    "state": {"$in": sorted(set(State) - FINAL)},
                    "wake_at": {"$exists": True},
                    "deadline_at": {"$lt": now - 2 * LATE},
                },
                "not final by its deadline",
            ),
            "I7": (waking, "nobody has looked at it when it was due"),
        }
        found = [
            Violation(invariant, task["_id"], detail)
            for invariant, (query, detail) in checks.items()
            async for task in tasks.find(query, {"_id": 1}).limit(100)
        ]
        return found + await self._undelivered(now)

    async def _undelivered(self, now: datetime) -> list[Violation]:
        """Final tasks with a callback that have had no delivery made for them."""
        pending = self._database["tasks"].find(
            {"state": {"$in": sorted(FINAL)}, "wake_at": {"$lt": now - LATE}}, {"_id": 1}
        )
        return [Violation("I8", task["_id"], "has no delivery") async for task in pending.limit(100)]
