"""Every request that EggAPI's introduction, quick start and model pages show, sent by the real curl."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

import pytest

from tests.harness.client import Customer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

TASK = {"id", "status", "model", "type", "cost", "created_at"}


@dataclass(frozen=True)
class Page:
    """A command as the page shows it; host, key and addresses are the reader's own, as is the prompt."""

    command: str
    model: str
    kind: str
    cost: str
    images: int = 1
    calls_back: bool = False


PAGES = {
    "introduction, first request": Page(
        r"""
        curl -X POST https://api.eggapi.ai/v1/generate \
          -H "Authorization: Bearer YOUR_API_KEY" \
          -H "Content-Type: application/json" \
          -d '{
            "model": "nanobanana",
            "prompt": "A studio shot of a speckled egg in a tin cup on a slate shelf",
            "aspect_ratio": "16:9",
            "num_outputs": 1,
            "webhook_url": "https://webhook.site/your-webhook-id"
          }'
        """,
        model="nanobanana",
        kind="image_generate",
        cost="$0.0100",
        calls_back=True,
    ),
    "quick start, generate an image": Page(
        r"""
        curl -X POST https://api.eggapi.ai/v1/generate \
          -H "Authorization: Bearer YOUR_API_KEY" \
          -H "Content-Type: application/json" \
          -d '{
            "model": "nanobanana-pro",
            "prompt": "A tin hen with a lantern, ink and wash",
            "aspect_ratio": "16:9",
            "webhook_url": "https://webhook.site/your-webhook-id"
          }'
        """,
        model="nanobanana-pro",
        kind="image_generate",
        cost="$0.0160",
        calls_back=True,
    ),
    "quick start, poll for results": Page(
        r"""
        curl -X POST https://api.eggapi.ai/v1/generate \
          -H "Authorization: Bearer YOUR_API_KEY" \
          -H "Content-Type: application/json" \
          -d '{
            "model": "nanobanana-pro",
            "prompt": "A chick asleep on a heap of buttons",
            "aspect_ratio": "16:9",
            "webhook_url": "https://webhook.site/your-webhook-id"
          }'
        """,
        model="nanobanana-pro",
        kind="image_generate",
        cost="$0.0160",
        calls_back=True,
    ),
    "nanobanana-pro, example": Page(
        r"""
        curl -X POST https://api.eggapi.ai/v1/generate \
          -H "Authorization: Bearer YOUR_API_KEY" \
          -H "Content-Type: application/json" \
          -d '{
            "model": "nanobanana-pro",
            "prompt": "A henhouse city at dusk, paper cut style",
            "negative_prompt": "smudged, grainy",
            "aspect_ratio": "16:9",
            "resolution": "2k",
            "num_outputs": 2,
            "webhook_url": "https://webhook.site/your-webhook-id"
          }'
        """,
        model="nanobanana-pro",
        kind="image_generate",
        cost="$0.0320",
        images=2,
        calls_back=True,
    ),
    "nanobanana-pro, image editing": Page(
        r"""
        curl -X POST https://api.eggapi.ai/v1/generate \
          -H "Authorization: Bearer YOUR_API_KEY" \
          -H "Content-Type: application/json" \
          -d '{
            "model": "nanobanana-pro",
            "prompt": "Turn it into a linocut",
            "image_urls": ["https://example.com/image.jpg"]
          }'
        """,
        model="nanobanana-pro",
        kind="image_edit",
        cost="$0.0160",
    ),
}

POLL = """
    curl https://api.eggapi.ai/v1/tasks/gen_xyz789 \\
      -H "Authorization: Bearer YOUR_API_KEY"
    """
USAGE = """
    curl https://api.eggapi.ai/v1/usage/summary \\
      -H "Authorization: Bearer YOUR_API_KEY"
    """


async def curl(customer: Customer, stack: Stack, command: str, **own: str) -> tuple[int, Any]:
    """The status and the JSON that the command prints, with the reader's own values in it."""
    values = {"https://api.eggapi.ai": stack.api_url, "YOUR_API_KEY": customer.key, **own}
    for shown, real in values.items():
        command = command.replace(shown, real)
    words = shlex.split(command.replace("\\\n", " "))
    process = await asyncio.create_subprocess_exec(
        *words, "-sS", "-w", "\n%{http_code}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    body, _, status = out.decode().rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
async def test_a_request_from_the_documentation_works_as_it_is_shown(
    stack: Stack, simulator: Simulator, page: Page, request: pytest.FixtureRequest
) -> None:
    name = re.sub(r"\W+", "-", request.node.callspec.id)
    hook = simulator.sink(name)
    image = f"{simulator.url}/_sim/image/64x64.png"
    async with await stack.customer() as customer:
        status, accepted = await curl(
            customer,
            stack,
            page.command,
            **{"https://webhook.site/your-webhook-id": hook, "https://example.com/image.jpg": image},
        )

        assert (status, accepted["error"]) == (202, None)
        task = accepted["data"]
        assert task.keys() == TASK
        assert re.fullmatch(r"gen_[0-9a-z]+", task["id"])
        assert (task["status"], task["model"], task["type"]) == ("pending", page.model, page.kind)
        assert task["cost"] == "$0.00"

        await customer.finished(task["id"])
        status, polled = await curl(customer, stack, POLL, gen_xyz789=task["id"])
        done = polled["data"]
        assert (status, polled["error"], done["status"]) == (200, None, "completed")
        assert done.keys() == TASK | {"output", "started_at", "completed_at"}
        assert (done["cost"], len(done["output"]["urls"])) == (page.cost, page.images)
        assert done["output"]["url"] == done["output"]["urls"][0]

        status, usage = await curl(customer, stack, USAGE)
        expected = {"model": page.model, "total_units": page.images, "request_count": 1}
        assert (status, usage) == (200, {"data": [expected | {"total_cost": page.cost}], "error": None})
        if page.calls_back:
            (post,) = await simulator.posts(name)
            assert json.loads(base64.b64decode(post["body_base64"]))["task_id"] == task["id"]
