"""The `codes` collection: redemption codes, shown once and stored as keyed digests."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from pymongo import ReturnDocument

from shared.clock import Clock
from shared.errors import HatcheryError
from shared.ids import Prefix, new_id
from shared.mongo import Database, Document
from shared.payments.code_text import new_code, normal

FINISH_AFTER = timedelta(seconds=30)
"""A redemption that was cut off is finished by billing after this time."""


class UnknownCode(HatcheryError):
    """There is no redemption code with this id."""

    code, status = "code_not_found", 404


class CodeRedeemed(HatcheryError):
    """The code has been redeemed already."""

    code, status = "code_redeemed", 409


@dataclass(frozen=True, slots=True)
class Code:
    """What may be shown of a code. `topup_id` is that of its redemption."""

    id: str
    last_four: str
    amount: int
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    account_id: str | None
    topup_id: str | None
    redeemed_at: datetime | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Code:
        return cls(
            document["_id"],
            document["last_four"],
            document["amount"],
            document["created_at"],
            document["expires_at"],
            document["revoked_at"],
            document["account_id"],
            document.get("topup_id"),
            document.get("redeemed_at"),
        )


def digest_of(text: str, pepper: SecretStr) -> bytes | None:
    """HMAC-SHA256 under the pepper; None for what is no code."""
    letters = normal(text)
    if letters is None:
        return None
    return hmac.digest(pepper.get_secret_value().encode(), f"code:{letters}".encode(), hashlib.sha256)


class Codes:
    """Each is redeemed by one account, once, or revoked."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._codes = database["codes"]
        self._clock = clock

    async def create(
        self, amount: int, count: int, pepper: SecretStr, expires_at: datetime | None = None
    ) -> list[tuple[str, str]]:
        """Ids and the codes themselves, which are not stored and cannot be shown again."""
        made = [(new_id(Prefix.REDEMPTION_CODE), new_code()) for _ in range(count)]
        now = self._clock.now()
        await self._codes.insert_many(
            [
                {
                    "_id": code_id,
                    "digest": digest_of(text, pepper),
                    "last_four": text[-4:],
                    "amount": amount,
                    "created_at": now,
                    "expires_at": expires_at,
                    "revoked_at": None,
                    "account_id": None,
                }
                for code_id, text in made
            ]
        )
        return made

    async def claim(self, digest: bytes, account_id: str, topup_id: str) -> Code | None:
        """Give the code to an account, unless another has it, it is revoked or it has expired.

        Claimed again by the same account, it is the code as it was claimed first.
        """
        now = self._clock.now()
        claimed = {
            "account_id": account_id,
            "topup_id": topup_id,
            "redeemed_at": now,
            "wake_at": now + FINISH_AFTER,
        }
        query: Document = {
            "digest": digest,
            "account_id": None,
            "revoked_at": None,
            "$or": [{"expires_at": None}, {"expires_at": {"$gt": now}}],
        }
        document = await self._codes.find_one_and_update(
            query, {"$set": claimed}, return_document=ReturnDocument.AFTER
        )
        if document is None:
            document = await self._codes.find_one({"digest": digest, "account_id": account_id})
        return None if document is None else Code.from_document(document)

    async def claim_unfinished(self) -> Code | None:
        """One whose redemption was cut off; others find it again after a while."""
        now = self._clock.now()
        document = await self._codes.find_one_and_update(
            {"wake_at": {"$lte": now}}, {"$set": {"wake_at": now + FINISH_AFTER}}
        )
        return None if document is None else Code.from_document(document)

    async def finished(self, code_id: str) -> None:
        """Its money is in the ledger."""
        await self._codes.update_one({"_id": code_id}, {"$unset": {"wake_at": ""}})

    async def revoke(self, code_id: str) -> None:
        """Void a code; a second time changes nothing. Raises UnknownCode and CodeRedeemed."""
        result = await self._codes.update_one(
            {"_id": code_id, "account_id": None},
            [{"$set": {"revoked_at": {"$ifNull": ["$revoked_at", self._clock.now()]}}}],
        )
        if result.matched_count:
            return
        if await self._codes.find_one({"_id": code_id}, {"_id": 1}) is None:
            raise UnknownCode(f"There is no redemption code {code_id}.")
        raise CodeRedeemed(f"The code {code_id} has been redeemed already.")

    async def page(self, before: str | None, limit: int) -> list[Code]:
        """Newest first."""
        query: Document = {} if before is None else {"_id": {"$lt": before}}
        found = self._codes.find(query, {"digest": 0}).sort("_id", -1).limit(limit)
        return [Code.from_document(document) async for document in found]
