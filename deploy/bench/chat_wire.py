"""As little HTTP/1.1 as a load generator needs: it shares the machine with what it measures."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

from yarl import URL

from deploy.bench.chat_messages import Gateway
from deploy.bench.errors import BenchError

PROMPT = "Say in one sentence why hens cross roads."
READ_SECONDS = 60.0
LONGEST_LINE = 1024 * 1024
_TEXT = re.compile(rb'"content": ?"[^"]')
_DONE = b"data: [DONE]"


class BadAnswer(Exception):
    """An answer that is none; the message tells what came."""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds from the request to the first piece of text and to the end."""

    first: float
    whole: float


class Caller:
    """One client with one connection, which is opened again after trouble."""

    def __init__(self, gateway: Gateway, *, stream: bool) -> None:
        url = URL(gateway.url)
        if url.scheme != "http" or url.host is None or url.port is None:
            raise BenchError(f"{gateway.url} is not usable: the load generator speaks plain http only.")
        self._host, self._port = url.host, url.port
        self._stream = stream
        self._request = _request(url, gateway, stream=stream)
        self._pipes: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._drop()

    async def ask(self) -> Times:
        """One completion. Raises BadAnswer."""
        try:
            async with asyncio.timeout(READ_SECONDS):
                reader, writer = await self._connected()
                began = time.perf_counter()
                writer.write(self._request)
                return await self._read(reader, began)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
            self._drop()
            raise BadAnswer(f"{type(error).__name__}: {error}") from error
        except BadAnswer:
            self._drop()
            raise

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._pipes is None:
            self._pipes = await asyncio.open_connection(self._host, self._port, limit=LONGEST_LINE)
        return self._pipes

    async def _read(self, reader: asyncio.StreamReader, began: float) -> Times:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        first, body = 0.0, bytearray()
        async for piece in _pieces(reader, head):
            body += piece
            if not first and _TEXT.search(body):
                first = time.perf_counter()
        ended = time.perf_counter()
        status = int(head.split(b" ", 2)[1])
        complete = _DONE in body[-len(_DONE) - 8 :] if self._stream else b'"choices"' in body
        if status != 200 or not first or not complete:
            raise BadAnswer(f"{status}: {body[:300].decode(errors='replace')}")
        if b"connection: close" in head:
            self._drop()
        return Times((first - began) * 1000, (ended - began) * 1000)

    def _drop(self) -> None:
        if self._pipes is not None:
            self._pipes[1].close()
            self._pipes = None


def _request(url: URL, gateway: Gateway, *, stream: bool) -> bytes:
    document = {"model": gateway.model, "messages": [{"role": "user", "content": PROMPT}]}
    body = json.dumps({**document, "stream": True} if stream else document).encode()
    head = (
        f"POST {(url / 'chat/completions').raw_path} HTTP/1.1\r\n"
        f"Host: {url.host}:{url.port}\r\n"
        f"Authorization: Bearer {gateway.key}\r\n"
        f"Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _pieces(reader: asyncio.StreamReader, head: bytes) -> AsyncIterator[bytes]:
    """The body as it comes."""
    length = re.search(rb"\r\ncontent-length: *([0-9]+)", head)
    if length is not None:
        yield await reader.readexactly(int(length[1]))
        return
    if b"\r\ntransfer-encoding: chunked" not in head:
        raise BadAnswer("a response without a length")
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
