"""The requests of the platform's "API Overview", sent by the real curl with prompts of our own."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest_asyncio

from tests.harness.client import Customer
from tests.harness.stack import Stack

MODELS = """\
curl https://your-domain.com/api/v1/models \\
-H "Authorization: Bearer $YOUR_API_KEY"
"""
CHAT = """\
curl https://your-domain.com/api/v1/chat/completions \\
-H "Authorization: Bearer $YOUR_API_KEY" \\
-H "Content-Type: application/json" \\
-d '{
"model": "openai/gpt-5",
"messages": [
{ "role": "user", "content": "Name three birds that nest on cliffs." }
]
}'
"""
IMAGE = """\
curl https://your-domain.com/api/v1/images/generations \\
-H "Authorization: Bearer $YOUR_API_KEY" \\
-H "Content-Type: application/json" \\
-d '{
"model": "google/nano-banana-pro",
"prompt": "A heron in a paper boat, seen from a bridge",
"size": "1024x1024"
}'
"""


@pytest_asyncio.fixture
async def run(stack: Stack) -> Any:
    customer: Customer = await stack.customer("2")

    async def send(command: str) -> tuple[int, dict[str, Any]]:
        here = command.replace("https://your-domain.com", stack.api_url)
        here = here.replace("curl ", 'curl -sS -w "\\n%{http_code}" ', 1)
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", here),
            env={"PATH": os.environ["PATH"], "NO_PROXY": "*", "YOUR_API_KEY": customer.key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        body, _, status = out.decode().rpartition("\n")
        return int(status), json.loads(body)

    async with customer:
        yield send


async def test_the_models(run: Any) -> None:
    status, body = await run(MODELS)

    assert (status, body["object"]) == (200, "list")
    assert {
        "id": "openai/gpt-5",
        "object": "model",
        "owned_by": "openrouter",
        "display_name": "GPT-5",
        "category": "chat",
        "capabilities": ["chat", "reasoning"],
        "credit_cost": 3,
    } in body["data"]


async def test_the_chat(run: Any) -> None:
    status, body = await run(CHAT)

    assert (status, body["object"], body["model"]) == (200, "chat.completion", "openai/gpt-5")
    assert body["choices"][0]["message"]["content"]


async def test_the_image(run: Any) -> None:
    status, body = await run(IMAGE)

    assert (status, body["status"], body["model"]) == (200, "pending", "google/nano-banana-pro")
    assert body["task_id"].startswith("img_")
