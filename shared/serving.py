"""Serving an ASGI app on an address of our own, or on one that processes of a service share."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn

from shared.errors import HatcheryError
from shared.http_limits import HttpLimits, close_overdue

GRACE_SECONDS = 20
TICKS_BETWEEN_LOOKS = 5


class CannotListen(HatcheryError):
    """The address cannot be listened on."""


@asynccontextmanager
async def serving(
    app: Any, host: str, port: int, name: str, *, shared: bool = False, limits: HttpLimits | None = None
) -> AsyncIterator[int]:
    """Serves while the block runs; gives the port, which is a free one for port 0.

    Several processes may listen on a `shared` address; the kernel deals out the connections.

    Leaving the block takes no new requests and answers those that have begun. Raises CannotListen.
    """
    listener = _listen(host, port, shared)
    server = _Server(
        uvicorn.Config(
            app,
            http=(limits or HttpLimits()).protocol(),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_SECONDS,
            backlog=1024,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"http:{name}")
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn only sets a flag
            await asyncio.sleep(0.005)
        if task.done():
            await task
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


def _listen(host: str, port: int, shared: bool) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise CannotListen(
            f"cannot listen on {host}:{port}: {error.strerror}; "
            "set HATCHERY_HOST, HATCHERY_PORT or HATCHERY_OPS_PORT"
        ) from error
    return listener


class _Server(uvicorn.Server):
    """Leaves signals to the process, and no client the time to keep a connection for nothing."""

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        if counter % TICKS_BETWEEN_LOOKS == 0:
            close_overdue(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
