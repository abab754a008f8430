"""Customers learn nothing of who makes what: no provider, no host, no key, no job, no upstream model."""

from __future__ import annotations

import asyncio
import base64
import re
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from deploy.local.settings import SIMULATED
from shared.providers.keys import key_ids
from tests.harness.catalogs import image_model, route, stack_selling
from tests.harness.client import Customer
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

PROVIDERS = ("fal", "replicate", "kie", "gemini")
KEYS = {name: f"{name}-secret-key-0123456789" for name in PROVIDERS}
NAMES = re.compile(
    r"\b(?:fal|replicate|kie|gemini|vertex|openrouter|openai|google|kwaivgi)(?:\b|_)", re.IGNORECASE
)
HOSTS = re.compile(
    r"queue\.|fal\.(?:ai|run|media)|replicate\.(?:com|delivery)|kie\.ai|googleapis|169\.254\.169\.254|_sim\b",
    re.IGNORECASE,
)
TALKATIVE = (
    "Fal refuses, says fal.ai: google/nano-banana-pro of Replicate "
    "(https://queue.fal.run/fal-ai/nano-banana-pro, see docs.fal.ai/errors#x, 10.1.2.3:8080) "
    "was called by {key} and by Key {key}; kie.ai, Google Gemini, OpenAI and OpenRouter.ai "
    "at api.replicate.com would refuse it too"
)
FAULTS: tuple[tuple[str | None, dict[str, Any]], ...] = (
    ("refusal", {"message": TALKATIVE}),
    ("caller_fault", {"message": TALKATIVE}),
    ("caller_fault", {"message": TALKATIVE, "at": "result"}),
    ("refusal", {}),
    ("caller_fault", {}),
    ("http_500", {}),
    ("http_429", {"retry_after": 1, "times": 1}),
    ("job_fails", {}),
    ("no_media_generated", {}),
    ("nsfw", {}),
    ("aborted", {}),
    ("output_404", {}),
    ("output_html", {}),
    ("output_internal", {}),
    ("empty_output", {}),
    (None, {}),
)
RESTING = ("quota", "credential", "model_gone")
"""After these nobody is asked for minutes."""
ALONE = {f"model-{number}": image_model(route(name)) for number, name in enumerate(PROVIDERS)}
MODELS = {
    **ALONE,
    "everyone": image_model(route("fal", "everyone"), route("replicate", "everyone"), route("kie")),
}


@dataclass(frozen=True)
class Told:
    """One thing that a customer got to see, and where."""

    where: str
    text: str


