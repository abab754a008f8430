"""A thousand tasks while three of ten calls to every provider go wrong, each in its own way."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest_asyncio
import yaml

from deploy.local.servers import Servers
from tests.harness.client import Customer
from tests.harness.invariants import assert_invariants, drained
from tests.harness.simulator import Simulator
from tests.harness.stack import CATALOG, Stack

TASKS = 1000
SHARE = 0.3
PROVIDERS = ("fal", "replicate", "kie", "gemini", "openrouter")
UNIT_NANO = 10_000_000
REFUSED = {"policy_refusal", "caller_fault"}

ANYWHERE = (
    {"fault": "http_500"},
    {"fault": "http_500", "status": 503},
    {"fault": "http_429", "retry_after": 1},
    {"fault": "http_429", "retry_after": 1, "http_date": True},
    {"fault": "timeout"},
    {"fault": "reset"},
    {"fault": "bad_json"},
    {"fault": "refusal"},
    {"fault": "caller_fault"},
    {"fault": "empty_output"},
    {"fault": "no_media_generated"},
    {"fault": "output_html"},
)
BEHIND_A_JOB = (
    {"fault": "job_fails"},
    {"fault": "never_finishes"},
    {"fault": "late"},
    {"fault": "aborted"},
    {"fault": "poll_500"},
    {"fault": "unknown_status"},
    {"fault": "bad_json", "at": "poll"},
    {"fault": "foreign_url"},
    {"fault": "fewer_outputs"},
    {"fault": "output_404"},
    {"fault": "output_empty"},
    {"fault": "output_redirect"},
    {"fault": "output_internal"},
    {"fault": "output_slow"},
)
ONCE = ({"fault": "quota"}, {"fault": "credential"})
"""They rest a key for minutes, so each strikes one of several keys."""
FAULTS: dict[str, tuple[dict[str, Any], ...]] = {
    name: ANYWHERE + (BEHIND_A_JOB if name in {"fal", "replicate", "kie"} else ()) for name in PROVIDERS
}


@pytest_asyncio.fixture
async def impatient(servers: Servers, simulator: Simulator, tmp_path: Path) -> AsyncIterator[Stack]:
    """All services, with attempts that may take four seconds and three keys for every provider."""
    catalog = yaml.safe_load(CATALOG.read_text())
    model = catalog["models"]["nanobanana"]
    model |= {"deadline_seconds": 120, "max_attempts": 12}
    model["chain"] = [{**route, "soft_deadline_seconds": 4} for route in model["chain"]]
    catalog["providers"] = {name: {} for name in catalog["providers"]}
    catalog = {"providers": catalog["providers"], "models": {"nanobanana": model}}
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(catalog))
    keys = {f"HATCHERY_PROVIDERS__{name.upper()}__KEYS": '["one", "two", "three"]' for name in PROVIDERS}
    settings = {"HATCHERY_CATALOG": str(path), "HATCHERY_FETCH_SECONDS": "5", **keys}
    stack = Stack(servers, simulator.url, tmp_path, settings)
    await stack.open()
    await stack.start()
    yield stack
    await stack.close()


async def test_a_thousand_tasks_end_well_though_three_of_ten_calls_go_wrong(
    impatient: Stack, simulator: Simulator
) -> None:
    stack, tag, dice = impatient, f"storm{uuid.uuid4().hex}", random.Random(20)
    await simulator.rules(*_rules(tag))
    sink = simulator.sink(tag)
    async with AsyncExitStack() as exit_stack:
        customers = [await exit_stack.enter_async_context(await stack.customer("50")) for _ in range(4)]
        ids = [
            await _submit(customers[number % 4], f"{tag} {number} {_fate(dice)}", sink)
            for number in range(TASKS)
        ]
        await drained(stack, seconds=240)
        secrets = [secret for one in customers for secret in (one.key, one.webhook_secret)]
        await assert_invariants(stack, ids, simulator, tag, secrets)

    tasks = [task async for task in stack.database["tasks"].find()]
    assert {task["state"] for task in tasks} == {"completed", "failed"}
    for task in tasks:
        delivered = len(task.get("outputs", []))
        assert task["cost_nano"] == UNIT_NANO * delivered <= task["quote"]["hold_nano"]
    await _every_job_has_an_attempt(simulator, tasks, tag)
    classes = Counter(
        attempt.get("error_class") for task in tasks for attempt in task["attempts"] if "ended_at" in attempt
    )
    assert classes.total() > TASKS * (1 + SHARE / 2)
    assert len(classes) >= 8
    # Nobody waits for a deadline; what is no refusal has failed on every route.
    for task in tasks:
        if task["state"] == "failed" and task["failure"]["error_class"] not in REFUSED:
            assert task["failure"]["error_class"] != "deadline", task["attempts"]
            tried = {attempt["provider"] for attempt in task["attempts"]}
            assert tried == set(PROVIDERS), f"{task['request']['prompt']}: only {tried}"
    assert classes[None] > TASKS * 0.8


def _rules(tag: str) -> list[dict[str, Any]]:
    """Each fault strikes a provider where the prompt says so; two more strike once."""
    once = [
        {"provider": name, "when": {"prompt_contains": tag, "key": key}, "times": 1, "then": then}
        for name in PROVIDERS
        for key, then in zip(("one", "two"), ONCE, strict=True)
    ]
    marked = [
        {"provider": name, "when": {"prompt_contains": _mark(name, number)}, "then": then, "latency_ms": 200}
        for name in PROVIDERS
        for number, then in enumerate(FAULTS[name])
    ]
    return [*once, *marked, {"provider": "*", "when": {"prompt_contains": tag}, "latency_ms": 200}]


def _fate(dice: random.Random) -> str:
    """What will go wrong with a task, provider by provider."""
    return " ".join(
        _mark(name, dice.randrange(len(FAULTS[name]))) for name in PROVIDERS if dice.random() < SHARE
    )


def _mark(provider: str, number: int) -> str:
    return f"<{provider}:{number}>"


async def _submit(customer: Customer, prompt: str, sink: str) -> str:
    return await customer.submit(prompt=prompt, webhook_url=sink)


async def _every_job_has_an_attempt(simulator: Simulator, tasks: list[dict[str, Any]], tag: str) -> None:
    """A provider job is named by an attempt, or is one of those that an attempt says may exist."""
    by_prompt = {task["request"]["prompt"]: task for task in tasks}
    unnamed: Counter[tuple[str, str]] = Counter()
    for job in await simulator.jobs(tag):
        task = by_prompt[job["prompt"]]
        made = [one for one in task["attempts"] if one["provider"] == job["provider"]]
        named = {name for one in made for name in one.get("provider_job", {}).get("ids", [])}
        if job["job_id"] not in named:
            unnamed[task["_id"], job["provider"]] += 1
    for task in tasks:
        for provider in PROVIDERS:
            made = [one for one in task["attempts"] if one["provider"] == provider]
            # A call that answers with the picture has no job to name: the attempt is its account.
            answered = len(made) if provider in {"gemini", "openrouter"} else 0
            suspected = sum(one.get("unaccounted", 0) for one in made)
            jobs = unnamed[task["_id"], provider]
            assert jobs <= answered + suspected, f"{task['_id']}: {jobs} jobs of {provider} without attempt"
