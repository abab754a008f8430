from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError
from replicate.webhook import InvalidSignatureError

from tests.contract.simulator.callers import Replicate, jobs, picture, put_rules, set_fault

_MODEL = "google/nano-banana"


@pytest.fixture
def client(simulator: str) -> Iterator[Client]:
    made = Client(api_token="test", base_url=f"{simulator}/replicate")
    made.poll_interval = 0.01
    yield made
    made._client.close()


async def _run(client: Client, prompt: str = "a hen", **values: object) -> object:
    sent = {"prompt": prompt, **values}
    return await asyncio.to_thread(client.run, _MODEL, input=sent, use_file_output=False)


async def test_it_runs_a_model(sim: httpx.AsyncClient, client: Client) -> None:
    url = await _run(client, aspect_ratio="16:9")
    assert isinstance(url, str)
    assert (await picture(sim, url)).size == (1344, 768)


async def test_it_runs_an_edit(sim: httpx.AsyncClient, client: Client) -> None:
    url = await _run(client, image_input=[f"{sim.base_url}/_sim/image/20x20.png"])
    assert isinstance(url, str)
    assert (await picture(sim, url)).size == (1024, 1024)


async def test_it_waits_for_a_prediction_by_version(sim: httpx.AsyncClient, client: Client) -> None:
    await put_rules(sim, {"polls": 3})

    def work() -> tuple[str, str, object]:
        prediction = client.predictions.create("5c7d5dc6dd8bf75c1acaa8565735e798", {"prompt": "a hen"})
        first = prediction.status
        prediction.wait()
        return first, prediction.status, prediction.output

    first, last, output = await asyncio.to_thread(work)
    assert (first, last) == ("starting", "succeeded")
    assert isinstance(output, str)
    assert [job["polls"] for job in await jobs(sim)] == [3]


async def test_it_lists_predictions(client: Client, replicate_api: Replicate) -> None:
    created = (await replicate_api.create()).json()
    page = await asyncio.to_thread(client.predictions.list)
    assert [prediction.id for prediction in page.results] == [created["id"]]


async def test_it_cancels_a_prediction(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "never_finishes")

    def work() -> tuple[str, str]:
        prediction = client.models.predictions.create(_MODEL, {"prompt": "a hen"})
        before = prediction.status
        prediction.cancel()
        return before, prediction.status

    assert await asyncio.to_thread(work) == ("processing", "canceled")
    assert (await jobs(sim))[0]["cancelled"] is True


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [
        ("http_500", 500, "Internal server error"),
        ("http_429", 429, "Request was throttled. Expected available in 30 seconds."),
        ("quota", 402, "You have insufficient credit"),
        ("credential", 401, "You did not pass a valid authentication token"),
        ("model_gone", 404, "The requested resource could not be found."),
        ("caller_fault", 422, "- input.prompt: prompt is not acceptable"),
    ],
)
async def test_it_raises_its_own_error(
    sim: httpx.AsyncClient, client: Client, fault: str, status: int, detail: str
) -> None:
    await set_fault(sim, fault, retry_after=30)
    with pytest.raises(ReplicateError) as caught:
        await _run(client)
    assert caught.value.status == status
    assert caught.value.detail is not None
    assert caught.value.detail.startswith(detail)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("job_fails", "Director: unexpected error handling prediction"),
        ("refusal", "NSFW content detected"),
        ("no_media_generated", "No image was generated"),
        ("nsfw", "NSFW content detected"),
    ],
)
async def test_a_failed_prediction_raises_a_model_error(
    sim: httpx.AsyncClient, client: Client, fault: str, error: str
) -> None:
    await set_fault(sim, fault)
    with pytest.raises(ModelError, match=error):
        await _run(client)


async def test_a_prediction_that_fails_on_its_input_raises_a_model_error(
    sim: httpx.AsyncClient, client: Client
) -> None:
    await set_fault(sim, "caller_fault", at="result")
    with pytest.raises(ModelError, match="Input validation error:"):
        await _run(client)


async def test_it_does_not_know_that_a_prediction_can_be_aborted(
    sim: httpx.AsyncClient, client: Client
) -> None:
    await set_fault(sim, "aborted")
    with pytest.raises(ValueError, match="given=aborted"):
        await _run(client)


async def test_it_gets_nothing_once_the_data_is_removed(sim: httpx.AsyncClient, client: Client) -> None:
    await set_fault(sim, "data_removed")
    assert await _run(client) is None


async def test_it_waits_for_a_prediction_that_could_not_be_cancelled(
    sim: httpx.AsyncClient, client: Client
) -> None:
    await put_rules(sim, {"latency_ms": 300, "then": {"fault": "late"}})

    def work() -> tuple[str, object]:
        prediction = client.models.predictions.create(_MODEL, {"prompt": "a hen"})
        prediction.cancel()
        prediction.wait()
        return prediction.status, prediction.output

    status, output = await asyncio.to_thread(work)
    assert status == "succeeded"
    assert isinstance(output, str)


async def test_it_verifies_the_webhook_it_asked_for(sim: httpx.AsyncClient, client: Client) -> None:
    sink = f"{sim.base_url}/_sim/sink/replicate-client"
    await sim.delete(sink)

    def work() -> None:
        client.models.predictions.create(
            _MODEL, {"prompt": "a hen"}, webhook=sink, webhook_events_filter=["completed"]
        )

    await asyncio.to_thread(work)
    post = await _first_post(sim, sink)
    body = base64.b64decode(post["body_base64"]).decode()
    secret = await asyncio.to_thread(client.webhooks.default.secret)
    client.webhooks.validate(headers=post["headers"], body=body, secret=secret)
    with pytest.raises(InvalidSignatureError):
        client.webhooks.validate(headers=post["headers"], body=f"{body} ", secret=secret)


async def _first_post(sim: httpx.AsyncClient, sink: str) -> dict[str, Any]:
    for _ in range(500):
        posts: list[dict[str, Any]] = (await sim.get(sink)).json()["posts"]
        if posts:
            return posts[0]
        await asyncio.sleep(0.02)
    raise AssertionError("no webhook comes")


@pytest.mark.parametrize("fault", ["empty_output", "fewer_outputs"])
async def test_a_prediction_can_succeed_with_nothing(
    sim: httpx.AsyncClient, client: Client, fault: str
) -> None:
    await set_fault(sim, fault)
    assert await _run(client) == []
