"""The load generator of `hatchery bench chat`, a process of its own.

`python -m deploy.bench.chat_load` reads a `ChatPlan` in a line, works, writes a `ChatLoad` in a line, and
takes the next plan until its input ends.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import AsyncExitStack

import uvloop

from deploy.bench.chat_messages import ChatLoad, ChatPlan
from deploy.bench.chat_wire import BadAnswer, Caller

PROBLEMS_KEPT = 3


async def carry_out(plan: ChatPlan) -> ChatLoad:
    """One phase."""
    load = ChatLoad()
    counted_from = time.perf_counter() + plan.warm_up_seconds
    until = counted_from + plan.seconds

    async def client(caller: Caller) -> None:
        counted = False
        # However slow it is, every client has a request that counts.
        while (began := time.perf_counter()) < until or not counted:
            load.sent += 1
            counted = began >= counted_from
            try:
                times = await caller.ask()
            except BadAnswer as error:
                load.failed += 1
                if len(load.problems) < PROBLEMS_KEPT:
                    load.problems.append(str(error))
                continue
            if began >= counted_from:
                load.whole_ms.append(times.whole)
                load.first_ms.append(times.first)

    # The clients end before their connections are closed.
    async with AsyncExitStack() as open_callers, asyncio.TaskGroup() as group:
        for number in range(plan.concurrency):
            caller = await open_callers.enter_async_context(Caller(plan.gateway, stream=plan.stream))
            group.create_task(client(caller), name=f"client {number}")
    load.seconds = time.perf_counter() - counted_from
    return load


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin:
            load = runner.run(carry_out(ChatPlan.model_validate_json(line)))
            sys.stdout.write(load.model_dump_json() + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
