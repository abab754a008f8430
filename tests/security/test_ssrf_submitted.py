"""Addresses that lead inside, submitted to an installation that is not for local development."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from tests.contract.aigenway.client import IMAGE, TEXT
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack
from tests.security.ssrf_table import ONLY_WHEN_SUBMITTED, WRITTEN

SETTINGS = {"HATCHERY_LOCAL_DEVELOPMENT": "false", "HATCHERY_PUBLIC_URL": "https://hatchery.example.org"}
AT_ONCE = 16

EGGAPI = (400, "VALIDATION_ERROR")
AIGENWAY = (400, "invalid_request")
AIGENWAY_PARAMS = (422, "invalid_parameters")
OPENAI = (400, "invalid_request_error")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request names an address."""

    path: str
    body: Callable[[str], dict[str, Any]]
    answer: tuple[int, str]
    """Status and code of the dialect's error."""


def _egg(field: str, several: bool = False) -> Place:
    def body(url: str) -> dict[str, Any]:
        return {"model": "nanobanana", "prompt": "a hen", field: [url] if several else url}

    return Place("/v1/generate", body, EGGAPI)


def _message(url: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


def _aigenway(target: dict[str, str], answer: tuple[int, str], **fields: Callable[[str], Any]) -> Place:
    def body(url: str) -> dict[str, Any]:
        params = {name: value(url) for name, value in fields.items() if name != "callback_url"}
        own = {"callback_url": fields["callback_url"](url)} if "callback_url" in fields else {}
        return {**target, "params": {"prompt": "a hen", **params}, **own}

    return Place("/v1/generations", body, answer)


PLACES = {
    "eggapi webhook": _egg("webhook_url"),
    "eggapi image": _egg("image_url"),
    "eggapi images": _egg("image_urls", several=True),
    "aigenway callback": _aigenway(IMAGE, AIGENWAY, callback_url=str),
    "aigenway image": _aigenway(
        {**IMAGE, "method": "image_edit"}, AIGENWAY_PARAMS, input_images=lambda url: [url]
    ),
    "aigenway conversation": _aigenway(TEXT, AIGENWAY_PARAMS, messages=_message),
    "openai chat": Place(
        "/api/v1/chat/completions", lambda url: {"model": "openai/gpt-5", "messages": _message(url)}, OPENAI
    ),
    "endpoint": Place("/v1/webhooks", lambda url: {"url": url}, AIGENWAY_PARAMS),
}


@pytest_asyncio.fixture(scope="module")
async def strict(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    stack = Stack(servers, simulator_process.url, tmp_path_factory.mktemp("strict"), SETTINGS)
    await stack.open()
    await stack.start("api")
    yield stack
    await stack.close()


def submitted() -> list[tuple[str, str]]:
    """Addresses and what is said of them."""
    return [(row.submitted(), row.said) for row in WRITTEN] + list(ONLY_WHEN_SUBMITTED)


def _verdict(answer: httpx.Response) -> tuple[int, str]:
    error = answer.json().get("error") or {}
    return answer.status_code, str(error.get("code") or error.get("type"))


@pytest.mark.parametrize("name", PLACES)
async def test_an_address_that_leads_inside_is_refused_in_the_words_of_the_dialect(
    name: str, strict: Stack
) -> None:
    place = PLACES[name]
    async with await strict.customer() as customer:
        places = asyncio.Semaphore(AT_ONCE)

        async def submit(url: str) -> httpx.Response:
            async with places:
                return await customer.http.post(place.path, json=place.body(url))

        rows = submitted()
        answers = await asyncio.gather(*(submit(url) for url, _ in rows))
        wrong = [
            (url, answer.status_code, answer.text)
            for (url, said), answer in zip(rows, answers, strict=True)
            if _verdict(answer) != place.answer or said not in answer.text
        ]
        assert wrong == []
        owned = {"account_id": customer.account_id}
        for collection in ("tasks", "webhook_endpoints"):
            assert await strict.database[collection].count_documents(owned) == 0
        other = await submit("https://hook.invalid/hen.png")
        assert "not usable" not in other.text
        made = "webhook_endpoints" if name == "endpoint" else "tasks"
        assert await strict.database[made].count_documents(owned) == 1
