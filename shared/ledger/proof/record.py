"""When the ledger was last verified as a whole, and how that ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shared.ledger.proof.report import Report
from shared.mongo import Database

_WHOLE: Final = "whole"


@dataclass(frozen=True, slots=True)
class Proof:
    """A verification that has ended."""

    at: datetime
    seconds: float
    entries: int
    violations: int


class Proofs:
    """The collection `proofs`."""

    def __init__(self, database: Database) -> None:
        self._proofs = database["proofs"]

    async def save(self, at: datetime, seconds: float, report: Report) -> None:
        """Remember a whole verification."""
        fields = {
            "at": at,
            "seconds": seconds,
            "entries": report.entries,
            "violations": len(report.violations),
        }
        await self._proofs.update_one({"_id": _WHOLE}, {"$set": fields}, upsert=True)

    async def last(self) -> Proof | None:
        """The last whole verification."""
        found = await self._proofs.find_one({"_id": _WHOLE})
        if found is None:
            return None
        return Proof(found["at"], found["seconds"], found["entries"], found["violations"])
