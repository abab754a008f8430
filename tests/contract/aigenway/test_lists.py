"""`/v1/methods`, `/v1/prices` and `/v1/balance`."""

from __future__ import annotations

import uuid

import jsonschema
import pytest

from tests.contract.aigenway.client import EMBEDDING, GPT, IMAGE, KLING, TEXT, VEO, AigenwayCustomer
from tests.harness.simulator import Simulator


async def test_methods_tell_their_parameters_as_json_schemas(customer: AigenwayCustomer) -> None:
    items = (await customer.http.get("/v1/methods")).json()["items"]

    found = {(item["provider"], item["model"], item["method"]): item for item in items}
    for item in items:
        jsonschema.Draft202012Validator.check_schema(item["params_schema"])
    for target in (IMAGE, GPT, VEO, KLING, TEXT, EMBEDDING):
        assert tuple(target.values()) in found
    image = found[tuple(IMAGE.values())]
    assert list(image) == ["provider", "model", "method", "modes", "params_schema", "pricing_type"]
    assert (image["modes"], image["pricing_type"]) == (["ASYNC"], "PER_IMAGE")
    assert image["params_schema"]["required"] == ["prompt"]
    assert image["params_schema"]["properties"]["resolution"] == {
        "title": "resolution",
        "type": "string",
        "description": "How large the images are",
        "enum": ["0.5K", "1K", "2K", "4K"],
        "default": "1K",
        "x-bundle-dimension": "resolution",
    }
    assert found[tuple(TEXT.values())]["modes"] == ["SYNC"]


async def test_prices_come_in_pages(customer: AigenwayCustomer) -> None:
    whole = (await customer.http.get("/v1/prices?pageSize=100")).json()
    first = (await customer.http.get("/v1/prices?pageSize=7")).json()
    second = (await customer.http.get("/v1/prices?pageSize=7&page=2")).json()
    beyond = (await customer.http.get("/v1/prices?pageSize=100&page=99")).json()

    assert whole["total"] == first["total"] == beyond["total"] > 50
    assert first["items"] + second["items"] == whole["items"][:14]
    assert (first["page"], first["pageSize"], second["page"]) == (1, 7, 2)
    assert beyond["items"] == []
    assert (await customer.http.get("/v1/prices?pageSize=5000")).json()["pageSize"] == 100
    assert (await customer.http.get("/v1/prices")).json()["pageSize"] == 50


@pytest.mark.parametrize(
    ("provider", "item"),
    [
        (
            "kling_ai",
            {
                **KLING,
                "pricing_type": "PER_SECOND",
                "bundle": {"mode": "pro", "resolution": "1080p", "duration": 5},
                "amount": "9800000",
                "currency": "USD",
            },
        ),
        (
            "google_banana",
            {
                **TEXT,
                "pricing_type": "PER_TOKEN",
                "bundle": {"tokens": "output", "per": 1_000_000},
                "amount": "250000000",
                "currency": "USD",
            },
        ),
    ],
)
async def test_a_price_is_told_in_units(
    customer: AigenwayCustomer, provider: str, item: dict[str, object]
) -> None:
    assert item in (await customer.http.get(f"/v1/prices?provider={provider}")).json()["items"]


async def test_the_balance_shows_what_is_held(simulator: Simulator, customer: AigenwayCustomer) -> None:
    prompt = f"held up {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "times": None, "latency_ms": 600_000}
    )
    task_id = await customer.queued(IMAGE, params={"prompt": prompt})

    assert (await customer.http.get("/v1/balance")).json() == {
        "balance": "2000000000",
        "held": "12000000",
        "available": "1988000000",
        "currency": "USD",
    }
    await customer.http.post(f"/v1/tasks/{task_id}/cancel")
    await customer.finished(task_id)
    assert (await customer.http.get("/v1/balance")).json()["available"] == "2000000000"
