"""The one place where the parts of a stack meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.ports import HOST, Ports
from deploy.local.server import Server
from deploy.local.servers import Servers
from deploy.local.services import Commands, Service, Simulator
from deploy.local.settings import as_dotenv, given_settings, service_settings
from deploy.local.state import StateDirectory


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `hatchery up` was asked for."""

    state_dir: Path
    port: int
    scale: dict[str, int]
    fresh: bool = False
    demo: bool = True
    commands: Commands = field(default_factory=Commands)
    given: dict[str, str] = field(default_factory=given_settings)
    """Settings by their variables' names; see `service_settings`."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything that runs, and what it is told."""

    api_url: str
    servers: Servers
    simulator: Simulator
    services: list[Service]
    settings: dict[str, str]

    @property
    def own(self) -> list[Simulator | Service]:
        """Our own programs, whose logs are worth reading."""
        return [self.simulator, *self.services]

    @property
    def all(self) -> list[Server]:
        return [*self.servers.all, *self.own]

    @property
    def stop_order(self) -> list[list[Server]]:
        """Groups that stop together: nobody loses what it needs to finish its work."""
        api = [service for service in self.services if service.role == "api"]
        others = [service for service in self.services if service.role != "api"]
        return [[*api], [*others], [self.simulator], [*self.servers.all]]


def build(options: Options, state: StateDirectory, ports: Ports) -> Parts:
    """Choose the ports, write `settings.env`; nothing is started."""
    logs = state.new_logs()
    servers = Servers(state.path, ports=ports)
    api_url = f"http://{HOST}:{options.port}"
    simulator = Simulator(options.commands, ports.named("simulator"), logs, api_url)
    settings = service_settings(
        servers, state.secrets(), port=options.port, simulator_url=simulator.url, given=options.given
    )
    state.write_text("settings.env", as_dotenv(settings))
    services = [
        Service(role, number, commands=options.commands, settings=settings, ops_port=ports.any(), logs=logs)
        for role, count in options.scale.items()
        for number in range(1, count + 1)
    ]
    return Parts(
        api_url=api_url,
        servers=servers,
        simulator=simulator,
        services=services,
        settings=settings,
    )
