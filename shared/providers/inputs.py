"""Input images as bytes, fetched through the guard against internal addresses."""

from __future__ import annotations

import binascii
from base64 import b64decode
from datetime import timedelta
from typing import Final

import aiohttp

from shared.errors import HatcheryError
from shared.http import read_capped
from shared.images import NotAnImage, check_image
from shared.providers.tools import InputImage, UnusableInput

MOST_INPUT_BYTES: Final = 20 * 1024 * 1024
FETCH_LIMIT: Final = timedelta(seconds=30)


class InputImages:
    """Loads what clients name. Errors say nothing of what answered, so that nobody probes our network."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def load(self, url: str) -> InputImage:
        """The image behind an http(s) or `data:` URL. Raises UnusableInput."""
        data = _inline(url) if url.startswith("data:") else await self._fetch(url)
        try:
            return InputImage(data, check_image(data).content_type)
        except NotAnImage as error:
            raise UnusableInput("an input image is not a PNG, JPEG, WebP or GIF image") from error

    async def _fetch(self, url: str) -> bytes:
        try:
            timeout = aiohttp.ClientTimeout(total=FETCH_LIMIT.total_seconds(), sock_connect=10)
            async with self._session.get(url, timeout=timeout, allow_redirects=False) as response:
                if response.status != 200:
                    raise UnusableInput("an input image could not be fetched")
                return await read_capped(response, MOST_INPUT_BYTES, FETCH_LIMIT)
        except UnusableInput:
            raise
        except (aiohttp.ClientError, HatcheryError, OSError, TimeoutError, ValueError) as error:
            raise UnusableInput("an input image could not be fetched") from error


def _inline(url: str) -> bytes:
    head, _, encoded = url.partition(",")
    if not head.endswith(";base64") or len(encoded) > MOST_INPUT_BYTES * 4 // 3 + 4:
        raise UnusableInput("an input image is not a base64 data URL of at most 20 MB")
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnusableInput("an input image is not valid base64") from error
