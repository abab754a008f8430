"""What happens to an image when its providers fail, one situation each, over chains of up to three routes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from shared.tasks.model import Waiting
from tests.harness.catalogs import image_model, route, stack_selling
from tests.harness.eventually import eventually
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack
from tests.harness.trial import Trial

BREAKER = {"failures": 3, "window_seconds": 60, "rest_seconds": 5, "most_seconds": 5}
UNUSABLE = ("output_404", "output_html", "output_empty", "output_redirect", "output_internal")
ALONE = ("limited", "exhausted", "unclear", "troubled-polls")
PAIRS = ("busy", "stumbling", "silent", "accepted", "flapping", "broken", *UNUSABLE)
HURRIED = ("stalling", "late", "hopeless-polls")
TRIPLES = ("unavailable", "refusing", "at-fault", "down")
MODELS = {
    **{name: image_model(route("fal", name)) for name in ALONE},
    **{name: image_model(route("fal", name), route("replicate", name)) for name in PAIRS},
    **{
        name: image_model(route("fal", name, soft_deadline_seconds=2), route("replicate", name))
        for name in HURRIED
    },
    **{name: image_model(route("fal", name), route("replicate", name), route("kie")) for name in TRIPLES},
}
"""One model and its own routes for each test, so that rests and breakers of one are none of another's."""


@pytest_asyncio.fixture(scope="module")
async def failing(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """A stack whose breakers open soon and close soon."""
    providers = {name: {"breaker": BREAKER} for name in ("fal", "replicate", "kie")}
    folder = tmp_path_factory.mktemp("failing")
    async with stack_selling(MODELS, servers, simulator_process.url, folder, providers=providers) as running:
        yield running


@pytest.fixture
def prompt() -> str:
    return f"a hen {uuid.uuid4().hex}"


@pytest_asyncio.fixture
async def trial(failing: Stack, simulator: Simulator, prompt: str) -> AsyncIterator[Trial]:
    async with await failing.customer("1") as customer:
        yield Trial(failing, simulator, customer, prompt)


async def test_a_rate_limited_task_says_that_it_waits_for_its_only_route(
    failing: Stack, simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "http_429", times=1, retry_after=2))
    task_id = await trial.submit("limited")

    async def waiting() -> Waiting | None:
        return (await failing.stored(task_id)).waiting

    told = await eventually(waiting)

    assert told is not None
    assert told.reason == "rate_limit"
    task = await trial.completed(task_id, ("fal", "rate_limit"), ("fal", None))
    assert task.waiting is None
    assert task.attempt.dispatched_at >= told.until
    assert await trial.jobs() == {"fal": 1}


async def test_a_lasting_rate_limit_sends_the_task_on_without_a_wait(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "http_429", retry_after=600))

    await trial.completed(await trial.submit("busy"), ("fal", "rate_limit"), ("replicate", None))

    assert await simulator.matched() == [1]
    assert await trial.jobs() == {"replicate": 1}


async def test_one_error_500_sends_the_task_on(simulator: Simulator, trial: Trial, prompt: str) -> None:
    await simulator.rules(rule("fal", prompt, "http_500", times=1))

    await trial.completed(await trial.submit("stumbling"), ("fal", "transient"), ("replicate", None))

    assert await trial.jobs() == {"replicate": 1}


async def test_the_third_route_delivers_while_two_are_unavailable(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(
        rule("fal", prompt, "http_500", status=503), rule("replicate", prompt, "http_500", status=503)
    )

    await trial.completed(
        await trial.submit("unavailable"),
        ("fal", "transient"),
        ("replicate", "submit_ambiguous"),
        ("kie", None),
    )

    assert await simulator.matched() == [1, 1]
    assert await trial.jobs() == {"kie": 1}


async def test_after_an_unclear_hand_over_the_only_route_is_tried_once_more_and_the_orphan_listed(
    failing: Stack, simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "reset", times=1))

    task = await trial.completed(await trial.submit("unclear"), ("fal", "submit_ambiguous"), ("fal", None))

    first, second = task.attempts
    assert first.ended_at is not None
    assert second.dispatched_at - first.ended_at >= timedelta(seconds=2)
    assert (first.orphan_suspect, first.unaccounted, first.provider_job) == (True, 1, None)
    assert not second.orphan_suspect
    assert await trial.jobs() == {"fal": 2}
    assert await _orphans(failing, task.id) == [(1, "fal", "submit_ambiguous", 1, None)]


