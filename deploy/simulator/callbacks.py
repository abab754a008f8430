"""Tells callers that their jobs have ended, as providers do: by a signed POST, also when nobody polls."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from deploy.simulator.jobs import Job
from deploy.simulator.loopback import on_loopback
from deploy.simulator.signing import WebhookKeys

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_RETRY_SECONDS = 0.2
# A callback does not overtake the answer to the submission that asked for it.
_HEAD_START_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `sign` makes its headers from the keys and a Unix time in seconds."""

    body: bytes
    sign: Callable[[WebhookKeys, int], dict[str, str]]
    tries: int = 1


Messages = Callable[[], Sequence[Message]]


class Callbacks:
    """Follows the jobs that are to be told of, and tells."""

    def __init__(self, keys: WebhookKeys, forged: WebhookKeys) -> None:
        self.keys = keys
        self._forged = forged
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Task[None]] = set()

    def watch(self, job: Job, url: object, *, at_end: Messages, at_start: Messages = tuple) -> None:
        """Send the messages to `url` when the job starts and ends; from now on it ends by time alone.

        Nothing happens when the rule of the job wants no callback or the URL does not lead to this machine.
        """
        if not isinstance(url, str) or not job.then.callback or not on_loopback(url):
            return
        task = asyncio.create_task(self._follow(job, url, at_start, at_end))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def forget(self) -> None:
        """Follow no job any longer."""
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        self.forget()
        if self._session is not None:
            await self._session.close()

    async def _follow(self, job: Job, url: str, at_start: Messages, at_end: Messages) -> None:
        await asyncio.sleep(_HEAD_START_SECONDS)
        while job.advance(watched=True) == "queued":
            await job.turn()
        if job.advance(watched=True) not in ("aborted", "cancelled"):
            await self._send_all(job, url, at_start())
        while job.advance(watched=True) == "running":
            await job.turn()
        await self._send_all(job, url, at_end())

    async def _send_all(self, job: Job, url: str, messages: Sequence[Message]) -> None:
        for message in messages:
            for number in range(message.tries):
                if number:
                    await asyncio.sleep(_RETRY_SECONDS)
                job.callbacks += 1
                if await self._send(job, url, message):
                    break

    async def _send(self, job: Job, url: str, message: Message) -> bool:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        keys = self._forged if job.then.callback_forged else self.keys
        headers = {"Content-Type": "application/json", **message.sign(keys, int(time.time()))}
        try:
            # Local stacks sign their own certificates, and nothing but this machine is called.
            async with self._session.post(
                url, data=message.body, headers=headers, ssl=False, allow_redirects=False
            ) as response:
                return response.status < 300
        except (aiohttp.ClientError, TimeoutError):
            # Whoever does not listen is tried again, like one that answers with an error.
            return False
