"""The real database as a process sees it that may die, or be cut off, at any of its writes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Any, Final

from pymongo.errors import NetworkTimeout

from shared.mongo import Database, Document

WRITES: Final = frozenset(
    {
        "bulk_write",
        "delete_many",
        "delete_one",
        "find_one_and_update",
        "insert_many",
        "insert_one",
        "replace_one",
        "update_many",
        "update_one",
    }
)


class Died(Exception):
    """The process is no more: nothing that it goes on to do reaches the database."""


class Fault(StrEnum):
    """What happens at a write."""

    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"
    LOST = "times out, and the write did not happen"
    UNNOTICED = "times out, though the write happened"
    HALF = "times out, and of several documents only the first ones were inserted"


class Faults:
    """At most one fault is armed; it strikes once."""

    def __init__(self) -> None:
        self.dead = False
        self._armed: tuple[int, Fault] | None = None

    def arm(self, after_writes: int, fault: Fault) -> None:
        """Strike at the write that follows so many others."""
        self._armed = (after_writes, fault)

    def disarm(self) -> None:
        """Let the writes be."""
        self._armed = None

    def alive(self) -> None:
        """Raises Died."""
        if self.dead:
            raise Died

    async def write(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, **options: Any) -> Any:
        """Make a write, unless a fault strikes."""
        self.alive()
        fault = self._strikes()
        if fault is None:
            return await call(*args, **options)
        if fault in (Fault.DIES_AFTER, Fault.UNNOTICED):
            await call(*args, **options)
        elif fault is Fault.HALF and name == "insert_many":
            documents: Sequence[Document] = args[0]
            await call(documents[: max(1, len(documents) // 2)], *args[1:], **options)
        if fault in (Fault.DIES_BEFORE, Fault.DIES_AFTER):
            self.dead = True
            raise Died
        raise NetworkTimeout(fault.value)

    def _strikes(self) -> Fault | None:
        if self._armed is None:
            return None
        left, fault = self._armed
        if left:
            self._armed = (left - 1, fault)
            return None
        self._armed = None
        return fault


class FaultyCollection:
    """A collection of the real database behind the faults of one process."""

    def __init__(self, collection: Any, faults: Faults) -> None:
        self._collection = collection
        self._faults = faults

    def with_options(self, **options: Any) -> FaultyCollection:
        return FaultyCollection(self._collection.with_options(**options), self._faults)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._collection, name)
        if name == "codec_options":
            return method
        if name in WRITES:

            async def write(*args: Any, **options: Any) -> Any:
                return await self._faults.write(name, method, *args, **options)

            return write

        def read(*args: Any, **options: Any) -> Any:
            self._faults.alive()
            return method(*args, **options)

        return read


class FaultyDatabase:
    """Gives collections behind the faults of one process."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self._database = database
        self._faults = faults

    def __getitem__(self, name: str) -> FaultyCollection:
        return FaultyCollection(self._database[name], self._faults)
