"""From a provider's outputs to our files: fetch, check, store."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import structlog

from shared.errors import HatcheryError
from shared.files import Files
from shared.http import UnsafeAddress, read_capped
from shared.images import ImageInfo, NotAnImage, check_image
from shared.killpoints import KillPoints
from shared.providers.base import Done, Output
from shared.tasks.model import OutputFile, Task

log = structlog.get_logger()

FETCH_LIMIT = timedelta(seconds=60)
FETCH_TRIES = 3
TASKS_AT_ONCE = 64
"""Tasks whose files are in memory at a time; the others wait for a place, not for a connection."""
MOST_DOWNLOADS = 4 * TASKS_AT_ONCE


class UnusableOutput(HatcheryError):
    """The provider delivered something that is no image."""


class OutputStore:
    """Takes over generated files. What is no image, or cannot be fetched, is left out."""

    def __init__(
        self, session: aiohttp.ClientSession, files: Files, most_bytes: int, killpoints: KillPoints
    ) -> None:
        self._session = session
        self._files = files
        self._most_bytes = most_bytes
        self._killpoints = killpoints
        self._places = asyncio.Semaphore(TASKS_AT_ONCE)

    async def keep(self, task: Task, done: Done) -> list[OutputFile]:
        """Store every usable output at `images/{task}/{n}.{ext}`; n counts from 0 without gaps.

        Never more than was asked for: the rest is nobody's. Raises UnusableOutput when none is usable and
        StorageUnavailable when the bucket is away.
        """
        async with self._places:
            return await self._keep(task, done)

    async def _keep(self, task: Task, done: Done) -> list[OutputFile]:
        wanted = done.outputs[: task.request.num_outputs]
        fetched = await asyncio.gather(*(self._fetch(task, output) for output in wanted))
        usable = [one for one in fetched if one is not None]
        self._killpoints.reach("worker.after_download")
        if not usable:
            raise UnusableOutput
        stored = await asyncio.gather(
            *(self._store(task, number, data, info) for number, (data, info) in enumerate(usable))
        )
        self._killpoints.reach("worker.after_upload")
        return list(stored)

    async def _store(self, task: Task, number: int, data: bytes, info: ImageInfo) -> OutputFile:
        key = f"images/{task.id}/{number}.{info.extension}"
        await self._files.put(key, data, info.content_type)
        return OutputFile(
            key=key, content_type=info.content_type, size=len(data), width=info.width, height=info.height
        )

    async def _fetch(self, task: Task, output: Output) -> tuple[bytes, ImageInfo] | None:
        data = output.data if output.data is not None else await self._download(task, output.url or "")
        if data is None:
            return None
        try:
            return data, check_image(data)
        except NotAnImage as error:
            log.warning("output unusable", task_id=task.id, reason=error.message)
            return None

    async def _download(self, task: Task, url: str) -> bytes | None:
        for number in range(1, FETCH_TRIES + 1):
            try:
                return await self._download_once(url)
            except (UnsafeAddress, UnusableOutput) as error:
                log.warning("output refused", task_id=task.id, reason=error.message)
                return None
            except (aiohttp.ClientError, HatcheryError, OSError, TimeoutError) as error:
                log.warning("output not fetched", task_id=task.id, tried=number, reason=type(error).__name__)
            await asyncio.sleep(0.2 * number)
        return None

    async def _download_once(self, url: str) -> bytes:
        async with asyncio.timeout(FETCH_LIMIT.total_seconds()), self._session.get(url) as response:
            if response.status in {404, 410} or 300 <= response.status < 400:
                raise UnusableOutput(f"the provider's file answers {response.status}")
            response.raise_for_status()
            return await read_capped(response, self._most_bytes, FETCH_LIMIT)
