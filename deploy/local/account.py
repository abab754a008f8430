"""The demo account with its key and its first money, made through the command line like any other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deploy.local.cache import REPOSITORY
from deploy.local.errors import StackError
from deploy.local.settings import process_environment
from deploy.local.state import StateDirectory

NAME = "account.json"
EMAIL = "demo@example.org"
DOLLARS = "100"
CLI_SECONDS = 30.0


@dataclass(frozen=True)
class Account:
    """What the quick start needs."""

    account_id: str
    api_key: str
    webhook_secret: str


class Cli:
    """`hatchery …` as a process of its own, answering in JSON."""

    def __init__(self, command: Sequence[str], settings: Mapping[str, str]) -> None:
        self._command = command
        self._env = process_environment(settings)

    async def __call__(self, *arguments: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *self._command, *arguments, "--json", env=self._env, cwd=REPOSITORY,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(CLI_SECONDS):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise StackError(
                f"`hatchery {' '.join(arguments)}` failed:\n{(err or out).decode(errors='replace')}"
            )
        answer: dict[str, Any] = json.loads(out)
        return answer


async def demo_account(state: StateDirectory, cli: Cli) -> tuple[Account, bool]:
    """The one kept from an earlier run, or a new one; and whether it is new."""
    kept = state.read(NAME)
    if kept is not None:
        return Account(**kept), False
    created = await cli("account", "create", "--email", EMAIL)
    key = await cli("key", "create", created["account_id"])
    await cli("topup", created["account_id"], DOLLARS)
    account = Account(
        account_id=created["account_id"], api_key=key["api_key"], webhook_secret=created["webhook_secret"]
    )
    state.write(NAME, asdict(account))
    return account, True
