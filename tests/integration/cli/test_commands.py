"""The commands as an operator types them."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import timedelta

import orjson

from shared.providers.errors import ErrorClass
from shared.providers.keys import key_ids
from shared.tasks.lifecycle import State
from tests.harness.stack import Stack
from tests.unit.building import attempt, task_document


async def hatchery(stack: Stack, *words: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli.main", *words),
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **stack.env()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, printed.decode()


async def test_orphans_are_listed_and_the_rest_is_announced(own_stack: Stack) -> None:
    now = own_stack.clock.now()
    orphan = attempt(error_class=ErrorClass.SUBMIT_AMBIGUOUS, orphan_suspect=True)
    for number in range(3):
        task = task_document(
            State.FAILED, _id=f"gen_{number}", attempts=(orphan,), created_at=now - timedelta(hours=number)
        )
        await own_stack.database["tasks"].insert_one(task)

    code, printed = await hatchery(own_stack, "attempts", "orphans", "--limit", "2")
    assert code == 0, printed
    assert printed.index("gen_0") < printed.index("gen_1")
    assert "gen_2" not in printed
    assert "showing 2 of 3; --limit shows more" in printed

    code, printed = await hatchery(own_stack, "attempts", "orphans", "--since", "90m", "--json")
    found = orjson.loads(printed)
    assert (found["total"], found["more"]) == (2, False)

    code, printed = await hatchery(own_stack, "attempts", "orphans", "--provider", "kie")
    assert (code, printed.strip()) == (0, "no suspected orphans")

    code, printed = await hatchery(own_stack, "attempts", "orphans", "--since", "soon")
    assert code == 1
    assert "--since is a number with m, h or d behind it" in printed


async def test_a_resting_key_is_shown_and_enabled(own_stack: Stack) -> None:
    (key,) = key_ids(own_stack.settings().providers)["fal"]
    until = own_stack.clock.now() + timedelta(minutes=5)
    await own_stack.database["health"].insert_one({"_id": f"key:{key}", "until": until, "reason": "quota"})

    code, printed = await hatchery(own_stack, "provider", "keys")
    assert code == 0, printed
    (line,) = [line for line in printed.splitlines() if key in line]
    assert "quota" in line
    assert f"{until:%Y-%m-%d %H:%M:%S}" in line
    assert "sim-key" not in printed

    assert await hatchery(own_stack, "provider", "enable", key) == (0, f"enabled {key}\n")
    code, printed = await hatchery(own_stack, "provider", "keys", "--json")
    assert [one["until"] for one in orjson.loads(printed) if one["key_id"] == key] == [None]

    code, printed = await hatchery(own_stack, "provider", "enable", "fal-nonsense")
    assert code == 1
    assert "There is no provider key fal-nonsense" in printed
