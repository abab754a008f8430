"""The last words of a start: addresses, the key, and requests to copy."""

from __future__ import annotations

from pathlib import Path

from deploy.local.account import Account
from deploy.local.parts import Parts
from deploy.local.terminal import Terminal


def show_banner(terminal: Terminal, *, parts: Parts, account: Account, state: Path) -> None:
    servers, s3 = parts.servers, parts.servers.s3
    terminal.table(
        "Hatchery is ready",
        [
            ("API", parts.api_url),
            ("API key", account.api_key),
            ("account", account.account_id),
            ("webhook secret", account.webhook_secret),
            ("simulated providers", parts.simulator.url),
            ("MongoDB", servers.mongo_url),
            ("RabbitMQ", servers.amqp_url),
            ("RabbitMQ management", servers.amqp_management_url),
            ("S3", f"{s3.endpoint}/{s3.bucket} (key {s3.access_key}, secret {s3.secret_key})"),
            ("logs", str(state / "logs")),
            ("for scripts", str(state / "ready.json")),
        ],
    )
    webhook_url = f"{parts.simulator.url}/_sim/sink/quickstart"
    terminal.plain(quick_start(parts.api_url, account.api_key, webhook_url))
    terminal.plain("Ctrl-C stops everything; the data stay. The log of all processes follows.\n")


def quick_start(api_url: str, api_key: str, webhook_url: str) -> str:
    """Three requests that work as they stand."""
    return f"""
# Submit; the answer carries the task's id. What arrives at the webhook: curl {webhook_url}
curl -X POST {api_url}/v1/generate \\
  -H "Authorization: Bearer {api_key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "nanobanana", "prompt": "A hen reading a newspaper", "aspect_ratio": "16:9",
       "webhook_url": "{webhook_url}"}}'

# Poll until the status is completed
curl {api_url}/v1/tasks/TASK_ID -H "Authorization: Bearer {api_key}"

# What it cost
curl {api_url}/v1/usage/summary -H "Authorization: Bearer {api_key}"
"""
