"""Videos through the whole stack: priced by the second, passed on piece by piece."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from deploy.local.servers import Servers
from shared.ledger.verify import Verification
from tests.harness.catalogs import Model, route, stack_selling, video_model
from tests.harness.rules import rule
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack
from tests.harness.trial import Trial

SECOND = 80_000_000
"""What one costs, in nano-USD."""
MIB = 1024 * 1024
LARGE = 96 * MIB


def _veo(name: str) -> Model:
    return video_model(
        route("fal", generate=f"fal-ai/{name}", edit=f"fal-ai/{name}/image-to-video"),
        route("replicate", generate=f"google/{name}", edit=f"google/{name}"),
    )


@pytest_asyncio.fixture(scope="module")
async def filming(
    servers: Servers, simulator_process: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stack]:
    models = {"veo3.1": _veo("veo3.1"), "veo-broken": _veo("veo3.1-broken")}
    folder = tmp_path_factory.mktemp("filming")
    async with stack_selling(models, servers, simulator_process.url, folder) as running:
        yield running


@pytest.fixture
def prompt() -> str:
    return f"a hen walks {uuid.uuid4().hex}"


@pytest_asyncio.fixture
async def trial(filming: Stack, simulator: Simulator, prompt: str) -> AsyncIterator[Trial]:
    async with await filming.customer("2") as customer:
        yield Trial(filming, simulator, customer, prompt)


async def test_five_seconds_are_stored_and_charged_by_the_second(
    filming: Stack, simulator: Simulator, prompt: str
) -> None:
    async with await filming.customer("2") as customer:
        task_id = await customer.submit(model="veo3.1", prompt=prompt, duration=5)
        assert (await filming.balance(customer)).held in (0, 5 * SECOND)
        task = await customer.finished(task_id)
        balance = await filming.balance(customer)

    assert (task["status"], task["type"], task["cost"]) == ("completed", "video_generate", "$0.4000")
    assert (balance.spent, balance.held) == (5 * SECOND, 0)
    assert task["output"]["duration_seconds"] == 5
    assert task["output"]["url"].endswith(".mp4")
    async with httpx.AsyncClient() as anybody:
        file = await anybody.get(task["output"]["url"])
    assert (file.status_code, file.headers["content-type"]) == (200, "video/mp4")
    assert file.content[4:8] == b"ftyp"
    (job,) = await simulator.jobs(prompt)
    assert job["provider"] == "fal"


async def test_a_video_of_half_the_seconds_costs_half(
    filming: Stack, simulator: Simulator, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "shorter_video"))
    async with await filming.customer("2") as customer:
        task_id = await customer.submit(model="veo3.1", prompt=prompt, duration=8)
        shown = await customer.finished(task_id)
        balance = await filming.balance(customer)
        [record] = (await customer.http.get("/v1/usage")).json()["data"]["items"]
    task = await filming.stored(task_id)
    [end] = (await filming.ledger().find([f"end:{task_id}"])).values()
    report = await Verification(filming.database, filming.clock.now()).run()

    assert (task.quote.hold_nano, task.outputs[0].duration_ms) == (8 * SECOND, 4_000)
    assert (balance.spent, balance.held, task.cost_nano) == (4 * SECOND, 0, 4 * SECOND)
    assert (shown["cost"], shown["output"]["duration_seconds"]) == ("$0.3200", 4)
    assert (record["units"], record["cost"]) == (4, "$0.3200")
    assert (end.amount, end.held, end.facts["units"]) == (4 * SECOND, 8 * SECOND, 4)
    assert report.clean, report.violations


async def test_a_large_video_passes_through_the_worker_without_staying_in_it(
    filming: Stack, simulator: Simulator, trial: Trial, prompt: str
) -> None:
    async with await filming.customer("2") as other:
        # Whatever the first one makes a worker load is loaded now.
        await other.finished(await other.submit(model="veo3.1", prompt="warm up", duration=5))
    (worker,) = filming.of("worker")
    before = _peak_bytes(worker.pid, begin=True)
    await simulator.rules(rule("fal", prompt, file_bytes=LARGE))

    task = await trial.completed(await trial.submit("veo3.1", duration=5), ("fal", None), nano=5 * SECOND)

    (output,) = task.outputs
    assert output.size == LARGE
    assert _peak_bytes(worker.pid) - before < LARGE / 2


async def test_a_page_in_place_of_a_video_is_made_elsewhere(
    simulator: Simulator, trial: Trial, prompt: str
) -> None:
    await simulator.rules(rule("fal", prompt, "output_html"))

    task = await trial.completed(
        await trial.submit("veo-broken", duration=8),
        ("fal", "transient"),
        ("replicate", None),
        nano=8 * SECOND,
    )

    assert task.outputs[0].content_type == "video/mp4"
    assert await trial.jobs() == {"fal": 1, "replicate": 1}


async def test_a_video_from_nobody_costs_nothing(simulator: Simulator, trial: Trial, prompt: str) -> None:
    await simulator.rules(rule("*", prompt, "output_404"))

    await trial.failed(
        await trial.submit("veo-broken", duration=5), ("fal", "transient"), ("replicate", "transient")
    )


def _peak_bytes(pid: int, *, begin: bool = False) -> int:
    """The most memory that the process has had since the last time that this began anew."""
    process = Path("/proc") / str(pid)
    if begin:
        (process / "clear_refs").write_text("5")
    (line,) = (line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024
