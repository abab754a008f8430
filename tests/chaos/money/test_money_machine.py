"""The ledger against plain sums, over random acts and crashes on the real database."""

from __future__ import annotations

import asyncio
import os
import uuid

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from pymongo import AsyncMongoClient

from deploy.local.servers import Servers
from shared.mongo import Document, connect, ensure_indexes
from tests.chaos.money.machine import MoneyMachine

RUNS = int(os.environ.get("HATCHERY_MONEY_RUNS", "40"))
"""More of them: `make money`."""
STEPS = 30


def test_no_order_of_acts_crashes_and_events_makes_or_loses_money(servers: Servers) -> None:
    with asyncio.Runner() as runner:
        client = runner.run(_connected(servers.mongo_url))
        database = client[f"i{uuid.uuid4().hex[:12]}"]
        try:
            runner.run(ensure_indexes(database))
            run_state_machine_as_test(
                lambda: MoneyMachine(runner, database),
                settings=settings(
                    max_examples=RUNS,
                    stateful_step_count=STEPS,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(client.drop_database(database.name))
            runner.run(client.close())


async def _connected(url: str) -> AsyncMongoClient[Document]:
    return connect(url)
