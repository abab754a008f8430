"""One request through the public API, and its whole way through the services."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp

from deploy.local.account import Account, Cli
from deploy.local.errors import StackError
from deploy.local.terminal import Terminal

LIMIT_SECONDS = 30.0
POLL_SECONDS = 0.1
FINAL = ("completed", "failed")
SINK = "demo"
HTTP_LIMIT = aiohttp.ClientTimeout(total=10)


class DemoFailedError(StackError):
    """The demo request did not go as it should; the stack may run all the same."""


@dataclass(frozen=True)
class Demo:
    """The addresses and the account that the request uses."""

    api_url: str
    simulator_url: str
    account: Account
    cli: Cli

    async def run(self, terminal: Terminal) -> None:
        """Raises `DemoFailedError`."""
        try:
            async with asyncio.timeout(LIMIT_SECONDS):
                headers = {"Authorization": f"Bearer {self.account.api_key}"}
                async with aiohttp.ClientSession(headers=headers, timeout=HTTP_LIMIT) as session:
                    task_id = await self._submit(session)
                    terminal.step(f"Sent the demo request: task {task_id}")
                    task = await self._finished(session, task_id)
                    post = await self._webhook(session, task_id)
        except TimeoutError:
            raise DemoFailedError(f"The demo request is not finished after {LIMIT_SECONDS:.0f} s.") from None
        except aiohttp.ClientError as error:
            raise DemoFailedError(f"The demo request failed: {error}") from error
        page = await self.cli("task", "show", task_id)
        terminal.table(f"The way of {task_id}", way(task, page, post))

    async def _submit(self, session: aiohttp.ClientSession) -> str:
        body = {
            "model": "nanobanana",
            "prompt": "A hen reading a newspaper",
            "aspect_ratio": "16:9",
            "webhook_url": f"{self.simulator_url}/_sim/sink/{SINK}",
        }
        async with session.post(f"{self.api_url}/v1/generate", json=body) as response:
            if response.status != 202:
                raise DemoFailedError(
                    f"The demo request was answered with {response.status}: {await response.text()}"
                )
            return str((await response.json())["data"]["id"])

    async def _finished(self, session: aiohttp.ClientSession, task_id: str) -> dict[str, Any]:
        while True:
            async with session.get(f"{self.api_url}/v1/tasks/{task_id}") as response:
                task: dict[str, Any] = (await response.json())["data"]
            if task["status"] in FINAL:
                return task
            await asyncio.sleep(POLL_SECONDS)

    async def _webhook(self, session: aiohttp.ClientSession, task_id: str) -> dict[str, Any]:
        while True:
            async with session.get(f"{self.simulator_url}/_sim/sink/{SINK}") as response:
                posts = (await response.json())["posts"] if response.status == 200 else []
            for post in posts:
                body = json.loads(base64.b64decode(post["body_base64"]))
                if body.get("task_id") == task_id:
                    return {**body, "received_at": post["received_at"]}
            await asyncio.sleep(POLL_SECONDS)


def way(task: dict[str, Any], page: dict[str, Any], post: dict[str, Any]) -> list[tuple[str, str]]:
    """Rows of name and value: the states with the time since the first, then what came out."""
    history = page["task"]["history"]
    rows = [(_since(history[0]["at"], entry["at"]), str(entry["state"])) for entry in history]
    output = task.get("output") or {}
    rows += [("picture", url) for url in output.get("urls", [])]
    if "error" in task:
        rows.append(("error", str(task["error"])))
    rows.append(("cost", str(task["cost"])))
    rows.append(("webhook", f"{post['event']}, received {post['received_at']}"))
    return rows


def _since(first: str, at: str) -> str:
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(first)).total_seconds()
    return f"+{seconds * 1000:.0f} ms"
