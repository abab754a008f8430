"""A notifier with MongoDB and RabbitMQ, and nothing else that could take their time."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.bench.webhooks_receivers import Receivers
from deploy.local.ports import Ports
from deploy.local.server import together
from deploy.local.servers import Servers
from deploy.local.services import Commands, Service
from deploy.local.settings import as_dotenv, given_settings, service_settings
from deploy.local.state import StateDirectory
from shared.settings import Settings, read_settings


class NotifierStack:
    """Its notifier can be replaced by one that knows nothing yet."""

    def __init__(self, servers: Servers, service: Service, settings: Settings) -> None:
        self._servers = servers
        self._notifier = service
        self.settings = settings

    @property
    def pids(self) -> dict[str, list[int]]:
        pids = self._servers.pids
        return {
            "notifier": self._notifier.pids,
            "mongod": pids["mongod"],
            "rabbitmq": pids["rabbitmq"],
        }

    async def renew(self) -> None:
        """Another process, without connections and without memory of any receiver."""
        await self._notifier.kill()
        await self._notifier.start()


@asynccontextmanager
async def notifier_stack(receivers: Receivers) -> AsyncIterator[NotifierStack]:
    """In a temporary directory, which goes with it. Raises StackError."""
    with tempfile.TemporaryDirectory(prefix="hatchery-bench-", ignore_cleanup_errors=True) as folder:
        directory = Path(folder)
        with Ports(directory / "ports.json") as ports:
            servers = Servers(directory, ports=ports)
            port, ops_port = ports.any(), ports.any()
        given = service_settings(
            servers,
            StateDirectory(directory).secrets(),
            port=port,
            simulator_url=receivers.living[0],
            given=given_settings(),
        )
        file = directory / "settings.env"
        file.write_text(as_dotenv(given))
        service = Service(
            "notifier", 1, commands=Commands(), settings=given, ops_port=ops_port, logs=directory / "logs"
        )
        running = (servers.mongod, servers.rabbitmq)
        try:
            await together("start", running, lambda server: server.start())
            await service.start()
            yield NotifierStack(servers, service, read_settings(Settings, file))
        finally:
            await service.kill()
            await together("kill", running, lambda server: server.kill())
