"""The official Node client, with the example of the platform's overview ("Chat Completions")."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from tests.contract.openai_node.conftest import VARIABLE
from tests.harness.stack import Stack

SCRIPT = Path(__file__).with_name("ask.mjs")


async def test_the_node_client_gets_what_it_expects(stack: Stack) -> None:
    async with await stack.customer("1") as customer:
        process = await asyncio.create_subprocess_exec(
            "node",
            str(SCRIPT),
            os.environ[VARIABLE],
            f"{stack.api_url}/api/v1",
            env={"PATH": os.environ["PATH"], "YOUR_API_KEY": customer.key},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()

    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    assert told["said"] == told["streamed"] != ""
    assert told["images"]["status"] == "pending"
    assert told["images"]["data"] == [{"url": None, "b64_json": None}] * 2
    assert told["vectors"] == [8, 8]
    assert told["models"][0] == "openai/gpt-5"
    assert told["refused"] == {"name": "NotFoundError", "status": 404, "code": "model_not_available"}
