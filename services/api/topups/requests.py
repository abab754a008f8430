"""What clients send of top-ups, checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from services.api.errors import InvalidField
from services.api.topups.settings import StripeSettings
from shared.money import nano_from_usd

_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,6})(\.[0-9]{1,2})?")
_MOST_URL: Final = 2048
_ID: Final = re.compile(r"top_[0-9a-z]{26}")
_UNPRINTABLE: Final = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class TopUpRequest:
    """Nano-USD, and where the payment page leads to."""

    amount: int
    success_url: str
    cancel_url: str


def parse_topup(
    content: Mapping[str, Any], settings: StripeSettings, home: str, plain_http: bool
) -> TopUpRequest:
    """`{"amount_usd": "25.00", "success_url"?, "cancel_url"?}`. Raises InvalidField."""
    amount = content.get("amount_usd")
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        raise InvalidField('amount_usd must be a text with at most two decimals, such as "25.00"')
    if not settings.minimum_usd <= Decimal(amount) <= settings.maximum_usd:
        raise InvalidField(f"amount_usd must be from {settings.minimum_usd} to {settings.maximum_usd}")
    back = settings.return_url or home
    return TopUpRequest(
        nano_from_usd(amount),
        _url(content, "success_url", plain_http) or back,
        _url(content, "cancel_url", plain_http) or back,
    )


def _url(content: Mapping[str, Any], name: str, plain_http: bool) -> str | None:
    value = content.get(name)
    if value is None:
        return None
    schemes = {"https", "http"} if plain_http else {"https"}
    wrong = InvalidField(f"{name} must be an https address of at most {_MOST_URL} characters")
    if not isinstance(value, str) or len(value) > _MOST_URL or _UNPRINTABLE.search(value):
        raise wrong
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise wrong from error
    if parts.scheme not in schemes or not parts.hostname:
        raise wrong
    return value


def parse_code(content: Mapping[str, Any]) -> str:
    """`{"code": "…"}`. Raises InvalidField."""
    code = content.get("code")
    if not isinstance(code, str) or not 0 < len(code) <= 100:
        raise InvalidField("code must be a text of 1 to 100 characters")
    return code


def is_topup_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None
