"""Our own processes: the provider simulator and the five services in the wanted numbers."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.cache import REPOSITORY
from deploy.local.errors import StackError
from deploy.local.http import answers_ok
from deploy.local.ports import HOST
from deploy.local.process import Child
from deploy.local.server import Server
from deploy.local.settings import process_environment

ROLES = ("api", "router", "worker", "billing", "notifier")
MOST_OF_A_KIND = 16
READY_SECONDS = 60.0


class ScaleError(StackError):
    """`--scale` is not understood."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"--scale {problem}. Write for instance --scale api=2,worker=3 "
            f"with names out of {', '.join(ROLES)} and numbers from 1 to {MOST_OF_A_KIND}."
        )


def parse_scale(text: str) -> dict[str, int]:
    """How many processes of each service: `api=2,worker=3` leaves the others at one."""
    scale = dict.fromkeys(ROLES, 1)
    named = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, equals, number = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise ScaleError(f"has no number in {part!r}")
        if role not in scale:
            raise ScaleError(f"names the service {role!r}, which there is not")
        if role in named:
            raise ScaleError(f"names {role} twice")
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= MOST_OF_A_KIND:
            raise ScaleError(f"asks for {number!r} of {role}")
        named.add(role)
        scale[role] = int(number)
    return scale


@dataclass(frozen=True)
class Commands:
    """How our processes are started; other ones stand in for them in tests."""

    hatchery: tuple[str, ...] = (sys.executable, "-m", "services.cli.main")
    simulator: tuple[str, ...] = (sys.executable, "-m", "deploy.simulator")


class Simulator(Server):
    """The providers that are not there."""

    stop_seconds = 1.5

    def __init__(self, commands: Commands, port: int, logs: Path, api_url: str) -> None:
        self.url = f"http://{HOST}:{port}"
        argv = [*commands.simulator, "--port", str(port), "--stripe-hook", f"{api_url}/callbacks/stripe"]
        env = process_environment({})
        child = Child("simulator", argv, log_file=logs / "simulator.log", env=env, cwd=REPOSITORY)
        super().__init__("simulator", "simulator", child)

    async def ready(self) -> None:
        await self.child.ready(lambda: answers_ok(f"{self.url}/_sim/health"), READY_SECONDS)


class Service(Server):
    """One process of one service."""

    # The api goes first, the others after it together, then simulator and servers: twenty seconds in all.
    stop_seconds = 4.0

    def __init__(
        self,
        role: str,
        number: int,
        *,
        commands: Commands,
        settings: Mapping[str, str],
        ops_port: int,
        logs: Path,
    ) -> None:
        self.role = role
        self.ops_url = f"http://{HOST}:{ops_port}"
        name = role if number == 1 else f"{role}-{number}"
        env = process_environment({**settings, "HATCHERY_OPS_PORT": str(ops_port)})
        child = Child(
            name, [*commands.hatchery, "run", role], log_file=logs / f"{name}.log", env=env, cwd=REPOSITORY
        )
        super().__init__(name, name, child)

    async def ready(self) -> None:
        await self.child.ready(lambda: answers_ok(f"{self.ops_url}/readyz"), READY_SECONDS)
