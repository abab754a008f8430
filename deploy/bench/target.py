"""The stack to be measured: one that runs already, or one of the bench's own."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.bench.errors import BenchError
from deploy.local.parts import Options
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from deploy.local.terminal import Terminal
from shared.settings import Settings, read_settings

LOOK_EVERY_SECONDS = 0.1


@dataclass(frozen=True)
class Target:
    """Where a stack is, which processes it has, and the settings that its services read."""

    api_url: str
    simulator_url: str
    amqp_management_url: str
    ops_urls: Mapping[str, list[str]]
    pids: Mapping[str, list[int]]
    settings: Settings

    @classmethod
    def read(cls, state_dir: Path) -> Target:
        """Raises `BenchError` and `BadSettings`."""
        file = state_dir / "ready.json"
        try:
            ready: dict[str, Any] = json.loads(file.read_text())
        except FileNotFoundError:
            raise BenchError(
                f"{file} is not there: start the stack with `hatchery up --state-dir {state_dir}` "
                "and wait until it is ready, or leave --state-dir out."
            ) from None
        return cls(
            api_url=ready["api_url"],
            simulator_url=ready["simulator_url"],
            amqp_management_url=ready["amqp_management_url"],
            ops_urls=ready["ops_urls"],
            pids=ready["pids"],
            settings=read_settings(Settings, state_dir / "settings.env"),
        )


class _Steps(Terminal):
    """Shows the steps of a stack's start and end; its log stays in its files."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(Console(quiet=True))
        self._say = say

    def step(self, text: str) -> None:
        self._say(text)

    def trouble(self, text: str) -> None:
        self._say(text)

    def log_line(self, name: str, line: str) -> None:
        """Turning log lines into prose would take CPU time from what is measured."""


@asynccontextmanager
async def own_stack(
    scale: dict[str, int], say: Callable[[str], None], catalog: Mapping[str, Any] | None = None
) -> AsyncIterator[Target]:
    """A stack in a temporary directory, stopped and removed afterwards. Raises `StackError`.

    With a `catalog` all providers are simulated, whatever keys the environment holds.
    """
    with tempfile.TemporaryDirectory(prefix="hatchery-bench-", ignore_cleanup_errors=True) as folder:
        state_dir = Path(folder)
        with Ports(state_dir / "choice.json") as ports:
            port = ports.any()
        options = Options(state_dir=state_dir, port=port, scale=scale, demo=False)
        if catalog is not None:
            file = state_dir / "catalog.yaml"
            file.write_text(json.dumps(catalog))
            options = replace(options, given={"HATCHERY_CATALOG": str(file)})
        run = asyncio.create_task(Stack(options, _Steps(say)).run(), name="stack")
        try:
            while not (state_dir / "ready.json").exists():
                if run.done():
                    run.result()
                await asyncio.sleep(LOOK_EVERY_SECONDS)
            yield Target.read(state_dir)
        finally:
            run.cancel()
            await asyncio.wait([run])
    if not run.cancelled():
        run.result()
