"""Everything we promise about a quiet system, as one check."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from aio_pika import connect

from shared.bus.dead_letters import list_dead, queues
from shared.files import Files
from shared.ledger.verify import Verification
from shared.tasks.lifecycle import FINAL
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

_FINAL = sorted(FINAL)


async def drained(stack: Stack, seconds: float = 90) -> None:
    """Until every task is final, no money is held and nobody waits to be looked at."""
    tasks, deliveries = stack.database["tasks"], stack.database["deliveries"]
    busy: dict[str, Any] = {}
    try:
        async with asyncio.timeout(seconds):
            while True:
                report = await Verification(stack.database, stack.clock.now()).run()
                busy = {
                    "not final": await tasks.count_documents({"state": {"$nin": _FINAL}}),
                    "waking": await tasks.count_documents({"wake_at": {"$exists": True}}),
                    "undelivered": await deliveries.count_documents({"state": "pending"}),
                    "held": report.held,
                    "held uses of coupons": report.held_uses,
                }
                if not any(busy.values()):
                    return
                await asyncio.sleep(0.2)
    except TimeoutError:
        states = [
            (task["_id"], task["state"], task.get("wake_at"), task.get("attempts", [])[-1:])
            async for task in tasks.find({"state": {"$nin": _FINAL}}).limit(5)
        ]
        raise AssertionError(f"not drained: {busy}; for example {states}") from None


async def assert_invariants(
    stack: Stack, acknowledged: Iterable[str], simulator: Simulator, tag: str, secrets: Iterable[str] = ()
) -> None:
    """The invariants of a drained system whose prompts all contain `tag`."""
    tasks = {task["_id"]: task async for task in stack.database["tasks"].find()}
    missing = set(acknowledged) - tasks.keys()
    assert not missing, f"I1: acknowledged and lost: {missing}"
    report = await Verification(stack.database, stack.clock.now()).run()
    assert report.clean, report.violations
    assert report.held == 0
    assert report.open_holds == 0
    assert report.held_uses == 0
    for task in tasks.values():
        final = [change["state"] for change in task["history"] if change["state"] in _FINAL]
        assert final == [task["history"][-1]["state"]] == [task["state"]], f"I2, I11: {task['history']}"
    await _one_delivery_each(stack, tasks)
    await _files_exist(stack, tasks)
    await _no_job_without_attempt(simulator, tasks, tag)
    await _dead_letters_are_settled(stack, tasks)
    logs = stack.logs()
    for secret in (tag, *secrets):
        assert secret not in logs, "I13: a secret or a prompt is in the logs"


async def _one_delivery_each(stack: Stack, tasks: dict[str, Any]) -> None:
    deliveries: defaultdict[str, list[Any]] = defaultdict(list)
    async for delivery in stack.database["deliveries"].find({"endpoint_id": None}):
        deliveries[delivery["task_id"]].append(delivery)
    for task in tasks.values():
        made = deliveries[task["_id"]]
        assert len(made) == (1 if task.get("callback_url") else 0), f"I8: {task['_id']} has {len(made)}"
        assert all(one["state"] == "delivered" for one in made), f"I8: {task['_id']} was told of by nobody"


async def _files_exist(stack: Stack, tasks: dict[str, Any]) -> None:
    async with Files(stack.settings().s3) as files:
        for task in tasks.values():
            if task["state"] != "completed":
                continue
            assert task["outputs"]
            for output in task["outputs"]:
                stored = await files.describe(output["key"])
                assert stored == (output["size"], output["content_type"]), f"I9: {output['key']} is {stored}"


async def _no_job_without_attempt(simulator: Simulator, tasks: dict[str, Any], tag: str) -> None:
    """I12: every provider job belongs to an attempt that was recorded before the call."""
    jobs: defaultdict[str, int] = defaultdict(int)
    for job in await simulator.jobs(tag):
        jobs[job["prompt"]] += 1
    for task in tasks.values():
        made = jobs.pop(task["request"]["prompt"], 0)
        assert made <= len(task.get("attempts", [])), f"I12: {task['_id']}: {made} jobs"
    assert not jobs, f"I12: jobs of unknown tasks: {list(jobs)[:3]}"


async def _dead_letters_are_settled(stack: Stack, tasks: dict[str, Any]) -> None:
    async with await connect(stack.amqp_url) as connection:
        letters = await list_dead(await connection.channel(), queues(["fal", "replicate"]), 1000)
    for letter in letters:
        assert letter.task_ids, f"I14: {letter}"
        assert all(tasks[task_id]["state"] in _FINAL for task_id in letter.task_ids), f"I14: {letter}"