async def test_a_hand_over_without_an_answer_is_left_to_the_next_route(
    failing: Stack, simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "timeout"))

    task = await trial.completed(
        await trial.submit("silent"), ("fal", "submit_ambiguous"), ("replicate", None)
    )

    assert await trial.jobs() == {"fal": 1, "replicate": 1}
    assert await _orphans(failing, task.id) == [(1, "fal", "submit_ambiguous", 1, None)]


async def test_a_job_that_stalls_is_cancelled_and_the_next_route_delivers(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "never_finishes"))

    task = await trial.completed(await trial.submit("stalling"), ("fal", "transient"), ("replicate", None))

    first = task.attempts[0]
    assert first.ended_at is not None
    assert first.ended_at >= first.soft_deadline_at
    assert await trial.jobs() == {"fal": 1, "replicate": 1}
    states = {job["provider"]: job["state"] for job in await simulator.jobs(prompt)}
    assert states == {"fal": "cancelled", "replicate": "succeeded"}


async def test_a_late_result_is_noted_and_neither_delivered_nor_charged(
    failing: Stack, simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "late", latency_ms=4_000))
    sink = f"late-{uuid.uuid4().hex}"
    task_id = await trial.submit("late", webhook_url=simulator.sink(sink))
    delivered = await trial.completed(task_id, ("fal", "transient"), ("replicate", None))

    async def outcome() -> str | None:
        return (await failing.stored(task_id)).attempts[0].late

    assert await eventually(outcome) == "finished"
    task = await trial.completed(task_id, ("fal", "transient"), ("replicate", None))
    assert task.attempts[1].late is None
    assert (task.outputs, task.version) == (delivered.outputs, delivered.version)
    assert len(await simulator.posts(sink)) == 1
    assert await _orphans(failing, task_id) == [(1, "fal", "transient", 1, "finished")]


async def test_a_job_that_fails_after_it_was_accepted_is_made_elsewhere(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "job_fails"))

    task = await trial.completed(await trial.submit("accepted"), ("fal", "transient"), ("replicate", None))

    assert all(attempt.provider_job is not None for attempt in task.attempts)
    assert await trial.jobs() == {"fal": 1, "replicate": 1}


@pytest.mark.parametrize(
    "then",
    [
        {"fault": "poll_500", "count": 8},
        {"fault": "unknown_status", "count": 8},
        {"fault": "bad_json", "at": "poll", "count": 8},
    ],
    ids=lambda then: str(then["fault"]),
)
async def test_polls_that_go_wrong_end_no_attempt(
    simulator: Simulator, trial: Trial, prompt: str, then: dict[str, Any]
) -> None:
    await simulator.rules(rule("fal", prompt, **then))

    await trial.completed(await trial.submit("troubled-polls"), ("fal", None))

    (job,) = await simulator.jobs(prompt)
    assert job["polls"] > 8


async def test_polls_that_go_wrong_for_ever_end_an_attempt_at_its_deadline_and_not_before(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "poll_500", count=1_000_000))

    task = await trial.completed(
        await trial.submit("hopeless-polls"), ("fal", "transient"), ("replicate", None)
    )

    first = task.attempts[0]
    assert first.ended_at is not None
    assert first.ended_at >= first.soft_deadline_at
    assert await trial.jobs() == {"fal": 1, "replicate": 1}


@pytest.mark.parametrize("fault", UNUSABLE)
async def test_an_unusable_output_is_made_elsewhere(
    simulator: Simulator, trial: Trial, prompt: str, fault: str
) -> None:
    await simulator.rules(rule("fal", prompt, fault))

    await trial.completed(await trial.submit(fault), ("fal", "transient"), ("replicate", None))

    assert await trial.jobs() == {"fal": 1, "replicate": 1}


async def test_a_refused_prompt_is_taken_to_no_other_provider(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "refusal"))

    task = await trial.failed(await trial.submit("refusing"), ("fal", "policy_refusal"))

    assert task.failure is not None
    assert task.failure.error_class == "policy_refusal"
    assert task.failure.message.startswith("Content moderation: The content could not be processed")
    assert await trial.jobs() == {"fal": 1}


