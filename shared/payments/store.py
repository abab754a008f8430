"""The `topups` collection."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from shared.errors import HatcheryError
from shared.mongo import Database, Document
from shared.payments.topup import TopUp


class PaymentTaken(HatcheryError):
    """The payment belongs to another top-up"""

    code, status = "payment_taken", 409


class RequestTaken(HatcheryError):
    """The account has a top-up with this Idempotency-Key"""

    code, status = "idempotency_key_in_use", 409


class TopUps:
    """Every change is guarded by the version that it was made from."""

    def __init__(self, database: Database) -> None:
        self._topups = database["topups"]

    async def insert(self, topup: TopUp, wake_at: datetime | None = None) -> None:
        """With a time, billing finishes it then unless it was saved or `settled` before.

        Raises PaymentTaken and RequestTaken.
        """
        document = topup.to_document() | ({"wake_at": wake_at} if wake_at else {})
        try:
            await self._topups.insert_one(document)
        except DuplicateKeyError as error:
            details = error.details or {}
            raise (RequestTaken if "idempotency.key" in details["keyPattern"] else PaymentTaken) from error

    async def save(self, changed: TopUp) -> TopUp | None:
        """Store a changed top-up; None when another process has changed it meanwhile.

        Raises PaymentTaken.
        """
        stored = replace(changed, version=changed.version + 1)
        query = {"_id": changed.id, "version": changed.version}
        try:
            result = await self._topups.replace_one(query, stored.to_document())
        except DuplicateKeyError as error:
            raise PaymentTaken from error
        return stored if result.matched_count else None

    async def settled(self, topup_id: str) -> None:
        """Its entries are in the ledger."""
        await self._topups.update_one({"_id": topup_id}, {"$unset": {"wake_at": ""}})

    async def claim_unfinished(self, now: datetime, again_at: datetime) -> TopUp | None:
        """One whose beginning or crediting was cut off; others find it again at the later time."""
        found = await self._topups.find_one_and_update(
            {"wake_at": {"$lte": now}}, {"$set": {"wake_at": again_at}}
        )
        return _read(found)

    async def get(self, topup_id: str) -> TopUp | None:
        return _read(await self._topups.find_one({"_id": topup_id}))

    async def of_request(self, account_id: str, key: str) -> TopUp | None:
        """The one with a client's Idempotency-Key, if no fail-over can take it back."""
        durable = self._topups.with_options(read_concern=ReadConcern("majority"))
        return _read(await durable.find_one({"account_id": account_id, "idempotency.key": key}))

    async def of_payment(self, payment: str) -> TopUp | None:
        """The one that a payment was made for."""
        return _read(await self._topups.find_one({"payments": payment}))

    async def page(self, account_id: str | None, before: str | None, limit: int) -> list[TopUp]:
        """Newest first, of one account or of all; `before` is the id after which to go on."""
        query: Document = {} if account_id is None else {"account_id": account_id}
        if before is not None:
            query["_id"] = {"$lt": before}
        found = self._topups.find(query).sort("_id", -1).limit(limit)
        return [TopUp.from_document(document) async for document in found]

    async def with_problems(self, limit: int) -> list[TopUp]:
        """Those that an operator has to look at, newest first."""
        found = self._topups.find({"problems": {"$exists": True}}).sort("created_at", -1).limit(limit)
        return [TopUp.from_document(document) async for document in found]


def _read(document: Document | None) -> TopUp | None:
    return None if document is None else TopUp.from_document(document)
