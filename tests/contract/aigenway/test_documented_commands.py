"""The commands of the platform's "Getting started", with host, key and prompts of our own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import pytest

from tests.contract.aigenway.client import AigenwayCustomer
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack

ESTIMATE = """\
curl -X POST https://api.aigenway.com/v1/estimate \\
  -H "Authorization: Bearer sk_live_..." \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "google_banana",
    "model": "gemini-3.1-flash-image-preview",
    "method": "text_to_image",
    "params": { "prompt": "a grebe on a raft" }
  }'"""
IMAGE = """\
curl -X POST https://api.aigenway.com/v1/generations \\
  -H "Authorization: Bearer sk_live_..." \\
  -H "Idempotency-Key: $(uuidgen)" \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "google_banana",
    "model": "gemini-3.1-flash-image-preview",
    "method": "text_to_image",
    "params": { "prompt": "a grebe on a raft" },
    "coupon": "WELCOME10",
    "callback_url": "https://your-host.example.com/webhooks/aigenway"
  }'"""
TEXT = """\
curl -X POST https://api.aigenway.com/v1/generations \\
  -H "Authorization: Bearer sk_live_..." \\
  -H "Idempotency-Key: $(uuidgen)" \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "google_banana",
    "model": "gemini-2.5-flash",
    "method": "text_generation",
    "params": {
      "prompt": "Назови одну птицу, которая строит плавучее гнездо.",
      "temperature": 0.4,
      "max_output_tokens": 200
    }
  }'"""
EMBEDDING = """\
curl -X POST https://api.aigenway.com/v1/generations \\
  -H "Authorization: Bearer sk_live_..." \\
  -H "Idempotency-Key: $(uuidgen)" \\
  -H "Content-Type: application/json" \\
  -d '{
    "provider": "google_banana",
    "model": "text-embedding-004",
    "method": "embedding",
    "params": {
      "inputs": ["гнездо на воде", "гнездо на скале"],
      "task_type": "RETRIEVAL_DOCUMENT"
    }
  }'"""
METHODS = """\
curl https://api.aigenway.com/v1/methods?provider=google_banana \\
  -H "Authorization: Bearer sk_live_..."
"""
BALANCE = """\
curl https://api.aigenway.com/v1/balance \\
  -H "Authorization: Bearer sk_live_..."
"""
PRICES = """\
curl "https://api.aigenway.com/v1/prices?provider=google_banana&pageSize=50" \\
  -H "Authorization: Bearer sk_live_..."
"""
UUIDGEN = "uuidgen() { cat /proc/sys/kernel/random/uuid; }\n"
"""Not every machine has the program."""


async def run(stack: Stack, customer: AigenwayCustomer, command: str) -> tuple[int, dict[str, Any]]:
    """Status and body."""
    here = command.replace("https://api.aigenway.com", stack.api_url).replace("sk_live_...", customer.key)
    here = here.replace("curl ", 'curl -sS -w "\\n%{http_code}" ', 1)
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", UUIDGEN + here),
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    body, _, status = out.decode().rpartition("\n")
    return int(status), json.loads(body)


async def test_the_estimate(stack: Stack, customer: AigenwayCustomer) -> None:
    status, body = await run(stack, customer, ESTIMATE)

    assert status == 200
    assert (body["estimated_amount"], body["bundle"]) == ("12000000", {"resolution": "1K"})


@pytest.mark.usefixtures("welcome10")
async def test_the_image_with_its_webhook(
    stack: Stack, simulator: Simulator, customer: AigenwayCustomer
) -> None:
    receiver = simulator.sink(f"documented-{customer.key_id}")
    command = IMAGE.replace("https://your-host.example.com/webhooks/aigenway", receiver)

    status, body = await run(stack, customer, command)

    assert (status, body["status"]) == (202, "queued")
    assert (await customer.finished(body["task_id"]))["status"] == "SUCCEEDED"
    (post,) = await simulator.posts(f"documented-{customer.key_id}")
    assert json.loads(base64.b64decode(post["body_base64"]))["charged_amount"] == "10800000"


async def test_the_text(stack: Stack, customer: AigenwayCustomer) -> None:
    status, body = await run(stack, customer, TEXT)

    assert (status, body["status"]) == (200, "SUCCEEDED")
    assert body["result"]["text"]


async def test_the_embedding(stack: Stack, customer: AigenwayCustomer) -> None:
    status, body = await run(stack, customer, EMBEDDING)

    assert (status, body["status"]) == (200, "SUCCEEDED")
    assert [len(vector) for vector in body["meta"]["embeddings"]] == [768, 768]


@pytest.mark.parametrize("command", [METHODS, PRICES], ids=["methods", "prices"])
async def test_the_lists(stack: Stack, customer: AigenwayCustomer, command: str) -> None:
    status, body = await run(stack, customer, command)

    assert status == 200
    assert {item["provider"] for item in body["items"]} == {"google_banana"}


async def test_the_balance(stack: Stack, customer: AigenwayCustomer) -> None:
    status, body = await run(stack, customer, BALANCE)

    assert status == 200
    assert body == {
        "balance": "2000000000",
        "held": "0",
        "available": "2000000000",
        "currency": "USD",
    }
