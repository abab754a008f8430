"""How each dialect says that a spend cap is reached: its code for too little money, and our words."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ledger.caps import Per, next_begin
from shared.ledger.limits import SpendLimits
from tests.harness.stack import Stack

EGGAPI = ("/v1/generate", {"model": "nanobanana", "prompt": "a hen"})
OPENAI = ("/api/v1/images/generations", {"model": "google/nano-banana-pro", "prompt": "a hen"})
CHAT = (
    "/api/v1/chat/completions",
    {"model": "openai/gpt-5", "messages": [{"role": "user", "content": "a hen"}]},
)
AIGENWAY = (
    "/v1/generations",
    {
        "provider": "google_banana",
        "model": "gemini-3.1-flash-image-preview",
        "method": "text_to_image",
        "params": {"prompt": "a hen"},
    },
)


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (EGGAPI, 403, "INSUFFICIENT_BALANCE"),
        (OPENAI, 402, "insufficient_credits"),
        (CHAT, 402, "insufficient_credits"),
        (AIGENWAY, 402, "insufficient_balance"),
    ],
    ids=["eggapi", "openai images", "openai chat", "aigenway"],
)
async def test_a_cap_is_told_in_the_words_of_the_dialect(
    stack: Stack, request_: tuple[str, dict[str, Any]], status: int, code: str
) -> None:
    path, body = request_
    async with await stack.customer("5") as customer:
        limits = SpendLimits(stack.ledger(), stack.clock)
        cap = await limits.impose(customer.account_id, customer.key_id, Per.MONTH, 1_000, "test")
        answer = await customer.http.post(path, json=body)

        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (status, code)
        assert error["message"] == (
            "This key's spend cap of $0.000001 a month does not cover this request: "
            f"$0.00 are spent or held in {cap.period}. "
            f"It opens again at {next_begin(Per.MONTH, cap.period)} UTC"
        )
        assert not error.get("details")
        assert await stack.database["tasks"].count_documents({"account_id": customer.account_id}) == 0


async def test_another_key_of_the_account_goes_on(stack: Stack) -> None:
    async with await stack.customer("5") as customer:
        limits = SpendLimits(stack.ledger(), stack.clock)
        await limits.impose(customer.account_id, "key_other", Per.MONTH, 1_000, "test")

        await customer.submit()
