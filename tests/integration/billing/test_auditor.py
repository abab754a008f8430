"""The auditor heals what a crash left behind and counts broken promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.api.errors import ServiceUnavailable
from services.api.submit import Submission, Submissions
from services.billing.audit import Auditor
from services.billing.late import LATE
from services.billing.settle import Settlement
from shared.accounts.key import KeyOwner
from shared.bus.publisher import Publisher
from shared.catalog.load import load_catalog
from shared.killpoints import KillPoints
from shared.ledger.block import Balance
from shared.ledger.caps import Cap, Per
from shared.ledger.chain import Ledger
from shared.ledger.entry import cap_set, end, hold, reversal, topup
from shared.ledger.proof.acts import HOLD_GRACE
from shared.ledger.proof.record import Proofs
from shared.ledger.proof.report import Report
from shared.ledger.proof.violation import Violation
from shared.ledger.usage import UsageFold
from shared.ledger.usage_rows import Usage
from shared.ledger.verify import Verification
from shared.mongo import Database
from shared.tasks.lifecycle import Role, State
from shared.tasks.model import Task, TaskRequest
from shared.tasks.service import TaskTools
from tests.harness.stack import CATALOG
from tests.integration.conftest import ToolsOf
from tests.unit.building import NOON, StillClock, task_document
from tests.unit.catalog.asking import quote

EVERY = timedelta(seconds=15)
SETTLING_TIME = timedelta(seconds=30)


@pytest.fixture
def tools(tools_of: ToolsOf) -> TaskTools:
    return tools_of(Role.BILLING)


@pytest.fixture
def auditor(database: Database, tools: TaskTools, ledger: Ledger, clock: StillClock) -> Auditor:
    return an_auditor(database, tools, ledger, clock)


def an_auditor(database: Database, tools: TaskTools, ledger: Ledger, clock: StillClock) -> Auditor:
    fold = UsageFold(database, ledger, KillPoints())
    return Auditor(database, tools, ledger, fold, clock, KillPoints(), EVERY, SETTLING_TIME)


@pytest.fixture
async def orphan(ledger: Ledger) -> str:
    """A hold whose submit was cut off before its task was stored."""
    await ledger.append({"acc_1": [topup("pay_1", 1_000, {})]})
    await ledger.append({"acc_1": [hold("gen_orphan", 300, "nanobanana")]})
    return "gen_orphan"


async def test_a_young_hold_without_a_task_is_left_to_its_submit(
    database: Database, auditor: Auditor, orphan: str, clock: StillClock
) -> None:
    clock.at += SETTLING_TIME - timedelta(milliseconds=1)

    assert await auditor.audit() == []
    assert await database["tasks"].count_documents({}) == 0


async def test_an_orphaned_hold_becomes_a_rejected_task_whose_money_billing_gives_back(
    database: Database, tools: TaskTools, auditor: Auditor, ledger: Ledger, orphan: str, clock: StillClock
) -> None:
    clock.at += SETTLING_TIME

    assert await auditor.audit() == []

    (task,) = await tools.store.load([orphan])
    assert (task.state, task.account_id, task.dialect, task.wake_at) == (
        State.REJECTED,
        "acc_1",
        "none",
        clock.at,
    )
    assert await tools.store.claim_due([State.REJECTED], 10, EVERY) == [task]

    await Settlement(tools, ledger, clock, KillPoints()).settle([task])
    assert (await ledger.balances(["acc_1"]))["acc_1"] == Balance(3, 1_000, 0, 0)
    assert await database["tasks"].distinct("state") == ["failed"]
    assert (await Verification(database, clock.now()).run()).clean


async def test_a_hold_that_settles_later_than_its_neighbours_is_not_forgotten(
    database: Database, auditor: Auditor, ledger: Ledger, orphan: str, clock: StillClock
) -> None:
    clock.at += SETTLING_TIME / 2
    await ledger.append({"acc_1": [hold("gen_later", 300, "nanobanana")]})
    clock.at += SETTLING_TIME / 2
    await auditor.audit()
    assert await database["tasks"].distinct("_id") == ["gen_orphan"]

    clock.at += SETTLING_TIME / 2
    await auditor.audit()
    assert sorted(await database["tasks"].distinct("_id")) == ["gen_later", "gen_orphan"]


async def test_a_hold_with_its_task_is_left_alone(
    database: Database, auditor: Auditor, orphan: str, clock: StillClock
) -> None:
    await database["tasks"].insert_one(
        task_document(State.RUNNING, _id=orphan, wake_at=NOON + 2 * SETTLING_TIME)
    )
    clock.at += SETTLING_TIME
    await auditor.audit()

    (task,) = [Task.model_validate(one) async for one in database["tasks"].find()]
    assert task.state is State.RUNNING


async def test_a_submit_that_comes_too_late_for_its_id_is_refused_and_the_hold_released(
    database: Database, tools_of: ToolsOf, tools: TaskTools, auditor: Auditor, ledger: Ledger, orphan: str,
    clock: StillClock,
) -> None:  # fmt: skip
    clock.at += SETTLING_TIME
    await auditor.audit()
    publisher = Publisher("amqp://127.0.0.1:1/", "test")
    api = Submissions(tools_of(Role.API).store, ledger, publisher, clock, KillPoints())
    model, request = load_catalog(CATALOG).models["nanobanana"], TaskRequest(prompt="a hen")
    late = Submission(
        task_id=orphan,
        owner=KeyOwner("key_1", "acc_1", suspended=False),
        dialect="eggapi",
        kind="image_generate",
        model="nanobanana",
        request=request,
        quote=quote("nanobanana", request),
        deadline=model.deadline,
        callback_url=None,
        request_id="req_1",
    )

    with pytest.raises(ServiceUnavailable):
        await api.submit(late)
    await api.close()
    await Settlement(tools, ledger, clock, KillPoints()).settle(await tools.store.load([orphan]))
    assert (await ledger.balances(["acc_1"]))["acc_1"].held == 0


async def test_an_audit_folds_usage(
    database: Database, auditor: Auditor, ledger: Ledger, orphan: str, clock: StillClock
) -> None:
    await ledger.append({"acc_1": [end(orphan, 300, 100, "nanobanana", 1)]})
    await auditor.audit()
    await database["ledger"].delete_many({})

    summary = await UsageFold(database, ledger, KillPoints()).summary("acc_1")
    assert summary == {"nanobanana": Usage(1, 100, 1)}


async def test_a_chain_that_does_not_add_up_is_found_once_it_has_settled(
    database: Database, auditor: Auditor, orphan: str, clock: StillClock
) -> None:
    await database["ledger"].update_one({"seq": 2}, {"$set": {"available": 800}})
    clock.at += SETTLING_TIME

    assert await auditor.audit() == [Violation("I4", "acc_1#2", "available is 800, not 700")]
    assert REGISTRY.get_sample_value("hatchery_audit_violations", {"invariant": "I4"}) == 1


async def test_what_was_audited_is_not_read_again_and_what_follows_is_held_against_it(
    database: Database, auditor: Auditor, ledger: Ledger, orphan: str, clock: StillClock
) -> None:
    clock.at += SETTLING_TIME
    await auditor.audit()
    await database["ledger"].update_one({"seq": 1}, {"$set": {"available": 5}})
    await ledger.append({"acc_1": [topup("pay_2", 50, {})]})
    await database["ledger"].update_one({"seq": 3}, {"$inc": {"available": 1}})
    clock.at += SETTLING_TIME

    assert await auditor.audit() == [Violation("I4", "acc_1#3", "available is 751, not 750")]


@pytest.mark.parametrize(
    ("state", "deadline", "broken"),
    [
        (State.RUNNING, -2 * LATE - timedelta(seconds=1), True),
        (State.GENERATED, -2 * LATE - timedelta(seconds=1), True),
        (State.RUNNING, -2 * LATE, False),
        (State.COMPLETED, -10 * LATE, False),
    ],
)
async def test_a_task_that_is_not_final_long_after_its_deadline_breaks_a_promise(
    database: Database, auditor: Auditor, state: State, deadline: timedelta, broken: bool
) -> None:
    task = task_document(state, deadline_at=NOON + deadline, wake_at=NOON)
    await database["tasks"].insert_one(task)

    expected = [Violation("I2", task["_id"], "not final by its deadline")] if broken else []
    assert await auditor.audit() == expected


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (State.QUEUED, ["I7"]),
        (State.RUNNING, ["I7"]),
        (State.COMPLETED, ["I7", "I8"]),
    ],
)
async def test_a_task_that_nobody_looks_at_when_it_is_due_breaks_a_promise(
    database: Database, auditor: Auditor, clock: StillClock, state: State, found: list[str]
) -> None:
    task = task_document(state, wake_at=NOON)
    await database["tasks"].insert_one(task)
    clock.at += LATE
    assert await auditor.audit() == []

    clock.forward(seconds=1)
    assert [(one.invariant, one.subject) for one in await auditor.audit()] == [
        (invariant, task["_id"]) for invariant in found
    ]


async def test_of_several_processes_one_audits_at_a_time_and_another_takes_over_when_it_dies(
    database: Database, tools: TaskTools, ledger: Ledger, clock: StillClock
) -> None:
    auditors = [an_auditor(database, tools, ledger, clock) for _ in range(5)]

    first = await asyncio.gather(*(auditor.lease.take() for auditor in auditors))
    assert first.count(True) == 1
    clock.forward(seconds=30)
    assert await asyncio.gather(*(auditor.lease.take() for auditor in auditors)) == first

    clock.at += 3 * EVERY
    others = [auditor for auditor, had_it in zip(auditors, first, strict=True) if not had_it]
    assert (await asyncio.gather(*(auditor.lease.take() for auditor in others))).count(True) == 1
    assert not await auditors[first.index(True)].lease.take()


async def test_a_chain_that_cannot_be_read_is_found_and_hides_no_other(
    database: Database, auditor: Auditor, ledger: Ledger, clock: StillClock
) -> None:
    await ledger.append({"acc_strange": [topup("pay_1", 1_000, {})]})
    await database["ledger"].update_one({"account": "acc_strange"}, {"$set": {"entries.0.kind": "gift"}})
    await ledger.append({"acc_wrong": [topup("pay_2", 1_000, {})]})
    await database["ledger"].update_one({"account": "acc_wrong"}, {"$set": {"available": 999}})
    clock.at += SETTLING_TIME

    found = {violation.subject for violation in await auditor.audit()}

    assert found == {"acc_strange", "acc_wrong#1"}


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"hatchery_{name}", labels)


async def test_a_hold_whose_task_vanishes_later_is_given_back_and_told_of(
    database: Database, tools: TaskTools, auditor: Auditor, ledger: Ledger, orphan: str, clock: StillClock
) -> None:
    deadline = NOON + timedelta(minutes=15)
    await database["tasks"].insert_one(
        task_document(State.RUNNING, _id=orphan, deadline_at=deadline, wake_at=deadline)
    )
    clock.at += SETTLING_TIME
    assert await auditor.audit() == []
    await database["tasks"].delete_many({})
    before = metric("holds_released_total", reason="no_task") or 0
    clock.at = deadline + HOLD_GRACE + timedelta(seconds=1)

    (violation,) = await auditor.audit()

    assert (violation.invariant, violation.subject) == ("I6", orphan)
    assert metric("holds_released_total", reason="no_task") == before + 1
    await Settlement(tools, ledger, clock, KillPoints()).settle(await tools.store.load([orphan]))
    assert (await ledger.balances(["acc_1"]))["acc_1"] == Balance(3, 1_000, 0, 0)
    clock.at += HOLD_GRACE
    assert await auditor.audit() == []
    assert await database["open_holds"].count_documents({}) == 0


async def test_a_task_that_sleeps_past_its_deadline_is_woken_and_told_of_once(
    database: Database, auditor: Auditor, orphan: str, clock: StillClock
) -> None:
    task = task_document(State.QUEUED, _id=orphan, deadline_at=NOON + LATE)
    del task["wake_at"]
    await database["tasks"].insert_one(task)
    clock.at += SETTLING_TIME
    assert await auditor.audit() == []
    before = metric("holds_released_total", reason="past_deadline") or 0
    clock.at = NOON + LATE + HOLD_GRACE + timedelta(seconds=1)

    found = [await auditor.audit() for _ in range(2)]

    for violations in found:
        # I2: once it is awake it is seen to be late.
        assert {one.invariant for one in violations} == {"I2", "I6"}
    assert metric("holds_released_total", reason="past_deadline") == before + 1
    woken = await database["tasks"].find_one({"_id": orphan})
    assert woken is not None
    assert woken["wake_at"] == clock.at


async def test_results_and_ages_of_verifications_are_exported(
    database: Database, auditor: Auditor, orphan: str, clock: StillClock
) -> None:
    await Proofs(database).save(NOON, 12.5, Report(entries=7, violations=[Violation("I4", "acc_1#2", "odd")]))
    clock.at += SETTLING_TIME

    await auditor.audit()

    assert metric("ledger_clean", kind="incremental") == 1
    assert metric("ledger_verified_entries", kind="incremental") == 2
    assert metric("ledger_clean", kind="whole") == 0
    assert metric("ledger_verified_entries", kind="whole") == 7
    assert metric("ledger_verify_seconds", kind="whole") == 12.5
    assert metric("ledger_verified_timestamp_seconds", kind="whole") == NOON.timestamp()


async def test_what_was_found_stays_on_the_metric_in_later_rounds(
    database: Database, auditor: Auditor, orphan: str, clock: StillClock
) -> None:
    await database["ledger"].update_one({"seq": 2}, {"$set": {"available": 800}})
    clock.at += SETTLING_TIME
    await auditor.audit()

    await auditor.audit()

    assert metric("audit_violations", invariant="I4") == 1
    assert metric("ledger_clean", kind="incremental") == 0


async def test_debts_and_spend_caps_before_the_point_are_remembered(
    database: Database, auditor: Auditor, ledger: Ledger, clock: StillClock
) -> None:
    cap = Cap("key_1", Per.DAY, 500, "2026-03-14")
    await ledger.append({"acc_1": [topup("pay_1", 100, {})]})
    await ledger.append({"acc_1": [reversal("re_1", 150, {})]})
    await ledger.append({"acc_1": [cap_set("cap_1", cap, 2, "ops")]})
    clock.at += SETTLING_TIME
    assert await auditor.audit() == []

    await ledger.append({"acc_1": [topup("pay_2", 200, {})]})
    clock.at += SETTLING_TIME
    assert await auditor.audit() == []
