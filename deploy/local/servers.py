"""The three servers together, for `hatchery up` and for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.mongod import Mongod
from deploy.local.ports import Ports
from deploy.local.rabbitmq import RabbitMQ
from deploy.local.seaweedfs import S3Access, SeaweedFS
from deploy.local.server import Server, together
from deploy.local.setup import ensure_servers


def _quiet(text: str) -> None:
    """Report nothing."""


class Servers:
    """MongoDB, RabbitMQ and S3 on free loopback ports, with data and logs below `directory`.

    Ports stay the same for as long as the object lives, and in the next run as long as they are free.
    Start it in the main thread: the servers end when the thread that started them does.
    """

    def __init__(
        self, directory: Path, *, ports: Ports | None = None, say: Callable[[str], None] = _quiet
    ) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._ports = ports or Ports(self.directory / "ports.json")
        self._owns_ports = ports is None
        programs = ensure_servers(say)
        logs = self.directory / "logs"
        self.mongod = Mongod(
            programs.mongod, self.directory / "mongod", self._ports.named("mongod"), logs / "mongod.log"
        )
        self.rabbitmq = RabbitMQ(self.directory / "rabbitmq", self._ports, logs / "rabbitmq.log")
        self.seaweedfs = SeaweedFS(programs.weed, self.directory / "s3", self._ports, logs / "s3.log")

    @property
    def all(self) -> tuple[Server, ...]:
        return (self.mongod, self.rabbitmq, self.seaweedfs)

    @property
    def mongo_url(self) -> str:
        return self.mongod.url

    @property
    def amqp_url(self) -> str:
        return self.rabbitmq.url

    @property
    def amqp_management_url(self) -> str:
        """With user and password in it."""
        return self.rabbitmq.management_url

    @property
    def s3(self) -> S3Access:
        return self.seaweedfs.access

    @property
    def pids(self) -> dict[str, list[int]]:
        return {server.name: server.pids for server in self.all}

    async def start(self) -> None:
        """Start all three at the same time; when one fails, none is left running."""
        try:
            await together("start", self.all, lambda server: server.start())
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Stop in good order, within ten seconds; the data stay."""
        await together("stop", self.all, lambda server: server.stop())
        self._release()

    async def kill(self) -> None:
        """SIGKILL to all three: the fast end for data that nobody needs again."""
        await together("kill", self.all, lambda server: server.kill())
        self._release()

    async def start_mongod(self) -> None:
        await self.mongod.start()

    async def stop_mongod(self) -> None:
        await self.mongod.stop()

    async def kill_mongod(self) -> None:
        await self.mongod.kill()

    async def start_rabbitmq(self) -> None:
        await self.rabbitmq.start()

    async def stop_rabbitmq(self) -> None:
        await self.rabbitmq.stop()

    async def kill_rabbitmq(self) -> None:
        await self.rabbitmq.kill()

    def wipe_rabbitmq(self) -> None:
        """Delete its data directory; only while it is stopped."""
        self.rabbitmq.wipe()

    async def restart_rabbitmq(self, *, wipe: bool = False) -> None:
        """SIGKILL, then a new node on the same port, without its old data when `wipe`."""
        await self.kill_rabbitmq()
        if wipe:
            self.wipe_rabbitmq()
        await self.start_rabbitmq()

    def _release(self) -> None:
        if self._owns_ports:
            self._ports.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
