"""What clients send of top-ups."""

from __future__ import annotations

from typing import Any

import pytest

from services.api.errors import InvalidField
from services.api.topups.requests import TopUpRequest, is_topup_id, parse_code, parse_topup
from services.api.topups.settings import StripeSettings
from shared.ids import Prefix, new_id

HOME = "https://hatchery.example.org"


def parse(content: dict[str, Any], *, plain_http: bool = False, **settings: Any) -> TopUpRequest:
    return parse_topup(content, StripeSettings(**settings), HOME, plain_http)


def test_whole_cents_within_the_limits_are_taken() -> None:
    assert parse({"amount_usd": "25.00"}) == TopUpRequest(25_000_000_000, HOME, HOME)
    assert parse({"amount_usd": "5"}).amount == 5_000_000_000
    assert parse({"amount_usd": "10000.00"}).amount == 10_000_000_000_000
    assert parse({"amount_usd": "7.5"}).amount == 7_500_000_000


@pytest.mark.parametrize(
    "amount",
    [None, 25, 25.0, "", "25.001", "-25", "+25", " 25", "25 ", "1e2", "٢٥", "025", "$25", "NaN", "25."],
)
def test_what_is_no_plain_amount_is_refused(amount: Any) -> None:
    with pytest.raises(InvalidField, match="at most two decimals"):
        parse({"amount_usd": amount})


@pytest.mark.parametrize("amount", ["4.99", "10000.01", "0", "9999999"])
def test_amounts_beyond_the_limits_are_refused(amount: str) -> None:
    with pytest.raises(InvalidField, match="from 5 to 10000"):
        parse({"amount_usd": amount})


def test_the_page_leads_back_to_where_the_request_says_or_else_the_settings() -> None:
    asked = {"amount_usd": "25", "success_url": "https://shop.example.org/?a=1"}
    assert parse(asked, return_url="https://back.example.org") == TopUpRequest(
        25_000_000_000, "https://shop.example.org/?a=1", "https://back.example.org"
    )


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//evil.example.org",
        "https://",
        "http://x.example.org",
        "https://a b",
        "https://[x",
        7,
        "https://x.example.org/" + "a" * 2048,
    ],
)
@pytest.mark.parametrize("name", ["success_url", "cancel_url"])
def test_addresses_that_are_none_are_refused(name: str, url: Any) -> None:
    with pytest.raises(InvalidField, match=name):
        parse({"amount_usd": "25", name: url})


def test_a_developers_machine_may_do_without_encryption() -> None:
    assert parse({"amount_usd": "25", "cancel_url": "http://127.0.0.1/"}, plain_http=True).cancel_url


@pytest.mark.parametrize("code", [None, "", 7, "A" * 101])
def test_a_code_is_a_short_text(code: Any) -> None:
    with pytest.raises(InvalidField):
        parse_code({"code": code})


def test_ids_are_told_from_other_words() -> None:
    assert is_topup_id(new_id(Prefix.TOPUP))
    assert not is_topup_id("redeem")


def test_an_empty_key_is_none() -> None:
    assert StripeSettings(secret_key="").key is None
    assert StripeSettings(secret_key="sk_test").key is not None
