"""Taking uses of coupons: first of the account's, then of everybody's. So no account crowds others out with
requests of which it may have only one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.coupons.coupon import Coupon
from shared.coupons.entries import budget, use, use_ended, use_op
from shared.coupons.refusals import CouponAlreadyUsed, CouponRefused, CouponUsedUp
from shared.errors import HatcheryError
from shared.killpoints import KillPoints
from shared.ledger.block import Balance
from shared.ledger.chain import Applied, Ledger
from shared.ledger.chains import coupon_chain, coupon_chain_of
from shared.ledger.entry import Entry
from shared.ledger.refusals import InsufficientBalance


@dataclass(frozen=True, slots=True)
class CouponUse:
    """What one task wants."""

    coupon: Coupon
    account_id: str
    task_id: str


@dataclass(frozen=True, slots=True)
class _Step:
    """One of the two uses that a task takes."""

    task_id: str
    code: str
    chain: str
    budget: int | None
    refusal: type[CouponRefused]


class CouponUses:
    """The chains of coupons in the ledger."""

    def __init__(self, ledger: Ledger, killpoints: KillPoints) -> None:
        self._ledger = ledger
        self._killpoints = killpoints

    async def check(self, coupon: Coupon, account_id: str) -> None:
        """Spare a request without hope the rest of its way; promises nothing.

        Raises CouponAlreadyUsed and CouponUsedUp.
        """
        steps = [step(CouponUse(coupon, account_id, "")) for step in (_of_account, _of_everybody)]
        tails = await self._ledger.balances([step.chain for step in steps])
        for step in steps:
            # A chain without a block is opened by its first use.
            if tails[step.chain].seq and not tails[step.chain].available:
                raise step.refusal(step.code)

    async def take(self, wanted: Sequence[CouponUse]) -> dict[str, HatcheryError]:
        """Take what each task wants; gives the refusals by task id. A refused task has taken nothing."""
        of_accounts = [_of_account(one) for one in wanted]
        of_everybody = [_of_everybody(one) for one in wanted]
        tails = await self._ledger.balances({step.chain for step in (*of_accounts, *of_everybody)})
        refused = await self._hold(of_accounts, tails)
        self._killpoints.reach("api.coupon_between_chains")
        used_up = await self._hold([step for step in of_everybody if step.task_id not in refused], tails)
        if used_up:
            self._killpoints.reach("api.coupon_before_release")
            await self._release([step for step in of_accounts if step.task_id in used_up])
        return refused | used_up

    async def _hold(self, steps: Sequence[_Step], tails: Mapping[str, Balance]) -> dict[str, HatcheryError]:
        entries: defaultdict[str, list[Entry]] = defaultdict(list)
        for step in steps:
            if not tails[step.chain].seq and step.chain not in entries:
                entries[step.chain].append(budget(step.chain, step.budget))
            entries[step.chain].append(use(step.chain, step.task_id))
        outcomes = await self._ledger.append(entries)
        refused: dict[str, HatcheryError] = {}
        for step in steps:
            outcome = outcomes[use_op(step.chain, step.task_id)]
            if not isinstance(outcome, Applied):
                over = isinstance(outcome, InsufficientBalance)
                refused[step.task_id] = step.refusal(step.code) if over else outcome
        return refused

    async def _release(self, steps: Sequence[_Step]) -> None:
        ends: defaultdict[str, list[Entry]] = defaultdict(list)
        for step in steps:
            ends[step.chain].append(use_ended(step.chain, step.task_id, completed=False))
        await self._ledger.append(ends)


def _of_account(one: CouponUse) -> _Step:
    code, uses = one.coupon.code, one.coupon.uses_per_account
    return _Step(one.task_id, code, coupon_chain_of(code, one.account_id), uses, CouponAlreadyUsed)


def _of_everybody(one: CouponUse) -> _Step:
    code, uses = one.coupon.code, one.coupon.uses
    return _Step(one.task_id, code, coupon_chain(code), uses, CouponUsedUp)