@pytest_asyncio.fixture(scope="module")
async def talkative(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """A stack that sells each provider's images on their own, and all together."""
    folder = tmp_path_factory.mktemp("talkative")
    async with _selling_everything(servers, simulator_process.url, folder, reveal=False) as running:
        yield running


@pytest_asyncio.fixture(scope="module")
async def candid(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    """The same where customers may know that fal is asked."""
    folder = tmp_path_factory.mktemp("candid")
    async with _selling_everything(servers, simulator_process.url, folder, reveal=True) as running:
        yield running


def _selling_everything(
    servers: Servers, url: str, folder: Path, *, reveal: bool
) -> AbstractAsyncContextManager[Stack]:
    """`reveal`: fal's name."""
    settings = {f"HATCHERY_PROVIDERS__{name.upper()}__KEYS": f'["{key}"]' for name, key in KEYS.items()}
    lenient: dict[str, Any] = {"breaker": {"failures": 1000}}
    providers = dict.fromkeys(PROVIDERS, lenient) | {"fal": {**lenient, "reveal": reveal}}
    return stack_selling(MODELS, servers, url, folder, providers=providers, settings=settings)


async def _orders(stack: Stack, simulator: Simulator, customer: Customer, sink: str) -> list[str]:
    """A task of every model for every fault, and of each one that goes well."""
    prompts = [f"a hen {uuid.uuid4().hex}" for _ in FAULTS]
    await simulator.rules(
        *(
            rule(name, prompt, fault, **_with_key(then, KEYS[name]))
            for prompt, (fault, then) in zip(prompts, FAULTS, strict=True)
            for name in PROVIDERS
        )
    )
    ids = await _batch(customer, [*ALONE, "everyone"], prompts, simulator.sink(sink))
    for fault in RESTING:
        await simulator.rules(rule("*", "", fault))
        ids += await _batch(customer, ALONE, ["a hen"], simulator.sink(sink))
        await stack.database["health"].delete_many({})
        # What services know of health is up to a second old.
        await asyncio.sleep(1.2)
    return ids


async def _batch(
    customer: Customer, models: Iterable[str], prompts: Iterable[str], callback_url: str
) -> list[str]:
    """A task of each model for each prompt, all at their end."""
    ids = [
        await customer.submit(model=model, prompt=prompt, webhook_url=callback_url)
        for model, prompt in product(models, prompts)
    ]
    await customer.all_finished(ids)
    return ids


def _with_key(then: dict[str, Any], key: str) -> dict[str, Any]:
    return {**then, "message": then["message"].format(key=key)} if "message" in then else then


async def _everything_told(
    simulator: Simulator, customer: Customer, sink: str, ids: Iterable[str]
) -> AsyncIterator[Told]:
    """Every answer, with its headers, and every webhook, with its own."""
    ids = list(ids)
    paths = [
        *(f"/v1/tasks/{task_id}" for task_id in ids),
        "/v1/tasks?per_page=100",
        "/v1/usage?per_page=100",
        "/v1/usage/summary",
        "/v1/tasks/gen_unknown",
    ]
    for path in paths:
        yield _answer(path, await customer.http.get(path))
    for path in (f"/v1/tasks/{ids[0]}/cancel", f"/v1/tasks/{ids[-1]}/cancel"):
        yield _answer(path, await customer.http.post(path))
    yield _answer("no such model", await customer.post(model="fail"))
    for post in await simulator.posts(sink, count=len(ids)):
        body = base64.b64decode(post["body_base64"]).decode()
        # The address of the receiver is the customer's own.
        headers = {name: value for name, value in post["headers"].items() if name.lower() != "host"}
        yield Told("webhook", f"{headers} {body}")


def _answer(where: str, answer: httpx.Response) -> Told:
    return Told(where, f"{dict(answer.headers)} {answer.text}")


async def _internals(stack: Stack, simulator: Simulator, ids: list[str]) -> set[str]:
    """What stands in our notes of these tasks and is no business of customers."""
    found = {simulator.url.partition("//")[2], *KEYS.values(), *SIMULATED.values()} - {"/fal"}
    for ids_of_keys in key_ids(stack.settings().providers).values():
        found.update(ids_of_keys)
    for task_id in ids:
        for attempt in (await stack.stored(task_id)).attempts:
            found |= {attempt.route, attempt.upstream_model}
            if attempt.provider_job is not None:
                found |= {*attempt.provider_job.ids, *attempt.provider_job.urls.values()}
    return found


def _leaks(told: Iterable[Told], internals: Iterable[str], names: re.Pattern[str]) -> Iterator[str]:
    internals = list(internals)
    for one in told:
        found = [text for text in internals if text.lower() in one.text.lower()]
        found += [match.group() for pattern in (names, HOSTS) for match in pattern.finditer(one.text)]
        if found:
            yield f"{one.where}: {found} in {one.text[-600:]}"


async def test_customers_learn_nothing_of_providers_whatever_those_say(
    talkative: Stack, simulator: Simulator
) -> None:
    sink = f"told-{uuid.uuid4().hex}"
    async with await talkative.customer("10") as customer:
        ids = await _orders(talkative, simulator, customer, sink)
        told = [one async for one in _everything_told(simulator, customer, sink, ids)]
    internals = await _internals(talkative, simulator, ids)

    tasks = [await talkative.stored(task_id) for task_id in ids]
    failures = [task.failure for task in tasks if task.failure is not None]
    words = [one.message for one in failures if one.error_class in {"policy_refusal", "caller_fault"}]
    assert sum("the provider" in one for one in words) >= 8
    assert {attempt.provider for task in tasks for attempt in task.attempts} == set(PROVIDERS)
    assert len(internals) > 60
    assert not list(_leaks(told, internals, NAMES))


async def test_where_a_provider_is_revealed_its_name_is_told_and_nothing_else(
    candid: Stack, simulator: Simulator
) -> None:
    sink = f"told-{uuid.uuid4().hex}"
    async with await candid.customer("10") as customer:
        ids = await _orders(candid, simulator, customer, sink)
        told = [one async for one in _everything_told(simulator, customer, sink, ids)]
    internals = await _internals(candid, simulator, ids)

    others = re.compile(NAMES.pattern.replace("fal|", ""), re.IGNORECASE)
    assert others.pattern != NAMES.pattern
    assert any(re.search(r"\bfal\b", one.text, re.IGNORECASE) for one in told)
    assert not list(_leaks(told, internals, others))
