"""Addresses that clients name, on an installation that is not for local development."""

from __future__ import annotations

import pytest

from tests.harness.stack import Stack


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"webhook_url": "http://hooks.example.org/"},
            "webhook_url is not usable: The URL must start with https://",
        ),
        ({"image_url": "http://example.org/a.png"}, "image_url is not usable"),
        (
            {"image_urls": ["https://example.org/a.png", "http://example.org/a.png"]},
            "image_urls[1] is not usable",
        ),
        ({"webhook_url": "https://hooks.example.org:8443/"}, "webhook_url is not usable"),
        ({"webhook_url": "https://127.0.0.1/"}, "webhook_url is not usable"),
        ({"webhook_url": "https://[::1]/"}, "webhook_url is not usable"),
    ],
    ids=str,
)
async def test_only_https_to_public_hosts_is_taken(
    production_stack: Stack, fields: dict[str, object], words: str
) -> None:
    async with await production_stack.customer() as customer:
        answer = await customer.post(**fields)

        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
        assert words in answer.json()["error"]["message"]
        assert (await production_stack.balance(customer)).held == 0


async def test_https_addresses_are_taken(production_stack: Stack) -> None:
    async with await production_stack.customer() as customer:
        answer = await customer.post(
            webhook_url="https://hooks.example.org/egg?x=1", image_urls=["https://example.org/a.png"]
        )

        assert answer.status_code == 202
        assert answer.json()["data"]["type"] == "image_edit"
