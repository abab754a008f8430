"""One child process: its log file, its process group, its start and its end."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.errors import DiedEarlyError, NotReadyError, StackError

POLL_SECONDS = 0.05
LEFTOVER_SECONDS = 2.0


class Child:
    """A program that is started, and started again, with the same arguments.

    It is told to end when the supervisor dies, however that happens, so that nothing outlives a stack.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log_file: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log_file = log_file
        self._argv = [str(part) for part in argv]
        self._env = dict(os.environ if env is None else env)
        self._cwd = cwd
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        if self.pid is not None:
            raise StackError(f"{self.name} runs already as {self.pid}.")
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_dying_with_parent(),
                *self._argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )

    async def ready(self, check: Callable[[], Awaitable[bool]], within_seconds: float) -> None:
        """Return once `check` says yes; raises `DiedEarlyError` or `NotReadyError`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while not await check():
                    if self.pid is None:
                        raise DiedEarlyError(self.name, await self.exited(), self.log_file)
                    await asyncio.sleep(POLL_SECONDS)
                return
        raise NotReadyError(self.name, within_seconds, self.log_file)

    async def exited(self) -> int:
        """Wait for the end; the exit code, negative for a signal."""
        if self._process is None:
            raise StackError(f"{self.name} was never started.")
        return await self._process.wait()

    async def gone(self) -> None:
        """Wait for the end of what runs, if anything does."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self, within_seconds: float) -> bool:
        """Ask it to end, then make it; whether it ended by itself. Its own children go with it."""
        if self._process is None or self.pid is None:
            return True
        family = _descendants(self._process.pid)
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), within_seconds)
        except TimeoutError:
            self.kill()
            await self._process.wait()
            return False
        finally:
            await _end(family)
        return True

    def kill(self) -> None:
        """SIGKILL to the process and its group, at once."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)


def _dying_with_parent() -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


async def _end(family: list[psutil.Process]) -> None:
    """Helpers end by themselves a moment after their parent, as those of Erlang do; else they are killed."""
    _, left = await asyncio.to_thread(psutil.wait_procs, family, LEFTOVER_SECONDS)
    for member in left:
        with suppress(psutil.NoSuchProcess):
            member.kill()
