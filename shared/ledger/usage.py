"""Usage per model and month: a fold of the chain that can be rebuilt and never counts twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pymongo.errors import DuplicateKeyError

from shared.killpoints import KillPoints
from shared.ledger.chain import Ledger
from shared.ledger.entry import EntryKind
from shared.mongo import Database, Document

_HEAD = "head"


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one model has come to: units delivered, nano-USD charged, tasks charged for."""

    units: int = 0
    cost_nano: int = 0
    tasks: int = 0

    def plus(self, other: ModelUsage) -> ModelUsage:
        return ModelUsage(
            self.units + other.units, self.cost_nano + other.cost_nano, self.tasks + other.tasks
        )


ByModel = dict[str, ModelUsage]


def usage_of(block: Document) -> ByModel:
    """What one block adds: the ends that charged something."""
    totals: defaultdict[str, ModelUsage] = defaultdict(ModelUsage)
    for entry in block["entries"]:
        if entry["kind"] == EntryKind.END and entry.get("units"):
            one = ModelUsage(entry["units"], entry["amount"], 1)
            totals[entry["model"]] = totals[entry["model"]].plus(one)
    return dict(totals)


def merge(first: Mapping[str, ModelUsage], second: Mapping[str, ModelUsage]) -> ByModel:
    """Both together."""
    return {
        model: first.get(model, ModelUsage()).plus(second.get(model, ModelUsage()))
        for model in first.keys() | second.keys()
    }


def _month(block: Document) -> str:
    return str(block["at"].strftime("%Y-%m"))


class UsageFold:
    """The `usage` collection: per account and month the totals, and the `seq` up to which they go."""

    def __init__(self, database: Database, ledger: Ledger, killpoints: KillPoints) -> None:
        self._usage = database["usage"]
        self._ledger = ledger
        self._killpoints = killpoints

    async def summary(self, account: str) -> ByModel:
        """Totals by model, exact at this moment: the fold and the blocks after it."""
        folded = await self._folded(account)
        totals: ByModel = {}
        for totals_of_month in folded.values():
            totals = merge(totals, _by_model(totals_of_month))
        async for block in self._ledger.blocks(account, _reached(folded)):
            if block["seq"] > folded.get(_month(block), {"seq": 0})["seq"]:
                totals = merge(totals, usage_of(block))
        return totals

    async def catch_up(self, account: str) -> None:
        """Fold the blocks since last time; safe from several processes and after a crash in between."""
        folded = await self._folded(account)
        additions: defaultdict[str, ByModel] = defaultdict(dict)
        last_seq = 0
        async for block in self._ledger.blocks(account, _reached(folded)):
            month, last_seq = _month(block), block["seq"]
            if last_seq > folded.get(month, {"seq": 0})["seq"]:
                additions[month] = merge(additions[month], usage_of(block))
        for month, added in additions.items():
            known = folded.get(month)
            totals = merge(_by_model(known) if known else {}, added)
            if not await self._write(account, month, known, totals, last_seq):
                return
            self._killpoints.reach("billing.between_fold_steps")
        if last_seq:
            await self._write(account, _HEAD, folded.get(_HEAD), {}, last_seq)

    async def _write(
        self, account: str, month: str, known: Document | None, totals: ByModel, seq: int
    ) -> bool:
        """Compare-and-set on the month's `seq`; False when another process was faster."""
        models = [
            {"model": model, "units": one.units, "cost_nano": one.cost_nano, "tasks": one.tasks}
            for model, one in sorted(totals.items())
        ]
        if known is None:
            try:
                await self._usage.insert_one(
                    {"account": account, "month": month, "seq": seq, "models": models}
                )
            except DuplicateKeyError:
                return False
            return True
        result = await self._usage.update_one(
            {"account": account, "month": month, "seq": known["seq"]},
            {"$set": {"seq": seq, "models": models}},
        )
        return result.matched_count == 1

    async def _folded(self, account: str) -> dict[str, Document]:
        # The head comes first: months read after it are as far as it says, or further.
        cursor = self._usage.find({"account": account}).sort("month", -1)
        return {document["month"]: document async for document in cursor}


def _reached(folded: Mapping[str, Document]) -> int:
    """How far every month is folded. It is written last: after a crash between two months, each month's own
    `seq` keeps its blocks from counting twice.
    """
    return int(folded[_HEAD]["seq"]) if _HEAD in folded else 0


def _by_model(document: Document) -> ByModel:
    return {
        one["model"]: ModelUsage(one["units"], one["cost_nano"], one["tasks"]) for one in document["models"]
    }
