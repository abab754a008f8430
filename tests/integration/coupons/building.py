"""Requests with a coupon, and services that die where they are told to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.api.claims import Claim
from services.api.submit import Submission, Submissions
from services.billing.audit import Auditor
from services.billing.coupon_uses import CouponSweeper
from services.billing.settle import Settlement
from shared.accounts.key import KeyOwner
from shared.bus.publisher import Publisher
from shared.coupons.coupon import Coupon
from shared.ids import Prefix, new_id
from shared.killpoints import KillPoints
from shared.ledger.block import Balance
from shared.ledger.chain import Ledger
from shared.ledger.chains import coupon_chain, coupon_chain_of
from shared.ledger.entry import topup
from shared.ledger.usage import UsageFold
from shared.ledger.verify import Verification
from shared.mongo import Database, Document
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Quote, Task, TaskRequest
from shared.tasks.store import TaskStore
from tests.integration.conftest import ToolsOf
from tests.unit.building import StillClock, output

CHEAP = 9_000_000
"""What an image costs with the coupon."""
SETTLING_TIME = timedelta(seconds=30)
EVERY = timedelta(seconds=15)


class Died(Exception):
    """Stands for the end of the process."""


class DeadlyPoint(KillPoints):
    """Raises at one point what no service knows, instead of ending the tests."""

    def reach(self, point: str) -> None:
        if point == self._armed:
            raise Died(point)


class Shop:
    """The api's and billing's hands on one database."""

    def __init__(self, database: Database, ledger: Ledger, tools_of: ToolsOf, clock: StillClock) -> None:
        self.database = database
        self.ledger = ledger
        self.clock = clock
        self._tools = tools_of(Role.BILLING)

    @asynccontextmanager
    async def api(self, dies_at: str | None = None) -> AsyncIterator[Submissions]:
        """One process of the api."""
        store = TaskStore(self.database, self.clock, Role.API)
        publisher = Publisher("amqp://127.0.0.1:1/", "test")
        submissions = Submissions(store, self.ledger, publisher, self.clock, DeadlyPoint(dies_at))
        yield submissions
        await submissions.close()

    async def fund(self, images: int, account: str = "acc_1") -> None:
        await self.ledger.append({account: [topup(f"pay_{account}", images * CHEAP, {})]})

    async def end(self, task_id: str, state: State) -> Task:
        """Leave the task to billing as the worker or the router would."""
        outputs = [output(task_id, 0)] if state is State.GENERATED else []
        change = {"$set": {"state": state, "outputs": outputs}, "$inc": {"version": 1}}
        await self.database["tasks"].update_one({"_id": task_id}, change)
        return Task.model_validate(await self.stored(task_id))

    async def settle(self, *tasks: Task, dies_at: str | None = None) -> None:
        await Settlement(self._tools, self.ledger, self.clock, DeadlyPoint(dies_at)).settle(tasks)

    async def settle_rejected(self) -> None:
        """Whatever waits to be given back."""
        found = self.database["tasks"].find({"state": State.REJECTED})
        await self.settle(*[Task.model_validate(one) async for one in found])

    async def audit(self) -> None:
        fold = UsageFold(self.database, self.ledger, KillPoints())
        auditor = Auditor(
            self.database, self._tools, self.ledger, fold, self.clock, KillPoints(), EVERY, SETTLING_TIME
        )
        assert await auditor.audit() == []

    async def sweep(self) -> int:
        return await CouponSweeper(self.database, self.ledger, self.clock, EVERY, SETTLING_TIME).sweep()

    async def heal(self) -> None:
        """What billing does in the minute after a crash."""
        self.clock.at += 2 * SETTLING_TIME
        await self.audit()
        await self.settle_rejected()
        await self.sweep()

    async def stored(self, task_id: str) -> Document:
        document = await self.database["tasks"].find_one({"_id": task_id})
        assert document is not None
        return document

    async def balance(self, account: str = "acc_1") -> Balance:
        return (await self.ledger.balances([account]))[account]

    async def uses(self, code: str, account: str | None = None) -> tuple[int, int, int]:
        """Left, in progress, used: by everybody or by one account."""
        chain = coupon_chain(code) if account is None else coupon_chain_of(code, account)
        tail = (await self.ledger.balances([chain]))[chain]
        return tail.available, tail.held, tail.spent

    async def assert_clean(self) -> None:
        report = await Verification(self.database, self.clock.now()).run()
        assert report.violations == []


def wish(coupon: Coupon | None, account: str = "acc_1", key: str | None = None) -> Submission:
    """An image, at the price that the coupon makes."""
    price = CHEAP if coupon is not None else CHEAP + 1_000_000
    return Submission(
        task_id=new_id(Prefix.AIGENWAY_TASK),
        owner=KeyOwner("key_1", account, suspended=False),
        dialect="aigenway",
        kind="image_generate",
        model="nanobanana-2",
        request=TaskRequest(prompt="a hen"),
        quote=Quote(unit="image", unit_nano=price, units=1, hold_nano=price),
        deadline=timedelta(minutes=5),
        callback_url=None,
        request_id="req_1",
        coupon=coupon,
        claim=None if key is None else Claim(key, b"the same"),
    )
