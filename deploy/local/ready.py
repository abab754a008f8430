"""`ready.json`: where everything is, for scripts and tests."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from deploy.local.account import Account
from deploy.local.parts import Parts
from deploy.local.services import ROLES, Service
from deploy.local.state import StateDirectory

NAME = "ready.json"


class ReadyFile:
    """Written once the stack is ready, again whenever a process changes, removed when it stops."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._published: tuple[Parts, Account] | None = None

    def publish(self, parts: Parts, account: Account) -> None:
        self._published = parts, account
        self.update()

    def update(self) -> None:
        """Make the file true again; nothing before `publish` and after `remove`."""
        if self._published is not None:
            self._state.write(NAME, ready_content(*self._published))

    def remove(self) -> None:
        self._published = None
        self._state.remove(NAME)


def ready_content(parts: Parts, account: Account) -> dict[str, Any]:
    servers = parts.servers
    s3 = asdict(servers.s3)
    services = {role: [service for service in parts.services if service.role == role] for role in ROLES}
    return {
        "api_url": parts.api_url,
        "api_key": account.api_key,
        "account_id": account.account_id,
        "webhook_secret": account.webhook_secret,
        "mongo_url": servers.mongo_url,
        "amqp_url": servers.amqp_url,
        "amqp_management_url": servers.amqp_management_url,
        "s3": {key: s3[key] for key in ("endpoint", "bucket", "access_key", "secret_key")},
        "simulator_url": parts.simulator.url,
        "ops_urls": {role: [service.ops_url for service in members] for role, members in services.items()},
        "pids": {
            **{role: _pids(members) for role, members in services.items()},
            "simulator": parts.simulator.pids,
            **servers.pids,
        },
    }


def _pids(members: list[Service]) -> list[int]:
    return [pid for member in members for pid in member.pids]
