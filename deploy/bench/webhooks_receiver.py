"""The receivers of webhooks, in a process of their own whose CPU time counts for nobody.

`python -m deploy.bench.webhooks_receiver LIVING HANGING FAILING REFUSING` prints the ports of as many
receivers in this order, as a JSON list. Then each line that it reads is answered by a JSON document: `count`
by how many tasks each living receiver has heard of, `take` by when it heard of which task first. After `take`
it forgets them.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial
from typing import Final, cast

import uvloop

from deploy.local.ports import HOST

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TASK: Final = re.compile(rb'"task_id": ?"([^"]+)"')
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
FAILED: Final = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    """Knows when it heard of each task first; without an `answer` it leaves its callers hanging."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard: dict[str, float] = {}

    def hear(self, body: bytes, at: float) -> None:
        found = _TASK.search(body)
        if found is not None:
            self.heard.setdefault(found[1].decode(), at)


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head_end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._buffer, 0, head_end + 2)
            end = head_end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < end:
                return
            self._receiver.hear(self._buffer[head_end + 4 : end], time.time())
            self._buffer = self._buffer[end:]
            if self._transport is not None and self._receiver.answer:
                self._transport.write(self._receiver.answer)


async def _work(living: int, hanging: int, failing: int, refusing: int) -> None:
    loop = asyncio.get_running_loop()
    receivers = [Receiver(OK) for _ in range(living)]
    others = [*(Receiver(b"") for _ in range(hanging)), *(Receiver(FAILED) for _ in range(failing))]
    ports = []
    for receiver in (*receivers, *others):
        server = await loop.create_server(partial(_Connection, receiver), HOST, 0, backlog=1024)
        ports.append(server.sockets[0].getsockname()[1])
    # Taken, so that nobody else listens there, and not listened at: connections are refused.
    silent = [socket.socket() for _ in range(refusing)]
    for one in silent:
        one.bind((HOST, 0))
        ports.append(one.getsockname()[1])
    _tell(ports)
    await _answer(receivers)
    for one in silent:
        one.close()


async def _answer(receivers: Sequence[Receiver]) -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        if line.strip() == "count":
            _tell([len(receiver.heard) for receiver in receivers])
            continue
        _tell([receiver.heard for receiver in receivers])
        for receiver in receivers:
            receiver.heard = {}


def _tell(document: object) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main() -> None:
    living, hanging, failing, refusing = (int(number) for number in sys.argv[1:])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(living, hanging, failing, refusing))


if __name__ == "__main__":
    main()
