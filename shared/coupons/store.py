"""The `coupons` collection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from shared.clock import Clock
from shared.coupons.coupon import BrokenCoupon, Coupon
from shared.errors import HatcheryError
from shared.mongo import Database, Document


class UnknownCoupon(HatcheryError):
    """There is no such coupon"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A coupon, and who made it when."""

    coupon: Coupon
    created_at: datetime
    actor: str


class Coupons:
    """Made once, switched off at most once, never deleted: their chains stay in the ledger."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._coupons = database["coupons"]
        self._clock = clock

    async def create(self, coupon: Coupon, actor: str) -> Kept:
        """Its first use opens its chain. Raises BrokenCoupon, also for a code that there is already."""
        coupon.check()
        kept = Kept(coupon, self._clock.now(), actor)
        try:
            await self._coupons.insert_one(coupon.to_document(kept.created_at, actor))
        except DuplicateKeyError as error:
            raise BrokenCoupon(f"there is a coupon {coupon.code} already") from error
        return kept

    async def find(self, code: str) -> Coupon | None:
        """The coupon, usable or not."""
        document = await self._coupons.find_one({"_id": code})
        return None if document is None else Coupon.from_document(document)

    async def get(self, code: str) -> Kept:
        """Raises UnknownCoupon."""
        document = await self._coupons.find_one({"_id": code})
        if document is None:
            raise UnknownCoupon(f"there is no coupon {code}")
        return _kept(document)

    async def all(self) -> list[Kept]:
        """By code."""
        return [_kept(document) async for document in self._coupons.find().sort("_id", 1)]

    async def disable(self, code: str) -> Kept:
        """Accept it no more; tasks that use it go on. Raises UnknownCoupon."""
        await self._coupons.update_one({"_id": code}, {"$set": {"disabled": True}})
        return await self.get(code)


def _kept(document: Document) -> Kept:
    return Kept(Coupon.from_document(document), document["created_at"], document["actor"])
