"""From a provider's outputs to our files: fetch, check, store."""

from __future__ import annotations

import asyncio
from functools import partial

import aiohttp
import structlog

from services.worker.downloads import FetchLimits, UnusableOutput, check_status, fetched
from services.worker.videos import VideoStore
from shared.files import Files
from shared.http import read_capped
from shared.images import ImageInfo, NotAnImage, check_image
from shared.killpoints import KillPoints
from shared.providers.base import Output
from shared.tasks.model import OutputFile, Task

log = structlog.get_logger()

TASKS_AT_ONCE = 64
"""Tasks whose files are in memory at a time; the others wait for a place, not for a connection."""
MOST_DOWNLOADS = 4 * TASKS_AT_ONCE
_NO_LIMIT_OF_ITS_OWN = aiohttp.ClientTimeout(total=None, sock_connect=10)


class OutputStore:
    """Takes over generated files. What is no image or video, or cannot be fetched, is left out."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        files: Files,
        videos: VideoStore,
        most_bytes: int,
        killpoints: KillPoints,
        limits: FetchLimits,
    ) -> None:
        self._session = session
        self._files = files
        self._videos = videos
        self._most_bytes = most_bytes
        self._killpoints = killpoints
        self._limits = limits
        self._places = asyncio.Semaphore(TASKS_AT_ONCE)

    async def keep(self, task: Task, outputs: tuple[Output, ...]) -> list[OutputFile]:
        """Store every usable output at `images/{task}/{n}.{ext}` or `videos/{task}/{n}.mp4`, n from 0.

        Never more than was asked for: the rest is nobody's. Raises UnusableOutput when none is usable and
        StorageUnavailable when the bucket is away.
        """
        wanted = outputs[: task.request.num_outputs]
        async with self._places:
            if task.kind == "video_generate":
                return await self._keep_videos(task, wanted)
            return await self._keep_images(task, wanted)

    async def _keep_videos(self, task: Task, wanted: tuple[Output, ...]) -> list[OutputFile]:
        kept: list[OutputFile] = []
        for output in wanted:
            if output.url is None:
                continue
            keep = partial(self._videos.keep, task, len(kept), output.url)
            one = await fetched(task, self._limits.video, keep)
            if one is not None:
                kept.append(one)
        self._killpoints.reach("worker.after_upload")
        if not kept:
            raise UnusableOutput
        return kept

    async def _keep_images(self, task: Task, wanted: tuple[Output, ...]) -> list[OutputFile]:
        found = await asyncio.gather(*(self._image(task, output) for output in wanted))
        usable = [one for one in found if one is not None]
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

    async def _image(self, task: Task, output: Output) -> tuple[bytes, ImageInfo] | None:
        data = output.data
        if data is None:
            data = await fetched(task, self._limits.image, partial(self._download, output.url or ""))
        if data is None:
            return None
        try:
            return data, check_image(data)
        except NotAnImage as error:
            log.warning("output unusable", task_id=task.id, reason=error.message)
            return None

    async def _download(self, url: str) -> bytes:
        async with self._session.get(url, timeout=_NO_LIMIT_OF_ITS_OWN) as response:
            check_status(response)
            return await read_capped(response, self._most_bytes, self._limits.image)
