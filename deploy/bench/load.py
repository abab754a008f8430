"""The load generator: a process of its own, so that its CPU time is never taken for the product's.

`python -m deploy.bench.load`, spoken to in the lines of `deploy.bench.messages`: it reads a plan, says that
it is ready, waits for an empty line, works, and waits with its result until its input ends.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import uvloop

from deploy.bench.clients import REQUEST_LIMIT, Clients
from deploy.bench.follower import Follower
from deploy.bench.messages import LoadPlan, LoadResult, Report
from shared.mongo import connect

TELL_EVERY_SECONDS = 0.25


def _tell(report: Report) -> None:
    sys.stdout.write(report.model_dump_json(exclude_defaults=True) + "\n")
    sys.stdout.flush()


class _Progress:
    def __init__(self) -> None:
        self._finished = 0

    def count(self) -> None:
        self._finished += 1

    async def tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_SECONDS)
            _tell(Report(finished=self._finished))


async def _work(plan: LoadPlan) -> LoadResult:
    mongo = connect(plan.mongo_url)
    follower = Follower(mongo[plan.database]["tasks"])
    progress = _Progress()
    connector = aiohttp.TCPConnector(limit=0)
    async with mongo, aiohttp.ClientSession(connector=connector, timeout=REQUEST_LIMIT) as session:
        await mongo.admin.command("ping")
        _tell(Report(ready=True))
        await asyncio.to_thread(sys.stdin.readline)
        beside = [
            asyncio.create_task(follower.run(), name="follower"),
            asyncio.create_task(progress.tell(), name="progress"),
        ]
        try:
            clients = asyncio.create_task(
                Clients(plan, session, follower, progress.count).run(), name="clients"
            )
            await asyncio.wait([clients, *beside], return_when=asyncio.FIRST_COMPLETED)
            for task in beside:
                if task.done():
                    clients.cancel()
                    task.result()
            result = await clients
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
    result.own_queries, result.own_documents = follower.queries, follower.documents
    return result


def main() -> None:
    plan = LoadPlan.model_validate_json(sys.stdin.readline())
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result = runner.run(_work(plan))
    _tell(Report(result=result))
    # Its CPU time can be read for as long as it is there.
    sys.stdin.read()


if __name__ == "__main__":
    main()
