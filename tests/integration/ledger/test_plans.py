"""Nothing that touches money reads a whole collection: each query, as it was sent, is explained."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from deploy.bench.plans import Plan, Recorder, explain
from deploy.local.servers import Servers
from services.billing.audit import Auditor
from services.billing.coupon_uses import CouponSweeper
from shared.clock import Clock
from shared.coupons.coupon import Coupon
from shared.coupons.uses import CouponUse, CouponUses
from shared.killpoints import KillPoints
from shared.ledger.caps import Per
from shared.ledger.chain import Ledger
from shared.ledger.entry import EntryKind, end, hold, topup
from shared.ledger.limits import SpendLimits
from shared.ledger.proof.since import SinceLast
from shared.ledger.refunds import Refunds, refunds_between, refunds_of
from shared.ledger.statement import StatementQuery, Statements
from shared.ledger.usage import UsageFold
from shared.ledger.verify import Verification
from shared.mongo import Database, Document
from shared.payments.store import TopUps
from shared.payments.topup import Method, TopUp
from shared.tasks.lifecycle import Role, State
from tests.integration.recording import Bell, tools_with
from tests.unit.building import NOON, StillClock, task_document

HOUR = timedelta(hours=1)
Ask = Callable[[Database, Clock], Awaitable[Any]]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def watched(
    servers: Servers, database: Database, ledger: Ledger, recorder: Recorder
) -> AsyncIterator[Database]:
    """The database behind a client that is listened to, with something in it of every kind."""
    accounts = ["acc_1", "acc_2"]
    await ledger.append({one: [topup(f"pay_{one}", 10_000, {"topup_id": f"top_{one}"})] for one in accounts})
    tasks = []
    for number in range(40):
        account, task_id = accounts[number % 2], f"gen_{number:02}"
        await ledger.append({account: [hold(task_id, 100, "m", "key_1")]})
        if number < 36:
            await ledger.append({account: [end(task_id, 100, 60, "m", 1, "key_1", NOON)]})
            tasks.append(
                task_document(
                    State.COMPLETED, _id=task_id, account_id=account, cost_nano=60, completed_at=NOON
                )
            )
        else:
            tasks.append(task_document(State.RUNNING, _id=task_id, account_id=account))
    for task in tasks:
        del task["wake_at"]
    await database["tasks"].insert_many(tasks)
    for one in accounts:
        topup_of_one = TopUp(f"top_{one}", one, 10_000, Method.MANUAL, NOON)
        await TopUps(database).insert(topup_of_one.paid(f"pay_{one}", NOON))
    await CouponUses(ledger, KillPoints()).take([CouponUse(Coupon("HEN", percent=10), "acc_1", "gen_39")])
    client: AsyncMongoClient[Document] = AsyncMongoClient(
        servers.mongo_url, tz_aware=True, event_listeners=[recorder]
    )
    async with client:
        yield client[database.name]


def clock_at(at: timedelta) -> StillClock:
    return StillClock(NOON + at)


async def balance(database: Database, clock: Clock) -> None:
    await Ledger(database, clock).balances(["acc_1"])


async def balances(database: Database, clock: Clock) -> None:
    await Ledger(database, clock).balances(["acc_1", "acc_2", "acc_3"])


async def append(database: Database, clock: Clock) -> None:
    entries = [hold("gen_new", 100, "m", "key_1"), hold("gen_dear", 10**9, "m", "key_1")]
    await Ledger(database, clock).append({"acc_1": entries})


async def blocks(database: Database, clock: Clock) -> None:
    assert [block async for block in Ledger(database, clock).blocks("acc_1", 3)]


async def statement(database: Database, clock: Clock) -> None:
    statements = Statements(database)
    for query in (
        StatementQuery(),
        StatementQuery(ascending=True),
        StatementQuery(kind=EntryKind.TOPUP),
        StatementQuery(since=NOON, until=NOON + HOUR),
    ):
        page = await statements.page("acc_1", query, 5)
        await statements.page("acc_1", query, 5, page.next)


async def usage(database: Database, clock: Clock) -> None:
    fold = UsageFold(database, Ledger(database, clock), KillPoints())
    await fold.catch_up("acc_1")
    await fold.summary("acc_1")
    await fold.rebuild("acc_1")


async def coupons(database: Database, clock: Clock) -> None:
    ledger = Ledger(database, clock)
    uses = CouponUses(ledger, KillPoints())
    await uses.check(Coupon("HEN", percent=10), "acc_2")
    await uses.take([CouponUse(Coupon("HEN", percent=10), "acc_2", "gen_new")])
    await CouponSweeper(database, ledger, clock, HOUR, HOUR).sweep()


async def caps(database: Database, clock: Clock) -> None:
    limits = SpendLimits(Ledger(database, clock), clock)
    await limits.of("acc_1")
    await limits.impose("acc_1", "key_1", Per.DAY, 10**9, "ops")
    await limits.lift("acc_1", "key_1", Per.DAY, "ops")


async def refunds(database: Database, clock: Clock) -> None:
    await Refunds(database, Ledger(database, clock)).refund("gen_00", 10, "ops", "blurred")
    await refunds_of(database, "gen_00")
    await refunds_between(database, "gen_00", "gen_20")


async def topups(database: Database, clock: Clock) -> None:
    store = TopUps(database)
    await store.get("top_acc_1")
    await store.of_payment("pay_acc_1")
    await store.page("acc_1", "top_z", 10)
    await store.with_problems(10)


async def whole_verification(database: Database, clock: Clock) -> None:
    assert (await Verification(database, NOON + timedelta(minutes=5)).run()).clean


async def verification_of_one_chain(database: Database, clock: Clock) -> None:
    assert (await Verification(database, NOON + timedelta(minutes=5), "acc_1").run()).clean


async def verification_since_last(database: Database, clock: Clock) -> None:
    for _ in range(2):
        now = clock.now()
        await SinceLast(database, now, now).run()
    await SinceLast(database, clock.now(), clock.now()).run("acc_1")


async def audit(database: Database, clock: Clock) -> None:
    tools = tools_with(Bell(), database, clock, Role.BILLING)
    ledger = Ledger(database, clock)
    fold = UsageFold(database, ledger, KillPoints())
    await Auditor(database, tools, ledger, fold, clock, KillPoints(), HOUR, HOUR / 60).audit()


@pytest.mark.parametrize(
    "ask",
    [
        balance,
        balances,
        append,
        blocks,
        statement,
        usage,
        coupons,
        caps,
        refunds,
        topups,
        whole_verification,
        verification_of_one_chain,
        verification_since_last,
        audit,
    ],
)
async def test_every_query_of_money_uses_an_index(
    watched: Database, recorder: Recorder, clock: StillClock, ask: Ask
) -> None:
    clock.at += HOUR

    await ask(watched, clock)

    plans = [(command, await explain(watched, command)) for command in recorder.take()]
    assert plans
    for command, plan in plans:
        assert not plan.scans_all, command


async def test_a_query_without_an_index_is_noticed(watched: Database, recorder: Recorder) -> None:
    await watched["ledger"].find_one({"available": 5})

    (command,) = recorder.take()
    assert (await explain(watched, command)).scans_all


async def test_a_balance_is_one_key_and_one_block_however_long_the_chain(
    watched: Database, recorder: Recorder, clock: StillClock
) -> None:
    await Ledger(watched, clock).balances(["acc_1"])

    (command,) = recorder.take()
    plan = await explain(watched, command)
    assert plan == Plan(
        collection="ledger",
        stages=plan.stages,
        indexes=["account_1_seq_1"],
        keys_examined=1,
        documents_examined=1,
        returned=1,
    )
