"""Random money, random crashes: after each run the ledger and a few plain sums agree to the nano."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from services.api.errors import ServiceUnavailable
from services.api.submit import Submission
from shared.accounts.key import KeyOwner
from shared.coupons.coupon import Coupon
from shared.coupons.refusals import CouponRefused
from shared.ids import Prefix, new_id
from shared.ledger.chains import coupon_chain, coupon_chain_of
from shared.ledger.entry import Entry, adjust, reversal, topup
from shared.ledger.refunds import NotRefundable, Refunds
from shared.ledger.refusals import InsufficientBalance
from shared.ledger.verify import Verification
from shared.mongo import Database, is_unavailable
from shared.tasks.interrupted import NO_DIALECT
from shared.tasks.model import Quote, Task, TaskRequest
from tests.chaos.money.books import Books, Sale
from tests.chaos.money.faults import Died, Fault
from tests.chaos.money.process import Process
from tests.integration.recording import Bell
from tests.unit.building import StillClock, output

T = TypeVar("T")

ACCOUNTS: Final = ("acc_a", "acc_b")
UNIT: Final = 10
COUPON: Final = Coupon("HALF", percent=50, uses=4, uses_per_account=3)
HALF: Final = UNIT // 2
ROUNDS: Final = 20

accounts = st.sampled_from(ACCOUNTS)
processes = st.integers(0, 1)
faults = st.one_of(st.none(), st.tuples(st.integers(0, 3), st.sampled_from(Fault)))
amounts = st.integers(1, 120)

Armed = tuple[int, Fault] | None
"""A fault, after so many writes."""


class MoneyMachine(RuleBasedStateMachine):
    """Two processes on one real database; the broker loses, doubles and reorders as it likes."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        super().__init__()
        self._runner = runner
        self._database = database
        self._clock = StillClock()
        self._bell = Bell()
        self._books = Books()
        self._events: list[str] = []
        self._acts = 0
        self._processes = [self._new_process() for _ in range(2)]

    def _new_process(self) -> Process:
        return Process(self._database, self._clock, self._bell)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @initialize()
    def begin(self) -> None:
        """An empty database, and some money."""
        self._run(self._empty())
        for account in ACCOUNTS:
            self._append(0, None, account, topup(f"first_{account}", 100, {}), 100)

    async def _empty(self) -> None:
        for name in await self._database.list_collection_names():
            await self._database[name].delete_many({})

    @rule(process=processes, account=accounts, amount=amounts, fault=faults)
    def top_up(self, process: int, account: str, amount: int, fault: Armed) -> None:
        self._append(process, fault, account, topup(self._act(), amount, {}), amount)

    @rule(process=processes, account=accounts, amount=amounts, fault=faults)
    def take_a_payment_back(self, process: int, account: str, amount: int, fault: Armed) -> None:
        self._append(process, fault, account, reversal(self._act(), amount, {}), -amount)

    @rule(process=processes, account=accounts, amount=amounts, fault=faults)
    def give_a_present(self, process: int, account: str, amount: int, fault: Armed) -> None:
        entry = adjust(self._act(), amount, "ops", "for the trouble")
        self._append(process, fault, account, entry, amount)

    @rule(
        process=processes,
        account=accounts,
        units=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        coupon=st.booleans(),
        fault=faults,
    )
    def submit(self, process: int, account: str, units: list[int], coupon: bool, fault: Armed) -> None:
        """Several requests at the same moment."""
        wanted = [(new_id(Prefix.EGGAPI_TASK), _sale(account, n, coupon)) for n in units]
        results = self._run(self._submit(process, fault, wanted))
        for (task_id, sale), result in zip(wanted, results, strict=True):
            if isinstance(result, Task):
                assert sale.hold <= self._books.most(account), "accepted what the balance does not cover"
                self._books.sales[task_id] = sale
            elif isinstance(result, InsufficientBalance):
                assert sale.hold > self._books.least(account), "refused what the balance covers"
            else:
                # Who has no coupon left waits for his money until billing has given it back.
                assert coupon or not isinstance(result, CouponRefused)
                sale.known = False
                self._books.sales[task_id] = sale

    async def _submit(
        self, process: int, fault: Armed, wanted: list[tuple[str, Sale]]
    ) -> list[Task | BaseException]:
        submissions = self._armed(process, fault).submissions
        results = await asyncio.gather(
            *(submissions.submit(_submission(task_id, sale)) for task_id, sale in wanted),
            return_exceptions=True,
        )
        self._tidy(process)
        unforeseen = [one for one in results if not _is_foreseen(one)]
        assert not unforeseen, unforeseen
        return results

    @rule(data=st.data(), delivered=st.integers(0, 4))
    def finish_a_task(self, data: st.DataObject, delivered: int) -> None:
        """The router and the worker have done their part; so many outputs came, or none."""
        waiting = sorted(task_id for task_id, sale in self._books.sales.items() if sale.captured is None)
        if waiting:
            self._run(self._finish(data.draw(st.sampled_from(waiting)), delivered))

    async def _finish(self, task_id: str, delivered: int) -> None:
        sale = self._books.sales[task_id]
        outputs = [output(task_id, number) for number in range(min(delivered, sale.units))]
        state = "generated" if outputs else "rejected"
        failure = {} if outputs else {"failure": {"error_class": "no_output", "message": "No picture came"}}
        result = await self._database["tasks"].update_one(
            {"_id": task_id, "state": "queued"},
            {
                "$set": {"state": state, "outputs": outputs, "wake_at": self._clock.now(), **failure},
                "$inc": {"version": 1},
            },
        )
        if result.matched_count:
            sale.known, sale.captured = True, sale.unit * len(outputs)
            self._events.append(task_id)

    @rule(process=processes, data=st.data(), fault=faults)
    def deliver_events(self, process: int, data: st.DataObject, fault: Armed) -> None:
        """Some of those that there ever were, in any order, some of them again."""
        if self._events:
            picked = data.draw(st.lists(st.sampled_from(self._events), max_size=6))
            self._run(self._deliver(process, fault, picked))

    async def _deliver(self, process: int, fault: Armed, picked: list[str]) -> None:
        intake = self._armed(process, fault).intake
        if await self._survives(process, intake.take_ids(picked)):
            self._note_settled(picked)

    def _note_settled(self, task_ids: list[str]) -> None:
        for task_id in task_ids:
            sale = self._books.sales[task_id]
            sale.settled = sale.captured is not None

    @rule(process=processes, fault=faults)
    def sweep(self, process: int, fault: Armed) -> None:
        self._run(self._survives(process, self._armed(process, fault).sweep()))

    @rule(process=processes, fault=faults)
    def audit(self, process: int, fault: Armed) -> None:
        self._run(self._survives(process, self._armed(process, fault).auditor.audit()))

    @rule(process=processes, fault=faults)
    def look_after_coupons(self, process: int, fault: Armed) -> None:
        self._run(self._survives(process, self._armed(process, fault).coupons.sweep()))

    @rule(process=processes, data=st.data(), amount=st.one_of(st.none(), st.integers(1, 40)), fault=faults)
    def refund(self, process: int, data: st.DataObject, amount: int | None, fault: Armed) -> None:
        """An operator gives back a part or all; unsure whether it has happened, he does it again."""
        charged = sorted(task_id for task_id, sale in self._books.sales.items() if sale.settled)
        if charged:
            task_id = data.draw(st.sampled_from(charged))
            given = self._run(self._refund(process, fault, task_id, amount, self._act()))
            self._check_refund(self._books.sales[task_id], amount, given)

    async def _refund(
        self, process: int, fault: Armed, task_id: str, amount: int | None, refund_id: str
    ) -> int:
        """What was given back: nothing where it was refused."""
        order = (task_id, amount, "ops", "it was not what they wanted", refund_id)
        given: list[int] = []

        async def give(refunds: Refunds) -> None:
            try:
                given.append((await refunds.refund(*order)).entry.amount)
            except NotRefundable:
                given.append(0)

        if not await self._survives(process, give(self._armed(process, fault).refunds)):
            await give(self._processes[1 - process].refunds)
        return given[-1]

    def _check_refund(self, sale: Sale, wanted: int | None, given: int) -> None:
        left = (sale.captured or 0) - sale.refunded
        assert given == (left if wanted is None else wanted if wanted <= left else 0)
        sale.refunded += given

    @rule(data=st.data())
    def two_operators_refund_at_once(self, data: st.DataObject) -> None:
        """One of them finds that nothing is left."""
        charged = sorted(task_id for task_id, sale in self._books.sales.items() if sale.settled)
        if charged:
            task_id = data.draw(st.sampled_from(charged))
            self._run(self._refund_twice(task_id))

    async def _refund_twice(self, task_id: str) -> None:
        given = await asyncio.gather(
            *(self._refund(process, None, task_id, None, self._act()) for process in (0, 1))
        )
        sale = self._books.sales[task_id]
        left = (sale.captured or 0) - sale.refunded
        assert sorted(given) == [0, left]
        sale.refunded += left

    @rule(seconds=st.sampled_from([1, 6, 31]))
    def wait(self, seconds: int) -> None:
        self._clock.forward(seconds=seconds)

    def teardown(self) -> None:
        """Let what is healthy put everything right, then compare."""
        try:
            self._run(self._come_to_rest())
            self._run(self._compare())
        finally:
            self._run(self._close())

    async def _come_to_rest(self) -> None:
        healthy = self._processes[0] = self._new_process()
        for _ in range(ROUNDS):
            self._clock.forward(seconds=31)
            for task_id in [one for one, sale in self._books.sales.items() if sale.captured is None]:
                await self._finish(task_id, 0)
            await healthy.auditor.audit()
            await healthy.coupons.sweep()
            swept = await healthy.sweep()
            if not swept and not await self._database["tasks"].count_documents(
                {"wake_at": {"$exists": True}}
            ):
                break
        await self._forget_what_was_never_accepted()

    async def _forget_what_was_never_accepted(self) -> None:
        unheard = [task_id for task_id, sale in self._books.sales.items() if not sale.known]
        found = self._database["tasks"].find({"_id": {"$in": unheard}, "dialect": {"$ne": NO_DIALECT}})
        accepted = {task["_id"] async for task in found}
        for task_id in set(unheard) - accepted:
            del self._books.sales[task_id]

    async def _compare(self) -> None:
        report = await Verification(self._database, self._clock.now()).run()
        assert report.clean, report.violations
        ledger = self._processes[0].ledger
        for account, balance in (await ledger.balances(ACCOUNTS)).items():
            spent = self._books.spent(account)
            net = self._books.paid_in[account] - spent
            found = (balance.available, balance.owed, balance.held, balance.spent)
            assert found == (max(net, 0), max(-net, 0), 0, spent), account
            usage = await self._processes[0].usage.summary(account)
            assert sum(one.net_nano for one in usage.values()) == spent
        await self._compare_coupon()
        states = await self._database["tasks"].distinct("state")
        assert set(states) <= {"completed", "failed"}, states

    async def _compare_coupon(self) -> None:
        """Used exactly as often as it has made a charge smaller, and no more often than it may be."""
        code, ledger = COUPON.code, self._processes[0].ledger
        limits = {coupon_chain(code): (None, COUPON.uses)} | {
            coupon_chain_of(code, account): (account, COUPON.uses_per_account) for account in ACCOUNTS
        }
        for chain, balance in (await ledger.balances(limits)).items():
            account, limit = limits[chain]
            assert (balance.held, balance.spent) == (0, self._books.uses(code, account)), chain
            assert limit is not None
            assert balance.spent <= limit, chain

    async def _close(self) -> None:
        for process in self._processes:
            await process.submissions.close()

    def _append(self, process: int, fault: Armed, account: str, entry: Entry, amount: int) -> None:
        """Once, however often it takes to hear that it has happened."""
        self._run(self._append_until_heard(process, fault, account, entry))
        self._books.paid_in[account] += amount

    async def _append_until_heard(self, process: int, fault: Armed, account: str, entry: Entry) -> None:
        work = self._armed(process, fault).ledger.append({account: [entry]})
        if not await self._survives(process, work):
            outcomes = await self._processes[1 - process].ledger.append({account: [entry]})
            assert set(outcomes) == {entry.op}

    def _armed(self, process: int, fault: Armed) -> Process:
        chosen = self._processes[process]
        if fault is not None:
            chosen.faults.arm(*fault)
        return chosen

    async def _survives(self, process: int, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether the work went well to its end; a process that died gives way to another."""
        try:
            await work
        except Exception as error:
            if not _is_foreseen(error):
                raise
            return False
        else:
            return True
        finally:
            self._tidy(process)

    def _tidy(self, process: int) -> None:
        chosen = self._processes[process]
        chosen.faults.disarm()
        if chosen.faults.dead:
            self._processes[process] = self._new_process()

    def _act(self) -> str:
        self._acts += 1
        return f"act_{self._acts}"


def _sale(account: str, units: int, coupon: bool) -> Sale:
    unit = HALF if coupon else UNIT
    return Sale(account, unit * units, unit, units, COUPON.code if coupon else None)


def _submission(task_id: str, sale: Sale) -> Submission:
    return Submission(
        task_id=task_id,
        owner=KeyOwner("key_1", sale.account, suspended=False),
        dialect="eggapi",
        kind="image_generate",
        model="nanobanana",
        request=TaskRequest(prompt="a hen", num_outputs=sale.units),
        quote=Quote(unit="image", unit_nano=sale.unit, units=sale.units, hold_nano=sale.hold),
        deadline=timedelta(minutes=15),
        callback_url=None,
        request_id="req_1",
        coupon=COUPON if sale.coupon else None,
    )


def _is_foreseen(result: object) -> bool:
    """A task, a refusal, or what a caller hears of crashes and time-outs."""
    if not isinstance(result, BaseException) or isinstance(
        result, (InsufficientBalance, CouponRefused, Died)
    ):
        return True
    return isinstance(result, ServiceUnavailable) or is_unavailable(result)