async def test_a_faulty_request_is_taken_to_no_other_provider(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "caller_fault"))

    task = await trial.failed(await trial.submit("at-fault"), ("fal", "caller_fault"))

    assert task.failure is not None
    assert task.failure.message == "Invalid request: Value error, the prompt is not acceptable"
    assert await trial.jobs() == {}
    assert await simulator.matched() == [1]


async def test_with_everything_down_each_route_is_tried_once_and_the_money_comes_back(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("*", prompt, "job_fails"))

    task = await trial.failed(
        await trial.submit("down"), ("fal", "transient"), ("replicate", "transient"), ("kie", "transient")
    )

    assert task.failure is not None
    assert task.failure.message == "Generation failed on every available provider"
    assert await trial.jobs() == {"fal": 1, "replicate": 1, "kie": 1}


async def test_a_rate_limit_that_does_not_end_is_met_five_times(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "http_429", retry_after=1))

    await trial.failed(await trial.submit("exhausted"), *[("fal", "rate_limit")] * 5)

    assert await simulator.matched() == [5]


async def test_a_route_that_fails_every_other_time_stays_in_use(
    failing: Stack, simulator: Simulator, prompt: str
) -> None:
    await simulator.rules(rule("fal", f"{prompt} fails", "job_fails"))
    async with await failing.customer("1") as customer:
        ids = []
        for number in range(12):
            text = f"{prompt} {'fails' if number % 2 else 'works'} {number}"
            ids.append(await customer.submit(model="flapping", prompt=text))
            await customer.finished(ids[-1])
        tasks = [await failing.stored(task_id) for task_id in ids]
        balance = await failing.balance(customer)

    assert [task.state for task in tasks] == ["completed"] * 12
    assert [len(task.attempts) for task in tasks] == [1, 2] * 6
    assert all(task.attempts[0].provider == "fal" for task in tasks)
    assert (balance.spent, balance.held) == (120_000_000, 0)
    assert await _breaker(failing, tasks[0].attempts[0].route) == {}


async def test_a_broken_route_is_left_alone_until_one_task_has_found_it_working(
    failing: Stack, simulator: Simulator, prompt: str
) -> None:
    async with await failing.customer("1") as customer:

        async def makers() -> list[str]:
            """The providers that one more task tries."""
            task_id = await customer.submit(model="broken", prompt=prompt)
            assert (await customer.finished(task_id))["status"] == "completed"
            return [attempt.provider for attempt in (await failing.stored(task_id)).attempts]

        await simulator.rules(rule("fal", prompt, "job_fails"))
        assert [await makers() for _ in range(3)] == [["fal", "replicate"]] * 3
        assert [await makers() for _ in range(2)] == [["replicate"]] * 2
        opened = await _breaker(failing, "fal:fal-ai/nano-banana-broken")
        assert opened["trips"] == 1

        await asyncio.sleep((opened["open_until"] - failing.clock.now()).total_seconds() + 0.1)
        assert await makers() == ["fal", "replicate"]
        opened = await _breaker(failing, "fal:fal-ai/nano-banana-broken")
        assert opened["trips"] == 2
        assert await makers() == ["replicate"]

        await simulator.clear_rules()
        await asyncio.sleep((opened["open_until"] - failing.clock.now()).total_seconds() + 0.1)
        assert await makers() == ["fal"]
        assert await _breaker(failing, "fal:fal-ai/nano-banana-broken") == {}

        async def is_in_use() -> bool:
            return await makers() == ["fal"]

        # Routers read of it within a second.
        assert await eventually(is_in_use, 10)


async def _breaker(stack: Stack, route: str) -> dict[str, Any]:
    """What is stored of the route's breaker; nothing while it is closed."""
    stored = await stack.database["health"].find_one({"_id": f"route:{route}"}) or {}
    return {name: stored[name] for name in ("open_until", "trips", "probe_until") if name in stored}


async def _orphans(stack: Stack, task_id: str) -> list[tuple[int, str, str, int, str | None]]:
    """What `hatchery attempts orphans` tells of the task."""
    listed = await stack.hatchery("attempts", "orphans")
    fields = ("number", "provider", "error_class", "unaccounted", "late")
    return [tuple(one[field] for field in fields) for one in listed["orphans"] if one["task_id"] == task_id]
