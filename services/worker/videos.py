"""From a provider's video to our file, without ever holding it whole."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

from services.worker.downloads import UnusableOutput, check_status
from shared.files import Files
from shared.http import ResponseTooLarge
from shared.tasks.model import OutputFile, Task
from shared.video_length import VideoLength
from shared.videos import CONTENT_TYPE, EXTENSION, HEAD_BYTES, NotAVideo, check_video

_CHUNK_BYTES = 256 * 1024


class VideoStore:
    """Takes over generated videos, piece by piece."""

    def __init__(self, session: aiohttp.ClientSession, files: Files, most_bytes: int) -> None:
        self._session = session
        self._files = files
        self._most_bytes = most_bytes

    async def keep(self, task: Task, number: int, url: str) -> OutputFile:
        """Store the video at `videos/{task}/{number}.mp4`.

        Raises UnusableOutput for what is no video, ResponseTooLarge, StorageUnavailable, and what aiohttp
        raises for a broken download.
        """
        key = f"videos/{task.id}/{number}.{EXTENSION}"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
        length = VideoLength()
        async with self._session.get(url, timeout=timeout) as response:
            check_status(response)
            size = await self._files.put_stream(key, self._checked(response, length), CONTENT_TYPE)
        return OutputFile(key=key, content_type=CONTENT_TYPE, size=size, duration_ms=length.milliseconds)

    async def _checked(self, response: aiohttp.ClientResponse, length: VideoLength) -> AsyncIterator[bytes]:
        if response.content_length is not None and response.content_length > self._most_bytes:
            raise ResponseTooLarge
        head = b""
        size = 0
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            size += len(chunk)
            if size > self._most_bytes:
                raise ResponseTooLarge
            if len(head) < HEAD_BYTES:
                head += chunk[:HEAD_BYTES]
                if size >= HEAD_BYTES:
                    _check(head)
            length.feed(chunk)
            yield chunk
        if size < HEAD_BYTES:
            _check(head)


def _check(head: bytes) -> None:
    try:
        check_video(head)
    except NotAVideo as error:
        raise UnusableOutput(error.message) from error
