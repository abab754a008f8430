"""Providers call back and the worker asks at once, where its own polls would come too late."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from deploy.local.servers import Servers
from tests.harness.simulator import Simulator
from tests.harness.stack import CATALOG, Stack

SELDOM = {"first_seconds": 600, "factor": 0.2, "most_seconds": 600}
"""Far longer than any test waits."""


@pytest_asyncio.fixture
async def calling(servers: Servers, simulator: Simulator, tmp_path: Path) -> AsyncIterator[Stack]:
    """Three services that poll seldom and ask to be called back."""
    catalog = yaml.safe_load(CATALOG.read_text())
    for provider in catalog["providers"].values():
        provider["poll"] = SELDOM
    chains = {"from-fal": "fal", "from-replicate": "replicate"}
    for model, provider in chains.items():
        routes = [one for one in catalog["models"]["nanobanana"]["chain"] if one["provider"] == provider]
        catalog["models"][model] = {**catalog["models"]["nanobanana"], "chain": routes}
    catalog["eggapi"] += list(chains)
    path = tmp_path / "catalog.yaml"
    path.write_text(yaml.safe_dump(catalog))
    settings = {
        "HATCHERY_CATALOG": str(path),
        "HATCHERY_PROVIDERS__FAL__CALLBACK_KEYS_URL": f"{simulator.url}/_sim/fal-jwks.json",
    }
    stack = Stack(servers, simulator.url, tmp_path, settings)
    settings["HATCHERY_HINTS_URL"] = stack.api_url
    await stack.open()
    await stack.start("api", "router", "worker", "billing")
    yield stack
    await stack.close()


@pytest.mark.parametrize("model", ["from-fal", "from-replicate"])
async def test_a_callback_brings_a_result_that_no_poll_would(
    calling: Stack, simulator: Simulator, model: str
) -> None:
    prompt = f"called back {uuid.uuid4().hex}"
    await simulator.rules(
        {"provider": "*", "when": {"prompt_contains": prompt}, "times": None, "latency_ms": 1_500}
    )
    async with await calling.customer("1") as customer:
        task = await customer.finished(await customer.submit(model=model, prompt=prompt))

    assert (task["status"], task["cost"]) == ("completed", "$0.0100")
