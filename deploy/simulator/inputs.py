"""Fetches the images a caller wants edited, from this machine only."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import aiohttp

from deploy.simulator.jobs import Job, Problem
from deploy.simulator.loopback import on_loopback
from deploy.simulator.render import GREY_STAND_IN, thumbnail

_TIMEOUT = aiohttp.ClientTimeout(total=2)


@dataclass(frozen=True, slots=True)
class BadInput:
    """An input image that cannot be used. `answered`: HTTP status of its host, None when it is no image."""

    index: int
    url: str
    answered: int | None


class InputImages:
    """Gives jobs the thumbnails of their input images in the background."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Task[None]] = set()

    def fetch_for(self, job: Job, urls: Sequence[str], explain: Callable[[BadInput], Problem]) -> None:
        """Start fetching. The job stays unfinished until it is done; a bad image becomes its problem."""
        if not urls:
            return
        job.fetching = True
        task = asyncio.create_task(self._fetch_all(job, urls, explain))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        if self._session is not None:
            await self._session.close()

    async def read(self, urls: Sequence[str]) -> tuple[bytes, ...] | BadInput:
        """The thumbnails of the images, or the first image that cannot be used."""
        results = await asyncio.gather(*(self._fetch(index, url) for index, url in enumerate(urls)))
        bad = next((result for result in results if isinstance(result, BadInput)), None)
        return bad or tuple(result for result in results if isinstance(result, bytes))

    async def _fetch_all(self, job: Job, urls: Sequence[str], explain: Callable[[BadInput], Problem]) -> None:
        results = await asyncio.gather(*(self._fetch(index, url) for index, url in enumerate(urls)))
        job.thumbnails = tuple(result for result in results if isinstance(result, bytes))
        bad = next((result for result in results if isinstance(result, BadInput)), None)
        if bad is not None and job.problem is None:
            job.problem = explain(bad)
        job.fetching = False

    async def _fetch(self, index: int, url: str) -> bytes | BadInput:
        try:
            data = await self._read(url)
            return GREY_STAND_IN if data is None else await asyncio.to_thread(thumbnail, data)
        except aiohttp.ClientResponseError as error:
            return BadInput(index, url, error.status)
        except (aiohttp.ClientError, TimeoutError):
            # A machine that does not answer says nothing about the image: the job goes on without it.
            return GREY_STAND_IN
        except OSError:
            return BadInput(index, url, None)

    async def _read(self, url: str) -> bytes | None:
        """The bytes behind a data URI or a loopback URL; None for any other address."""
        if url.startswith("data:"):
            return _data_uri(url)
        if not on_loopback(url):
            return None
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        # Local stacks sign their own certificates, and nothing but this machine is asked.
        async with self._session.get(url, ssl=False, allow_redirects=False) as response:
            response.raise_for_status()
            return await response.read() if response.status == 200 else None


def _data_uri(uri: str) -> bytes:
    head, _, payload = uri.partition(",")
    if not head.endswith(";base64"):
        raise OSError("only base64 data URIs hold images")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise OSError(str(error)) from error
