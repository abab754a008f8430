"""`hatchery webhook` and the rotation of secrets, as an operator types them."""

from __future__ import annotations

import asyncio
import io
import uuid
from datetime import UTC, datetime

import httpx
import orjson
import pytest
from rich.console import Console
from standardwebhooks import Webhook

from services.cli.listen import listen
from shared.accounts.account import Accounts
from shared.accounts.key import Keys
from shared.secrets import SecretBox, new_webhook_secret
from shared.waiting import cancel
from tests.harness.simulator import Simulator
from tests.harness.stack import Stack
from tests.integration.cli.test_commands import hatchery


async def test_deliveries_are_listed_shown_and_repeated(stack: Stack, simulator: Simulator) -> None:
    sink = uuid.uuid4().hex
    async with await stack.customer() as customer:
        task_id = await customer.submit(webhook_url=simulator.sink(sink))
        await simulator.posts(sink, 1)
        account = customer.account_id
    while True:
        _, printed = await hatchery(stack, "webhook", "deliveries", account, "--json")
        (row,) = orjson.loads(printed)["deliveries"]
        if row["state"] == "delivered":
            break

    code, printed = await hatchery(stack, "webhook", "deliveries", account, "--task", task_id)
    assert code == 0
    assert row["id"] in printed
    code, printed = await hatchery(stack, "webhook", "redeliver", row["id"])
    assert code == 0
    first, second = await simulator.posts(sink, 2)
    assert first["body_base64"] == second["body_base64"]
    code, printed = await hatchery(stack, "webhook", "show", row["id"])
    assert code == 0
    assert task_id in printed
    code, printed = await hatchery(stack, "webhook", "show", "whd_nothing")
    assert code == 1
    assert "There is no delivery whd_nothing" in printed


async def test_secrets_of_accounts_and_keys_are_replaced(own_stack: Stack) -> None:
    box = SecretBox(own_stack.settings().secrets_key.get_secret_value())
    accounts = Accounts(own_stack.database, own_stack.clock, box)
    keys = Keys(own_stack.database, own_stack.clock, own_stack.settings().key_pepper, box)
    async with await own_stack.customer() as customer:
        before = await accounts.webhook_secrets(customer.account_id)
        code, printed = await hatchery(
            own_stack, "account", "rotate-secret", customer.account_id, "--overlap", "90m", "--json"
        )
        after = await accounts.webhook_secrets(customer.account_id)
        assert code == 0
        assert orjson.loads(printed)["webhook_secret"] == after.current != before.current
        assert after.valid_at(own_stack.clock.now()) == (after.current, before.current)

        words = ("key", "rotate-webhook-secret", customer.key_id, "--overlap", "0")
        code, printed = await hatchery(own_stack, *words)
        of_key = await keys.webhook_secrets(customer.key_id)
    assert code == 0
    assert of_key is not None
    assert of_key.current in printed
    assert of_key.valid_at(own_stack.clock.now()) == (of_key.current,)


@pytest.mark.parametrize("overlap", ["8d", "-1h", "soon"])
async def test_an_overlap_is_a_span_of_at_most_a_week(own_stack: Stack, overlap: str) -> None:
    code, printed = await hatchery(own_stack, "account", "rotate-secret", "acc_1", f"--overlap={overlap}")

    assert code == 1
    assert "--overlap is 0 or a span of at most 7d" in printed


async def test_the_receiver_prints_what_verifies_and_refuses_the_rest() -> None:
    secret, printed = new_webhook_secret(), io.StringIO()
    listening = asyncio.create_task(listen(secret, 0, Console(file=printed, soft_wrap=True)))
    while True:
        await asyncio.sleep(0.01)
        if "listening on " in printed.getvalue():
            break
    url = printed.getvalue().split("listening on ")[1].strip()
    at = datetime.now(UTC)

    def headers(known: str) -> dict[str, str]:
        return {
            "webhook-id": "whd_1",
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(known).sign("whd_1", at, '{"a":1}'),
        }

    async with httpx.AsyncClient() as client:
        good = await client.post(url, content=b'{"a":1}', headers=headers(secret))
        forged = await client.post(url, content=b'{"a":1}', headers=headers(new_webhook_secret()))
        bare = await client.post(url, content=b"\xff")
    await cancel(listening)

    assert (good.status_code, forged.status_code, bare.status_code) == (204, 401, 401)
    assert "whd_1  verified" in printed.getvalue()
    assert '"a": 1' in printed.getvalue()
    assert printed.getvalue().count("refused: ") == 2
