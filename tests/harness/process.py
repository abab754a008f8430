"""One of our programs as a process of its own, with its log in a file."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

STOP_SECONDS = 30


class Program:
    """A Python module being run. `env` is added to a clean environment."""

    def __init__(
        self, name: str, module: str, arguments: list[str], env: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self._command = [sys.executable, "-m", module, *arguments]
        self._env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/tmp"), **env}  # noqa: S108
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env=self._env, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
            )

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def kill(self) -> None:
        """As `kill -9`."""
        if self.alive:
            self.signal(signal.SIGKILL)
            await self.wait()

    async def stop(self) -> int:
        """SIGTERM, and the exit code; a program that does not end is killed and fails the test."""
        if not self.alive:
            return await self.wait() if self._process else 0
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                return await self.wait()
        except TimeoutError:
            await self.kill()
            raise AssertionError(f"{self.name} did not stop; its log: {self.tail()}") from None

    @property
    def armed(self) -> bool:
        """Whether it is to end itself at a kill point."""
        return "HATCHERY_KILL_POINT" in self._env

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
