"""The processes of a supervisor that was killed: they are on their way out, and the next one waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil

from deploy.local.state import StateDirectory

NAME = "processes.json"
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.1


def record(state: StateDirectory, pids: Iterable[int]) -> None:
    """Note who runs; the moment of birth tells a process from a later one with its number."""
    born = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            born[str(pid)] = psutil.Process(pid).create_time()
    state.write(NAME, born)


def forget(state: StateDirectory) -> None:
    """Everything has stopped in order."""
    state.remove(NAME)


async def end_leftovers(state: StateDirectory, say: Callable[[str], None]) -> None:
    """Return when none of the recorded processes runs any more."""
    left = [process for pid, born in (state.read(NAME) or {}).items() if (process := _same(int(pid), born))]
    if left:
        say(f"An earlier run was killed; waiting for the end of its {len(left)} processes")
        for process in await _outlast(left):
            with suppress(psutil.NoSuchProcess):
                process.kill()
    forget(state)


async def _outlast(left: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run when the patience is at its end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while left:
                await asyncio.sleep(POLL_SECONDS)
                _, left = psutil.wait_procs(left, timeout=0)
    return left


def _same(pid: int, born: float) -> psutil.Process | None:
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if process.create_time() == born and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None
