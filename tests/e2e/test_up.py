"""`hatchery up` as somebody at a terminal meets it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from deploy.local.ports import Ports
from deploy.local.services import ROLES, ScaleError, parse_scale

HATCHERY_UP = (sys.executable, "-m", "services.cli.main", "up")
START_SECONDS = 120
STOP_SECONDS = 20
READY_KEYS = {
    "api_url", "api_key", "account_id", "webhook_secret", "mongo_url", "amqp_url", "amqp_management_url",
    "s3", "simulator_url", "ops_urls", "pids",
}  # fmt: skip
SERVERS = ("simulator", "mongod", "rabbitmq", "s3")


class Up:
    """One running `hatchery up`."""

    def __init__(self, process: asyncio.subprocess.Process, state_dir: Path, output: Path) -> None:
        self.process = process
        self.state_dir = state_dir
        self._output = output

    @property
    def ready_file(self) -> Path:
        return self.state_dir / "ready.json"

    @property
    def ready(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.ready_file.read_text())
        return content

    @property
    def output(self) -> str:
        return self._output.read_text()

    async def until(self, condition: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                while not condition():
                    assert self.process.returncode is None, self.output
                    await asyncio.sleep(0.1)
        except TimeoutError:
            pytest.fail(f"it does not happen:\n{self.output}")

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def stop(self) -> float:
        """SIGTERM; the seconds until the end."""
        since = time.monotonic()
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        await self.process.wait()
        return time.monotonic() - since


@asynccontextmanager
async def up(state_dir: Path, port: int, *arguments: str) -> AsyncIterator[Up]:
    """Started and, when the caller has not done so, stopped."""
    output = state_dir.with_suffix(".out")
    with output.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *(*HATCHERY_UP, "--state-dir", str(state_dir), "--port", str(port), *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=out,
            stderr=asyncio.subprocess.STDOUT,
        )
    running = Up(process, state_dir, output)
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def port(tmp_path: Path) -> int:
    """Free; let go of again, because the program under test takes it for itself."""
    with Ports(tmp_path / "chosen.json") as ports:
        return ports.any()


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


async def _status(url: str, **headers: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status


async def test_up_gets_ready_heals_and_stops_without_a_trace(tmp_path: Path, port: int) -> None:
    async with up(tmp_path / "state", port, "--scale", "worker=2") as running:
        await running.until(running.ready_file.exists)
        ready = running.ready
        assert set(ready) == READY_KEYS
        assert set(ready["s3"]) == {"endpoint", "bucket", "access_key", "secret_key"}
        assert set(ready["pids"]) == {*ROLES, *SERVERS}
        assert len(ready["pids"]["worker"]) == 2
        assert all(_runs(pid) for pids in ready["pids"].values() for pid in pids)
        assert psutil.Process(ready["pids"]["rabbitmq"][0]).name() == "beam.smp"
        assert "task.completed" in running.output
        key = f"Bearer {ready['api_key']}"
        assert await _status(f"{ready['api_url']}/v1/tasks", Authorization=key) == 200

        killed, *others = ready["pids"]["worker"]
        os.kill(killed, signal.SIGKILL)
        await running.until(lambda: len(set(running.ready["pids"]["worker"]) - {killed}) == 2)
        assert set(others) < set(running.ready["pids"]["worker"])
        assert "worker ended with code -9" in running.output

        family = running.family()
        seconds = await running.stop()
        assert seconds <= STOP_SECONDS
        assert running.process.returncode == 0
        assert not [member for member in family if _runs(member.pid)]
        assert not running.ready_file.exists()


async def test_a_second_run_keeps_the_account_and_a_fresh_one_makes_a_new_one(
    tmp_path: Path, port: int
) -> None:
    accounts = []
    for arguments in ([], [], ["--fresh"]):
        async with up(tmp_path / "state", port, "--no-demo", *arguments) as running:
            await running.until(running.ready_file.exists)
            ready = running.ready
            key = f"Bearer {ready['api_key']}"
            assert await _status(f"{ready['api_url']}/v1/tasks", Authorization=key) == 200
            accounts.append(ready["account_id"])
    first, second, fresh = accounts
    assert first == second != fresh


async def test_two_stacks_run_side_by_side_and_a_directory_or_port_in_use_is_refused(tmp_path: Path) -> None:
    with Ports(tmp_path / "chosen.json") as ports:
        one, two = ports.any(), ports.any()
    async with (
        up(tmp_path / "one", one, "--no-demo") as first,
        up(tmp_path / "two", two, "--no-demo") as second,
    ):
        await first.until(first.ready_file.exists)
        await second.until(second.ready_file.exists)
        theirs = {pid for pids in second.ready["pids"].values() for pid in pids}
        assert not theirs & {pid for pids in first.ready["pids"].values() for pid in pids}
        assert first.ready["mongo_url"] != second.ready["mongo_url"]

        await _is_refused(tmp_path / "one", two, "is in use by another `hatchery up`", tmp_path)
        await _is_refused(tmp_path / "three", one, f"Port {one} is taken", tmp_path)

        await first.stop()
        assert all(_runs(pid) for pid in theirs)


async def _is_refused(state_dir: Path, port: int, reason: str, scratch: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*HATCHERY_UP, "--state-dir", str(state_dir), "--port", str(port)),
        cwd=scratch,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 1
    assert reason in " ".join(out.decode().split())


@pytest.mark.parametrize(
    ("text", "changed"),
    [("", {}), ("worker=3", {"worker": 3}), (" api=2 , worker = 3 ", {"api": 2, "worker": 3})],
)
def test_scale_leaves_what_it_does_not_name_at_one(text: str, changed: dict[str, int]) -> None:
    assert parse_scale(text) == dict.fromkeys(ROLES, 1) | changed


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("worker", "has no number in 'worker'"),
        ("wrker=2", "names the service 'wrker'"),
        ("worker=0", "asks for '0' of worker"),
        ("worker=many", "asks for 'many' of worker"),
        ("worker=17", "asks for '17' of worker"),
        ("api=1,api=2", "names api twice"),
    ],
)
def test_a_scale_that_makes_no_sense_is_refused_with_an_example(text: str, problem: str) -> None:
    with pytest.raises(ScaleError, match=f"{problem}.*--scale api=2,worker=3"):
        parse_scale(text)
